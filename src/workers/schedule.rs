//! What happens by the clock: once however many replicas watch, and caught up after a pause.

use async_recursion::async_recursion as boxed;
use chrono::{DateTime, Utc};

use crate::app::App;
use crate::jobs::{Job, RefreshIpos, RefreshMarket, RefreshSymbol};
use crate::market::day::months;
use crate::market::{DataSource, Day, Exchange};
use crate::settings::Schedule;
use crate::store::{Event, NewJob, StoreError, today_at};

/// Days that a schedule catches up on.
const LONGEST_CATCH_UP: Day = 92;

/// Records the jobs of every schedule that has come due since it was last taken. A schedule of prices that was never
/// taken begins to count now: a new service follows no symbols yet. IPOs are fetched at the first start.
///
/// # Errors
/// When the database fails; what came due stays due.
#[boxed]
pub async fn run_due(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    if let Some(schedule) = &app.settings.price_schedule
        && let Some(due) = Due::look(app, "prices", schedule, now).await?
    {
        let missed = due.missed;
        due.take(app, if missed { refreshes(app).await? } else { Vec::new() }).await?;
    }
    if let Some(schedule) = &app.settings.market_schedule
        && let Some(due) = Due::look(app, "market", schedule, now).await?
    {
        let missed = due.missed;
        due.take(app, if missed { newest_days(app).await? } else { Vec::new() }).await?;
    }
    if let Some(schedule) = &app.settings.ipo_schedule
        && let Some(due) = Due::look(app, "ipos", schedule, now).await?
    {
        due.take(app, ipo_refreshes(app)?).await?;
    }
    Ok(())
}

/// Forgets what has been kept for long enough, once its schedule has come due.
///
/// # Errors
/// When the database fails; the next run forgets the rest.
#[boxed]
pub async fn forget_due(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    let retention = &app.settings.retention;
    let Some(schedule) = &retention.schedule else { return Ok(()) };
    let Some(due) = Due::look(app, "tidy", schedule, now).await? else { return Ok(()) };
    let missed = due.missed;
    if due.take(app, Vec::new()).await? && missed {
        let forgotten = app.store.forget(retention).await?;
        tracing::info!(?forgotten, "forgot what was kept for long enough");
    }
    Ok(())
}

/// A run of a schedule that nobody has taken yet.
struct Due {
    name: &'static str,
    at: i64,
    /// Whether an earlier run was taken; else this only sets the mark.
    missed: bool,
}

impl Due {
    async fn look(
        app: &App,
        name: &'static str,
        schedule: &Schedule,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        let Ok(due) = schedule.cron.find_previous_occurrence(&now, true) else { return Ok(None) };
        let at = due.timestamp_millis();
        let last = app.store.schedules().last(name).await?;
        Ok(last.is_none_or(|last| last < at).then_some(Self { name, at, missed: last.is_some() }))
    }

    /// Records the jobs, unless another replica has taken this run, which it tells.
    async fn take(self, app: &App, jobs: Vec<NewJob>) -> Result<bool, StoreError> {
        app.store.transact(|| self.take_once(app, &jobs)).await
    }

    async fn take_once(&self, app: &App, jobs: &[NewJob]) -> Result<bool, StoreError> {
        let transaction = app.store.begin().await?;
        let mut events = Vec::new();
        let taken = app.store.schedules().take(&transaction, self.name, self.at).await?;
        if taken {
            let recorded = app.store.jobs().record(&transaction, jobs).await?;
            events.extend(recorded.iter().map(|(job, _)| Event::Job(job.id)));
            tracing::info!(schedule = self.name, jobs = events.len(), "the schedule has come due");
        }
        app.store.events().commit(transaction, &events).await?;
        Ok(taken)
    }
}

async fn refreshes(app: &App) -> Result<Vec<NewJob>, StoreError> {
    if app.providers.check_prices().is_err() {
        return Ok(Vec::new());
    }
    let symbols = app.store.symbols().all().await?;
    let record = |id: i64| RefreshSymbol { symbol_id: id, full: false, follow_up: false }.record(None);
    let refreshed = symbols.iter().filter(|symbol| symbol.is_fetched());
    refreshed.map(|symbol| record(symbol.id).map_err(StoreError::corrupt("job"))).collect()
}

fn ipo_refreshes(app: &App) -> Result<Vec<NewJob>, StoreError> {
    let mut sources = vec![DataSource::Nse];
    if app.providers.check_prices().is_ok() {
        sources.push(DataSource::AlphaVantage);
    }
    sources.into_iter().map(|source| RefreshIpos { source }.record(None).map_err(StoreError::corrupt("job"))).collect()
}

/// What the schedule asks for: the days since the newest stored one. Where nothing is stored nothing is followed.
async fn newest_days(app: &App) -> Result<Vec<NewJob>, StoreError> {
    let exchange = Exchange::Nse;
    let today = today_at(exchange);
    let Some(last) = app.store.market_days().last_stored(exchange).await? else { return Ok(Vec::new()) };
    // Days that failed or were missing lately are asked for again.
    let from = last.saturating_sub(7).max(today - LONGEST_CATCH_UP);
    months(from, today)
        .into_iter()
        .map(|(from, to)| {
            RefreshMarket { exchange, from, to, again: false }.record(None).map_err(StoreError::corrupt("job"))
        })
        .collect()
}
