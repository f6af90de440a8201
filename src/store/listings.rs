//! What the exchange's lists say of shares: names, listing days, changes of tickers, and which of them are funds.

use std::collections::HashSet;

use async_recursion::async_recursion as boxed;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Statement};
use serde::Serialize;

use super::Result;
use super::entity::symbol;
use super::identities::SUFFIX;
use super::ids::json_rows;
use super::repositories::Identities;
use crate::market::Day;

/// A share in one of the exchange's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedShare {
    pub ticker: String,
    pub isin: String,
    pub name: String,
    pub listed: Day,
}

impl Identities<'_> {
    /// Tickers of funds, which trade among the shares.
    #[boxed]
    pub async fn funds(&self, transaction: &DatabaseTransaction) -> Result<HashSet<String>> {
        let statement =
            Statement::from_string(self.0.backend(), "SELECT ticker FROM market_funds WHERE exchange = 'NSE'");
        let rows = transaction.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
    }

    /// Notes tickers of funds. What a file without ISINs brought under one of them, before it was known as a fund's,
    /// goes.
    #[boxed]
    pub async fn learn_funds(&self, transaction: &DatabaseTransaction, tickers: &[String]) -> Result<()> {
        let rows: Vec<[&String; 1]> = tickers.iter().map(|ticker| [ticker]).collect();
        self.add(transaction, "market_funds", [("ticker", "text")], &rows).await?;
        let json = serde_json::to_string(&rows).unwrap_or_default();
        let funds = json_rows(self.backend(), &[("ticker", "text")]);
        let sql = format!(
            "SELECT id FROM symbols WHERE source = 'NSE' AND isin IS NULL \
             AND ticker IN (SELECT r.ticker || '{SUFFIX}' FROM {funds})"
        );
        let statement = Statement::from_sql_and_values(self.backend(), sql, [json.into()]);
        let rows = transaction.query_all_raw(statement).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?;
        if !ids.is_empty() {
            let these = symbol::Column::Id.is_in(ids.iter().copied());
            symbol::Entity::delete_many().filter(these).exec(transaction).await?;
            self.0.ipos().measure_without(transaction, &ids).await?;
        }
        Ok(())
    }

    /// Notes changes of tickers: old, new, first day under the new one.
    #[boxed]
    pub async fn learn_changes(
        &self,
        transaction: &DatabaseTransaction,
        changes: &[(String, String, Day)],
    ) -> Result<()> {
        let columns = [("old_ticker", "text"), ("new_ticker", "text"), ("day", "int")];
        self.add(transaction, "ticker_changes", columns, changes).await
    }

    /// Names, listing days and ISINs by the exchange's lists of shares. Where the lists are the whole exchange's, shares with
    /// bars that are on none and haven't traded since the day of `whole` are marked as delisted.
    #[boxed]
    pub async fn learn_listed(
        &self,
        transaction: &DatabaseTransaction,
        listed: &[ListedShare],
        whole: Option<Day>,
    ) -> Result<()> {
        let rows: Vec<(String, &str, &str, Day)> = listed
            .iter()
            .map(|share| (format!("{}{SUFFIX}", share.ticker), share.isin.as_str(), share.name.as_str(), share.listed))
            .collect();
        let json = serde_json::to_string(&rows).unwrap_or_default();
        let backend = self.backend();
        let from = json_rows(backend, &[("ticker", "text"), ("isin", "text"), ("name", "text"), ("listed", "int")]);
        let update = format!(
            "UPDATE symbols SET name = r.name, isin = COALESCE(symbols.isin, r.isin), listed_day = r.listed, \
             delisted = FALSE FROM {from} WHERE symbols.ticker = r.ticker \
             AND (symbols.isin IS NULL OR substr(symbols.isin, 1, 7) = substr(r.isin, 1, 7)) \
             AND (symbols.isin IS NULL OR symbols.name IS NULL OR symbols.name <> r.name \
             OR symbols.listed_day IS NULL OR symbols.listed_day <> r.listed OR symbols.delisted)"
        );
        let keep_isins = format!(
            "INSERT INTO symbol_isins (symbol_id, exchange, isin) SELECT s.id, 'NSE', r.isin \
             FROM symbols AS s JOIN {from} ON s.ticker = r.ticker WHERE s.isin = r.isin ON CONFLICT DO NOTHING"
        );
        for sql in [update, keep_isins] {
            transaction.execute_raw(Statement::from_sql_and_values(backend, sql, [json.clone().into()])).await?;
        }
        if let Some(quiet_since) = whole {
            let sql = format!(
                "UPDATE symbols SET delisted = TRUE WHERE source = 'NSE' AND ticker LIKE '%.NSE' AND last_day < $2 \
                 AND NOT delisted AND NOT EXISTS (SELECT 1 FROM {from} WHERE r.ticker = symbols.ticker)"
            );
            let values = [json.into(), quiet_since.into()];
            transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        Ok(())
    }
}
