//! Job records: the truth about every job. Each change commits together with the event that tells of it.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, SqlErr, Statement, Value,
};

use super::entity::job::{ActiveModel, Column, Entity, JobKind, JobState, Model};
use super::entity::{job_file, symbol};
use super::page::{Key, Keys, Page, PageRequest, Sort};
use super::{Event, Millis, Result, Store, now};

/// The jobs' repository.
pub struct Jobs<'a>(pub(super) &'a Store);

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
pub struct Outcome {
    pub added: u32,
    pub changed: u32,
    pub unchanged: u32,
    pub flagged: u32,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub kind: Option<Vec<JobKind>>,
    pub state: Option<Vec<JobState>>,
    pub ticker: Option<String>,
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

const CHUNK: usize = 500;
/// How long a job waits before it asks again whether its symbol is free.
const BUSY_RETRY_MS: i64 = 300;

fn active() -> [JobState; 3] {
    JobState::ACTIVE
}

/// Newest first.
#[must_use]
pub fn job_sorts() -> Vec<Sort> {
    vec![Sort { by: Expr::col(Column::Id), descending: true, text: false }]
}

impl Model {
    /// The row's values for a cursor.
    #[must_use]
    pub fn keys(&self) -> Keys {
        vec![Key::Int(self.id)]
    }

    /// What the job did, once it says so.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let count = |value: Option<i32>| value.map(|v| u32::try_from(v).unwrap_or(0));
        Some(Outcome {
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
        if let Some(ticker) = &self.ticker {
            let of_ticker = Query::select()
                .column(symbol::Column::Id)
                .from(symbol::Entity)
                .and_where(symbol::Column::Ticker.eq(ticker))
                .to_owned();
            condition = condition.add(Column::SymbolId.in_subquery(of_ticker));
        }
        condition
    }
}

fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

impl Jobs<'_> {
    /// Records jobs in a transaction, or finds the ones that already stand for them, in the order asked. The second
    /// value of each tells whether it's new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, transaction: &DatabaseTransaction, new: &[NewJob]) -> Result<Vec<(Model, bool)>> {
        let mut found = self.standing_for(transaction, new).await?;
        let mut fresh: Vec<bool> = found.iter().map(Option::is_none).collect();
        // A job that ends between the two looks leaves its key free again, so look and insert until all have a row.
        while found.iter().any(Option::is_none) {
            let now = now();
            let missing = new.iter().zip(&found).filter(|(_, f)| f.is_none());
            let rows: Vec<ActiveModel> = missing.map(|(job, _)| row(job, now)).collect();
            for rows in rows.chunks(CHUNK) {
                Entity::insert_many(rows.iter().cloned())
                    .on_conflict(OnConflict::new().do_nothing().to_owned())
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
        Ok(found.into_iter().flatten().zip(fresh).collect())
    }

    async fn standing_for(&self, transaction: &DatabaseTransaction, new: &[NewJob]) -> Result<Vec<Option<Model>>> {
        let mut by_dedupe: HashMap<String, Model> = HashMap::new();
        let mut by_idempotency: HashMap<String, Model> = HashMap::new();
        for new in new.chunks(CHUNK) {
            let of_same_thing = Condition::all()
                .add(Column::DedupeKey.is_in(new.iter().map(|j| j.dedupe_key.as_str())))
                .add(Column::State.is_in(active()));
            let keys: Vec<&str> = new.iter().filter_map(|j| j.idempotency_key.as_deref()).collect();
            let mut either = Condition::any().add(of_same_thing);
            if !keys.is_empty() {
                either = either.add(Column::IdempotencyKey.is_in(keys));
            }
            for job in Entity::find().filter(either).all(transaction).await? {
                if let Some(key) = &job.idempotency_key {
                    by_idempotency.insert(key.clone(), job.clone());
                }
                if let Some(key) = job.dedupe_key.clone().filter(|_| !job.state.is_final()) {
                    by_dedupe.insert(key, job);
                }
            }
        }
        let of = |job: &NewJob| {
            let same_request = job.idempotency_key.as_ref().and_then(|key| by_idempotency.get(key));
            same_request.or_else(|| by_dedupe.get(&job.dedupe_key)).cloned()
        };
        Ok(new.iter().map(of).collect())
    }

    /// Replaces what a waiting job will do; false if it's no longer waiting.
    ///
    /// # Errors
    /// When the database fails.
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
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attach(&self, transaction: &DatabaseTransaction, id: i64, content: Vec<u8>) -> Result<()> {
        let row = job_file::ActiveModel { job_id: Set(id), content: Set(content) };
        job_file::Entity::insert(row).exec_without_returning(transaction).await?;
        Ok(())
    }

    /// The file that a job was given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attachment(&self, id: i64) -> Result<Option<Vec<u8>>> {
        Ok(job_file::Entity::find_by_id(id).one(&self.0.read).await?.map(|f| f.content))
    }

    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: i64) -> Result<Option<Model>> {
        Ok(Entity::find_by_id(id).one(&self.0.read).await?)
    }

