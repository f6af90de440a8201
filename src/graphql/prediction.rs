//! Predictions: forecasts that were stored, and the mutation that makes them.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::backtest::{ReportFormat, report_url};
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::{Fault, UserError, missing, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::model::{Model, ModelEvaluation};
use super::scalars::{Date, DateTime};
use super::spending;
use super::subject::{Symbol, has_changed, load_symbol, runs};
use crate::actions::predictions;
use crate::app::App;
use crate::forecast::{DayRecord, Outcome, Point, apart};
use crate::research::PredictRequest;
use crate::store::entity::prediction as row;
use crate::store::{ResearchFilter, newest_first};

/// How forecasts of one day ahead have done.
#[derive(Debug, Clone, SimpleObject)]
pub struct DayEvaluation {
    /// Trading days ahead.
    day: i32,
    /// Mean absolute error, as a share of the close at the origin.
    mae: f64,
    /// The same for "no change".
    mae_naive: f64,
    /// Share of closes within the 80 % band.
    #[graphql(name = "coverage80")]
    coverage80: f64,
    /// Share of closes within the 95 % band.
    #[graphql(name = "coverage95")]
    coverage95: f64,
}

impl DayEvaluation {
    fn new((before, of): (usize, DayRecord)) -> Self {
        let DayRecord { mae, mae_naive, coverage80, coverage95 } = of;
        Self { day: i32::try_from(before + 1).unwrap_or(i32::MAX), mae, mae_naive, coverage80, coverage95 }
    }
}

/// Where a ratio lies nineteen times in twenty.
#[derive(Debug, Clone, SimpleObject)]
pub struct RatioRange {
    /// The lower end.
    low: f64,
    /// The upper end.
    high: f64,
}

/// How a prediction has turned out so far.
#[derive(Debug, Clone, SimpleObject)]
pub struct PredictionOutcome {
    /// Predicted days that have a close by now.
    days: i32,
    /// Mean absolute error, as a share of the close that the prediction was made from.
    mae: f64,
    /// The same for "no change".
    mae_naive: f64,
    /// 1 − mae / maeNaive; null if nothing has moved.
    skill: Option<f64>,
    /// Share of closes within the 80 % band.
    #[graphql(name = "coverage80")]
    coverage80: f64,
    /// Share of closes within the 95 % band.
    #[graphql(name = "coverage95")]
    coverage95: f64,
}

impl From<Outcome> for PredictionOutcome {
    fn from(o: Outcome) -> Self {
        Self {
            days: i32::try_from(o.days).unwrap_or(i32::MAX),
            mae: o.mae,
            mae_naive: o.mae_naive,
            skill: (o.mae_naive > 0.0).then(|| 1.0 - o.mae / o.mae_naive),
            coverage80: o.coverage80,
            coverage95: o.coverage95,
        }
    }
}

/// One trading day of a prediction, in the adjusted prices of the day that it was made.
#[derive(Debug, Clone, SimpleObject)]
pub struct PredictionPoint {
    /// The trading day: by the exchange's own list, else by the rules of its calendar; once it has traded, as it was.
    date: Date,
    /// The expected close.
    value: f64,
    /// The 80 % band's lower end.
    #[graphql(name = "lower80")]
    lower80: f64,
    /// The 80 % band's upper end.
    #[graphql(name = "upper80")]
    upper80: f64,
    /// The 95 % band's lower end.
    #[graphql(name = "lower95")]
    lower95: f64,
    /// The 95 % band's upper end.
    #[graphql(name = "upper95")]
    upper95: f64,
    /// The close, once it's known.
    actual: Option<f64>,
}

/// A forecast, stored with everything that made it.
#[derive(Debug, Clone)]
pub struct Prediction(pub row::Model);

impl Prediction {
    /// The points, and the closes of their days as far as the symbol has traded since.
    async fn settled(&self, ctx: &Context<'_>) -> Result<(Vec<Point>, Vec<Option<f64>>)> {
        let symbol = load_symbol(ctx, Some(self.0.symbol_id)).await?;
        // Nothing has come since it was made.
        let symbol = symbol.filter(|symbol| symbol.0.last_day.is_some_and(|last| last > self.0.as_of));
        let (series, _room) = match symbol {
            Some(symbol) => spending::series_of(ctx, &symbol.0).await?,
            None => (None, None),
        };
        let Some(series) = series else {
            let points = self.0.points().map_err(Fault::from)?;
            let none = vec![None; points.len()];
            return Ok((points, none));
        };
        let points = self.0.settled_points(&series).map_err(Fault::from)?;
        let actuals = self.0.actuals(&points, &series);
        Ok((points, actuals))
    }
}

/// A forecast, stored with everything that made it.
#[Object]
impl Prediction {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::Prediction, self.0.id)
    }

    /// Whose prices are forecast.
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Symbol> {
        let symbol = load_symbol(ctx, Some(self.0.symbol_id)).await?;
        symbol.ok_or_else(|| missing("the prediction's symbol"))
    }

    /// The model as it was then.
    async fn model(&self) -> Result<Model> {
        Ok(Model(self.0.model_info().map_err(Fault::from)?))
    }

    /// The date of the last bar that it was made from.
    async fn as_of(&self) -> Date {
        Date(self.0.as_of)
    }

    /// The adjusted close that it was made from.
    async fn close(&self) -> f64 {
        self.0.close
    }

    /// How many trading days it spans.
    async fn horizon(&self) -> i32 {
        self.0.horizon
    }

    /// The symbol's data version when this was made.
    async fn data_version(&self) -> i32 {
        self.0.data_version
    }

    /// Whether the symbol's prices have changed since.
    async fn stale(&self, ctx: &Context<'_>) -> Result<bool> {
        has_changed(ctx, self.0.symbol_id, self.0.data_version).await
    }

    /// The next trading days of the symbol's exchange.
    async fn points(&self, ctx: &Context<'_>) -> Result<Vec<PredictionPoint>> {
        let (points, actuals) = self.settled(ctx).await?;
        let point = |(Point { day, band }, actual): (Point, Option<f64>)| PredictionPoint {
            date: Date(day),
            value: band.value,
            lower80: band.lower80,
            upper80: band.upper80,
            lower95: band.lower95,
            upper95: band.upper95,
            actual,
        };
        Ok(points.into_iter().zip(actuals).map(point).collect())
    }

    /// How the model has done on this symbol's own history, at every step with the prices that were known then; the
    /// model itself was fitted once, perhaps to some of them.
    async fn evaluation(&self) -> Result<ModelEvaluation> {
        Ok(self.0.evaluation().map_err(Fault::from)?.into())
    }

    /// The same a day ahead each; empty for predictions from before it was kept.
    async fn evaluation_by_day(&self) -> Result<Vec<DayEvaluation>> {
        let record = self.0.record().map_err(Fault::from)?;
        Ok(record.days.into_iter().enumerate().map(DayEvaluation::new).collect())
    }

    /// How many of the evaluation's past forecasts don't overlap: fewer than 50 say little.
    async fn independent_origins(&self) -> Result<i32> {
        let evaluation = self.0.evaluation().map_err(Fault::from)?;
        Ok(i32::try_from(apart(evaluation.origins, evaluation.horizon)).unwrap_or(i32::MAX))
    }

    /// Where the evaluation's skill lies, by how it differs between past forecasts that don't overlap; null where these
    /// are too few.
    async fn skill_range(&self) -> Result<Option<RatioRange>> {
        let record = self.0.record().map_err(Fault::from)?;
        Ok(record.skill.map(|(low, high)| RatioRange { low, high }))
    }

    /// What to make of it, by how the model compares with "no change" on this symbol's history: in a sentence or two.
    async fn verdict(&self) -> Result<String> {
        let (evaluation, record) = (self.0.evaluation().map_err(Fault::from)?, self.0.record().map_err(Fault::from)?);
        Ok(crate::forecast::verdict(&evaluation, &record))
    }

    /// How it has turned out so far; null before the first of its days.
    async fn outcome(&self, ctx: &Context<'_>) -> Result<Option<PredictionOutcome>> {
        let (points, actuals) = self.settled(ctx).await?;
        Ok(self.0.outcome(&points, &actuals).map(PredictionOutcome::from))
    }

    /// Where its report is.
    async fn report_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the report is to come as.")] format: ReportFormat,
    ) -> String {
        report_url(ctx, "predictions", &ids::encode(Kind::Prediction, self.0.id), format)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Which predictions to list.
#[derive(Debug, InputObject)]
#[graphql(name = "PredictionFilter")]
pub struct PredictionFilterInput {
    /// Of this symbol.
    ticker: Option<String>,
    /// Made at this moment or later.
    created_from: Option<DateTime>,
    /// Made at this moment or before.
    created_to: Option<DateTime>,
}

#[derive(Default)]
pub struct PredictionQuery;

#[Object]
impl PredictionQuery {
    /// Stored predictions, the newest first.
    async fn predictions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            PredictionFilterInput,
        >,
    ) -> Result<Connection<Prediction>> {
        let store = &ctx.data_unchecked::<App>().store;
        let wanted = match filter {
            Some(f) => runs(ctx, f.ticker, (f.created_from, f.created_to), None).await?,
            None => ResearchFilter::default(),
        };
        let page = PageArguments { first, after, last, before }.request("predictions", &newest_first())?;
        let rows = if_asked(ctx, store.predictions().page(&wanted, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::Predictions(wanted), row::Model::keys, Prediction))
    }
}

