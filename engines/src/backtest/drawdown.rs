//! How far and how long a curve was below its highest point so far.

use crate::market::Day;
use crate::market::exact::change;

/// Each close's distance below the highest equity so far, which begins as the initial cash: 0 at a peak, −0.25 a quarter
/// below it.
#[must_use]
pub fn drawdowns(equity: &[f64], initial_cash: f64) -> Vec<f64> {
    let mut peak = initial_cash;
    equity
        .iter()
        .map(|&e| {
            peak = peak.max(e);
            change(peak, e)
        })
        .collect()
}

/// The lowest of [`drawdowns`], found by doubles and then worked out as a decimal: that takes long for every bar.
pub(super) fn deepest(equity: &[f64], initial_cash: f64) -> f64 {
    let (mut peak, mut left, mut at) = (initial_cash, 1.0, None);
    for &e in equity {
        peak = peak.max(e);
        if e / peak < left {
            (left, at) = (e / peak, Some((peak, e)));
        }
    }
    at.map_or(0.0, |(peak, e)| change(peak, e))
}

/// Equity this close to its peak is at it: buying at a close without fees leaves the equity as it was, but for rounding.
const ROUNDING: f64 = 1e-12;

/// The longest time from a peak to the close that reaches it again, or to the end, in calendar days. The initial cash is
/// a peak of the first day.
pub(super) fn longest_drawdown(days: &[Day], equity: &[f64], initial_cash: f64) -> i32 {
    let (mut peak, mut since) = (initial_cash, days.first().copied().unwrap_or(0));
    let mut longest = 0;
    let mut below = false;
    for (&day, &e) in days.iter().zip(equity) {
        if e >= peak - peak.abs() * ROUNDING {
            if below {
                longest = longest.max(day - since);
            }
            (peak, since, below) = (peak.max(e), day, false);
        } else {
            below = true;
        }
    }
    match days.last() {
        Some(&last) if below => longest.max(last - since),
        _ => longest,
    }
}
