//! Whole histories as columns: a PostgreSQL row a symbol, with an array a column. A row a bar would take longer to send
//! and to read than the bars take to find.

use async_recursion::async_recursion as boxed;
use sea_orm::{DatabaseTransaction, DbBackend, QueryResult, Statement};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Result;
use super::cells::Cells;
use super::ids::{id_list, ids_text};
use super::readers::EachRow;
use super::repositories::Prices;
use crate::market::Columns;

/// A symbol's bars by day, as one statement finds them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    pub symbol: i64,
    /// The version of the symbol's data that they are.
    pub version: i32,
    pub bars: Columns,
    /// The adjusted close as the provider has it, of each bar; empty if it has none at all.
    pub provided: Vec<Option<f64>>,
}

/// What is read of a bar, in the order of [`History::take`].
const BAR: &str = "day, open, high, low, close, volume, adjusted_close";

impl Prices<'_> {
    /// The whole histories of these symbols; one that is gone is missing.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn histories(&self, symbols: &[i64]) -> Result<Vec<History>> {
        self.histories_of(&self.0.read, symbols).await
    }

    /// The same, as a transaction sees them.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn histories_in(&self, transaction: &DatabaseTransaction, symbols: &[i64]) -> Result<Vec<History>> {
        self.histories_of(transaction, symbols).await
    }

    async fn histories_of(&self, connection: &impl EachRow, symbols: &[i64]) -> Result<Vec<History>> {
        let backend = self.0.backend();
        let listed = id_list(backend, "s.id", 1);
        let sql = if backend == DbBackend::Postgres {
            // PostgreSQL's manual has aggregates see the rows of a subquery in its order.
            format!(
                "SELECT s.id, s.data_version, bars.* FROM symbols AS s CROSS JOIN LATERAL (SELECT array_agg(day), \
                 array_agg(open), array_agg(high), array_agg(low), array_agg(close), array_agg(volume), \
                 CASE WHEN count(adjusted_close) > 0 THEN array_agg(adjusted_close) END \
                 FROM (SELECT {BAR} FROM price_bars WHERE symbol_id = s.id ORDER BY day) AS bar) AS bars WHERE {listed}"
            )
        } else {
            format!(
                "SELECT s.id, s.data_version, {BAR} FROM symbols AS s LEFT JOIN price_bars ON symbol_id = s.id \
                 WHERE {listed} ORDER BY s.id, day"
            )
        };
        let statement = Statement::from_sql_and_values(backend, sql, [ids_text(backend, symbols).into()]);
        let mut histories: Vec<History> = Vec::with_capacity(symbols.len());
        let take = |row: &QueryResult| {
            if let Some(row) = row.try_as_pg_row() {
                histories.push(of_arrays(row)?);
                return Ok(());
            }
            let cells = Cells::of(row)?;
            let symbol = cells.get(0)?;
            if histories.last().is_none_or(|history| history.symbol != symbol) {
                histories.push(History { symbol, version: cells.get(1)?, ..History::default() });
            }
            if let Some(history) = histories.last_mut() {
                history.take(&cells)?;
            }
            Ok(())
        };
        // Apart, for whoever waits for a history carries the room that its reading takes.
        Box::pin(connection.each_row(statement, take)).await?;
        for history in &mut histories {
            if history.provided.iter().all(Option::is_none) {
                history.provided = Vec::new();
            }
        }
        Ok(histories)
    }
}

impl History {
    /// Takes a row's bar; a symbol without any has one row without a day.
    fn take(&mut self, cells: &Cells<'_>) -> Result<()> {
        if let Some(day) = cells.get(2)? {
            self.bars.days.push(day);
            self.bars.open.push(cells.get(3)?);
            self.bars.high.push(cells.get(4)?);
            self.bars.low.push(cells.get(5)?);
            self.bars.close.push(cells.get(6)?);
            self.bars.volume.push(cells.get(7)?);
            self.provided.push(cells.get(8)?);
        }
        Ok(())
    }
}

fn of_arrays(row: &PgRow) -> Result<History> {
    fn array<'r, T>(row: &'r PgRow, at: usize) -> Result<Vec<T>>
    where
        Vec<T>: sqlx::Decode<'r, sqlx::Postgres>,
    {
        Ok(row.try_get_unchecked::<Option<Vec<T>>, _>(at)?.unwrap_or_default())
    }
    Ok(History {
        symbol: row.try_get_unchecked(0)?,
        version: row.try_get_unchecked(1)?,
        bars: Columns {
            days: array(row, 2)?,
            open: array(row, 3)?,
            high: array(row, 4)?,
            low: array(row, 5)?,
            close: array(row, 6)?,
            volume: array(row, 7)?,
        },
        provided: array(row, 8)?,
    })
}
