//! Brings the issues of one source up to date.

use async_recursion::async_recursion as boxed;

use super::{Done, JobError, Progress};
use crate::app::App;
use crate::ingest;
use crate::jobs::RefreshIpos;
use crate::market::{DataSource, Exchange};
use crate::providers::ProviderError;
use crate::store::now;

#[boxed]
pub(super) async fn run(job: &RefreshIpos, app: &App, progress: &Progress) -> Result<Done, JobError> {
    let Some(provider) = app.providers.ipos(job.source) else {
        return Err(JobError::Pointless("This source has no IPOs to fetch".to_owned()));
    };
    progress.tell(0, None, &format!("Asking {} for its issues", provider.name())).await;
    let batch = provider.fetch().await?;
    let total = u32::try_from(batch.records.len()).unwrap_or(u32::MAX);
    progress.tell(0, Some(total), "Checking and storing the issues").await;
    let ingested = ingest::ipos(&app.store, batch).await?;
    if job.source == DataSource::Nse {
        learn_holidays(app).await?;
    }
    progress.tell(total, Some(total), "Stored").await;
    Ok(Done::from(ingested.outcome).noting(&ingested.notes))
}

/// Names the exchange's list of holidays among its lists.
const HOLIDAYS: &str = "holidays:NSE";
/// The list is good for so long.
const HOLIDAYS_LAST_MS: i64 = 20 * 3_600_000;

/// Brings the exchange's list of holidays up to date, once a day. Without it the calendar's own lists stand.
async fn learn_holidays(app: &App) -> Result<(), JobError> {
    let days = app.store.market_days();
    if days.list_fetched(HOLIDAYS).await?.is_some_and(|at| now() - at < HOLIDAYS_LAST_MS) {
        return Ok(());
    }
    match app.providers.nse().holidays().await {
        Ok(holidays) => days.learn_holidays(Exchange::Nse, &holidays, HOLIDAYS).await?,
        Err(ProviderError::Store(error)) => return Err(error.into()),
        Err(error) => tracing::info!(%error, "the exchange's list of holidays can't be had"),
    }
    Ok(())
}
