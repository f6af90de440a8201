//! Sweeps: run one, name one, delete one.

use super::Caller;
use super::jobs::record_one;
use super::research::{missing, tidied};
use crate::app::App;
use crate::jobs::{Job, SweepBacktests};
use crate::request::RequestError;
use crate::research::{StoredSweep, SweepRequest, prepare_sweep, run_sweep};
use crate::store::Role;
use crate::store::entity::{job, sweep};

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
/// When the caller may not, an input can't be what it is, the symbol isn't followed, or there are too few bars; nothing is
/// stored then.
pub async fn run(app: &App, caller: &Caller, request: SweepRequest) -> Result<SweepAnswer, RequestError> {
    caller.must_be(Role::Operator)?;
    let (bars, combinations) = prepare_sweep(app, &request).await?;
    if combinations <= SMALL_SWEEP {
        let ran = run_sweep(app, request, bars, None, |_| true).await?;
        let sweep = ran.ok_or_else(|| RequestError::Conflict("the sweep was stopped".to_owned()))?;
        return Ok(SweepAnswer::Done(Box::new(sweep)));
    }
    let record = SweepBacktests { symbol_id: bars.symbol.id, request }.record(None)?;
    Ok(SweepAnswer::Queued(Box::new(record_one(app, record).await?)))
}

/// Names a sweep, or takes its name away.
///
/// # Errors
/// When the caller may not, the name is too long, or there is no such sweep.
pub async fn name(app: &App, caller: &Caller, id: i64, name: Option<String>) -> Result<sweep::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    app.store.sweeps().rename(id, tidied(name)?).await?.ok_or_else(|| missing("sweep"))
}

/// Deletes a sweep.
///
/// # Errors
/// When the caller may not, or there is no such sweep.
pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<(), RequestError> {
    caller.must_be(Role::Operator)?;
    if app.store.sweeps().delete(id).await? { Ok(()) } else { Err(missing("sweep")) }
}
