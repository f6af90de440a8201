//! Claims a delivered job, runs it, and writes down how it ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_recursion::async_recursion as boxed;
use rand::Rng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::{Done, JobError, Progress};
use super::{import_prices, refresh_ipos, refresh_market, refresh_symbol, sweep_backtests, train_model};
use crate::app::App;
use crate::market::text::capitalised;
use crate::providers::{Advice, moment};
use crate::store::entity::job;
use crate::store::{CANCELLED, Claim, JobKind, JobState, Millis, RunAfter, StorageFull, StoreError, now};
use crate::telemetry::{metrics, traces};

/// A worker that renews its lease less often than this is taken for dead.
pub(super) const LEASE: Duration = Duration::from_secs(8);
/// Faults after which a job is given up.
const MOST_FAILURES: i32 = 5;
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_mins(10);
/// How long a job waits that found the database's disk full.
const FULL_DISK_RETRY: Duration = Duration::from_secs(3);
/// How often it's tried again to record how a job ended, while the database can't.
const RECORD_AGAIN: Duration = Duration::from_millis(500);

/// This process's side of running jobs; clones share it.
#[derive(Clone)]
pub(super) struct Runner {
    app: App,
    /// Names this process in the job records; new at every start.
    worker: Arc<str>,
    running: Arc<Mutex<HashMap<i64, CancellationToken>>>,
    /// Everybody between a delivery and its job's end.
    busy: TaskTracker,
}

/// How a run ended.
enum End {
    Done(Done),
    Failed(JobError),
    Panicked,
    Stopped,
}

impl Runner {
    pub(super) fn new(app: App) -> Self {
        let worker = ulid::Ulid::new().to_string();
        Self { app, worker: worker.into(), running: Arc::default(), busy: TaskTracker::new() }
    }

    pub(super) fn concurrency(&self) -> usize {
        self.app.settings.worker_concurrency
    }

    pub(super) fn worker(&self) -> &str {
        &self.worker
    }

    /// Jobs that this process is running now.
    pub(super) fn running(&self) -> Vec<i64> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Stops a running job where it stands.
    pub(super) fn stop(&self, id: i64) {
        if let Some(token) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            token.cancel();
        }
    }

    /// Waits until nothing runs any more. Only for a process that has been asked to stop: no job starts then.
    #[boxed]
    pub(super) async fn idle(&self) {
        self.busy.close();
        self.busy.wait().await;
    }

    /// Runs a delivered job, if it's still there to be run.
    #[boxed]
    pub(super) async fn run(&self, id: i64) {
        let _busy = self.busy.token();
        if self.app.shutdown.is_cancelled() {
            // The record stays due, and the next worker finds it.
            return;
        }
        match self.app.store.jobs().claim(id, &self.worker, LEASE).await {
            Ok(Claim::Taken(job)) => {
                let (runner, span) = (self.clone(), span_of(&job));
                // A task of its own: the queue drops the future that it awaits when it is stopped.
                let _ = tokio::spawn(async move { runner.run_claimed(*job).await }.instrument(span)).await;
            }
            Ok(Claim::Busy | Claim::Gone) => {}
            Err(error) => tracing::warn!(%error, job = id, "the job could not be claimed and stays in the queue"),
        }
    }

    async fn run_claimed(&self, job: job::Model) {
        let stop = CancellationToken::new();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, stop.clone());
        let (app, progress) =
            (self.app.clone(), Progress::new(self.app.store.clone(), job.id, self.worker.to_string()));
        tracing::info!(job = job.id, kind = ?job.kind, attempt = job.attempts, "job started");
        metrics::job_waited(job.kind.name(), waited(&job));
        let (kind, payload) = (job.kind, job.payload.clone());
        let began = Instant::now();
        // A task of its own, so that a panic ends the job and not the worker.
        let running = async move { dispatch(kind, &payload, &app, &progress).await };
        let mut task = tokio::spawn(running.in_current_span());
        let end = tokio::select! {
            joined = &mut task => match joined {
                Ok(Ok(done)) => End::Done(done),
                Ok(Err(error)) => End::Failed(error),
                Err(_) => End::Panicked,
            },
            () = stop.cancelled() => {
                task.abort();
                let _ = task.await;
                End::Stopped
            }
        };
        let outcome = self.outcome(&job, &end);
        metrics::job_ran(job.kind.name(), outcome, began.elapsed());
        Span::current().record("outcome", outcome);
        self.record_end(&job, &end).await;
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&job.id);
    }

    /// How a run ended, as metrics and traces call it.
    fn outcome(&self, job: &job::Model, end: &End) -> &'static str {
        match end {
            End::Done(_) => "succeeded",
            End::Panicked => "failed",
            End::Stopped if self.app.shutdown.is_cancelled() => "handed_back",
            End::Stopped => "cancelled",
            End::Failed(error) => match error.advice() {
                Advice::Postpone { .. } => "postponed",
                _ if StorageFull::caused(error) => "retried",
                Advice::Retry { .. } if job.failures + 1 < MOST_FAILURES => "retried",
                Advice::Retry { .. } | Advice::GiveUp => "failed",
            },
        }
    }

    /// Records how a job ended, however long the database can't: a disk may be full, a server may restart. The job
    /// counts as running until then, so its lease goes on.
    async fn record_end(&self, job: &job::Model, end: &End) {
        loop {
            match self.write_down(job, end).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(job = job.id, "the job had passed to another worker");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, job = job.id, "how the job ended was not recorded and is tried again");
                }
            }
            if self.app.shutdown.run_until_cancelled(tokio::time::sleep(RECORD_AGAIN)).await.is_none() {
                tracing::error!(job = job.id, "how the job ended was not recorded; it will run again");
                return;
            }
        }
    }

    async fn write_down(&self, job: &job::Model, end: &End) -> Result<bool, StoreError> {
        let jobs = self.app.store.jobs();
        match end {
            End::Done(Done { message, outcome }) => {
                tracing::info!(job = job.id, result = message, "job done");
                jobs.finish(job.id, &self.worker, JobState::Succeeded, Some(message), *outcome).await
            }
            End::Failed(error) => self.fail(job, error).await,
            End::Panicked => {
                tracing::error!(job = job.id, "the job panicked");
                let message = format!("A fault of the service ended the job; the log tells more (job {})", job.id);
                jobs.finish(job.id, &self.worker, JobState::Failed, Some(&message), None).await
            }
            End::Stopped if self.app.shutdown.is_cancelled() => Ok(true),
            End::Stopped => {
                tracing::info!(job = job.id, "job cancelled");
                jobs.finish(job.id, &self.worker, JobState::Cancelled, Some(CANCELLED), None).await
            }
        }
    }

    async fn fail(&self, job: &job::Model, error: &JobError) -> Result<bool, StoreError> {
        let jobs = self.app.store.jobs();
        let reason = capitalised(&error.to_string());
        match error.advice() {
            Advice::Postpone { until } => {
                tracing::info!(job = job.id, %error, "job postponed");
                jobs.retry_later(job.id, &self.worker, RunAfter::At(until), &reason, false).await
            }
            // Not the job's fault, and it goes on by itself as soon as there is space.
            _ if StorageFull::caused(error) => {
                self.app.store.watch_storage();
                let message = format!("{reason}; next try {}", when(now() + millis(FULL_DISK_RETRY)));
                let retry = RunAfter::In(FULL_DISK_RETRY);
                jobs.retry_later(job.id, &self.worker, retry, &message, false).await
            }
            Advice::Retry { after } if job.failures + 1 < MOST_FAILURES => {
                let wait = after.unwrap_or_default().max(backoff(job.failures));
                let message = format!("{reason}; next try {}", when(now() + millis(wait)));
                tracing::warn!(job = job.id, %error, ?wait, "job failed and will be tried again");
                jobs.retry_later(job.id, &self.worker, RunAfter::In(wait), &message, true).await
            }
            Advice::Retry { .. } => {
                let message = format!("{reason}; given up after {MOST_FAILURES} tries");
                tracing::error!(job = job.id, %error, "job failed for good");
                jobs.finish(job.id, &self.worker, JobState::Failed, Some(&message), None).await
            }
            Advice::GiveUp => {
                tracing::warn!(job = job.id, %error, "job failed");
                jobs.finish(job.id, &self.worker, JobState::Failed, Some(&reason), None).await
            }
        }
    }
}

