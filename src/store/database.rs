//! The connections to the database.
//!
//! SQLite serves one process: writes go through a single connection, so they queue in order instead of meeting the
//! file lock, while reads and the queue have connections of their own. PostgreSQL has one pool for all.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use futures_util::future::join_all;
use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use tracing::Instrument;

use super::errors::{Result, StoreError};
use super::events::Events;
use super::pace::Pace;
use super::readers::{ANSWERED_LATELY, PING_WITHIN, Readers};
use super::statement_timeout::within;
use super::watch::watch;

/// A transaction that has begun.
pub type Transaction = DatabaseTransaction;

/// A handle on the database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    pub(super) read: Readers,
    /// For statements that read whole tables: however many wait here, others find a connection.
    pub(super) scan: DatabaseConnection,
    pub(super) write: DatabaseConnection,
    /// Where the data's version is asked for. On SQLite it's one connection that does nothing else, and counts for itself.
    pub(super) versions: Readers,
    /// How often that connection was opened.
    pub(super) opened: Arc<AtomicU64>,
    queue: DatabaseConnection,
    /// Renews leases, which must not wait for anybody else.
    pub(super) leases: DatabaseConnection,
    events: Events,
    /// Whether the disk was full when it was last written to.
    pub(super) storage_full: Arc<AtomicBool>,
    statements: Arc<AtomicU64>,
    pace: Pace,
    /// Where to connect for work that may take longer than any request. Nothing for SQLite.
    postgres: Option<ConnectOptions>,
}

/// How long a statement waits for another process's write to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Slower statements are marked in the debug log. Bulk writes may take this long; their text is no use in a warning.
const SLOW_STATEMENT: Duration = Duration::from_secs(5);
/// How long a start waits for a server before it says so.
const SILENCE: Duration = Duration::from_secs(3);
const SQLITE_READERS: u32 = 4;
/// Bytes of an SQLite file that a reader maps. What is mapped counts as the process's memory, for each connection anew:
/// with 256 MiB each, the writing of 3.3 million bars took 343 MiB and their export 792.
const READERS_MAP: &str = "67108864";
const NO_MAP: &str = "0";
/// KiB of pages that a connection keeps. A day of a whole market changes a page a share, which a batch of days goes over
/// several times: with less than that, the writer reads and allocates them anew each time.
const PAGES: &str = "-8000";
const PAGES_OF_WRITER: &str = "-24000";
/// Pages in the log before they are copied into the file. What is written again meanwhile is copied once.
const LOGGED_PAGES: &str = "8000";
/// Rows on their way from an SQLite connection's thread: fewer, and the two wake each other row by row.
const ROWS_ON_THE_WAY: usize = 1_000;
/// Connections for statements that read whole tables, of each process.
const SCANS: u32 = 2;
/// Connections to PostgreSQL unless a setting says otherwise; those that [`SCANS`] counts come on top.
pub const POSTGRES_CONNECTIONS: u32 = 16;

/// The longest that PostgreSQL works on one statement: what nobody waits for any more ends by itself.
const LONGEST_STATEMENT: Duration = Duration::from_secs(30);
/// A lease that can't be renewed within this is better renewed by the next try.
const LEASE_PATIENCE: Duration = Duration::from_secs(3);
/// How long a process that stops waits for a connection that somebody still has.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// What a store is connected by.
struct Connections {
    read: DatabaseConnection,
    scan: DatabaseConnection,
    write: DatabaseConnection,
    versions: DatabaseConnection,
    queue: DatabaseConnection,
    leases: DatabaseConnection,
    postgres: Option<ConnectOptions>,
}

/// The one place that has the drivers' code of making a pool.
#[boxed]
async fn connect(options: ConnectOptions) -> std::result::Result<DatabaseConnection, DbErr> {
    Database::connect(options).await
}

impl Connections {
    async fn to_sqlite(url: &str, statements: &Arc<AtomicU64>, opened: &Arc<AtomicU64>) -> Result<Self> {
        let normal = SqliteSynchronous::Normal;
        let of_writer = sqlite_options(url, 1, SqliteSynchronous::Full, NO_MAP, PAGES_OF_WRITER);
        let mut write = connect(of_writer).await?;
        let mut read = connect(sqlite_options(url, SQLITE_READERS, normal, READERS_MAP, PAGES)).await?;
        let scans = sqlite_options(url, SCANS, normal, NO_MAP, PAGES);
        let mut scan = connect(within(LONGEST_STATEMENT, scans)).await?;
        watch([&mut read, &mut scan, &mut write], statements);
        let count = opened.clone();
        let mut options = sqlite_options(url, 1, normal, NO_MAP, PAGES);
        options.map_sqlx_sqlite_pool_opts(move |pool| {
            let count = count.clone();
            pool.after_connect(move |_, _| {
                count.fetch_add(1, Ordering::AcqRel);
                Box::pin(std::future::ready(Ok(())))
            })
        });
        let versions = connect(options).await?;
        // What is lost of the queue is delivered again, from the records.
        let queue = connect(sqlite_options(url, 1, normal, NO_MAP, PAGES)).await?;
        Ok(Self { read, scan, leases: write.clone(), write, versions, queue, postgres: None })
    }

