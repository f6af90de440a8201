//! Jobs: the object, its lists, what can be done with one, and the subscriptions that follow them.

use std::collections::HashMap;

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Subscription};
use async_stream::try_stream;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;

use super::connection::{Connection, PageArguments, Total, connect, page_cost};
use super::errors::{Fault, UserError, UserErrorCode, bad_input, internal, sort_out};
use super::guard::RoleGuard;
use super::ids::{self, Kind};
use super::loaders::{Rows, SweepOfJob};
use super::sweep::Sweep;
use super::symbol::{Symbol, load_symbol, moment};
use crate::app::App;
use crate::jobs;
use crate::request::normalise_ticker;
use crate::store::entity::job;
use crate::store::{Event, JobFilter, JobKind, JobState, Outcome, Role, job_sorts};

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

impl From<Outcome> for RefreshOutcome {
    fn from(outcome: Outcome) -> Self {
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
    #[graphql(complexity = "2 + child_complexity")]
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
    async fn created_at(&self) -> DateTime<Utc> {
        moment(self.0.created_at)
    }

    /// When a worker first began.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at.map(moment)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at.map(moment)
    }

    /// The sweep that it has stored, if it's one and has succeeded.
    #[graphql(complexity = "2 + child_complexity")]
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
    kind: Option<Vec<JobKind>>,
    state: Option<Vec<JobState>>,
    /// About this symbol.
    ticker: Option<String>,
}

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// Jobs, the newest first.
    #[graphql(complexity = "5 + page_cost(first, last) * child_complexity")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<JobFilterInput>,
    ) -> Result<Connection<Job>> {
        let filter = filter.map_or_else(JobFilter::default, |f| JobFilter {
            kind: f.kind,
            state: f.state,
            ticker: f.ticker.map(|t| normalise_ticker(&t).unwrap_or(t)),
        });
        let page = PageArguments { first, after, last, before }.request(&job_sorts())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = store.jobs().page(&filter, &page).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::Jobs(filter), job::Model::keys, Job))
    }
}

