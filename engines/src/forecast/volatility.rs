//! How wild the days to come will be, from the ranges of the bars so far.
//!
//! A day's variance is measured by its range (Garman and Klass, "On the Estimation of Security Price Volatilities from
//! Historical Data", 1980) and the jump overnight; that says about as much as five days of closes do. Averages of it
//! over a day, a week, a month and a quarter predict its logarithm over the next days, as in Corsi's heterogeneous
//! autoregression ("A Simple Approximate Long-Memory Model of Realized Volatility", 2009), with recent returns beside
//! them, since falls are followed by wilder days than rises. All of it in units of the symbol's own long run, so that
//! symbols share the coefficients.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::features::{Feature, Prepared};
use super::{HORIZON, WARM_UP};
use crate::market::Columns;

/// Half-lives of the averages, in days.
const HALF_LIVES: [f64; 4] = [1.0, 5.0, 22.0, 66.0];
/// Recent returns, in units of their volatility.
const RETURNS: [&str; 2] = ["scaled_momentum_5", "scaled_momentum_22"];
/// Coefficients a horizon, with the intercept first.
pub const TERMS: usize = 1 + HALF_LIVES.len() + RETURNS.len();
/// A measure of ranges that is off by more than this factor isn't one of this symbol's closes.
const MOST_CORRECTION: f64 = 4.0;
/// The least variance, as a share of the long run's.
const LEAST_SHARE: f64 = 1e-3;

/// Coefficients of the logarithm of the mean variance over the next 1 to 30 days, over the long run's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Volatility {
    /// A row a horizon: the intercept, one for each average, one for each recent return.
    pub coefficients: Vec<Vec<f64>>,
}

/// A symbol's daily variances and their averages; nothing at a bar depends on later ones.
#[derive(Debug, Clone)]
pub struct Variances {
    /// By range and overnight jump.
    pub daily: Vec<f64>,
    averages: [Vec<f64>; HALF_LIVES.len()],
    range_sums: Vec<f64>,
    recent: Vec<Feature>,
}

impl Variances {
    /// Measures bars, oldest first.
    #[must_use]
    pub fn new(columns: &Columns) -> Self {
        let mut daily = Vec::with_capacity(columns.len());
        for bar in 0..columns.len() {
            let (open, close) = (columns.open[bar], columns.close[bar]);
            let range = (columns.high[bar] / columns.low[bar]).ln();
            let body = (close / open).ln();
            let within = (0.5 * range * range - (2.0 * LN_2 - 1.0) * body * body).max(0.0);
            let overnight = if bar == 0 { 0.0 } else { (open / columns.close[bar - 1]).ln() };
            daily.push(overnight * overnight + within);
        }
        let start = daily.iter().skip(1).take(WARM_UP).sum::<f64>() / WARM_UP as f64;
        let averages = HALF_LIVES.map(|half_life| {
            let weight = 1.0 - 0.5_f64.powf(1.0 / half_life);
            let mut average = start;
            daily
                .iter()
                .map(|v| {
                    average += weight * (v - average);
                    average
                })
                .collect()
        });
        let mut range_sums = Vec::with_capacity(daily.len() + 1);
        let mut sum = 0.0;
        range_sums.push(sum);
        for v in &daily {
            sum += v;
            range_sums.push(sum);
        }
        let recent = RETURNS.iter().filter_map(|name| name.parse().ok()).collect();
        Self { daily, averages, range_sums, recent }
    }

    /// What a range's variance is multiplied with to be one of closes, from the days so far.
    #[must_use]
    pub fn correction(&self, prepared: &Prepared, bar: usize) -> f64 {
        let days = bar.clamp(1, 1_000);
        let by_range = (self.range_sums[bar + 1] - self.range_sums[bar + 1 - days.min(bar)]) / days as f64;
        (prepared.long_run_variance(bar) / by_range.max(f64::MIN_POSITIVE))
            .clamp(1.0 / MOST_CORRECTION, MOST_CORRECTION)
    }

    /// The terms that the coefficients apply to, the intercept's 1 first.
    #[must_use]
    pub fn terms(&self, prepared: &Prepared, bar: usize) -> [f64; TERMS] {
        let long_run = prepared.long_run_variance(bar);
        let correction = self.correction(prepared, bar);
        let mut terms = [1.0; TERMS];
        for (term, average) in terms[1..].iter_mut().zip(&self.averages) {
            *term = (average[bar] * correction / long_run).max(LEAST_SHARE).ln();
        }
        for (term, &feature) in terms[1 + HALF_LIVES.len()..].iter_mut().zip(&self.recent) {
            *term = prepared.value(feature, bar);
        }
        terms
    }

    /// What the coefficients are fitted to: the logarithms of the mean variance over the next 1 to 30 days, over the
    /// long run's; `None` where those days aren't over.
    #[must_use]
    pub fn outcome(&self, prepared: &Prepared, bar: usize) -> Option<[f64; HORIZON]> {
        if bar + HORIZON >= self.daily.len() {
            return None;
        }
        let scale = self.correction(prepared, bar) / prepared.long_run_variance(bar);
        Some(std::array::from_fn(|h| {
            let sum = self.range_sums[bar + 2 + h] - self.range_sums[bar + 1];
            (sum / (h + 1) as f64 * scale).max(LEAST_SHARE).ln()
        }))
    }
}

impl Volatility {
    /// Standard deviations of the log returns to the next days, as a row of `to`.
    pub fn deviations(&self, variances: &Variances, prepared: &Prepared, bar: usize, to: &mut [f64]) {
        let terms = variances.terms(prepared, bar);
        let long_run = prepared.long_run_variance(bar);
        for (h, (deviation, coefficients)) in to.iter_mut().zip(&self.coefficients).enumerate() {
            let exponent: f64 = terms.iter().zip(coefficients).map(|(term, c)| term * c).sum();
            // Beyond this, a wild bar would overflow instead of widening the band.
            *deviation = (exponent.clamp(-10.0, 10.0).exp() * long_run * (h + 1) as f64).sqrt();
        }
    }

    /// Whether it has a row for every horizon and a finite number for every term.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.coefficients.len() == HORIZON
            && self.coefficients.iter().all(|row| row.len() == TERMS && row.iter().all(|c| c.is_finite()))
    }
}
