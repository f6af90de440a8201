//! Price bars: read by range, written in bulk.

use std::collections::HashMap;
use std::fmt::Write as _;

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value};

use super::Result;
use super::bulk_rows::{Cell, Columns, real};
use super::cells::Cells;
use super::children::Children;
use super::ids::{id_list, ids_text};
use super::page::Sort;
use super::repositories::Prices;
use crate::market::{Bar, DataSource, Day};

/// How many rows an upsert added, changed and left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpsertCounts {
    pub added: u32,
    pub changed: u32,
    pub unchanged: u32,
}

/// A page of one symbol's bars, both ends excluded where `after` and `before` are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BarRequest {
    pub from: Option<Day>,
    pub to: Option<Day>,
    pub after: Option<Day>,
    pub before: Option<Day>,
    pub backward: bool,
    /// Rows wanted; the answer holds one more if there is one.
    pub limit: u32,
}

impl BarRequest {
    /// The rows of the answer among a symbol's days, which ascend, in the order of reading.
    pub fn indices(&self, days: &[Day]) -> impl Iterator<Item = usize> + use<> {
        let first =
            [(self.from, 0), (self.after, 1)].into_iter().filter_map(|(day, past)| Some(day?.saturating_add(past)));
        let last =
            [(self.to, 0), (self.before, 1)].into_iter().filter_map(|(day, past)| Some(day?.saturating_sub(past)));
        let start = first.max().map_or(0, |first| days.partition_point(|&day| day < first));
        let end = last.min().map_or(days.len(), |last| days.partition_point(|&day| day <= last)).max(start);
        let backward = self.backward;
        (0..end - start).map(move |i| if backward { end - 1 - i } else { start + i }).take(self.limit as usize + 1)
    }
}

const COLUMNS: &str = "symbol_id, day, open, high, low, close, adjusted_close, volume, split, source";
const WRITTEN: Columns<10> = Columns {
    table: "price_bars",
    columns: [
        ("symbol_id", "bigint"),
        ("day", "int"),
        ("open", "float8"),
        ("high", "float8"),
        ("low", "float8"),
        ("close", "float8"),
        ("adjusted_close", "float8"),
        ("volume", "bigint"),
        ("split", "float8"),
        ("source", "smallint"),
    ],
};
const BARS: Children = Children {
    table: "price_bars",
    columns: "child.symbol_id, child.day, child.open, child.high, child.low, child.close, child.adjusted_close, \
              child.volume, child.split, child.source",
    parent: "symbol_id",
    key: "day",
};

fn bar(row: &QueryResult) -> Result<(i64, Bar)> {
    let cells = Cells::of(row)?;
    let bar = Bar {
        day: cells.get(1)?,
        open: cells.get(2)?,
        high: cells.get(3)?,
        low: cells.get(4)?,
        close: cells.get(5)?,
        adjusted_close: cells.get(6)?,
        volume: cells.get(7)?,
        split: cells.get(8)?,
        source: DataSource::from_code(cells.get(9)?),
    };
    Ok((cells.get(0)?, bar))
}

/// Bars as the database sent them: by the thousand, reading them is work for off the async threads.
pub struct BarRows(Vec<QueryResult>);

/// Bars of several symbols as columns, by symbol and day: what a file of prices needs of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarColumns {
    pub symbol: Vec<i64>,
    pub day: Vec<Day>,
    pub open: Vec<f64>,
    pub high: Vec<f64>,
    pub low: Vec<f64>,
    pub close: Vec<f64>,
    /// As the provider has it, where it does.
    pub adjusted_close: Vec<Option<f64>>,
    pub volume: Vec<i64>,
}

/// In the order of [`BarColumns::take`].
const COLUMN_ORDER: &str = "symbol_id, day, open, high, low, close, adjusted_close, volume";

impl BarRows {
    /// Puts these bars behind those that are there.
    ///
    /// # Errors
    /// When a row can't be read.
    pub fn append_to(&self, columns: &mut BarColumns) -> Result<()> {
        self.0.iter().try_for_each(|row| columns.take(row))
    }
}

