//! The same page, or count, of a list that many rows have each: one statement, whose text doesn't depend on how many
//! rows there are, and which reads no more than the pages hold.

use std::collections::HashMap;
use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement, Value};

use super::ids::{id_list, ids_text};
use super::page::{Page, PageRequest};
use super::{Result, Store};

/// A table whose rows belong to those of another one.
pub(super) struct Children {
    pub table: &'static str,
    /// What is read of each row, with the table as `child`.
    pub columns: &'static str,
    /// The column that says whose they are.
    pub parent: &'static str,
    /// What tells those of one parent apart, and their order.
    pub key: &'static str,
}

impl Children {
    /// A statement that reads, for each id that its first value lists, the rows that `narrowed` leaves of that id's.
    pub fn of_each(&self, backend: DbBackend, narrowed: &str) -> String {
        let Self { table, columns, parent, key } = self;
        if backend == DbBackend::Postgres {
            return format!(
                "SELECT {columns} FROM unnest($1::text::bigint[]) AS wanted(id) CROSS JOIN LATERAL \
                 (SELECT * FROM {table} WHERE {parent} = wanted.id {narrowed}) AS child"
            );
        }
        // SQLite has no lateral join: the keys of the page are looked up for each id, then the rows by their keys.
        format!(
            "SELECT {columns} FROM json_each($1) AS wanted CROSS JOIN {table} AS child \
             WHERE child.{parent} = wanted.value AND child.{key} IN \
             (SELECT {key} FROM {table} WHERE {parent} = wanted.value {narrowed})"
        )
    }

    /// The same page of each of these parents' lists, the highest key first; parents without a row on it are missing.
    /// `of` tells a row's parent and key.
    pub async fn pages<M: FromQueryResult>(
        &self,
        store: &Store,
        parents: &[i64],
        page: &PageRequest,
        of: impl Fn(&M) -> (i64, i64),
    ) -> Result<HashMap<i64, Page<M>>> {
        let (backend, key) = (store.backend(), self.key);
        let mut values: Vec<Value> = vec![ids_text(backend, parents).into()];
        let mut narrowed = String::new();
        for (keys, operator) in [(&page.after, '<'), (&page.before, '>')] {
            if let Some(bound) = keys.as_ref().and_then(|keys| keys.first()) {
                values.push(bound.into());
                let _ = write!(narrowed, "AND {key} {operator} ${} ", values.len());
            }
        }
        let order = if page.backward { "ASC" } else { "DESC" };
        let _ = write!(narrowed, "ORDER BY {key} {order} LIMIT {}", page.limit.saturating_add(1));
        let statement = Statement::from_sql_and_values(backend, self.of_each(backend, &narrowed), values);
        let mut found: HashMap<i64, Vec<(i64, M)>> = HashMap::new();
        for row in &store.read.query_all_raw(statement).await? {
            let row = M::from_query_result(row, "")?;
            let (parent, key) = of(&row);
            found.entry(parent).or_default().push((key, row));
        }
        let in_order = |mut rows: Vec<(i64, M)>| {
            rows.sort_unstable_by_key(|row| if page.backward { row.0 } else { -row.0 });
            page.page(rows.into_iter().map(|row| row.1).collect())
        };
        Ok(found.into_iter().map(|(parent, rows)| (parent, in_order(rows))).collect())
    }

    /// How many rows each of these parents has, of those that `narrowed` leaves; those of none are missing. The values
    /// of `narrowed` are numbered from 2.
    pub async fn counts(
        &self,
        store: &Store,
        parents: &[i64],
        narrowed: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<HashMap<i64, u64>> {
        let (backend, Self { table, parent, .. }) = (store.backend(), self);
        let listed = id_list(backend, parent, 1);
        let sql = format!("SELECT {parent}, COUNT(*) FROM {table} WHERE {listed} {narrowed} GROUP BY {parent}");
        let values = std::iter::once(ids_text(backend, parents).into()).chain(values);
        let rows = store.read.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        let pair = |row: &QueryResult| {
            let count: i64 = row.try_get_by_index(1)?;
            Ok((row.try_get_by_index(0)?, count.unsigned_abs()))
        };
        rows.iter().map(pair).collect()
    }
}
