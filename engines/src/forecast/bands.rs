//! The forecast itself: a model's centre, the band around it, and how both have done on the symbol's own history.

use serde::{Deserialize, Serialize};

use super::conformal::Histogram;
use super::errors::ModelError;
use super::evaluation::Evaluation;
use super::features::Prepared;
use super::model::{About, ForecastModel};
use super::record::{Record, Tally};
use super::volatility::Variances;
use super::{Conformal, FEWEST_BARS, HORIZON, Volatility};
use crate::market::Columns;

/// One day's forecast, in the prices of the bars that it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    pub value: f64,
    pub lower80: f64,
    pub upper80: f64,
    pub lower95: f64,
    pub upper95: f64,
}

/// What came of forecasting.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// A band a day ahead.
    pub bands: Vec<Band>,
    pub evaluation: Evaluation,
    pub record: Record,
}

/// Bars between residuals that calibrate the bands: neighbours tell nearly the same.
const CALIBRATION_STEP: usize = 2;
/// Residuals from before this bar are left out: the symbol's own volatility is known too vaguely there.
const CALIBRATION_START: usize = 120;
/// Bars between origins of the evaluation.
pub(super) const EVALUATION_STEP: usize = 10;

/// Bars that a forecast of so many days takes: enough for one past forecast that is over.
#[must_use]
pub fn bars_needed(model: &ForecastModel, horizon: usize) -> usize {
    (model.first_bar() + horizon + 1).max(FEWEST_BARS)
}

/// How many of so many past forecasts of so many days don't overlap.
#[must_use]
pub fn apart(origins: u32, horizon: u32) -> u32 {
    origins.div_ceil(horizon.div_ceil(EVALUATION_STEP as u32).max(1))
}

/// Sums over the origins of an evaluation.
#[derive(Default)]
pub(super) struct Score {
    origins: u32,
    days: u32,
    error: f64,
    naive_error: f64,
    within80: u32,
    within95: u32,
    /// Winkler scores of both bands (Winkler, "A Decision-Theoretic Approach to Interval Estimation", 1972).
    pub(super) winkler: f64,
}

impl Score {
    /// Counts one day of one origin. All in log returns from the origin's close.
    pub(super) fn add(&mut self, outcome: f64, centre: f64, (narrow, wide): (LogBand, LogBand)) {
        let moved = outcome.exp();
        self.days += 1;
        self.error += (moved - centre.exp()).abs();
        self.naive_error += (moved - 1.0).abs();
        self.within80 += u32::from(narrow.holds(outcome));
        self.within95 += u32::from(wide.holds(outcome));
        self.winkler += narrow.winkler(moved, 0.20) + wide.winkler(moved, 0.05);
    }

    pub(super) fn end_origin(&mut self) {
        self.origins += 1;
    }

    pub(super) fn evaluation(&self, horizon: usize) -> Evaluation {
        let days = f64::from(self.days.max(1));
        Evaluation {
            origins: self.origins,
            horizon: horizon as u32,
            mae: self.error / days,
            mae_naive: self.naive_error / days,
            coverage80: f64::from(self.within80) / days,
            coverage95: f64::from(self.within95) / days,
        }
    }
}

/// A band in log returns.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogBand {
    lower: f64,
    upper: f64,
}

impl LogBand {
    pub(super) fn holds(self, outcome: f64) -> bool {
        self.lower <= outcome && outcome <= self.upper
    }

    fn winkler(self, moved: f64, alpha: f64) -> f64 {
        let (lower, upper) = (self.lower.exp(), self.upper.exp());
        upper - lower + 2.0 / alpha * ((lower - moved).max(0.0) + (moved - upper).max(0.0))
    }
}

/// The bands of so many deviations around a centre, or around no change; the centre itself is always within.
pub(super) fn around(about: About, centre: f64, deviation: f64, widths: (f64, f64)) -> (LogBand, LogBand) {
    let middle = match about {
        About::NoChange => 0.0,
        About::Centre => centre,
    };
    let band = |width: f64| LogBand {
        lower: (middle - width * deviation).min(centre),
        upper: (middle + width * deviation).max(centre),
    };
    (band(widths.0), band(widths.1))
}

