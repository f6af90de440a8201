//! Corporate actions: read, joined to their shares, held against the prices, and applied where those agree.

use std::collections::{HashMap, HashSet};

use async_recursion::async_recursion as boxed;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::IngestError;
use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind, price_factor, prices_agree};
use crate::market::day::iso;
use crate::market::exact::product;
use crate::market::identity::Register;
use crate::market::wordings::read_subject;
use crate::market::{Bar, DataSource, Day, Dividend, Exchange, Split, splits};
use crate::providers::market::RawAction;
use crate::store::entity::corporate_action::Model;
use crate::store::{ExDay, NewFlag, Store, Transaction, now};

/// Adds actions and judges those of their span of days. Answers with how many were read.
///
/// # Errors
/// When the database fails; nothing is stored then.
#[boxed]
pub async fn corporate_actions(store: &Store, raw: Vec<RawAction>) -> Result<usize, IngestError> {
    let (Some(first), Some(last)) = (raw.iter().map(|a| a.ex_day).min(), raw.iter().map(|a| a.ex_day).max()) else {
        return Ok(0);
    };
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    let register = store.identities().register(&transaction).await?;
    let stored = store.corporate_actions().all_between(&transaction, first, last).await?;
    let read = tokio::task::spawn_blocking(move || {
        let rows = rows_of(&register, &raw);
        let superseded = superseded(stored, &rows, &raw);
        (rows, superseded)
    });
    let (rows, superseded) = read.await?;
    let count = rows.len();
    store.corporate_actions().add(&transaction, rows).await?;
    store.corporate_actions().remove(&transaction, &superseded).await?;
    judge(store, &transaction, first, last).await?;
    let mut changed: Vec<i64> = superseded.iter().filter(|row| row.applied).filter_map(|row| row.symbol_id).collect();
    changed.sort_unstable();
    changed.dedup();
    refresh_adjustments(store, &transaction, &changed).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(count)
}

/// Judges the actions of a span of ex-dates anew: prices have come.
#[boxed]
pub async fn judge_actions(store: &Store, from: Day, to: Day) -> Result<(), IngestError> {
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    judge(store, &transaction, from, to).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(())
}

/// Stored actions that what is announced now takes the place of: the same subject read otherwise, or a revised one.
/// Fingerprints of dividends didn't tell which one it is once; such rows go, too.
fn superseded(stored: Vec<Model>, rows: &[Model], raw: &[RawAction]) -> Vec<Model> {
    let known: HashSet<&str> = rows.iter().map(|row| row.fingerprint.as_str()).collect();
    let said: HashSet<(Exchange, &str, Day, &str)> =
        raw.iter().map(|a| (a.exchange, a.ticker.as_str(), a.ex_day, a.subject.as_str())).collect();
    let revised: HashSet<(Exchange, &str, Day, Kind)> = rows
        .iter()
        .filter(|row| is_revised(&row.subject))
        .map(|row| (row.exchange, row.ticker.as_str(), row.ex_day, row.kind))
        .collect();
    let paid: HashSet<(Exchange, &str, Day, &str)> = rows
        .iter()
        .filter(|row| row.kind == Kind::Dividend)
        .filter_map(|row| Some((row.exchange, row.ticker.as_str(), row.ex_day, row.amount.as_deref()?)))
        .collect();
    let is_paid = |row: &Model| {
        row.amount.as_deref().is_some_and(|amount| {
            let before = key_of(row.exchange, &row.ticker, row.ex_day, Kind::Dividend, amount);
            paid.contains(&(row.exchange, row.ticker.as_str(), row.ex_day, amount))
                && row.fingerprint == fingerprint_of(&before)
        })
    };
    let is_superseded = |row: &Model| {
        !known.contains(row.fingerprint.as_str())
            && (said.contains(&(row.exchange, row.ticker.as_str(), row.ex_day, row.subject.as_str()))
                || is_paid(row)
                || revised.contains(&(row.exchange, row.ticker.as_str(), row.ex_day, row.kind)))
    };
    stored.into_iter().filter(is_superseded).collect()
}

