//! Whole days of a market, from the exchange's files into the store: many symbols' bars in one transaction, with their
//! summaries, flagged rows and what became of each day.

use std::collections::{HashMap, HashSet};

use async_recursion::async_recursion as boxed;

use super::IngestError;
use super::compare::disagree;
use super::corporate_actions::{Which, judge, refresh_adjustments};
use super::listings::check_listings;
use crate::market::daily::looks_like_fund;
use crate::market::day::iso;
use crate::market::identity::Register;
use crate::market::{DataSource, Day, Exchange};
use crate::providers::market::Session;
use crate::store::entity::flag;
use crate::store::entity::market_day::{MarketDayState, Model as MarketDay};
use crate::store::{Growth, JUMP, MarketBar, NewFlag, RecordCounts, Store, Transaction, now};

/// The batch that a day's flagged rows belong to.
#[must_use]
pub fn market_scope(day: Day) -> String {
    format!("market:NSE:{}", iso(day))
}

/// Rows of a batch with the symbols that they are about, by symbol and day.
struct Compared {
    new: Vec<MarketBar>,
    different: Vec<MarketBar>,
    growths: Vec<Growth>,
    jumped: Vec<i64>,
    conflicts: HashMap<Day, Vec<NewFlag>>,
    outcome: RecordCounts,
}

/// Stores days. Each is stored whole or not at all; one that is stored already changes nothing.
///
/// # Errors
/// When the database fails; nothing is stored then.
#[boxed]
pub async fn market(store: &Store, mut sessions: Vec<Session>) -> Result<RecordCounts, IngestError> {
    sessions.sort_by_key(|session| session.day);
    let (Some(first), Some(last)) = (sessions.first().map(|s| s.day), sessions.last().map(|s| s.day)) else {
        return Ok(RecordCounts::default());
    };
    let mut turn = store.pace().turn().await;
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    let mut funds = store.identities().funds(&transaction).await?;
    let new_funds: Vec<String> =
        sessions.iter().flat_map(|s| &s.funds).filter(|ticker| funds.insert((*ticker).clone())).cloned().collect();
    if !new_funds.is_empty() {
        store.identities().learn_funds(&transaction, &new_funds).await?;
    }
    let register = store.identities().register(&transaction).await?;
    turn.give_way().await;
    let (mut register, rows, sessions) =
        tokio::task::spawn_blocking(move || identify(register, sessions, &funds)).await?;
    turn.give_way().await;
    store.identities().save(&transaction, &mut register).await?;

    let mut ids: Vec<i64> = rows.iter().filter_map(|row| register.shares[row.share].id).collect();
    ids.sort_unstable();
    ids.dedup();
    store.identities().lock(&transaction, &ids).await?;
    turn.give_way().await;
    let stored = store.prices().between(&transaction, &ids, first, last).await?;
    let compared = tokio::task::spawn_blocking(move || compare(&register, &rows, &stored)).await?;
    store.prices().write_market(&transaction, &compared.new, &compared.different, &mut turn).await?;
    turn.give_way().await;
    let unsettled = store.corporate_actions().unsettled(&transaction, &compared.growths).await?;
    store.prices().grow(&transaction, &compared.growths).await?;

    let mut outcome = compared.outcome;
    let mut conflicts = compared.conflicts;
    let mut days = Vec::with_capacity(sessions.len());
    for session in sessions {
        let flags = session.flagged;
        outcome.flagged += u32::try_from(flags.len()).unwrap_or(0);
        let scope = market_scope(session.day);
        // The share's own row, made good, resolves its flag; that two sources differ only a person settles.
        let good: HashSet<&str> = session.shares.iter().map(|share| share.ticker.as_str()).collect();
        let covers = |flag: &flag::Model| flag.record.rsplit_once(' ').is_some_and(|(ticker, _)| good.contains(ticker));
        store.flags().replace(&transaction, DataSource::Nse, &scope, &flags, covers).await?;
        let conflicts = conflicts.remove(&session.day).unwrap_or_default();
        let scope = format!("{scope}:sources");
        store.flags().replace(&transaction, DataSource::Nse, &scope, &conflicts, |_| false).await?;
        days.push(MarketDay {
            exchange: Exchange::Nse,
            day: session.day,
            state: MarketDayState::Stored,
            shares: i32::try_from(session.shares.len()).ok(),
            reason: None,
            layout: Some(session.layout.name().to_owned()),
            updated_at: now(),
        });
    }
    store.market_days().set(&transaction, days).await?;
    let touched: Vec<i64> = compared.growths.iter().map(|growth| growth.symbol).collect();
    turn.give_way().await;
    let jumped = [compared.jumped, unsettled].concat();
    settle_jumps(store, &transaction, jumped, &touched, last).await?;
    turn.give_way().await;
    store.ipos().measure_symbols(&transaction, &touched, Some(first)).await?;
    turn.give_way().await;
    let events = check_listings(store, &transaction, first, last).await?;
    store.events().commit(transaction, &events).await?;
    Ok(outcome)
}

/// Learns changes of tickers, and gives each share the days that were stored under a ticker of before.
///
/// # Errors
/// When the database fails; nothing is stored then.
#[boxed]
pub async fn ticker_changes(store: &Store, changes: &[(String, String, Day)]) -> Result<(), IngestError> {
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    store.identities().learn_changes(&transaction, changes).await?;
    let changed = store.identities().follow_changes(&transaction).await?;
    if !changed.is_empty() {
        // What was announced is held against other bars now.
        judge(store, &transaction, &Which::Symbols(changed.clone())).await?;
    }
    refresh_adjustments(store, &transaction, &changed).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(())
}

