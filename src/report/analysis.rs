//! What a report shows beyond the metrics: the curve by month and year, its falls, how it changed, how returns spread.

use chrono::Datelike;
use serde::Serialize;

use crate::market::exact::change;
use crate::market::{Day, day};

/// Trading days of a rolling window: half a year.
pub const ROLLING: usize = 126;
/// Falls that are listed.
pub const WORST: usize = 10;
/// Below this share of a window in the market, its figures are noise.
pub const LEAST_EXPOSURE: f64 = 0.1;
/// Trading days of a year.
const YEAR: f64 = 252.0;

/// A calendar year of a curve; `None` where it has no day of a month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Year {
    pub year: i32,
    /// Twelve returns, from the last close of the month before.
    pub months: Vec<Option<f64>>,
    pub total: f64,
    /// The same year of buying and holding.
    pub buy_and_hold: f64,
}

/// A fall of a curve from a peak, until it's back there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fall {
    pub peak: String,
    pub trough: String,
    /// `None` if it hasn't recovered by the end.
    pub recovery: Option<String>,
    /// At most 0.
    pub depth: f64,
    /// Calendar days from the peak to the recovery, or to the end.
    pub days: i32,
}

/// Sharpe ratio and volatility over the last half year, a value a day from the first whole window on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rolling {
    pub window: usize,
    /// Index of the first day that has values.
    pub first: usize,
    /// `None` where nothing moved.
    pub sharpe: Vec<Option<f64>>,
    pub volatility: Vec<f64>,
    /// The same of holding.
    #[serde(skip)]
    pub hold_sharpe: Vec<Option<f64>>,
    #[serde(skip)]
    pub hold_volatility: Vec<f64>,
    /// Share of the window with a position.
    #[serde(skip)]
    pub exposure: Vec<f64>,
}

/// How daily returns spread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// The first bin's lower end, as a ratio.
    pub from: f64,
    pub width: f64,
    /// Days in each bin; what lies beyond the ends is in the outer ones.
    pub days: Vec<u32>,
    pub mean: f64,
    pub deviation: f64,
    /// The 5 % quantile of daily returns.
    pub fifth_percentile: Option<f64>,
    /// Days without a position or change, left out above.
    pub idle: u32,
}

/// Returns by month and year; the first month counts from the initial cash.
#[must_use]
pub fn years(days: &[Day], equity: &[f64], buy_and_hold: &[f64], initial_cash: f64) -> Vec<Year> {
    let mut years: Vec<Year> = Vec::new();
    // Values at the ends of the month, the year, and the year of buying and holding, before the current ones.
    let (mut month_base, mut year_base, mut hold_base) = (initial_cash, initial_cash, initial_cash);
    for (i, &d) in days.iter().enumerate() {
        let date = day::to_date(d);
        let next = days.get(i + 1).map(|&d| day::to_date(d));
        if years.last().is_none_or(|year| year.year != date.year()) {
            years.push(Year { year: date.year(), months: vec![None; 12], total: 0.0, buy_and_hold: 0.0 });
        }
        let Some(year) = years.last_mut() else { continue };
        if next.is_none_or(|next| (next.year(), next.month()) != (date.year(), date.month())) {
            year.months[date.month0() as usize] = Some(change(month_base, equity[i]));
            month_base = equity[i];
        }
        if next.is_none_or(|next| next.year() != date.year()) {
            year.total = change(year_base, equity[i]);
            year.buy_and_hold = change(hold_base, buy_and_hold[i]);
            (year_base, hold_base) = (equity[i], buy_and_hold[i]);
        }
    }
    years
}

