//! Forecasting a symbol, keeping the forecast, and telling later what happened.

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use serde::Serialize;

use super::{Bars, Span};
use crate::app::App;
use crate::forecast::{Evaluation, ForecastModel, HORIZON, ModelError, ModelInfo, Point, Record, forecast};
use crate::market::Day;
use crate::market::calendar::{Calendar, next_trading_days};
use crate::registry::NoModel;
use crate::request::RequestError;
use crate::store::NewPrediction;
use crate::store::entity::{prediction as row, symbol};

/// How the model has done on the symbol's own history, as it is kept.
#[derive(Serialize)]
struct Past {
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(flatten)]
    record: Record,
}

/// A prediction that somebody wants.
#[derive(Debug, Clone)]
pub struct PredictRequest {
    pub ticker: String,
    /// Trading days.
    pub horizon: i32,
    /// [`ForecastModel::key`]; the default if left out.
    pub model: Option<String>,
}

/// Calendar days beyond twice the horizon that are looked up.
const ROOM: Day = 14;

/// Forecasts a symbol's next trading days and keeps the forecast.
///
/// # Errors
/// When an input can't be what it is, the symbol isn't followed, or there are too few bars; nothing is stored then.
#[boxed]
pub async fn predict(app: &App, request: PredictRequest) -> Result<row::Model, RequestError> {
    let model = find_model(app, request.model.as_deref()).await?;
    let horizon = checked_horizon(request.horizon, &model)?;
    let span = Span { from: None, to: None, adjusted: true, adjustment: None };
    let bars = Bars::load(app, &request.ticker, span).await?;
    let (volatility, prior) = app.models.bands();
    let as_of = bars.last_day();
    let calendar = Calendar::of(bars.symbol.exchange, bars.symbol.quotation().map(|q| q.currency));
    let until = as_of.saturating_add(i32::try_from(horizon).unwrap_or(i32::MAX / 4).saturating_mul(2) + ROOM);
    let known = app.store.market_days().known(calendar.exchanges(), as_of, until).await?;
    let computed = app.compute(move || {
        let made = forecast(&bars.columns, &model, &volatility, &prior, horizon);
        let made = made.map_err(|error| turned_down(error, &bars.symbol))?;
        let past = Past { evaluation: made.evaluation, record: made.record };
        let days = next_trading_days(as_of, horizon, calendar, &known);
        let points: Vec<Point> = days.into_iter().zip(made.bands).map(|(day, band)| Point { day, band }).collect();
        Ok::<_, RequestError>(NewPrediction {
            symbol_id: bars.symbol.id,
            model: serde_json::to_string(&ModelInfo::from(model.as_ref()))?,
            as_of,
            horizon: i32::try_from(horizon).unwrap_or(i32::MAX),
            data_version: bars.symbol.data_version,
            close: bars.columns.close.last().copied().unwrap_or_default(),
            points: serde_json::to_string(&points)?,
            evaluation: serde_json::to_string(&past)?,
        })
    });
    Ok(app.store.predictions().insert(computed.await??).await?)
}

async fn find_model(app: &App, key: Option<&str>) -> Result<Arc<ForecastModel>, RequestError> {
    app.models.find(key).await?.map_err(|none| match none {
        NoModel::Unknown => {
            RequestError::NotFound { field: "modelId".into(), what: "model with this id; models lists them".to_owned() }
        }
        NoModel::Unusable(reason) => RequestError::invalid("modelId", reason),
    })
}

fn checked_horizon(wanted: i32, model: &ForecastModel) -> Result<usize, RequestError> {
    let most = model.horizon();
    match usize::try_from(wanted) {
        Ok(days) if (1..=most).contains(&days) => Ok(days),
        _ if most < HORIZON => {
            let days = if most == 1 { "one trading day" } else { &format!("1 to {most} trading days") };
            let message = format!("the model {} forecasts {days}, not {wanted}; set horizon", model.name);
            Err(RequestError::invalid("horizon", message))
        }
        _ => Err(RequestError::invalid("horizon", format!("the horizon is 1 to {most} trading days, not {wanted}"))),
    }
}

fn turned_down(error: ModelError, symbol: &symbol::Model) -> RequestError {
    match error {
        ModelError::TooShort { have, needed } => RequestError::InsufficientData {
            field: "ticker".into(),
            message: format!("{} has {have} bars, and this forecast takes at least {needed}", symbol.ticker),
        },
        other => RequestError::invalid("modelId", other.to_string()),
    }
}
