//! Corporate actions as they are announced: read, compared with what was announced before, and judged.

mod adjustments;
mod verdicts;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use async_recursion::async_recursion as boxed;
use sha2::{Digest, Sha256};

pub(super) use adjustments::{refresh_adjustments, with_actions};
use verdicts::symbol_of;
pub(super) use verdicts::{Which, judge};

use super::IngestError;
use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind};
use crate::market::identity::Register;
use crate::market::wordings::read_subject;
use crate::market::{DataSource, Day, Exchange};
use crate::providers::market::RawAction;
use crate::store::entity::corporate_action::Model;
use crate::store::{Store, now};

/// A revision of its date moves an action by so many days at most.
const LONGEST_POSTPONEMENT: Day = 60;
/// So many actions may be taken back at a time, or as many as are left: an answer without most of them is a faulty one.
const MOST_TAKEN_BACK: usize = 10;

/// Adds actions and judges those of their span of days. Answers with how many were read.
///
/// # Errors
/// When the database fails; nothing is stored then.
#[boxed]
pub async fn corporate_actions(store: &Store, raw: Vec<RawAction>) -> Result<usize, IngestError> {
    take_in(store, raw, None).await
}

/// The same with all that the exchange has announced of a span of ex-dates: what it doesn't have any more is taken back.
///
/// # Errors
/// When the database fails; nothing is stored then.
#[boxed]
pub async fn all_corporate_actions(
    store: &Store,
    raw: Vec<RawAction>,
    from: Day,
    to: Day,
) -> Result<usize, IngestError> {
    take_in(store, raw, Some((from, to))).await
}

#[boxed]
async fn take_in(store: &Store, raw: Vec<RawAction>, span: Option<(Day, Day)>) -> Result<usize, IngestError> {
    let mut days: Vec<Day> = raw.iter().map(|a| a.ex_day).collect();
    days.extend(span.into_iter().flat_map(|(from, to)| [from, to]));
    let (Some(&first), Some(&last)) = (days.iter().min(), days.iter().max()) else { return Ok(0) };
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    let register = store.identities().register(&transaction).await?;
    let (earliest, latest) = (first - LONGEST_POSTPONEMENT, last + LONGEST_POSTPONEMENT);
    let stored = store.corporate_actions().all_between(&transaction, earliest, latest).await?;
    let read = tokio::task::spawn_blocking(move || {
        let mut rows = rows_of(&register, &raw);
        if span.is_none() {
            rows.retain(|row| !is_outdated(row, &stored));
        }
        let superseded = superseded(&stored, &rows, &raw, span);
        (rows, superseded)
    });
    let (rows, superseded) = read.await?;
    let count = rows.len();
    store.corporate_actions().add(&transaction, rows).await?;
    store.corporate_actions().remove(&transaction, &superseded).await?;
    // The days that an action has left, too.
    let days = superseded.iter().map(|row| row.ex_day);
    let (first, last) = days.fold((first, last), |(first, last), day| (first.min(day), last.max(day)));
    judge(store, &transaction, &Which::Days(first, last)).await?;
    let mut changed: Vec<i64> = superseded.iter().filter_map(|row| row.symbol_id).collect();
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
    judge(store, &transaction, &Which::Days(from, to)).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(())
}

/// What one action of a share takes: its day, what it is, and which of a day's dividends.
type Place = (Day, Kind, String);

fn place_of(row: &Model) -> Place {
    let of = if row.kind == Kind::Dividend { kinds_of_dividends(&row.subject) } else { String::new() };
    (row.ex_day, row.kind, of)
}

/// Places that actions take, by ticker and by share: the feed spells tickers as of its fetch.
struct Taken {
    of_ticker: HashSet<(Exchange, String, Place)>,
    of_share: HashSet<(i64, Place)>,
}

impl Taken {
    fn by<'a>(rows: impl Iterator<Item = &'a Model> + Clone) -> Self {
        Self {
            of_ticker: rows.clone().map(|row| (row.exchange, row.ticker.clone(), place_of(row))).collect(),
            of_share: rows.filter_map(|row| Some((row.symbol_id?, place_of(row)))).collect(),
        }
    }

    fn has(&self, row: &Model) -> bool {
        self.of_ticker.contains(&(row.exchange, row.ticker.clone(), place_of(row)))
            || row.symbol_id.is_some_and(|id| self.of_share.contains(&(id, place_of(row))))
    }
}

/// Whether a list of some says of an action what has been revised since.
fn is_outdated(row: &Model, stored: &[Model]) -> bool {
    let takes_its_place = |other: &Model| {
        is_revised(&other.subject)
            && (other.exchange, other.ticker.as_str()) == (row.exchange, row.ticker.as_str())
            && place_of(other) == place_of(row)
            && other.fingerprint != row.fingerprint
    };
    !is_revised(&row.subject) && stored.iter().any(takes_its_place)
}

