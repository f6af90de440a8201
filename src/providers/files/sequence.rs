//! What days tell by how they follow each other: rows at even distances of a week or more are no daily prices, and
//! dates in which a program has exchanged day and month stand out of turn.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

use crate::market::DateOrder;
use crate::market::dates::Written;
use crate::market::day::{self, Day};

/// Days from which a distance is seen, and rows from which exchanged dates are.
const FEWEST_DAYS: usize = 6;
const FEWEST_ROWS: usize = 5;
/// A weekend lies between days that follow each other.
const NEXT: Day = 3;
/// So many of a hundred gaps are of one length where rows stand for longer than a day; a thinly traded share's vary.
const PERCENT: usize = 80;
const PERIODS: [(&str, RangeInclusive<Day>); 4] =
    [("a week", 6..=8), ("a month", 27..=33), ("a quarter", 85..=98), ("a year", 358..=372)];

/// The dates of a file's rows, in their order.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    dates: Vec<Written>,
}

impl Sequence {
    pub(super) fn add(&mut self, written: &Written) {
        self.dates.push(*written);
    }

    /// Why the rows can't be days as they stand; `are_days` where the file itself says that each is one: shares under an
    /// exchange's watch trade once a week.
    pub(super) fn fault(&self, order: DateOrder, are_days: bool) -> Option<String> {
        self.exchanged(order).or_else(|| self.apart(order).filter(|_| !are_days))
    }

    fn apart(&self, order: DateOrder) -> Option<String> {
        let mut days: Vec<Day> = self.dates.iter().filter_map(|written| written.by(order)).collect();
        days.sort_unstable();
        days.dedup();
        if days.len() < FEWEST_DAYS {
            return None;
        }
        let gaps: Vec<Day> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // The newest row may stand for a period that is going on.
        let (_, earlier) = gaps.split_last()?;
        if earlier.iter().any(|gap| *gap <= NEXT) {
            return None;
        }
        let (period, _) = PERIODS.iter().find(|(_, lengths)| {
            let even = gaps.iter().filter(|&gap| lengths.contains(gap)).count();
            even * 100 >= gaps.len() * PERCENT
        })?;
        Some(format!("its rows are {period} apart; daily prices are needed, one row a day"))
    }

    fn exchanged(&self, order: DateOrder) -> Option<String> {
        let days = |written: &Written| {
            let day = written.by(order)?;
            // The form of the others is the one that their order was decided for.
            Some((day, if written.is_year_first() { with_month_as_day(day) } else { day }))
        };
        let rows: Vec<(Day, Day)> = self.dates.iter().filter_map(days).collect();
        let mut moved = rows.iter().filter(|(day, other)| day != other);
        let example = day::iso(moved.next()?.0);
        let several = moved.next().is_some();
        let as_written = is_in_turn(rows.iter().map(|row| row.0));
        let as_exchanged = is_in_turn(rows.iter().map(|row| row.1));
        if several && rows.len() >= FEWEST_ROWS && !as_written && as_exchanged {
            return Some(format!(
                "its days go to and fro, and would be in order with day and month exchanged in those up to a month's 12th, as \
                 {example}, so that a program seems to have exchanged them; write its dates again as year-month-day, or put \
                 its rows in order if they are right"
            ));
        }
        (self.is_cut_at_the_12th(order) && (!as_written || as_exchanged)).then(|| {
            format!(
                "its dates are written in two ways, the days up to a month's 12th as {example} and the later ones otherwise, so \
                 that a program seems to have exchanged day and month in the first; write all of them one way"
            )
        })
    }

    /// Whether two ways to write dates are parted by what spreadsheets take for a month.
    fn is_cut_at_the_12th(&self, order: DateOrder) -> bool {
        let (mut first, mut others) = (0_usize, 0_usize);
        for written in &self.dates {
            let Some(day) = written.by(order) else { continue };
            let is_low = day::to_date(day).day() <= 12;
            match (written.is_year_first(), written.is_numeric()) {
                (true, _) if is_low => first += 1,
                (false, true) if !is_low => others += 1,
                (false, false) => {}
                _ => return false,
            }
        }
        first > 0 && others > 0
    }
}

/// The day with its month's number for its own, where that is a date.
fn with_month_as_day(day: Day) -> Day {
    let date = day::to_date(day);
    NaiveDate::from_ymd_opt(date.year(), date.day(), date.month()).map_or(day, day::from_date)
}

