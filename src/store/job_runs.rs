//! Running jobs: claims, progress and ends. Each change commits together with the event that tells of it, and
//! all of them go by the database's clock.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, FromQueryResult, QueryFilter,
    SqlErr, Statement,
};

use super::clock::present_sql;
use super::entity::job::{Column, Entity, JobState, Model};
use super::entity::job_file;
use super::jobs::{CHUNK, Claim, RecordCounts, RunAfter, int};
use super::repositories::Jobs;
use super::{Event, Millis, Result};
use crate::market::text::clean;
use crate::telemetry::traces;

/// How long a job waits before it asks again whether its symbol is free.
const BUSY_RETRY_MS: i64 = 300;
/// How long the file of an import that failed is kept, so that it can be started again.
const FAILED_FILE_MS: i64 = 86_400_000;
/// What a job that was cancelled says.
pub const CANCELLED: &str = "Cancelled";

/// What becomes of a job's file when the job changes.
#[derive(Clone, Copy)]
enum File {
    Kept,
    Dropped,
    DroppedIfCancelled,
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}

impl Jobs<'_> {
    pub(super) fn present(&self) -> &'static str {
        present_sql(self.0.backend())
    }

    /// The present and some milliseconds.
    fn in_ms(&self, wait: Millis) -> SimpleExpr {
        Expr::cust(format!("{} + {wait}", self.present()))
    }

    /// Takes a due job for a worker, for as long as a lease lasts.
    #[boxed]
    pub async fn claim(&self, id: i64, worker: &str, lease: Duration) -> Result<Claim> {
        self.0.transact(|| self.claim_once(id, worker, lease)).await
    }

    async fn claim_once(&self, id: i64, worker: &str, lease: Duration) -> Result<Claim> {
        let transaction = self.0.begin().await?;
        let sql = format!(
            "UPDATE job_records SET state = 'RUNNING', worker = $1, lease_until = {present} + $2, \
             attempts = attempts + 1, done = 0, total = NULL, message = NULL, cancel_requested = FALSE, \
             started_at = COALESCE(started_at, {present}), revision = revision + 1 \
             WHERE id = $3 AND state IN ('QUEUED', 'RETRYING') AND run_after <= {present} AND NOT EXISTS \
             (SELECT 1 FROM job_records AS other WHERE other.exclusive_key = job_records.exclusive_key \
              AND other.state = 'RUNNING') RETURNING *",
            present = self.present()
        );
        let values = [worker.into(), millis(lease).into(), id.into()];
        let claimed = transaction.query_one_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await;
        match claimed {
            Ok(Some(row)) => {
                let job = Model::from_query_result(&row, "")?;
                self.0.events().commit(transaction, &[Event::Job(id)]).await?;
                Ok(Claim::Taken(Box::new(job)))
            }
            Ok(None) => {
                let busy = self.postpone_busy(&transaction, id).await?;
                transaction.commit().await?;
                Ok(if busy { Claim::Busy } else { Claim::Gone })
            }
            // Two workers at once: the index lets one through.
            Err(error) if is_taken(&error) => {
                transaction.rollback().await?;
                let transaction = self.0.begin().await?;
                self.postpone_busy(&transaction, id).await?;
                transaction.commit().await?;
                Ok(Claim::Busy)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn postpone_busy(&self, transaction: &DatabaseTransaction, id: i64) -> Result<bool> {
        let updated = Entity::update_many()
            .col_expr(Column::RunAfter, self.in_ms(BUSY_RETRY_MS))
            .col_expr(Column::EnqueuedAt, Expr::val(Option::<i64>::None))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in([JobState::Queued, JobState::Retrying]))
            .filter(Expr::col(Column::RunAfter).lte(Expr::cust(self.present())))
            .exec(transaction)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Tells how far a running job is; false if it's no longer this worker's.
    #[boxed]
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
            (Column::Message, Expr::val(message.map(clean))),
        ];
        self.change_own(id, worker, changes, File::Kept).await
    }

    /// Ends a running job; false if it's no longer this worker's.
    #[boxed]
    pub async fn finish(
        &self,
        id: i64,
        worker: &str,
        state: JobState,
        message: Option<&str>,
        outcome: Option<RecordCounts>,
    ) -> Result<bool> {
        let count = |of: fn(&RecordCounts) -> u32| -> SimpleExpr { Expr::val(outcome.as_ref().map(of).map(int)) };
        // Somebody who has cancelled it meanwhile hears of that, and not of what it failed by.
        let (mut ends_as, mut says) = (text_state(state), Expr::val(message.map(clean)));
        if state == JobState::Failed {
            ends_as = if_cancelled(text_state(JobState::Cancelled), ends_as);
            says = if_cancelled(Expr::val(CANCELLED), says);
        }
        let changes = [
            (Column::State, ends_as),
            (Column::Message, says),
            (Column::FinishedAt, Expr::cust(self.present())),
            (Column::LeaseUntil, Expr::val(Option::<i64>::None)),
            (Column::Added, count(|o| o.added)),
            (Column::Changed, count(|o| o.changed)),
            (Column::Unchanged, count(|o| o.unchanged)),
            (Column::Flagged, count(|o| o.flagged)),
        ];
        // A job that failed may be started again, and needs its file then.
        let file = if state == JobState::Failed { File::DroppedIfCancelled } else { File::Dropped };
        self.change_own(id, worker, changes, file).await
    }

    /// Puts a running job off, or ends it if somebody has cancelled it meanwhile; false if it's no longer this worker's.
    #[boxed]
    pub async fn retry_later(
        &self,
        id: i64,
        worker: &str,
        run_after: RunAfter,
        message: &str,
        counts_as_failure: bool,
    ) -> Result<bool> {
        let run_after = match run_after {
            RunAfter::At(at) => Expr::val(at),
            RunAfter::In(wait) => self.in_ms(millis(wait)),
        };
        let changes = [
            (Column::State, if_cancelled(text_state(JobState::Cancelled), text_state(JobState::Retrying))),
            (Column::Message, if_cancelled(Expr::val(CANCELLED), Expr::val(clean(message)))),
            (Column::FinishedAt, if_cancelled(Expr::cust(self.present()), Expr::cust("NULL"))),
            (Column::RunAfter, run_after),
            (Column::EnqueuedAt, Expr::val(Option::<i64>::None)),
            (Column::LeaseUntil, Expr::val(Option::<i64>::None)),
            (Column::Failures, Expr::col(Column::Failures).add(i32::from(counts_as_failure))),
        ];
        self.change_own(id, worker, changes, File::DroppedIfCancelled).await
    }

    async fn change_own<const N: usize>(
        &self,
        id: i64,
        worker: &str,
        changes: [(Column, SimpleExpr); N],
        file: File,
    ) -> Result<bool> {
        self.0.transact(|| self.change_own_once(id, worker, &changes, file)).await
    }

    async fn change_own_once(
        &self,
        id: i64,
        worker: &str,
        changes: &[(Column, SimpleExpr)],
        file: File,
    ) -> Result<bool> {
        let transaction = self.0.begin().await?;
        let mut update = Entity::update_many().col_expr(Column::Revision, next_revision());
        for (column, value) in changes {
            update = update.col_expr(*column, value.clone());
        }
        let updated = update
            .filter(Column::Id.eq(id))
            .filter(Column::Worker.eq(worker))
            .filter(Column::State.eq(JobState::Running))
            .exec(&transaction)
            .await?;
        if updated.rows_affected == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        match file {
            File::Kept => {}
            File::Dropped => {
                job_file::Entity::delete_by_id(id).exec(&transaction).await?;
            }
            File::DroppedIfCancelled => self.drop_files_of_cancelled(&transaction, &[id]).await?,
        }
        self.0.events().commit(transaction, &[Event::Job(id)]).await?;
        Ok(true)
    }

    /// The end of a select of rows to be updated: all lock them in one order, and leave alone what another has.
    pub(super) fn in_order(&self, order: &str) -> String {
        let lock = if self.0.backend() == DbBackend::Sqlite { "" } else { " FOR UPDATE SKIP LOCKED" };
        format!("ORDER BY {order} LIMIT {CHUNK}{lock}")
    }

    /// Reads the outbox: due jobs that weren't passed to the queue, or longer ago than `lost_after` and were not delivered.
    /// They count as passed on from now.
    #[boxed]
    pub async fn take_undelivered(&self, lost_after: Option<Duration>) -> Result<Vec<i64>> {
        let present = self.present();
        let lost = lost_after.map(|after| format!(" OR enqueued_at < {present} - {}", millis(after)));
        let undelivered = format!(
            "state IN ('QUEUED', 'RETRYING') AND run_after <= {present} AND (enqueued_at IS NULL{})",
            lost.unwrap_or_default()
        );
        // Looked at without the write lock first: mostly there is nothing.
        let any = format!("SELECT 1 FROM job_records WHERE {undelivered} LIMIT 1");
        if self.0.read.query_one_raw(Statement::from_string(self.0.backend(), any)).await?.is_none() {
            return Ok(Vec::new());
        }
        let take = format!(
            "UPDATE job_records SET enqueued_at = {present} WHERE id IN (SELECT id FROM job_records \
             WHERE {undelivered} {in_order}) RETURNING id",
            in_order = self.in_order("run_after, id"),
        );
        let take = || async {
            let statement = Statement::from_string(self.0.backend(), take.clone());
            Ok(self.0.write.query_all_raw(statement).await?)
        };
        let rows = self.0.transact::<_, super::StoreError, _, _>(take).await?;
        let mut ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Drops the files of imports that failed a day ago and weren't started again.
    #[boxed]
    pub async fn drop_old_files(&self) -> Result<()> {
        let of_old = format!(
            "job_id IN (SELECT id FROM job_records WHERE state = 'FAILED' AND finished_at < {} - {FAILED_FILE_MS})",
            self.present()
        );
        let any = format!("SELECT 1 FROM job_files WHERE {of_old} LIMIT 1");
        if self.0.read.query_one_raw(Statement::from_string(self.0.backend(), any)).await?.is_some() {
            self.0.write.execute_unprepared(&format!("DELETE FROM job_files WHERE {of_old}")).await?;
        }
        Ok(())
    }

    /// Stops a job: at once if it waits, as soon as its worker notices if it runs. `None` if there is no such job;
    /// the flag tells whether anything was left to stop.
    #[boxed]
    pub async fn cancel(&self, id: i64) -> Result<Option<(Model, bool)>> {
        self.0.transact(|| self.cancel_once(id)).await
    }

    async fn cancel_once(&self, id: i64) -> Result<Option<(Model, bool)>> {
        let transaction = self.0.begin().await?;
        // One statement: between two, a job that runs could come to wait, and neither would find it.
        let sql = format!(
            "UPDATE job_records SET cancel_requested = (state = 'RUNNING'), \
             state = CASE WHEN state = 'RUNNING' THEN state ELSE 'CANCELLED' END, \
             message = CASE WHEN state = 'RUNNING' THEN message ELSE '{CANCELLED}' END, \
             finished_at = CASE WHEN state = 'RUNNING' THEN finished_at ELSE {present} END, \
             revision = revision + CASE WHEN state = 'RUNNING' THEN 0 ELSE 1 END \
             WHERE id = $1 AND state IN ('QUEUED', 'RETRYING', 'RUNNING') RETURNING *",
            present = self.present()
        );
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [id.into()]);
        let Some(row) = transaction.query_one_raw(statement).await? else {
            return Ok(Entity::find_by_id(id).one(&transaction).await?.map(|job| (job, false)));
        };
        let job = Model::from_query_result(&row, "")?;
        self.drop_files_of_cancelled(&transaction, &[id]).await?;
        self.0.events().commit(transaction, &[Event::Job(id)]).await?;
        Ok(Some((job, true)))
    }

    /// The files of those among these jobs that were cancelled.
    pub(super) async fn drop_files_of_cancelled(&self, transaction: &DatabaseTransaction, ids: &[i64]) -> Result<()> {
        let sql = format!(
            "DELETE FROM job_files WHERE job_id IN (SELECT id FROM job_records WHERE state = 'CANCELLED' AND id IN ({}))",
            list(ids)
        );
        transaction.execute_unprepared(&sql).await?;
        Ok(())
    }

    /// Queues an ended job again; `Ok(None)` if it isn't one that failed or was cancelled, or its like is active.
    #[boxed]
    pub async fn requeue(&self, id: i64) -> Result<Option<Model>> {
        self.0.transact(|| self.requeue_once(id)).await
    }

    async fn requeue_once(&self, id: i64) -> Result<Option<Model>> {
        let transaction = self.0.begin().await?;
        let updated = Entity::update_many()
            .col_expr(Column::State, text_state(JobState::Queued))
            .col_expr(Column::Message, Expr::val(Option::<String>::None))
            .col_expr(Column::FinishedAt, Expr::val(Option::<i64>::None))
            .col_expr(Column::StartedAt, Expr::val(Option::<i64>::None))
            .col_expr(Column::Failures, Expr::val(0))
            .col_expr(Column::RunAfter, Expr::cust(self.present()))
            .col_expr(Column::Revision, next_revision())
            .col_expr(Column::EnqueuedAt, Expr::val(Option::<i64>::None))
            .col_expr(Column::CancelRequested, Expr::val(false))
            .col_expr(Column::Traceparent, Expr::val(traces::traceparent()))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in([JobState::Failed, JobState::Cancelled]))
            .exec(&transaction)
            .await;
        match updated {
            Ok(updated) if updated.rows_affected > 0 => {
                let job = Entity::find_by_id(id).one(&transaction).await?;
                self.0.events().commit(transaction, &[Event::Job(id)]).await?;
                Ok(job)
            }
            Ok(_) => Ok(None),
            Err(error) if is_taken(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// One value where somebody has asked for the job's end, else another.
fn if_cancelled(then: SimpleExpr, otherwise: SimpleExpr) -> SimpleExpr {
    CaseStatement::new().case(Expr::col(Column::CancelRequested).eq(true), then).finally(otherwise).into()
}

fn text_state(state: JobState) -> SimpleExpr {
    use sea_orm::ActiveEnum;
    Expr::val(state.to_value())
}

fn next_revision() -> SimpleExpr {
    Expr::col(Column::Revision).add(1)
}

/// A unique index has let somebody else through.
fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Ids as SQL has them.
pub(super) fn list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(", ")
}
