//! Sweeps: run one, name one, delete one.

use async_recursion::async_recursion as boxed;

use super::Caller;
use super::jobs::record_one;
use super::research::{missing, tidied};
use crate::app::App;
use crate::jobs::{Job, SweepBacktests};
use crate::request::RequestError;
use crate::research::{Bars, StoredSweep, SweepRequest, prepare_sweep, run_sweep};
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

/// A sweep that has been checked, with the bars that it goes over.
#[derive(Debug)]
pub struct PreparedSweep {
    request: SweepRequest,
    bars: Bars,
    combinations: usize,
}

impl PreparedSweep {
    /// Bars that are gone over at once, each pair's counted; none where a worker does it.
    #[must_use]
    pub fn steps(&self) -> usize {
        if self.is_small() { self.combinations.saturating_mul(self.bars.columns.len()) } else { 0 }
    }

    fn is_small(&self) -> bool {
        self.combinations <= SMALL_SWEEP
    }
}

/// Checks a sweep, and loads its bars.
///
/// # Errors
/// When the caller may not, an input can't be what it is, the symbol isn't followed, or there are too few bars.
#[boxed]
pub async fn prepare(app: &App, caller: &Caller, request: SweepRequest) -> Result<PreparedSweep, RequestError> {
    caller.must_be(Role::Operator)?;
    let (bars, combinations) = prepare_sweep(app, &request).await?;
    Ok(PreparedSweep { request, bars, combinations })
}

/// Runs a small sweep, queues a large one.
///
/// # Errors
/// When the symbol was removed meanwhile; nothing is stored then.
#[boxed]
pub async fn run(app: &App, sweep: PreparedSweep) -> Result<SweepAnswer, RequestError> {
    if sweep.is_small() {
        let ran = run_sweep(app, sweep.request, sweep.bars, None, |_| true).await?;
        let sweep = ran.ok_or_else(|| RequestError::Conflict("the sweep was stopped".to_owned()))?;
        return Ok(SweepAnswer::Done(Box::new(sweep)));
    }
    let record = SweepBacktests { symbol_id: sweep.bars.symbol.id, request: sweep.request }.record(None)?;
    Ok(SweepAnswer::Queued(Box::new(record_one(app, record).await?)))
}

/// Names a sweep, or takes its name away.
///
/// # Errors
/// When the caller may not, the name is too long, or there is no such sweep.
#[boxed]
pub async fn name(app: &App, caller: &Caller, id: i64, name: Option<String>) -> Result<sweep::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    app.store.sweeps().rename(id, tidied(name)?).await?.ok_or_else(|| missing("sweep"))
}

/// Deletes a sweep.
///
/// # Errors
/// When the caller may not, or there is no such sweep.
#[boxed]
pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<(), RequestError> {
    caller.must_be(Role::Operator)?;
    if app.store.sweeps().delete(id).await? { Ok(()) } else { Err(missing("sweep")) }
}
