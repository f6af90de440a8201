//! What the database holds as a whole, under a name that no write leaves as it was. Whoever kept an answer under the name
//! may give it again while the name is the same.

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Result, Store};

/// A name of all that can be seen in the database at a moment. Two that are equal were taken with nothing written between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataVersion(String);

impl Store {
    /// The present version, whichever process wrote last.
    #[boxed]
    pub async fn data_version(&self) -> Result<DataVersion> {
        // PostgreSQL tells which transactions a statement sees; every write is one that no snapshot before had. SQLite counts
        // for a connection how often any other has written.
        let sql = match self.backend() {
            DbBackend::Postgres => "SELECT pg_current_snapshot()::text",
            _ => "PRAGMA data_version",
        };
        let row = self.versions.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        let version = match (row, self.backend()) {
            (None, _) => String::new(),
            (Some(row), DbBackend::Postgres) => row.try_get_by_index(0)?,
            (Some(row), _) => row.try_get_by_index::<i64>(0)?.to_string(),
        };
        // Another connection counts anew.
        Ok(DataVersion(format!("{}/{version}", self.opened.load(std::sync::atomic::Ordering::Acquire))))
    }
}