/// Around all that a job does; a part of the trace of whoever asked for it.
fn span_of(job: &job::Model) -> Span {
    let kind = job.kind.name();
    let span = tracing::error_span!(
        "job",
        otel.name = format!("job {kind}"),
        otel.kind = "consumer",
        job_id = job.id,
        job_kind = kind,
        attempt = job.attempts,
        outcome = Empty,
        trace_id = Empty,
    );
    traces::adopt(&span, job.traceparent.as_deref());
    span
}

/// How long a job that was claimed just now had been due, by the database's clock alone.
fn waited(job: &job::Model) -> Duration {
    let claimed_at = job.lease_until.unwrap_or(0) - millis(LEASE);
    Duration::from_millis(u64::try_from(claimed_at - job.run_after).unwrap_or(0))
}

async fn dispatch(kind: JobKind, payload: &str, app: &App, progress: &Progress) -> Result<Done, JobError> {
    match kind {
        JobKind::RefreshSymbol => refresh_symbol::run(&serde_json::from_str(payload)?, app, progress).await,
        JobKind::Sweep => sweep_backtests::run(&serde_json::from_str(payload)?, app, progress).await,
        JobKind::ImportPrices => import_prices::run(&serde_json::from_str(payload)?, app, progress).await,
        JobKind::RefreshIpos => refresh_ipos::run(&serde_json::from_str(payload)?, app, progress).await,
        JobKind::RefreshMarket => refresh_market::run(&serde_json::from_str(payload)?, app, progress).await,
        JobKind::TrainModel => train_model::run(&serde_json::from_str(payload)?, app, progress).await,
    }
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 2)
}

/// Doubles with every failure, with a quarter of jitter so that jobs that failed together don't return together.
fn backoff(failures: i32) -> Duration {
    let doubled = FIRST_RETRY.saturating_mul(1 << failures.clamp(0, 16)).min(LONGEST_RETRY);
    doubled.mul_f64(rand::rng().random_range(0.75..1.25))
}

/// Near moments to the second, others to the minute.
fn when(at: Millis) -> String {
    let seconds = (at - now()) / 1_000;
    if seconds < 120 { format!("in {} s", seconds.max(1)) } else { moment(at) }
}
