//! Forecasting a symbol, keeping the forecast, and telling later what happened.

use std::sync::Arc;

use sea_orm::ActiveValue::Set;
use serde::{Deserialize, Serialize};

use super::{Bars, Span, corrupt};
use crate::app::App;
use crate::forecast::{Band, Evaluation, HORIZON, Model, ModelError, Record, apart, forecast};
use crate::market::calendar::{Calendar, next_trading_days, with_sessions};
use crate::market::{Day, Series};
use crate::registry::ModelInfo;
use crate::request::RequestError;
use crate::store::entity::{prediction as row, symbol};
use crate::store::{StoreError, now};

/// One day of a prediction as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub day: Day,
    #[serde(flatten)]
    pub band: Band,
}

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
    /// [`Model::key`]; the default if left out.
    pub model: Option<String>,
}

/// How a prediction has turned out so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Days that have a close by now.
    pub days: u32,
    /// Mean absolute error, as a share of the close that it was made from.
    pub mae: f64,
    /// The same for "no change".
    pub mae_naive: f64,
    pub coverage80: f64,
    pub coverage95: f64,
}

/// Calendar days beyond twice the horizon that are looked up.
const ROOM: Day = 14;

/// Forecasts a symbol's next trading days and keeps the forecast.
///
/// # Errors
/// When an input can't be what it is, the symbol isn't followed, or there are too few bars; nothing is stored then.
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
    let computed = tokio::task::spawn_blocking(move || {
        let made = forecast(&bars.columns, &model, &volatility, &prior, horizon);
        let made = made.map_err(|error| turned_down(error, &bars.symbol))?;
        let past = Past { evaluation: made.evaluation, record: made.record };
        let days = next_trading_days(as_of, horizon, calendar, &known);
        let points: Vec<Point> = days.into_iter().zip(made.bands).map(|(day, band)| Point { day, band }).collect();
        Ok::<_, RequestError>(row::ActiveModel {
            symbol_id: Set(bars.symbol.id),
            model: Set(serde_json::to_string(&ModelInfo::from(model.as_ref()))?),
            as_of: Set(as_of),
            horizon: Set(i32::try_from(horizon).unwrap_or(i32::MAX)),
            data_version: Set(bars.symbol.data_version),
            close: Set(bars.columns.close.last().copied().unwrap_or_default()),
            points: Set(serde_json::to_string(&points)?),
            evaluation: Set(serde_json::to_string(&past)?),
            created_at: Set(now()),
            ..Default::default()
        })
    });
    Ok(app.store.predictions().insert(computed.await??).await?)
}

async fn find_model(app: &App, key: Option<&str>) -> Result<Arc<Model>, RequestError> {
    app.models.find(key).await?.map_err(|reason| {
        if reason.is_empty() {
            RequestError::NotFound { field: "modelId".into(), what: "model with this id; models lists them".to_owned() }
        } else {
            RequestError::invalid("modelId", reason)
        }
    })
}

