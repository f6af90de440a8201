//! Files of prices: look at one, take one in.

use async_recursion::async_recursion as boxed;

use super::Caller;
use super::symbols::{self, AddSymbol, exchange_by_suffix};
use crate::app::App;
use crate::ingest::{self, IngestError, Ingested};
use crate::jobs::{ImportPrices, Job};
use crate::market::close::Clock;
use crate::market::{Bar, DataSource, DateOrder, Day};
use crate::providers::ProviderError;
use crate::providers::files::{self, Column, Options};
use crate::request::{RequestError, normalise_ticker};
use crate::store::entity::{job, symbol};
use crate::store::{Event, NewFlag, NewJob, NewSymbol, RecordCounts, Role};

/// Bars shown.
const ROWS: usize = 10;
/// Flagged rows named, the others are counted.
const FLAWS: usize = 20;

/// A file as it would be read.
#[derive(Debug)]
pub struct Preview {
    pub format: &'static str,
    pub columns: Vec<Column>,
    pub date_order: Option<DateOrder>,
    pub first: Option<Day>,
    pub last: Option<Day>,
    pub row_count: usize,
    pub adjusted: Option<bool>,
    pub doubts: Vec<String>,
    pub bars: Vec<Bar>,
}

/// Reads a file as an import would.
///
/// # Errors
/// When the caller may not, the ticker is malformed, or the file can't be read.
#[boxed]
pub async fn preview(
    app: &App,
    caller: &Caller,
    content: Vec<u8>,
    mut options: Options,
) -> Result<Preview, RequestError> {
    caller.must_be(Role::Operator)?;
    let ticker = normalise_ticker(&options.ticker)?;
    options.ticker.clone_from(&ticker);
    let symbol = app.store.symbols().by_ticker(&ticker).await?;
    let exchange = symbol.as_ref().map_or_else(|| exchange_by_suffix(&ticker), |symbol| symbol.exchange);
    let stored = symbol.map_or(0, |symbol| symbol.bar_count);
    let clock = Clock::at(chrono::Utc::now(), exchange, &ticker);
    let unusable = |e: ProviderError| RequestError::invalid("file", e.to_string());
    let _alone = app.alone_if_large(content.len(), &content).await;
    let read = tokio::task::spawn_blocking(move || {
        let file = files::read(content, &options).map_err(unusable)?;
        let mut doubts = file.notes.clone();
        let mut bars = Vec::new();
        if let Some(why) = &file.undecided {
            doubts.push(why.clone());
        } else {
            let parsed = ingest::parse(&file.batch().map_err(unusable)?, &ticker, &clock).map_err(unusable)?;
            let flaw = |flag: &NewFlag| {
                format!("{}: {} {}", flag.record, flag.field.as_deref().unwrap_or_default(), flag.reason)
            };
            doubts.extend(parsed.flags.iter().take(FLAWS).map(flaw));
            if parsed.flags.len() > FLAWS {
                doubts.push(format!("{} more rows would be left out", parsed.flags.len() - FLAWS));
            }
            bars = parsed.bars;
        }
        if stored > 0 && file.adjusted == Some(true) {
            doubts.push(format!(
                "{ticker} has {stored} bars already; if they are prices as traded, these adjusted ones don't belong over them"
            ));
        }
        Ok::<_, RequestError>(Preview {
            format: file.format,
            columns: file.columns,
            date_order: file.date_order,
            first: bars.first().map(|bar| bar.day),
            last: bars.last().map(|bar| bar.day),
            row_count: bars.len(),
            adjusted: file.adjusted,
            doubts,
            bars: bars.into_iter().take(ROWS).collect(),
        })
    });
    read.await?
}

/// Takes a file in at once, without the queue; the symbol is added if it's new. Tells what became of the rows, and what
/// should be said of them.
///
/// # Errors
/// When the caller may not, the ticker is malformed, or the file can't be read.
#[boxed]
pub async fn import_at_once(
    app: &App,
    caller: &Caller,
    content: &[u8],
    mut options: Options,
) -> Result<(RecordCounts, Vec<String>), RequestError> {
    caller.must_be(Role::Operator)?;
    options.ticker = normalise_ticker(&options.ticker)?;
    let unusable = |e: ProviderError| RequestError::invalid("file", e.to_string());
    let file = files::read(content, &options).map_err(unusable)?;
    let batch = file.batch().map_err(unusable)?;
    let id = if let Some(symbol) = app.store.symbols().by_ticker(&options.ticker).await? {
        symbol.id
    } else {
        let input =
            AddSymbol { ticker: options.ticker, name: None, exchange: None, refresh: false, source: DataSource::Csv };
        symbols::add(app, caller, input).await?.0.id
    };
    let Ingested { outcome, notes, .. } =
        ingest::prices(&app.store, id, batch, false).await.map_err(|error| match error {
            IngestError::Store(error) => error.into(),
            other => RequestError::invalid("file", other.to_string()),
        })?;
    Ok((outcome, notes.into_iter().chain(file.notes).collect()))
}

/// Queues the reading of a CSV file, and adds the symbol if it's new.
///
/// # Errors
/// When the caller may not, the ticker is malformed, or the file is empty or no text.
#[boxed]
pub async fn import(
    app: &App,
    caller: &Caller,
    content: Vec<u8>,
    mut options: Options,
) -> Result<(symbol::Model, job::Model), RequestError> {
    caller.must_be(Role::Operator)?;
    options.ticker = normalise_ticker(&options.ticker)?;
    let reading = options.clone();
    let alone = app.alone_if_large(content.len(), &content).await;
    let read = tokio::task::spawn_blocking(move || {
        let file = files::read(&content, &reading).map_err(|e| RequestError::invalid("file", e.to_string()))?;
        match file.undecided {
            Some(why) => Err(RequestError::invalid("dateOrder", why)),
            None => Ok(content),
        }
    });
    let content = read.await??;
    drop(alone);
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
