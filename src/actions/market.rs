//! Whole markets: fetch the days of an exchange.

use async_recursion::async_recursion as boxed;

use super::Caller;
use crate::app::App;
use crate::jobs::{Job, RefreshMarket};
use crate::market::day::{iso, months, parse_iso};
use crate::market::{Day, Exchange};
use crate::request::RequestError;
use crate::store::entity::job;
use crate::store::{Event, Role, today_at};

/// The first day of the archive.
const FIRST_DAY: &str = "1994-11-03";
/// Months that one request may span.
const MOST_MONTHS: usize = 480;

/// Queues the fetching of an exchange's days, a job a month; `again` those, too, that are known already.
///
/// # Errors
/// When the caller may not, the exchange has no daily file here, or the span can't be.
#[boxed]
pub async fn refresh(
    app: &App,
    caller: &Caller,
    exchange: Exchange,
    from: Day,
    to: Day,
    again: bool,
) -> Result<Vec<job::Model>, RequestError> {
    caller.must_be(Role::Operator)?;
    if exchange != Exchange::Nse {
        return Err(RequestError::invalid(
            "exchange",
            "days of a whole market are fetched from NSE alone; prices of one share come from a file with importPrices, \
             which reads the BSE's daily files and exports too",
        ));
    }
    let first = parse_iso(FIRST_DAY).unwrap_or(0);
    let today = today_at(exchange);
    if from < first {
        return Err(RequestError::invalid("from", format!("the exchange's files begin on {FIRST_DAY}")));
    }
    if to < from {
        return Err(RequestError::invalid("to", format!("it is before {}, the first day asked for", iso(from))));
    }
    if to > today {
        return Err(RequestError::invalid("to", format!("it is after today, {} at the exchange", iso(today))));
    }
    let months = months(from, to);
    if months.len() > MOST_MONTHS {
        return Err(RequestError::invalid("from", format!("one request spans at most {MOST_MONTHS} months")));
    }
    let mut records = Vec::with_capacity(months.len());
    for (from, to) in months {
        records.push(RefreshMarket { exchange, from, to, again }.record(None)?);
    }
    let transaction = app.store.begin().await?;
    let recorded = app.store.jobs().record(&transaction, &records).await?;
    let events: Vec<Event> = recorded.iter().filter(|(_, new)| *new).map(|(job, _)| Event::Job(job.id)).collect();
    app.store.events().commit(transaction, &events).await?;
    Ok(recorded.into_iter().map(|(job, _)| job).collect())
}
