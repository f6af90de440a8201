//! Reads an uploaded CSV file of one symbol's prices.

use serde::{Deserialize, Serialize};

use super::{Done, Job, JobError, Progress};
use crate::app::App;
use crate::ingest::{self, IngestError};
use crate::market::{DateOrder, Day};
use crate::providers::files::{self, Options};
use crate::store::JobKind;

/// Reads an uploaded CSV file of one symbol's prices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportPrices {
    pub symbol_id: i64,
    /// Tells one upload from the next: two files are two jobs.
    pub upload: String,
    /// Which number of a date comes first, where a person said so.
    #[serde(default)]
    pub date_order: Option<DateOrder>,
    /// The day of a file whose rows don't tell it.
    #[serde(default)]
    pub day: Option<Day>,
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
        let Some(symbol) = app.store.symbols().get(self.symbol_id).await? else {
            return Err(JobError::Pointless("The symbol has been removed".to_owned()));
        };
        progress.tell(0, None, "Reading the file").await;
        let options = Options { ticker: symbol.ticker, date_order: self.date_order, day: self.day };
        let read = tokio::task::spawn_blocking(move || {
            files::read(&content, &options).and_then(|file| Ok((file.batch()?, file.notes)))
        });
        let (batch, notes) = read.await.map_err(IngestError::from)??;
        progress.tell(0, None, "Checking and storing the bars").await;
        let ingested = ingest::prices(&app.store, self.symbol_id, batch, false).await?;
        let outcome = ingested.outcome;
        let total = outcome.added + outcome.changed + outcome.unchanged + outcome.flagged;
        progress.tell(total, Some(total), "Stored").await;
        Ok(Done::from(outcome).noting(ingested.notes.iter().chain(&notes)))
    }
}
