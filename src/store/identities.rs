//! Which share is which: tickers of today and before, and ISINs.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, Statement};
use serde::Serialize;

use super::entity::symbol;
use super::ids::{id_list, ids_text};
use super::symbols::Symbols;
use super::{Result, Store, now};
use crate::market::Day;
use crate::market::daily::isin;
use crate::market::identity::{Register, Share};

/// The repository of what shares are known by.
pub struct Identities<'a>(pub(super) &'a Store);

impl Store {
    #[must_use]
    pub fn identities(&self) -> Identities<'_> {
        Identities(self)
    }
}

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

    pub(super) fn statement(&self, sqlite: &str, postgres: &str, values: Vec<sea_orm::Value>) -> Statement {
        let backend = self.0.backend();
        Statement::from_sql_and_values(backend, if backend == DbBackend::Postgres { postgres } else { sqlite }, values)
    }

    /// Every share of the NSE, as a transaction sees them.
    ///
    /// # Errors
    /// When the database fails.
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
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save(&self, transaction: &DatabaseTransaction, register: &mut Register) -> Result<()> {
        self.rename(transaction, register).await?;
        let new: Vec<(String, Option<String>)> = register
            .shares
            .iter()
            .filter(|share| share.id.is_none())
            .map(|share| (format!("{}{SUFFIX}", share.ticker), share.isin.clone()))
            .collect();
        if !new.is_empty() {
            let insert = "INSERT INTO symbols (ticker, exchange, currency, source, isin, created_at)";
            let sqlite = format!(
                "{insert} SELECT json_extract(value, '$[0]'), 'NSE', 'INR', 'NSE', json_extract(value, '$[1]'), $2 \
                 FROM json_each($1) WHERE true RETURNING id, ticker"
            );
            let postgres = format!(
                "{insert} SELECT r->>0, 'NSE', 'INR', 'NSE', r->>1, $2 FROM json_array_elements($1::json) AS r \
                 RETURNING id, ticker"
            );
            let json = serde_json::to_string(&new).unwrap_or_default();
            let statement = self.statement(&sqlite, &postgres, vec![json.into(), now().into()]);
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
        let from_sqlite = "FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS ticker, \
                           json_extract(value, '$[2]') AS isin FROM json_each($1)) AS r";
        let from_postgres = "FROM (SELECT (e->>0)::bigint AS id, e->>1 AS ticker, e->>2 AS isin \
                             FROM json_array_elements($1::json) AS e) AS r";
        for set in ["ticker = '~' || symbols.ticker, isin = COALESCE(r.isin, symbols.isin)", "ticker = r.ticker"] {
            let moved = if set.starts_with("ticker = '~'") { "" } else { "AND symbols.ticker <> r.ticker" };
            let sql = |from: &str| format!("UPDATE symbols SET {set} {from} WHERE symbols.id = r.id {moved}");
            let statement = self.statement(&sql(from_sqlite), &sql(from_postgres), vec![json.clone().into()]);
            transaction.execute_raw(statement).await?;
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
        let (names, sqlite, postgres): (Vec<&str>, Vec<String>, Vec<String>) = columns
            .iter()
            .enumerate()
            .map(|(i, (name, kind))| (*name, format!("json_extract(value, '$[{i}]')"), format!("(r->>{i})::{kind}")))
            .collect();
        let insert = format!("INSERT INTO {table} (exchange, {}) SELECT 'NSE',", names.join(", "));
        let sqlite = format!("{insert} {} FROM json_each($1) WHERE true ON CONFLICT DO NOTHING", sqlite.join(", "));
        let postgres =
            format!("{insert} {} FROM json_array_elements($1::json) AS r ON CONFLICT DO NOTHING", postgres.join(", "));
        let json = serde_json::to_string(rows).unwrap_or_default();
        transaction.execute_raw(self.statement(&sqlite, &postgres, vec![json.into()])).await?;
        Ok(())
    }

    /// A symbol by its ticker of today, with or without the exchange's suffix, its ISIN, or a ticker that it had, the latest
    /// bearer first.
    ///
    /// # Errors
    /// When the database fails.
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
    ///
    /// # Errors
    /// When the database fails.
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
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock(&self, transaction: &DatabaseTransaction, symbols: &[i64]) -> Result<()> {
        if self.0.backend() == DbBackend::Postgres {
            let of = id_list(DbBackend::Postgres, "id", 1);
            let sql = format!("SELECT id FROM symbols WHERE {of} ORDER BY id FOR NO KEY UPDATE");
            let values = [ids_text(DbBackend::Postgres, symbols).into()];
            transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        }
        Ok(())
    }
}

impl Symbols<'_> {
    /// Symbols that had one of these tickers of the NSE, with that ticker and its suffix, the latest bearer first.
    pub(super) async fn by_former_tickers(
        connection: &impl ConnectionTrait,
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
    pub(super) async fn former_tickers_in(connection: &impl ConnectionTrait, symbols: &[i64]) -> Result<Vec<String>> {
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
