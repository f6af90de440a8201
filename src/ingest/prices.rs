//! One batch of one symbol's prices, from the provider's answer into the store.

use std::collections::HashMap;

use async_recursion::async_recursion as boxed;
use chrono::Datelike;

use super::compare::{Merged, merge};
use super::corporate_actions::with_actions;
use super::errors::IngestError;
use super::validate::{Parsed, parse};
use crate::market::close::Clock;
use crate::market::splits;
use crate::market::{Bar, DataSource, Day, Exchange, day};
use crate::providers::{History, PriceBatch, ProviderError};
use crate::store::entity::symbol;
use crate::store::{NewFlag, RecordCounts, Store, Summary, Transaction};

/// Calendar days that a recent call surely spans, a bar short of what it brings at the rarest.
fn recent_span(bars: u32) -> Day {
    Day::try_from(bars).unwrap_or(100) * 7 / 5 - 5
}

/// How much history the next refresh must fetch: everything for a new symbol, on request, or where the newest bars
/// alone would leave a hole.
#[must_use]
pub fn plan(symbol: &symbol::Model, full: bool, recent_bars: u32) -> History {
    let today = today(symbol.exchange);
    match symbol.last_day {
        Some(last) if !full && today - last < recent_span(recent_bars) => History::Recent,
        _ => History::Full,
    }
}

/// The date at the exchange; UTC's where it isn't known.
#[must_use]
pub fn today(exchange: Exchange) -> Day {
    let now = chrono::Utc::now();
    match exchange {
        Exchange::Other => day::from_date(now.date_naive()),
        known => day::from_date(now.with_timezone(&known.time_zone()).date_naive()),
    }
}

/// What a batch did.
#[derive(Debug, Clone)]
pub struct Ingested {
    pub outcome: RecordCounts,
    /// A bar before the newest one changed, so bars beyond the batch may have, too.
    pub past_changed: bool,
    /// What else a person should know, a sentence each.
    pub notes: Vec<String>,
}

/// Validates a batch, compares it with what is stored and writes the difference in one transaction, flagged records
/// with it. With `probe`, a batch that changes the past is left out, so that the caller can fetch a longer one.
///
/// # Errors
/// When the payload can't be read or the database fails; nothing is stored then.
#[boxed]
pub async fn prices(store: &Store, symbol_id: i64, batch: PriceBatch, probe: bool) -> Result<Ingested, IngestError> {
    let Some(symbol) = store.symbols().get(symbol_id).await? else {
        return Err(IngestError::SymbolGone("the symbol".to_owned()));
    };
    let ticker = symbol.ticker.clone();
    let clock = Clock::at(chrono::Utc::now(), symbol.exchange, &ticker);
    let (parsed, batch) = tokio::task::spawn_blocking(move || {
        let parsed = parse(&batch, &ticker, &clock);
        parsed.map(|parsed| (parsed, batch))
    })
    .await??;
    if parsed.records == 0 {
        let provider = "The source";
        return Err(ProviderError::Malformed { provider, what: "no prices at all".to_owned() }.into());
    }

    let transaction = store.begin().await?;
    let symbol = store
        .symbols()
        .lock(&transaction, symbol_id)
        .await?
        .ok_or_else(|| IngestError::SymbolGone(symbol.ticker.clone()))?;
    let stored = store.prices().of(&transaction, symbol_id).await?;
    let (is_file, has_holes) = (batch.source == DataSource::Csv, batch.has_holes);
    let compared = tokio::task::spawn_blocking(move || {
        let gone = if is_file { superseded(&stored, &parsed, has_holes) } else { Vec::new() };
        let mut stored = stored;
        stored.retain(|bar| gone.binary_search(&bar.day).is_err());
        (merge(&stored, &parsed.bars), parsed, gone)
    });
    let (merged, mut parsed, gone) = compared.await?;
    parsed.flags.extend(merged.disputed.iter().map(|(kept, new)| disputed(&symbol.ticker, kept, new)));
    if is_file && parsed.bars.is_empty() {
        // The flagged rows are kept for a person to look at, and the import has failed.
        flag(store, &transaction, &symbol, &batch, &parsed).await?;
        store.events().commit(transaction, &[]).await?;
        return Err(IngestError::NothingUsable(nothing_usable(&parsed)));
    }
    store.prices().delete(&transaction, symbol_id, &gone).await?;
    if probe && merged.past_changed {
        let outcome = outcome_of(&merged, &parsed);
        return Ok(Ingested { outcome, past_changed: true, notes: Vec::new() });
    }
    store.prices().write(&transaction, symbol_id, &merged.new, &merged.different).await?;
    flag(store, &transaction, &symbol, &batch, &parsed).await?;
    let outcome = outcome_of(&merged, &parsed);
    let past_changed = merged.past_changed;
    let kept = kept(&merged);
    update_summary(store, &transaction, symbol, merged, !gone.is_empty()).await?;
    store.ipos().measure_symbols(&transaction, &[symbol_id], None).await?;
    store.events().commit(transaction, &[]).await?;
    let notes = (!gone.is_empty()).then(|| removed(&gone)).into_iter().chain(kept).collect();
    Ok(Ingested { outcome, past_changed, notes })
}