/// A symbol to forecast.
#[derive(Debug, InputObject)]
pub struct PredictInput {
    /// The symbol to forecast, as `Symbol.ticker` has it, in any case.
    ticker: String,
    /// Trading days ahead, 1 to 30; 30 if left out.
    #[graphql(default = 30)]
    horizon: i32,
    /// The default model if left out.
    model_id: Option<ID>,
}

/// The stored prediction.
#[derive(SimpleObject)]
pub struct PredictPayload {
    /// The stored prediction; null if there are errors.
    prediction: Option<Prediction>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct PredictionMutation;

#[Object]
impl PredictionMutation {
    /// Forecasts a symbol's next trading days on adjusted prices, and answers with the stored prediction.
    async fn predict(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The symbol, and how far ahead.")] input: PredictInput,
    ) -> Result<PredictPayload> {
        // An id that is no model's means the model without a key, which there is none of.
        let model = input.model_id.map(|id| ids::decode_key(Kind::Model, &id).unwrap_or_default());
        let request = PredictRequest { ticker: input.ticker, horizon: input.horizon, model };
        let done = predictions::make(ctx.data_unchecked::<App>(), &caller(ctx), request).await;
        Ok(payload!(PredictPayload, done, row => { prediction: Some(Prediction(row)) }))
    }
}
