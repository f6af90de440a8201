//! Running a sweep: at once where it is small, as a job where it isn't.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::errors::{UserError, UserErrorCode, sort_out};
use super::guard::caller;
use super::job::Job;
use super::scalars::Date;
use super::spending;
use super::strategy::{ExecutionInput, WindowRangeInput};
use super::sweep::Sweep;
use crate::actions::sweeps::{self, SweepAnswer};
use crate::app::App;
use crate::market::Adjustment;
use crate::research::{Span, SweepRequest};

/// Two ranges of windows to try on a symbol.
#[derive(Debug, InputObject)]
pub struct SweepBacktestsInput {
    /// The symbol to run over, as `Symbol.ticker` has it, in any case.
    ticker: String,
    /// Buys while the close is below its moving average of this many days.
    buy_below_sma: WindowRangeInput,
    /// Sells while the close is above its moving average of this many days.
    sell_above_sma: WindowRangeInput,
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

/// The sweep, if it was small enough to be run at once; else the job that runs it, whose `sweep` it will be.
#[derive(SimpleObject)]
pub struct SweepBacktestsPayload {
    /// The job that runs it, where there are more than 10,000 pairs.
    job: Option<Job>,
    /// The stored sweep, where there are 10,000 pairs or fewer.
    sweep: Option<Sweep>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// Bars gone over that cost as much as a value of a column: of the largest sweeps that are run at once, an operation has one.
const STEPS_PER_CELL: usize = 100;

#[derive(Default)]
pub struct SweepMutation;

#[Object]
impl SweepMutation {
    /// Runs every pair of two ranges of windows: up to 10,000 at once, up to 1,000,000 as a job.
    async fn sweep_backtests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The symbol, and the windows to try.")] input: SweepBacktestsInput,
    ) -> Result<SweepBacktestsPayload> {
        let request = SweepRequest {
            ticker: input.ticker,
            buy: input.buy_below_sma.into(),
            sell: input.sell_above_sma.into(),
            execution: input.execution.map(Into::into).unwrap_or_default(),
            span: Span {
                from: input.from.map(|d| d.0),
                to: input.to.map(|d| d.0),
                adjusted: input.adjusted,
                adjustment: input.adjustment,
            },
        };
        let payload = |job, sweep| SweepBacktestsPayload { job, sweep, user_errors: Vec::new() };
        let wrong = |user_errors| SweepBacktestsPayload { job: None, sweep: None, user_errors };
        let app = ctx.data_unchecked::<App>();
        let prepared = match sort_out(sweeps::prepare(app, &caller(ctx), request).await)? {
            Ok(prepared) => prepared,
            Err(user_errors) => return Ok(wrong(user_errors)),
        };
        let cells = prepared.steps() / STEPS_PER_CELL;
        if !spending::has_left(ctx, cells) {
            let message = "The sweeps of one operation would go over too many bars; ask for one at a time".to_owned();
            return Ok(wrong(vec![UserError { code: UserErrorCode::LimitExceeded, message, field: None }]));
        }
        spending::cells(ctx, cells).await?;
        Ok(match sort_out(sweeps::run(app, prepared).await)? {
            Ok(SweepAnswer::Done(sweep)) => payload(None, Some((*sweep).into())),
            Ok(SweepAnswer::Queued(job)) => payload(Some(Job(*job)), None),
            Err(user_errors) => wrong(user_errors),
        })
    }
}
