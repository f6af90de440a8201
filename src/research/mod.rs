//! What people ask of the engines: load a symbol's series, compute off the async threads, store the result with
//! everything that made it.

mod backtests;
mod comparison;
mod predictions;
mod reports;
mod sweeps;
mod training;

use std::sync::Arc;

use async_recursion::async_recursion as boxed;

use crate::app::App;
use crate::market::{Adjustment, Columns, Day, Series, day};
use crate::request::{RequestError, find_symbol};
use crate::store::entity::symbol;

pub use backtests::{Curve, RunBacktest, decode_curve, run_backtest};
pub use comparison::{CommonCurves, InputDifference, MetricRow, common_curves, differences, metric_rows};
pub use predictions::{PredictRequest, predict};
pub use reports::{
    backtest_source, find_backtest, find_prediction, find_sweep, prediction_source, price_columns, sweep_results,
};
pub use sweeps::{StoredSweep, SweepRequest, decode_sweep, prepare_sweep, run_sweep};
pub use training::{Trained, check_length, train_model};

/// A symbol's bars from one day to another, as a strategy sees them.
#[derive(Debug, Clone)]
pub struct Bars {
    pub symbol: symbol::Model,
    pub columns: Columns,
    /// What the prices are adjusted for.
    pub adjustment: Adjustment,
}

/// Which bars are wanted.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Span {
    pub from: Option<Day>,
    pub to: Option<Day>,
    /// Prices adjusted for splits, and for dividends where the provider does so.
    pub adjusted: bool,
    /// What prices are adjusted for, where more is said than yes or no.
    #[serde(default)]
    pub adjustment: Option<Adjustment>,
}

impl Bars {
    /// Loads the bars of a symbol.
    ///
    /// # Errors
    /// When the symbol isn't followed, the days are the wrong way round, or there are no bars between them.
    #[boxed]
    pub async fn load(app: &App, ticker: &str, span: Span) -> Result<Self, RequestError> {
        let symbol = find_symbol(app, ticker).await?;
        Self::of(app, symbol, span).await
    }

    /// Loads the bars of a symbol that has been looked up.
    ///
    /// # Errors
    /// When the days are the wrong way round, or there are no bars between them.
    #[boxed]
    async fn of(app: &App, symbol: symbol::Model, span: Span) -> Result<Self, RequestError> {
        if let (Some(from), Some(to)) = (span.from, span.to)
            && from > to
        {
            return Err(RequestError::invalid("from", "the first day is after the last one; swap from and to"));
        }
        // The row of the bars, whose version the result is stored under.
        let loaded = app.series.get(std::slice::from_ref(&symbol)).await?.pop();
        let (symbol, series) = loaded.unwrap_or_else(|| (symbol, Arc::default()));
        Self::cut(symbol, &series, span)
    }

    fn cut(symbol: symbol::Model, series: &Arc<Series>, span: Span) -> Result<Self, RequestError> {
        let range = series.range(span.from, span.to);
        if range.is_empty() {
            let ticker = &symbol.ticker;
            let message = match (series.raw.days.first(), series.raw.days.last()) {
                (Some(&first), Some(&last)) => {
                    format!(
                        "{ticker} has bars from {} to {}, none of them in this range",
                        day::iso(first),
                        day::iso(last)
                    )
                }
                _ => format!("{ticker} has no bars yet; refresh it or import a file"),
            };
            return Err(RequestError::InsufficientData { field: "ticker".into(), message });
        }
        let adjustment = series.chosen(span.adjustment, span.adjusted);
        Ok(Self { symbol, columns: series.view(adjustment, range), adjustment })
    }

    fn first_day(&self) -> Day {
        self.columns.days.first().copied().unwrap_or_default()
    }

    fn last_day(&self) -> Day {
        self.columns.days.last().copied().unwrap_or_default()
    }
}