    async fn to_postgres(url: &str, connections: u32, statements: &Arc<AtomicU64>) -> Result<Self> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(30))
            .sqlx_logging_level(log::LevelFilter::Debug)
            .sqlx_slow_statements_logging_settings(log::LevelFilter::Debug, SLOW_STATEMENT)
            .set_application_name("prospectus")
            // A connection that fell silent would keep whoever takes it for minutes; this asks it, and not for long. One
            // that has just answered needn't be asked: that would be a second round trip for every statement.
            .test_before_acquire(false)
            .map_sqlx_postgres_pool_opts(|pool| {
                pool.before_acquire(|connection, about| {
                    Box::pin(async move {
                        if about.idle_for < ANSWERED_LATELY {
                            return Ok(true);
                        }
                        match tokio::time::timeout(PING_WITHIN, connection.ping()).await {
                            Ok(answer) => answer.map(|()| true),
                            Err(_) => Err(sqlx::Error::PoolTimedOut),
                        }
                    })
                })
            });
        let unhurried = options.clone();
        options.statement_timeout(LONGEST_STATEMENT);
        let mut pool = told_of(connect(options.clone())).await?;
        let mut scan = connect(options.max_connections(SCANS).connect_lazy(true).clone()).await?;
        watch([&mut pool, &mut scan], statements);
        options.max_connections(1).acquire_timeout(LEASE_PATIENCE);
        let leases = connect(options).await?;
        let [read, write, versions, queue] = [(); 4].map(|()| pool.clone());
        Ok(Self { read, scan, write, versions, queue, leases, postgres: Some(unhurried) })
    }
}

impl Store {
    /// Connects to `sqlite://path` or `postgres://…`; makes an SQLite file and its folder where there is none.
    ///
    /// # Errors
    /// When the folder can't be made or the database doesn't answer.
    #[boxed]
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, POSTGRES_CONNECTIONS).await
    }

    /// Connects with so many connections, if it's PostgreSQL. Four more serve leases, events and scans.
    ///
    /// # Errors
    /// When the folder can't be made or the database doesn't answer.
    #[boxed]
    pub async fn connect_with(url: &str, connections: u32) -> Result<Self> {
        let statements: Arc<AtomicU64> = Arc::default();
        let opened: Arc<AtomicU64> = Arc::default();
        let connected = if url.starts_with("sqlite:") {
            create_folder_of(url)?;
            Connections::to_sqlite(url, &statements, &opened).await
        } else {
            Connections::to_postgres(url, connections, &statements).await
        };
        let Connections { read, scan, write, versions, queue, leases, postgres } = connected?;
        let events = match &postgres {
            None => Events::local(read.clone()),
            Some(_) => Events::shared(read.clone(), read.get_postgres_connection_pool().clone()),
        };
        let read = Readers::keeping(read, &statements);
        let versions = if postgres.is_some() { read.untold() } else { Readers::alone(versions) };
        Ok(Self {
            read,
            scan,
            write,
            versions,
            opened,
            queue,
            leases,
            events,
            storage_full: Arc::default(),
            statements,
            pace: Pace::default(),
            postgres,
        })
    }

    /// A handle that reads through connections kept for work on whole tables, a few statements at a time.
    #[must_use]
    pub fn for_scans(&self) -> Self {
        Self { read: Readers::passing(self.scan.clone()), ..self.clone() }
    }

    /// How many histories may be read at a time, so that shorter statements find a connection.
    #[must_use]
    pub fn long_reads(&self) -> usize {
        self.read.half()
    }

    /// A handle whose statements may take as long as they need.
    #[boxed]
    pub(super) async fn unhurried(&self) -> Result<Self> {
        let Some(mut options) = self.postgres.clone() else { return Ok(self.clone()) };
        options.max_connections(2);
        let connection = connect(options).await?;
        Ok(Self { read: Readers::passing(connection.clone()), write: connection, ..self.clone() })
    }

    /// How many statements this process has sent so far, beside what begins and ends transactions.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How bulk work gives way to queries.
    #[must_use]
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    /// The queue's connections. It may sit on one without using it, which must not keep others from writing.
    #[must_use]
    pub fn queue(&self) -> &DatabaseConnection {
        &self.queue
    }

    /// What changed, as it changes, in this process and in its peers.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Begins a write: on SQLite it takes the write lock at once, so that what it reads can't change under it.
    ///
    /// # Errors
    /// When no connection comes free or the database doesn't answer.
    #[boxed]
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        if self.postgres.is_some() {
            // Both are of one pool.
            self.read.give_one_back();
        }
        begun(&self.write, options).await
    }

    /// Begins to read: everything that the transaction reads is of one moment, whoever writes meanwhile.
    ///
    /// # Errors
    /// When no connection comes free or the database doesn't answer.
    #[boxed]
    pub async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let options = match self.backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions::default(),
        };
        self.read.give_one_back();
        begun(self.read.pool(), options).await
    }

    /// Closes every connection after what they are doing, but waits for none for long: the process ends either way.
    #[boxed]
    pub async fn close(&self) {
        self.read.give_all_back();
        self.versions.give_all_back();
        let all = [self.read.pool(), &self.scan, self.versions.pool(), &self.queue, &self.leases, &self.write];
        join_all(all.map(|connection| async {
            match tokio::time::timeout(CLOSE_WITHIN, connection.clone().close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "a database connection did not close"),
                Err(_) => tracing::warn!("a database connection was busy for too long to be closed"),
            }
        }))
        .await;
    }
}

