//! Whether prices show what was announced: joined to its share, held against the first bar from its ex-date on, applied where
//! they do and flagged where they don't.

use std::collections::HashSet;

use async_recursion::async_recursion as boxed;

use super::adjustments::{clause_of, paid_by, refresh_adjustments};
use crate::ingest::IngestError;
use crate::market::corporate_actions::{CorporateActionKind as Kind, must_show, price_factor, shown};
use crate::market::day::iso;
use crate::market::identity::Register;
use crate::market::{DataSource, Day, Exchange};
use crate::store::entity::corporate_action::Model;
use crate::store::entity::flag;
use crate::store::{ExDay, JUMP, NewFlag, Store, Transaction};

/// Which actions to judge.
pub(in crate::ingest) enum Which {
    /// Those of a span of ex-dates.
    Days(Day, Day),
    /// All of these symbols.
    Symbols(Vec<i64>),
}

impl Which {
    fn has_day(&self, day: Day) -> bool {
        matches!(self, Self::Days(from, to) if (*from..=*to).contains(&day))
    }

    fn has(&self, row: &Model) -> bool {
        matches!(self, Self::Symbols(_)) || self.has_day(row.ex_day)
    }

    fn may_have(&self, symbol: i64) -> bool {
        match self {
            Self::Days(..) => true,
            Self::Symbols(symbols) => symbols.contains(&symbol),
        }
    }
}

/// The feed spells tickers as of its fetch: the ISIN goes first, then today's ticker, then those before.
/// The BSE's tickers are no one's here: it uses the same letters for other companies.
pub(super) fn symbol_of(
    register: &Register,
    exchange: Exchange,
    ticker: &str,
    isin: Option<&str>,
    day: Day,
) -> Option<i64> {
    if exchange != Exchange::Nse {
        return None;
    }
    let by_isin = isin.and_then(|isin| register.by_isin(isin));
    by_isin.or_else(|| register.by_ticker(ticker)).or_else(|| register.find(ticker, day))?.id
}

/// Joins, checks and applies; then brings the splits of what changed up to date, and flags what isn't applied.
#[boxed]
pub(in crate::ingest) async fn judge(
    store: &Store,
    transaction: &Transaction,
    which: &Which,
) -> Result<(), IngestError> {
    let actions = store.corporate_actions();
    let homeless = join(store, transaction, which).await?;
    let rows = match which {
        Which::Days(from, to) => actions.between(transaction, *from, *to).await?,
        Which::Symbols(symbols) => actions.of_symbols(transaction, symbols).await?,
    };
    let ex_days = actions.ex_days(transaction, &rows).await?;
    let bar = |row: &Model| ex_days.get(&row.id).map(|ex| ex.day);
    let mut verdicts: Vec<Model> = Vec::new();
    let mut flags: Vec<NewFlag> = Vec::new();
    let mut records: HashSet<String> = HashSet::new();
    // What was applied before its symbol was removed is so to the one that is back.
    let mut changed: Vec<i64> = homeless.iter().filter_map(|row| row.symbol_id).collect();
    // Ex-dates on which a share rested show in one bar.
    for day in rows.chunk_by(|a, b| (a.symbol_id, bar(a)) == (b.symbol_id, bar(b))) {
        if !day.iter().any(|row| which.has(row)) {
            continue;
        }
        records.extend(day.iter().map(record));
        // Else there is nothing to hold them against yet.
        let Some(ex) = ex_days.get(&day[0].id) else { continue };
        let judged = judged(day, ex);
        flags.extend(judged.iter().filter_map(flag_of));
        // The prices may have been taken for a split's.
        let jumped = ex.open > ex.previous_close * JUMP || ex.open * JUMP < ex.previous_close;
        if jumped && judged.iter().any(|row| row.doubt.is_some() || row.kind == Kind::Dividend) {
            changed.extend(day[0].symbol_id);
        }
        let pairs = day.iter().zip(judged);
        let differ = pairs.filter(|(known, new)| (known.applied, &known.doubt) != (new.applied, &new.doubt));
        verdicts.extend(differ.map(|(_, new)| new));
    }
    actions.judge(transaction, &verdicts).await?;
    let covers = |flag: &flag::Model| records.contains(&flag.record) || flag.day.is_some_and(|day| which.has_day(day));
    store.flags().replace(transaction, DataSource::Nse, "actions:NSE", &flags, covers).await?;
    changed.extend(verdicts.iter().filter_map(|row| row.symbol_id));
    changed.sort_unstable();
    changed.dedup();
    refresh_adjustments(store, transaction, &changed).await
}

