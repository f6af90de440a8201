//! Many rows by one INSERT, whose text doesn't depend on what is in them.

use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value};

/// Rows of a statement: it takes a few milliseconds.
const SQLITE_ROWS: usize = 100;
const POSTGRES_ROWS: usize = 500;

/// A table's columns, each with its type on PostgreSQL.
pub(super) struct Columns<const N: usize> {
    pub table: &'static str,
    pub columns: [(&'static str, &'static str); N],
}

/// What a row has in a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell {
    Whole(i64),
    Real(f64),
    Null,
}

impl<const N: usize> Columns<N> {
    /// Statements that insert the rows, in their order, ending in `tail`. They are made one by one, as they are asked for.
    pub(super) fn inserts<T>(
        &self,
        backend: DbBackend,
        rows: &[T],
        tail: &str,
        cells: impl Fn(&T) -> [Cell; N],
    ) -> impl Iterator<Item = Statement> {
        let most = if backend == DbBackend::Postgres { POSTGRES_ROWS } else { SQLITE_ROWS };
        rows.chunks(most).map(move |rows| {
            let mut sql = String::with_capacity(rows.len() * 2 * N + tail.len() + 400);
            sql.push_str("INSERT INTO ");
            sql.push_str(self.table);
            for (i, (name, _)) in self.columns.iter().enumerate() {
                sql.push_str(if i == 0 { " (" } else { ", " });
                sql.push_str(name);
            }
            let values: Vec<Value> = if backend == DbBackend::Postgres {
                self.unnested(&mut sql);
                arrays(rows, &cells).into_iter().map(Value::from).collect()
            } else {
                marks(&mut sql, rows.len(), N);
                rows.iter().flat_map(&cells).map(Value::from).collect()
            };
            sql.push_str(tail);
            Statement::from_sql_and_values(backend, sql, values)
        })
    }

    /// The columns travel as an array each: one statement text, planned once, whatever the number of rows. Arrays that are
    /// taken apart in the list of columns aren't gathered in a table first, which would go to a file.
    fn unnested(&self, sql: &mut String) {
        for (i, (_, kind)) in self.columns.iter().enumerate() {
            let before = if i == 0 { ") SELECT " } else { ", " };
            let _ = write!(sql, "{before}unnest(${}::text::{kind}[])", i + 1);
        }
    }
}

/// SQLite looks numbered placeholders up one by one, which is slow for thousands; it takes bare ones in order.
fn marks(sql: &mut String, rows: usize, columns: usize) {
    for row in 0..rows {
        sql.push_str(if row == 0 { ") VALUES (" } else { ", (" });
        for column in 0..columns {
            sql.push_str(if column == 0 { "?" } else { ",?" });
        }
        sql.push(')');
    }
}

/// Arrays in PostgreSQL's text form. The shortest digits of a double read back as the same double.
fn arrays<T, const N: usize>(rows: &[T], cells: impl Fn(&T) -> [Cell; N]) -> [String; N] {
    let mut arrays: [String; N] = std::array::from_fn(|_| String::with_capacity(rows.len() * 10 + 2));
    for (i, row) in rows.iter().enumerate() {
        for (array, cell) in arrays.iter_mut().zip(cells(row)) {
            array.push(if i == 0 { '{' } else { ',' });
            let _ = match cell {
                Cell::Whole(number) => write!(array, "{number}"),
                Cell::Real(number) => write!(array, "{number}"),
                Cell::Null => array.write_str("NULL"),
            };
        }
    }
    for array in &mut arrays {
        array.push('}');
    }
    arrays
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Whole(number) => number.into(),
            Cell::Real(number) => number.into(),
            Cell::Null => Value::Double(None),
        }
    }
}

impl<T: Into<i64>> From<T> for Cell {
    fn from(number: T) -> Self {
        Self::Whole(number.into())
    }
}

/// A double that may be missing.
pub(super) fn real(number: Option<f64>) -> Cell {
    number.map_or(Cell::Null, Cell::Real)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns<3> =
        Columns { table: "t", columns: [("id", "bigint"), ("price", "float8"), ("adjusted", "float8")] };

    fn cells(row: &(i64, f64, Option<f64>)) -> [Cell; 3] {
        [row.0.into(), Cell::Real(row.1), real(row.2)]
    }

    fn told(backend: DbBackend, rows: &[(i64, f64, Option<f64>)]) -> Vec<String> {
        COLUMNS
            .inserts(backend, rows, " ON CONFLICT DO NOTHING", cells)
            .map(|statement| statement.to_string())
            .collect()
    }

    #[test]
    fn rows_become_arrays_on_postgresql_and_values_on_sqlite() {
        let rows = [(1, 0.1, None), (-2, 1e21, Some(f64::MIN_POSITIVE))];
        let statement = COLUMNS.inserts(DbBackend::Postgres, &rows, "", cells).next().expect("a statement");
        assert_eq!(
            statement.sql,
            "INSERT INTO t (id, price, adjusted) SELECT unnest($1::text::bigint[]), unnest($2::text::float8[]), \
             unnest($3::text::float8[])"
        );
        let Some(values) = statement.values else { panic!("it has values") };
        let smallest = format!("{{NULL,{}}}", f64::MIN_POSITIVE);
        let expected = ["{1,-2}".to_owned(), "{0.1,1000000000000000000000}".to_owned(), smallest];
        assert_eq!(values.0, expected.map(Value::from));
        assert_eq!(
            told(DbBackend::Sqlite, &rows[..1]),
            ["INSERT INTO t (id, price, adjusted) VALUES (1,0.1,NULL) ON CONFLICT DO NOTHING"]
        );
    }

    #[test]
    fn a_statement_takes_so_many_rows_and_none_is_left_out() {
        let rows: Vec<_> = (0..1_001).map(|id| (id, 1.0, None)).collect();
        assert_eq!(told(DbBackend::Postgres, &rows).len(), 3);
        let values: usize = COLUMNS
            .inserts(DbBackend::Sqlite, &rows, "", cells)
            .map(|statement| statement.values.map_or(0, |values| values.0.len()))
            .sum();
        assert_eq!(values, 3 * rows.len());
        assert!(told(DbBackend::Postgres, &[]).is_empty());
    }
}
