//! Running jobs: claims, leases, progress and ends. Each change commits together with the event that tells of it.

use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter, SqlErr, Statement,
    Value,
};

use super::entity::job::{Column, Entity, JobState, Model};
use super::entity::job_file;
use super::jobs::{CHUNK, Claim, Jobs, Outcome, int};
use super::{Event, Millis, Result, now};

/// How long a job waits before it asks again whether its symbol is free.
const BUSY_RETRY_MS: i64 = 300;

impl Jobs<'_> {
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
