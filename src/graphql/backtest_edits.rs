//! Running a strategy over a symbol's bars.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::backtest::Backtest;
use super::errors::{UserError, payload};
use super::guard::caller;
use super::scalars::Date;
use super::strategy::{ExecutionInput, StrategyInput};
use crate::actions::backtests;
use crate::app::App;
use crate::backtest::Strategy;
use crate::market::Adjustment;
use crate::request::RequestError;
use crate::research::{RunBacktest, Span};

/// A strategy to run over a symbol's bars.
#[derive(Debug, InputObject)]
pub struct RunBacktestInput {
    /// The symbol to run over, as `Symbol.ticker` has it, in any case.
    ticker: String,
    /// When to buy and when to sell.
    strategy: StrategyInput,
    /// How orders are carried out; with the defaults of each field if left out.
    execution: Option<ExecutionInput>,
    /// The earliest date; windows fill from here on.
    from: Option<Date>,
    /// The latest date.
    to: Option<Date>,
    /// Prices adjusted for splits, and for dividends where the provider does so; as traded if false. `adjustment` says
    /// more exactly which.
    #[graphql(default = true, deprecation = "Use adjustment.")]
    adjusted: bool,
    /// What prices are adjusted for; what `adjusted` says unless given.
    adjustment: Option<Adjustment>,
}

/// The stored backtest.
#[derive(SimpleObject)]
pub struct RunBacktestPayload {
    /// The stored run; null if there are errors.
    backtest: Option<Backtest>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct BacktestMutation;

impl TryFrom<RunBacktestInput> for RunBacktest {
    type Error = RequestError;

    fn try_from(input: RunBacktestInput) -> Result<Self, RequestError> {
        let span = Span {
            from: input.from.map(|d| d.0),
            to: input.to.map(|d| d.0),
            adjusted: input.adjusted,
            adjustment: input.adjustment,
        };
        let strategy = Strategy::try_from(input.strategy)?;
        Ok(Self {
            ticker: input.ticker,
            strategy,
            execution: input.execution.map(Into::into).unwrap_or_default(),
            span,
        })
    }
}

#[Object]
impl BacktestMutation {
    /// Runs a strategy over a symbol's bars and answers with the stored result.
    async fn run_backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The symbol, the strategy, and how it is run.")] input: RunBacktestInput,
    ) -> Result<RunBacktestPayload> {
        let done = backtests::run(ctx.data_unchecked::<App>(), &caller(ctx), input).await;
        Ok(payload!(RunBacktestPayload, done, row => { backtest: Some(Backtest(row)) }))
    }
}
