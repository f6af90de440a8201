//! Job records: the truth about every job. Each change commits together with the event that tells of it.

use std::collections::HashMap;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::entity::job::{ActiveModel, Column, Entity, JobKind, JobState, Model};
use super::entity::{job_file, job_key};
use super::page::{Page, PageRequest, newest_first};
use super::repositories::Jobs;
use super::{Millis, Result, clock};
use crate::telemetry::traces;

/// A job to be recorded.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub kind: JobKind,
    pub symbol_id: Option<i64>,
    pub payload: String,
    /// Asking again while a job with this key is active answers with that one.
    pub dedupe_key: String,
    /// Jobs with the same key never run at the same time.
    pub exclusive_key: Option<String>,
    /// Asking again with this key answers with the same job, ended or not.
    pub idempotency_key: Option<String>,
}

/// What a finished job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordCounts {
    pub added: u32,
    pub changed: u32,
    pub unchanged: u32,
    pub flagged: u32,
}

impl std::ops::AddAssign for RecordCounts {
    fn add_assign(&mut self, more: Self) {
        self.added += more.added;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.flagged += more.flagged;
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub kind: Option<Vec<JobKind>>,
    pub state: Option<Vec<JobState>>,
    pub symbol_id: Option<i64>,
}

/// When a job that was put off is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAfter {
    /// So long from now, by the database's clock.
    In(Duration),
    /// At a moment that somebody else has named.
    At(Millis),
}

/// What claiming a job gave.
#[derive(Debug)]
pub enum Claim {
    Taken(Box<Model>),
    /// Another job that it must not overlap is running.
    Busy,
    /// Ended, taken by another worker, or not yet due.
    Gone,
}

pub(super) const CHUNK: usize = 500;

impl Model {
    /// What the job did, once it says so.
    #[must_use]
    pub fn outcome(&self) -> Option<RecordCounts> {
        let count = |value: Option<i32>| value.map(|v| u32::try_from(v).unwrap_or(0));
        Some(RecordCounts {
            added: count(self.added)?,
            changed: count(self.changed)?,
            unchanged: count(self.unchanged)?,
            flagged: count(self.flagged)?,
        })
    }
}

impl JobFilter {
    fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if let Some(kinds) = &self.kind {
            condition = condition.add(Column::Kind.is_in(kinds.iter().copied()));
        }
        if let Some(states) = &self.state {
            condition = condition.add(Column::State.is_in(states.iter().copied()));
        }
        if let Some(symbol_id) = self.symbol_id {
            condition = condition.add(Column::SymbolId.eq(symbol_id));
        }
        condition
    }
}

pub(super) fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

