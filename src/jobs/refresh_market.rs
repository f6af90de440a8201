//! Fetches an exchange's daily files of one month, and the lists and announcements that make sense of them.

use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Done, Job, JobError, Progress, market_lists};
use crate::app::App;
use crate::ingest;
use crate::market::day::{from_date, iso, to_date};
use crate::market::{Day, Exchange};
use crate::providers::ProviderError;
use crate::providers::market::{DayAnswer, DayFile, Session, describe, may_still_come};
use crate::store::entity::market_day::{MarketDayState, Model as MarketDay};
use crate::store::{JobKind, NewJob, RecordCounts, StoreError, now, today_at};

/// Fetches an exchange's daily files of one month.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshMarket {
    pub exchange: Exchange,
    pub from: Day,
    pub to: Day,
}

/// Shares that are gathered before they are written: neighbours in the table are then written together, and the
/// memory stays flat.
const ROWS_A_BATCH: usize = 24_000;
/// Web pages in a row after which the exchange is left alone.
const MOST_PAGES: usize = 5;
/// Days that a schedule catches up on.
const LONGEST_CATCH_UP: Day = 92;

impl Job for RefreshMarket {
    const KIND: JobKind = JobKind::RefreshMarket;

    fn dedupe_key(&self) -> String {
        format!("market:{:?}:{}:{}", self.exchange, self.from, self.to)
    }

    async fn run(&self, app: &App, progress: &Progress) -> Result<Done, JobError> {
        let total = u32::try_from(self.to - self.from + 1).unwrap_or(0);
        progress.tell(0, Some(total.max(1)), "Reading the exchange's lists").await;
        let mut tally = Tally::default();
        market_lists::refresh_changes(app).await?;
        tally.announcements = refresh_actions(app, self.from, self.to).await?;
        let settled = app.store.market_days().settled(self.exchange, self.from, self.to).await?;
        let wanted: Vec<Day> = (self.from..=self.to).filter(|day| !settled.contains(day)).collect();
        let mut batch: Vec<Session> = Vec::new();
        for &day in &wanted {
            let done = u32::try_from(day - self.from).unwrap_or(0);
            progress.tell(done, Some(total), &format!("Asking for {}", iso(day))).await;
            match app.providers.archive().day(day).await {
                Ok(DayAnswer::File(DayFile::Session(session))) => {
                    tally.pages = 0;
                    batch.push(session);
                    if batch.iter().map(|s| s.shares.len()).sum::<usize>() >= ROWS_A_BATCH {
                        tally.write(app, std::mem::take(&mut batch)).await?;
                    }
                }
                Ok(other) => tally.note(app, self.exchange, day, &other).await?,
                Err(error) => {
                    tally.write(app, batch).await?;
                    note(app, self.exchange, day, MarketDayState::Failed, Some(error.to_string())).await?;
                    return Err(error.into());
                }
            }
            if tally.pages >= MOST_PAGES {
                tally.write(app, std::mem::take(&mut batch)).await?;
                return Err(ProviderError::Refused { provider: "The NSE's archive", status: 403 }.into());
            }
        }
        tally.write(app, batch).await?;
        ingest::judge_actions(&app.store, self.from - 10, self.to).await?;
        market_lists::refresh_shares(app, tally.stored > 0).await?;
        progress.tell(total, Some(total), "Stored").await;
        Ok(tally.done(total, settled.len()))
    }
}

/// What became of the days so far.
#[derive(Default)]
struct Tally {
    outcome: RecordCounts,
    stored: usize,
    without_session: usize,
    missing: usize,
    failed: Vec<(Day, String)>,
    announcements: Option<usize>,
    /// Web pages in a row.
    pages: usize,
}

