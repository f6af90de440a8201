//! What tells whether two symbols are one share: their issuers, the days that both have, tickers of before, and the prices
//! on both sides of a change.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::market::Day;
use crate::store::Result;
use crate::store::repositories::Identities;

/// What the ISINs of two symbols say of their issuers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issuers {
    Same,
    Different,
    /// One of them has no ISIN.
    Unknown,
}

impl Identities<'_> {
    /// Country and issuer are the first seven signs of an ISIN.
    pub(super) async fn issuers(&self, transaction: &DatabaseTransaction, one: i64, other: i64) -> Result<Issuers> {
        let sql = "SELECT symbol_id, substr(isin, 1, 7) FROM symbol_isins WHERE symbol_id IN ($1, $2)";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [one.into(), other.into()]);
        let mut issuers: [HashSet<String>; 2] = [HashSet::new(), HashSet::new()];
        for row in transaction.query_all_raw(statement).await? {
            let id: i64 = row.try_get_by_index(0)?;
            issuers[usize::from(id == other)].insert(row.try_get_by_index(1)?);
        }
        Ok(if issuers.iter().any(HashSet::is_empty) {
            Issuers::Unknown
        } else if issuers[0].is_disjoint(&issuers[1]) {
            Issuers::Different
        } else {
            Issuers::Same
        })
    }

    /// The first day that both symbols have.
    pub(super) async fn first_shared(
        &self,
        transaction: &DatabaseTransaction,
        one: i64,
        other: i64,
    ) -> Result<Option<Day>> {
        let sql = "SELECT MIN(a.day) FROM price_bars AS a JOIN price_bars AS b ON b.symbol_id = $2 AND b.day = a.day \
                   WHERE a.symbol_id = $1";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [one.into(), other.into()]);
        let row = transaction.query_one_raw(statement).await?;
        let first: Option<Day> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        Ok(first)
    }

    /// Whether two symbols can be one share: no other issuer is named, and no day is told in two ways. A file that was read
    /// again has left the same bar with both.
    pub(super) async fn fit(&self, transaction: &DatabaseTransaction, one: i64, other: i64) -> Result<bool> {
        if self.issuers(transaction, one, other).await? == Issuers::Different {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM price_bars AS a JOIN price_bars AS b ON b.symbol_id = $2 AND b.day = a.day \
                   WHERE a.symbol_id = $1 AND (a.open <> b.open OR a.high <> b.high OR a.low <> b.low \
                   OR a.close <> b.close OR a.volume <> b.volume) LIMIT 1";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [one.into(), other.into()]);
        Ok(transaction.query_one_raw(statement).await?.is_none())
    }

    /// Whether a symbol is known to have had a ticker.
    pub(super) async fn had(&self, transaction: &DatabaseTransaction, id: i64, ticker: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM former_tickers WHERE exchange = 'NSE' AND ticker = $1 AND symbol_id = $2 LIMIT 1";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [ticker.into(), id.into()]);
        Ok(transaction.query_one_raw(statement).await?.is_some())
    }

    /// The close of a symbol's last bar before a day, and the close before that a symbol's first bar since then names.
    pub(super) async fn seam(
        &self,
        transaction: &DatabaseTransaction,
        before: i64,
        since: i64,
        day: Day,
    ) -> Result<Option<(f64, f64)>> {
        let sql = "SELECT a.close, b.previous_close FROM price_bars AS a JOIN price_bars AS b ON b.symbol_id = $2 \
                   AND b.day = (SELECT MIN(s.day) FROM price_bars AS s WHERE s.symbol_id = $2 AND s.day >= $3) \
                   WHERE a.symbol_id = $1 AND b.previous_close IS NOT NULL \
                   AND a.day = (SELECT MAX(e.day) FROM price_bars AS e WHERE e.symbol_id = $1 AND e.day < $3)";
        let values = [before.into(), since.into(), day.into()];
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let Some(row) = transaction.query_one_raw(statement).await? else { return Ok(None) };
        Ok(Some((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
    }
}