impl Jobs<'_> {
    /// Records jobs in a transaction, or finds the ones that already stand for them, in the order asked. The second
    /// value of each tells whether it's new.
    #[boxed]
    pub async fn record(&self, transaction: &DatabaseTransaction, new: &[NewJob]) -> Result<Vec<(Model, bool)>> {
        let mut found = self.standing_for(transaction, new).await?;
        let mut fresh: Vec<bool> = found.iter().map(Option::is_none).collect();
        // A job that ends between the two looks leaves its key free again, so look and insert until all have a row.
        while found.iter().any(Option::is_none) {
            let now = clock::present(transaction).await?;
            let mut missing: Vec<&NewJob> =
                new.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(job, _)| job).collect();
            // All batches take the index's locks in one order, so that no two wait for each other.
            missing.sort_by(|a, b| a.dedupe_key.cmp(&b.dedupe_key));
            let rows: Vec<ActiveModel> = missing.into_iter().map(|job| row(job, now)).collect();
            for rows in rows.chunks(CHUNK) {
                Entity::insert_many(rows.iter().cloned())
                    .on_conflict(std::mem::take(OnConflict::new().do_nothing()))
                    .exec_without_returning(transaction)
                    .await?;
            }
            let looked = self.standing_for(transaction, new).await?;
            for (slot, found_now) in found.iter_mut().zip(looked) {
                if slot.is_none() {
                    *slot = found_now;
                }
            }
        }
        // Two requests for one symbol in one batch share a row, and only the first made it.
        let mut seen = std::collections::HashSet::new();
        for (row, fresh) in found.iter().flatten().zip(&mut fresh) {
            *fresh &= seen.insert(row.id);
        }
        let ids = || found.iter().flatten().zip(&fresh).filter(|(_, is_new)| **is_new).map(|(job, _)| job.id);
        if let Some(first) = ids().min() {
            tracing::info!(first, count = ids().count(), "jobs recorded");
        }
        Ok(found.into_iter().flatten().zip(fresh).collect())
    }

    async fn standing_for(&self, transaction: &DatabaseTransaction, new: &[NewJob]) -> Result<Vec<Option<Model>>> {
        let mut by_dedupe: HashMap<String, Model> = HashMap::new();
        let mut by_idempotency: HashMap<String, Model> = HashMap::new();
        for new in new.chunks(CHUNK) {
            let of_same_thing = Condition::all()
                .add(Column::DedupeKey.is_in(new.iter().map(|j| j.dedupe_key.as_str())))
                .add(Column::State.is_in(JobState::ACTIVE));
            let keys: Vec<&str> = new.iter().filter_map(|j| j.idempotency_key.as_deref()).collect();
            let mut either = Condition::any().add(of_same_thing);
            if !keys.is_empty() {
                either = either.add(Column::IdempotencyKey.is_in(keys.iter().copied()));
            }
            for job in Entity::find().filter(either).all(transaction).await? {
                if let Some(key) = &job.idempotency_key {
                    by_idempotency.insert(key.clone(), job.clone());
                }
                if let Some(key) = job.dedupe_key.clone().filter(|_| !job.state.is_final()) {
                    by_dedupe.insert(key, job);
                }
            }
            for (key, job) in self.answered(transaction, &keys).await? {
                by_idempotency.entry(key).or_insert(job);
            }
        }
        let of = |job: &NewJob| {
            let same_request = job.idempotency_key.as_ref().and_then(|key| by_idempotency.get(key));
            same_request.or_else(|| by_dedupe.get(&job.dedupe_key)).cloned()
        };
        Ok(new.iter().map(of).collect())
    }

    /// Jobs that requests with these keys were answered with, though others had asked for them.
    async fn answered(&self, transaction: &DatabaseTransaction, keys: &[&str]) -> Result<Vec<(String, Model)>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = job_key::Entity::find().filter(job_key::Column::IdempotencyKey.is_in(keys.iter().copied()));
        let keys = keys.all(transaction).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let ids = keys.iter().map(|key| key.job_id);
        let jobs = Entity::find().filter(Column::Id.is_in(ids)).all(transaction).await?;
        let jobs: HashMap<i64, Model> = jobs.into_iter().map(|job| (job.id, job)).collect();
        let of = |key: job_key::Model| jobs.get(&key.job_id).map(|job| (key.idempotency_key, job.clone()));
        Ok(keys.into_iter().filter_map(of).collect())
    }

    /// Remembers which jobs requests are answered with, so that asking again with a key answers with the same one
    /// where it was another's.
    #[boxed]
    pub async fn remember_keys(&self, transaction: &DatabaseTransaction, new: &[NewJob], jobs: &[Model]) -> Result<()> {
        let of_another = |(new, job): (&NewJob, &Model)| {
            let key = new.idempotency_key.clone().filter(|_| new.idempotency_key != job.idempotency_key)?;
            Some(job_key::ActiveModel { idempotency_key: Set(key), job_id: Set(job.id) })
        };
        let mut rows: Vec<job_key::ActiveModel> = new.iter().zip(jobs).filter_map(of_another).collect();
        // All batches take the index's locks in one order.
        rows.sort_by(|a, b| a.idempotency_key.as_ref().cmp(b.idempotency_key.as_ref()));
        for rows in rows.chunks(CHUNK) {
            job_key::Entity::insert_many(rows.iter().cloned())
                .on_conflict(std::mem::take(OnConflict::new().do_nothing()))
                .exec_without_returning(transaction)
                .await?;
        }
        Ok(())
    }

    /// Replaces what a waiting job will do; false if it's no longer waiting.
    #[boxed]
    pub async fn replace_payload(&self, transaction: &DatabaseTransaction, id: i64, payload: &str) -> Result<bool> {
        let updated = Entity::update_many()
            .col_expr(Column::Payload, Expr::val(payload))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in([JobState::Queued, JobState::Retrying]))
            .exec(transaction)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Keeps a file for a job.
    #[boxed]
    pub async fn attach(&self, transaction: &DatabaseTransaction, id: i64, content: Vec<u8>) -> Result<()> {
        let row = job_file::ActiveModel { job_id: Set(id), content: Set(content) };
        job_file::Entity::insert(row).exec_without_returning(transaction).await?;
        Ok(())
    }

    /// How many bytes the file has that a job was given, and the first of them.
    #[boxed]
    pub async fn attachment_head(&self, id: i64) -> Result<Option<(usize, Vec<u8>)>> {
        let query = job_file::Entity::find_by_id(id)
            .select_only()
            .expr(Expr::cust("CAST(length(content) AS BIGINT)"))
            .expr(Expr::cust("substr(content, 1, 8)"));
        let found: Option<(i64, Vec<u8>)> = query.into_tuple().one(&self.0.read).await?;
        Ok(found.map(|(bytes, head)| (usize::try_from(bytes).unwrap_or(usize::MAX), head)))
    }

    /// The file that a job was given.
    #[boxed]
    pub async fn attachment(&self, id: i64) -> Result<Option<Vec<u8>>> {
        Ok(job_file::Entity::find_by_id(id).one(&self.0.read).await?.map(|f| f.content))
    }

    #[boxed]
    pub async fn get(&self, id: i64) -> Result<Option<Model>> {
        Ok(Entity::find_by_id(id).one(&self.0.read).await?)
    }

    #[boxed]
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(&self.0.read).await?)
    }

    #[boxed]
    pub async fn page(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition()), &newest_first());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self, filter: &JobFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition()).count(&self.0.read).await?)
    }
}

fn row(job: &NewJob, now: Millis) -> ActiveModel {
    ActiveModel {
        kind: Set(job.kind),
        state: Set(JobState::Queued),
        symbol_id: Set(job.symbol_id),
        payload: Set(job.payload.clone()),
        dedupe_key: Set(Some(job.dedupe_key.clone())),
        exclusive_key: Set(job.exclusive_key.clone()),
        idempotency_key: Set(job.idempotency_key.clone()),
        done: Set(0),
        attempts: Set(0),
        failures: Set(0),
        cancel_requested: Set(false),
        run_after: Set(now),
        created_at: Set(now),
        traceparent: Set(traces::traceparent()),
        ..Default::default()
    }
}
