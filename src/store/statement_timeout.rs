//! A time limit for statements on SQLite, which has none of its own and goes on for somebody who has left long ago.

use std::time::{Duration, Instant};

use sea_orm::ConnectOptions;

/// Steps of SQLite's virtual machine between two looks at the clock: a few hundred microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 50_000;

/// Has a statement end that works longer than this after its connection was taken.
pub(super) fn within(time: Duration, mut options: ConnectOptions) -> ConnectOptions {
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        pool.after_connect(move |connection, _| Box::pin(give(time, connection)))
            .before_acquire(move |connection, _| Box::pin(async move { give(time, connection).await.map(|()| true) }))
    });
    options
}

async fn give(time: Duration, connection: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
    let end = Instant::now() + time;
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(STEPS_BETWEEN_LOOKS, move || Instant::now() < end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;
    use crate::store::StoreError;

    #[tokio::test]
    async fn a_statement_ends_when_its_time_is_over_and_its_connection_goes_on() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1);
        let database = Database::connect(within(Duration::from_millis(50), options)).await.expect("a database");
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n";
        for _ in 0..2 {
            let error = database.execute_unprepared(endless).await.expect_err("no end");
            assert!(matches!(StoreError::from(error), StoreError::TooLong(_)));
            database.execute_unprepared("SELECT 1").await.expect("an answer");
        }
    }
}
