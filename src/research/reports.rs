//! What reports are made from: stored objects, put together with their symbols.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use chrono::{DateTime, SecondsFormat};
use tokio::runtime::Handle;

use super::{Bars, Span, decode_curve, decode_sweep};
use crate::app::App;
use crate::backtest::Sweep;
use crate::market::currency::Quotation;
use crate::market::resample::resample;
use crate::market::text::clean;
use crate::market::{Interval, Series};
use crate::report::{BacktestSource, PredictionSource, Subject};
use crate::request::RequestError;
use crate::store::Millis;
use crate::store::entity::{backtest, prediction, sweep, symbol};

/// Closes before a forecast that its chart shows: half a year.
const RECENT: usize = 126;

impl From<&symbol::Model> for Subject {
    fn from(symbol: &symbol::Model) -> Self {
        Self {
            ticker: symbol.ticker.clone(),
            name: symbol.name.as_deref().map(clean),
            exchange: symbol.exchange.name().to_owned(),
            currency: symbol.quotation().map(|q| q.currency.to_owned()),
            unit: symbol.quotation().map(Quotation::label),
        }
    }
}

fn rfc3339(at: Millis) -> String {
    DateTime::from_timestamp_millis(at).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

async fn symbol_of(app: &App, id: i64) -> Result<Option<symbol::Model>, RequestError> {
    Ok(app.store.symbols().get_many(&[id]).await?.pop())
}

/// A backtest's row with its symbol; `None` if there's no such backtest.
#[boxed]
pub async fn find_backtest(app: &App, id: i64) -> Result<Option<(backtest::Model, symbol::Model)>, RequestError> {
    let Some(row) = app.store.backtests().get_many(&[id]).await?.pop() else { return Ok(None) };
    let symbol = symbol_of(app, row.symbol_id).await?;
    Ok(symbol.map(|symbol| (row, symbol)))
}

/// What a backtest's report is made from; `global_id` is what clients know it by.
#[boxed]
pub async fn backtest_source(
    app: &App,
    row: backtest::Model,
    symbol: &symbol::Model,
    global_id: String,
) -> Result<BacktestSource, RequestError> {
    let content = app.store.backtests().curves(&[row.id]).await?.pop().map(|curve| curve.content).unwrap_or_default();
    let curve = decode_curve(&content)?;
    Ok(BacktestSource {
        id: global_id,
        subject: symbol.into(),
        strategy: row.strategy()?,
        execution: row.execution()?,
        metrics: row.metrics()?,
        days: curve.days,
        close: curve.close,
        trades: curve.trades,
        adjustment: row.adjustment(symbol.adjusted_until),
        data_version: row.data_version,
        engine_version: row.engine_version,
        created_at: rfc3339(row.created_at),
    })
}

/// A prediction's row with its symbol; `None` if there's no such prediction.
#[boxed]
pub async fn find_prediction(app: &App, id: i64) -> Result<Option<(prediction::Model, symbol::Model)>, RequestError> {
    let Some(row) = app.store.predictions().get_many(&[id]).await?.pop() else { return Ok(None) };
    let symbol = symbol_of(app, row.symbol_id).await?;
    Ok(symbol.map(|symbol| (row, symbol)))
}

/// What a prediction's report is made from, with what has happened since.
#[boxed]
pub async fn prediction_source(
    app: &App,
    row: &prediction::Model,
    symbol: &symbol::Model,
    global_id: String,
) -> Result<PredictionSource, RequestError> {
    let loaded = app.series.get(std::slice::from_ref(symbol)).await?.pop();
    let series = loaded.map(|(_, series)| series).unwrap_or_default();
    let points = row.settled_points(&series)?;
    let actuals = row.actuals(&points, &series);
    let (model, evaluation) = (row.model_info()?, row.evaluation()?);
    let former = app.store.identities().former_of(&[symbol.id]).await?;
    let tickers: Vec<&str> = former.iter().map(|f| f.ticker.as_str()).chain([symbol.ticker.as_str()]).collect();
    Ok(PredictionSource {
        id: global_id,
        subject: symbol.into(),
        fitted_origins: model.fitted_origins(&tickers, &series.raw.days, evaluation.origins),
        model,
        as_of: row.as_of,
        close: row.close,
        data_version: row.data_version,
        created_at: rfc3339(row.created_at),
        evaluation,
        record: row.record()?,
        outcome: row.outcome(&points, &actuals),
        recent: recent(row, &series),
        points,
        actuals,
    })
}

/// The closes that led up to a prediction, in its own prices.
fn recent(row: &prediction::Model, series: &Arc<Series>) -> Vec<(i32, f64)> {
    let end = series.raw.days.partition_point(|&day| day <= row.as_of);
    let start = end.saturating_sub(RECENT);
    let base = end.checked_sub(1).and_then(|last| series.adjusted_close.get(last)).copied().unwrap_or(row.close);
    let factor = if base > 0.0 { row.close / base } else { 1.0 };
    series.raw.days[start..end].iter().zip(&series.adjusted_close[start..end]).map(|(&d, c)| (d, c * factor)).collect()
}

/// A sweep with its results; `None` if there's no such sweep.
#[boxed]
pub async fn find_sweep(app: &App, id: i64) -> Result<Option<(sweep::Model, symbol::Model)>, RequestError> {
    let Some(row) = app.store.sweeps().get_many(&[id]).await?.pop() else { return Ok(None) };
    let symbol = symbol_of(app, row.symbol_id).await?;
    Ok(symbol.map(|symbol| (row, symbol)))
}

/// A sweep's results.
#[boxed]
pub async fn sweep_results(app: &App, row: &sweep::Model) -> Result<Sweep, RequestError> {
    let (app, id, windows) = (app.clone(), row.id, row.windows()?);
    let runtime = Handle::current();
    // Those of a million pairs have 28 MB, which the driver takes without a wait in between.
    let read = tokio::task::spawn_blocking(move || {
        let rows = runtime.block_on(app.store.sweeps().columns(&[id]))?;
        let content = rows.into_iter().next().map(|row| row.content).unwrap_or_default();
        Ok::<_, RequestError>(decode_sweep(windows, &content)?)
    });
    read.await?
}

/// A symbol's prices between two days, what they are adjusted for, and the symbol as it was when they were.
///
/// # Errors
/// When the days are the wrong way round, or there are no bars between them.
#[boxed]
pub async fn price_columns(
    app: &App,
    symbol: symbol::Model,
    span: Span,
    interval: Interval,
) -> Result<Bars, RequestError> {
    let Bars { symbol, columns, adjustment } = Bars::of(app, symbol, span).await?;
    let (columns, _) = resample(columns, interval);
    Ok(Bars { symbol, columns, adjustment })
}
