//! What happens when a worker dies: a running job is a worker's for as long as its lease lasts, and is taken back once
//! nobody renews that.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, Statement, Value};

use super::job_runs::{CANCELLED, list, millis};
use super::repositories::Jobs;
use super::{Event, Result};

impl Jobs<'_> {
    /// Prolongs the leases of the jobs that a worker is at, over a connection that nobody else keeps busy, and names
    /// those that somebody wants cancelled.
    #[boxed]
    pub async fn renew(&self, worker: &str, running: &[i64], lease: Duration) -> Result<Vec<i64>> {
        if running.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "UPDATE job_records SET lease_until = {} + $1 WHERE worker = $2 AND state = 'RUNNING' AND id IN ({}) \
             RETURNING id, cancel_requested",
            self.present(),
            list(running)
        );
        let values = [millis(lease).into(), worker.into()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        let mut cancelled = Vec::new();
        for row in self.0.leases.query_all_raw(statement).await? {
            if row.try_get_by_index::<bool>(1)? {
                cancelled.push(row.try_get_by_index(0)?);
            }
        }
        Ok(cancelled)
    }

    /// Gives every job of a worker back to the queue: it is shutting down.
    #[boxed]
    pub async fn hand_back(&self, worker: &str) -> Result<u64> {
        self.requeue_running("worker = $1", vec![worker.into()]).await
    }

    /// Takes back the jobs whose leases ran out, those aside that the worker `own` is at, which are `running`.
    #[boxed]
    pub async fn reclaim_orphans(&self, own: &str, running: &[i64]) -> Result<u64> {
        let mut expired = format!("lease_until < {}", self.present());
        let mut values: Vec<Value> = Vec::new();
        if !running.is_empty() {
            expired.push_str(&format!(" AND NOT (worker = $1 AND id IN ({}))", list(running)));
            values.push(own.into());
        }
        let statement = Statement::from_sql_and_values(
            self.0.backend(),
            format!("SELECT 1 FROM job_records WHERE state = 'RUNNING' AND {expired} LIMIT 1"),
            values.clone(),
        );
        if self.0.read.query_one_raw(statement).await?.is_none() {
            return Ok(0);
        }
        self.requeue_running(&expired, values).await
    }

    async fn requeue_running(&self, condition: &str, values: Vec<Value>) -> Result<u64> {
        self.0.transact(|| self.requeue_running_once(condition, values.clone())).await
    }

    async fn requeue_running_once(&self, condition: &str, values: Vec<Value>) -> Result<u64> {
        let transaction = self.0.begin().await?;
        // One that somebody has cancelled ends instead.
        let sql = format!(
            "UPDATE job_records SET worker = NULL, lease_until = NULL, enqueued_at = NULL, run_after = {present}, \
             state = CASE WHEN cancel_requested THEN 'CANCELLED' ELSE 'QUEUED' END, \
             finished_at = CASE WHEN cancel_requested THEN {present} END, \
             message = CASE WHEN cancel_requested THEN '{CANCELLED}' \
              ELSE 'Waiting for a worker again: the last one stopped' END, \
             revision = revision + 1 \
             WHERE id IN (SELECT id FROM job_records WHERE state = 'RUNNING' AND {condition} {in_order}) RETURNING id",
            present = self.present(),
            in_order = self.in_order("id"),
        );
        let rows = transaction.query_all_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
        if !ids.is_empty() {
            self.drop_files_of_cancelled(&transaction, &ids).await?;
        }
        let events: Vec<Event> = ids.iter().map(|&id| Event::Job(id)).collect();
        self.0.events().commit(transaction, &events).await?;
        Ok(ids.len() as u64)
    }
}
