//! Fetches an exchange's daily files of one month, and the lists and announcements that make sense of them.

use async_recursion::async_recursion as boxed;

use super::{Done, JobError, Progress, market_lists};
use crate::app::App;
use crate::ingest;
use crate::jobs::RefreshMarket;
use crate::market::day::iso;
use crate::market::{Day, Exchange};
use crate::providers::ProviderError;
use crate::providers::market::{DayAnswer, DayFile, Session, Unread, describe, may_still_come};
use crate::store::entity::market_day::{MarketDayState, Model as MarketDay};
use crate::store::{RecordCounts, now, today_at};

/// Shares that are gathered before they are written: neighbours in the table are then written together, and of what was
/// fetched little is lost with the process.
const ROWS_A_BATCH: usize = 24_000;
/// Web pages in a row after which the exchange is left alone.
const MOST_PAGES: usize = 5;
/// Files in a row that can't be had after which the others are left for the next try.
const MOST_FAULTS: usize = 3;

#[boxed]
pub(super) async fn run(job: &RefreshMarket, app: &App, progress: &Progress) -> Result<Done, JobError> {
    let total = u32::try_from(job.to - job.from + 1).unwrap_or(0);
    progress.tell(0, Some(total.max(1)), "Reading the exchange's lists").await;
    let rows = market_lists::refresh_changes(app).await?;
    let announcements = refresh_actions(app, job.from, job.to).await?;
    let mut tally = Tally { announcements, rows, ..Tally::default() };
    let settled =
        if job.again { Vec::new() } else { app.store.market_days().settled(job.exchange, job.from, job.to).await? };
    let wanted: Vec<Day> = (job.from..=job.to).filter(|day| !settled.contains(day)).collect();
    let mut batch: Vec<Session> = Vec::new();
    let mut fault: Option<ProviderError> = None;
    for &day in &wanted {
        let done = u32::try_from(day - job.from).unwrap_or(0);
        progress.tell_seldom(done, Some(total), &format!("Asking for {}", iso(day))).await;
        match app.providers.archive().day(day).await {
            Ok(DayAnswer::File(DayFile::Session(session))) => {
                (tally.pages, tally.faults) = (0, 0);
                batch.push(session);
                if batch.iter().map(|s| s.shares.len()).sum::<usize>() >= ROWS_A_BATCH {
                    tally.write(app, std::mem::take(&mut batch)).await?;
                }
            }
            Ok(other) => tally.note(app, job.exchange, day, &other).await?,
            Err(error) => {
                note(app, job.exchange, day, MarketDayState::Failed, Some(error.to_string())).await?;
                tally.faults += 1;
                if !is_of_one_file(&error) || tally.faults >= MOST_FAULTS {
                    tally.write(app, batch).await?;
                    return Err(error.into());
                }
                // One file that can't be had keeps no other day out; it's tried again after them.
                fault.get_or_insert(error);
            }
        }
        if tally.pages >= MOST_PAGES {
            tally.write(app, std::mem::take(&mut batch)).await?;
            return Err(ProviderError::Refused { provider: "The NSE's archive", status: 403 }.into());
        }
    }
    tally.write(app, batch).await?;
    ingest::judge_actions(&app.store, job.from - 10, job.to + 10).await?;
    let rows = market_lists::refresh_shares(app, tally.stored > 0).await?;
    tally.rows.merge(rows);
    if let Some(error) = fault {
        return Err(error.into());
    }
    progress.tell(total, Some(total), "Stored").await;
    Ok(tally.done(total, settled.len()))
}

/// What became of the days so far.
#[derive(Default)]
struct Tally {
    outcome: RecordCounts,
    stored: usize,
    without_session: usize,
    missing: usize,
    failed: Vec<(Day, String)>,
    /// Corporate actions that couldn't be read; `None` where none could be had.
    announcements: Option<Unread>,
    /// Rows of the exchange's lists that couldn't be read.
    rows: Unread,
    /// Web pages in a row.
    pages: usize,
    /// Files in a row that couldn't be had.
    faults: usize,
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
        self.faults = 0;
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
        let actions = match &self.announcements {
            Some(unread) => unread.sentence("corporate action", "corporate actions"),
            None => Some("corporate actions can't be had now".to_owned()),
        };
        let rows = self.rows.sentence("row of the exchange's lists", "rows of the exchange's lists");
        for part in [actions, rows].into_iter().flatten() {
            message.push_str(&format!("; {part}"));
        }
        Done { message, outcome: Some(self.outcome) }
    }
}

/// Whether an error may be of this file alone, while the exchange has others.
fn is_of_one_file(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Status { .. } | ProviderError::Malformed { .. })
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

/// Takes in the announcements of a span, and answers with those that couldn't be read; `None` where they can't be had,
/// which keeps no price out.
async fn refresh_actions(app: &App, from: Day, to: Day) -> Result<Option<Unread>, JobError> {
    match app.providers.nse().corporate_actions(from, to).await {
        Ok(found) => {
            if found.unread.count == 0 {
                ingest::all_corporate_actions(&app.store, found.actions, from, to).await?;
            } else {
                // What couldn't be read may be what seems to be gone.
                ingest::corporate_actions(&app.store, found.actions).await?;
            }
            Ok(Some(found.unread))
        }
        Err(ProviderError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::info!(%error, "corporate actions can't be had");
            Ok(None)
        }
    }
}