fn checked_horizon(wanted: i32, model: &Model) -> Result<usize, RequestError> {
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

impl row::Model {
    /// The days, with the bands.
    ///
    /// # Errors
    /// When the stored text isn't what was written.
    pub fn points(&self) -> Result<Vec<Point>, StoreError> {
        serde_json::from_str(&self.points).map_err(corrupt("prediction's points"))
    }

    /// The days, with the bands, once the symbol has traded on: a session that nobody expected when this was made, such as
    /// one on a Sunday, has taken the next step, and what comes after it moves on by one.
    ///
    /// # Errors
    /// When the stored text isn't what was written.
    pub fn settled_points(&self, series: &Series) -> Result<Vec<Point>, StoreError> {
        let mut points = self.points()?;
        let from = series.raw.days.partition_point(|&day| day <= self.as_of);
        let expected: Vec<Day> = points.iter().map(|point| point.day).collect();
        for (point, day) in points.iter_mut().zip(with_sessions(&expected, &series.raw.days[from..])) {
            point.day = day;
        }
        Ok(points)
    }

    /// How the model has done on the symbol's own history.
    ///
    /// # Errors
    /// When the stored text isn't what was written.
    pub fn evaluation(&self) -> Result<Evaluation, StoreError> {
        serde_json::from_str(&self.evaluation).map_err(corrupt("prediction's evaluation"))
    }

    /// The same a day ahead each, and how sure it is; without days if it was made before they were kept.
    ///
    /// # Errors
    /// When the stored text isn't what was written.
    pub fn record(&self) -> Result<Record, StoreError> {
        serde_json::from_str(&self.evaluation).map_err(corrupt("prediction's evaluation"))
    }

    /// The model as it was then.
    ///
    /// # Errors
    /// When the stored text isn't what was written.
    pub fn model_info(&self) -> Result<ModelInfo, StoreError> {
        serde_json::from_str(&self.model).map_err(corrupt("prediction's model"))
    }

    /// The closes of the predicted days that are known by now, in the prices of then: a split or dividend since moves
    /// the adjusted closes, the one that the prediction was made from among them.
    #[must_use]
    pub fn actuals(&self, points: &[Point], series: &Series) -> Vec<Option<f64>> {
        let close_of = |day: Day| {
            let bar = series.raw.days.binary_search(&day).ok()?;
            series.adjusted_close.get(bar).copied()
        };
        let Some(base) = close_of(self.as_of).filter(|base| *base > 0.0) else { return vec![None; points.len()] };
        points
            .iter()
            .map(|point| {
                close_of(point.day).map(|close| if base == self.close { close } else { close / base * self.close })
            })
            .collect()
    }

    /// How it has turned out so far; `None` before the first of its days.
    #[must_use]
    pub fn outcome(&self, points: &[Point], actuals: &[Option<f64>]) -> Option<Outcome> {
        let known: Vec<(&Band, f64)> =
            points.iter().zip(actuals).filter_map(|(point, actual)| Some((&point.band, (*actual)?))).collect();
        let days = u32::try_from(known.len()).ok().filter(|days| *days > 0)?;
        let mean = |of: &dyn Fn(&Band, f64) -> f64| known.iter().map(|(b, a)| of(b, *a)).sum::<f64>() / f64::from(days);
        let within = |lower: f64, actual: f64, upper: f64| f64::from(u8::from(lower <= actual && actual <= upper));
        Some(Outcome {
            days,
            mae: mean(&|band, actual| (actual - band.value).abs() / self.close),
            mae_naive: mean(&|_, actual| (actual - self.close).abs() / self.close),
            coverage80: mean(&|band, actual| within(band.lower80, actual, band.upper80)),
            coverage95: mean(&|band, actual| within(band.lower95, actual, band.upper95)),
        })
    }
}

/// Fewer past forecasts that don't overlap than this say little.
pub const FEWEST_APART: u32 = 50;

/// What to make of a forecast, by how its model compares with "no change" on a history: in a sentence or two.
#[must_use]
pub fn verdict(evaluation: &Evaluation, record: &Record) -> String {
    let Evaluation { origins, horizon, mae, mae_naive, .. } = *evaluation;
    let apart = apart(origins, horizon);
    let days = if horizon == 1 { "1 day".to_owned() } else { format!("{horizon} days") };
    let base = format!("past forecasts of {days} of this symbol");
    if mae == mae_naive {
        return format!(
            "This is \"no change\" itself: it was {} off on average over {origins} {base}.",
            percent(mae, 2)
        );
    }
    if apart < FEWEST_APART {
        return format!(
            "Too few {base} to judge by: {origins}, of which {apart} don't overlap. Treat the centre as \"no change\"."
        );
    }
    let skill = evaluation.skill();
    let words = if skill >= 0.0 { "closer than" } else { "further off than" };
    let range = record.skill.map_or_else(String::new, |(low, high)| {
        format!(" (with so many, anything from {} to {})", percent(low, 1), percent(high, 1))
    });
    let measured = format!(
        "{} {words} \"no change\" over {origins} {base}, {apart} of which don't overlap",
        percent(skill.abs(), 1)
    );
    match record.skill {
        Some((low, _)) if low > 0.0 => format!("The centre was {measured}{range}: more than chance explains."),
        Some((_, high)) if high < 0.0 => format!("Don't follow the centre: it was {measured}{range}."),
        _ => format!("Treat the centre as \"no change\": it was {measured}{range}, which could be chance."),
    }
}

/// A ratio as a percentage, without a sign on zero.
fn percent(ratio: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", ratio * 100.0);
    let zero = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    let text = if zero { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_what_to_do() {
        let evaluation =
            |origins, mae| Evaluation { origins, horizon: 30, mae, mae_naive: 0.05, coverage80: 0.8, coverage95: 0.95 };
        let said = |origins, mae, skill| verdict(&evaluation(origins, mae), &Record { days: Vec::new(), skill });
        assert_eq!(
            said(27, 0.04, None),
            "Too few past forecasts of 30 days of this symbol to judge by: 27, of which 9 don't overlap. Treat the centre \
             as \"no change\"."
        );
        assert_eq!(
            said(300, 0.049, Some((-0.01, 0.05))),
            "Treat the centre as \"no change\": it was 2.0 % closer than \"no change\" over 300 past forecasts of 30 days of \
             this symbol, 100 of which don't overlap (with so many, anything from −1.0 % to 5.0 %), which could be chance."
        );
        assert!(said(300, 0.04, Some((0.1, 0.3))).starts_with("The centre was 20.0 % closer than"));
        assert!(
            said(300, 0.06, Some((-0.3, -0.1))).starts_with("Don't follow the centre: it was 20.0 % further off than")
        );
        assert!(said(300, 0.05, None).starts_with("This is \"no change\" itself: it was 5.00 % off"));
    }
}