/// The deepest falls, the deepest first. The initial cash is a peak of the first day.
#[must_use]
pub fn falls(days: &[Day], equity: &[f64], initial_cash: f64) -> Vec<Fall> {
    let mut falls = Vec::new();
    // The peak's bar and equity, and the lowest bar since.
    let (mut peak, mut top, mut trough): (usize, f64, Option<usize>) = (0, initial_cash, None);
    let mut close = |peak: usize, top: f64, trough: Option<usize>, recovery: Option<usize>| {
        let Some(trough) = trough else { return };
        let end = recovery.unwrap_or(days.len() - 1);
        falls.push(Fall {
            peak: day::iso(days[peak]),
            trough: day::iso(days[trough]),
            recovery: recovery.map(|i| day::iso(days[i])),
            depth: change(top, equity[trough]),
            days: days[end] - days[peak],
        });
    };
    for (i, &e) in equity.iter().enumerate() {
        // Buying at a close without fees leaves the equity as it was, but for rounding.
        if e >= top - top.abs() * 1e-12 {
            close(peak, top, trough, Some(i));
            (peak, top, trough) = (i, e, None);
        } else if trough.is_none_or(|trough| e < equity[trough]) {
            trough = Some(i);
        }
    }
    close(peak, top, trough, None);
    falls.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    falls.truncate(WORST);
    falls
}

/// Daily returns of a curve.
fn returns(equity: &[f64]) -> Vec<f64> {
    equity.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect()
}

/// Rolling Sharpe ratio and volatility, of holding as well; `None` if the curve is shorter than a window.
#[must_use]
pub fn rolling(equity: &[f64], hold: &[f64], held: &[bool]) -> Option<Rolling> {
    let (sharpe, volatility) = windows(equity)?;
    let (hold_sharpe, hold_volatility) = windows(hold)?;
    let mut inside = 0_u32;
    let mut exposure = Vec::with_capacity(sharpe.len());
    for (i, &now) in held.iter().enumerate() {
        inside += u32::from(now);
        if i >= ROLLING {
            inside -= u32::from(held[i - ROLLING]);
            exposure.push(f64::from(inside) / ROLLING as f64);
        }
    }
    Some(Rolling { window: ROLLING, first: ROLLING, sharpe, volatility, hold_sharpe, hold_volatility, exposure })
}

/// Sharpe ratio and volatility of each window of a curve's daily returns.
fn windows(curve: &[f64]) -> Option<(Vec<Option<f64>>, Vec<f64>)> {
    let returns = returns(curve);
    if returns.len() < ROLLING {
        return None;
    }
    let n = ROLLING as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    let (mut sharpe, mut volatility) = (Vec::new(), Vec::new());
    for (i, &r) in returns.iter().enumerate() {
        sum += r;
        squares += r * r;
        if i >= ROLLING {
            let old = returns[i - ROLLING];
            sum -= old;
            squares -= old * old;
        }
        if i + 1 >= ROLLING {
            let deviation = ((squares - sum * sum / n).max(0.0) / (n - 1.0)).sqrt();
            // What rounding leaves of no movement is none.
            let moved = deviation > 1e-9;
            sharpe.push(moved.then(|| sum / n / deviation * YEAR.sqrt()));
            volatility.push(if moved { deviation * YEAR.sqrt() } else { 0.0 });
        }
    }
    Some((sharpe, volatility))
}

const BINS: usize = 41;