/// Whether days only rise, or only fall.
fn is_in_turn(days: impl Iterator<Item = Day>) -> bool {
    let (mut before, mut rises, mut falls) = (None, false, false);
    for day in days {
        if let Some(before) = before {
            rises |= day > before;
            falls |= day < before;
        }
        before = Some(day);
    }
    !(rises && falls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::dates;

    fn said<T: AsRef<str>>(texts: &[T]) -> Option<String> {
        let mut sequence = Sequence::default();
        for text in texts {
            sequence.add(&dates::read(text.as_ref()).expect("a date"));
        }
        sequence.fault(DateOrder::Dmy, false)
    }

    /// Days by their distances from 2024-01-05, a Friday.
    fn after(gaps: &[Day]) -> Vec<String> {
        let mut at = day::parse_iso("2024-01-05").expect("a day");
        let mut days = vec![day::iso(at)];
        for gap in gaps {
            at += gap;
            days.push(day::iso(at));
        }
        days
    }

    #[test]
    fn rows_at_even_distances_of_a_week_or_more_are_not_daily() {
        let week = "its rows are a week apart; daily prices are needed, one row a day";
        assert_eq!(said(&after(&[7, 7, 7, 7, 7])).as_deref(), Some(week));
        // A holiday, a week without trades, and a newest row of the week that is going on.
        assert_eq!(said(&after(&[7, 6, 8, 14, 7, 7, 7, 7, 7, 3])).as_deref(), Some(week));
        let falling: Vec<String> = after(&[7; 9]).into_iter().rev().collect();
        assert_eq!(said(&falling).as_deref(), Some(week));
        for (gaps, period) in [(&[31, 29, 31, 30, 31, 30][..], "a month"), (&[91, 91, 92, 92, 90][..], "a quarter")] {
            assert!(said(&after(gaps)).is_some_and(|told| told.contains(period)), "{period}");
        }
    }

    #[test]
    fn days_that_follow_each_other_and_those_of_a_thinly_traded_share_are_daily() {
        for gaps in [
            &[1, 1, 1, 3, 1, 1][..],
            // Too few, irregular, a week at times, and two days in turn among the weeks.
            &[7, 7, 7, 7],
            &[5, 9, 12, 7, 21, 4, 16],
            &[7, 5, 7, 9, 4, 7, 11],
            &[7, 7, 7, 1, 7, 7, 7, 7, 7],
        ] {
            assert_eq!(said(&after(gaps)), None, "{gaps:?}");
        }
    }

    #[test]
    fn dates_with_day_and_month_exchanged_up_to_the_12th_are_told_by_their_order() {
        let rising = ["2024-10-01", "2024-11-01", "2024-12-01", "2024-01-15", "2024-01-16", "2024-01-17"];
        let told = said(&rising).expect("a fault");
        assert!(told.contains("as 2024-10-01") && told.contains("put its rows in order"), "{told}");
        let falling: Vec<&str> = rising.iter().rev().copied().collect();
        assert!(said(&falling).is_some());
        // In order as they are, in none by either way, and too few to tell.
        assert_eq!(said(&["2024-01-10", "2024-01-11", "2024-01-12", "2024-01-15", "2024-01-16", "2024-02-01"]), None);
        assert_eq!(said(&["2024-01-10", "2024-01-15", "2024-01-12", "2024-01-11", "2024-01-16", "2024-02-01"]), None);
        assert_eq!(said(&["2024-10-01", "2024-11-01", "2024-01-15"]), None);
    }

    #[test]
    fn two_ways_to_write_dates_parted_at_the_12th_are_refused_unless_their_order_shows_them_right() {
        let told = said(&["2024-11-01", "2024-12-01", "15/01/2024", "16/01/2024"]).expect("a fault");
        assert!(told.contains("in two ways") && told.contains("2024-11-01"), "{told}");
        assert!(said(&["2024-02-05", "13/02/2024"]).is_some(), "either may be meant");
        assert_eq!(said(&["2024-01-11", "2024-01-12", "15/01/2024", "16/01/2024"]), None);
        assert_eq!(said(&["2024-11-01", "2024-01-15", "12/01/2024", "16/01/2024"]), None);
    }
}
