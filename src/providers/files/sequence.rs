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
/// Of dates that follow each other once exchanged.
const FEWEST_NEAR: usize = 3;
/// A weekend lies between days that follow each other, and a holiday beside it at times.
const NEXT: Day = 3;
const NEAR: Day = 4;
/// What day and month exchanged make of a distance of a day.
const MONTH: Day = 27;
/// So many of a hundred gaps are of one length where rows stand for longer than a day; a thinly traded share's vary.
const PERCENT: usize = 80;
const PERIODS: [(&str, RangeInclusive<Day>); 6] = [
    ("a week", 6..=8),
    ("two weeks", 13..=15),
    ("a month", 27..=33),
    ("a quarter", 85..=98),
    ("half a year", 176..=189),
    ("a year", 358..=372),
];
/// Shorter than any of them.
const SHORT: Day = 6;
/// Rows of weeks keep their weekday, but for a day's shift by a holiday in so many of them.
const ROWS_A_SHIFT: usize = 5;
/// Rows up to a month's 12th are two of five, so that exchanged ones put at least this share of all on weekends.
const WEEKENDS: usize = 3;
const ROWS_A_WEEKEND: usize = 20;
/// Days after the 12th from which it's seen that a share isn't traded on weekends.
const FEWEST_LATER: usize = 10;

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
        // The newest rows may stand for a period that is going on, and for today.
        let newest = days.windows(2).rev().take(2).take_while(|pair| pair[1] - pair[0] < SHORT).count();
        days.truncate(days.len() - newest);
        let gaps: Vec<Day> = gaps(&days).collect();
        let fewest = FEWEST_DAYS - usize::from(newest == 1);
        if days.len() < fewest || gaps.iter().any(|gap| *gap <= NEXT) {
            return None;
        }
        let (period, lengths) = PERIODS.iter().find(|(_, lengths)| {
            let even = gaps.iter().filter(|&gap| lengths.contains(gap)).count();
            even * 100 >= gaps.len() * PERCENT
        })?;
        if *lengths.end() < MONTH && !keep_their_weekday(&days) {
            return None;
        }
        Some(format!(
            "its rows are {period} apart; daily prices are needed, one row a day; if each row is a single day's, say so by a \
             column \"period\" with D in every row"
        ))
    }

    fn exchanged(&self, order: DateOrder) -> Option<String> {
        let days = |written: &Written| {
            let day = written.by(order)?;
            // Of numbers the order has been decided; a spreadsheet writes what it takes for a date in its own form.
            Some((day, if written.is_numeric() { day } else { with_month_as_day(day) }))
        };
        let rows: Vec<(Day, Day)> = self.dates.iter().filter_map(days).collect();
        let moved: Vec<(Day, Day)> = rows.iter().copied().filter(|(day, other)| day != other).collect();
        let example = day::iso(moved.first()?.0);
        let (written, exchanged): (Vec<Day>, Vec<Day>) = rows.into_iter().unzip();
        let (as_written, as_exchanged) = (is_in_turn(&written), is_in_turn(&exchanged));
        if self.is_cut_at_the_12th(order) && (!as_written || as_exchanged) {
            return Some(format!(
                "its dates are written in two ways, the days up to a month's 12th as {example} and the later ones otherwise, so \
                 that a program seems to have exchanged day and month in the first; write all of them one way"
            ));
        }
        let are_enough = (moved.len() > 1 && written.len() >= FEWEST_ROWS) || follow_each_other(&exchanged);
        if are_enough && !as_written && as_exchanged {
            return Some(format!(
                "its days go to and fro, and would be in order with day and month exchanged in those up to a month's 12th, as \
                 {example}, so that a program seems to have exchanged them; write its dates again as year-month-day, or put \
                 its rows in order if they are right"
            ));
        }
        let (moved, back): (Vec<Day>, Vec<Day>) = moved.into_iter().unzip();
        if follow_each_other(&back) && gaps(&moved).all(|gap| gap >= MONTH) {
            return Some(format!(
                "its days up to a month's 12th, as {example}, are a month apart or more, and would follow each other with day \
                 and month exchanged, so that a program seems to have exchanged them; write its dates again as year-month-day \
                 (rows of months are no daily prices)"
            ));
        }
        are_off_weekends(&written, &exchanged).then(|| {
            format!(
                "some of its days up to a month's 12th, as {example}, lie on weekends, and none of the later ones does: with day \
                 and month exchanged they would lie on weekdays, so that a program seems to have exchanged them; write its \
                 dates again as year-month-day"
            )
        })
    }

    /// Whether two ways to write dates are parted by what spreadsheets take for a month.
    fn is_cut_at_the_12th(&self, order: DateOrder) -> bool {
        let (mut first, mut others) = (0_usize, 0_usize);
        for written in &self.dates {
            let Some(day) = written.by(order) else { continue };
            match (written.is_numeric(), dom(day) <= 12) {
                (false, true) => first += 1,
                (true, false) => others += 1,
                _ => return false,
            }
        }
        first > 0 && others > 0
    }
}

/// The day of the month.
fn dom(day: Day) -> u32 {
    day::to_date(day).day()
}

