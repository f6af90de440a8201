//! Copies of an SQLite database: made while it serves, and put back while nothing does.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::hold::{self, HoldError};

/// Why there's no copy, or nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("this is for SQLite; PostgreSQL has pg_dump and pg_restore")]
    NotSqlite,
    #[error("{} is there already; name a file that isn't", .0.display())]
    Exists(PathBuf),
    #[error("{} is not a whole database of this service: {reason}", path.display())]
    Unsound { path: PathBuf, reason: String },
    #[error("{} is in use: stop the service before you put a copy back", .0.display())]
    InUse(PathBuf),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

/// How long the copy waits for a write that is under way.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

fn options(url: &str) -> Result<SqliteConnectOptions, BackupError> {
    if !url.starts_with("sqlite:") {
        return Err(BackupError::NotSqlite);
    }
    Ok(SqliteConnectOptions::from_str(url)?.create_if_missing(false).busy_timeout(BUSY_TIMEOUT))
}

/// Writes a copy of the database as it is at one moment, whatever is written to it meanwhile. The file appears when it
/// is whole.
///
/// # Errors
/// When the file is there already, or the copy can't be made.
#[boxed]
pub async fn backup(url: &str, file: &Path) -> Result<(), BackupError> {
    let options = options(url)?;
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let part = with_ending(file, "part");
    let _ = std::fs::remove_file(&part);
    let mut source = options.connect().await?;
    // One read transaction writes the copy, so writers go on and none of their work is in it by half.
    let copied = sqlx::query("VACUUM INTO $1").bind(part.display().to_string()).execute(&mut source).await;
    source.close().await?;
    let kept = match copied {
        Ok(_) => check(&part).await.and_then(|()| keep(&part, file)),
        Err(error) => Err(error.into()),
    };
    if kept.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    kept
}

/// Puts a copy back in the database's place. What was there stays beside it, ending in `.before-restore`.
///
/// # Errors
/// When the copy isn't sound, or something has the database open; nothing is changed then.
#[boxed]
pub async fn restore(url: &str, file: &Path) -> Result<(), BackupError> {
    let options = options(url)?;
    let target = options.get_filename().to_owned();
    check(file).await?;
    let _hold = hold::take(&target).map_err(|error| match error {
        HoldError::Held(path) => BackupError::InUse(path),
        HoldError::File { path, source } => BackupError::File { path, source },
    })?;
    let part = with_ending(&target, "part");
    std::fs::copy(file, &part).map_err(|source| BackupError::File { path: part.clone(), source })?;
    if target.exists() {
        // Leaving the write-ahead log needs the database for oneself alone, and folds the log into the file.
        let mut present = options.busy_timeout(Duration::from_secs(1)).connect().await?;
        let alone = sqlx::query("PRAGMA journal_mode = DELETE").fetch_one(&mut present).await;
        let is_alone = alone.is_ok_and(|row| row.try_get::<String, _>(0).is_ok_and(|mode| mode == "delete"));
        present.close().await?;
        if !is_alone {
            let _ = std::fs::remove_file(&part);
            return Err(BackupError::InUse(target));
        }
        keep(&target, &with_ending(&target, "before-restore"))?;
    }
    keep(&part, &target)
}

/// Whether a file is a whole database of this service.
async fn check(file: &Path) -> Result<(), BackupError> {
    let unsound = |reason: String| BackupError::Unsound { path: file.to_owned(), reason };
    if !file.is_file() {
        return Err(unsound("there is no such file".to_owned()));
    }
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let mut copy: SqliteConnection = options.connect().await.map_err(|e| unsound(e.to_string()))?;
    let verdict = sqlx::query("PRAGMA integrity_check(1)").fetch_one(&mut copy).await;
    let verdict: String = verdict.and_then(|row| row.try_get(0)).map_err(|e| unsound(e.to_string()))?;
    let known = sqlx::query("SELECT COUNT(*) FROM seaql_migrations").fetch_one(&mut copy).await;
    let is_ours = known.is_ok();
    copy.close().await?;
    match (verdict.as_str(), is_ours) {
        ("ok", true) => Ok(()),
        ("ok", false) => Err(unsound("it holds another program's tables".to_owned())),
        _ => Err(unsound(verdict)),
    }
}

/// Gives a file its name once all of it is on the disk.
fn keep(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::File { path: to.to_owned(), source };
    std::fs::File::open(from).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(from, to).map_err(failed)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
