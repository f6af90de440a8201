//! What a worker process does beside running jobs: passing records on to the queue, renewing leases, taking back what
//! dead workers held, keeping the schedule.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use futures_util::FutureExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::runner::{LEASE, Runner};
use super::schedule;
use crate::app::App;
use crate::store::{Delivered, Event, Queue, QueueError, StoreError};

/// How often leases are renewed; several times a lease, so that one slow write loses nothing.
const RENEW: Duration = Duration::from_secs(2);
/// How often records are looked through for due jobs without an event: retries that came due, orphans.
const SWEEP: Duration = Duration::from_secs(1);
/// A delivery that hasn't arrived after this, with an empty queue, is lost.
const LOST: Duration = Duration::from_secs(6);
const TIDY: Duration = Duration::from_secs(30);
const SCHEDULE: Duration = Duration::from_secs(15);
/// How long running jobs may take to finish when the process is asked to stop.
const GRACE: Duration = Duration::from_secs(8);
/// How long it may take to hand back what is running still. Its leases run out by themselves, only later.
const HAND_BACK: Duration = Duration::from_secs(3);
const RESTART_AFTER: Duration = Duration::from_millis(500);

/// Makes the queue's tables.
///
/// # Errors
/// When the database refuses.
#[boxed]
pub async fn setup(app: &App) -> Result<(), QueueError> {
    Queue::new(&app.store).setup().await
}

/// Runs jobs until the process is asked to stop, then finishes or hands back what is running.
#[boxed]
pub async fn run(app: App) {
    let queue = Queue::new(&app.store);
    let runner = Runner::new(app.clone());
    let tasks = TaskTracker::new();
    tasks.spawn(supervise(app.clone(), queue.clone(), runner.clone()));
    let (a, q, r) = (app.clone(), queue.clone(), runner.clone());
    tasks.spawn(keep_going(app.clone(), "dispatcher", move || dispatch(a.clone(), q.clone(), r.clone())));
    let (a, q) = (app.clone(), queue);
    tasks.spawn(keep_going(app.clone(), "tidying", move || tidy(a.clone(), q.clone())));
    let a = app.clone();
    tasks.spawn(keep_going(app.clone(), "schedule", move || keep_schedule(a.clone())));
    let renewing = tokio::spawn(renew(app.clone(), runner.clone()));

    app.shutdown.cancelled().await;
    let deadline = tokio::time::Instant::now() + GRACE;
    while !runner.running().is_empty() && tokio::time::Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
    for id in runner.running() {
        runner.stop(id);
    }
    tasks.close();
    // The queue's own worker waits for its last poll; what it doesn't end in time ends with the process.
    let _ = timeout(Duration::from_secs(1), tasks.wait()).await;
    renewing.abort();
    match timeout(HAND_BACK, app.store.jobs().hand_back(runner.worker())).await {
        Ok(Ok(0)) => {}
        Ok(Ok(count)) => tracing::info!(count, "handed running jobs back to the queue"),
        Ok(Err(error)) => tracing::warn!(%error, "running jobs were not handed back; their leases will run out"),
        Err(_) => tracing::warn!("running jobs were not handed back in time; their leases will run out"),
    }
}

/// Runs a task until the process is asked to stop, and starts it again should it panic.
async fn keep_going<F: Future<Output = ()>>(app: App, name: &'static str, task: impl Fn() -> F) {
    let going = async {
        while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
            tracing::error!(task = name, "a task of the worker panicked and is started again");
            sleep(RESTART_AFTER).await;
        }
    };
    let _ = app.shutdown.run_until_cancelled(going).await;
}

/// Keeps the queue's worker going: its library lets it end at the first database error.
async fn supervise(app: App, queue: Queue, runner: Runner) {
    while !app.shutdown.is_cancelled() {
        let (runner, running) = (runner.clone(), runner.clone());
        let concurrency = runner.concurrency();
        let run = move |id| {
            let runner = runner.clone();
            async move { runner.run(id).await }.boxed()
        };
        let shutdown = app.shutdown.clone();
        let stop = async move {
            shutdown.cancelled().await;
            // Once stopped the library polls no more, and may be in the middle of a transaction: on SQLite that holds
            // the lock which the jobs that run need to end.
            running.idle().await;
        };
        let working = AssertUnwindSafe(queue.work(concurrency, Delivered::new(run), stop));
        match working.catch_unwind().await {
            Ok(Ok(())) => {}
            Err(_) => tracing::error!("the queue's worker panicked and is started again"),
            Ok(Err(error)) => tracing::warn!(%error, "the queue's worker stopped and is started again"),
        }
        let _ = app.shutdown.run_until_cancelled(sleep(RESTART_AFTER)).await;
    }
}

/// Passes due records on to the queue: at once on an event, else when the records are next looked through.
async fn dispatch(app: App, queue: Queue, runner: Runner) {
    let mut events = app.store.events().subscribe();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sweeping = tokio::select! {
            _ = sweep.tick() => true,
            event = events.recv() => match event {
                Ok(Event::Job(_) | Event::Resync) | Err(RecvError::Lagged(_)) => false,
                Ok(Event::Ipo { .. }) => continue,
                Err(RecvError::Closed) => return,
            },
        };
        let outcome = if sweeping { take_back(&app, &queue, &runner).await } else { Ok(None) };
        let outcome = match outcome {
            Ok(lost_after) => pass_on(&app, &queue, lost_after).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "jobs were not passed on to the queue; the next look will");
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum DispatchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Takes back orphans; answers after how long a delivery counts as lost.
async fn take_back(app: &App, queue: &Queue, runner: &Runner) -> Result<Option<Duration>, DispatchError> {
    let orphans = app.store.jobs().reclaim_orphans(runner.worker(), &runner.running()).await?;
    if orphans > 0 {
        tracing::warn!(orphans, "took back jobs whose worker had stopped");
    }
    // A long backlog isn't lost, it waits.
    Ok(if queue.pending().await? == 0 { Some(LOST) } else { None })
}

async fn pass_on(app: &App, queue: &Queue, lost_after: Option<Duration>) -> Result<(), DispatchError> {
    loop {
        let ids = app.store.jobs().take_undelivered(lost_after).await?;
        if ids.is_empty() {
            return Ok(());
        }
        queue.push(&ids).await?;
    }
}

async fn renew(app: App, runner: Runner) {
    let mut ticks = interval(RENEW);
    loop {
        ticks.tick().await;
        match app.store.jobs().renew(runner.worker(), &runner.running(), LEASE).await {
            Ok(cancelled) => cancelled.into_iter().for_each(|id| runner.stop(id)),
            Err(error) => tracing::warn!(%error, "the leases of running jobs were not renewed"),
        }
    }
}

async fn tidy(app: App, queue: Queue) {
    let mut ticks = interval(TIDY);
    loop {
        ticks.tick().await;
        if let Err(error) = queue.tidy().await {
            tracing::warn!(%error, "finished deliveries were not cleared away");
        }
        if let Err(error) = app.store.jobs().drop_old_files().await {
            tracing::warn!(%error, "the files of jobs that failed a day ago were not cleared away");
        }
        if let Err(error) = schedule::forget_due(&app, chrono::Utc::now()).await {
            tracing::warn!(%error, "what was kept for long enough was not forgotten; the next run will");
        }
    }
}

async fn keep_schedule(app: App) {
    let mut ticks = interval(SCHEDULE);
    loop {
        ticks.tick().await;
        if let Err(error) = schedule::run_due(&app, chrono::Utc::now()).await {
            tracing::warn!(%error, "the schedule was not looked at; the next look will");
        }
    }
}
