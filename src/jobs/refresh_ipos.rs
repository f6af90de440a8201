//! Brings the issues of one source up to date.

use serde::{Deserialize, Serialize};

use super::{Done, Job, JobError, Progress};
use crate::app::App;
use crate::ingest;
use crate::market::DataSource;
use crate::store::JobKind;

/// Brings the issues of one source up to date.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshIpos {
    pub source: DataSource,
}

impl Job for RefreshIpos {
    const KIND: JobKind = JobKind::RefreshIpos;

    fn dedupe_key(&self) -> String {
        ingest::ipo_scope(self.source)
    }

    /// Two writers of one source's issues never overlap.
    fn exclusive_key(&self) -> Option<String> {
        Some(ingest::ipo_scope(self.source))
    }

    async fn run(&self, app: &App, progress: &Progress) -> Result<Done, JobError> {
        let Some(provider) = app.providers.ipos(self.source) else {
            return Err(JobError::Pointless("This source has no IPOs to fetch".to_owned()));
        };
        progress.tell(0, None, &format!("Asking {} for its issues", provider.name())).await;
        let batch = provider.fetch().await?;
        let total = u32::try_from(batch.records.len()).unwrap_or(u32::MAX);
        progress.tell(0, Some(total), "Checking and storing the issues").await;
        let outcome = ingest::ipos(&app.store, batch).await?;
        progress.tell(total, Some(total), "Stored").await;
        Ok(outcome.into())
    }
}
