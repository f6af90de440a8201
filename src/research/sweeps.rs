//! Running a sweep and keeping it.

use std::borrow::Cow;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use serde::{Deserialize, Serialize};

use super::{Bars, Span};
use crate::app::App;
use crate::backtest::{ENGINE_VERSION, Execution, Sweep, WindowRange};
use crate::request::RequestError;
use crate::store::NewSweep;
use crate::store::entity::sweep as row;

/// A sweep that somebody wants. It's the payload of a job, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepRequest {
    pub ticker: String,
    pub buy: WindowRange,
    pub sell: WindowRange,
    pub execution: Execution,
    pub span: Span,
}

/// The results as they are kept: total returns, drawdowns, Sharpe ratios, trade counts.
type StoredColumns<'a> = (Cow<'a, [f64]>, Cow<'a, [f64]>, Cow<'a, [f64]>, Cow<'a, [i32]>);

/// A sweep that has been run and stored.
#[derive(Debug)]
pub struct StoredSweep {
    pub row: row::Model,
    /// Kept beside the row, so that nobody need read them back.
    pub results: Arc<Sweep>,
}

/// Checks a sweep before anything is queued or computed, and loads its bars.
///
/// # Errors
/// When an input can't be what it is, the symbol isn't followed, or there are too few bars.
#[boxed]
pub async fn prepare_sweep(app: &App, request: &SweepRequest) -> Result<(Bars, usize), RequestError> {
    let combinations = Sweep::check(request.buy, request.sell, &request.execution)?;
    let bars = Bars::load(app, &request.ticker, request.span).await?;
    Sweep::check_length(request.buy, request.sell, bars.columns.len())?;
    Ok((bars, combinations))
}

/// Runs a sweep and stores it; `None` if `go_on` says no on the way.
///
/// # Errors
/// As [`prepare_sweep`]; nothing is stored then.
pub async fn run_sweep(
    app: &App,
    request: SweepRequest,
    bars: Bars,
    job_id: Option<i64>,
    go_on: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> Result<Option<StoredSweep>, RequestError> {
    let computed = tokio::task::spawn_blocking(move || {
        let SweepRequest { buy, sell, execution, .. } = request;
        let Some(sweep) = Sweep::run(&bars.columns, buy, sell, &execution, &go_on)? else { return Ok(None) };
        let new = NewSweep {
            symbol_id: bars.symbol.id,
            job_id,
            data_version: bars.symbol.data_version,
            engine_version: ENGINE_VERSION,
            adjustment: bars.adjustment,
            from_day: bars.first_day(),
            to_day: bars.last_day(),
            windows: serde_json::to_string(&(buy, sell))?,
            execution: serde_json::to_string(&execution)?,
            combinations: i32::try_from(sweep.len()).unwrap_or(i32::MAX),
        };
        let columns: StoredColumns<'_> = (
            (&sweep.total_return).into(),
            (&sweep.max_drawdown).into(),
            (&sweep.sharpe).into(),
            (&sweep.trade_count).into(),
        );
        let columns = postcard::to_stdvec(&columns)?;
        Ok::<_, RequestError>(Some((new, columns, sweep)))
    });
    let Some((new, columns, sweep)) = computed.await?? else { return Ok(None) };
    let row = app.store.sweeps().insert(new, columns).await?;
    Ok(Some(StoredSweep { row, results: Arc::new(sweep) }))
}

/// Puts a stored sweep's results and windows together again.
///
/// # Errors
/// When they aren't what was written.
pub fn decode_sweep(windows: (WindowRange, WindowRange), content: &[u8]) -> Result<Sweep, postcard::Error> {
    let (total_return, max_drawdown, sharpe, trade_count): StoredColumns<'_> = postcard::from_bytes(content)?;
    Ok(Sweep {
        buy: windows.0,
        sell: windows.1,
        total_return: total_return.into_owned(),
        max_drawdown: max_drawdown.into_owned(),
        sharpe: sharpe.into_owned(),
        trade_count: trade_count.into_owned(),
    })
}
