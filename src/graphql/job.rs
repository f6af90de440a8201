//! Jobs: the object, its lists, what can be done with one, and the subscriptions that follow them.

use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Subscription};
use async_stream::try_stream;
use futures_util::Stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use super::batch::DataLoader;
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, distinct, if_asked};
use super::errors::{Fault, UserError, bad_input, internal, lagged, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::loaders::{Rows, SweepOfJob};
use super::scalars::DateTime;
use super::subject::{Symbol, filtered_by, load_symbol};
use super::sweep::Sweep;
use crate::actions::jobs;
use crate::app::App;
use crate::request::normalise_ticker;
use crate::store::entity::{job, symbol};
use crate::store::{JobFilter, JobKind, JobState, JobUpdate, RecordCounts, Update, newest_first};

/// Work that outlives a request.
#[derive(Debug, Clone)]
pub struct Job(pub job::Model);

/// What a refresh or an import did, in records.
#[derive(Debug, Clone, SimpleObject)]
pub struct RefreshOutcome {
    /// New bars.
    added: i32,
    /// Bars whose stored values were corrected.
    changed: i32,
    /// Bars that were known already.
    unchanged: i32,
    /// Records that were kept out; `dataIssues` has them.
    flagged: i32,
}

impl From<RecordCounts> for RefreshOutcome {
    fn from(outcome: RecordCounts) -> Self {
        let int = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            added: int(outcome.added),
            changed: int(outcome.changed),
            unchanged: int(outcome.unchanged),
            flagged: int(outcome.flagged),
        }
    }
}

/// Work that outlives a request.
#[Object]
impl Job {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::Job, self.0.id)
    }

    /// What it does.
    async fn kind(&self) -> JobKind {
        self.0.kind
    }

    /// Where it stands.
    async fn state(&self) -> JobState {
        self.0.state
    }

    /// The symbol it's about.
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Option<Symbol>> {
        load_symbol(ctx, self.0.symbol_id).await
    }

    /// Items done.
    async fn done(&self) -> i32 {
        self.0.done
    }

    /// Items there are, once known.
    async fn total(&self) -> Option<i32> {
        self.0.total
    }

    /// What it is doing, or the error that ended it, in a person's words.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// How often a worker began.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When a worker first began.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// The sweep that it has stored, if it's one and has succeeded.
    async fn sweep(&self, ctx: &Context<'_>) -> Result<Option<Sweep>> {
        if self.0.kind != JobKind::Sweep {
            return Ok(None);
        }
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        Ok(loader.load_one(SweepOfJob(self.0.id)).await.map_err(|e| internal(&e))?.map(Sweep::from))
    }

    /// What it did, once it has succeeded.
    async fn outcome(&self) -> Option<RefreshOutcome> {
        self.0.outcome().map(RefreshOutcome::from)
    }
}

/// Which jobs to list.
#[derive(Debug, InputObject)]
#[graphql(name = "JobFilter")]
pub struct JobFilterInput {
    /// Of one of these kinds.
    kind: Option<Vec<JobKind>>,
    /// In one of these states.
    state: Option<Vec<JobState>>,
    /// About this symbol.
    ticker: Option<String>,
}

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// Jobs, the newest first.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            JobFilterInput,
        >,
    ) -> Result<Connection<Job>> {
        let filter = match filter {
            None => JobFilter::default(),
            Some(f) => JobFilter {
                kind: distinct(f.kind),
                state: distinct(f.state),
                symbol_id: filtered_by(ctx, f.ticker).await?,
            },
        };
        let page = PageArguments { first, after, last, before }.request("jobs", &newest_first())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = if_asked(ctx, store.jobs().page(&filter, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::Jobs(filter), job::Model::keys, Job))
    }
}

