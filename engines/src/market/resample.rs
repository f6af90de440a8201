//! Weeks and months out of days.

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::day;
use super::names::names;
use super::series::Columns;

/// How long a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
pub enum Interval {
    /// One trading day.
    Day,
    /// Monday to Sunday, dated by its last trading day.
    Week,
    /// A calendar month, dated by its last trading day.
    Month,
}

names!(Interval { Day => "DAY", Week => "WEEK", Month => "MONTH" });

/// Bars of the interval: first open, highest high, lowest low, last close, summed volume, last date. With them comes
/// `last`, the index of each bar's last day in the input, for columns that are sampled rather than combined.
#[must_use]
pub fn resample(columns: Columns, interval: Interval) -> (Columns, Vec<usize>) {
    let period: fn(i32) -> i32 = match interval {
        Interval::Day => {
            let last = (0..columns.len()).collect();
            return (columns, last);
        }
        Interval::Week => |d| (d + 3).div_euclid(7),
        Interval::Month => |d| {
            let date = day::to_date(d);
            date.year() * 12 + date.month0() as i32
        },
    };
    let mut bars = Columns::default();
    let mut last = Vec::new();
    let mut start = 0;
    while start < columns.len() {
        let this = period(columns.days[start]);
        let length = columns.days[start..].iter().take_while(|&&d| period(d) == this).count();
        let end = start + length;
        bars.days.push(columns.days[end - 1]);
        bars.open.push(columns.open[start]);
        bars.high.push(columns.high[start..end].iter().copied().fold(f64::NEG_INFINITY, f64::max));
        bars.low.push(columns.low[start..end].iter().copied().fold(f64::INFINITY, f64::min));
        bars.close.push(columns.close[end - 1]);
        bars.volume.push(columns.volume[start..end].iter().fold(0_i64, |sum, &v| sum.saturating_add(v)));
        last.push(end - 1);
        start = end;
    }
    (bars, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_combines_its_days_and_a_month_its_weeks() {
        // Thursday 2024-02-29 to Tuesday 2024-03-05.
        let start = day::parse_iso("2024-02-29").expect("a date");
        let days = Columns {
            days: vec![start, start + 1, start + 4, start + 5],
            open: vec![10.0, 11.0, 12.0, 13.0],
            high: vec![15.0, 14.0, 13.5, 16.0],
            low: vec![9.0, 10.0, 8.0, 12.0],
            close: vec![11.0, 12.0, 13.0, 14.0],
            volume: vec![1, 2, 3, 4],
        };
        let (weeks, last) = resample(days.clone(), Interval::Week);
        assert_eq!(weeks.days, [start + 1, start + 5]);
        assert_eq!((weeks.open, weeks.high, weeks.low), (vec![10.0, 12.0], vec![15.0, 16.0], vec![9.0, 8.0]));
        assert_eq!((weeks.close, weeks.volume, last), (vec![12.0, 14.0], vec![3, 7], vec![1, 3]));
        let (months, _) = resample(days, Interval::Month);
        assert_eq!((months.days, months.volume), (vec![start, start + 5], vec![1, 9]));
    }
}
