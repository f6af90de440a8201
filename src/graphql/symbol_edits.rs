//! What operators do to symbols: follow, stop following, refresh, bring prices from a file.

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Upload};

use super::errors::{UserError, internal, payload, sort_out};
use super::guard::caller;
use super::ids::{self, Kind};
use super::job::Job;
use super::price::PriceBar;
use super::scalars::Date;
use super::subject::Symbol;
use crate::actions::prices;
use crate::actions::symbols::{self, AddSymbol};
use crate::app::App;
use crate::market::daily::day_in_name;
use crate::market::{DataSource, DateOrder, Exchange};
use crate::providers::files::Options;

/// A symbol to follow.
#[derive(Debug, InputObject)]
pub struct AddSymbolInput {
    /// As Alpha Vantage spells it: "IBM", "RELIANCE.BSE"; or, with the exchange NSE or BSE, as an IPO has it.
    ticker: String,
    /// What it's called, at most 200 characters; looked up if left out.
    name: Option<String>,
    /// Where it's listed; worked out if left out.
    exchange: Option<Exchange>,
    /// Whether to fetch its prices at once.
    #[graphql(default = true)]
    refresh: bool,
}

/// The symbol, and the job that fetches its prices.
#[derive(SimpleObject)]
pub struct AddSymbolPayload {
    /// The symbol, as it is followed now; null if there are errors.
    symbol: Option<Symbol>,
    /// The job that fetches its prices; null if `refresh` was false, or if there are errors.
    job: Option<Job>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A symbol to stop following.
#[derive(Debug, InputObject)]
pub struct RemoveSymbolInput {
    /// The symbol, as `Symbol.ticker` has it, in any case.
    ticker: String,
    /// Whether its stored backtests, sweeps and predictions go, too. Without it a symbol that has some is refused, with
    /// CONFLICT and their numbers.
    #[graphql(default = false)]
    with_research: bool,
}

/// Research that went with a symbol.
#[derive(Debug, SimpleObject)]
pub struct RemovedResearch {
    /// Stored backtests of it.
    backtests: i32,
    /// Stored sweeps of it.
    sweeps: i32,
    /// Stored predictions of it.
    predictions: i32,
}

/// The id of what was removed.
#[derive(SimpleObject)]
pub struct RemoveSymbolPayload {
    /// The id that the symbol had; null if there are errors.
    removed_symbol_id: Option<ID>,
    /// The same.
    #[graphql(deprecation = "Every payload names the type that its id is of: use removedSymbolId")]
    removed_id: Option<ID>,
    /// What went with it; null if nothing was removed.
    removed_research: Option<RemovedResearch>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// Symbols to bring up to date.
#[derive(Debug, InputObject)]
pub struct RefreshSymbolsInput {
    /// Which symbols, at most 5,000; if none is named, all but those of files and of the exchange's daily files.
    tickers: Option<Vec<String>>,
    /// Fetch the whole history even where the newest bars would do.
    #[graphql(default = false)]
    full: bool,
    /// Asking again with the same key answers with the same jobs. 1 to 200 bytes.
    idempotency_key: Option<String>,
}

/// A job for every symbol.
#[derive(SimpleObject)]
pub struct RefreshSymbolsPayload {
    /// A job for each symbol, queued or under way already; null if there are errors.
    jobs: Option<Vec<Job>>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A CSV file of one symbol's prices.
#[derive(InputObject)]
pub struct ImportPricesInput {
    /// Added if it isn't followed yet.
    ticker: String,
    /// A table of daily prices, at most 64 MiB (16 of JSON) with 100,000 rows of one share: an exchange's, Yahoo's,
    /// Nasdaq's, Investing.com's, Stooq's, Kite's or Alpha Vantage's export, or any with the headings
    /// date,open,high,low,close[,`adjusted_close`],volume.
    file: Upload,
    /// Which number of a date comes first; decided from the whole column if left out, and asked for where that
    /// can't decide.
    date_order: Option<DateOrder>,
}

/// What an import would read, with nothing stored.
#[derive(SimpleObject)]
pub struct PreviewImportPayload {
    /// What would be read; null if there are errors.
    preview: Option<ImportPreview>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A file of prices as it would be read.
#[derive(SimpleObject)]
pub struct ImportPreview {
    /// Who writes such files.
    format: String,
    /// Every column, in the file's order.
    columns: Vec<ColumnMatch>,
    /// Which number of a date comes first; null where it isn't decided, or no date leaves it open.
    date_order: Option<DateOrder>,
    /// The first day.
    from: Option<Date>,
    /// The last day.
    to: Option<Date>,
    /// Bars that can be stored.
    row_count: i32,
    /// Whether the prices are adjusted for splits; null where the file doesn't tell.
    adjusted: Option<bool>,
    /// What to look at before importing, a sentence each; at most 50.
    doubts: Vec<String>,
    /// The ten earliest bars.
    rows: Vec<PriceBar>,
}

/// A column of a file.
#[derive(SimpleObject)]
pub struct ColumnMatch {
    /// As the file has it.
    heading: String,
    /// What it's taken for; null if it isn't used.
    meaning: Option<String>,
}

impl From<prices::Preview> for ImportPreview {
    fn from(preview: prices::Preview) -> Self {
        let columns = preview.columns.into_iter();
        Self {
            format: preview.format.to_owned(),
            columns: columns
                .map(|c| ColumnMatch { heading: c.heading, meaning: c.meaning.map(str::to_owned) })
                .collect(),
            date_order: preview.date_order,
            from: preview.first.map(Date),
            to: preview.last.map(Date),
            row_count: i32::try_from(preview.row_count).unwrap_or(i32::MAX),
            adjusted: preview.adjusted,
            doubts: preview.doubts,
            rows: preview.bars.iter().map(|bar| PriceBar::new(bar, &[], &[], None)).collect(),
        }
    }
}

/// An upload's bytes, read off the async threads, and how to read them.
async fn uploaded(ctx: &Context<'_>, input: &ImportPricesInput) -> Result<(Vec<u8>, Options)> {
    let file = input.file.value(ctx).map_err(|e| internal(&e))?;
    let day = day_in_name(&file.filename);
    let options = Options { ticker: input.ticker.clone(), date_order: input.date_order, day };
    let read = tokio::task::spawn_blocking(move || {
        let (mut source, mut content) = (&file.content, Vec::new());
        // Another field of the operation may have read it before.
        source.seek(SeekFrom::Start(0))?;
        source.read_to_end(&mut content).map(|_| content)
    });
    Ok((read.await.map_err(|e| internal(&e))?.map_err(|e| internal(&e))?, options))
}

/// The symbol, and the job that reads the file.
#[derive(SimpleObject)]
pub struct ImportPricesPayload {
    /// The job that reads the file; null if there are errors.
    job: Option<Job>,
    /// The symbol that the prices are of; null if there are errors.
    symbol: Option<Symbol>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct SymbolMutation;

#[Object]
impl SymbolMutation {
    /// Follows a symbol and queues its first refresh.
    async fn add_symbol(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which symbol.")] input: AddSymbolInput,
    ) -> Result<AddSymbolPayload> {
        let AddSymbolInput { ticker, name, exchange, refresh } = input;
        let app = ctx.data_unchecked::<App>();
        let source = DataSource::AlphaVantage;
        let done = symbols::add(app, &caller(ctx), AddSymbol { ticker, name, exchange, refresh, source }).await;
        Ok(payload!(AddSymbolPayload, done, (symbol, job) => {
            symbol: Some(Symbol(Arc::new(symbol))),
            job: job.map(Job)
        }))
    }

