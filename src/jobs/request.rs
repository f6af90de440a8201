//! What people ask for, turned into records: checked, committed at once, and answered before the work begins.

use super::{ImportPrices, Job, RefreshIpos, RefreshSymbol, SweepBacktests, TrainModel};
use crate::app::App;
use crate::ingest;
use crate::market::ipo::provider_tickers;
use crate::market::text::clean;
use crate::market::{DataSource, Exchange};
use crate::providers::files::{self, Options};
use crate::request::{RequestError, find_symbol, normalise_ticker};
use crate::research::{StoredSweep, SweepRequest, prepare_sweep, run_sweep};
use crate::store::entity::{job, symbol};
use crate::store::{Event, NewJob, NewSymbol, ResearchCounts};

/// A symbol that a person wants followed.
#[derive(Debug, Clone)]
pub struct AddSymbol {
    pub ticker: String,
    pub name: Option<String>,
    pub exchange: Option<Exchange>,
    pub refresh: bool,
}

const LONGEST_NAME: usize = 200;

/// Adds a symbol and queues its first refresh, together.
///
/// # Errors
/// When the ticker is malformed or taken, or no provider is set up to refresh from.
pub async fn add_symbol(app: &App, input: AddSymbol) -> Result<(symbol::Model, Option<job::Model>), RequestError> {
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
    let new = NewSymbol { ticker: ticker.clone(), name, exchange, source: DataSource::AlphaVantage };
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

/// Records one job, or finds the one that stands for it.
async fn record_one(app: &App, record: NewJob) -> Result<job::Model, RequestError> {
    let record = [record];
    let recording = || async {
        let transaction = app.store.begin().await?;
        let recorded = app.store.jobs().record(&transaction, &record).await?.pop();
        let (job, is_new) =
            recorded.ok_or_else(|| RequestError::Conflict("the job was not recorded; try again".to_owned()))?;
        app.store.jobs().remember_keys(&transaction, &record, std::slice::from_ref(&job)).await?;
        let events = if is_new { vec![Event::Job(job.id)] } else { Vec::new() };
        app.store.events().commit(transaction, &events).await?;
        Ok(job)
    };
    app.store.transact(recording).await
}

fn exchange_by_suffix(ticker: &str) -> Exchange {
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
/// When there is no such symbol, or there is research on it that nobody said to remove.
pub async fn remove_symbol(app: &App, ticker: &str, with_research: bool) -> Result<RemovedSymbol, RequestError> {
    let symbol = find_symbol(app, ticker).await?;
    let remove = || async {
        let transaction = app.store.begin().await?;
        let symbols = app.store.symbols();
        symbols.lock(&transaction, symbol.id).await?;
        let research = symbols.research_of(&transaction, symbol.id).await?;
        if research != ResearchCounts::default() && !with_research {
            return Err(RequestError::Conflict(kept_by_research(&symbol.ticker, research)));
        }
        app.store.issues().forget(&transaction, &ingest::scope(&symbol.ticker)).await?;
        symbols.delete(&transaction, symbol.id).await?;
        app.store.events().commit(transaction, &[]).await?;
        Ok(RemovedSymbol { id: symbol.id, research })
    };
    app.store.transact(remove).await
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

/// Queues a refresh of these symbols, or of all of them; a symbol that one is under way for answers with that one.
///
/// # Errors
/// When a ticker isn't known, or no provider is set up.
pub async fn refresh_symbols(
    app: &App,
    tickers: Option<Vec<String>>,
    full: bool,
    idempotency_key: Option<String>,
) -> Result<Vec<job::Model>, RequestError> {
    app.providers.check_prices().map_err(RequestError::NotConfigured)?;
    let symbols = match tickers {
        None => app.store.symbols().all().await?.into_iter().filter(|symbol| !symbol.is_of_market()).collect(),
        Some(tickers) => named(app, &tickers).await?,
    };
    if let Some(symbol) = symbols.iter().find(|symbol| symbol.is_of_market()) {
        let ticker = &symbol.ticker;
        let message = format!("{ticker}'s prices come with the exchange's daily files: ask refreshMarket for days");
        return Err(RequestError::invalid("tickers", message));
    }
    let refresh = || refresh_recorded(app, &symbols, full, idempotency_key.as_deref());
    app.store.transact(refresh).await
}

async fn refresh_recorded(
    app: &App,
    symbols: &[symbol::Model],
    full: bool,
    idempotency_key: Option<&str>,
) -> Result<Vec<job::Model>, RequestError> {
    let record = |symbol: &symbol::Model, follow_up: bool| {
        let key = idempotency_key.map(|key| format!("{key}:{}", symbol.id));
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

/// Queues a fetch of one source's issues; one that is under way answers with that one.
///
/// # Errors
/// When the source has no issues, or isn't set up.
pub async fn refresh_ipos(
    app: &App,
    source: DataSource,
    idempotency_key: Option<String>,
) -> Result<job::Model, RequestError> {
    if app.providers.ipos(source).is_none() {
        return Err(RequestError::invalid("source", "IPOs are fetched from NSE or ALPHA_VANTAGE"));
    }
    if source == DataSource::AlphaVantage {
        app.providers.check_prices().map_err(RequestError::NotConfigured)?;
    }
    record_one(app, RefreshIpos { source }.record(idempotency_key.map(|key| format!("ipos:{key}")))?).await
}

async fn named(app: &App, tickers: &[String]) -> Result<Vec<symbol::Model>, RequestError> {
    let mut wanted: Vec<String> = Vec::with_capacity(tickers.len());
    for ticker in tickers {
        let ticker = normalise_ticker(ticker)?;
        if !wanted.contains(&ticker) {
            wanted.push(ticker);
        }
    }
    let found = app.store.symbols().by_tickers(&wanted).await?;
    let of = |ticker: &String| {
        let symbol = found.iter().find(|symbol| symbol.ticker == *ticker).cloned();
        symbol.ok_or_else(|| RequestError::NotFound {
            field: "tickers".into(),
            what: format!("symbol {ticker}; add it first"),
        })
    };
    wanted.iter().map(of).collect()
}

/// Queues the reading of a CSV file, and adds the symbol if it's new.
///
/// # Errors
/// When the ticker is malformed, or the file is empty or no text.
pub async fn import_prices(
    app: &App,
    content: Vec<u8>,
    mut options: Options,
) -> Result<(symbol::Model, job::Model), RequestError> {
    options.ticker = normalise_ticker(&options.ticker)?;
    let reading = options.clone();
    let read = tokio::task::spawn_blocking(move || {
        let file = files::read(&content, &reading).map_err(|e| RequestError::invalid("file", e.to_string()))?;
        match file.undecided {
            Some(why) => Err(RequestError::invalid("dateOrder", why)),
            None => Ok(content),
        }
    });
    let content = read.await??;
    app.store.transact(|| import_recorded(app, content.clone(), &options)).await
}

async fn import_recorded(
    app: &App,
    content: Vec<u8>,
    options: &Options,
) -> Result<(symbol::Model, job::Model), RequestError> {
    let Options { ref ticker, date_order, day } = *options;
    let exchange = exchange_by_suffix(ticker);
    let transaction = app.store.begin().await?;
    let symbol = if let Some(symbol) = app.store.symbols().by_ticker_in(&transaction, ticker).await? {
        symbol
    } else {
        let new = NewSymbol { ticker: ticker.to_owned(), name: None, exchange, source: DataSource::Csv };
        let inserted = app.store.symbols().insert(&transaction, new).await?;
        inserted.ok_or_else(|| RequestError::Conflict(format!("{ticker} was added just now; try again")))?
    };
    let upload = ulid::Ulid::new().to_string();
    let record: NewJob = ImportPrices { symbol_id: symbol.id, upload, date_order, day }.record(None)?;
    let recorded = app.store.jobs().record(&transaction, &[record]).await?.pop();
    let (job, _) = recorded.ok_or_else(|| RequestError::Conflict("the job was not recorded; try again".to_owned()))?;
    app.store.jobs().attach(&transaction, job.id, content).await?;
    app.store.events().commit(transaction, &[Event::Job(job.id)]).await?;
    Ok((symbol, job))
}

/// Sweeps up to this size are answered at once.
const SMALL_SWEEP: usize = 10_000;

/// What became of a sweep that was asked for.
#[derive(Debug)]
pub enum SweepAnswer {
    /// Small enough to be run at once.
    Done(Box<StoredSweep>),
    /// To be run by a worker.
    Queued(Box<job::Model>),
}

/// Runs a small sweep, queues a large one.
///
/// # Errors
/// When an input can't be what it is, the symbol isn't followed, or there are too few bars; nothing is stored then.
pub async fn sweep_backtests(app: &App, request: SweepRequest) -> Result<SweepAnswer, RequestError> {
    let (bars, combinations) = prepare_sweep(app, &request).await?;
    if combinations <= SMALL_SWEEP {
        let ran = run_sweep(app, request, bars, None, |_| true).await?;
        let sweep = ran.ok_or_else(|| RequestError::Conflict("the sweep was stopped".to_owned()))?;
        return Ok(SweepAnswer::Done(Box::new(sweep)));
    }
    let record = SweepBacktests { symbol_id: bars.symbol.id, request }.record(None)?;
    Ok(SweepAnswer::Queued(Box::new(record_one(app, record).await?)))
}

/// Symbols that a model is trained on at most.
const MOST_TRAINED_ON: usize = 200;

/// Queues the training of a model on these symbols; the same training under way answers with that one.
///
/// # Errors
/// When the name is empty or too long, or a ticker isn't known.
pub async fn train_model(app: &App, name: &str, tickers: &[String]) -> Result<job::Model, RequestError> {
    let name = clean(name);
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(RequestError::invalid("name", format!("a model's name has 1 to {LONGEST_NAME} characters")));
    }
    if tickers.is_empty() || tickers.len() > MOST_TRAINED_ON {
        return Err(RequestError::invalid("tickers", format!("a model is trained on 1 to {MOST_TRAINED_ON} symbols")));
    }
    let mut symbols = named(app, tickers).await?;
    // The order must not matter: the same symbols make the same model.
    symbols.sort_by(|a, b| a.ticker.cmp(&b.ticker));
    let symbol_ids = symbols.iter().map(|s| s.id).collect();
    record_one(app, TrainModel { name, symbol_ids }.record(None)?).await
}

/// Stops a job.
///
/// # Errors
/// When there is no such job, or it has ended.
pub async fn cancel(app: &App, id: i64) -> Result<job::Model, RequestError> {
    match app.store.jobs().cancel(id).await? {
        Some((job, true)) => Ok(job),
        Some((job, false)) => Err(RequestError::Conflict(format!("the job has ended already, it {}", ended_as(&job)))),
        None => Err(RequestError::NotFound { field: "id".into(), what: "job with this id".to_owned() }),
    }
}

/// Starts a failed or cancelled job again.
///
/// # Errors
/// When there is no such job, it hasn't failed, or another is at the same thing.
pub async fn retry(app: &App, id: i64) -> Result<job::Model, RequestError> {
    if let Some(job) = app.store.jobs().requeue(id).await? {
        return Ok(job);
    }
    match app.store.jobs().get(id).await? {
        None => Err(RequestError::NotFound { field: "id".into(), what: "job with this id".to_owned() }),
        Some(job) if job.state == crate::store::JobState::Succeeded => {
            Err(RequestError::Conflict("the job succeeded; there is nothing to retry".to_owned()))
        }
        Some(_) => Err(RequestError::Conflict("this job, or another one for the same thing, is under way".to_owned())),
    }
}

fn ended_as(job: &job::Model) -> &'static str {
    use crate::store::JobState;
    match job.state {
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "was cancelled",
        JobState::Queued | JobState::Running | JobState::Retrying => "is under way",
    }
}
