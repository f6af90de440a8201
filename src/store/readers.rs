//! Connections for single reads, kept from one statement to the next.
//!
//! The driver's pool asks each connection that comes back whether it is still there, in a task of its own: a second round
//! trip for every statement. So a few connections don't go back. One that has failed, or whose statement nobody waits for
//! any more, does, and is asked there.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, Statement, StreamTrait, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection, Database, Pool, Postgres, Sqlite};
use tracing::instrument::{WithDispatch, WithSubscriber};

use super::{StoreError, watch};
use crate::telemetry;

/// How long after its last use a connection is taken to be still there.
pub(super) const ANSWERED_LATELY: Duration = Duration::from_millis(500);
/// How long a connection may take to say that it's still there.
pub(super) const PING_WITHIN: Duration = Duration::from_secs(2);

/// Runs single reads, as the pool does that it stands before.
#[derive(Clone)]
pub(super) struct Readers {
    pool: DatabaseConnection,
    kept: Kept,
    /// Where statements are counted; without it they are not told of at all.
    statements: Option<Arc<AtomicU64>>,
}

#[derive(Clone)]
enum Kept {
    /// Every connection goes back.
    Nothing,
    Postgres(Arc<Stack<Postgres>>),
    Sqlite(Arc<Stack<Sqlite>>),
}

impl Readers {
    /// Keeps up to half of the pool's connections.
    pub(super) fn keeping(pool: DatabaseConnection, statements: &Arc<AtomicU64>) -> Self {
        let kept = match pool.get_database_backend() {
            DbBackend::Sqlite => Kept::Sqlite(Arc::new(Stack::half_of(pool.get_sqlite_connection_pool()))),
            _ => Kept::Postgres(Arc::new(Stack::half_of(pool.get_postgres_connection_pool()))),
        };
        Self { pool, kept, statements: Some(statements.clone()) }
    }

    /// Keeps the one connection of an SQLite pool that nobody else reads through, and tells nobody of its statements.
    pub(super) fn alone(pool: DatabaseConnection) -> Self {
        let kept = Kept::Sqlite(Arc::new(Stack::of(pool.get_sqlite_connection_pool(), 1)));
        Self { pool, kept, statements: None }
    }

    /// The same connections, for statements that nobody is told of.
    pub(super) fn untold(&self) -> Self {
        Self { statements: None, ..self.clone() }
    }

    /// Keeps none.
    pub(super) fn passing(pool: DatabaseConnection) -> Self {
        Self { pool, kept: Kept::Nothing, statements: None }
    }

    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Gives one connection back, for somebody who is about to take one from the pool.
    pub(super) fn give_one_back(&self) {
        match &self.kept {
            Kept::Nothing => {}
            Kept::Postgres(stack) => drop(stack.pop()),
            Kept::Sqlite(stack) => drop(stack.pop()),
        }
    }

    /// Gives all back; those in use follow when they end.
    pub(super) fn give_all_back(&self) {
        match &self.kept {
            Kept::Nothing => {}
            Kept::Postgres(stack) => stack.close(),
            Kept::Sqlite(stack) => stack.close(),
        }
    }

    /// How many are kept that nobody uses.
    pub(super) fn idle(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Postgres(stack) => stack.lock().connections.len(),
            Kept::Sqlite(stack) => stack.lock().connections.len(),
        }
    }

    fn ended(&self, statement: &Statement, began: Instant, failed: bool) {
        let Some(statements) = &self.statements else { return };
        statements.fetch_add(1, Ordering::Relaxed);
        watch::ended(&sea_orm::metric::Info { elapsed: began.elapsed(), statement, failed });
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let began = Instant::now();
        let row = match &self.kept {
            Kept::Nothing => return self.pool.query_one_raw(statement).await,
            Kept::Postgres(stack) => stack.one(&statement).await,
            Kept::Sqlite(stack) => stack.one(&statement).await,
        };
        self.ended(&statement, began, row.is_err());
        row
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let began = Instant::now();
        let rows = match &self.kept {
            Kept::Nothing => return self.pool.query_all_raw(statement).await,
            Kept::Postgres(stack) => stack.all(&statement).await,
            Kept::Sqlite(stack) => stack.all(&statement).await,
        };
        self.ended(&statement, began, rows.is_err());
        rows
    }
}