    /// # Errors
    /// When the database fails.
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<Model>> {
        Ok(Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(&self.0.read).await?)
    }

    /// # Errors
    /// When the database fails.
    pub async fn page(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Model>> {
        let query = page.apply(Entity::find().filter(filter.condition()), &job_sorts());
        Ok(page.page(query.all(&self.0.read).await?))
    }

    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: &JobFilter) -> Result<u64> {
        Ok(Entity::find().filter(filter.condition()).count(&self.0.read).await?)
    }

    /// Takes a due job for a worker until `lease_until`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self, id: i64, worker: &str, lease_until: Millis) -> Result<Claim> {
        let now = now();
        let transaction = self.0.begin().await?;
        let sql = "UPDATE job_records SET state = 'RUNNING', worker = $1, lease_until = $2, \
                   attempts = attempts + 1, done = 0, total = NULL, message = NULL, cancel_requested = FALSE, \
                   started_at = COALESCE(started_at, $3) \
                   WHERE id = $4 AND state IN ('QUEUED', 'RETRYING') AND run_after <= $3 AND NOT EXISTS \
                   (SELECT 1 FROM job_records AS other WHERE other.exclusive_key = job_records.exclusive_key \
                    AND other.state = 'RUNNING') RETURNING *";
        let values = [worker.into(), lease_until.into(), now.into(), id.into()];
        let claimed = transaction.query_one_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await;
        match claimed {
            Ok(Some(row)) => {
                let job = Model::from_query_result(&row, "")?;
                self.0.events.commit(transaction, &[Event::Job(id)]).await?;
                Ok(Claim::Taken(Box::new(job)))
            }
            Ok(None) => {
                let busy = self.postpone_busy(&transaction, id, now).await?;
                transaction.commit().await?;
                Ok(if busy { Claim::Busy } else { Claim::Gone })
            }
            // Two workers at once: the index lets one through.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                transaction.rollback().await?;
                let transaction = self.0.begin().await?;
                self.postpone_busy(&transaction, id, now).await?;
                transaction.commit().await?;
                Ok(Claim::Busy)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn postpone_busy(&self, transaction: &DatabaseTransaction, id: i64, now: Millis) -> Result<bool> {
        let updated = Entity::update_many()
            .col_expr(Column::RunAfter, Expr::val(now + BUSY_RETRY_MS))
            .col_expr(Column::EnqueuedAt, Expr::val(Option::<i64>::None))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in([JobState::Queued, JobState::Retrying]))
            .filter(Column::RunAfter.lte(now))
            .exec(transaction)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Tells how far a running job is; false if it's no longer this worker's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn progress(
        &self,
        id: i64,
        worker: &str,
        done: u32,
        total: Option<u32>,
        message: Option<&str>,
    ) -> Result<bool> {
        let changes = [
            (Column::Done, Expr::val(int(done))),
            (Column::Total, Expr::val(total.map(int))),
            (Column::Message, Expr::val(message.map(str::to_owned))),
        ];
        self.change_own(id, worker, changes).await
    }

    /// Ends a running job; false if it's no longer this worker's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(
        &self,
        id: i64,
        worker: &str,
        state: JobState,
        message: Option<&str>,
        outcome: Option<Outcome>,
    ) -> Result<bool> {
        let count = |of: fn(&Outcome) -> u32| -> SimpleExpr { Expr::val(outcome.as_ref().map(of).map(int)) };
        let changes = [
            (Column::State, text_state(state)),
            (Column::Message, Expr::val(message.map(str::to_owned))),
            (Column::FinishedAt, Expr::val(now())),
            (Column::LeaseUntil, Expr::val(Option::<i64>::None)),
            (Column::Added, count(|o| o.added)),
            (Column::Changed, count(|o| o.changed)),
            (Column::Unchanged, count(|o| o.unchanged)),
            (Column::Flagged, count(|o| o.flagged)),
        ];
        let ended = self.change_own(id, worker, changes).await?;
        if ended {
            job_file::Entity::delete_by_id(id).exec(&self.0.write).await?;
        }
        Ok(ended)
    }

