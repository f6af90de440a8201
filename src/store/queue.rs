//! The queue behind the job records: apalis, on SQLite or PostgreSQL, behind one type of ours. It carries ids.
//!
//! The library delivers: polling, waking, jobs at a time, acknowledgements, heartbeats, and the return of deliveries that a
//! dead worker had fetched. Claims, leases, retries and the schedule are the records' (`job_runs`, `schedules`);
//! docs/ARCHITECTURE.md names the test behind each. The SQL on the library's tables is here alone.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{
    BackendExt, Data, Strategy as Polling, Task, TaskBuilder, TaskSink, WorkerBuilder, WorkerBuilderExt,
};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use async_recursion::async_recursion as boxed;
use futures_util::future::BoxFuture;
use sea_orm::DbBackend;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::broadcast;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

use super::Store;

/// What travels through the queue.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Delivery {
    job_id: i64,
}

/// The queue's name in its tables.
const NAME: &str = "prospectus";
/// How often a worker looks for deliveries that nobody woke it for.
const POLL: Duration = Duration::from_millis(500);
/// Deliveries that one look brings.
const BATCH: usize = 10;

// A delivery whose job has ended is over even if its worker died before it could say so. The pause leaves those alone
// that are about to be acknowledged.
const SQLITE_TIDY: [&str; 3] = [
    "DELETE FROM Jobs WHERE job_type = $1 AND status IN ('Done', 'Failed', 'Killed')",
    "DELETE FROM Jobs WHERE job_type = $1 AND (lock_at IS NULL OR lock_at < strftime('%s', 'now') - 20) AND EXISTS \
     (SELECT 1 FROM job_records AS record WHERE record.id = json_extract(CAST(Jobs.job AS TEXT), '$.job_id') \
      AND record.state NOT IN ('QUEUED', 'RUNNING', 'RETRYING'))",
    "DELETE FROM Workers WHERE worker_type = $1 AND last_seen < strftime('%s', 'now') - 600 \
     AND id NOT IN (SELECT lock_by FROM Jobs WHERE lock_by IS NOT NULL)",
];
const POSTGRES_TIDY: [&str; 3] = [
    "DELETE FROM apalis.jobs WHERE job_type = $1 AND status IN ('Done', 'Failed', 'Killed')",
    "DELETE FROM apalis.jobs WHERE job_type = $1 AND (lock_at IS NULL OR lock_at < now() - interval '20 seconds') \
     AND EXISTS (SELECT 1 FROM job_records AS record \
      WHERE record.id = (convert_from(jobs.job, 'UTF8')::json ->> 'job_id')::bigint \
      AND record.state NOT IN ('QUEUED', 'RUNNING', 'RETRYING'))",
    "DELETE FROM apalis.workers WHERE worker_type = $1 AND last_seen < now() - interval '10 minutes' \
     AND NOT EXISTS (SELECT 1 FROM apalis.jobs WHERE lock_by = workers.id)",
];

/// Why the queue did not do what it should.
#[derive(Debug, thiserror::Error)]
#[error("the queue failed: {0}")]
pub struct QueueError(String);