/// The day with its month's number for its own, where that is a date.
fn with_month_as_day(day: Day) -> Day {
    let date = day::to_date(day);
    NaiveDate::from_ymd_opt(date.year(), date.day(), date.month()).map_or(day, day::from_date)
}

/// The distances from row to row.
fn gaps(days: &[Day]) -> impl Iterator<Item = Day> {
    days.windows(2).map(|pair| (pair[1] - pair[0]).abs())
}

/// Whether days only rise, or only fall.
fn is_in_turn(days: &[Day]) -> bool {
    days.is_sorted() || days.is_sorted_by(|day, next| day >= next)
}

/// Whether each day is next to the one before it.
fn follow_each_other(days: &[Day]) -> bool {
    days.len() >= FEWEST_NEAR && gaps(days).all(|gap| gap <= NEAR)
}

/// Whether days lie on one weekday but for holidays: weeks are named for their first day of trade, or their last one.
fn keep_their_weekday(days: &[Day]) -> bool {
    let shift = |day: Day, weekday: Day| {
        let ahead = (day - weekday).rem_euclid(7);
        ahead.min(7 - ahead)
    };
    let shifts = (0..7).map(|weekday| days.iter().map(|&day| shift(day, weekday)).sum::<Day>()).min();
    shifts.is_some_and(|shifts| shifts <= (days.len() / ROWS_A_SHIFT) as Day)
}