/// How the returns of the days that moved spread, in bins around zero.
#[must_use]
pub fn distribution(equity: &[f64]) -> Distribution {
    let all = returns(equity);
    // What rounding leaves of no movement is none.
    let mut moved: Vec<f64> = all.iter().copied().filter(|r| r.abs() > 1e-12).collect();
    moved.sort_by(f64::total_cmp);
    let count = moved.len();
    let quantile = |share: f64| moved.get((count.saturating_sub(1) as f64 * share).round() as usize).copied();
    // As wide as holds all but one in a hundred.
    let reach = quantile(0.005).unwrap_or(0.0).abs().max(quantile(0.995).unwrap_or(0.0).abs()).max(0.001);
    let width = 2.0 * reach / BINS as f64;
    let mut days = vec![0; BINS];
    for r in &moved {
        let bin = ((r + reach) / width).floor().clamp(0.0, (BINS - 1) as f64) as usize;
        days[bin] += 1;
    }
    let mean = moved.iter().sum::<f64>() / count.max(1) as f64;
    let squares = moved.iter().map(|r| (r - mean).powi(2)).sum::<f64>();
    Distribution {
        from: -reach,
        width,
        days,
        mean,
        deviation: (squares / count.saturating_sub(1).max(1) as f64).sqrt(),
        fifth_percentile: quantile(0.05),
        idle: (all.len() - count) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Day {
        day::parse_iso(text).expect("a date")
    }

    #[test]
    fn months_and_years_chain_to_the_whole() {
        let days = [d("2020-11-30"), d("2020-12-15"), d("2020-12-31"), d("2021-01-29"), d("2021-03-01")];
        let years = years(&days, &[100.0, 105.0, 110.0, 99.0, 121.0], &[100.0, 100.0, 120.0, 120.0, 60.0], 100.0);
        let near = |a: Option<f64>, b: f64| assert!((a.expect("a return") - b).abs() < 1e-12, "{a:?} {b}");
        assert_eq!(years.iter().map(|y| y.year).collect::<Vec<_>>(), [2020, 2021]);
        near(years[0].months[10], 0.0);
        near(years[0].months[11], 0.1);
        near(Some(years[0].total), 0.1);
        near(Some(years[0].buy_and_hold), 0.2);
        near(years[1].months[0], -0.1);
        assert_eq!(years[1].months[1], None);
        near(years[1].months[2], 121.0 / 99.0 - 1.0);
        near(Some(years[1].buy_and_hold), -0.5);
    }

    #[test]
    fn falls_go_from_a_peak_to_its_recovery() {
        let days: Vec<Day> = (0..7).collect();
        let found = falls(&days, &[100.0, 80.0, 90.0, 100.0, 120.0, 60.0, 110.0], 100.0);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].depth, found[0].days, &found[0].recovery), (-0.5, 2, &None));
        assert!((found[1].depth + 0.2).abs() < 1e-12 && found[1].days == 3);
        assert_eq!(found[1].recovery, Some(day::iso(3)));
        assert_eq!(falls(&days, &[1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1.0), []);
        let at_once = falls(&days, &[0.9, 0.9, 2.0, 3.0, 4.0, 5.0, 6.0], 1.0);
        assert!((at_once[0].depth + 0.1).abs() < 1e-12 && at_once[0].days == 2, "costs of the first bar");
    }

    #[test]
    fn rolling_figures_begin_with_the_first_whole_window() {
        let equity: Vec<f64> =
            (0..200).map(|i| 100.0 * 1.001_f64.powi(i) * if i % 2 == 0 { 1.0 } else { 1.01 }).collect();
        let rolled = rolling(&equity, &equity, &[true; 200]).expect("a window");
        assert_eq!(rolled.sharpe.len(), 199 - ROLLING + 1);
        let window = &returns(&equity)[199 - ROLLING..];
        let mean = window.iter().sum::<f64>() / ROLLING as f64;
        let deviation = (window.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (ROLLING - 1) as f64).sqrt();
        let last = rolled.sharpe.last().copied().flatten().expect("a ratio");
        assert!((last - mean / deviation * YEAR.sqrt()).abs() < 1e-9);
        assert_eq!((rolled.exposure.len(), rolled.exposure[0]), (rolled.sharpe.len(), 1.0));
        assert_eq!(rolling(&equity[..ROLLING], &equity[..ROLLING], &[true; ROLLING]), None);
        assert_eq!(rolling(&[1.0; 200], &[1.0; 200], &[false; 200]).expect("a window").sharpe[0], None);
    }

    #[test]
    fn every_day_that_moved_is_in_a_bin() {
        let equity = [100.0, 101.0, 101.0, 99.0, 104.0];
        let spread = distribution(&equity);
        assert_eq!((spread.days.iter().sum::<u32>(), spread.idle), (3, 1));
        assert_eq!(distribution(&[]).days.iter().sum::<u32>(), 0);
    }
}
