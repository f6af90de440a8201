//! Which share is which: tickers of today and before, and ISINs.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, Statement};
use serde::Serialize;

use super::entity::symbol;
use super::ids::{id_list, ids_text, json_rows};
use super::repositories::{Identities, Symbols};
use super::{Result, now};
use crate::market::Day;
use crate::market::daily::isin;
use crate::market::identity::{Register, Share};

/// A ticker that a share no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerTicker {
    pub symbol_id: i64,
    pub ticker: String,
    /// The first day without.
    pub until: Day,
}

/// How a symbol of the exchange's files ends.
pub const SUFFIX: &str = ".NSE";

impl Identities<'_> {
    pub(super) fn backend(&self) -> DbBackend {
        self.0.backend()
    }

    /// Every share of the NSE, as a transaction sees them.
    #[boxed]
    pub async fn register(&self, transaction: &DatabaseTransaction) -> Result<Register> {
        let backend = self.0.backend();
        let all = |sql: &str| Statement::from_string(backend, sql);
        let mut isins: HashMap<i64, Vec<String>> = HashMap::new();
        for row in
            transaction.query_all_raw(all("SELECT symbol_id, isin FROM symbol_isins WHERE exchange = 'NSE'")).await?
        {
            isins.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
        }
        let sql = "SELECT s.id, s.ticker, s.isin, s.first_day, s.last_day, l.close, f.previous_close FROM symbols AS s \
                   LEFT JOIN price_bars AS l ON l.symbol_id = s.id AND l.day = s.last_day \
                   LEFT JOIN price_bars AS f ON f.symbol_id = s.id AND f.day = s.first_day \
                   WHERE s.ticker LIKE '%.NSE'";
        let mut shares = Vec::new();
        for row in transaction.query_all_raw(all(sql)).await? {
            let id: i64 = row.try_get_by_index(0)?;
            let ticker: String = row.try_get_by_index(1)?;
            shares.push(Share {
                id: Some(id),
                ticker: ticker.trim_end_matches(SUFFIX).to_owned(),
                isin: row.try_get_by_index(2)?,
                isins: isins.remove(&id).unwrap_or_default(),
                first_day: row.try_get_by_index(3)?,
                last_day: row.try_get_by_index(4)?,
                last_close: row.try_get_by_index(5)?,
                before_first: row.try_get_by_index(6)?,
                ..Share::default()
            });
        }
        let mut former = Vec::new();
        let sql = "SELECT ticker, until_day, symbol_id FROM former_tickers WHERE exchange = 'NSE'";
        for row in transaction.query_all_raw(all(sql)).await? {
            former.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?));
        }
        let mut changes = Vec::new();
        let sql = "SELECT old_ticker, new_ticker, day FROM ticker_changes WHERE exchange = 'NSE'";
        for row in transaction.query_all_raw(all(sql)).await? {
            changes.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?));
        }
        Ok(Register::new(shares, former, changes))
    }

    /// Writes what a register has learnt: new shares get their rows, changed ones their tickers and ISINs.
    #[boxed]
    pub async fn save(&self, transaction: &DatabaseTransaction, register: &mut Register) -> Result<()> {
        self.rename(transaction, register).await?;
        let new: Vec<(String, Option<String>)> = register
            .shares
            .iter()
            .filter(|share| share.id.is_none())
            .map(|share| (format!("{}{SUFFIX}", share.ticker), share.isin.clone()))
            .collect();
        if !new.is_empty() {
            let rows = json_rows(self.backend(), &[("ticker", "text"), ("isin", "text")]);
            let sql = format!(
                "INSERT INTO symbols (ticker, exchange, currency, source, isin, created_at) \
                 SELECT r.ticker, 'NSE', 'INR', 'NSE', r.isin, $2 FROM {rows} WHERE true RETURNING id, ticker"
            );
            let json = serde_json::to_string(&new).unwrap_or_default();
            let statement = Statement::from_sql_and_values(self.backend(), sql, [json.into(), now().into()]);
            let mut ids: HashMap<String, i64> = HashMap::new();
            for row in transaction.query_all_raw(statement).await? {
                ids.insert(row.try_get_by_index(1)?, row.try_get_by_index(0)?);
            }
            for share in register.shares.iter_mut().filter(|share| share.id.is_none()) {
                share.id = ids.get(&format!("{}{SUFFIX}", share.ticker)).copied();
            }
        }
        self.save_isins(transaction, register).await
    }

    /// Tickers go through a name that nobody has, so that two shares can swap theirs.
    async fn rename(&self, transaction: &DatabaseTransaction, register: &Register) -> Result<()> {
        let rows: Vec<(i64, String, Option<&str>)> = register
            .shares
            .iter()
            .filter(|share| share.changed)
            .filter_map(|share| Some((share.id?, format!("{}{SUFFIX}", share.ticker), share.isin.as_deref())))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_string(&rows).unwrap_or_default();
        let from = json_rows(self.backend(), &[("id", "bigint"), ("ticker", "text"), ("isin", "text")]);
        for set in ["ticker = '~' || symbols.ticker, isin = COALESCE(r.isin, symbols.isin)", "ticker = r.ticker"] {
            let moved = if set.starts_with("ticker = '~'") { "" } else { "AND symbols.ticker <> r.ticker" };
            let sql = format!("UPDATE symbols SET {set} FROM {from} WHERE symbols.id = r.id {moved}");
            transaction.execute_raw(Statement::from_sql_and_values(self.backend(), sql, [json.clone().into()])).await?;
        }
        Ok(())
    }

    async fn save_isins(&self, transaction: &DatabaseTransaction, register: &mut Register) -> Result<()> {
        let mut isins: Vec<(i64, String)> = Vec::new();
        let mut former: Vec<(i64, String, Day)> = Vec::new();
        for share in &mut register.shares {
            let Some(id) = share.id else { continue };
            if share.changed {
                isins.extend(share.isins.iter().map(|isin| (id, isin.clone())));
            }
            former.extend(share.former.drain(..).map(|(ticker, until)| (id, ticker, until)));
            share.changed = false;
        }
        self.add(transaction, "symbol_isins", [("symbol_id", "bigint"), ("isin", "text")], &isins).await?;
        let columns = [("symbol_id", "bigint"), ("ticker", "text"), ("until_day", "int")];
        self.add(transaction, "former_tickers", columns, &former).await
    }

    /// Adds rows to one of the NSE's tables, each an array of the columns' values; those that are there already stay.
    pub(super) async fn add<const N: usize>(
        &self,
        transaction: &DatabaseTransaction,
        table: &str,
        columns: [(&str, &str); N],
        rows: &[impl Serialize],
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let names = columns.map(|(name, _)| name).join(", ");
        let from = json_rows(self.backend(), &columns);
        // Without a condition SQLite would take ON for a join's.
        let sql = format!(
            "INSERT INTO {table} (exchange, {names}) SELECT 'NSE', r.* FROM {from} WHERE true ON CONFLICT DO NOTHING"
        );
        let json = serde_json::to_string(rows).unwrap_or_default();
        transaction.execute_raw(Statement::from_sql_and_values(self.backend(), sql, [json.into()])).await?;
        Ok(())
    }

    /// A symbol by its ticker of today, with or without the exchange's suffix, its ISIN, or a ticker that it had, the latest
    /// bearer first.
    #[boxed]
    pub async fn find(&self, text: &str) -> Result<Option<symbol::Model>> {
        if let Some(found) = self.0.symbols().by_ticker(text).await? {
            return Ok(Some(found));
        }
        let is_isin = isin(text).is_some();
        // The exchange itself spells its tickers without the suffix; today's bearer comes before those of before.
        if !is_isin
            && !text.ends_with(SUFFIX)
            && let Some(found) = self.0.symbols().by_ticker(&format!("{text}{SUFFIX}")).await?
        {
            return Ok(Some(found));
        }
        // An ISIN of before a split that no file named finds the issuer's share of its kind.
        let sql = if is_isin {
            "SELECT symbol_id FROM symbol_isins WHERE substr(isin, 1, 9) = substr($1, 1, 9) \
             ORDER BY CASE WHEN isin = $1 THEN 0 ELSE 1 END, isin DESC LIMIT 1"
        } else {
            "SELECT symbol_id FROM former_tickers WHERE ticker = $1 ORDER BY until_day DESC LIMIT 1"
        };
        let key = if is_isin { text } else { text.strip_suffix(SUFFIX).unwrap_or(text) };
        let statement = Statement::from_sql_and_values(self.0.backend(), sql, [key.into()]);
        let Some(row) = self.0.read.query_one_raw(statement).await? else { return Ok(None) };
        self.0.symbols().get(row.try_get_by_index(0)?).await
    }

    /// The former tickers of these symbols, with the suffix that symbols have, oldest first.
    #[boxed]
    pub async fn former_of(&self, symbols: &[i64]) -> Result<Vec<FormerTicker>> {
        let of = id_list(self.0.backend(), "symbol_id", 1);
        let sql = format!("SELECT symbol_id, ticker, until_day FROM former_tickers WHERE {of} ORDER BY until_day, id");
        let values = [ids_text(self.0.backend(), symbols).into()];
        let rows = self.0.read.query_all_raw(Statement::from_sql_and_values(self.0.backend(), sql, values)).await?;
        rows.iter()
            .map(|row| {
                let ticker: String = row.try_get_by_index(1)?;
                let (symbol_id, until) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
                Ok(FormerTicker { symbol_id, ticker: format!("{ticker}{SUFFIX}"), until })
            })
            .collect()
    }

    /// Holds these symbols against other writers, in one order, until the transaction ends.
    #[boxed]
    pub async fn lock(&self, transaction: &DatabaseTransaction, symbols: &[i64]) -> Result<()> {
        if self.0.backend() == DbBackend::Postgres {
            // Each is looked up by its key; a list of thousands would be gone through for each row of the table.
            let sql = "SELECT s.id FROM unnest($1::text::bigint[]) AS held (id) JOIN symbols AS s ON s.id = held.id \
                       ORDER BY s.id FOR NO KEY UPDATE OF s";
            let values = [ids_text(DbBackend::Postgres, symbols).into()];
            transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        }
        Ok(())
    }
}

