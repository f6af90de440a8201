//! Backtests beside each other.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::backtest::Backtest;
use super::batch::DataLoader;
use super::column::Column;
use super::errors::{Fault, bad_input, internal, missing};
use super::ids::{self, Kind};
use super::limits::Room;
use super::loaders::{BacktestId, CurveOf, Rows, SymbolId};
use super::scalars::Date;
use super::spending;
use crate::app::App;
use crate::research::{self, CommonCurves};
use crate::store::entity::backtest as row;

/// Backtests beside each other. Every list has an entry a run, in the order of the ids.
pub struct BacktestComparison(Vec<row::Model>);

/// An input that isn't the same in all runs.
#[derive(Debug, Clone, SimpleObject)]
pub struct InputDifference {
    /// As the inputs of `runBacktest` name it; also `dataVersion` and `engineVersion`.
    input: String,
    /// Its value in each run; a condition as a sentence, null where a run has none.
    values: Vec<Option<String>>,
}

/// A figure of each run.
#[derive(Debug, Clone, SimpleObject)]
pub struct MetricComparison {
    /// As `BacktestMetrics` names it.
    metric: String,
    /// Its value in each run, in the units of `BacktestMetrics`; null where undefined.
    values: Vec<Option<f64>>,
    /// The run that does best, counted from 0; null where nothing is better, or all are equal.
    best: Option<i32>,
}

/// Curves of all runs on the days that all of them have. Each is 1 on the first of these days.
pub struct ComparedCurves(Arc<Common>);

/// The curves, and the room that they take.
struct Common {
    curves: CommonCurves,
    _room: Option<Room>,
}

/// One run's curves.
pub struct ComparedCurve {
    common: Arc<Common>,
    at: usize,
}

/// Curves of all runs on the days that all of them have. Each is 1 on the first of these days.
#[Object]
impl ComparedCurves {
    /// Days that every run has, oldest first; none if the runs have no day in common.
    async fn dates(&self) -> Column<Date> {
        Column(self.0.curves.days.iter().copied().map(Date).collect())
    }

    /// A run each.
    async fn runs(&self) -> Vec<ComparedCurve> {
        (0..self.0.curves.equity.len()).map(|at| ComparedCurve { common: self.0.clone(), at }).collect()
    }
}

/// One run's curves, a value a date.
#[Object]
impl ComparedCurve {
    /// Cash and the value of shares at each close, over that of the first date.
    async fn equity(&self) -> Column<f64> {
        Column(self.common.curves.equity.get(self.at).cloned().unwrap_or_default())
    }

    /// The same for buying at the run's first close and selling at its last.
    async fn buy_and_hold(&self) -> Column<f64> {
        Column(self.common.curves.buy_and_hold.get(self.at).cloned().unwrap_or_default())
    }
}

/// Backtests beside each other. Every list has an entry a run, in the order of the ids.
#[Object]
impl BacktestComparison {
    /// The runs.
    async fn backtests(&self) -> Vec<Backtest> {
        self.0.iter().cloned().map(Backtest).collect()
    }

    /// The inputs that aren't the same in all of them.
    async fn differences(&self, ctx: &Context<'_>) -> Result<Vec<InputDifference>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let wanted = self.0.iter().map(|row| SymbolId(row.symbol_id));
        let symbols = loader.load_many(wanted).await.map_err(|e| internal(&e))?;
        let ticker = |row: &row::Model| symbols.get(&SymbolId(row.symbol_id)).map(|symbol| symbol.ticker.clone());
        let tickers: Vec<String> = self.0.iter().map(|row| ticker(row).unwrap_or_default()).collect();
        let found = research::differences(&self.0, &tickers).map_err(Fault::from)?;
        let shown =
            |row: research::InputDifference| InputDifference { input: row.input.to_owned(), values: row.values };
        Ok(found.into_iter().map(shown).collect())
    }

    /// Every figure, side by side.
    async fn metrics(&self) -> Result<Vec<MetricComparison>> {
        let metrics = self.0.iter().map(row::Model::metrics).collect::<Result<Vec<_>, _>>().map_err(Fault::from)?;
        let shown = |row: research::MetricRow| MetricComparison {
            metric: row.metric.to_owned(),
            values: row.values,
            best: row.best.and_then(|at| i32::try_from(at).ok()),
        };
        Ok(research::metric_rows(&metrics).into_iter().map(shown).collect())
    }

    /// Their curves, from one start.
    async fn curves(&self, ctx: &Context<'_>) -> Result<ComparedCurves> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let bars: i32 = self.0.iter().fold(0, |sum, row| sum.saturating_add(row.bar_count));
        let room = spending::room(ctx, None, bars).await?;
        let mut curves = loader.load_many(self.0.iter().map(|row| CurveOf(row.id))).await.map_err(|e| internal(&e))?;
        let mut runs = Vec::with_capacity(self.0.len());
        for row in &self.0 {
            let curve = curves.remove(&CurveOf(row.id)).ok_or_else(|| missing("the backtest's curve"))?;
            runs.push((curve, row.execution().map_err(Fault::from)?));
        }
        let common = ctx
            .data_unchecked::<App>()
            .compute(move || research::common_curves(runs.iter().map(|(curve, execution)| (&**curve, execution))));
        let curves = common.await.map_err(|e| internal(&e))?;
        Ok(ComparedCurves(Arc::new(Common { curves, _room: room })))
    }
}

/// Runs that are compared at once.
const RUNS: std::ops::RangeInclusive<usize> = 2..=8;

#[derive(Default)]
pub struct ComparisonQuery;

#[Object]
impl ComparisonQuery {
    /// Stored backtests beside each other: the inputs that differ, figures in rows, curves from one start.
    async fn compare_backtests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "2 to 8 backtests, each once.")] ids: Vec<ID>,
    ) -> Result<BacktestComparison> {
        if !RUNS.contains(&ids.len()) {
            let (least, most) = (RUNS.start(), RUNS.end());
            return Err(bad_input(format!("compareBacktests takes {least} to {most} ids; these are {}", ids.len())));
        }
        let none = |id: &ID| bad_input(format!("There is no backtest with the id {}", id.as_str()));
        let mut keys = Vec::with_capacity(ids.len());
        for id in &ids {
            let key = BacktestId(ids::decode_as(Kind::Backtest, id).ok_or_else(|| none(id))?);
            if keys.contains(&key) {
                return Err(bad_input(format!("The backtest {} is named twice; name each once", id.as_str())));
            }
            keys.push(key);
        }
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let mut rows = loader.load_many(keys.iter().copied()).await.map_err(|e| internal(&e))?;
        let found = keys.iter().zip(&ids).map(|(key, id)| rows.remove(key).ok_or_else(|| none(id)));
        Ok(BacktestComparison(found.collect::<Result<_, _>>()?))
    }
}
