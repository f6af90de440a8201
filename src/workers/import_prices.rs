//! Reads an uploaded CSV file of one symbol's prices.

use async_recursion::async_recursion as boxed;

use super::{Done, JobError, Progress};
use crate::app::App;
use crate::ingest::{self, IngestError};
use crate::jobs::ImportPrices;
use crate::providers::files::{self, Options};

#[boxed]
pub(super) async fn run(job: &ImportPrices, app: &App, progress: &Progress) -> Result<Done, JobError> {
    let gone = || JobError::Pointless("The uploaded file is no longer kept; upload it again".to_owned());
    let (bytes, head) = app.store.jobs().attachment_head(progress.job_id()).await?.ok_or_else(gone)?;
    let _alone = app.alone_if_large(bytes, &head).await;
    let content = app.store.jobs().attachment(progress.job_id()).await?.ok_or_else(gone)?;
    let Some(symbol) = app.store.symbols().get(job.symbol_id).await? else {
        return Err(JobError::Pointless("The symbol has been removed".to_owned()));
    };
    progress.tell(0, None, "Reading the file").await;
    let options = Options { ticker: symbol.ticker, date_order: job.date_order, day: job.day };
    let read = tokio::task::spawn_blocking(move || {
        files::read(content, &options).and_then(|file| Ok((file.batch()?, file.notes)))
    });
    let (batch, notes) = read.await.map_err(IngestError::from)??;
    progress.tell(0, None, "Checking and storing the bars").await;
    let ingested = ingest::prices(&app.store, job.symbol_id, batch, false).await?;
    let outcome = ingested.outcome;
    let total = outcome.added + outcome.changed + outcome.unchanged + outcome.flagged;
    progress.tell(total, Some(total), "Stored").await;
    Ok(Done::from(outcome).noting(ingested.notes.iter().chain(&notes)))
}