/// Joins actions without a symbol to those that are known by now, and answers with them.
#[boxed]
async fn join(store: &Store, transaction: &Transaction, which: &Which) -> Result<Vec<Model>, IngestError> {
    let (from, to) = match which {
        Which::Days(from, to) => (*from, *to),
        Which::Symbols(_) => (Day::MIN, Day::MAX),
    };
    let mut homeless = store.corporate_actions().without_symbol(transaction, from, to).await?;
    if homeless.is_empty() {
        return Ok(homeless);
    }
    let register = store.identities().register(transaction).await?;
    for row in &mut homeless {
        row.symbol_id = symbol_of(&register, row.exchange, &row.ticker, row.isin.as_deref(), row.ex_day);
    }
    homeless.retain(|row| row.symbol_id.is_some_and(|id| which.may_have(id)));
    store.corporate_actions().judge(transaction, &homeless).await?;
    Ok(homeless)
}

fn record(row: &Model) -> String {
    format!("{} {}", row.ticker, iso(row.ex_day))
}

fn flag_of(row: &Model) -> Option<NewFlag> {
    let reason = row.doubt.clone()?;
    let (field, raw) = (Some("subject".to_owned()), row.subject.clone());
    Some(NewFlag { record: record(row), day: Some(row.ex_day), field, reason, raw })
}

/// The actions that show in one bar of a share, judged together: the open is the close before less the dividends, times all
/// factors.
fn judged(day: &[Model], ex: &ExDay) -> Vec<Model> {
    let mut rows = day.to_vec();
    let ExDay { open, previous_close: previous, .. } = *ex;
    let factors: Vec<Option<f64>> = rows.iter().map(|row| price_factor(&clause_of(row), previous)).collect();
    let dividends: Vec<Option<f64>> = rows.iter().map(paid_by).collect();
    let possible = dividends.iter().flatten().filter(|amount| **amount < previous);
    let (large, small): (Vec<f64>, Vec<f64>) = possible.partition(|amount| must_show(**amount, previous));
    let before = previous - small.iter().sum::<f64>();
    let large: f64 = large.iter().sum();
    let sets = sets(&rows, &factors);
    let products: Vec<f64> = sets.iter().map(|set| set.iter().filter_map(|at| factors[*at]).product::<f64>()).collect();
    let shown = shown(&products, large, before, open);
    let applied = shown.factor.and_then(|at| sets.get(at)).map(Vec::as_slice).unwrap_or_default();
    let misfit = || {
        let expected = (before - large) * products.first().copied().unwrap_or(1.0);
        format!("the open {open} after the close {previous} doesn't fit: about {expected:.2} was to be expected")
    };
    for (at, row) in rows.iter_mut().enumerate() {
        if let Some(amount) = dividends[at] {
            row.applied = amount < previous && (shown.large || !must_show(amount, previous));
            row.doubt = if row.applied {
                None
            } else if amount < previous {
                Some(misfit())
            } else {
                Some(format!("the dividend isn't below the close before it, {previous}"))
            };
        } else if factors[at].is_some() {
            row.applied = applied.contains(&at);
            row.doubt = if row.applied {
                None
            } else if applied.is_empty() {
                Some(misfit())
            } else {
                Some(format!("another ratio was announced, and the open {open} after the close {previous} fits that"))
            };
        } else if row.kind == Kind::Rights && row.ratio.is_some() && row.amount.is_some() {
            row.applied = false;
            row.doubt = Some("the issue price isn't below the market's, so the price needn't change".to_owned());
        }
    }
    rows
}

/// The actions that may change the price together: all that have a factor; or, where a kind has several, one of them in
/// place of the others, as one may have been announced before it was changed.
fn sets(rows: &[Model], factors: &[Option<f64>]) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..rows.len()).filter(|at| factors[*at].is_some()).collect();
    if all.is_empty() {
        return Vec::new();
    }
    let without_its_like = |at: usize| -> Vec<usize> {
        all.iter().copied().filter(|other| *other == at || rows[*other].kind != rows[at].kind).collect()
    };
    let fewer = all.iter().map(|at| without_its_like(*at)).filter(|set| set.len() < all.len());
    let fewer: Vec<Vec<usize>> = fewer.collect();
    std::iter::once(all).chain(fewer).collect()
}

#[cfg(test)]
#[path = "verdicts_tests.rs"]
mod tests;
