//! Conformal quantiles: how far closes have really strayed, in units of the volatility that was expected.
//!
//! Split conformal prediction (Vovk et al., "Algorithmic Learning in a Random World", 2005; Lei et al.,
//! "Distribution-Free Predictive Inference for Regression", 2018), a horizon at a time, on residuals that were over
//! at the origin. A symbol with little history leans on the quantiles of the symbols that the model was trained on.

use serde::{Deserialize, Serialize};

use super::HORIZON;

/// Residuals of the symbol's own that weigh as much as the training's quantiles do.
const PRIOR_WEIGHT: f64 = 450.0;

/// Quantiles of the absolute residuals in the training data, a horizon each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    pub absolute80: Vec<f64>,
    pub absolute95: Vec<f64>,
}

impl Conformal {
    /// Whether it has sound quantiles for every horizon.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (narrow, wide) = (&self.absolute80, &self.absolute95);
        narrow.len() == HORIZON
            && wide.len() == HORIZON
            && narrow.iter().zip(wide).all(|(n, w)| n.is_finite() && w.is_finite() && *n > 0.0 && n <= w)
    }

    /// The half widths of the 80 and 95 % bands at a horizon (0 is the next day), in expected standard deviations.
    #[must_use]
    pub fn half_widths(&self, horizon: usize, own: &Histogram) -> (f64, f64) {
        let weight = f64::from(own.count) / (f64::from(own.count) + PRIOR_WEIGHT);
        let blend = |prior: f64, own: f64| prior + weight * (own - prior);
        let narrow = blend(self.absolute80[horizon], own.quantile(0.80));
        let wide = blend(self.absolute95[horizon], own.quantile(0.95));
        (narrow, wide.max(narrow))
    }
}

const COARSE: usize = 64;
const FINE: usize = 16;
const BINS: usize = COARSE * FINE;
/// Absolute residuals from here on count as this.
const TOP: f64 = 8.0;

/// Absolute residuals, counted finely enough that a quantile is off by less than 1/128 of a standard deviation, and
/// found in a few steps however many there are.
#[derive(Debug, Clone)]
pub struct Histogram {
    fine: Vec<u16>,
    coarse: [u32; COARSE],
    count: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { fine: vec![0; BINS], coarse: [0; COARSE], count: 0 }
    }
}

impl Histogram {
    /// Counts a residual.
    pub fn add(&mut self, residual: f64) {
        let bin = ((residual.abs() / TOP * BINS as f64) as usize).min(BINS - 1);
        self.fine[bin] = self.fine[bin].saturating_add(1);
        self.coarse[bin / FINE] += 1;
        self.count += 1;
    }

    /// The value that this share of one residual more would lie below.
    fn quantile(&self, share: f64) -> f64 {
        let rank = share * f64::from(self.count + 1);
        let mut below = 0.0;
        let mut chunk = 0;
        while chunk < COARSE - 1 && below + f64::from(self.coarse[chunk]) < rank {
            below += f64::from(self.coarse[chunk]);
            chunk += 1;
        }
        let mut bin = chunk * FINE;
        let end = bin + FINE - 1;
        while bin < end && below + f64::from(self.fine[bin]) < rank {
            below += f64::from(self.fine[bin]);
            bin += 1;
        }
        let within = ((rank - below) / f64::from(self.fine[bin].max(1))).clamp(0.0, 1.0);
        (bin as f64 + within) / BINS as f64 * TOP
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quantile_is_where_sorting_puts_it(residuals in prop::collection::vec(0.0..7.9_f64, 30..400), share in 0.5..0.95_f64) {
            let mut histogram = Histogram::default();
            let mut sorted = residuals;
            for &residual in &sorted {
                histogram.add(residual);
            }
            sorted.sort_by(f64::total_cmp);
            let rank = (share * (sorted.len() + 1) as f64).ceil() as usize;
            let exact = sorted[rank.clamp(1, sorted.len()) - 1];
            prop_assert!((histogram.quantile(share) - exact).abs() <= 2.0 * TOP / BINS as f64, "{exact}");
        }
    }

    #[test]
    fn little_history_leans_on_the_training() {
        let prior = Conformal { absolute80: vec![1.3; HORIZON], absolute95: vec![2.1; HORIZON] };
        assert_eq!(prior.half_widths(0, &Histogram::default()), (1.3, 2.1));
        let mut own = Histogram::default();
        for i in 0..9_000 {
            own.add(f64::from(i % 100) / 50.0);
        }
        let (narrow, wide) = prior.half_widths(0, &own);
        assert!(narrow > 1.55 && narrow < 1.6 && wide > 1.88 && wide < 1.95, "{narrow} {wide}");
    }
}