    /// Stops following a symbol and forgets its prices and flagged records; research on it goes only if it's said.
    async fn remove_symbol(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which symbol.")] input: RemoveSymbolInput,
    ) -> Result<RemoveSymbolPayload> {
        let app = ctx.data_unchecked::<App>();
        let int = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
        Ok(match sort_out(symbols::remove(app, &caller(ctx), &input.ticker, input.with_research).await)? {
            Ok(removed) => {
                let id = Some(ids::encode(Kind::Symbol, removed.id));
                RemoveSymbolPayload {
                    removed_symbol_id: id.clone(),
                    removed_id: id,
                    removed_research: Some(RemovedResearch {
                        backtests: int(removed.research.backtests),
                        sweeps: int(removed.research.sweeps),
                        predictions: int(removed.research.predictions),
                    }),
                    user_errors: Vec::new(),
                }
            }
            Err(user_errors) => {
                RemoveSymbolPayload { removed_symbol_id: None, removed_id: None, removed_research: None, user_errors }
            }
        })
    }

    /// Queues a refresh of the given symbols, or of all of them. One that is under way answers with its job.
    async fn refresh_symbols(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which symbols, and how much of them.")] input: RefreshSymbolsInput,
    ) -> Result<RefreshSymbolsPayload> {
        let RefreshSymbolsInput { tickers, full, idempotency_key } = input;
        let app = ctx.data_unchecked::<App>();
        let done = symbols::refresh(app, &caller(ctx), tickers, full, idempotency_key).await;
        Ok(payload!(RefreshSymbolsPayload, done, jobs => { jobs: Some(jobs.into_iter().map(Job).collect()) }))
    }

    /// Reads a file of prices as an import would, and stores nothing.
    async fn preview_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, as an import would take it.")] input: ImportPricesInput,
    ) -> Result<PreviewImportPayload> {
        let (content, options) = uploaded(ctx, &input).await?;
        let app = ctx.data_unchecked::<App>();
        let done = prices::preview(app, &caller(ctx), content, options).await;
        Ok(payload!(PreviewImportPayload, done, preview => { preview: Some(preview.into()) }))
    }

    /// Queues the reading of a CSV file of prices, by the GraphQL multipart request specification.
    async fn import_prices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and whose prices it has.")] input: ImportPricesInput,
    ) -> Result<ImportPricesPayload> {
        let (content, options) = uploaded(ctx, &input).await?;
        let app = ctx.data_unchecked::<App>();
        let done = prices::import(app, &caller(ctx), content, options).await;
        Ok(payload!(ImportPricesPayload, done, (symbol, job) => {
            job: Some(Job(job)),
            symbol: Some(Symbol(Arc::new(symbol)))
        }))
    }
}
