//! Backtests: run one, name one, delete one.

use async_recursion::async_recursion as boxed;

use super::Caller;
use super::research::{missing, tidied};
use crate::app::App;
use crate::request::RequestError;
use crate::research::{self, RunBacktest};
use crate::store::Role;
use crate::store::entity::backtest;

/// Runs a strategy over a symbol's bars and keeps what came of it.
///
/// # Errors
/// When the caller may not, an input can't be what it is, the symbol isn't followed, or there are too few bars.
pub async fn run(
    app: &App,
    caller: &Caller,
    wanted: impl TryInto<RunBacktest, Error: Into<RequestError>>,
) -> Result<backtest::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    let wanted = wanted.try_into().map_err(Into::<RequestError>::into)?;
    Ok(research::run_backtest(app, wanted).await?.1)
}

/// Names a backtest, or takes its name away.
///
/// # Errors
/// When the caller may not, the name is too long, or there is no such backtest.
#[boxed]
pub async fn name(app: &App, caller: &Caller, id: i64, name: Option<String>) -> Result<backtest::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    app.store.backtests().rename(id, tidied(name)?).await?.ok_or_else(|| missing("backtest"))
}

/// Deletes a backtest.
///
/// # Errors
/// When the caller may not, or there is no such backtest.
#[boxed]
pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<(), RequestError> {
    caller.must_be(Role::Operator)?;
    if app.store.backtests().delete(id).await? { Ok(()) } else { Err(missing("backtest")) }
}
