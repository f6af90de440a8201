//! Corporate actions: read, joined to their shares, held against the prices, and applied where those agree.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use sha2::{Digest, Sha256};

use super::IngestError;
use crate::market::corporate_actions::{Clause, CorporateActionKind as Kind, price_factor, prices_agree, read_subject};
use crate::market::day::iso;
use crate::market::identity::Register;
use crate::market::{DataSource, Day, Exchange, Split, splits};
use crate::providers::market::RawAction;
use crate::store::entity::corporate_action::Model;
use crate::store::{NewIssue, Store, now};

/// Adds actions and judges those of their span of days. Answers with how many were read.
///
/// # Errors
/// When the database fails; nothing is stored then.
pub async fn corporate_actions(store: &Store, raw: Vec<RawAction>) -> Result<usize, IngestError> {
    let (Some(first), Some(last)) = (raw.iter().map(|a| a.ex_day).min(), raw.iter().map(|a| a.ex_day).max()) else {
        return Ok(0);
    };
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    let register = store.identities().register(&transaction).await?;
    let rows = tokio::task::spawn_blocking(move || rows_of(&register, &raw)).await?;
    let count = rows.len();
    store.corporate_actions().add(&transaction, rows).await?;
    judge(store, &transaction, first, last).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(count)
}

/// Judges the actions of a span of ex-dates anew: prices have come.
///
/// # Errors
/// When the database fails.
pub async fn judge_actions(store: &Store, from: Day, to: Day) -> Result<(), IngestError> {
    let transaction = store.begin().await?;
    store.market_days().lock(&transaction).await?;
    judge(store, &transaction, from, to).await?;
    store.events().commit(transaction, &[]).await?;
    Ok(())
}

