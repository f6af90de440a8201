//! What happens by the clock: once however many replicas watch, and caught up after a pause.

use chrono::{DateTime, Utc};

use super::{Job, RefreshSymbol};
use crate::app::App;
use crate::settings::Schedule;
use crate::store::{Event, NewJob, StoreError};

/// Records the jobs of every schedule that has come due since it was last taken. A schedule that was never taken
/// begins to count now.
///
/// # Errors
/// When the database fails; what came due stays due.
pub async fn run_due(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    let Some(schedule) = &app.settings.price_schedule else { return Ok(()) };
    if take(app, "prices", schedule, now).await? {
        tracing::info!(%schedule, "the daily refresh of prices was queued");
    }
    Ok(())
}

async fn take(app: &App, name: &'static str, schedule: &Schedule, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let Ok(due) = schedule.cron.find_previous_occurrence(&now, true) else { return Ok(false) };
    let due = due.timestamp_millis();
    let last = app.store.schedules().last(name).await?;
    if last.is_some_and(|last| last >= due) {
        return Ok(false);
    }
    let transaction = app.store.begin().await?;
    let ours = app.store.schedules().take(&transaction, name, due).await?;
    let mut events = Vec::new();
    // The first look only sets the mark: a new service has missed nothing.
    if ours && last.is_some() && app.providers.check_prices().is_ok() {
        let jobs = refreshes(app).await?;
        events =
            app.store.jobs().record(&transaction, &jobs).await?.iter().map(|(job, _)| Event::Job(job.id)).collect();
    }
    let queued = !events.is_empty();
    app.store.events().commit(transaction, &events).await?;
    Ok(queued)
}

async fn refreshes(app: &App) -> Result<Vec<NewJob>, StoreError> {
    let symbols = app.store.symbols().all().await?;
    let record = |id: i64| RefreshSymbol { symbol_id: id, full: false }.record(None);
    let jobs: Result<Vec<NewJob>, serde_json::Error> = symbols.iter().map(|symbol| record(symbol.id)).collect();
    jobs.map_err(|source| StoreError::Corrupt { what: "job", source })
}
