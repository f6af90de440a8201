//! Issues beside the first days of their shares.

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Statement};

use super::Result;
use super::entity::ipo::{Entity, Model};
use super::repositories::Ipos;
use crate::market::Day;

/// An issue, its share's first day and the close before it.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstDay {
    pub ipo: Model,
    pub day: Day,
    pub previous_close: f64,
}

impl Ipos<'_> {
    /// The NSE's issues whose share has its first day between two days and is stored then. An issue without a listing
    /// day is among them where its share's first bar follows its last day of bidding closely, and one whose listing day is
    /// another one a few days off, if the share was traded before it or wasn't in the file of that day.
    #[boxed]
    pub async fn first_days(&self, transaction: &DatabaseTransaction, from: Day, to: Day) -> Result<Vec<FirstDay>> {
        let sql = "SELECT i.id, b.day, b.previous_close FROM ipos AS i \
                   JOIN symbols AS s ON s.id = i.symbol_id \
                   JOIN price_bars AS b ON b.symbol_id = s.id AND b.day = s.first_day \
                   WHERE i.exchange = 'NSE' AND b.previous_close > 0 \
                   AND (i.listing_day BETWEEN $1 AND $2 AND i.listing_day = s.first_day \
                   OR i.listing_day IS NULL AND s.first_day BETWEEN $1 AND $2 \
                   AND s.first_day > i.close_day AND s.first_day <= i.close_day + 60 \
                   OR i.listing_day <> s.first_day \
                   AND i.listing_day BETWEEN s.first_day - 5 AND s.first_day + 5 \
                   AND (s.first_day BETWEEN $1 AND $2 OR i.listing_day BETWEEN $1 AND $2) \
                   AND (i.listing_day > s.first_day OR EXISTS (SELECT 1 FROM market_days AS m \
                   WHERE m.exchange = 'NSE' AND m.day = i.listing_day AND m.state = 'STORED')))";
        let values = [from.into(), to.into()];
        let rows = transaction.query_all_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let id: i64 = row.try_get_by_index(0)?;
            let (day, previous_close) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            if let Some(ipo) = Entity::find_by_id(id).one(transaction).await? {
                found.push(FirstDay { ipo, day, previous_close });
            }
        }
        Ok(found)
    }
}