impl BarColumns {
    /// Room for so many bars.
    #[must_use]
    pub fn with_capacity(bars: usize) -> Self {
        Self {
            symbol: Vec::with_capacity(bars),
            day: Vec::with_capacity(bars),
            open: Vec::with_capacity(bars),
            high: Vec::with_capacity(bars),
            low: Vec::with_capacity(bars),
            close: Vec::with_capacity(bars),
            adjusted_close: Vec::with_capacity(bars),
            volume: Vec::with_capacity(bars),
        }
    }

    fn take(&mut self, row: &QueryResult) -> Result<()> {
        let cells = Cells::of(row)?;
        self.symbol.push(cells.get(0)?);
        self.day.push(cells.get(1)?);
        self.open.push(cells.get(2)?);
        self.high.push(cells.get(3)?);
        self.low.push(cells.get(4)?);
        self.close.push(cells.get(5)?);
        self.adjusted_close.push(cells.get(6)?);
        self.volume.push(cells.get(7)?);
        Ok(())
    }
}

/// Bars of a symbol, the oldest first.
#[must_use]
pub fn bar_sorts() -> Vec<Sort> {
    vec![Sort { name: "day", by: Expr::cust("day"), descending: false, text: false }]
}

impl Prices<'_> {
    /// The bars of the symbols between two days, by symbol and day, as a connection sees them.
    #[boxed]
    pub async fn rows_of<C: ConnectionTrait>(
        &self,
        connection: &C,
        symbols: &[i64],
        from: Day,
        to: Day,
    ) -> Result<BarRows> {
        let backend = self.0.backend();
        let listed = id_list(backend, "symbol_id", 1);
        let sql = format!(
            "SELECT {COLUMN_ORDER} FROM price_bars WHERE {listed} AND day BETWEEN $2 AND $3 ORDER BY symbol_id, day"
        );
        let values = [ids_text(backend, symbols).into(), from.into(), to.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        Ok(BarRows(connection.query_all_raw(statement).await?))
    }

    /// All bars of the symbols, by symbol and day, as a connection sees them: one scan of the primary key a symbol.
    #[boxed]
    pub async fn all_of<C: ConnectionTrait>(&self, connection: &C, symbols: &[i64]) -> Result<Vec<(i64, Bar)>> {
        let backend = self.0.backend();
        let listed = id_list(backend, "symbol_id", 1);
        let sql = format!("SELECT {COLUMNS} FROM price_bars WHERE {listed} ORDER BY symbol_id, day");
        let statement = Statement::from_sql_and_values(backend, sql, [ids_text(backend, symbols).into()]);
        connection.query_all_raw(statement).await?.iter().map(bar).collect()
    }

    /// One symbol's bars as a transaction sees them, by day.
    #[boxed]
    pub async fn of(&self, transaction: &DatabaseTransaction, symbol: i64) -> Result<Vec<Bar>> {
        let sql = format!("SELECT {COLUMNS} FROM price_bars WHERE symbol_id = $1 ORDER BY day");
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [symbol.into()]);
        transaction.query_all_raw(statement).await?.iter().map(|row| Ok(bar(row)?.1)).collect()
    }

    /// The newest bar of each symbol that has one.
    #[boxed]
    pub async fn latest_of(&self, symbols: &[i64]) -> Result<Vec<(i64, Bar)>> {
        let request = BarRequest { backward: true, limit: 0, ..BarRequest::default() };
        self.pages_of(symbols, &request).await
    }

    /// The same page of several symbols' bars in one statement, in the order of reading (newest first if backward).
    #[boxed]
    pub async fn pages_of(&self, symbols: &[i64], page: &BarRequest) -> Result<Vec<(i64, Bar)>> {
        let backend = self.0.backend();
        // Of a list, PostgreSQL knows the length only where it plans anew, which it would for each single symbol.
        let single = if let [symbol] = symbols { Some(*symbol) } else { None };
        let mut values: Vec<Value> = vec![single.map_or_else(|| ids_text(backend, symbols).into(), Value::from)];
        let mut narrowed = String::new();
        for (bound, operator) in [(page.from, ">="), (page.to, "<="), (page.after, ">"), (page.before, "<")] {
            if let Some(day) = bound {
                values.push(day.into());
                let _ = write!(narrowed, "AND day {operator} ${} ", values.len());
            }
        }
        let order = if page.backward { "DESC" } else { "ASC" };
        let _ = write!(narrowed, "ORDER BY day {order} LIMIT {}", page.limit.saturating_add(1));
        let sql = match single {
            Some(_) => format!("SELECT {COLUMNS} FROM price_bars WHERE symbol_id = $1 {narrowed}"),
            None => BARS.of_each(backend, &narrowed),
        };
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let rows = self.0.read.query_all_raw(statement).await?;
        let mut bars: Vec<(i64, Bar)> = rows.iter().map(bar).collect::<Result<_>>()?;
        bars.sort_unstable_by_key(|(symbol, bar)| (*symbol, if page.backward { -bar.day } else { bar.day }));
        Ok(bars)
    }

    /// Writes a symbol's bars that aren't stored, and those that are stored differently. The caller has compared them while
    /// it held the symbol, so no other writer can have added any since.
    #[boxed]
    pub async fn write(
        &self,
        transaction: &DatabaseTransaction,
        symbol: i64,
        new: &[Bar],
        different: &[Bar],
    ) -> Result<()> {
        let cells = |bar: &Bar| {
            [
                symbol.into(),
                bar.day.into(),
                Cell::Real(bar.open),
                Cell::Real(bar.high),
                Cell::Real(bar.low),
                Cell::Real(bar.close),
                real(bar.adjusted_close),
                bar.volume.into(),
                real(bar.split),
                bar.source.code().into(),
            ]
        };
        let backend = self.0.backend();
        let new = WRITTEN.inserts(backend, new, "", cells);
        for statement in new.chain(WRITTEN.inserts(backend, different, ON_CONFLICT, cells)) {
            transaction.execute_raw(statement).await?;
        }
        Ok(())
    }

    /// Removes a symbol's bars of these days.
    #[boxed]
    pub async fn delete(&self, transaction: &DatabaseTransaction, symbol: i64, days: &[Day]) -> Result<()> {
        if days.is_empty() {
            return Ok(());
        }
        let backend = self.0.backend();
        let sql = format!("DELETE FROM price_bars WHERE symbol_id = $2 AND {}", id_list(backend, "day", 1));
        let days: Vec<i64> = days.iter().map(|&day| day.into()).collect();
        let values = [ids_text(backend, &days).into(), symbol.into()];
        transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        Ok(())
    }

    /// How many bars each of these symbols has between two days; those of none are missing.
    #[boxed]
    pub async fn counts_of(&self, symbols: &[i64], from: Option<Day>, to: Option<Day>) -> Result<HashMap<i64, u64>> {
        let bounds = [from.unwrap_or(Day::MIN).into(), to.unwrap_or(Day::MAX).into()];
        BARS.counts(self.0, symbols, "AND day BETWEEN $2 AND $3", bounds).await
    }
}

