//! One batch of one symbol's prices, from the provider's answer into the store.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel};

use super::compare::{Merged, merge};
use super::corporate_actions::splits_with_actions;
use super::validate::{Parsed, parse};
use crate::market::splits;
use crate::market::{Day, Exchange, day};
use crate::providers::{History, PriceBatch, ProviderError};
use crate::store::entity::symbol;
use crate::store::{MaybeStoreError, Outcome, Store, StoreError, now};

/// Why a batch did not go in. Nothing of it is stored then.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} has been removed")]
    SymbolGone(String),
    #[error("the calculation was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("the splits can't be written down: {0}")]
    Serialise(#[from] serde_json::Error),
}

impl MaybeStoreError for IngestError {
    fn store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

impl From<sea_orm::DbErr> for IngestError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

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
fn today(exchange: Exchange) -> Day {
    let now = chrono::Utc::now();
    match exchange {
        Exchange::Other => day::from_date(now.date_naive()),
        known => day::from_date(now.with_timezone(&known.time_zone()).date_naive()),
    }
}

/// What a batch did.
#[derive(Debug, Clone, Copy)]
pub struct Ingested {
    pub outcome: Outcome,
    /// A bar before the newest one changed, so bars beyond the batch may have, too.
    pub past_changed: bool,
}

/// Validates a batch, compares it with what is stored and writes the difference in one transaction, flagged records
/// with it. With `probe`, a batch that changes the past is left out, so that the caller can fetch a longer one.
///
/// # Errors
/// When the payload can't be read or the database fails; nothing is stored then.
pub async fn prices(store: &Store, symbol_id: i64, batch: PriceBatch, probe: bool) -> Result<Ingested, IngestError> {
    let Some(symbol) = store.symbols().get(symbol_id).await? else {
        return Err(IngestError::SymbolGone("the symbol".to_owned()));
    };
    let (ticker, today) = (symbol.ticker.clone(), today(symbol.exchange));
    let (parsed, batch) = tokio::task::spawn_blocking(move || {
        let parsed = parse(&batch, &ticker, today);
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
    let (merged, parsed) = tokio::task::spawn_blocking(move || (merge(&stored, &parsed.bars), parsed)).await?;
    if probe && merged.past_changed {
        let outcome = outcome_of(&merged, &parsed);
        return Ok(Ingested { outcome, past_changed: true });
    }
    store.prices().upsert(&transaction, symbol_id, &merged.to_write).await?;
    flag(store, &transaction, &symbol, &batch, &parsed).await?;
    let outcome = outcome_of(&merged, &parsed);
    let past_changed = merged.past_changed;
    describe(store, &transaction, symbol, merged).await?;
    store.ipos().measure_symbols(&transaction, &[symbol_id], None).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(Ingested { outcome, past_changed })
}

fn outcome_of(merged: &Merged, parsed: &Parsed) -> Outcome {
    Outcome {
        added: merged.counts.added,
        changed: merged.counts.changed,
        unchanged: merged.counts.unchanged,
        flagged: u32::try_from(parsed.issues.len()).unwrap_or(u32::MAX),
    }
}

async fn flag(
    store: &Store,
    transaction: &DatabaseTransaction,
    symbol: &symbol::Model,
    batch: &PriceBatch,
    parsed: &Parsed,
) -> Result<(), IngestError> {
    let first = parsed.bars.first().map_or(Day::MAX, |bar| bar.day);
    let last = parsed.bars.last().map_or(Day::MIN, |bar| bar.day);
    let full = batch.history == History::Full;
    let covers = |issue: &crate::store::entity::data_issue::Model| {
        issue.source == batch.source && (full || issue.day.is_none_or(|day| (first..=last).contains(&day)))
    };
    let scope = scope(&symbol.ticker);
    store.issues().replace(transaction, batch.source, &scope, &parsed.issues, covers).await?;
    Ok(())
}

/// The batch that a symbol's flagged prices belong to.
#[must_use]
pub fn scope(ticker: &str) -> String {
    format!("prices:{ticker}")
}

/// Brings the symbol's summary up to date with its bars.
async fn describe(
    store: &Store,
    transaction: &DatabaseTransaction,
    symbol: symbol::Model,
    merged: Merged,
) -> Result<(), IngestError> {
    let id = symbol.id;
    let version = symbol.data_version;
    let is_new_data = !merged.to_write.is_empty();
    let mut row = symbol.into_active_model();
    row.last_refreshed_at = Set(Some(now()));
    if is_new_data {
        let find = move || (splits::find(&merged.bars), merged.bars);
        let (splits, bars) = tokio::task::spawn_blocking(find).await?;
        let splits = splits_with_actions(store, transaction, id, splits).await?;
        row.data_version = Set(version + 1);
        row.first_day = Set(bars.first().map(|bar| bar.day));
        row.last_day = Set(bars.last().map(|bar| bar.day));
        row.adjusted_until = Set(bars.iter().rfind(|bar| bar.adjusted_close.is_some()).map(|bar| bar.day));
        row.bar_count = Set(i32::try_from(bars.len()).unwrap_or(i32::MAX));
        row.splits = Set(serde_json::to_string(&splits)?);
    }
    row.update(transaction).await?;
    Ok(())
}
