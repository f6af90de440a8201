//! Symbols: follow one, bring it up to date, let it go.

use std::collections::{HashMap, HashSet};

use async_recursion::async_recursion as boxed;

use super::{Caller, LONGEST_NAME, idempotency};
use crate::app::App;
use crate::ingest;
use crate::jobs::{Job, RefreshSymbol};
use crate::market::ipo::provider_tickers;
use crate::market::text::clean;
use crate::market::{DataSource, Exchange};
use crate::request::{RequestError, normalise_ticker};
use crate::store::entity::{job, symbol};
use crate::store::{Event, NewJob, NewSymbol, ResearchCounts, Role};

/// Symbols that one request may name.
const MOST_TICKERS: usize = 5_000;

/// A symbol that a person wants followed.
#[derive(Debug, Clone)]
pub struct AddSymbol {
    pub ticker: String,
    pub name: Option<String>,
    pub exchange: Option<Exchange>,
    pub refresh: bool,
    /// Where its prices come from: no provider refreshes a symbol of a person's file.
    pub source: DataSource,
}

/// Adds a symbol and queues its first refresh, together.
///
/// # Errors
/// When the caller may not, the ticker is malformed or taken, or no provider is set up to refresh from.
#[boxed]
pub async fn add(
    app: &App,
    caller: &Caller,
    input: AddSymbol,
) -> Result<(symbol::Model, Option<job::Model>), RequestError> {
    caller.must_be(Role::Operator)?;
    let mut ticker = normalise_ticker(&input.ticker)?;
    let mut name = input.name.map(|name| clean(&name)).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|n| n.chars().count() > LONGEST_NAME) {
        let message = format!("a name has at most {LONGEST_NAME} characters");
        return Err(RequestError::invalid("name", message));
    }
    if input.refresh {
        app.providers.check_prices().map_err(RequestError::NotConfigured)?;
    }
    // A symbol of an Indian exchange, as an IPO has it, is spelled as the provider spells it.
    if let Some(exchange @ (Exchange::Nse | Exchange::Bse)) = input.exchange
        && !ticker.contains('.')
    {
        if name.is_none() {
            name = app.store.ipos().by_listing(exchange, &ticker).await?.map(|ipo| ipo.name);
        }
        ticker = provider_tickers(exchange, &ticker).swap_remove(0);
    }
    let exchange = input.exchange.unwrap_or_else(|| exchange_by_suffix(&ticker));
    let taken = || RequestError::AlreadyExists { field: "ticker".into(), what: format!("the symbol {ticker}") };
    if app.store.symbols().by_ticker(&ticker).await?.is_some() {
        return Err(taken());
    }
    let new = NewSymbol { ticker: ticker.clone(), name, exchange, source: input.source };
    let add = || async {
        let transaction = app.store.begin().await?;
        let symbol = app.store.symbols().insert(&transaction, new.clone()).await?.ok_or_else(taken)?;
        let mut job = None;
        let mut events = Vec::new();
        if input.refresh {
            let record = RefreshSymbol { symbol_id: symbol.id, full: false, follow_up: false }.record(None)?;
            job = app.store.jobs().record(&transaction, &[record]).await?.pop().map(|(job, _)| job);
            events.extend(job.iter().map(|job| Event::Job(job.id)));
        }
        app.store.events().commit(transaction, &events).await?;
        Ok((symbol, job))
    };
    app.store.transact(add).await
}

pub(super) fn exchange_by_suffix(ticker: &str) -> Exchange {
    match ticker.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("BSE" | "BO") => Exchange::Bse,
        Some("NSE" | "NS") => Exchange::Nse,
        _ => Exchange::Other,
    }
}

/// A symbol that was removed.
#[derive(Debug, Clone, Copy)]
pub struct RemovedSymbol {
    pub id: i64,
    /// The research that went with it.
    pub research: ResearchCounts,
}

