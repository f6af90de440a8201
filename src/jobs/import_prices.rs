//! Reads an uploaded CSV file of one symbol's prices.

use serde::{Deserialize, Serialize};

use super::{Done, Job, JobError, Progress};
use crate::app::App;
use crate::ingest;
use crate::providers::csv;
use crate::store::JobKind;

/// Reads an uploaded CSV file of one symbol's prices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportPrices {
    pub symbol_id: i64,
    /// Tells one upload from the next: two files are two jobs.
    pub upload: String,
}

impl Job for ImportPrices {
    const KIND: JobKind = JobKind::ImportPrices;

    fn symbol_id(&self) -> Option<i64> {
        Some(self.symbol_id)
    }

    fn dedupe_key(&self) -> String {
        format!("import:{}", self.upload)
    }

    /// Two writers of one symbol's bars never overlap.
    fn exclusive_key(&self) -> Option<String> {
        Some(format!("prices:{}", self.symbol_id))
    }

    async fn run(&self, app: &App, progress: &Progress) -> Result<Done, JobError> {
        let Some(content) = app.store.jobs().attachment(progress.job_id()).await? else {
            return Err(JobError::Pointless("The uploaded file is no longer kept; upload it again".to_owned()));
        };
        let Ok(text) = String::from_utf8(content) else {
            return Err(JobError::Pointless("The file isn't UTF-8 text; save it as CSV in UTF-8".to_owned()));
        };
        let batch = csv::batch(text)?;
        progress.tell(0, None, "Checking and storing the bars").await;
        let outcome = ingest::prices(&app.store, self.symbol_id, batch, false).await?.outcome;
        let total = outcome.added + outcome.changed + outcome.unchanged + outcome.flagged;
        progress.tell(total, Some(total), "Stored").await;
        Ok(outcome.into())
    }
}
