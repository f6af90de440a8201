//! The database's clock. Processes on several machines agree on no other, so leases, due times and budgets go by it.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::errors::Result;

/// Milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

/// The present.
#[must_use]
pub fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

/// The present as SQL, in milliseconds since 1970 UTC; the same throughout a statement.
pub(super) fn present_sql(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(ROUND(unixepoch('now', 'subsec') * 1000) AS INTEGER)",
        _ => "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)",
    }
}

/// The present, as the database has it.
pub(super) async fn present(connection: &impl ConnectionTrait) -> Result<Millis> {
    let backend = connection.get_database_backend();
    let statement = Statement::from_string(backend, format!("SELECT {}", present_sql(backend)));
    Ok(connection.query_one_raw(statement).await?.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}