    /// Puts a running job off until `run_after`; false if it's no longer this worker's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_later(
        &self,
        id: i64,
        worker: &str,
        run_after: Millis,
        message: &str,
        counts_as_failure: bool,
    ) -> Result<bool> {
        let changes = [
            (Column::State, text_state(JobState::Retrying)),
            (Column::Message, Expr::val(message)),
            (Column::RunAfter, Expr::val(run_after)),
            (Column::EnqueuedAt, Expr::val(Option::<i64>::None)),
            (Column::LeaseUntil, Expr::val(Option::<i64>::None)),
            (Column::Failures, Expr::col(Column::Failures).add(i32::from(counts_as_failure))),
        ];
        self.change_own(id, worker, changes).await
    }

    async fn change_own<const N: usize>(
        &self,
        id: i64,
        worker: &str,
        changes: [(Column, SimpleExpr); N],
    ) -> Result<bool> {
        let transaction = self.0.begin().await?;
        let mut update = Entity::update_many();
        for (column, value) in changes {
            update = update.col_expr(column, value);
        }
        let updated = update
            .filter(Column::Id.eq(id))
            .filter(Column::Worker.eq(worker))
            .filter(Column::State.eq(JobState::Running))
            .exec(&transaction)
            .await?;
        self.0.events.commit(transaction, &[Event::Job(id)]).await?;
        Ok(updated.rows_affected > 0)
    }

    /// Gives every job of a worker back to the queue: it is shutting down.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hand_back(&self, worker: &str) -> Result<u64> {
        self.requeue_running("worker = $2", vec![now().into(), worker.into()]).await
    }

    /// Takes back the jobs of workers that stopped renewing their leases, `own` aside.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reclaim_orphans(&self, own: &str) -> Result<u64> {
        let expired = "lease_until < $1 AND worker <> $2";
        let statement = Statement::from_sql_and_values(
            self.0.backend(),
            format!("SELECT 1 FROM job_records WHERE state = 'RUNNING' AND {expired} LIMIT 1"),
            [now().into(), own.into()],
        );
        if self.0.read.query_one_raw(statement).await?.is_none() {
            return Ok(0);
        }
        self.requeue_running(expired, vec![now().into(), own.into()]).await
    }

    /// `$1` of the values is the present.
    async fn requeue_running(&self, condition: &str, values: Vec<Value>) -> Result<u64> {
        let transaction = self.0.begin().await?;
        let sql = format!(
            "UPDATE job_records SET state = 'QUEUED', worker = NULL, lease_until = NULL, enqueued_at = NULL, \
             run_after = $1, message = 'Waiting for a worker again: the last one stopped' \
             WHERE state = 'RUNNING' AND {condition} RETURNING id"
        );
        let rows = transaction.query_all_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
        let events: Vec<Event> = ids.iter().map(|&id| Event::Job(id)).collect();
        self.0.events.commit(transaction, &events).await?;
        Ok(ids.len() as u64)
    }

    /// Prolongs the leases of a worker's jobs and names those that somebody wants cancelled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew(&self, worker: &str, lease_until: Millis) -> Result<Vec<i64>> {
        let sql = "UPDATE job_records SET lease_until = $1 WHERE worker = $2 AND state = 'RUNNING' \
                   RETURNING id, cancel_requested";
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [lease_until.into(), worker.into()]);
        let mut cancelled = Vec::new();
        for row in self.0.write.query_all_raw(statement).await? {
            if row.try_get_by_index::<bool>(1)? {
                cancelled.push(row.try_get_by_index(0)?);
            }
        }
        Ok(cancelled)
    }

    /// Due jobs that the queue hasn't been told of, or was told of before `lost_before` and hasn't delivered. They
    /// count as told from now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_undelivered(&self, lost_before: Millis) -> Result<Vec<i64>> {
        let now = now();
        let undelivered = "state IN ('QUEUED', 'RETRYING') AND run_after <= $1 \
                           AND (enqueued_at IS NULL OR enqueued_at < $2)";
        let statement =
            |sql: String| Statement::from_sql_and_values(self.0.backend(), sql, [now.into(), lost_before.into()]);
        // Looked at without the write lock first: mostly there is nothing.
        let any = statement(format!("SELECT 1 FROM job_records WHERE {undelivered} LIMIT 1"));
        if self.0.read.query_one_raw(any).await?.is_none() {
            return Ok(Vec::new());
        }
        let take = statement(format!(
            "UPDATE job_records SET enqueued_at = $1 WHERE {undelivered} AND id IN (SELECT id FROM job_records \
             WHERE {undelivered} ORDER BY run_after, id LIMIT {CHUNK}) RETURNING id"
        ));
        let rows = self.0.write.query_all_raw(take).await?;
        let mut ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Stops a job: at once if it waits, as soon as its worker notices if it runs. `None` if there is no such job;
    /// the flag tells whether anything was left to stop.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, id: i64) -> Result<Option<(Model, bool)>> {
        let transaction = self.0.begin().await?;
        let waiting = Entity::update_many()
            .col_expr(Column::State, text_state(JobState::Cancelled))
            .col_expr(Column::Message, Expr::val("Cancelled"))
            .col_expr(Column::FinishedAt, Expr::val(now()))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in([JobState::Queued, JobState::Retrying]))
            .exec(&transaction)
            .await?
            .rows_affected;
        if waiting > 0 {
            job_file::Entity::delete_by_id(id).exec(&transaction).await?;
        }
        let running = Entity::update_many()
            .col_expr(Column::CancelRequested, Expr::val(true))
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq(JobState::Running))
            .exec(&transaction)
            .await?
            .rows_affected;
        let job = Entity::find_by_id(id).one(&transaction).await?;
        self.0.events.commit(transaction, &[Event::Job(id)]).await?;
        Ok(job.map(|job| (job, waiting + running > 0)))
    }

    /// Queues an ended job again; `Ok(None)` if it isn't one that failed or was cancelled, or its like is active.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requeue(&self, id: i64) -> Result<Option<Model>> {
        let transaction = self.0.begin().await?;
        let now = now();
        let updated = Entity::update_many()
            .col_expr(Column::State, text_state(JobState::Queued))
            .col_expr(Column::Message, Expr::val(Option::<String>::None))
            .col_expr(Column::FinishedAt, Expr::val(Option::<i64>::None))
            .col_expr(Column::StartedAt, Expr::val(Option::<i64>::None))
            .col_expr(Column::Failures, Expr::val(0))
            .col_expr(Column::RunAfter, Expr::val(now))
            .col_expr(Column::EnqueuedAt, Expr::val(Option::<i64>::None))
            .col_expr(Column::CancelRequested, Expr::val(false))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in([JobState::Failed, JobState::Cancelled]))
            .exec(&transaction)
            .await;
        match updated {
            Ok(updated) if updated.rows_affected > 0 => {
                let job = Entity::find_by_id(id).one(&transaction).await?;
                self.0.events.commit(transaction, &[Event::Job(id)]).await?;
                Ok(job)
            }
            Ok(_) => Ok(None),
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn text_state(state: JobState) -> SimpleExpr {
    use sea_orm::ActiveEnum;
    Expr::val(state.to_value())
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
        ..Default::default()
    }
}
