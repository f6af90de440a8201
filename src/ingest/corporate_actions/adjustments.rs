//! What prices are adjusted by: splits and dividends of symbols, from what was announced and from the prices themselves.

use std::collections::{HashMap, HashSet};

use async_recursion::async_recursion as boxed;
use rust_decimal::Decimal;

use crate::ingest::IngestError;
use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind, price_factor};
use crate::market::exact::product;
use crate::market::{Bar, Day, Dividend, Split, splits};
use crate::store::entity::corporate_action::Model;
use crate::store::{ExDay, Store, Transaction};

/// An action as it was read.
pub(super) fn clause_of(row: &Model) -> Clause {
    let amount = row.amount.as_ref().and_then(|a| a.parse::<Decimal>().ok());
    Clause { kind: row.kind, ratio: row.ratio, amount, doubt: None }
}

/// What a share is paid by an action.
pub(super) fn paid_by(row: &Model) -> Option<f64> {
    row.amount.as_ref().filter(|_| row.kind == Kind::Dividend)?.parse().ok()
}

/// Symbols whose bars are in memory at the same time.
const SYMBOLS_AT_ONCE: usize = 20;

/// Splits and dividends of these symbols, from applied actions and, where no split is known, from the prices. The
/// versions of those that change grow.
#[boxed]
pub(in crate::ingest) async fn refresh_adjustments(
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

/// Splits found in prices, with those that the exchange announced in their place; and the dividends. What a dividend explains
/// is no split, nor is what was announced without a ratio, or with one that the prices refuse: nobody guesses it.
#[boxed]
pub(in crate::ingest) async fn with_actions(
    store: &Store,
    transaction: &Transaction,
    found: HashMap<i64, Vec<Split>>,
) -> Result<HashMap<i64, Adjustments>, IngestError> {
    let symbols: Vec<i64> = found.keys().copied().collect();
    let telling = store.corporate_actions().telling(transaction, &symbols).await?;
    let ex_days = store.corporate_actions().ex_days(transaction, &telling).await?;
    let mut all: HashMap<i64, Adjustments> = found.into_iter().map(|(id, found)| (id, (found, Vec::new()))).collect();
    for of_symbol in telling.chunk_by(|a, b| a.symbol_id == b.symbol_id) {
        let Some((splits, dividends)) = of_symbol[0].symbol_id.and_then(|id| all.get_mut(&id)) else { continue };
        let mut announced: Vec<Split> = Vec::new();
        let mut paid: Vec<(ExDay, f64)> = Vec::new();
        let mut unknown: HashSet<Day> = HashSet::new();
        for row in of_symbol {
            let Some(&ex) = ex_days.get(&row.id) else { continue };
            if !row.applied {
                // A dividend that isn't read is no reason for a fall that looks like a split.
                if row.kind != Kind::Dividend {
                    unknown.insert(ex.day);
                }
                continue;
            }
            if let Some(amount) = paid_by(row) {
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
        splits.retain(|split| {
            let is_paid = |(ex, sum): &(ExDay, f64)| {
                ex.day == split.day && split.is_rather_paid(*sum, ex.open, ex.previous_close)
            };
            let is_guess = split.detected && (unknown.contains(&split.day) || paid.iter().any(is_paid));
            !is_guess && announced.iter().all(|a| a.day != split.day)
        });
        splits.extend(announced);
        splits.sort_by_key(|split| split.day);
        dividends.extend(paid.iter().filter_map(|(ex, sum)| Dividend::new(ex.day, *sum, ex.previous_close)));
    }
    Ok(all)
}