/// Removes a symbol with its bars and flagged records; its waiting jobs end by themselves. Research on it goes only
/// `with_research`.
///
/// # Errors
/// When the caller may not, there is no such symbol, or there is research on it that nobody said to remove.
#[boxed]
pub async fn remove(
    app: &App,
    caller: &Caller,
    ticker: &str,
    with_research: bool,
) -> Result<RemovedSymbol, RequestError> {
    caller.must_be(Role::Operator)?;
    let symbol = named_exactly(app, ticker).await?;
    let remove = || async {
        let transaction = app.store.begin().await?;
        let symbols = app.store.symbols();
        symbols.lock(&transaction, symbol.id).await?;
        let research = symbols.research_of(&transaction, symbol.id).await?;
        if research != ResearchCounts::default() && !with_research {
            return Err(RequestError::Conflict(kept_by_research(&symbol.ticker, research)));
        }
        app.store.flags().forget(&transaction, &ingest::scope(&symbol.ticker)).await?;
        symbols.delete(&transaction, symbol.id).await?;
        app.store.events().commit(transaction, &[]).await?;
        Ok(RemovedSymbol { id: symbol.id, research })
    };
    app.store.transact(remove).await
}

/// The symbol with this very ticker: what else a name leads to (a former bearer, a share without its suffix) may be read by it,
/// not removed.
async fn named_exactly(app: &App, ticker: &str) -> Result<symbol::Model, RequestError> {
    let ticker = normalise_ticker(ticker)?;
    if let Some(symbol) = app.store.symbols().by_ticker(&ticker).await? {
        return Ok(symbol);
    }
    let hint = match app.store.identities().find(&ticker).await? {
        Some(other) => format!("; the share that it leads to is {}", other.ticker),
        None => String::new(),
    };
    Err(RequestError::NotFound { field: "ticker".into(), what: format!("symbol {ticker}{hint}") })
}

fn kept_by_research(ticker: &str, counts: ResearchCounts) -> String {
    let one = |count: i64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let ResearchCounts { backtests, sweeps, predictions } = counts;
    let of = [one(backtests, "backtest"), one(sweeps, "sweep"), one(predictions, "prediction")];
    let of: Vec<String> = of.into_iter().flatten().collect();
    format!("{} of {ticker} would go with it; say withResearch: true to remove them, too", of.join(", "))
}

/// Queues a refresh of these symbols, or of all of them if none is named; a symbol that one is under way for answers with
/// that one.
///
/// # Errors
/// When the caller may not, a ticker isn't known, or no provider is set up.
#[boxed]
pub async fn refresh(
    app: &App,
    caller: &Caller,
    tickers: Option<Vec<String>>,
    full: bool,
    idempotency_key: Option<String>,
) -> Result<Vec<job::Model>, RequestError> {
    caller.must_be(Role::Operator)?;
    if tickers.as_ref().is_some_and(|tickers| tickers.len() > MOST_TICKERS) {
        let message = format!("one request takes at most {MOST_TICKERS} tickers");
        return Err(RequestError::LimitExceeded { field: "tickers".into(), message });
    }
    idempotency::check(idempotency_key.as_deref())?;
    app.providers.check_prices().map_err(RequestError::NotConfigured)?;
    let tickers = tickers.filter(|tickers| !tickers.is_empty());
    // Symbols are looked up each time that it's tried: one may be removed before its job is recorded.
    let refresh = || async {
        let symbols = match &tickers {
            None => app.store.symbols().all().await?.into_iter().filter(symbol::Model::is_fetched).collect(),
            Some(tickers) => named(app, tickers).await?,
        };
        if let Some(symbol) = symbols.iter().find(|symbol| symbol.is_of_market()) {
            let ticker = &symbol.ticker;
            let message = format!("{ticker}'s prices come with the exchange's daily files: ask refreshMarket for days");
            return Err(RequestError::invalid("tickers", message));
        }
        refresh_recorded(app, caller, &symbols, full, idempotency_key.as_deref()).await
    };
    app.store.transact(refresh).await
}