/// A job to stop.
#[derive(Debug, InputObject)]
pub struct CancelJobInput {
    /// Which job, by its global id.
    id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub struct CancelJobPayload {
    /// The job after it was stopped; null if there are errors.
    job: Option<Job>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A job to start again.
#[derive(Debug, InputObject)]
pub struct RetryJobInput {
    /// Which job, by its global id.
    id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub struct RetryJobPayload {
    /// The job, queued again; null if there are errors.
    job: Option<Job>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct JobMutation;

#[Object]
impl JobMutation {
    /// Stops a job: at once if it waits, within seconds if it runs.
    async fn cancel_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: CancelJobInput,
    ) -> Result<CancelJobPayload> {
        let id = ids::row_of(Kind::Job, &input.id);
        let done = jobs::cancel(ctx.data_unchecked::<App>(), &caller(ctx), id).await;
        Ok(payload!(CancelJobPayload, done, job => { job: Some(Job(job)) }))
    }

    /// Queues a failed or cancelled job again.
    async fn retry_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: RetryJobInput,
    ) -> Result<RetryJobPayload> {
        let id = ids::row_of(Kind::Job, &input.id);
        let done = jobs::retry(ctx.data_unchecked::<App>(), &caller(ctx), id).await;
        Ok(payload!(RetryJobPayload, done, job => { job: Some(Job(job)) }))
    }
}

/// A refresh or an import that has succeeded.
#[derive(SimpleObject)]
pub struct RefreshCompleted {
    /// The job that has succeeded.
    job: Job,
    /// The symbol that it was about; null for a job of another kind.
    symbol: Option<Symbol>,
    /// What it did, in records.
    outcome: RefreshOutcome,
}

#[derive(Default)]
pub struct JobSubscription;

#[Subscription]
impl JobSubscription {
    /// A job's current state at once, then every change, until it ends. Without an id, every change of any job; a
    /// follower too slow for that is ended with an error of the code `LAGGED`.
    async fn job_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this job, by its global id; every job if left out.")] id: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Job>>> {
        let app = ctx.data_unchecked::<App>().clone();
        let no_such = || bad_input("There is no job with this id");
        let only = id.map(|id| ids::decode_as(Kind::Job, &id).ok_or_else(no_such)).transpose()?;
        // Following begins before the first look, so that nothing falls between the two.
        let mut feed = app.store.events().follow();
        let mut job = match only {
            None => None,
            Some(id) => Some(app.store.jobs().get(id).await.map_err(Fault::from)?.ok_or_else(no_such)?),
        };
        Ok(try_stream! {
            while let Some(present) = job {
                yield Job(present.clone());
                job = if present.state.is_final() { None } else { next_change(&app, &mut feed, &present).await };
            }
            while only.is_none() {
                match feed.recv().await {
                    Ok(Update::Job(update)) => yield Job(update.job.clone()),
                    Ok(Update::MissedJobs) | Err(RecvError::Lagged(_)) => Err(lagged())?,
                    Ok(Update::Ipo(_) | Update::MissedIpos) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }

    /// Every refresh or import that succeeds, of one symbol or of all, each once. A follower too slow for them is
    /// ended with an error of the code `LAGGED`.
    async fn refresh_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this symbol; of all if left out.")] ticker: Option<String>,
    ) -> Result<impl Stream<Item = Result<RefreshCompleted>>> {
        let app = ctx.data_unchecked::<App>();
        let ticker = ticker.map(|t| normalise_ticker(&t)).transpose().map_err(|e| bad_input(e.to_string()))?;
        // Following begins before the look, so that nothing falls between the two.
        let mut feed = app.store.events().follow();
        let only = match ticker {
            None => None,
            Some(ticker) => {
                let id = app.store.identities().find(&ticker).await.map_err(Fault::from)?.map(|symbol| symbol.id);
                Some(Only { id, ticker })
            }
        };
        Ok(try_stream! {
            loop {
                let update = match feed.recv().await {
                    Ok(Update::Job(update)) => update,
                    Ok(Update::MissedJobs) | Err(RecvError::Lagged(_)) => Err(lagged())?,
                    Ok(Update::Ipo(_) | Update::MissedIpos) => continue,
                    Err(RecvError::Closed) => return,
                };
                if let Some(completed) = completed(&update, only.as_ref()) {
                    yield completed;
                }
            }
        })
    }
}

/// A followed job is read this often even if nothing tells of it.
const READ_AGAIN: Duration = Duration::from_secs(20);
/// Before another try when it can't be read.
const RETRY: Duration = Duration::from_secs(1);

/// The job, once it shows a change; `None` once it's gone, or the process stops.
async fn next_change(app: &App, feed: &mut broadcast::Receiver<Update>, before: &job::Model) -> Option<job::Model> {
    let mut read_at = Instant::now() + READ_AGAIN;
    loop {
        match timeout_at(read_at, feed.recv()).await {
            Ok(Ok(Update::Job(update))) => {
                if update.job.id == before.id && update.job.revision > before.revision {
                    return Some(update.job.clone());
                }
                continue;
            }
            Ok(Ok(Update::Ipo(_) | Update::MissedIpos)) => continue,
            Ok(Err(RecvError::Closed)) => return None,
            // Some changes were missed, or there was silence: the present state makes up for either.
            Ok(Ok(Update::MissedJobs) | Err(RecvError::Lagged(_))) | Err(_) => {}
        }
        read_at = Instant::now() + READ_AGAIN;
        match app.store.jobs().get(before.id).await {
            Ok(job) if job.as_ref().is_some_and(|job| job.revision <= before.revision) => {}
            Ok(job) => return job,
            Err(error) => {
                tracing::warn!(%error, job = before.id, "a followed job could not be read and is read again");
                read_at = Instant::now() + RETRY;
            }
        }
    }
}

/// The symbol that a follower asked for: what its ticker leads to, or whoever bears it later.
struct Only {
    id: Option<i64>,
    ticker: String,
}

fn completed(update: &JobUpdate, only: Option<&Only>) -> Option<RefreshCompleted> {
    let JobUpdate { job, symbol } = update;
    let outcome = job.outcome().filter(|_| job.state == JobState::Succeeded)?;
    let is_it = |symbol: &symbol::Model, only: &Only| only.id == Some(symbol.id) || symbol.ticker == only.ticker;
    let asked_for = only.is_none_or(|only| symbol.as_ref().is_some_and(|symbol| is_it(symbol, only)));
    let completed =
        || RefreshCompleted { job: Job(job.clone()), symbol: symbol.clone().map(Symbol), outcome: outcome.into() };
    asked_for.then(completed)
}
