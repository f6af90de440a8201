//! Every statement counted, timed and traced.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{DatabaseConnection, DbBackend};

use crate::telemetry::{metrics, traces};

/// The log levels of the database's crates: lines below them are no use to an operator.
pub const QUIET: &str = "sqlx=error,sea_orm_migration=warn";
/// What lines of the log are called that tell of statements: their texts, without their values.
pub const STATEMENTS: &str = "sqlx::query";

/// Has every statement counted, timed and traced.
pub(super) fn watch<const N: usize>(connections: [&mut DatabaseConnection; N], statements: &Arc<AtomicU64>) {
    for connection in connections {
        let statements = statements.clone();
        connection.set_metric_callback(move |info| {
            statements.fetch_add(1, Ordering::Relaxed);
            ended(info);
        });
    }
}

/// A statement has ended.
pub(super) fn ended(info: &sea_orm::metric::Info<'_>) {
    let verb = verb(&info.statement.sql);
    metrics::statement(verb, info.failed, info.elapsed);
    let system = match info.statement.db_backend {
        DbBackend::Sqlite => "sqlite",
        _ => "postgresql",
    };
    traces::statement(system, verb, &info.statement.sql, info.failed, info.elapsed);
}

/// What a statement does, by its first word.
fn verb(sql: &str) -> &'static str {
    let first = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let known = ["SELECT", "INSERT", "UPDATE", "DELETE"];
    known.into_iter().find(|verb| verb.eq_ignore_ascii_case(first)).unwrap_or("other")
}
