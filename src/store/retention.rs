//! What is forgotten after a while, so that the database stops growing: jobs that have ended, flagged records that were
//! resolved, sweeps, the audit trail, sessions that are over.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, Statement};

use super::{Result, Store, clock};
use crate::settings::RetentionSettings;

/// Rows that one transaction deletes: nobody else waits long for the write lock.
const BATCH: u64 = 500;

/// How many rows were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    pub jobs: u64,
    pub flags: u64,
    pub sweeps: u64,
    pub audit: u64,
    pub sessions: u64,
}

impl Store {
    /// Forgets what has been kept for long enough, a few rows at a time. What is interrupted goes on the next time.
    #[boxed]
    pub async fn forget(&self, keep: &RetentionSettings) -> Result<Forgotten> {
        let present = clock::present(&self.read).await?;
        let before = |kept: Duration| present - i64::try_from(kept.as_millis()).unwrap_or(i64::MAX / 2);
        let mut forgotten = Forgotten::default();
        // Sweeps before jobs: both name the job.
        if let Some(kept) = keep.sweeps {
            forgotten.sweeps = self.delete("sweeps", "created_at < $1", "created_at", before(kept)).await?;
        }
        if let Some(kept) = keep.jobs {
            let ended = "state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND finished_at < $1";
            forgotten.jobs = self.delete("job_records", ended, "finished_at", before(kept)).await?;
        }
        if let Some(kept) = keep.flags {
            forgotten.flags = self.delete("data_issues", "resolved_at < $1", "resolved_at", before(kept)).await?;
        }
        if let Some(kept) = keep.audit {
            forgotten.audit = self.delete("audit_events", "at < $1", "at", before(kept)).await?;
        }
        forgotten.sessions = self.delete("sessions", "expires_at < $1", "expires_at", present).await?;
        Ok(forgotten)
    }

    /// Deletes the rows of a table that a condition on a moment picks, the oldest first.
    async fn delete(&self, table: &str, condition: &str, order: &str, before: i64) -> Result<u64> {
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {condition} ORDER BY {order}, id LIMIT {BATCH})"
        );
        let mut deleted = 0;
        loop {
            let delete = || async {
                let statement = Statement::from_sql_and_values(self.backend(), &sql, [before.into()]);
                Ok::<_, super::StoreError>(self.write.execute_raw(statement).await?.rows_affected())
            };
            let now = self.transact(delete).await?;
            deleted += now;
            if now < BATCH {
                return Ok(deleted);
            }
            tokio::task::yield_now().await;
        }
    }
}
