//! Symbols brought in line with the exchange's list of changed tickers. Files that came before the list did left a share's
//! days under two tickers, or under one that is another company's by now: those without ISINs, and those around a split
//! that changed the ISIN.

mod pairs;

use std::collections::HashSet;

use async_recursion::async_recursion as boxed;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Statement, Value};

use super::entity::symbol;
use super::identities::SUFFIX;
use super::ids::{id_list, ids_text, json_rows};
use super::repositories::Identities;
use super::{JUMP, Result, now};
use crate::market::{DataSource, Day};
use pairs::Issuers;

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
        for step in self.rejoin(transaction).await? {
            changed.extend(step.changed);
            gone.extend(step.gone);
        }
        self.date_spans(transaction).await?;
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
        let one = if new.first_day.is_none_or(|first| first >= late.day) {
            self.may_be_one(transaction, old, new).await?
        } else {
            // Its days of before the change are its own where its ISIN has come under the old ticker, too.
            new.isin.is_some()
                && self.had(transaction, new.id, &late.old).await?
                && self.fit(transaction, old.id, new.id).await?
        };
        if new.source != DataSource::Nse || !one {
            return Ok(None);
        }
        self.merge(transaction, late, old, new).await?;
        Ok(Some(Step { changed: vec![new.id], gone: Some(old.id) }))
    }

    /// Gives a symbol all that another one has, which is gone then: both are the share that a change is of.
    async fn merge(
        &self,
        transaction: &DatabaseTransaction,
        late: &Late,
        old: &symbol::Model,
        new: &symbol::Model,
    ) -> Result<()> {
        self.lock(transaction, &[old.id, new.id]).await?;
        self.move_bars(transaction, old.id, new.id, Day::MAX).await?;
        // The share has kept the new ticker, though a symbol of it lost it to another one.
        let sql = "DELETE FROM former_tickers WHERE symbol_id = $1 AND ticker = $2 AND until_day > $3";
        self.run(transaction, sql, vec![old.id.into(), late.new.clone().into(), late.day.into()]).await?;
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
        Ok(())
    }

    /// The symbol of the old ticker has days since. They are the share's own where both symbols have its issuer's ISINs and
    /// tell no day in two ways. Else the ticker is another company's now, and what it has of before is the share's that has the
    /// new one.
    async fn part(
        &self,
        transaction: &DatabaseTransaction,
        late: &Late,
        old: &symbol::Model,
        new: Option<&symbol::Model>,
    ) -> Result<Option<Step>> {
        if new.is_some_and(|new| new.source != DataSource::Nse) {
            return Ok(None);
        }
        let issuers = match new {
            Some(new) => self.issuers(transaction, old.id, new.id).await?,
            None => Issuers::Unknown,
        };
        if let Some(new) = new
            && issuers == Issuers::Same
            && self.fit(transaction, old.id, new.id).await?
        {
            self.merge(transaction, late, old, new).await?;
            return Ok(Some(Step { changed: vec![new.id], gone: Some(old.id) }));
        }
        if self.has_former(transaction, old.id).await? || !self.are_two(transaction, late, old, new, issuers).await? {
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
        if old.isin.is_some() && issuers == Issuers::Unknown {
            // Nobody knows which of the two it is of. The next file with ISINs says so.
            self.run(transaction, "DELETE FROM symbol_isins WHERE symbol_id = $1", vec![old.id.into()]).await?;
            self.run(transaction, "UPDATE symbols SET isin = NULL WHERE id = $1", vec![old.id.into()]).await?;
        }
        self.move_bars(transaction, old.id, id, late.day).await?;
        let sql = "UPDATE corporate_actions SET symbol_id = $1 WHERE symbol_id = $2 AND ex_day < $3";
        self.run(transaction, sql, vec![id.into(), old.id.into(), late.day.into()]).await?;
        self.end_span(transaction, late, id).await?;
        Ok(Some(Step { changed: vec![id, old.id], gone: None }))
    }

    /// Whether the symbol of the old ticker holds the days of two shares, of which that with the new one has those of before
    /// the change. A symbol with an ISIN was told apart by it, unless more speaks for it than the list.
    async fn are_two(
        &self,
        transaction: &DatabaseTransaction,
        late: &Late,
        old: &symbol::Model,
        new: Option<&symbol::Model>,
        issuers: Issuers,
    ) -> Result<bool> {
        let apart = new.is_none_or(|new| new.first_day.is_none_or(|first| first >= late.day));
        if old.isin.is_none() && apart {
            return Ok(true);
        }
        let Some(new) = new else { return Ok(false) };
        // Both traded on a day since, and on none before.
        if self.first_shared(transaction, old.id, new.id).await?.is_none_or(|first| first < late.day) {
            return Ok(false);
        }
        // Its ISIN has come under the old ticker.
        let had = new.isin.is_some() && self.had(transaction, new.id, &late.old).await?;
        if had || !apart {
            return Ok(had && issuers != Issuers::Same);
        }
        Ok(match issuers {
            Issuers::Same => false,
            Issuers::Different => {
                let seam = self.seam(transaction, old.id, new.id, late.day).await?;
                seam.is_some_and(|(close, before)| close == before)
            }
            Issuers::Unknown => {
                let seam = self.seam(transaction, old.id, old.id, late.day).await?;
                seam.is_some_and(|(close, before)| before > close * JUMP || before * JUMP < close)
            }
        })
    }

    /// Symbols that hold days of a share under its new ticker, and lost that to the share itself when a file named its ISIN
    /// under it: they go into it.
    async fn rejoin(&self, transaction: &DatabaseTransaction) -> Result<Vec<Step>> {
        let sql = "SELECT DISTINCT c.old_ticker, c.new_ticker, c.day, n.id, f.id FROM ticker_changes AS c \
                   JOIN former_tickers AS o ON o.exchange = 'NSE' AND o.ticker = c.old_ticker \
                   JOIN symbols AS n ON n.id = o.symbol_id \
                   JOIN former_tickers AS t ON t.exchange = 'NSE' AND t.ticker = c.new_ticker AND t.symbol_id <> n.id \
                   JOIN symbols AS f ON f.id = t.symbol_id \
                   WHERE c.exchange = 'NSE' AND c.old_ticker <> c.new_ticker AND n.source = 'NSE' AND f.source = 'NSE' \
                   AND n.isin IS NOT NULL AND n.first_day < c.day AND f.first_day >= c.day AND f.last_day < t.until_day \
                   AND (n.ticker = c.new_ticker || '.NSE' OR EXISTS (SELECT 1 FROM former_tickers AS h \
                   WHERE h.symbol_id = n.id AND h.ticker = c.new_ticker)) \
                   AND NOT EXISTS (SELECT 1 FROM ticker_changes AS b WHERE b.exchange = 'NSE' \
                   AND b.old_ticker = c.new_ticker AND b.new_ticker <> b.old_ticker \
                   AND b.day BETWEEN c.day AND t.until_day) ORDER BY c.day, f.id, n.id";
        let mut steps: Vec<Step> = Vec::new();
        for row in transaction.query_all_raw(Statement::from_string(self.backend(), sql)).await? {
            let late =
                Late { old: row.try_get_by_index(0)?, new: row.try_get_by_index(1)?, day: row.try_get_by_index(2)? };
            let (share, part): (i64, i64) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
            // The step before may have taken one of them.
            let (Some(share), Some(part)) = (by_id(transaction, share).await?, by_id(transaction, part).await?) else {
                continue;
            };
            if self.fit(transaction, part.id, share.id).await? {
                self.merge(transaction, &late, &part, &share).await?;
                self.count_anew(transaction, &[share.id]).await?;
                steps.push(Step { changed: vec![share.id], gone: Some(part.id) });
            }
        }
        Ok(steps)
    }

    /// Ends the spans of tickers on the days that the list has: where a share's ISIN told of its change, on the first stored
    /// day under the new ticker. A ticker that the list has twice, or that two shares had, is left as it is.
    async fn date_spans(&self, transaction: &DatabaseTransaction) -> Result<()> {
        let once = "c.exchange = 'NSE' AND c.new_ticker <> c.old_ticker AND NOT EXISTS (SELECT 1 FROM ticker_changes AS b \
                    WHERE b.exchange = 'NSE' AND b.old_ticker = c.old_ticker AND b.new_ticker <> b.old_ticker \
                    AND (b.day <> c.day OR b.new_ticker <> c.new_ticker))";
        let sql = format!(
            "UPDATE former_tickers SET until_day = r.day FROM (SELECT f.id AS id, c.day AS day FROM former_tickers AS f \
             JOIN ticker_changes AS c ON c.old_ticker = f.ticker JOIN symbols AS s ON s.id = f.symbol_id \
             WHERE f.exchange = 'NSE' AND f.until_day <> c.day AND s.first_day < c.day AND {once} \
             AND (s.ticker = c.new_ticker || '.NSE' OR EXISTS (SELECT 1 FROM former_tickers AS h \
             WHERE h.symbol_id = s.id AND h.ticker = c.new_ticker)) \
             AND NOT EXISTS (SELECT 1 FROM former_tickers AS k WHERE k.exchange = 'NSE' AND k.ticker = f.ticker \
             AND (k.symbol_id <> f.symbol_id OR k.until_day > f.until_day OR k.until_day = c.day))) AS r \
             WHERE former_tickers.id = r.id"
        );
        self.run(transaction, &sql, Vec::new()).await?;
        // The same share's spans of one ticker are one.
        let sql = format!(
            "DELETE FROM former_tickers WHERE exchange = 'NSE' AND EXISTS (SELECT 1 FROM ticker_changes AS c \
             JOIN former_tickers AS k ON k.exchange = 'NSE' AND k.ticker = c.old_ticker AND k.until_day = c.day \
             WHERE c.old_ticker = former_tickers.ticker AND c.day <> former_tickers.until_day \
             AND k.symbol_id = former_tickers.symbol_id AND {once})"
        );
        self.run(transaction, &sql, Vec::new()).await
    }

    /// Whether nothing speaks against two symbols' being one share: no other issuer, or a close that carries on.
    async fn may_be_one(
        &self,
        transaction: &DatabaseTransaction,
        old: &symbol::Model,
        new: &symbol::Model,
    ) -> Result<bool> {
        if self.issuers(transaction, old.id, new.id).await? != Issuers::Different {
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

async fn by_id(transaction: &DatabaseTransaction, id: i64) -> Result<Option<symbol::Model>> {
    Ok(symbol::Entity::find_by_id(id).one(transaction).await?)
}
