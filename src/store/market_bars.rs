//! Bars of a whole market: many symbols' at once, many rows a statement.

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use super::bulk_rows::{Cell, Columns, real};
use super::ids::{id_list, ids_text, json_rows};
use super::repositories::Prices;
use super::{Result, Turn, now};
use crate::market::{DataSource, Day};

/// One share's day, with the close before it as the exchange states it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketBar {
    pub symbol: i64,
    pub day: Day,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub previous_close: Option<f64>,
    pub volume: i64,
    pub source: DataSource,
    /// Whether the stored bar has a close that its source adjusted.
    pub has_adjusted: bool,
}

/// What a batch adds to a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    pub symbol: i64,
    pub added: i32,
    pub first: Day,
    pub last: Day,
}

const WRITTEN: Columns<9> = Columns {
    table: "price_bars",
    columns: [
        ("symbol_id", "bigint"),
        ("day", "int"),
        ("open", "float8"),
        ("high", "float8"),
        ("low", "float8"),
        ("close", "float8"),
        ("previous_close", "float8"),
        ("volume", "bigint"),
        ("source", "smallint"),
    ],
};
/// Rows of a transaction. On SQLite every other write waits for its end.
const SQLITE_BATCH: usize = 24_000;
/// On PostgreSQL only writers of the market and of its symbols do, and what is done once a transaction for each symbol,
/// locking it and bringing its summary up to date, costs as much as several days' bars.
const POSTGRES_BATCH: usize = 72_000;

impl Prices<'_> {
    /// Rows of a market that are gathered before they are written together, where all are at hand.
    #[must_use]
    pub fn rows_a_batch(&self) -> usize {
        if self.0.backend() == DbBackend::Postgres { POSTGRES_BATCH } else { SQLITE_BATCH }
    }

    /// The stored bars of these symbols between two days, by symbol and day.
    #[boxed]
    pub async fn between(
        &self,
        transaction: &DatabaseTransaction,
        symbols: &[i64],
        from: Day,
        to: Day,
    ) -> Result<Vec<MarketBar>> {
        let of = id_list(self.0.backend(), "symbol_id", 1);
        let sql = format!(
            "SELECT symbol_id, day, open, high, low, close, previous_close, volume, source, adjusted_close IS NOT NULL \
             FROM price_bars WHERE {of} AND day BETWEEN $2 AND $3 ORDER BY symbol_id, day"
        );
        let values = [ids_text(self.0.backend(), symbols).into(), from.into(), to.into()];
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, values);
        let mut bars = Vec::new();
        for row in transaction.query_all_raw(statement).await? {
            bars.push(MarketBar {
                symbol: row.try_get_by_index(0)?,
                day: row.try_get_by_index(1)?,
                open: row.try_get_by_index(2)?,
                high: row.try_get_by_index(3)?,
                low: row.try_get_by_index(4)?,
                close: row.try_get_by_index(5)?,
                previous_close: row.try_get_by_index(6)?,
                volume: row.try_get_by_index(7)?,
                source: DataSource::from_code(row.try_get_by_index(8)?),
                has_adjusted: row.try_get_by_index(9)?,
            });
        }
        Ok(bars)
    }

    /// Writes bars that aren't stored, and those that are stored differently, each by symbol and day. The caller has
    /// compared them while it held their symbols, so no other writer can have added any since.
    #[boxed]
    pub async fn write_market(
        &self,
        transaction: &DatabaseTransaction,
        new: &[MarketBar],
        different: &[MarketBar],
        turn: &mut Turn,
    ) -> Result<()> {
        self.insert(transaction, new, "", turn).await?;
        self.insert(transaction, different, ON_CONFLICT, turn).await
    }

    async fn insert(
        &self,
        transaction: &DatabaseTransaction,
        bars: &[MarketBar],
        on_conflict: &str,
        turn: &mut Turn,
    ) -> Result<()> {
        let mut statements = WRITTEN.inserts(self.0.backend(), bars, on_conflict, cells);
        let mut next = statements.next();
        while let Some(statement) = next {
            // A statement takes a few milliseconds; a query that has come meanwhile goes first.
            turn.give_way().await;
            // The rows after these are spelled out while the database writes.
            let (written, after) = tokio::join!(transaction.execute_raw(statement), async { statements.next() });
            written?;
            next = after;
        }
        Ok(())
    }

    /// Brings the symbols' summaries up to date with what was written: counts, ends, versions.
    #[boxed]
    pub async fn grow(&self, transaction: &DatabaseTransaction, growths: &[Growth]) -> Result<()> {
        let rows: Vec<_> = growths.iter().map(|g| (g.symbol, g.added, g.first, g.last)).collect();
        let json = serde_json::to_string(&rows).unwrap_or_default();
        let backend = self.0.backend();
        let rows = json_rows(backend, &[("id", "bigint"), ("added", "int"), ("first", "int"), ("last", "int")]);
        let (least, greatest) = if backend == DbBackend::Postgres { ("LEAST", "GREATEST") } else { ("min", "max") };
        let sql = format!(
            "UPDATE symbols SET bar_count = bar_count + r.added, data_version = data_version + 1, \
             first_day = {least}(COALESCE(first_day, r.first), r.first), \
             last_day = {greatest}(COALESCE(last_day, r.last), r.last), last_refreshed_at = $2 \
             FROM {rows} WHERE symbols.id = r.id"
        );
        let statement = Statement::from_sql_and_values(backend, sql, [json.into(), now().into()]);
        transaction.execute_raw(statement).await?;
        Ok(())
    }

    /// Those of these symbols whose first bar in a span opens far from the close before: a split, a bonus, a demerger.
    #[boxed]
    pub async fn jumps_between(
        &self,
        transaction: &DatabaseTransaction,
        symbols: &[i64],
        from: Day,
        to: Day,
    ) -> Result<Vec<i64>> {
        let of = id_list(self.0.backend(), "symbol_id", 1);
        let sql = format!(
            "SELECT DISTINCT symbol_id FROM price_bars WHERE {of} AND day BETWEEN $2 AND $3 AND previous_close > 0 \
             AND (open > previous_close * {JUMP} OR open * {JUMP} < previous_close)"
        );
        let values = [ids_text(self.0.backend(), symbols).into(), from.into(), to.into()];
        let rows = transaction.query_all_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
    }
}

/// An open that many times the close before, or as small a part of it, is worth a look.
pub const JUMP: f64 = 1.35;

fn cells(bar: &MarketBar) -> [Cell; 9] {
    [
        bar.symbol.into(),
        bar.day.into(),
        Cell::Real(bar.open),
        Cell::Real(bar.high),
        Cell::Real(bar.low),
        Cell::Real(bar.close),
        real(bar.previous_close),
        bar.volume.into(),
        bar.source.code().into(),
    ]
}

const ON_CONFLICT: &str = " ON CONFLICT (symbol_id, day) DO UPDATE SET open = excluded.open, high = excluded.high, \
     low = excluded.low, close = excluded.close, previous_close = excluded.previous_close, volume = excluded.volume, \
     source = excluded.source, adjusted_close = CASE WHEN excluded.close = price_bars.close \
     THEN price_bars.adjusted_close ELSE price_bars.adjusted_close * excluded.close / price_bars.close END";