impl Readers {
    /// Half of the connections: so many may be at long answers while others still find one.
    pub(super) fn half(&self) -> usize {
        let half = match &self.kept {
            Kept::Nothing => 1,
            Kept::Postgres(stack) => stack.most,
            Kept::Sqlite(stack) => stack.most,
        };
        half.max(1)
    }
}

/// Rows that are taken one by one as they come: of many, only a few are in memory at a time. (SQLite's take a kilobyte each.)
pub(super) trait EachRow: Sync {
    fn each_row(
        &self,
        statement: Statement,
        take: impl FnMut(&QueryResult) -> Result<(), StoreError> + Send,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl EachRow for DatabaseTransaction {
    async fn each_row(
        &self,
        statement: Statement,
        take: impl FnMut(&QueryResult) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        each(self, statement, take).await
    }
}

impl EachRow for Readers {
    async fn each_row(
        &self,
        statement: Statement,
        take: impl FnMut(&QueryResult) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        let began = Instant::now();
        let taken = match &self.kept {
            Kept::Nothing => return each(&self.pool, statement, take).await,
            Kept::Postgres(stack) => stack.each(&statement, take).await,
            Kept::Sqlite(stack) => stack.each(&statement, take).await,
        };
        self.ended(&statement, began, taken.is_err());
        taken
    }
}

async fn each(
    connection: &impl StreamTrait,
    statement: Statement,
    mut take: impl FnMut(&QueryResult) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    let mut rows = pin!(connection.stream_raw(statement).await?);
    while let Some(row) = rows.try_next().await? {
        take(&row)?;
    }
    Ok(())
}

/// The connections that are kept, the one last used on top.
struct Stack<D: Database> {
    pool: Pool<D>,
    most: usize,
    kept: Mutex<Connections<D>>,
    /// How many wait for one from the pool, which they get in the order of their asking.
    waiting: AtomicUsize,
}

/// Counts one who waits, until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Connections<D: Database> {
    connections: Vec<(PoolConnection<D>, Instant)>,
    is_closed: bool,
}

impl<D: Database> Stack<D> {
    fn half_of(pool: &Pool<D>) -> Self {
        Self::of(pool, pool.options().get_max_connections() as usize / 2)
    }

    fn of(pool: &Pool<D>, most: usize) -> Self {
        let kept = Mutex::new(Connections { connections: Vec::with_capacity(most), is_closed: false });
        Self { pool: pool.clone(), most, kept, waiting: AtomicUsize::new(0) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connections<D>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<(PoolConnection<D>, Instant)> {
        self.lock().connections.pop()
    }

    fn keep(&self, connection: PoolConnection<D>) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            // Back to the pool with it: kept, it would go to whoever asks next, again and again.
            return;
        }
        let mut kept = self.lock();
        if kept.connections.len() < self.most && !kept.is_closed {
            kept.connections.push((connection, Instant::now()));
        }
    }

    fn close(&self) {
        let mut kept = self.lock();
        kept.is_closed = true;
        kept.connections.clear();
    }

    async fn take(&self) -> Result<PoolConnection<D>, DbErr> {
        while let Some((mut connection, used)) = self.pop() {
            if used.elapsed() < ANSWERED_LATELY {
                return Ok(connection);
            }
            if let Ok(Ok(())) = tokio::time::timeout(PING_WITHIN, connection.ping()).await {
                return Ok(connection);
            }
            // What is wrong with one is most likely wrong with those used before it: to ask each would take as long again.
            self.lock().connections.clear();
        }
        let _waiting = Waiting::new(&self.waiting);
        // Boxed, as it is large and seldom needed: each read would carry it along.
        Box::pin(self.pool.acquire()).await.map_err(|error| match error {
            sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// Reads without a current span. The driver enters it twice for each row, which was a tenth of what a request of 600 rows
/// takes.
fn spanless<F: Future>(reading: F) -> WithDispatch<F> {
    match telemetry::spanless() {
        Some(log) => reading.with_subscriber(log.clone()),
        None => reading.with_current_subscriber(),
    }
}

macro_rules! reads {
    ($database:ty) => {
        impl Stack<$database> {
            async fn one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
                let values = statement.values.clone().unwrap_or(Values(Vec::new()));
                let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values));
                let mut connection = self.take().await?;
                let row = spanless(query.fetch_optional(&mut *connection)).await.map_err(failed)?;
                self.keep(connection);
                Ok(row.map(Into::into))
            }

            async fn all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
                let values = statement.values.clone().unwrap_or(Values(Vec::new()));
                let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values));
                let mut connection = self.take().await?;
                let rows = spanless(query.fetch_all(&mut *connection)).await.map_err(failed)?;
                self.keep(connection);
                Ok(rows.into_iter().map(Into::into).collect())
            }

