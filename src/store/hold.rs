//! An SQLite database is one process's: events travel within it. Whoever serves or works holds a lock on a file beside the
//! database, which the system lets go of however the process ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::time::{Instant, sleep};

/// How long one waits for a process that is about to stop.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why the database isn't this process's.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error(
        "another process serves {} or works on it, and an SQLite database has one: `serve` without --no-worker does both, \
         and PostgreSQL lets any number of processes share the work", .0.display()
    )]
    Held(PathBuf),
    #[error("{} can't be locked: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// The lock, for as long as it's kept; none where PostgreSQL has no need of one.
#[derive(Debug)]
pub struct Hold {
    _file: Option<File>,
}

/// Takes hold of an SQLite database; waits a little for a process that is stopping.
///
/// # Errors
/// When another process has it.
#[boxed]
pub async fn hold(url: &str) -> Result<Hold, HoldError> {
    let Some(path) = file_of(url) else { return Ok(Hold { _file: None }) };
    let deadline = Instant::now() + PATIENCE;
    let mut said = false;
    loop {
        match take(&path) {
            Err(HoldError::Held(_)) if Instant::now() < deadline => {
                if !said {
                    tracing::info!(database = %path.display(), "waiting for the process that has the database");
                    said = true;
                }
                sleep(LOOK_AGAIN).await;
            }
            taken => return taken,
        }
    }
}

/// Takes hold at once or not at all.
pub(super) fn take(database: &Path) -> Result<Hold, HoldError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let failed = |source| HoldError::File { path: path.clone(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Hold { _file: Some(file) }),
        Err(TryLockError::WouldBlock) => Err(HoldError::Held(database.to_owned())),
        Err(TryLockError::Error(source)) if source.kind() == std::io::ErrorKind::Unsupported => {
            tracing::warn!("this file system has no locks: see to it that one process alone uses the database");
            Ok(Hold { _file: None })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The file of an SQLite database; none for one in memory, and for PostgreSQL.
fn file_of(url: &str) -> Option<PathBuf> {
    let is_file = url.starts_with("sqlite:") && !url.contains(":memory:") && !url.contains("mode=memory");
    let options = is_file.then(|| SqliteConnectOptions::from_str(url).ok())??;
    Some(options.get_filename().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("a.db");
        let first = take(&database).expect("free");
        let error = take(&database).expect_err("held").to_string();
        assert!(error.contains("a.db") && error.contains("PostgreSQL"), "{error}");
        drop(first);
        take(&database).expect("free again");
    }

    #[test]
    fn files_alone_are_held() {
        assert_eq!(file_of("sqlite://data/a.db?mode=rwc"), Some(PathBuf::from("data/a.db")));
        assert_eq!(file_of("sqlite::memory:"), None);
        assert_eq!(file_of("postgres://localhost/a"), None);
    }
}
