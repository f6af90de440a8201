//! What can go wrong between here and the database, and what is to be done about it: a transaction that lost a race
//! is tried again, a full disk is said and watched until there is space.

use sea_orm::{DbErr, RuntimeErr};

/// What can go wrong between here and the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database refused: {0}")]
    Database(#[source] DbErr),
    #[error("the database's disk is full, so nothing was stored; free some space there, then try again")]
    StorageFull(#[source] StorageFull),
    #[error("the database worked on it for too long and gave it up")]
    TooLong(#[source] TooLong),
    #[error("{0}")]
    Unreachable(#[source] Unreachable),
    #[error("what this belongs to was removed meanwhile")]
    Orphaned(#[source] Orphaned),
    #[error("the database folder {path} can't be made: {source}")]
    Folder { path: String, source: std::io::Error },
    #[error("a stored {what} can't be read: {source}")]
    Corrupt { what: &'static str, source: serde_json::Error },
}

/// The database's disk is full. Wherever a [`StoreError`] has got to, this is among its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no space is left on the database's disk")]
pub struct StorageFull;

impl StorageFull {
    /// Whether this is at the bottom of an error.
    #[must_use]
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        is_among::<Self>(error)
    }
}

fn is_among<T: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<T>)
}

/// A statement took longer than the database may take for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the statement's time was over")]
pub struct TooLong;

impl TooLong {
    /// Whether this is at the bottom of an error.
    #[must_use]
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        is_among::<Self>(error)
    }
}

/// The database has gone or takes nobody more: it restarts, the network is cut, or every connection is in use.
#[derive(Debug, thiserror::Error)]
#[error("the database does not answer: {0}")]
pub struct Unreachable(DbErr);

impl Unreachable {
    /// Whether this is at the bottom of an error.
    #[must_use]
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        is_among::<Self>(error)
    }
}

/// A row refers to one that has been removed since it was read.
#[derive(Debug, thiserror::Error)]
#[error("a row that is referred to is gone: {0}")]
pub struct Orphaned(DbErr);

impl Orphaned {
    /// Whether this is at the bottom of an error.
    #[must_use]
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        is_among::<Self>(error)
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match trouble(&error) {
            Trouble::Full => Self::StorageFull(StorageFull),
            Trouble::TooLong => Self::TooLong(TooLong),
            Trouble::Gone => Self::Unreachable(Unreachable(error)),
            Trouble::Orphaned => Self::Orphaned(Orphaned(error)),
            Trouble::Race | Trouble::Other => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        DbErr::Conn(RuntimeErr::SqlxError(std::sync::Arc::new(error))).into()
    }
}

/// What a transaction's failure calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Full,
    /// Another transaction got in the way; the same again goes through.
    Race,
    /// What a row refers to was removed since it was read; whoever reads it anew the next time goes through.
    Orphaned,
    TooLong,
    /// Nobody is there, or there is no connection to be had.
    Gone,
    Other,
}

fn trouble(error: &DbErr) -> Trouble {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return Trouble::Gone;
    }
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return Trouble::Other;
    };
    let error = match &**error {
        sqlx::Error::Database(error) => error,
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => return Trouble::Gone,
        _ => return Trouble::Other,
    };
    let Some(code) = error.code() else { return Trouble::Other };
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return code.parse().map_or(Trouble::Other, sqlite_trouble);
    }
    match &*code {
        "53100" => Trouble::Full,
        // The statement's timeout.
        "57014" => Trouble::TooLong,
        // Serialisation failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => Trouble::Race,
        "23503" => Trouble::Orphaned,
        // Stopped by somebody, crashed, not yet started; no connection left.
        "57P01" | "57P02" | "57P03" | "53300" => Trouble::Gone,
        // Connection exceptions.
        code if code.starts_with("08") => Trouble::Gone,
        _ => Trouble::Other,
    }
}

/// By SQLite's extended result codes.
fn sqlite_trouble(code: i32) -> Trouble {
    const FULL: i32 = 13;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const INTERRUPTED: i32 = 9;
    const FOREIGN_KEY: i32 = 787;
    // A disk without space also refuses to write, to sync, and to lengthen or map the shared-memory file.
    const IO_ERRORS_OF_A_FULL_DISK: [i32; 5] = [778, 1034, 1290, 4874, 5386];
    match code & 0xff {
        FULL => Trouble::Full,
        _ if IO_ERRORS_OF_A_FULL_DISK.contains(&code) => Trouble::Full,
        BUSY | LOCKED => Trouble::Race,
        _ if code == FOREIGN_KEY => Trouble::Orphaned,
        INTERRUPTED => Trouble::TooLong,
        _ => Trouble::Other,
    }
}

impl StoreError {
    /// Something stored isn't the JSON that it should be.
    pub fn corrupt(what: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Corrupt { what, source }
    }

    pub(super) fn is_race(&self) -> bool {
        match self {
            Self::Database(error) => trouble(error) == Trouble::Race,
            Self::Orphaned(_) => true,
            _ => false,
        }
    }
}

/// An error that may come from the store.
pub trait MaybeStoreError {
    /// The store's part in it.
    fn store_error(&self) -> Option<&StoreError>;
}

impl MaybeStoreError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_s_codes_are_told_apart() {
        for code in [13, 778, 4874, 1034] {
            assert_eq!(sqlite_trouble(code), Trouble::Full, "{code}");
        }
        for code in [5, 517, 6, 262] {
            assert_eq!(sqlite_trouble(code), Trouble::Race, "{code}");
        }
        assert_eq!(sqlite_trouble(787), Trouble::Orphaned);
        for code in [1, 19, 2067, 266, 11] {
            assert_eq!(sqlite_trouble(code), Trouble::Other, "{code}");
        }
    }

    #[test]
    fn a_full_disk_is_found_beneath_other_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error(transparent)]
        struct Outer(#[from] StoreError);
        let full = || StoreError::StorageFull(StorageFull);
        assert!(StorageFull::caused(&full()) && StorageFull::caused(&Outer(full())));
        assert!(!StorageFull::caused(&StoreError::from(DbErr::Custom("no".to_owned()))));
    }

    #[test]
    fn a_database_that_is_gone_is_told_from_one_that_refuses() {
        #[derive(Debug, thiserror::Error)]
        #[error(transparent)]
        struct Outer(#[from] StoreError);
        let cut = || sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into());
        assert!(Unreachable::caused(&Outer(cut().into())));
        let query = DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(cut())));
        assert!(Unreachable::caused(&StoreError::from(query)));
        assert!(Unreachable::caused(&StoreError::from(sqlx::Error::PoolTimedOut)));
        assert!(!Unreachable::caused(&StoreError::from(sqlx::Error::RowNotFound)));
    }
}