async fn refresh_recorded(
    app: &App,
    caller: &Caller,
    symbols: &[symbol::Model],
    full: bool,
    idempotency_key: Option<&str>,
) -> Result<Vec<job::Model>, RequestError> {
    let record = |symbol: &symbol::Model, follow_up: bool| {
        let subject = symbol.id.to_string();
        let key = idempotency_key.map(|key| idempotency::digest("refreshSymbols", caller, key, &subject));
        RefreshSymbol { symbol_id: symbol.id, full, follow_up }.record(key)
    };
    let records = symbols.iter().map(|s| record(s, false)).collect::<Result<Vec<_>, _>>()?;
    let transaction = app.store.begin().await?;
    let recorded = app.store.jobs().record(&transaction, &records).await?;
    let mut events: Vec<Event> =
        recorded.iter().filter(|(_, is_new)| *is_new).map(|(job, _)| Event::Job(job.id)).collect();
    let mut jobs: Vec<job::Model> = Vec::with_capacity(recorded.len());
    // Where each job that must be followed by a full refresh stands, and that refresh.
    let mut follow_ups: Vec<(usize, NewJob)> = Vec::new();
    // In the order of the rows, as everybody changes them.
    let mut in_order: Vec<usize> = (0..recorded.len()).collect();
    in_order.sort_unstable_by_key(|&at| recorded[at].0.id);
    for at in in_order.into_iter().filter(|_| full) {
        let ((job, is_new), new) = (&recorded[at], &records[at]);
        let does_so = *is_new || job.state.is_final() || does_all(job);
        // One that waits does the greater job then; one that runs has begun with the lesser.
        if !does_so && !app.store.jobs().replace_payload(&transaction, job.id, &new.payload).await? {
            follow_ups.push((at, record(&symbols[at], true)?));
        }
    }
    jobs.extend(recorded.into_iter().map(|(job, _)| job));
    let (places, follow_ups): (Vec<usize>, Vec<NewJob>) = follow_ups.into_iter().unzip();
    for (at, (job, is_new)) in places.into_iter().zip(app.store.jobs().record(&transaction, &follow_ups).await?) {
        if is_new {
            events.push(Event::Job(job.id));
        }
        jobs[at] = job;
    }
    app.store.jobs().remember_keys(&transaction, &records, &jobs).await?;
    app.store.events().commit(transaction, &events).await?;
    Ok(jobs)
}

/// Whether a refresh fetches the whole history already.
fn does_all(job: &job::Model) -> bool {
    serde_json::from_str::<RefreshSymbol>(&job.payload).is_ok_and(|refresh| refresh.full)
}

/// The symbols that these tickers lead to, each once.
#[boxed]
pub(super) async fn named(app: &App, tickers: &[String]) -> Result<Vec<symbol::Model>, RequestError> {
    let mut wanted: Vec<String> = Vec::with_capacity(tickers.len());
    let mut seen = HashSet::new();
    for ticker in tickers {
        let ticker = normalise_ticker(ticker)?;
        if seen.insert(ticker.clone()) {
            wanted.push(ticker);
        }
    }
    let found = app.store.symbols().by_tickers(&wanted).await?;
    let mut found: HashMap<String, symbol::Model> = found.into_iter().map(|s| (s.ticker.clone(), s)).collect();
    let plain: Vec<String> = wanted.iter().filter(|t| !found.contains_key(*t)).map(|t| format!("{t}.NSE")).collect();
    let at_nse = if plain.is_empty() { Vec::new() } else { app.store.symbols().by_tickers(&plain).await? };
    for symbol in at_nse {
        let plain = symbol.ticker.strip_suffix(".NSE").unwrap_or(&symbol.ticker).to_owned();
        found.entry(plain).or_insert(symbol);
    }
    let (mut symbols, mut ids) = (Vec::with_capacity(wanted.len()), HashSet::new());
    for ticker in wanted {
        let symbol = match found.remove(&ticker) {
            Some(symbol) => Some(symbol),
            // An ISIN or a former ticker, as everywhere else.
            None => app.store.identities().find(&ticker).await?,
        };
        let missing =
            || RequestError::NotFound { field: "tickers".into(), what: format!("symbol {ticker}; add it first") };
        let symbol = symbol.ok_or_else(missing)?;
        if ids.insert(symbol.id) {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}