/// A job to stop.
#[derive(Debug, InputObject)]
pub struct CancelJobInput {
    id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub struct CancelJobPayload {
    job: Option<Job>,
    user_errors: Vec<UserError>,
}

/// A job to start again.
#[derive(Debug, InputObject)]
pub struct RetryJobInput {
    id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub struct RetryJobPayload {
    job: Option<Job>,
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct JobMutation;

fn no_such_job() -> Vec<UserError> {
    vec![UserError::new(UserErrorCode::NotFound, "id", "there is no job with this id")]
}

#[Object]
impl JobMutation {
    /// Stops a job: at once if it waits, within seconds if it runs.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn cancel_job(&self, ctx: &Context<'_>, input: CancelJobInput) -> Result<CancelJobPayload> {
        let Some(id) = ids::decode_as(Kind::Job, &input.id) else {
            return Ok(CancelJobPayload { job: None, user_errors: no_such_job() });
        };
        Ok(match sort_out(jobs::cancel(ctx.data_unchecked::<App>(), id).await)? {
            Ok(job) => CancelJobPayload { job: Some(Job(job)), user_errors: Vec::new() },
            Err(user_errors) => CancelJobPayload { job: None, user_errors },
        })
    }

    /// Queues a failed or cancelled job again.
    #[graphql(guard = "RoleGuard(Role::Operator)")]
    async fn retry_job(&self, ctx: &Context<'_>, input: RetryJobInput) -> Result<RetryJobPayload> {
        let Some(id) = ids::decode_as(Kind::Job, &input.id) else {
            return Ok(RetryJobPayload { job: None, user_errors: no_such_job() });
        };
        Ok(match sort_out(jobs::retry(ctx.data_unchecked::<App>(), id).await)? {
            Ok(job) => RetryJobPayload { job: Some(Job(job)), user_errors: Vec::new() },
            Err(user_errors) => RetryJobPayload { job: None, user_errors },
        })
    }
}

/// A refresh or an import that has succeeded.
#[derive(SimpleObject)]
pub struct RefreshCompleted {
    job: Job,
    symbol: Option<Symbol>,
    outcome: RefreshOutcome,
}

#[derive(Default)]
pub struct JobSubscription;

#[Subscription]
impl JobSubscription {
    /// A job's current state at once, then every change, until it ends. Without an id, every change of any job.
    async fn job_updated(&self, ctx: &Context<'_>, id: Option<ID>) -> Result<impl Stream<Item = Result<Job>>> {
        let app = ctx.data_unchecked::<App>().clone();
        let only = match id {
            None => None,
            Some(id) => Some(ids::decode_as(Kind::Job, &id).ok_or_else(|| bad_input("There is no job with this id"))?),
        };
        // Listening begins before the first look, so that nothing falls between the two.
        let mut events = app.store.events().subscribe();
        if let Some(id) = only
            && app.store.jobs().get(id).await.map_err(Fault::from)?.is_none()
        {
            return Err(bad_input("There is no job with this id"));
        }
        Ok(try_stream! {
            let mut told: HashMap<i64, job::Model> = HashMap::new();
            let mut look_at = only;
            loop {
                let news = match look_at.take() {
                    Some(id) => news_of(&app, id, &told).await?,
                    None => None,
                };
                if let Some(job) = news {
                    let ended = job.state.is_final();
                    if ended {
                        told.remove(&job.id);
                    } else {
                        told.insert(job.id, job.clone());
                    }
                    yield Job(job);
                    if ended && only.is_some() {
                        return;
                    }
                }
                match events.recv().await {
                    Ok(Event::Job(id)) if only.is_none_or(|only| only == id) => look_at = Some(id),
                    Ok(Event::Job(_) | Event::Ipo { .. }) => {}
                    // Some events were missed; of one job, its present state makes up for them.
                    Err(RecvError::Lagged(_)) => look_at = only,
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }

    /// Every refresh or import that succeeds, of one symbol or of all.
    async fn refresh_completed(
        &self,
        ctx: &Context<'_>,
        ticker: Option<String>,
    ) -> Result<impl Stream<Item = Result<RefreshCompleted>>> {
        let app = ctx.data_unchecked::<App>().clone();
        let ticker = ticker.map(|t| normalise_ticker(&t)).transpose().map_err(|e| bad_input(e.to_string()))?;
        let mut events = app.store.events().subscribe();
        Ok(try_stream! {
            loop {
                let id = match events.recv().await {
                    Ok(Event::Job(id)) => id,
                    Ok(Event::Ipo { .. }) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                let Some(job) = app.store.jobs().get(id).await.map_err(Fault::from)? else { continue };
                let (JobState::Succeeded, Some(outcome)) = (job.state, job.outcome()) else { continue };
                let symbol = match job.symbol_id {
                    Some(id) => app.store.symbols().get(id).await.map_err(Fault::from)?,
                    None => None,
                };
                let asked_for = ticker.as_ref().is_none_or(|t| symbol.as_ref().is_some_and(|s| s.ticker == *t));
                if asked_for {
                    let symbol = symbol.map(|row| Symbol(row.into()));
                    yield RefreshCompleted { job: Job(job), symbol, outcome: outcome.into() };
                }
            }
        })
    }
}

/// The job, if it shows a change since it was last told of.
async fn news_of(app: &App, id: i64, told: &HashMap<i64, job::Model>) -> Result<Option<job::Model>> {
    let job = app.store.jobs().get(id).await.map_err(Fault::from)?;
    Ok(job.filter(|job| told.get(&id).is_none_or(|before| shows_a_change(before, job))))
}

/// Leases and other bookkeeping are no change to a person.
fn shows_a_change(before: &job::Model, after: &job::Model) -> bool {
    let shown = |job: &job::Model| (job.state, job.done, job.total, job.attempts, job.message.clone());
    shown(before) != shown(after)
}