/// Stored actions that what is announced now takes the place of: the same subject read otherwise, another measure of what
/// was done to the share on that day, another day of the same measure. A list of some takes no others away; of all that
/// was announced of a `span`, those that it doesn't have go, too.
fn superseded(stored: &[Model], rows: &[Model], raw: &[RawAction], span: Option<(Day, Day)>) -> Vec<Model> {
    let known: HashSet<&str> = rows.iter().map(|row| row.fingerprint.as_str()).collect();
    let before: HashSet<&str> = stored.iter().map(|row| row.fingerprint.as_str()).collect();
    let said: HashSet<(Exchange, &str, Day, &str)> =
        raw.iter().map(|a| (a.exchange, a.ticker.as_str(), a.ex_day, a.subject.as_str())).collect();
    let is_news = |row: &&Model| is_revised(&row.subject) || !before.contains(row.fingerprint.as_str());
    let news: Vec<&Model> = rows.iter().filter(is_news).collect();
    let taken = Taken::by(news.iter().copied());
    let taken_by_revised = Taken::by(news.iter().copied().filter(|row| is_revised(&row.subject)));
    let moved = moves(rows.iter());
    let is_replaced = |row: &&Model| {
        said.contains(&(row.exchange, row.ticker.as_str(), row.ex_day, row.subject.as_str()))
            // What was revised, the list of before doesn't bring back.
            || if is_revised(&row.subject) { taken_by_revised.has(row) } else { taken.has(row) }
            || is_moved(row, &moved)
    };
    let unknown = stored.iter().filter(|row| !known.contains(row.fingerprint.as_str()));
    let (mut gone, mut left): (Vec<&Model>, Vec<&Model>) = unknown.partition(is_replaced);
    // An answer with other days is of no such span.
    let whole = span.filter(|(from, to)| raw.iter().all(|a| (*from..=*to).contains(&a.ex_day)));
    left.retain(|row| {
        row.exchange == Exchange::Nse && whole.is_some_and(|(from, to)| (from..=to).contains(&row.ex_day))
    });
    if left.len() <= MOST_TAKEN_BACK.max(rows.len()) {
        gone.extend(left);
    }
    gone.into_iter().cloned().collect()
}

/// The actions whose dates were revised.
fn moves<'a>(rows: impl Iterator<Item = &'a Model>) -> Vec<Model> {
    rows.filter(|row| is_date_revised(&row.subject)).cloned().collect()
}

/// Whether one of these is the same action on another day.
fn is_moved(row: &Model, moves: &[Model]) -> bool {
    let is_same = |to: &Model| match (to.ratio, &to.amount) {
        (Some(ratio), _) => row.ratio == Some(ratio),
        (None, Some(amount)) => {
            row.amount.as_ref() == Some(amount) && kinds_of_dividends(&row.subject) == kinds_of_dividends(&to.subject)
        }
        (None, None) => row.ratio.is_none() && row.amount.is_none() && row.doubt.is_some() && row.doubt == to.doubt,
    };
    moves.iter().any(|to| {
        (to.exchange, to.ticker.as_str(), to.kind) == (row.exchange, row.ticker.as_str(), row.kind)
            && to.ex_day != row.ex_day
            && (to.ex_day - row.ex_day).abs() <= LONGEST_POSTPONEMENT
            && is_same(to)
    })
}

/// "(Purpose Revised)", "(Date Revised)".
fn is_revised(subject: &str) -> bool {
    subject.to_lowercase().contains("revised")
}

/// "(Date Revised)", "(Record Date Revised)".
fn is_date_revised(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    let mut words = subject.split(|c: char| !c.is_alphanumeric());
    subject.contains("revised") && words.any(|word| matches!(word, "date" | "dates"))
}

/// What dividends of one day are told apart by, beside their amounts. The final one often isn't said to be it.
const KINDS_OF_DIVIDENDS: [(&str, &str); 11] = [
    ("interim", "interim"),
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
        let row = Model {
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
            fingerprint: fingerprint.clone(),
            created_at: now(),
        };
        match found.entry(fingerprint) {
            Entry::Vacant(entry) => _ = entry.insert(row),
            // Rights are known by their ratio, and said with their price or without.
            Entry::Occupied(mut entry) if entry.get().amount.is_none() && row.amount.is_some() => {
                entry.insert(row);
            }
            Entry::Occupied(_) => {}
        }
    }
    let moved = moves(found.values());
    found.retain(|_, row| is_date_revised(&row.subject) || !is_moved(row, &moved));
    let mut rows: Vec<Model> = found.into_values().collect();
    rows.sort_by_cached_key(|row| (row.ex_day, row.ticker.clone(), format!("{:?}", row.kind), row.fingerprint.clone()));
    rows
}

#[cfg(test)]
#[path = "corporate_actions_tests.rs"]
mod tests;