impl QueueError {
    fn new(error: &impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// What is done with the id of a job that has arrived.
#[derive(Clone)]
pub struct Delivered(Arc<dyn Fn(i64) -> BoxFuture<'static, ()> + Send + Sync>);

impl Delivered {
    #[must_use]
    pub fn new(run: impl Fn(i64) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(run))
    }

    async fn run(&self, id: i64) {
        (self.0)(id).await;
    }
}

#[derive(Clone)]
enum Backend {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The queue; clones share it.
#[derive(Clone)]
pub struct Queue {
    backend: Backend,
    /// Wakes this process's worker when something was pushed here.
    wake: Arc<broadcast::Sender<()>>,
}

impl Queue {
    #[must_use]
    pub fn new(store: &Store) -> Self {
        let backend = match store.backend() {
            DbBackend::Sqlite => Backend::Sqlite(store.queue().get_sqlite_connection_pool().clone()),
            _ => Backend::Postgres(store.queue().get_postgres_connection_pool().clone()),
        };
        Self { backend, wake: Arc::new(broadcast::channel(16).0) }
    }

    /// Makes the queue's own tables.
    #[boxed]
    pub async fn setup(&self) -> Result<(), QueueError> {
        // The library's own `setup` for SQLite also switches off the syncs that keep the database whole in a power
        // cut, so only its migrations are run. They share a history table with nobody: ours has another name.
        let migrated = match &self.backend {
            Backend::Sqlite(pool) => SqliteStorage::<()>::migrations().run(pool).await,
            Backend::Postgres(pool) => PostgresStorage::<()>::migrations().run(pool).await,
        };
        migrated.map_err(|e| QueueError::new(&e))
    }

    fn sqlite(pool: &SqlitePool) -> SqliteStorage<Delivery> {
        let config = apalis_sqlite::Config::default()
            .queue(NAME)
            .batch_size(BATCH)
            .heartbeat_interval(Duration::from_secs(10))
            .persist_results(true)
            .lock_tasks(false);
        SqliteStorage::new(pool).with_config(config)
    }

    fn postgres(pool: &PgPool) -> PostgresStorage<Delivery> {
        let config = apalis_postgres::Config::default()
            .queue(NAME)
            .batch_size(BATCH)
            .heartbeat_interval(Duration::from_secs(10))
            .persist_results(true)
            .lock_tasks(false);
        PostgresStorage::new(pool).with_config(config)
    }

    /// Hands jobs to the queue.
    #[boxed]
    pub async fn push(&self, ids: &[i64]) -> Result<(), QueueError> {
        // The other `iter`, of tokio, pauses now and then, and each pause would be a transaction of its own.
        let deliveries = futures_util::stream::iter(ids.iter().copied().map(delivery));
        match &self.backend {
            Backend::Sqlite(pool) => Self::sqlite(pool).push_all(deliveries).await.map_err(|e| QueueError::new(&e))?,
            Backend::Postgres(pool) => {
                Self::postgres(pool).push_all(deliveries).await.map_err(|e| QueueError::new(&e))?;
            }
        }
        // Nobody may be listening: another process's worker finds it by looking.
        let _ = self.wake.send(());
        Ok(())
    }

    /// How many deliveries nobody has fetched yet.
    #[boxed]
    pub async fn pending(&self) -> Result<i64, QueueError> {
        let counted = match &self.backend {
            Backend::Sqlite(pool) => {
                let sql = "SELECT COUNT(*) FROM Jobs WHERE job_type = $1 AND status = 'Pending'";
                sqlx::query_scalar(sql).bind(NAME).fetch_one(pool).await
            }
            Backend::Postgres(pool) => {
                let sql = "SELECT COUNT(*) FROM apalis.jobs WHERE job_type = $1 AND status = 'Pending'";
                sqlx::query_scalar(sql).bind(NAME).fetch_one(pool).await
            }
        };
        counted.map_err(|e| QueueError::new(&e))
    }

    /// Forgets deliveries that are over, those too that a worker fetched and never acknowledged; the job records keep
    /// the history. Then forgets workers that are long gone.
    #[boxed]
    pub async fn tidy(&self) -> Result<(), QueueError> {
        match &self.backend {
            Backend::Sqlite(pool) => {
                for sql in SQLITE_TIDY {
                    sqlx::query(sql).bind(NAME).execute(pool).await.map_err(|e| QueueError::new(&e))?;
                }
            }
            Backend::Postgres(pool) => {
                for sql in POSTGRES_TIDY {
                    sqlx::query(sql).bind(NAME).execute(pool).await.map_err(|e| QueueError::new(&e))?;
                }
            }
        }
        Ok(())
    }

    /// Delivers jobs, so many at a time, until `stop`, or until the queue's own worker gives up.
    ///
    /// # Errors
    /// When the queue's worker gives up.
    pub async fn work(
        &self,
        concurrency: usize,
        run: Delivered,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), QueueError> {
        // A name of its own for every start: the library holds a name until its heartbeat is old.
        let name = format!("{NAME}-{}", ulid::Ulid::new());
        let wakes = Box::pin(BroadcastStream::new(self.wake.subscribe()).map(drop));
        let polling = Polling::new().interval(POLL).stream(wakes);
        let stopped = async move {
            stop.await;
            Ok::<(), std::io::Error>(())
        };
        macro_rules! run {
            ($storage:expr) => {
                WorkerBuilder::new(name.as_str())
                    .backend($storage.poll_with_strategy(polling))
                    .concurrency(concurrency)
                    .data(run)
                    .build(deliver)
                    .run_until(stopped)
                    .await
                    .map_err(|e| QueueError::new(&e))
            };
        }
        match &self.backend {
            Backend::Sqlite(pool) => run!(Self::sqlite(pool)),
            Backend::Postgres(pool) => run!(Self::postgres(pool)),
        }
    }
}

/// A delivery due at a moment long past, in the order of the jobs: the library would take this process's clock, which
/// may go before the database's.
fn delivery(job_id: i64) -> Task<Delivery> {
    TaskBuilder::new(Delivery { job_id }).run_at_timestamp(job_id.unsigned_abs()).build()
}

async fn deliver(delivery: Delivery, run: Data<Delivered>) {
    run.run(delivery.job_id).await;
}