/// The same numbers with day and month the other way round.
fn swapped(day: Day) -> Option<Day> {
    let date = day::to_date(day);
    chrono::NaiveDate::from_ymd_opt(date.year(), date.day(), date.month()).map(day::from_date).filter(|d| *d != day)
}

/// Whether no other day is likely to have the same numbers, as days without a trade have.
fn is_telling(bar: &Bar) -> bool {
    bar.volume > 0 && (bar.open != bar.close || bar.high != bar.low)
}

/// Days of earlier files that this one corrects. Bars that stand in it under the same dates with day and month exchanged
/// were misread; and where a file has at least four of five of the bars that earlier files brought between its first and
/// last day, and none of its rows is left out, it's their new edition, and what it doesn't have isn't so. What it may
/// not overwrite, it doesn't remove. Ascending.
fn superseded(stored: &[Bar], parsed: &Parsed, has_holes: bool) -> Vec<Day> {
    let new = |day: Day| parsed.bars.binary_search_by_key(&day, |bar| bar.day).ok().map(|i| &parsed.bars[i]);
    let same =
        |a: &Bar, b: &Bar| (a.open, a.high, a.low, a.close, a.volume) == (b.open, b.high, b.low, b.close, b.volume);
    let (Some(first), Some(last)) = (parsed.bars.first(), parsed.bars.last()) else { return Vec::new() };
    let within = first.day..=last.day;
    let is_file = |bar: &&Bar| matches!(bar.source, DataSource::Csv | DataSource::AdjustedCsv);
    let old: Vec<&Bar> = stored.iter().filter(is_file).filter(|bar| !bar.source.outranks(first.source)).collect();
    let (known, missing): (Vec<&&Bar>, Vec<&&Bar>) =
        old.iter().filter(|bar| within.contains(&bar.day)).partition(|bar| new(bar.day).is_some());
    let is_edition = !has_holes && known.len() >= missing.len() * 4 && !known.is_empty();
    let flagged: std::collections::HashSet<Day> = parsed.flags.iter().filter_map(|flag| flag.day).collect();
    let is_absent = |bar: &&&Bar| new(bar.day).is_none() && !flagged.contains(&bar.day);
    let has_twin = |bar: &Bar| swapped(bar.day).and_then(new).is_some_and(|twin| same(bar, twin));
    let was_misread = old.iter().filter(is_absent).any(|bar| is_telling(bar) && has_twin(bar));
    let is_gone = |bar: &&&Bar| (was_misread && has_twin(bar)) || (is_edition && within.contains(&bar.day));
    old.iter().filter(is_absent).filter(is_gone).map(|bar| bar.day).collect()
}