/// "(Purpose Revised)", "(Date Revised)".
fn is_revised(subject: &str) -> bool {
    subject.to_lowercase().contains("revised")
}

/// What dividends of one day are told apart by, beside their amounts.
const KINDS_OF_DIVIDENDS: [(&str, &str); 12] = [
    ("interim", "interim"),
    ("final", "final"),
    ("special", "special"),
    ("spl", "special"),
    ("first", "1st"),
    ("1st", "1st"),
    ("second", "2nd"),
    ("2nd", "2nd"),
    ("third", "3rd"),
    ("3rd", "3rd"),
    ("fourth", "4th"),
    ("4th", "4th"),
];

/// Which dividends a subject announces, however it words the rest.
fn kinds_of_dividends(subject: &str) -> String {
    let subject = subject.to_lowercase();
    let words: HashSet<&str> = subject.split(|c: char| !c.is_alphanumeric()).collect();
    let mut kinds: Vec<&str> =
        KINDS_OF_DIVIDENDS.iter().filter(|(word, _)| words.contains(word)).map(|(_, kind)| *kind).collect();
    kinds.dedup();
    kinds.join(" ")
}

/// What an action is known by: whose, when and how much.
fn key_of(exchange: Exchange, ticker: &str, ex_day: Day, kind: Kind, measure: &str) -> String {
    let exchange = if exchange == Exchange::Bse { "BSE" } else { "NSE" };
    format!("{exchange}|{ticker}|{ex_day}|{kind:?}|{measure}")
}

fn fingerprint_of(key: &str) -> String {
    hex::encode(&Sha256::digest(key.as_bytes())[..16])
}

fn rows_of(register: &Register, raw: &[RawAction]) -> Vec<Model> {
    let mut found: HashMap<String, Model> = HashMap::new();
    let revised = |action: &RawAction| is_revised(&action.subject);
    // "(Purpose Revised)" takes the place of what was said before of the same day and kind.
    let mut kinds: HashMap<(&str, Day, Kind), bool> = HashMap::new();
    let mut clauses: Vec<(&RawAction, Clause)> = Vec::new();
    for action in raw {
        for clause in read_subject(&action.subject, action.face_value) {
            *kinds.entry((action.ticker.as_str(), action.ex_day, clause.kind)).or_default() |= revised(action);
            clauses.push((action, clause));
        }
    }
    for (action, clause) in clauses {
        if kinds[&(action.ticker.as_str(), action.ex_day, clause.kind)] && !revised(action) {
            continue;
        }
        let amount = clause.amount.map(|amount| amount.normalize().to_string());
        let measure = match (clause.ratio, &amount) {
            (Some(ratio), _) => ratio.to_string(),
            (None, Some(amount)) => amount.clone(),
            (None, None) => action.subject.to_lowercase(),
        };
        let mut key = key_of(action.exchange, &action.ticker, action.ex_day, clause.kind, &measure);
        if clause.kind == Kind::Dividend {
            // A final and a special dividend of the same amount are two.
            key = format!("{key}|{}", kinds_of_dividends(&action.subject));
        }
        let fingerprint = fingerprint_of(&key);
        found.entry(fingerprint.clone()).or_insert_with(|| Model {
            id: 0,
            exchange: action.exchange,
            symbol_id: symbol_of(register, action.exchange, &action.ticker, action.isin.as_deref(), action.ex_day),
            ticker: action.ticker.clone(),
            isin: action.isin.clone(),
            kind: clause.kind,
            ex_day: action.ex_day,
            ratio: clause.ratio,
            amount,
            subject: action.subject.clone(),
            source: if action.exchange == Exchange::Bse { DataSource::Csv } else { DataSource::Nse },
            applied: false,
            doubt: clause.doubt.map(str::to_owned),
            fingerprint,
            created_at: now(),
        });
    }
    let mut rows: Vec<Model> = found.into_values().collect();
    rows.sort_by_cached_key(|row| (row.ex_day, row.ticker.clone(), format!("{:?}", row.kind), row.fingerprint.clone()));
    rows
}