const ON_CONFLICT: &str = " ON CONFLICT (symbol_id, day) DO UPDATE SET open = excluded.open, high = excluded.high, \
     low = excluded.low, close = excluded.close, adjusted_close = excluded.adjusted_close, volume = excluded.volume, \
     split = excluded.split, source = excluded.source";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some_day() -> impl Strategy<Value = Option<Day>> {
        proptest::option::of(0..40_i32)
    }

    proptest! {
        #[test]
        fn the_rows_of_a_page_are_those_that_the_statement_finds(
            days in proptest::collection::btree_set(0..40_i32, 0..30),
            (from, to, after, before) in (some_day(), some_day(), some_day(), some_day()),
            backward: bool,
            limit in 0..30_u32,
        ) {
            let days: Vec<Day> = days.into_iter().collect();
            let request = BarRequest { from, to, after, before, backward, limit };
            let is_in = |day: &Day| {
                from.is_none_or(|d| *day >= d) && to.is_none_or(|d| *day <= d)
                    && after.is_none_or(|d| *day > d) && before.is_none_or(|d| *day < d)
            };
            let mut expected: Vec<Day> = days.iter().copied().filter(is_in).collect();
            if backward {
                expected.reverse();
            }
            expected.truncate(limit as usize + 1);
            let found: Vec<Day> = request.indices(&days).map(|i| days[i]).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
