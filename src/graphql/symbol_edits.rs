//! What operators do to symbols: follow, stop following, refresh, bring prices from a file.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Upload};

use super::errors::{UserError, UserErrorCode, internal, sort_out};
use super::guard::RoleGuard;
use super::ids::{self, Kind};
use super::job::Job;
use super::symbol::Symbol;
use crate::app::App;
use crate::jobs::{self, AddSymbol};
use crate::market::Exchange;
use crate::store::Role;

/// A symbol to follow.
#[derive(Debug, InputObject)]
pub struct AddSymbolInput {
    /// As Alpha Vantage spells it: "IBM", "RELIANCE.BSE"; or, with the exchange NSE or BSE, as an IPO has it.
    ticker: String,
    /// What it's called; looked up if left out.
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
    symbol: Option<Symbol>,
    job: Option<Job>,
    user_errors: Vec<UserError>,
}

/// A symbol to stop following.
#[derive(Debug, InputObject)]
pub struct RemoveSymbolInput {
    ticker: String,
}

/// The id of what was removed.
#[derive(SimpleObject)]
pub struct RemoveSymbolPayload {
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

/// Symbols to bring up to date.
#[derive(Debug, InputObject)]
pub struct RefreshSymbolsInput {
    /// All symbols if left out.
    tickers: Option<Vec<String>>,
    /// Fetch the whole history even where the newest bars would do.
    #[graphql(default = false)]
    full: bool,
    /// Asking again with the same key answers with the same jobs.
    idempotency_key: Option<String>,
}

/// A job for every symbol.
#[derive(SimpleObject)]
pub struct RefreshSymbolsPayload {
    jobs: Option<Vec<Job>>,
    user_errors: Vec<UserError>,
}

/// A CSV file of one symbol's prices.
#[derive(InputObject)]
pub struct ImportPricesInput {
    /// Added if it isn't followed yet.
    ticker: String,
    /// With the headings date,open,high,low,close[,`adjusted_close`],volume.
    file: Upload,
}

/// The symbol, and the job that reads the file.
#[derive(SimpleObject)]
pub struct ImportPricesPayload {
    job: Option<Job>,
    symbol: Option<Symbol>,
    user_errors: Vec<UserError>,
}

/// Symbols that one request may name.
const MOST_TICKERS: usize = 5_000;
const LONGEST_IDEMPOTENCY_KEY: usize = 200;

#[derive(Default)]
pub struct SymbolMutation;

#[Object]
impl SymbolMutation {
    /// Follows a symbol and queues its first refresh.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn add_symbol(&self, ctx: &Context<'_>, input: AddSymbolInput) -> Result<AddSymbolPayload> {
        let AddSymbolInput { ticker, name, exchange, refresh } = input;
        let app = ctx.data_unchecked::<App>();
        let outcome = sort_out(jobs::add_symbol(app, AddSymbol { ticker, name, exchange, refresh }).await)?;
        Ok(match outcome {
            Ok((symbol, job)) => {
                AddSymbolPayload { symbol: Some(Symbol(Arc::new(symbol))), job: job.map(Job), user_errors: Vec::new() }
            }
            Err(user_errors) => AddSymbolPayload { symbol: None, job: None, user_errors },
        })
    }

    /// Stops following a symbol and forgets its prices.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn remove_symbol(&self, ctx: &Context<'_>, input: RemoveSymbolInput) -> Result<RemoveSymbolPayload> {
        let app = ctx.data_unchecked::<App>();
        Ok(match sort_out(jobs::remove_symbol(app, &input.ticker).await)? {
            Ok(id) => RemoveSymbolPayload { removed_id: Some(ids::encode(Kind::Symbol, id)), user_errors: Vec::new() },
            Err(user_errors) => RemoveSymbolPayload { removed_id: None, user_errors },
        })
    }

    /// Queues a refresh of the given symbols, or of all of them. One that is under way answers with its job.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn refresh_symbols(&self, ctx: &Context<'_>, input: RefreshSymbolsInput) -> Result<RefreshSymbolsPayload> {
        let RefreshSymbolsInput { tickers, full, idempotency_key } = input;
        let turned_down = |user_errors| RefreshSymbolsPayload { jobs: None, user_errors };
        if tickers.as_ref().is_some_and(|t| t.len() > MOST_TICKERS) {
            let message = format!("one request takes at most {MOST_TICKERS} tickers");
            return Ok(turned_down(vec![UserError::new(UserErrorCode::LimitExceeded, "tickers", message)]));
        }
        if idempotency_key.as_ref().is_some_and(|k| k.is_empty() || k.len() > LONGEST_IDEMPOTENCY_KEY) {
            let message = format!("an idempotency key has 1 to {LONGEST_IDEMPOTENCY_KEY} bytes");
            return Ok(turned_down(vec![UserError::new(UserErrorCode::Invalid, "idempotencyKey", message)]));
        }
        let app = ctx.data_unchecked::<App>();
        Ok(match sort_out(jobs::refresh_symbols(app, tickers, full, idempotency_key).await)? {
            Ok(jobs) => {
                RefreshSymbolsPayload { jobs: Some(jobs.into_iter().map(Job).collect()), user_errors: Vec::new() }
            }
            Err(user_errors) => turned_down(user_errors),
        })
    }

    /// Queues the reading of a CSV file of prices, by the GraphQL multipart request specification.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn import_prices(&self, ctx: &Context<'_>, input: ImportPricesInput) -> Result<ImportPricesPayload> {
        let file = input.file.value(ctx).map_err(|e| internal(&e))?;
        let read = tokio::task::spawn_blocking(move || {
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut &file.content, &mut content).map(|_| content)
        });
        let content = read.await.map_err(|e| internal(&e))?.map_err(|e| internal(&e))?;
        let app = ctx.data_unchecked::<App>();
        Ok(match sort_out(jobs::import_prices(app, &input.ticker, content).await)? {
            Ok((symbol, job)) => ImportPricesPayload {
                job: Some(Job(job)),
                symbol: Some(Symbol(Arc::new(symbol))),
                user_errors: Vec::new(),
            },
            Err(user_errors) => ImportPricesPayload { job: None, symbol: None, user_errors },
        })
    }
}