/// The feed spells tickers as of its fetch: the ISIN goes first, then today's ticker, then those before.
/// The BSE's tickers are no one's here: it uses the same letters for other companies.
fn symbol_of(register: &Register, exchange: Exchange, ticker: &str, isin: Option<&str>, day: Day) -> Option<i64> {
    if exchange != Exchange::Nse {
        return None;
    }
    let by_isin = isin.and_then(|isin| register.by_isin(isin));
    by_isin.or_else(|| register.by_ticker(ticker)).or_else(|| register.find(ticker, day))?.id
}

/// Joins, checks and applies; then brings the splits of what changed up to date, and flags what isn't applied.
#[boxed]
pub(super) async fn judge(store: &Store, transaction: &Transaction, from: Day, to: Day) -> Result<(), IngestError> {
    let actions = store.corporate_actions();
    let mut homeless = actions.without_symbol(transaction, from, to).await?;
    if !homeless.is_empty() {
        let register = store.identities().register(transaction).await?;
        for row in &mut homeless {
            row.symbol_id = symbol_of(&register, row.exchange, &row.ticker, row.isin.as_deref(), row.ex_day);
        }
        homeless.retain(|row| row.symbol_id.is_some());
        actions.judge(transaction, &homeless).await?;
    }
    let rows = actions.between(transaction, from, to).await?;
    let ex_days = actions.ex_days(transaction, &rows).await?;
    let mut verdicts: Vec<Model> = Vec::new();
    let mut flags: Vec<NewFlag> = Vec::new();
    for day in rows.chunk_by(|a, b| (a.symbol_id, a.ex_day) == (b.symbol_id, b.ex_day)) {
        let ex = ex_days.get(&day[0].id);
        for (known, judged) in day.iter().zip(judged(day, ex)) {
            if let Some(doubt) = judged.doubt.clone().filter(|_| ex.is_some() && judged.kind != Kind::Other) {
                let record = format!("{} {}", judged.ticker, iso(judged.ex_day));
                let (field, raw) = (Some("subject".to_owned()), judged.subject.clone());
                flags.push(NewFlag { record, day: Some(judged.ex_day), field, reason: doubt, raw });
            }
            if (known.applied, &known.doubt) != (judged.applied, &judged.doubt) {
                verdicts.push(judged);
            }
        }
    }
    actions.judge(transaction, &verdicts).await?;
    let covers = |flag: &crate::store::entity::flag::Model| flag.day.is_some_and(|day| (from..=to).contains(&day));
    store.flags().replace(transaction, DataSource::Nse, "actions:NSE", &flags, covers).await?;
    // What was applied before its symbol was removed is so to the one that is back.
    let mut changed: Vec<i64> = verdicts.iter().chain(&homeless).filter_map(|row| row.symbol_id).collect();
    changed.sort_unstable();
    changed.dedup();
    refresh_adjustments(store, transaction, &changed).await
}

fn clause_of(row: &Model) -> Clause {
    let amount = row.amount.as_ref().and_then(|a| a.parse::<Decimal>().ok());
    Clause { kind: row.kind, ratio: row.ratio, amount, doubt: None }
}

/// The actions of one share and day, judged together: their factors are multiplied.
fn judged(day: &[Model], ex: Option<&ExDay>) -> Vec<Model> {
    let mut rows = day.to_vec();
    let Some(&ExDay { open, previous_close: previous, .. }) = ex else {
        // Nothing to hold them against yet.
        return rows;
    };
    let factor_of = |row: &Model| price_factor(&clause_of(row), previous);
    let counted = |row: &Model| matches!(row.kind, Kind::Bonus | Kind::Split | Kind::Consolidation | Kind::Rights);
    let total: f64 = rows.iter().filter(|row| counted(row)).filter_map(factor_of).product();
    let agree = prices_agree(total, open, previous);
    for row in &mut rows {
        if row.kind == Kind::Dividend {
            row.applied = row.amount.is_some();
        } else if counted(row) && factor_of(row).is_some() {
            row.applied = agree;
            row.doubt = (!agree).then(|| {
                let expected = previous * total;
                format!(
                    "the open {open} after the close {previous} doesn't fit: about {expected:.2} was to be expected"
                )
            });
        } else if row.kind == Kind::Rights && row.ratio.is_some() && row.amount.is_some() {
            row.applied = false;
            row.doubt = Some("the issue price isn't below the market's, so the price needn't change".to_owned());
        }
    }
    rows
}

