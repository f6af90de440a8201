//! Lists of ids (or days), and of rows, as one bound value, so that a statement's text doesn't depend on how many there are.

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

/// The rows of a JSON array of arrays, which is the statement's first value, as a table `r`: each column by its name and its
/// type on PostgreSQL.
pub(super) fn json_rows(backend: DbBackend, columns: &[(&str, &str)]) -> String {
    let is_postgres = backend == DbBackend::Postgres;
    let column = |(at, (name, kind)): (usize, &(&str, &str))| {
        if is_postgres {
            format!("(e->>{at})::{kind} AS {name}")
        } else {
            format!("json_extract(value, '$[{at}]') AS {name}")
        }
    };
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    let rows = if is_postgres { "json_array_elements($1::json) AS e" } else { "json_each($1)" };
    format!("(SELECT {} FROM {rows}) AS r", columns.join(", "))
}