impl Tally {
    async fn write(&mut self, app: &App, batch: Vec<Session>) -> Result<(), JobError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.stored += batch.len();
        self.outcome += ingest::market(&app.store, batch).await?;
        Ok(())
    }

    async fn note(&mut self, app: &App, exchange: Exchange, day: Day, answer: &DayAnswer) -> Result<(), JobError> {
        let recent = may_still_come(day, today_at(exchange));
        let (state, reason) = match answer {
            DayAnswer::NotFound | DayAnswer::File(DayFile::OtherDay(_)) if recent => {
                self.missing += 1;
                (MarketDayState::Missing, "the day's file isn't there yet".to_owned())
            }
            DayAnswer::NotFound => {
                self.without_session += 1;
                (MarketDayState::NoSession, "the exchange has no file of this day".to_owned())
            }
            DayAnswer::File(file @ DayFile::OtherDay(_)) => {
                self.without_session += 1;
                (MarketDayState::NoSession, describe(file))
            }
            DayAnswer::File(file) => {
                self.pages = if *file == DayFile::Page { self.pages + 1 } else { 0 };
                self.failed.push((day, describe(file)));
                (MarketDayState::Failed, describe(file))
            }
        };
        note(app, exchange, day, state, Some(reason)).await
    }

    fn done(self, days: u32, known: usize) -> Done {
        let mut message = format!("{} of {days} days stored", self.stored);
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                message.push_str(&format!(", {count} {what}"));
            }
        };
        add(self.without_session, "without a session");
        add(known, "known before");
        add(self.missing, "not there yet");
        add(self.failed.len(), "failed");
        if let Some((day, why)) = self.failed.first() {
            message.push_str(&format!(" (first {}: {why})", iso(*day)));
        }
        message.push_str(&format!("; {}", Done::from(self.outcome).message));
        if self.announcements.is_none() {
            message.push_str("; corporate actions can't be had now");
        }
        Done { message, outcome: Some(self.outcome) }
    }
}

async fn note(
    app: &App,
    exchange: Exchange,
    day: Day,
    state: MarketDayState,
    reason: Option<String>,
) -> Result<(), JobError> {
    let row = MarketDay { exchange, day, state, shares: None, reason, layout: None, updated_at: now() };
    Ok(app.store.market_days().note(row).await?)
}

/// The announcements of a span; `None` where they can't be had, which keeps no price out.
async fn refresh_actions(app: &App, from: Day, to: Day) -> Result<Option<usize>, JobError> {
    match app.providers.nse().corporate_actions(from, to).await {
        Ok(actions) => Ok(Some(ingest::corporate_actions(&app.store, actions).await?)),
        Err(ProviderError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::info!(%error, "corporate actions can't be had");
            Ok(None)
        }
    }
}

/// A span cut at the ends of its months.
#[must_use]
pub fn months(from: Day, to: Day) -> Vec<(Day, Day)> {
    let mut months = Vec::new();
    let mut start = from;
    while start <= to {
        let date = to_date(start);
        let next =
            NaiveDate::from_ymd_opt(date.year(), date.month(), 1).and_then(|d| d.checked_add_months(Months::new(1)));
        let end = next.map_or(to, |next| from_date(next) - 1).min(to);
        months.push((start, end));
        start = end + 1;
    }
    months
}

/// What the schedule asks for: the days since the newest stored one. Where nothing is stored nothing is followed.
pub(super) async fn newest_days(app: &App) -> Result<Vec<NewJob>, StoreError> {
    let exchange = Exchange::Nse;
    let today = today_at(exchange);
    let Some(last) = app.store.market_days().last_stored(exchange).await? else { return Ok(Vec::new()) };
    // Days that failed or were missing lately are asked for again.
    let from = last.saturating_sub(7).max(today - LONGEST_CATCH_UP);
    let corrupt = |source| StoreError::Corrupt { what: "job", source };
    months(from, today)
        .into_iter()
        .map(|(from, to)| RefreshMarket { exchange, from, to }.record(None).map_err(corrupt))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::day::parse_iso;

    #[test]
    fn a_span_is_cut_at_the_ends_of_its_months() {
        let day = |text: &str| parse_iso(text).expect("a day");
        let cut: Vec<String> = months(day("2023-12-30"), day("2024-02-29"))
            .iter()
            .map(|(a, b)| format!("{} {}", iso(*a), iso(*b)))
            .collect();
        assert_eq!(cut, ["2023-12-30 2023-12-31", "2024-01-01 2024-01-31", "2024-02-01 2024-02-29"]);
    }
}