            async fn each(
                &self,
                statement: &Statement,
                mut take: impl FnMut(&QueryResult) -> Result<(), StoreError> + Send,
            ) -> Result<(), StoreError> {
                let values = statement.values.clone().unwrap_or(Values(Vec::new()));
                let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values));
                let mut connection = self.take().await?;
                let taking = async {
                    let mut rows = query.fetch(&mut *connection);
                    while let Some(row) = rows.try_next().await.map_err(failed)? {
                        take(&row.into())?;
                    }
                    Ok::<(), StoreError>(())
                };
                spanless(taking).await?;
                self.keep(connection);
                Ok(())
            }
        }
    };
}

reads!(Postgres);
reads!(Sqlite);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    async fn readers(folder: &tempfile::TempDir) -> Readers {
        let url = format!("sqlite://{}/test.db?mode=rwc", folder.path().display());
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(4).acquire_timeout(Duration::from_secs(5));
        let pool = sea_orm::Database::connect(options).await.expect("a pool");
        Readers::keeping(pool, &Arc::default())
    }

    fn select(sql: &str) -> Statement {
        Statement::from_string(DbBackend::Sqlite, sql)
    }

    fn stack(readers: &Readers) -> &Stack<Sqlite> {
        match &readers.kept {
            Kept::Sqlite(stack) => stack,
            _ => panic!("SQLite's are kept"),
        }
    }

    /// Every connection of the pool.
    async fn all(readers: &Readers) -> Vec<PoolConnection<Sqlite>> {
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(stack(readers).take().await.expect("a connection"));
        }
        taken
    }

    #[tokio::test]
    async fn half_of_the_connections_are_kept_and_the_rest_goes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let readers = readers(&folder).await;
        for connection in all(&readers).await {
            stack(&readers).keep(connection);
        }
        assert_eq!(readers.idle(), 2);
        readers.give_one_back();
        assert_eq!(readers.idle(), 1);
        readers.give_all_back();
        assert_eq!(readers.idle(), 0);
        assert!(readers.query_one_raw(select("SELECT 1")).await.expect("a row").is_some());
        assert_eq!(readers.idle(), 0, "nothing is kept any more");
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_connection() {
        let folder = tempfile::tempdir().expect("a folder");
        let readers = readers(&folder).await;
        let mut taken = all(&readers).await;
        let mut waiting = pin!(stack(&readers).take());
        assert!(waiting.as_mut().now_or_never().is_none());
        stack(&readers).keep(taken.remove(0));
        assert_eq!(readers.idle(), 0, "it isn't kept for whoever asks next");
        assert!(waiting.await.is_ok());
        stack(&readers).keep(taken.remove(0));
        assert_eq!(readers.idle(), 1);
    }

    #[tokio::test]
    async fn a_connection_that_failed_or_was_left_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let readers = readers(&folder).await;
        assert!(readers.query_all_raw(select("SELECT nothing FROM nowhere")).await.is_err());
        assert_eq!(readers.idle(), 0);
        assert!(readers.query_one_raw(select("SELECT 1 WHERE 0")).await.expect("an answer").is_none());
        assert_eq!(readers.idle(), 1);
        let long =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT COUNT(*) FROM n";
        let left = tokio::time::timeout(Duration::ZERO, readers.query_all_raw(select(long))).await;
        assert!(left.is_err());
        assert_eq!(readers.idle(), 0);
        assert_eq!(readers.query_all_raw(select("SELECT 1")).await.expect("rows").len(), 1);
    }
}
