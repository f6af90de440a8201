//! Runs a sweep that is too large to be answered at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_recursion::async_recursion as boxed;
use tokio_util::sync::CancellationToken;

use super::{Done, JobError, Progress};
use crate::app::App;
use crate::jobs::SweepBacktests;
use crate::research::{prepare_sweep, run_sweep};

const MESSAGE: &str = "Running every pair of windows";

#[boxed]
pub(super) async fn run(job: &SweepBacktests, app: &App, progress: &Progress) -> Result<Done, JobError> {
    let (bars, combinations) = prepare_sweep(app, &job.request).await?;
    let total = u32::try_from(combinations).unwrap_or(u32::MAX);
    progress.tell(0, Some(total), MESSAGE).await;

    let (stop, done) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    // A cancelled job is dropped, and with it this guard: the threads then stop at their next look.
    let _guard = stop.clone().drop_guard();
    let counter = done.clone();
    let go_on = move |pairs: usize| {
        counter.fetch_max(pairs, Ordering::Relaxed);
        !stop.is_cancelled()
    };
    let running = run_sweep(app, job.request.clone(), bars, Some(progress.job_id()), go_on);
    let pairs = || u32::try_from(done.load(Ordering::Relaxed)).unwrap_or(u32::MAX).min(total.saturating_sub(1));
    let Some(_) = progress.during(running, total, MESSAGE, pairs).await? else {
        return Err(JobError::Pointless("Stopped".to_owned()));
    };
    progress.tell(total, Some(total), "Stored").await;
    Ok(Done { message: format!("{combinations} pairs of windows"), outcome: None })
}