impl Symbols<'_> {
    /// Symbols that had one of these tickers of the NSE, with that ticker and its suffix, the latest bearer first.
    #[boxed]
    pub(super) async fn by_former_tickers<C: ConnectionTrait>(
        connection: &C,
        tickers: &[String],
    ) -> Result<Vec<(String, symbol::Model)>> {
        let backend = connection.get_database_backend();
        let mut found = Vec::new();
        if tickers.is_empty() {
            return Ok(found);
        }
        let (from, json) = match backend {
            DbBackend::Postgres => ("SELECT json_array_elements_text($1::json)", serde_json::to_string(tickers)),
            _ => ("SELECT value FROM json_each($1)", serde_json::to_string(tickers)),
        };
        let sql = format!(
            "SELECT ticker, symbol_id FROM former_tickers WHERE exchange = 'NSE' AND ticker IN ({from}) \
             ORDER BY until_day DESC, id"
        );
        let values = [json.unwrap_or_default().into()];
        let rows = connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        let mut spans: Vec<(String, i64)> = Vec::with_capacity(rows.len());
        for row in rows {
            spans.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        }
        let ids = spans.iter().map(|(_, id)| *id);
        let symbols = symbol::Entity::find().filter(symbol::Column::Id.is_in(ids)).all(connection).await?;
        let symbols: HashMap<i64, symbol::Model> = symbols.into_iter().map(|symbol| (symbol.id, symbol)).collect();
        for (ticker, id) in spans {
            found.extend(symbols.get(&id).map(|symbol| (format!("{ticker}{SUFFIX}"), symbol.clone())));
        }
        Ok(found)
    }

    /// The tickers that these symbols had, with the suffix.
    #[boxed]
    pub(super) async fn former_tickers_in<C: ConnectionTrait>(connection: &C, symbols: &[i64]) -> Result<Vec<String>> {
        let backend = connection.get_database_backend();
        let sql = format!("SELECT ticker FROM former_tickers WHERE {}", id_list(backend, "symbol_id", 1));
        let values = [ids_text(backend, symbols).into()];
        let rows = connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        let mut tickers = Vec::with_capacity(rows.len());
        for row in rows {
            let ticker: String = row.try_get_by_index(0)?;
            tickers.push(format!("{ticker}{SUFFIX}"));
        }
        Ok(tickers)
    }
}