/// A record of a day that two sources have with different closes.
fn disputed(ticker: &str, kept: &Bar, new: &Bar) -> NewFlag {
    NewFlag {
        record: format!("{ticker} {}", day::iso(new.day)),
        day: Some(new.day),
        field: Some("close".to_owned()),
        reason: format!(
            "{} has the close {} and is believed first; {} has {}",
            kept.source.words(),
            kept.close,
            new.source.words(),
            new.close
        ),
        raw: format!("{} {} {} {} {}", new.open, new.high, new.low, new.close, new.volume),
    }
}

fn kept(merged: &Merged) -> Option<String> {
    (merged.kept > 0).then(|| {
        format!(
            "{} days stay as they are: the exchange's daily file is believed first, and adjusted prices aren't laid over \
             those as traded",
            merged.kept
        )
    })
}

fn removed(gone: &[Day]) -> String {
    let shown: Vec<String> = gone.iter().take(5).map(|day| day::iso(*day)).collect();
    let more = if gone.len() > 5 { ", …" } else { "" };
    format!("{} bars of an earlier file that this one corrects were removed ({}{more})", gone.len(), shown.join(", "))
}

fn nothing_usable(parsed: &Parsed) -> String {
    let first = parsed.flags.first();
    let why = first.map_or_else(String::new, |flag| {
        format!(": {}, {} {}", flag.record, flag.field.as_deref().unwrap_or_default(), flag.reason)
    });
    format!("none of the {} rows of the file can be used{why}", parsed.records)
}

fn outcome_of(merged: &Merged, parsed: &Parsed) -> RecordCounts {
    RecordCounts {
        added: merged.counts.added,
        changed: merged.counts.changed,
        unchanged: merged.counts.unchanged,
        flagged: u32::try_from(parsed.flags.len()).unwrap_or(u32::MAX),
    }
}

async fn flag(
    store: &Store,
    transaction: &Transaction,
    symbol: &symbol::Model,
    batch: &PriceBatch,
    parsed: &Parsed,
) -> Result<(), IngestError> {
    // Only the same day, made good by the same source, resolves a flag.
    let is_good = |day: Day| parsed.bars.binary_search_by_key(&day, |bar| bar.day).is_ok();
    let covers =
        |flag: &crate::store::entity::flag::Model| flag.source == batch.source && flag.day.is_some_and(is_good);
    let scope = scope(&symbol.ticker);
    store.flags().replace(transaction, batch.source, &scope, &parsed.flags, covers).await?;
    Ok(())
}

/// The batch that a symbol's flagged prices belong to.
#[must_use]
pub fn scope(ticker: &str) -> String {
    format!("prices:{ticker}")
}

/// Brings the symbol's summary up to date with its bars.
async fn update_summary(
    store: &Store,
    transaction: &Transaction,
    symbol: symbol::Model,
    merged: Merged,
    is_shorter: bool,
) -> Result<(), IngestError> {
    let id = symbol.id;
    let is_new_data = is_shorter || !(merged.new.is_empty() && merged.different.is_empty());
    let mut summary = None;
    if is_new_data {
        let find = move || (splits::find(&merged.bars), merged.bars);
        let (splits, bars) = tokio::task::spawn_blocking(find).await?;
        let mut adjustments = with_actions(store, transaction, HashMap::from([(id, splits)])).await?;
        let (splits, dividends) = adjustments.remove(&id).unwrap_or_default();
        summary = Some(Summary {
            first_day: bars.first().map(|bar| bar.day),
            last_day: bars.last().map(|bar| bar.day),
            adjusted_until: bars.iter().rfind(|bar| bar.adjusted_close.is_some()).map(|bar| bar.day),
            bar_count: i32::try_from(bars.len()).unwrap_or(i32::MAX),
            splits,
            dividends,
        });
    }
    store.symbols().refreshed(transaction, symbol, summary).await?;
    Ok(())
}
