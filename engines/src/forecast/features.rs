//! What is known of a symbol at a close, by name. Models of any make are given these.

use std::fmt;
use std::str::FromStr;

use super::WARM_UP;
use crate::market::Columns;

/// Daily returns over which a symbol's own volatility is measured, at most: about four years.
const LONG_RUN: usize = 1_000;
/// The least daily variance that is reckoned with; a price that never moves has one, too.
const LEAST_VARIANCE: f64 = 1e-10;
const WIDEST_WINDOW: usize = 250;

/// What a feature measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    LogReturnLag,
    SmaDistance,
    Momentum,
    Volatility,
    Range,
}

const MEASURES: [(Measure, &str); 5] = [
    (Measure::LogReturnLag, "log_return_lag"),
    (Measure::SmaDistance, "sma_distance"),
    (Measure::Momentum, "momentum"),
    (Measure::Volatility, "volatility"),
    (Measure::Range, "range"),
];

/// One column of a model's input, named like `momentum_21` or `scaled_momentum_21`.
///
/// With C the adjusted close, w the number in the name and t the last bar:
/// - `log_return_lag_k` is ln(C\[t−k+1\] / C\[t−k\]), so that lag 1 is the latest return;
/// - `sma_distance_w` is ln(C\[t\] / mean of the last w closes);
/// - `momentum_w` is ln(C\[t\] / C\[t−w\]);
/// - `volatility_w` is the standard deviation (n − 1) of the last w daily log returns;
/// - `range_w` is the mean of ln(high / low) over the last w bars.
///
/// `scaled_` divides by the symbol's own volatility σ, the root mean square of up to 1,000 daily log returns;
/// `sma_distance` and `momentum` are divided by σ√w.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    measure: Measure,
    window: usize,
    scaled: bool,
}

/// A name that no feature has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no feature {0:?}; it takes log_return_lag_K, sma_distance_W, momentum_W, volatility_W or range_W with a \
     number from 1 to {WIDEST_WINDOW} (volatility from 2), and scaled_ in front for one in units of the symbol's volatility"
)]
pub struct UnknownFeature(pub String);

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(name: &str) -> Result<Self, UnknownFeature> {
        let unknown = || UnknownFeature(name.chars().take(80).collect());
        let (scaled, rest) = name.strip_prefix("scaled_").map_or((false, name), |rest| (true, rest));
        let (measure, window) = rest.rsplit_once('_').ok_or_else(unknown)?;
        let measure = MEASURES.iter().find(|(_, name)| *name == measure).ok_or_else(unknown)?.0;
        let window: usize = window.parse().map_err(|_| unknown())?;
        let least = if measure == Measure::Volatility { 2 } else { 1 };
        if !(least..=WIDEST_WINDOW).contains(&window) {
            return Err(unknown());
        }
        Ok(Self { measure, window, scaled })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MEASURES.iter().find(|(measure, _)| *measure == self.measure).map_or("", |(_, name)| name);
        write!(f, "{}{name}_{}", if self.scaled { "scaled_" } else { "" }, self.window)
    }
}

impl Feature {
    /// The first bar, counted from 0, at which it has a value.
    #[must_use]
    pub fn first_bar(self) -> usize {
        let own = match self.measure {
            Measure::SmaDistance | Measure::Range => self.window - 1,
            Measure::LogReturnLag | Measure::Momentum | Measure::Volatility => self.window,
        };
        own.max(WARM_UP)
    }
}

/// A symbol's bars, prepared so that a feature at any bar costs the same few steps. Nothing at a bar depends on later
/// ones.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Natural logarithms of the closes.
    pub log_close: Vec<f64>,
    close: Vec<f64>,
    /// Sums over everything before a bar.
    close_sums: Vec<f64>,
    return_sums: Vec<f64>,
    square_sums: Vec<f64>,
    range_sums: Vec<f64>,
}

impl Prepared {
    /// Prepares bars, oldest first.
    #[must_use]
    pub fn new(columns: &Columns) -> Self {
        let log_close: Vec<f64> = columns.close.iter().map(|c| c.ln()).collect();
        let returns = || log_close.windows(2).map(|pair| pair[1] - pair[0]);
        let ranges = columns.high.iter().zip(&columns.low).map(|(high, low)| (high / low).ln());
        Self {
            close_sums: running_sums(columns.close.iter().copied()),
            return_sums: running_sums(std::iter::once(0.0).chain(returns())),
            square_sums: running_sums(std::iter::once(0.0).chain(returns().map(|r| r * r))),
            range_sums: running_sums(ranges),
            close: columns.close.clone(),
            log_close,
        }
    }

