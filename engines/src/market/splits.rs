//! Share splits: from the provider's coefficients, from adjusted closes, or found in raw prices.

use serde::{Deserialize, Serialize};

use super::bar::Bar;
use super::day::Day;

/// A split that took effect before this day's open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    pub day: Day,
    /// New shares for one old share: 4 is a 4:1 split, 0.1 a 1:10 consolidation.
    pub ratio: f64,
    /// Found in the prices rather than named by the provider.
    pub detected: bool,
}

impl Split {
    /// Whether the day's fall is rather that of what was paid on its shares, and no split.
    #[must_use]
    pub fn is_rather_paid(&self, paid: f64, open: f64, previous_close: f64) -> bool {
        let moved = (open / (previous_close - paid)).ln();
        moved.abs() < (moved + self.ratio.ln()).abs()
    }
}

/// Ratios that companies really choose, new shares for one old. Smaller ones can't be told from a bad day.
const PLAUSIBLE: [f64; 13] = [1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 50.0];
/// How far the open may stray from the split-adjusted close before, as a log ratio.
const OPEN_TOLERANCE: f64 = 0.045;
/// How far the close may.
const CLOSE_TOLERANCE: f64 = 0.12;
/// A crash trades many times the usual money, a split does not.
const TURNOVER_SURGE: f64 = 4.0;
/// Bars that "usual" is taken over.
const TURNOVER_WINDOW: usize = 20;
/// Days between two bars of which the later one still tells of a split; over months a price halves by itself.
const LONGEST_PAUSE: Day = 30;
/// A change of the adjustment factor from one bar to the next that no dividend explains.
const FACTOR_JUMP: f64 = 1.19;

/// All splits of a series of bars in ascending order of days.
#[must_use]
pub fn find(bars: &[Bar]) -> Vec<Split> {
    let mut splits = Vec::new();
    for (t, bar) in bars.iter().enumerate() {
        let before = t.checked_sub(1).map(|i| &bars[i]);
        let split = match (bar.split, before) {
            (Some(ratio), _) => (ratio != 1.0 && ratio > 0.0).then_some(Split { day: bar.day, ratio, detected: false }),
            (None, Some(before)) => match (before.adjusted_close, bar.adjusted_close) {
                (Some(was), Some(is)) => from_factors(was / before.close, is / bar.close),
                _ => from_prices(bars, t),
            }
            .map(|ratio| Split { day: bar.day, ratio, detected: true }),
            (None, None) => None,
        };
        splits.extend(split);
    }
    splits
}

fn from_factors(before: f64, after: f64) -> Option<f64> {
    let ratio = after / before;
    if !ratio.is_finite() || ratio.max(1.0 / ratio) < FACTOR_JUMP {
        return None;
    }
    // A dividend on the same day blurs the factor a little, so the nearest plausible ratio is the likelier truth.
    Some(nearest_plausible(ratio, OPEN_TOLERANCE).unwrap_or(ratio))
}

fn from_prices(bars: &[Bar], t: usize) -> Option<f64> {
    let (before, bar) = (&bars[t - 1], &bars[t]);
    if bar.day - before.day > LONGEST_PAUSE {
        return None;
    }
    let ratio = nearest_plausible(before.close / bar.open, OPEN_TOLERANCE)?;
    let close_strays = (before.close / bar.close / ratio).ln().abs() > CLOSE_TOLERANCE;
    let past = &bars[t.saturating_sub(TURNOVER_WINDOW)..t];
    let mut turnover: Vec<f64> = past.iter().map(|b| b.close * b.volume as f64).collect();
    turnover.sort_by(f64::total_cmp);
    let usual = turnover[turnover.len() / 2];
    let surge = usual > 0.0 && bar.close * bar.volume as f64 > TURNOVER_SURGE * usual;
    (!close_strays && !surge).then_some(ratio)
}

fn nearest_plausible(ratio: f64, tolerance: f64) -> Option<f64> {
    PLAUSIBLE
        .iter()
        .flat_map(|&r| [r, 1.0 / r])
        .map(|r| (r, (ratio / r).ln().abs()))
        .filter(|&(_, distance)| distance <= tolerance)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(r, _)| r)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::DataSource;
    use crate::market::Series;

    fn raw(day: Day, close: f64, volume: i64) -> Bar {
        Bar {
            day,
            open: close,
            high: close * 1.01,
            low: close * 0.99,
            close,
            adjusted_close: None,
            volume,
            split: None,
            source: DataSource::AlphaVantage,
        }
    }

    #[test]
    fn a_split_is_found_in_raw_prices_and_adjusts_what_came_before() {
        let bars = [raw(0, 100.0, 10), raw(1, 102.0, 11), raw(2, 51.5, 20), raw(3, 52.0, 21)];
        let splits = find(&bars);
        assert_eq!(splits, [Split { day: 2, ratio: 2.0, detected: true }]);
        assert_eq!(Series::of_bars(&bars, &splits, &[]).adjusted_close, [50.0, 51.0, 51.5, 52.0]);
    }

    #[test]
    fn what_a_hole_of_months_did_is_not_a_split() {
        assert_eq!(find(&[raw(0, 100.0, 10), raw(LONGEST_PAUSE, 50.0, 20)]).len(), 1);
        assert_eq!(find(&[raw(0, 100.0, 10), raw(LONGEST_PAUSE + 1, 50.0, 20)]), []);
    }

    #[test]
    fn a_crash_is_not_a_split() {
        // Apple on 2000-09-29: the price halved on 19 times the usual volume.
        let mut crash = raw(2, 25.75, 132_000_000);
        crash.open = 28.19;
        assert_eq!(find(&[raw(0, 53.0, 7_000_000), raw(1, 53.5, 7_000_000), crash]), []);
    }

    #[test]
    fn what_a_dividend_explains_is_no_split() {
        let split = |ratio: f64| Split { day: 2, ratio, detected: true };
        assert!(split(2.0).is_rather_paid(500.0, 500.0, 1000.0) && split(1.5).is_rather_paid(100.0, 201.0, 300.0));
        assert!(!split(2.0).is_rather_paid(2.0, 499.0, 1000.0), "a split beside a small dividend");
        assert!(!split(2.0).is_rather_paid(200.0, 400.0, 1000.0) && !split(2.0).is_rather_paid(1000.0, 500.0, 1000.0));
    }

    #[test]
    fn the_providers_coefficients_are_believed_and_its_ones_too() {
        let mut bars = [raw(0, 700.0, 10), raw(1, 100.0, 70), raw(2, 50.0, 140)];
        bars[1].split = Some(7.000_007_000_01);
        bars[2].split = Some(1.0);
        assert_eq!(find(&bars), [Split { day: 1, ratio: 7.000_007_000_01, detected: false }]);
    }

    #[test]
    fn a_split_after_the_last_adjusted_close_scales_all_before() {
        let mut bars = [raw(0, 100.0, 10), raw(1, 100.0, 10), raw(2, 50.0, 20)];
        bars[0].adjusted_close = Some(98.0);
        bars[1].adjusted_close = Some(100.0);
        assert_eq!(Series::of_bars(&bars, &find(&bars), &[]).adjusted_close, [49.0, 50.0, 50.0]);
    }
}