/// Splits and dividends of the symbols whose price jumped in the batch, or in the days after it that were stored before, and
/// of those that they may have changed of otherwise.
async fn settle_jumps(
    store: &Store,
    transaction: &Transaction,
    mut jumped: Vec<i64>,
    touched: &[i64],
    last: Day,
) -> Result<(), IngestError> {
    const DAYS_AFTER: Day = 10;
    let after = store.prices().jumps_between(transaction, touched, last + 1, last + DAYS_AFTER).await?;
    jumped.extend(after);
    jumped.sort_unstable();
    jumped.dedup();
    refresh_adjustments(store, transaction, &jumped).await
}

/// One share's day and the share that it's of.
struct Row {
    share: usize,
    bar: MarketBar,
}

/// Finds out which share each row is about. Rows of funds are left out, where the file doesn't tell them itself.
fn identify(
    mut register: Register,
    mut sessions: Vec<Session>,
    funds: &HashSet<String>,
) -> (Register, Vec<Row>, Vec<Session>) {
    let mut rows = Vec::with_capacity(sessions.iter().map(|s| s.shares.len()).sum());
    for session in &mut sessions {
        let day = session.day;
        session.shares.retain(|share| {
            // A file without ISINs is believed about a ticker that is known as a share's.
            share.isin.is_some()
                || !(funds.contains(&share.ticker)
                    || looks_like_fund(&share.ticker) && register.find(&share.ticker, day).is_none())
        });
        for (share, at) in session.shares.iter().zip(register.resolve_day(&session.shares, day)) {
            let bar = MarketBar {
                symbol: 0,
                day,
                open: share.open,
                high: share.high,
                low: share.low,
                close: share.close,
                previous_close: share.previous_close,
                volume: share.volume,
                source: DataSource::Nse,
                has_adjusted: false,
            };
            rows.push(Row { share: at, bar });
        }
    }
    (register, rows, sessions)
}

fn compare(register: &Register, rows: &[Row], stored: &[MarketBar]) -> Compared {
    let stored: HashMap<(i64, Day), &MarketBar> = stored.iter().map(|bar| ((bar.symbol, bar.day), bar)).collect();
    let mut bars: Vec<MarketBar> =
        rows.iter().filter_map(|row| Some(MarketBar { symbol: register.shares[row.share].id?, ..row.bar })).collect();
    // The table's order: neighbours are written together.
    bars.sort_by_key(|bar| (bar.symbol, bar.day));
    let mut compared = Compared {
        new: Vec::with_capacity(bars.len()),
        different: Vec::new(),
        growths: Vec::new(),
        jumped: Vec::new(),
        conflicts: HashMap::new(),
        outcome: RecordCounts::default(),
    };
    let name: HashMap<i64, &str> =
        register.shares.iter().filter_map(|share| Some((share.id?, share.ticker.as_str()))).collect();
    let mut before: Option<(i64, Day)> = None;
    for bar in bars {
        let key = (bar.symbol, bar.day);
        let ticker = name.get(&bar.symbol).copied().unwrap_or_default();
        let mut differs = |reason: String| {
            let record = format!("{ticker} {}", iso(bar.day));
            let raw = format!("{} {} {} {} {}", bar.open, bar.high, bar.low, bar.close, bar.volume);
            let flag = NewFlag { record, day: Some(bar.day), field: Some("close".to_owned()), reason, raw };
            compared.conflicts.entry(bar.day).or_default().push(flag);
        };
        if before == Some(key) {
            differs("two tickers of the day lead to this one share; the first is stored".to_owned());
            continue;
        }
        before = Some(key);
        let added = match stored.get(&key) {
            None => 1,
            Some(known) if same(known, &bar) => {
                compared.outcome.unchanged += 1;
                continue;
            }
            Some(known) if known.source == DataSource::AdjustedCsv => {
                differs(
                    "the stored price is an imported file's, adjusted and not as traded, and the exchange's file isn't \
                     laid over it; remove the symbol, then fetch these days again (refreshMarket with again: true)"
                        .to_owned(),
                );
                compared.outcome.flagged += 1;
                continue;
            }
            Some(known) => {
                if known.source != DataSource::Nse && disagree(known.close, bar.close) {
                    let source = known.source.words();
                    differs(format!("{source} had the close {}, the exchange's file has {}", known.close, bar.close));
                }
                0
            }
        };
        if added == 1 {
            compared.outcome.added += 1;
            compared.new.push(bar);
        } else {
            compared.outcome.changed += 1;
            compared.different.push(bar);
        }
        match compared.growths.last_mut().filter(|growth| growth.symbol == bar.symbol) {
            Some(growth) => {
                growth.added += added;
                (growth.first, growth.last) = (growth.first.min(bar.day), growth.last.max(bar.day));
            }
            None => {
                compared.growths.push(Growth { symbol: bar.symbol, added, first: bar.day, last: bar.day });
            }
        }
        let moved = bar.previous_close.is_some_and(|p| bar.open > p * JUMP || bar.open * JUMP < p);
        if moved && compared.jumped.last() != Some(&bar.symbol) {
            compared.jumped.push(bar.symbol);
        }
    }
    compared
}

fn same(known: &MarketBar, bar: &MarketBar) -> bool {
    let prices = |b: &MarketBar| [b.open, b.high, b.low, b.close];
    prices(known) == prices(bar)
        && known.volume == bar.volume
        && known.source == bar.source
        && (known.previous_close == bar.previous_close || bar.previous_close.is_none())
}