/// Tells the log of a connection that is waited for, or a start would be silent until it is given up.
async fn told_of<T>(connecting: impl Future<Output = T>) -> T {
    let mut connecting = pin!(connecting);
    if let Ok(connected) = tokio::time::timeout(SILENCE, &mut connecting).await {
        return connected;
    }
    tracing::warn!("the database does not answer yet: waiting for it");
    connecting.await
}

/// Begins in a task of its own. Whoever asked may leave meanwhile, as a client does that hangs up, and the driver would
/// put a connection back whose BEGIN is half-way, to stay open under whatever is written on it next.
async fn begun(connection: &DatabaseConnection, options: TransactionOptions) -> Result<DatabaseTransaction> {
    let connection = connection.clone();
    let begin = async move { connection.begin_with_options(options).await }.in_current_span();
    let begun = tokio::spawn(begin).await.map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(begun?)
}

/// Options of connections whose commits are on the disk before they are answered (`FULL`), or lose the last ones in a power
/// cut, whole ones, without harm to the others (`NORMAL`).
fn sqlite_options(
    url: &str,
    connections: u32,
    synchronous: SqliteSynchronous,
    mapped: &'static str,
    pages: &'static str,
) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_mins(1))
        // A connection keeps its prepared statements and page cache: there is nothing to gain from closing it.
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .sqlx_logging_level(log::LevelFilter::Debug)
        .sqlx_slow_statements_logging_settings(log::LevelFilter::Debug, SLOW_STATEMENT)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .foreign_keys(true)
                .busy_timeout(BUSY_TIMEOUT)
                .row_buffer_size(ROWS_ON_THE_WAY)
                .pragma("temp_store", "MEMORY")
                .pragma("cache_size", pages)
                .pragma("wal_autocheckpoint", LOGGED_PAGES)
                .pragma("mmap_size", mapped)
        })
        .map_sqlx_sqlite_pool_opts(|pool| {
            // SQLite ends a transaction by itself when the disk is full, and the driver then counts one too many:
            // what comes next would be a part of a transaction that never ends and keeps the lock.
            pool.after_release(|connection, _| {
                Box::pin(async move {
                    // Waits for a rollback that's still to be done.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
        });
    options
}

fn create_folder_of(url: &str) -> Result<()> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or(path);
    let Some(folder) = std::path::Path::new(path).parent().filter(|f| !f.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Statement};

    use super::*;

    #[tokio::test]
    async fn readers_alone_map_the_file_and_a_part_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("a.db").display());
        let store = Store::connect_with(&url, 1).await.expect("a store");
        let mapped = async |connection: &DatabaseConnection| -> i64 {
            let statement = Statement::from_string(DbBackend::Sqlite, "PRAGMA mmap_size");
            let row = connection.query_one_raw(statement).await.expect("an answer").expect("a row");
            row.try_get_by_index(0).expect("a number")
        };
        assert_eq!(mapped(store.read.pool()).await.to_string(), READERS_MAP);
        assert_eq!((mapped(&store.write).await, mapped(&store.scan).await, mapped(&store.queue).await), (0, 0, 0));
        store.close().await;
    }
}
