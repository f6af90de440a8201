//! Jobs: stop one, start one again.

use async_recursion::async_recursion as boxed;

use super::Caller;
use crate::app::App;
use crate::request::RequestError;
use crate::store::entity::job;
use crate::store::{Event, JobState, NewJob, Role};

/// Records one job, or finds the one that stands for it.
#[boxed]
pub(super) async fn record_one(app: &App, record: NewJob) -> Result<job::Model, RequestError> {
    let record = [record];
    let recording = || async {
        let transaction = app.store.begin().await?;
        let recorded = app.store.jobs().record(&transaction, &record).await?.pop();
        let (job, is_new) =
            recorded.ok_or_else(|| RequestError::Conflict("the job was not recorded; try again".to_owned()))?;
        app.store.jobs().remember_keys(&transaction, &record, std::slice::from_ref(&job)).await?;
        let events = if is_new { vec![Event::Job(job.id)] } else { Vec::new() };
        app.store.events().commit(transaction, &events).await?;
        Ok(job)
    };
    app.store.transact(recording).await
}

/// Stops a job.
///
/// # Errors
/// When the caller may not, there is no such job, or it has ended.
#[boxed]
pub async fn cancel(app: &App, caller: &Caller, id: i64) -> Result<job::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    match app.store.jobs().cancel(id).await? {
        Some((job, true)) => Ok(job),
        Some((job, false)) => Err(RequestError::Conflict(format!("the job has ended already, it {}", ended_as(&job)))),
        None => Err(RequestError::NotFound { field: "id".into(), what: "job with this id".to_owned() }),
    }
}

/// Starts a failed or cancelled job again.
///
/// # Errors
/// When the caller may not, there is no such job, it hasn't failed, or another is at the same thing.
#[boxed]
pub async fn retry(app: &App, caller: &Caller, id: i64) -> Result<job::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    if let Some(job) = app.store.jobs().requeue(id).await? {
        return Ok(job);
    }
    match app.store.jobs().get(id).await? {
        None => Err(RequestError::NotFound { field: "id".into(), what: "job with this id".to_owned() }),
        Some(job) if job.state == JobState::Succeeded => {
            Err(RequestError::Conflict("the job succeeded; there is nothing to retry".to_owned()))
        }
        Some(_) => Err(RequestError::Conflict("this job, or another one for the same thing, is under way".to_owned())),
    }
}

fn ended_as(job: &job::Model) -> &'static str {
    match job.state {
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "was cancelled",
        JobState::Queued | JobState::Running | JobState::Retrying => "is under way",
    }
}