/// Forecasts the days after the last bar.
///
/// # Errors
/// When there are too few bars, or a model of somebody's own fails.
pub fn forecast(
    columns: &Columns,
    model: &ForecastModel,
    volatility: &Volatility,
    prior: &Conformal,
    horizon: usize,
) -> Result<Forecast, ModelError> {
    let horizon = horizon.min(model.horizon());
    let needed = bars_needed(model, horizon);
    if columns.len() < needed {
        return Err(ModelError::TooShort { have: columns.len(), needed });
    }
    let (prepared, variances) = (Prepared::new(columns), Variances::new(columns));
    let last = columns.len() - 1;
    // Counted from the first possible bar, so that later bars never move an origin.
    let grid: Vec<usize> = (model.first_bar()..last).step_by(CALIBRATION_STEP).collect();
    let per_origin = EVALUATION_STEP / CALIBRATION_STEP;

    // Centres are needed at every bar of the grid only where residuals are measured from them.
    let mut bars: Vec<usize> = match model.about {
        About::Centre => grid.clone(),
        About::NoChange => grid.iter().copied().step_by(per_origin).collect(),
    };
    bars.push(last);
    let centres = model.centres(&prepared, &bars)?;
    let days = model.horizon();
    let centre_step = if model.about == About::Centre { 1 } else { per_origin };
    let centre = |at: usize, h: usize| centres[at / centre_step * days + h];

    let mut deviations = vec![0.0; grid.len() * horizon];
    for (row, &bar) in deviations.chunks_exact_mut(horizon).zip(&grid) {
        volatility.deviations(&variances, &prepared, bar, row);
    }
    let moved = |bar: usize, h: usize| prepared.log_close[bar + h + 1] - prepared.log_close[bar];

    let mut own = vec![Histogram::default(); horizon];
    // The next of the grid whose outcome at each horizon isn't counted yet.
    let mut next = vec![0; horizon];
    let mut learn = |own: &mut [Histogram], until: usize| {
        for h in 0..horizon {
            while let Some(&bar) = grid.get(next[h])
                && bar + h < until
            {
                let middle = if model.about == About::Centre { centre(next[h], h) } else { 0.0 };
                if bar >= CALIBRATION_START {
                    own[h].add((moved(bar, h) - middle) / deviations[next[h] * horizon + h]);
                }
                next[h] += 1;
            }
        }
    };

    let mut score = Score::default();
    let mut tally = Tally::new(horizon);
    for at in (0..grid.len()).step_by(per_origin) {
        let bar = grid[at];
        if bar + horizon > last {
            break;
        }
        learn(&mut own, bar);
        for h in 0..horizon {
            let widths = prior.half_widths(h, &own[h]);
            let (outcome, expected) = (moved(bar, h), centre(at, h));
            let bands = around(model.about, expected, deviations[at * horizon + h], widths);
            score.add(outcome, expected, bands);
            tally.add(h, outcome, expected, (bands.0.holds(outcome), bands.1.holds(outcome)));
        }
        score.end_origin();
        tally.end_origin();
    }

    learn(&mut own, last);
    let expected = &centres[centres.len() - days..];
    let mut deviation = [0.0; HORIZON];
    volatility.deviations(&variances, &prepared, last, &mut deviation[..horizon]);
    let close = columns.close[last];
    let price = |log_return: f64| close * log_return.exp();
    let bands = (0..horizon)
        .map(|h| {
            let (narrow, wide) = around(model.about, expected[h], deviation[h], prior.half_widths(h, &own[h]));
            Band {
                value: price(expected[h]),
                lower80: price(narrow.lower),
                upper80: price(narrow.upper),
                lower95: price(wide.lower),
                upper95: price(wide.upper),
            }
        })
        .collect();
    Ok(Forecast { bands, evaluation: score.evaluation(horizon), record: tally.record(EVALUATION_STEP) })
}
