//! Running a backtest and keeping it.

use async_recursion::async_recursion as boxed;
use serde::{Deserialize, Serialize};

use super::{Bars, Span};
use crate::app::App;
use crate::backtest::{self, ENGINE_VERSION, Execution, Strategy, Trade, buy_and_hold, equity_curve};
use crate::market::Day;
use crate::request::RequestError;
use crate::store::NewBacktest;
use crate::store::entity::{backtest as row, symbol};

/// A backtest that somebody wants.
#[derive(Debug, Clone)]
pub struct RunBacktest {
    pub ticker: String,
    pub strategy: Strategy,
    pub execution: Execution,
    pub span: Span,
}

/// What a backtest's curves follow from; it is kept in this form, encoded with postcard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub days: Vec<Day>,
    pub close: Vec<f64>,
    pub trades: Vec<Trade>,
}

impl Curve {
    /// Cash and the value of shares at each close.
    #[must_use]
    pub fn equity(&self, execution: &Execution) -> Vec<f64> {
        equity_curve(&self.close, &self.trades, execution)
    }

    /// The same for buying at the first close and selling at the last.
    #[must_use]
    pub fn buy_and_hold(&self, execution: &Execution) -> Vec<f64> {
        buy_and_hold(&self.close, execution)
    }
}

/// Runs a strategy over a symbol's bars and stores what came of it.
///
/// # Errors
/// When an input can't be what it is, the symbol isn't followed, or there are too few bars; nothing is stored then.
#[boxed]
pub async fn run_backtest(app: &App, input: RunBacktest) -> Result<(symbol::Model, row::Model), RequestError> {
    input.strategy.check()?;
    input.execution.check()?;
    let bars = Bars::load(app, &input.ticker, input.span).await?;
    let (strategy, execution) = (input.strategy, input.execution);
    let computed = app.compute(move || {
        let ran = backtest::run(&bars.columns, &strategy, &execution)?;
        let (first, last) = (bars.first_day(), bars.last_day());
        let curve = Curve { days: bars.columns.days, close: bars.columns.close, trades: ran.trades };
        let new = NewBacktest {
            symbol_id: bars.symbol.id,
            data_version: bars.symbol.data_version,
            engine_version: ENGINE_VERSION,
            adjustment: bars.adjustment,
            from_day: first,
            to_day: last,
            bar_count: i32::try_from(curve.days.len()).unwrap_or(i32::MAX),
            strategy: serde_json::to_string(&strategy)?,
            execution: serde_json::to_string(&execution)?,
            metrics: serde_json::to_string(&ran.metrics)?,
        };
        Ok::<_, RequestError>((bars.symbol, new, postcard::to_stdvec(&curve)?))
    });
    let (symbol, new, curve) = computed.await??;
    Ok((symbol, app.store.backtests().insert(new, curve).await?))
}

/// Reads a stored curve.
///
/// # Errors
/// When it isn't one.
pub fn decode_curve(content: &[u8]) -> Result<Curve, postcard::Error> {
    postcard::from_bytes(content)
}