    /// How many bars there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.close.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.close.is_empty()
    }

    /// The mean squared daily log return over up to 1,000 days to this bar.
    #[must_use]
    pub fn long_run_variance(&self, bar: usize) -> f64 {
        let days = bar.clamp(1, LONG_RUN);
        (last(&self.square_sums, bar, days.min(bar)) / days as f64).max(LEAST_VARIANCE)
    }

    /// A feature's value at a bar from its [`Feature::first_bar`] on.
    #[must_use]
    pub fn value(&self, feature: Feature, bar: usize) -> f64 {
        let w = feature.window;
        let (value, days) = match feature.measure {
            Measure::LogReturnLag => (self.log_close[bar + 1 - w] - self.log_close[bar - w], 1.0),
            Measure::Momentum => (self.log_close[bar] - self.log_close[bar - w], w as f64),
            Measure::SmaDistance => ((self.close[bar] / (last(&self.close_sums, bar, w) / w as f64)).ln(), w as f64),
            Measure::Volatility => {
                let (sum, squares) = (last(&self.return_sums, bar, w), last(&self.square_sums, bar, w));
                let deviations = (squares - sum * sum / w as f64).max(0.0);
                ((deviations / (w - 1) as f64).sqrt(), 1.0)
            }
            Measure::Range => (last(&self.range_sums, bar, w) / w as f64, 1.0),
        };
        if feature.scaled { value / (self.long_run_variance(bar) * days).sqrt() } else { value }
    }

    /// Appends a row of features to a matrix.
    pub fn row(&self, features: &[Feature], bar: usize, to: &mut Vec<f64>) {
        to.extend(features.iter().map(|&feature| self.value(feature, bar)));
    }
}

/// The sum of the last `count` values up to and with `bar`.
fn last(sums: &[f64], bar: usize, count: usize) -> f64 {
    sums[bar + 1] - sums[bar + 1 - count]
}

fn running_sums(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    for value in values {
        sum += value;
        sums.push(sum);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(closes: &[f64]) -> Columns {
        Columns {
            days: (0..closes.len() as i32).collect(),
            open: closes.to_vec(),
            high: closes.iter().map(|c| c * 1.01).collect(),
            low: closes.iter().map(|c| c * 0.98).collect(),
            close: closes.to_vec(),
            volume: vec![1; closes.len()],
        }
    }

    #[test]
    fn a_name_leads_to_its_feature_and_back() {
        for name in ["log_return_lag_1", "scaled_sma_distance_50", "momentum_250", "volatility_2", "scaled_range_5"] {
            assert_eq!(name.parse::<Feature>().expect(name).to_string(), name);
        }
        for name in ["", "momentum", "momentum_0", "momentum_251", "volatility_1", "rsi_14", "scaled_", "momentum_x"] {
            assert_eq!(name.parse::<Feature>(), Err(UnknownFeature(name.to_owned())));
        }
    }

    #[test]
    fn every_feature_is_what_its_name_says() {
        let closes: Vec<f64> = (0..80).map(|i| 100.0 + f64::from(i * i % 17)).collect();
        let prepared = Prepared::new(&columns(&closes));
        let (bar, value) = (79, |name: &str| prepared.value(name.parse().expect(name), 79));
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let returns: Vec<f64> = closes.windows(2).map(|p| (p[1] / p[0]).ln()).collect();
        near(value("log_return_lag_1"), returns[78]);
        near(value("log_return_lag_3"), returns[76]);
        near(value("momentum_21"), (closes[bar] / closes[bar - 21]).ln());
        near(value("sma_distance_10"), (closes[bar] / (closes[70..].iter().sum::<f64>() / 10.0)).ln());
        near(value("range_5"), (1.01_f64 / 0.98).ln());
        let recent = &returns[59..];
        let mean = recent.iter().sum::<f64>() / 20.0;
        near(value("volatility_20"), (recent.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 19.0).sqrt());
        let sigma = (returns.iter().map(|r| r * r).sum::<f64>() / 79.0).sqrt();
        near(value("scaled_log_return_lag_1"), returns[78] / sigma);
        near(value("scaled_momentum_21"), value("momentum_21") / (sigma * 21.0_f64.sqrt()));
    }
}
