//! Lists of ids as one bound value, so that a statement's text doesn't depend on how many there are.

use sea_orm::DbBackend;

/// `column IN (these ids)`, with the ids as one bound text.
pub(super) fn id_list(backend: DbBackend, column: &str, place: usize) -> String {
    match backend {
        DbBackend::Postgres => format!("{column} = ANY(${place}::text::bigint[])"),
        _ => format!("{column} IN (SELECT value FROM json_each(${place}))"),
    }
}

/// The text for [`id_list`].
pub(super) fn ids_text(backend: DbBackend, ids: &[i64]) -> String {
    let ids = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    if backend == DbBackend::Postgres { format!("{{{ids}}}") } else { format!("[{ids}]") }
}