fn rows_of(register: &Register, raw: &[RawAction]) -> Vec<Model> {
    let mut found: HashMap<String, Model> = HashMap::new();
    let revised = |action: &RawAction| action.subject.to_lowercase().contains("revised");
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
        let key = format!("NSE|{}|{}|{:?}|{measure}", action.ticker, action.ex_day, clause.kind);
        let fingerprint = hex::encode(&Sha256::digest(key.as_bytes())[..16]);
        found.entry(fingerprint.clone()).or_insert_with(|| Model {
            id: 0,
            exchange: Exchange::Nse,
            symbol_id: symbol_of(register, &action.ticker, action.isin.as_deref(), action.ex_day),
            ticker: action.ticker.clone(),
            isin: action.isin.clone(),
            kind: clause.kind,
            ex_day: action.ex_day,
            ratio: clause.ratio,
            amount,
            subject: action.subject.clone(),
            source: DataSource::Nse,
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
fn symbol_of(register: &Register, ticker: &str, isin: Option<&str>, day: Day) -> Option<i64> {
    let by_isin = isin.and_then(|isin| register.by_isin(isin));
    by_isin.or_else(|| register.by_ticker(ticker)).or_else(|| register.find(ticker, day))?.id
}

/// Joins, checks and applies; then brings the splits of what changed up to date, and flags what isn't applied.
pub(super) async fn judge(
    store: &Store,
    transaction: &DatabaseTransaction,
    from: Day,
    to: Day,
) -> Result<(), IngestError> {
    let actions = store.corporate_actions();
    let homeless = actions.without_symbol(transaction, from, to).await?;
    if !homeless.is_empty() {
        let register = store.identities().register(transaction).await?;
        for mut row in homeless {
            row.symbol_id = symbol_of(&register, &row.ticker, row.isin.as_deref(), row.ex_day);
            if row.symbol_id.is_some() {
                actions.judge(transaction, &row).await?;
            }
        }
    }
    let rows = actions.between(transaction, from, to).await?;
    let mut changed: Vec<i64> = Vec::new();
    let mut issues: Vec<NewIssue> = Vec::new();
    for day in rows.chunk_by(|a, b| (a.symbol_id, a.ex_day) == (b.symbol_id, b.ex_day)) {
        let Some(symbol) = day[0].symbol_id else { continue };
        let ex = actions.ex_day(transaction, symbol, day[0].ex_day).await?;
        for judged in judged(day, ex.map(|ex| (ex.open, ex.previous_close))) {
            if let Some(doubt) = judged.doubt.clone().filter(|_| ex.is_some() && judged.kind != Kind::Other) {
                let record = format!("{} {}", judged.ticker, iso(judged.ex_day));
                let (field, raw) = (Some("subject".to_owned()), judged.subject.clone());
                issues.push(NewIssue { record, day: Some(judged.ex_day), field, reason: doubt, raw });
            }
            let known = day.iter().find(|row| row.id == judged.id);
            if known.is_some_and(|known| (known.applied, &known.doubt) != (judged.applied, &judged.doubt)) {
                actions.judge(transaction, &judged).await?;
                changed.push(symbol);
            }
        }
    }
    let covers =
        |issue: &crate::store::entity::data_issue::Model| issue.day.is_some_and(|day| (from..=to).contains(&day));
    store.issues().replace(transaction, DataSource::Nse, "actions:NSE", &issues, covers).await?;
    changed.dedup();
    refresh_splits(store, transaction, &changed).await
}

/// The actions of one share and day, judged together: their factors are multiplied.
fn judged(day: &[Model], ex: Option<(f64, f64)>) -> Vec<Model> {
    let mut rows = day.to_vec();
    let factor_of = |row: &Model, previous: f64| {
        let amount = row.amount.as_ref().and_then(|a| a.parse::<Decimal>().ok());
        price_factor(&Clause { kind: row.kind, ratio: row.ratio, amount, doubt: None }, previous)
    };
    let Some((open, previous)) = ex else {
        // Nothing to hold them against yet.
        return rows;
    };
    let counted = |row: &Model| matches!(row.kind, Kind::Bonus | Kind::Split | Kind::Consolidation | Kind::Rights);
    let total: f64 = rows.iter().filter(|row| counted(row)).filter_map(|row| factor_of(row, previous)).product();
    let agree = prices_agree(total, open, previous);
    for row in &mut rows {
        if row.kind == Kind::Dividend {
            row.applied = row.amount.is_some();
        } else if counted(row) && factor_of(row, previous).is_some() {
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

/// Splits of these symbols, from applied actions and, where none are known, from the prices. The versions of those
/// that change grow.
///
/// # Errors
/// When the database fails.
pub(super) async fn refresh_splits(
    store: &Store,
    transaction: &DatabaseTransaction,
    symbols: &[i64],
) -> Result<(), IngestError> {
    for &symbol in symbols {
        let bars = store.prices().of(transaction, symbol).await?;
        let found = splits_with_actions(store, transaction, symbol, splits::find(&bars)).await?;
        let json = serde_json::to_string(&found)?;
        let sql = "UPDATE symbols SET splits = $1, data_version = data_version + 1 WHERE id = $2 AND splits <> $1";
        let statement = Statement::from_sql_and_values(store.backend(), sql, [json.into(), symbol.into()]);
        transaction.execute_raw(statement).await?;
    }
    store.ipos().measure_symbols(transaction, symbols, None).await?;
    Ok(())
}

/// Splits found in prices, with those that the exchange announced in their place.
///
/// # Errors
/// When the database fails.
pub(super) async fn splits_with_actions(
    store: &Store,
    transaction: &DatabaseTransaction,
    symbol: i64,
    mut found: Vec<Split>,
) -> Result<Vec<Split>, IngestError> {
    let applied = store.corporate_actions().applied_of(transaction, symbol).await?;
    let mut announced: Vec<Split> = Vec::new();
    for row in applied.iter().filter(|row| row.ratio.is_some()) {
        let Some(ex) = store.corporate_actions().ex_day(transaction, symbol, row.ex_day).await? else { continue };
        let amount = row.amount.as_ref().and_then(|a| a.parse::<Decimal>().ok());
        let clause = Clause { kind: row.kind, ratio: row.ratio, amount, doubt: None };
        let Some(factor) = price_factor(&clause, ex.previous_close) else { continue };
        // Bonuses and splits keep their exact ratio.
        let ratio = if row.kind == Kind::Rights { 1.0 / factor } else { row.ratio.unwrap_or(1.0) };
        match announced.last_mut().filter(|last| last.day == ex.day) {
            Some(last) => last.ratio *= ratio,
            None => announced.push(Split { day: ex.day, ratio, detected: false }),
        }
    }
    found.retain(|split| !split.detected || announced.iter().all(|a| a.day != split.day));
    found.retain(|split| split.detected || announced.iter().all(|a| a.day != split.day));
    found.extend(announced);
    found.sort_by_key(|split| split.day);
    Ok(found)
}