/// Symbols whose bars are in memory at the same time.
const SYMBOLS_AT_ONCE: usize = 20;

/// Splits and dividends of these symbols, from applied actions and, where no split is known, from the prices. The
/// versions of those that change grow.
#[boxed]
pub(super) async fn refresh_adjustments(
    store: &Store,
    transaction: &Transaction,
    symbols: &[i64],
) -> Result<(), IngestError> {
    for symbols in symbols.chunks(SYMBOLS_AT_ONCE) {
        let mut bars: HashMap<i64, Vec<Bar>> = HashMap::new();
        for (symbol, bar) in store.prices().all_of(transaction, symbols).await? {
            bars.entry(symbol).or_default().push(bar);
        }
        let found = bars.into_iter().map(|(symbol, bars)| (symbol, splits::find(&bars))).collect();
        for (symbol, (splits, dividends)) in with_actions(store, transaction, found).await? {
            store.symbols().adjust(transaction, symbol, &splits, &dividends).await?;
        }
    }
    store.ipos().measure_symbols(transaction, symbols, None).await?;
    Ok(())
}

type Adjustments = (Vec<Split>, Vec<Dividend>);

/// Splits found in prices, with those that the exchange announced in their place; and the dividends.
#[boxed]
pub(super) async fn with_actions(
    store: &Store,
    transaction: &Transaction,
    found: HashMap<i64, Vec<Split>>,
) -> Result<HashMap<i64, Adjustments>, IngestError> {
    let symbols: Vec<i64> = found.keys().copied().collect();
    let applied = store.corporate_actions().applied_of(transaction, &symbols).await?;
    let ex_days = store.corporate_actions().ex_days(transaction, &applied).await?;
    let mut all: HashMap<i64, Adjustments> = found.into_iter().map(|(id, found)| (id, (found, Vec::new()))).collect();
    for of_symbol in applied.chunk_by(|a, b| a.symbol_id == b.symbol_id) {
        let Some((splits, dividends)) = of_symbol[0].symbol_id.and_then(|id| all.get_mut(&id)) else { continue };
        let mut announced: Vec<Split> = Vec::new();
        let mut paid: Vec<(ExDay, f64)> = Vec::new();
        for row in of_symbol {
            let Some(&ex) = ex_days.get(&row.id) else { continue };
            if row.kind == Kind::Dividend {
                let amount = row.amount.as_ref().and_then(|a| a.parse::<f64>().ok()).unwrap_or(0.0);
                match paid.last_mut().filter(|(last, _)| last.day == ex.day) {
                    Some((_, sum)) => *sum += amount,
                    None => paid.push((ex, amount)),
                }
            }
            let Some(factor) = price_factor(&clause_of(row), ex.previous_close) else { continue };
            // Bonuses and splits keep their exact ratio.
            let ratio = if row.kind == Kind::Rights { 1.0 / factor } else { row.ratio.unwrap_or(1.0) };
            match announced.last_mut().filter(|last| last.day == ex.day) {
                Some(last) => last.ratio = product(last.ratio, ratio),
                None => announced.push(Split { day: ex.day, ratio, detected: false }),
            }
        }
        splits.retain(|split| announced.iter().all(|a| a.day != split.day));
        splits.extend(announced);
        splits.sort_by_key(|split| split.day);
        dividends.extend(paid.iter().filter_map(|(ex, sum)| Dividend::new(ex.day, *sum, ex.previous_close)));
    }
    Ok(all)
}

#[cfg(test)]
#[path = "corporate_actions_tests.rs"]
mod tests;
