//! Weeks and months out of days.

use chrono::Datelike;
use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::day;
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

impl Interval {
    const NAMES: [(Self, &'static str); 3] = [(Self::Day, "DAY"), (Self::Week, "WEEK"), (Self::Month, "MONTH")];

    /// As the schema spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(interval, _)| *interval == self).map_or("", |(_, name)| name)
    }

    /// The one that the schema spells so.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(interval, _)| *interval)
    }
}

/// Bars of the interval: first open, highest high, lowest low, last close, summed volume, last date. With them comes
/// `last`, the index of each bar's last day in the input, for columns that are sampled rather than combined.
///
/// # Errors
/// When polars refuses the plan, which columns of equal length never cause.
pub fn resample(columns: Columns, interval: Interval) -> PolarsResult<(Columns, Vec<usize>)> {
    let period = |d: i32| match interval {
        Interval::Day => d,
        Interval::Week => (d + 3).div_euclid(7),
        Interval::Month => {
            let date = day::to_date(d);
            date.year() * 12 + date.month0() as i32
        }
    };
    if interval == Interval::Day {
        let last = (0..columns.len()).collect();
        return Ok((columns, last));
    }
    let periods: Vec<i32> = columns.days.iter().map(|&d| period(d)).collect();
    let positions: Vec<u32> = (0..columns.len() as u32).collect();
    let frame = df!(
        "period" => periods, "position" => positions, "day" => columns.days, "open" => columns.open,
        "high" => columns.high, "low" => columns.low, "close" => columns.close, "volume" => columns.volume,
    )?
    .lazy()
    .group_by_stable([col("period")])
    .agg([
        col("position").last(),
        col("day").last(),
        col("open").first(),
        col("high").max(),
        col("low").min(),
        col("close").last(),
        col("volume").sum(),
    ])
    .collect()?;
    let floats = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.f64()?.into_no_null_iter().collect::<Vec<_>>());
    let resampled = Columns {
        days: frame.column("day")?.i32()?.into_no_null_iter().collect(),
        open: floats("open")?,
        high: floats("high")?,
        low: floats("low")?,
        close: floats("close")?,
        volume: frame.column("volume")?.i64()?.into_no_null_iter().collect(),
    };
    let last = frame.column("position")?.u32()?.into_no_null_iter().map(|i| i as usize).collect();
    Ok((resampled, last))
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
        let (weeks, last) = resample(days.clone(), Interval::Week).expect("a plan that works");
        assert_eq!(weeks.days, [start + 1, start + 5]);
        assert_eq!((weeks.open, weeks.high, weeks.low), (vec![10.0, 12.0], vec![15.0, 16.0], vec![9.0, 8.0]));
        assert_eq!((weeks.close, weeks.volume, last), (vec![12.0, 14.0], vec![3, 7], vec![1, 3]));
        let (months, _) = resample(days, Interval::Month).expect("a plan that works");
        assert_eq!((months.days, months.volume), (vec![start, start + 5], vec![1, 9]));
    }
}