/// Whether days lie on weekends as they are written, and hardly any do with those of them exchanged that may be. Where
/// shares trade on a Saturday or a Sunday each week, later days of months lie there, too.
fn are_off_weekends(written: &[Day], exchanged: &[Day]) -> bool {
    let weekends = |days: &[Day]| days.iter().filter(|&&day| day::is_weekend(day)).count();
    let (before, after) = (weekends(written), weekends(exchanged));
    before >= WEEKENDS
        && before * ROWS_A_WEEKEND >= written.len()
        && after * 10 <= before
        && written.iter().filter(|&&day| dom(day) > 12).count() >= FEWEST_LATER
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

    fn parse(text: &str) -> Day {
        day::parse_iso(text).expect("a day")
    }

    /// Days by their distances from 2024-01-05, a Friday.
    fn after(gaps: &[Day]) -> Vec<String> {
        let mut at = parse("2024-01-05");
        let mut days = vec![day::iso(at)];
        for gap in gaps {
            at += gap;
            days.push(day::iso(at));
        }
        days
    }

    /// A market's days from one day to another.
    fn market(from: &str, to: &str, is_open: fn(Day) -> bool) -> Vec<Day> {
        (parse(from)..=parse(to)).filter(|&day| is_open(day)).collect()
    }

    fn is_weekday(day: Day) -> bool {
        !day::is_weekend(day)
    }

    fn written(days: &[Day], form: &str) -> Vec<String> {
        days.iter().map(|&day| day::to_date(day).format(form).to_string()).collect()
    }

    #[test]
    fn rows_at_even_distances_of_a_week_or_more_are_not_daily() {
        for gaps in [
            &[7, 7, 7, 7, 7][..],
            // A holiday, a week without trades, and a newest row of the week that is going on, or also today's.
            &[7, 6, 8, 14, 7, 7, 7, 7, 7, 3],
            &[7, 7, 7, 7, 7, 7, 2, 1],
            &[7, 7, 7, 7, 2],
            &[7, 7, 6, 8, 7, 7, 7],
        ] {
            let told = said(&after(gaps)).unwrap_or_default();
            let week = "its rows are a week apart; daily prices are needed, one row a day; if each row is a single day's, say so";
            assert!(told.starts_with(week) && told.contains("\"period\" with D"), "{gaps:?}: {told}");
        }
        let falling: Vec<String> = after(&[7; 9]).into_iter().rev().collect();
        assert!(said(&falling).is_some());
        for (gaps, period) in [
            (&[14, 14, 14, 14, 14, 14][..], "two weeks"),
            (&[31, 29, 30, 31, 30, 31][..], "a month"),
            (&[91, 91, 92, 92, 90][..], "a quarter"),
            (&[178, 184, 181, 186, 182, 184][..], "half a year"),
            (&[366, 365, 364, 366, 365][..], "a year"),
        ] {
            let told = said(&after(gaps)).unwrap_or_default();
            assert!(told.contains(&format!("are {period} apart")), "{period}: {told}");
        }
    }

    #[test]
    fn a_year_of_weeks_with_mondays_off_is_not_daily() {
        let off = ["2024-01-15", "2024-02-19", "2024-05-27", "2024-09-02"].map(parse);
        let mondays = (0..52).map(|n| parse("2024-01-08") + n * 7);
        let days: Vec<Day> = mondays.map(|day| if off.contains(&day) { day + 1 } else { day }).collect();
        assert!(said(&written(&days, "%Y-%m-%d")).is_some());
    }

    #[test]
    fn days_that_follow_each_other_and_those_of_a_thinly_traded_share_are_daily() {
        for gaps in [
            &[1, 1, 1, 3, 1, 1][..],
            // Too few, irregular, a week at times, about a week each time, and two days in turn among the weeks.
            &[7, 7, 7, 7],
            &[5, 9, 12, 7, 21, 4, 16],
            &[7, 5, 7, 9, 4, 7, 11],
            &[6, 8, 7, 6, 6, 8, 7, 8],
            &[7, 8, 8, 7, 6, 7, 8, 14, 6],
            &[14, 13, 15, 15, 14, 13, 13],
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
        for exchanged in [
            &["2024-10-01", "2024-11-01", "2024-01-15"][..],
            &["2024-11-03", "2024-12-03", "2024-03-13", "2024-03-14"],
            &["2024-12-03", "2024-03-13", "2024-03-14"],
        ] {
            assert!(said(exchanged).is_some_and(|told| told.contains("to and fro")), "{exchanged:?}");
        }
        // In order as they are, in none by either way, and too few to tell.
        assert_eq!(said(&["2024-01-10", "2024-01-11", "2024-01-12", "2024-01-15", "2024-01-16", "2024-02-01"]), None);
        assert_eq!(said(&["2024-01-10", "2024-01-15", "2024-01-12", "2024-01-11", "2024-01-16", "2024-02-01"]), None);
        assert_eq!(said(&["2024-10-01", "2024-01-15"]), None);
    }

    #[test]
    fn words_for_months_are_exchanged_like_numbers() {
        let march = market("2024-03-04", "2024-03-22", is_weekday);
        let exchanged: Vec<Day> = march.iter().map(|&day| with_month_as_day(day)).collect();
        assert!(said(&written(&exchanged, "%d-%b-%y")).is_some_and(|told| told.contains("to and fro")));
        assert!(said(&written(&exchanged, "%d %B %Y")).is_some());
        let (low, high) = exchanged.split_at(7);
        let mixed = [written(low, "%d-%b-%y"), written(high, "%d-%m-%Y")].concat();
        assert!(said(&mixed).is_some_and(|told| told.contains("in two ways")), "{mixed:?}");
        for form in ["%d-%b-%y", "%d %B %Y"] {
            assert_eq!(said(&written(&march, form)), None);
        }
        let (low, high) = march.split_at(7);
        assert_eq!(said(&[written(low, "%d-%b-%y"), written(high, "%d-%m-%Y")].concat()), None);
    }

    #[test]
    fn days_months_apart_that_would_follow_each_other_are_exchanged() {
        for exchanged in [
            &["2024-04-03", "2024-05-03", "2024-06-03"][..],
            &["2024-06-03", "2024-05-03", "2024-04-03"],
            // Sorted afterwards, among the month's later days.
            &["2024-03-13", "2024-03-14", "2024-04-03", "2024-05-03", "2024-06-03"],
        ] {
            let told = said(exchanged).unwrap_or_default();
            assert!(told.contains("a month apart or more") && told.contains("exchanged them"), "{exchanged:?}: {told}");
        }
        for right in [
            &["2024-04-03", "2024-05-03"][..],
            &["2024-04-03", "2024-05-06", "2024-06-04"],
            &["2024-01-03", "2024-04-03", "2024-11-03"],
            &["2024-04-03", "2024-04-04", "2024-04-05", "2024-05-03"],
        ] {
            assert_eq!(said(right), None, "{right:?}");
        }
    }

    #[test]
    fn days_that_were_sorted_once_exchanged_are_told_by_their_weekends() {
        let sorted = |from: &str, to: &str, is_open: fn(Day) -> bool| {
            let days = market(from, to, is_open);
            let mut days: Vec<Day> = days.into_iter().map(with_month_as_day).collect();
            days.sort_unstable();
            days
        };
        for (from, to) in [("2024-03-01", "2024-04-30"), ("2024-01-01", "2024-12-31")] {
            let days = sorted(from, to, is_weekday);
            for form in ["%Y-%m-%d", "%d-%b-%Y"] {
                assert!(said(&written(&days, form)).is_some_and(|told| told.contains("weekends")), "{from} {form}");
            }
        }
        // A session of a Saturday among them.
        let special = sorted("2024-01-01", "2024-12-31", |day| is_weekday(day) || day::iso(day) == "2024-03-02");
        assert!(said(&written(&special, "%Y-%m-%d")).is_some());
    }

    #[test]
    fn markets_that_are_open_on_weekends_are_not_taken_for_exchanged() {
        use chrono::Weekday::{Fri, Sat};
        let from_sunday = |day: Day| !matches!(day::weekday(day), Fri | Sat);
        let specials = |day: Day| {
            is_weekday(day)
                || ["2024-01-20", "2024-03-02", "2024-05-18", "2024-11-03"].contains(&day::iso(day).as_str())
        };
        let markets: [fn(Day) -> bool; 4] = [from_sunday, |_| true, specials, is_weekday];
        for is_open in markets {
            for (from, to) in [
                ("2024-06-01", "2024-06-12"),
                ("2024-06-01", "2024-06-24"),
                ("2024-03-01", "2024-04-30"),
                ("2024-01-01", "2024-12-31"),
            ] {
                assert_eq!(said(&written(&market(from, to, is_open), "%Y-%m-%d")), None, "{from} {to}");
            }
        }
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
