//! Symbols brought in line with the exchange's list of changed tickers. Files without ISINs that came before the list did
//! left a share's days under two tickers, or under one that is another company's by now.

use std::collections::HashSet;

use async_recursion::async_recursion as boxed;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Statement, Value};

use super::entity::symbol;
use super::identities::SUFFIX;
use super::ids::{id_list, ids_text, json_rows};
use super::repositories::Identities;
use super::{Result, now};
use crate::market::{DataSource, Day};

/// Changes of one ticker that are followed, as in the register.
const LONGEST_CHAIN: usize = 32;

/// A change whose old ticker has days of before it.
struct Late {
    old: String,
    new: String,
    day: Day,
}

/// What following one change did.
struct Step {
    changed: Vec<i64>,
    /// The symbol that went into another.
    gone: Option<i64>,
}

impl Identities<'_> {
    /// Gives each share the days that it has under a ticker of before. Answers with the symbols that have changed, whose
    /// adjustments must be worked out anew. The market must be locked.
    #[boxed]
    pub async fn follow_changes(&self, transaction: &DatabaseTransaction) -> Result<Vec<i64>> {
        let mut changed: HashSet<i64> = HashSet::new();
        let mut gone: HashSet<i64> = HashSet::new();
        for _ in 0..LONGEST_CHAIN {
            // What a step changed counts in the next: a chain is followed day by day.
            let mut any = false;
            for late in self.late(transaction).await? {
                let Some(old) = symbol_of(transaction, &late.old).await? else { continue };
                // The step before in this round may have made it another one.
                if old.first_day.is_none_or(|first| first >= late.day) {
                    continue;
                }
                let new = symbol_of(transaction, &late.new).await?;
                let touched = if old.last_day.is_some_and(|last| last < late.day) {
                    self.pass_on(transaction, &late, &old, new.as_ref()).await?
                } else {
                    self.part(transaction, &late, &old, new.as_ref()).await?
                };
                any |= touched.is_some();
                let Some(step) = touched else { continue };
                self.count_anew(transaction, &step.changed).await?;
                changed.extend(step.changed);
                gone.extend(step.gone);
            }
            if !any {
                break;
            }
        }
        let mut changed: Vec<i64> = changed.difference(&gone).copied().collect();
        changed.sort_unstable();
        Ok(changed)
    }

    /// Gives shares the names of today: ticker, a name of before, the name of today. Without a name of before it's for a share
    /// that has none, unless its ticker was another company's before.
    #[boxed]
    pub async fn learn_names(
        &self,
        transaction: &DatabaseTransaction,
        names: &[(&str, Option<&str>, &str)],
    ) -> Result<()> {
        let rows = json_rows(self.backend(), &[("ticker", "text"), ("earlier", "text"), ("today", "text")]);
        let sql = format!(
            "UPDATE symbols SET name = r.today FROM {rows} WHERE symbols.source = 'NSE' \
             AND symbols.ticker = r.ticker || '{SUFFIX}' AND (lower(symbols.name) = lower(r.earlier) \
             OR (symbols.name IS NULL AND r.earlier IS NULL AND NOT EXISTS (SELECT 1 FROM former_tickers AS f \
             WHERE f.exchange = 'NSE' AND f.ticker = r.ticker AND f.symbol_id <> symbols.id)))"
        );
        let json = serde_json::to_string(names).unwrap_or_default();
        transaction.execute_raw(Statement::from_sql_and_values(self.backend(), sql, [json.into()])).await?;
        Ok(())
    }

    /// Changes whose old ticker is a symbol's that traded before, the earliest first. Two that swap their tickers are
    /// left to their ISINs.
    async fn late(&self, transaction: &DatabaseTransaction) -> Result<Vec<Late>> {
        let sql = "SELECT c.old_ticker, c.new_ticker, c.day FROM ticker_changes AS c \
                   JOIN symbols AS s ON s.ticker = c.old_ticker || '.NSE' \
                   WHERE c.exchange = 'NSE' AND c.old_ticker <> c.new_ticker AND s.source = 'NSE' AND s.first_day < c.day \
                   AND NOT EXISTS (SELECT 1 FROM ticker_changes AS b WHERE b.exchange = 'NSE' AND b.day = c.day \
                   AND b.old_ticker = c.new_ticker AND b.new_ticker <> b.old_ticker) ORDER BY c.day, c.old_ticker";
        let rows = transaction.query_all_raw(Statement::from_string(self.backend(), sql)).await?;
        let late = rows.iter().map(|row| {
            Ok(Late { old: row.try_get_by_index(0)?, new: row.try_get_by_index(1)?, day: row.try_get_by_index(2)? })
        });
        late.collect()
    }

    /// The symbol of the old ticker has no day since: it is the share that has the new one.
    async fn pass_on(
        &self,
        transaction: &DatabaseTransaction,
        late: &Late,
        old: &symbol::Model,
        new: Option<&symbol::Model>,
    ) -> Result<Option<Step>> {
        let Some(new) = new else {
            let sql = "UPDATE symbols SET ticker = $1 WHERE id = $2";
            self.run(transaction, sql, vec![format!("{}{SUFFIX}", late.new).into(), old.id.into()]).await?;
            self.end_span(transaction, late, old.id).await?;
            return Ok(Some(Step { changed: vec![old.id], gone: None }));
        };
        let apart = new.first_day.is_none_or(|first| first >= late.day);
        if new.source != DataSource::Nse || !apart || !self.may_be_one(transaction, old, new).await? {
            return Ok(None);
        }
        self.lock(transaction, &[old.id, new.id]).await?;
        self.move_bars(transaction, old.id, new.id, Day::MAX).await?;
        for table in
            ["backtests", "sweeps", "predictions", "corporate_actions", "ipos", "former_tickers", "symbol_isins"]
        {
            let sql = format!("UPDATE {table} SET symbol_id = $1 WHERE symbol_id = $2");
            self.run(transaction, &sql, vec![new.id.into(), old.id.into()]).await?;
        }
        let sql = "UPDATE symbols SET isin = COALESCE(isin, $1), name = COALESCE(name, $2), \
                   listed_day = COALESCE(listed_day, $3) WHERE id = $4";
        let values = vec![old.isin.clone().into(), old.name.clone().into(), old.listed_day.into(), new.id.into()];
        self.run(transaction, sql, values).await?;
        self.end_span(transaction, late, new.id).await?;
        symbol::Entity::delete_by_id(old.id).exec(transaction).await?;
        Ok(Some(Step { changed: vec![new.id], gone: Some(old.id) }))
    }

    /// The symbol of the old ticker has days since, so the ticker is another company's now: what it has of before is the
    /// share's that has the new one. One with an ISIN was told apart by it.
    async fn part(
        &self,
        transaction: &DatabaseTransaction,
        late: &Late,
        old: &symbol::Model,
        new: Option<&symbol::Model>,
    ) -> Result<Option<Step>> {
        let apart =
            |new: &symbol::Model| new.source == DataSource::Nse && new.first_day.is_none_or(|first| first >= late.day);
        if old.isin.is_some() || self.has_former(transaction, old.id).await? || !new.is_none_or(apart) {
            return Ok(None);
        }
        let id = if let Some(new) = new {
            new.id
        } else {
            let sql = "INSERT INTO symbols (ticker, exchange, currency, source, created_at) \
                       VALUES ($1, 'NSE', 'INR', 'NSE', $2) RETURNING id";
            let values = [format!("{}{SUFFIX}", late.new).into(), now().into()];
            let statement = Statement::from_sql_and_values(self.backend(), sql, values);
            let Some(row) = transaction.query_one_raw(statement).await? else { return Ok(None) };
            row.try_get_by_index(0)?
        };
        self.lock(transaction, &[old.id, id]).await?;
        self.move_bars(transaction, old.id, id, late.day).await?;
        let sql = "UPDATE corporate_actions SET symbol_id = $1 WHERE symbol_id = $2 AND ex_day < $3";
        self.run(transaction, sql, vec![id.into(), old.id.into(), late.day.into()]).await?;
        self.end_span(transaction, late, id).await?;
        Ok(Some(Step { changed: vec![id, old.id], gone: None }))
    }

    /// Whether nothing speaks against two symbols' being one share: no other issuer, or a close that carries on.
    async fn may_be_one(
        &self,
        transaction: &DatabaseTransaction,
        old: &symbol::Model,
        new: &symbol::Model,
    ) -> Result<bool> {
        let sql = "SELECT symbol_id, substr(isin, 1, 7) FROM symbol_isins WHERE symbol_id IN ($1, $2)";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [old.id.into(), new.id.into()]);
        let mut issuers: [HashSet<String>; 2] = [HashSet::new(), HashSet::new()];
        for row in transaction.query_all_raw(statement).await? {
            let id: i64 = row.try_get_by_index(0)?;
            issuers[usize::from(id == new.id)].insert(row.try_get_by_index(1)?);
        }
        if issuers.iter().any(HashSet::is_empty) || !issuers[0].is_disjoint(&issuers[1]) {
            return Ok(true);
        }
        let sql = "SELECT 1 FROM price_bars AS a JOIN price_bars AS b ON b.symbol_id = $3 AND b.day = $4 \
                   WHERE a.symbol_id = $1 AND a.day = $2 AND a.close = b.previous_close";
        let values = [old.id.into(), old.last_day.into(), new.id.into(), new.first_day.into()];
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        Ok(transaction.query_one_raw(statement).await?.is_some())
    }

    async fn has_former(&self, transaction: &DatabaseTransaction, id: i64) -> Result<bool> {
        let sql = "SELECT 1 FROM former_tickers WHERE symbol_id = $1 LIMIT 1";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [id.into()]);
        Ok(transaction.query_one_raw(statement).await?.is_some())
    }

    /// Days that the other symbol has itself stay behind.
    async fn move_bars(&self, transaction: &DatabaseTransaction, from: i64, to: i64, before: Day) -> Result<()> {
        let sql = "UPDATE price_bars SET symbol_id = $1 WHERE symbol_id = $2 AND day < $3 AND NOT EXISTS \
                   (SELECT 1 FROM price_bars AS known WHERE known.symbol_id = $1 AND known.day = price_bars.day)";
        self.run(transaction, sql, vec![to.into(), from.into(), before.into()]).await
    }

    async fn end_span(&self, transaction: &DatabaseTransaction, late: &Late, id: i64) -> Result<()> {
        let sql = "INSERT INTO former_tickers (symbol_id, exchange, ticker, until_day) VALUES ($1, 'NSE', $2, $3) \
                   ON CONFLICT DO NOTHING";
        self.run(transaction, sql, vec![id.into(), late.old.clone().into(), late.day.into()]).await
    }

    /// The summaries of symbols whose bars have moved.
    async fn count_anew(&self, transaction: &DatabaseTransaction, symbols: &[i64]) -> Result<()> {
        let of = id_list(self.backend(), "id", 1);
        let bars = "FROM price_bars AS b WHERE b.symbol_id = symbols.id";
        let sql = format!(
            "UPDATE symbols SET bar_count = (SELECT COUNT(*) {bars}), first_day = (SELECT MIN(b.day) {bars}), \
             last_day = (SELECT MAX(b.day) {bars}), \
             adjusted_until = (SELECT MAX(b.day) {bars} AND b.adjusted_close IS NOT NULL), \
             data_version = data_version + 1 WHERE {of}"
        );
        self.run(transaction, &sql, vec![ids_text(self.backend(), symbols).into()]).await
    }

    async fn run(&self, transaction: &DatabaseTransaction, sql: &str, values: Vec<Value>) -> Result<()> {
        transaction.execute_raw(Statement::from_sql_and_values(self.backend(), sql, values)).await?;
        Ok(())
    }
}

async fn symbol_of(transaction: &DatabaseTransaction, ticker: &str) -> Result<Option<symbol::Model>> {
    let is = symbol::Column::Ticker.eq(format!("{ticker}{SUFFIX}"));
    Ok(symbol::Entity::find().filter(is).one(transaction).await?)
}
