//! A linear model of the log returns to the next days, one row of coefficients a day.

use serde::{Deserialize, Serialize};

use super::HORIZON;
use super::features::{Feature, Prepared};

/// What the coefficients predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The log return from the last close to that of the day.
    LogReturn,
    /// The same over the symbol's own volatility and the root of the days, so that symbols share it.
    ScaledLogReturn,
}

/// Coefficients, a row a day ahead with the intercept first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    pub target: Target,
    /// What every prediction is multiplied with: 0 is "no change", 1 the coefficients as they are.
    pub shrinkage: f64,
    pub horizons: Vec<Vec<f64>>,
}

impl Target {
    /// What a prediction so many days ahead is multiplied with to be a log return.
    pub(super) fn unit(self, prepared: &Prepared, bar: usize, days: usize) -> f64 {
        match self {
            Self::LogReturn => 1.0,
            Self::ScaledLogReturn => (prepared.long_run_variance(bar) * days as f64).sqrt(),
        }
    }
}

impl Linear {
    /// How many days ahead it sees.
    #[must_use]
    pub fn horizon(&self) -> usize {
        self.horizons.len()
    }

    /// Why these can't be coefficients for so many features.
    #[must_use]
    pub fn fault(&self, features: usize) -> Option<String> {
        if self.horizons.is_empty() || self.horizons.len() > HORIZON {
            return Some(format!("it has {} horizons; 1 to {HORIZON} are possible", self.horizons.len()));
        }
        if let Some(at) = self.horizons.iter().position(|row| row.len() != features + 1) {
            let count = self.horizons[at].len();
            return Some(format!(
                "horizon {} has {count} coefficients, but an intercept and {features} features make {}",
                at + 1,
                features + 1
            ));
        }
        let finite = self.shrinkage.is_finite() && self.horizons.iter().flatten().all(|c| c.is_finite());
        (!finite).then(|| "a coefficient is not a finite number".to_owned())
    }

    /// Appends the expected log returns at a bar to `to`.
    pub(super) fn predict(&self, features: &[Feature], prepared: &Prepared, bar: usize, to: &mut Vec<f64>) {
        let row: Vec<f64> = features.iter().map(|&feature| prepared.value(feature, bar)).collect();
        to.extend(self.horizons.iter().enumerate().map(|(h, coefficients)| {
            let sum = coefficients[1..].iter().zip(&row).fold(coefficients[0], |sum, (c, value)| sum + c * value);
            sum * self.target.unit(prepared, bar, h + 1) * self.shrinkage
        }));
    }
}
