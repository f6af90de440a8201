//! Rows read by position. What the ORM reads by name looks every value's column up, and words an error for each NULL:
//! of a page of 50 issues that was a quarter of the request's time.

use sea_orm::QueryResult;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row as _};

use super::Result;

/// A row of either database.
pub(super) enum Cells<'r> {
    Postgres(&'r PgRow),
    Sqlite(&'r SqliteRow),
}

/// What both databases can hold.
pub(super) trait Cell<'r>: Decode<'r, Postgres> + Decode<'r, Sqlite> {}

impl<'r, T: Decode<'r, Postgres> + Decode<'r, Sqlite>> Cell<'r> for T {}

impl<'r> Cells<'r> {
    pub fn of(row: &'r QueryResult) -> Result<Self> {
        if let Some(row) = row.try_as_pg_row() {
            return Ok(Self::Postgres(row));
        }
        let row = row.try_as_sqlite_row().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Self::Sqlite(row))
    }

    /// A value, of the type that its column has by the migrations: the type is not asked for again with each row.
    pub fn get<T: Cell<'r>>(&self, at: usize) -> Result<T> {
        Ok(match self {
            Self::Postgres(row) => row.try_get_unchecked(at)?,
            Self::Sqlite(row) => row.try_get_unchecked(at)?,
        })
    }

    /// The one of an enum's values that is kept by its name.
    pub fn named<T>(&self, at: usize, of: fn(&str) -> Option<T>) -> Result<T> {
        let name: &str = self.get(at)?;
        of(name).ok_or_else(|| unknown(name))
    }

    /// As [`Cells::named`], where there may be none.
    pub fn named_or_none<T>(&self, at: usize, of: fn(&str) -> Option<T>) -> Result<Option<T>> {
        let name: Option<&str> = self.get(at)?;
        name.map(|name| of(name).ok_or_else(|| unknown(name))).transpose()
    }
}

fn unknown(name: &str) -> super::StoreError {
    sqlx::Error::Decode(format!("{name:?} is no value of its column").into()).into()
}
