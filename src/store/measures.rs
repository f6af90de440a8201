//! What the database and its connections tell for metrics.

use std::time::{Duration, Instant};

use async_recursion::async_recursion as boxed;
use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, Iterable, Statement};

use super::entity::job::{JobKind, JobState};
use super::repositories::Jobs;
use super::{Result, Store, clock};
use crate::telemetry::metrics;

impl Store {
    /// Tells of every pool how many of its connections are at work.
    pub fn measure_pools(&self) {
        let pools = match self.backend() {
            DbBackend::Sqlite => {
                vec![("read", self.read.pool()), ("scan", &self.scan), ("write", &self.write), ("queue", self.queue())]
            }
            _ => vec![("all", &self.write), ("scan", &self.scan), ("leases", &self.leases)],
        };
        for (name, connection) in pools {
            let (size, idle, most) = if self.backend() == DbBackend::Sqlite {
                let pool = connection.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle(), pool.options().get_max_connections())
            } else {
                let pool = connection.get_postgres_connection_pool();
                (pool.size(), pool.num_idle(), pool.options().get_max_connections())
            };
            let kept = if matches!(name, "read" | "all") { self.read.idle() } else { 0 };
            let idle = u32::try_from(idle + kept).unwrap_or(u32::MAX).min(size);
            metrics::pool(name, size - idle, idle, most);
        }
    }

    /// Tells how long one waits for a connection now, and a statement that does nothing takes.
    #[boxed]
    pub async fn measure_wait(&self) -> Result<()> {
        let began = Instant::now();
        self.read.query_one_raw(Statement::from_string(self.backend(), "SELECT 1")).await?;
        metrics::pool_wait(began.elapsed());
        Ok(())
    }
}

impl Jobs<'_> {
    /// Tells how many jobs wait and run, of which kinds, and for how long they have.
    #[boxed]
    pub async fn measure(&self) -> Result<()> {
        let present = clock::present(&self.0.read).await?;
        let states: Vec<String> = JobState::ACTIVE.iter().map(|state| format!("'{}'", state.to_value())).collect();
        let sql = format!(
            "SELECT kind, state, COUNT(*), MIN(created_at), \
             MIN(CASE WHEN state <> 'RUNNING' THEN run_after END) \
             FROM job_records WHERE state IN ({}) GROUP BY kind, state",
            states.join(", ")
        );
        let mut due_since = present;
        let mut found = Vec::new();
        for row in self.0.read.query_all_raw(Statement::from_string(self.0.backend(), sql)).await? {
            let kind: JobKind = row.try_get_by_index(0)?;
            let state: JobState = row.try_get_by_index(1)?;
            let (count, oldest): (i64, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            let first_due: Option<i64> = row.try_get_by_index(4)?;
            due_since = due_since.min(first_due.unwrap_or(present));
            found.push((kind, state, count, oldest));
        }
        for kind in JobKind::iter() {
            for state in JobState::ACTIVE {
                let row = found.iter().find(|(k, s, ..)| (*k, *s) == (kind, state));
                let (count, oldest) = row.map_or((0, present), |(_, _, count, oldest)| (*count, *oldest));
                metrics::jobs(kind.to_value(), state.to_value(), count.unsigned_abs(), since(present, oldest));
            }
        }
        metrics::queue_age(since(present, due_since));
        Ok(())
    }
}

fn since(present: i64, at: i64) -> Duration {
    Duration::from_millis(u64::try_from(present - at).unwrap_or(0))
}
