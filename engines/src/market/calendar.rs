//! Trading days: which days an exchange is open, and where a series has holes.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::bar::Exchange;
use super::day::{self, Day};
use super::nse_holidays;

/// A stretch of trading days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRange {
    pub from: Day,
    pub to: Day,
}

/// Whose holidays a series keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    NewYork,
    /// The National Stock Exchange of India, whose days the BSE keeps, too.
    India,
    /// An exchange whose holidays aren't known here.
    Weekdays,
}

impl Calendar {
    /// The calendar of a listing; a share quoted in dollars on an exchange that nobody named is taken for American.
    #[must_use]
    pub fn of(exchange: Exchange, currency: Option<&str>) -> Self {
        match exchange {
            Exchange::Nyse | Exchange::Nasdaq => Self::NewYork,
            Exchange::Other if currency == Some("USD") => Self::NewYork,
            Exchange::Nse | Exchange::Bse => Self::India,
            Exchange::Other if currency == Some("INR") => Self::India,
            Exchange::Other => Self::Weekdays,
        }
    }
}

impl Calendar {
    /// Exchanges whose days tell of this calendar's.
    #[must_use]
    pub fn exchanges(self) -> &'static [Exchange] {
        match self {
            Self::NewYork => &[Exchange::Nyse, Exchange::Nasdaq],
            Self::India => &[Exchange::Nse, Exchange::Bse],
            Self::Weekdays => &[],
        }
    }

    /// Whether the exchange rests on a day, as far as is known.
    #[must_use]
    pub fn rests(self, day: Day) -> bool {
        let date = day::to_date(day);
        match self {
            Self::India if day::is_weekend(day) => !nse_holidays::opens_on_weekend(date),
            _ if day::is_weekend(day) => true,
            Self::NewYork => us_holiday(date),
            Self::India => indian_holiday(date),
            Self::Weekdays => false,
        }
    }
}

/// What is known of an exchange's days beyond its rules: it goes before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownDays {
    /// Days that have traded, weekends among them.
    pub sessions: BTreeSet<Day>,
    /// Days without a session, by the exchange's list or because there was none.
    pub rests: BTreeSet<Day>,
}

impl KnownDays {
    /// Whether the exchange is open on a day.
    #[must_use]
    pub fn is_open(&self, day: Day, calendar: Calendar) -> bool {
        self.sessions.contains(&day) || !(self.rests.contains(&day) || calendar.rests(day))
    }
}

/// The next days on which an exchange is open.
#[must_use]
pub fn next_trading_days(after: Day, count: usize, calendar: Calendar, known: &KnownDays) -> Vec<Day> {
    (after + 1..).filter(|&day| known.is_open(day, calendar)).take(count).collect()
}

/// Days that were expected to trade, once some have: each that has traded is the next step, one that nobody expected among
/// them, and one that passed without a bar is none. What is missing at the end then are weekdays. `traded` ascend.
#[must_use]
pub fn with_sessions(expected: &[Day], traded: &[Day]) -> Vec<Day> {
    let count = expected.len();
    let mut days: Vec<Day> = traded.iter().copied().take(count).collect();
    let last = days.last().copied();
    days.extend(expected.iter().copied().filter(|&day| last.is_none_or(|last| day > last)));
    days.truncate(count);
    if let Some(&last) = days.last() {
        days.extend(next_trading_days(last, count - days.len(), Calendar::Weekdays, &KnownDays::default()));
    }
    days
}

/// Whether the NSE rests on this weekday: by its lists, by the fixed holidays in years that they don't cover.
#[must_use]
pub fn indian_holiday(date: NaiveDate) -> bool {
    nse_holidays::rests(date).unwrap_or_else(|| {
        let good_friday = easter_sunday(date.year()).and_then(|e| e.checked_sub_days(chrono::Days::new(2)));
        let fixed = [(1, 26), (4, 14), (5, 1), (8, 15), (10, 2), (12, 25)];
        fixed.contains(&(date.month(), date.day())) || good_friday == Some(date)
    })
}

/// Without a calendar of the exchange, fewer missing weekdays in a row than this are taken for holidays.
const GAP_WITHOUT_CALENDAR: usize = 4;

/// Days on which the New York exchanges were closed outside the rules of [`us_holiday`]: the hurricane of 1985,
/// funerals of presidents, September 2001, hurricane Sandy. Source: NYSE, "Special closings".
const US_SPECIAL_CLOSINGS: [(i32, u32, u32); 12] = [
    (1985, 9, 27),
    (1994, 4, 27),
    (2001, 9, 11),
    (2001, 9, 12),
    (2001, 9, 13),
    (2001, 9, 14),
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];

/// Whether the New York exchanges rest on this weekday, by NYSE Rule 7.2 and the list of special closings.
#[must_use]
pub fn us_holiday(date: NaiveDate) -> bool {
    let (year, month, dom, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    let nth = |n: u32| weekday == Weekday::Mon && (dom - 1) / 7 + 1 == n;
    // A holiday on a Sunday is kept on Monday, one on a Saturday on Friday.
    let observed = |m: u32, d: u32| {
        NaiveDate::from_ymd_opt(year, m, d).is_some_and(|holiday| match holiday.weekday() {
            Weekday::Sat => holiday.pred_opt() == Some(date),
            Weekday::Sun => holiday.succ_opt() == Some(date),
            _ => holiday == date,
        })
    };
    // New Year's Day on a Saturday isn't kept on the last day of the year.
    let new_year = month == 1 && observed(1, 1);
    let martin_luther_king = year >= 1998 && month == 1 && nth(3);
    let presidents = month == 2 && nth(3);
    let memorial = month == 5 && weekday == Weekday::Mon && dom > 24;
    let juneteenth = year >= 2022 && observed(6, 19);
    let independence = observed(7, 4);
    let labor = month == 9 && nth(1);
    let thanksgiving = month == 11 && weekday == Weekday::Thu && (dom - 1) / 7 == 3;
    let christmas = observed(12, 25);
    let good_friday = easter_sunday(year).and_then(|e| e.checked_sub_days(chrono::Days::new(2))) == Some(date);
    new_year
        || martin_luther_king
        || presidents
        || good_friday
        || memorial
        || juneteenth
        || independence
        || labor
        || thanksgiving
        || christmas
        || US_SPECIAL_CLOSINGS.contains(&(year, month, dom))
}

/// Easter Sunday of a Gregorian year: the anonymous algorithm (Meeus, Astronomical Algorithms, ch. 8).
#[allow(clippy::many_single_char_names, reason = "the source's names")]
fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let a = year.rem_euclid(19);
    let (b, c) = (year.div_euclid(100), year.rem_euclid(100));
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15).rem_euclid(30);
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4).rem_euclid(7);
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(n / 31).ok()?, u32::try_from(n % 31 + 1).ok()?)
}

/// Stretches of trading days without bars between the first and the last day of a series.
///
/// `days` ascend. With New York's calendar every missing trading day counts; elsewhere, where the past years' holidays
/// aren't known, only four or more missing weekdays in a row do.
#[must_use]
pub fn gaps(days: &[Day], calendar: Calendar) -> Vec<DayRange> {
    let calendar_known = calendar == Calendar::NewYork;
    let mut found = Vec::new();
    for pair in days.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let mut missing =
            (before + 1..after).filter(|&d| !(day::is_weekend(d) || calendar_known && us_holiday(day::to_date(d))));
        let Some(from) = missing.next() else { continue };
        let (count, to) = missing.fold((1, from), |(count, _), d| (count + 1, d));
        if calendar_known || count >= GAP_WITHOUT_CALENDAR {
            found.push(DayRange { from, to });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Day {
        day::parse_iso(text).expect("a date")
    }

    #[test]
    fn the_holidays_of_2024_to_2026_are_those_the_exchange_published() {
        let published = [
            "2024-01-01",
            "2024-01-15",
            "2024-02-19",
            "2024-03-29",
            "2024-05-27",
            "2024-06-19",
            "2024-07-04",
            "2024-09-02",
            "2024-11-28",
            "2024-12-25",
            "2025-01-01",
            "2025-01-09",
            "2025-01-20",
            "2025-02-17",
            "2025-04-18",
            "2025-05-26",
            "2025-06-19",
            "2025-07-04",
            "2025-09-01",
            "2025-11-27",
            "2025-12-25",
            "2026-01-01",
            "2026-01-19",
            "2026-02-16",
            "2026-04-03",
            "2026-05-25",
            "2026-06-19",
            "2026-07-03",
            "2026-09-07",
            "2026-11-26",
            "2026-12-25",
        ];
        let computed: Vec<String> = (d("2024-01-01")..=d("2026-12-31"))
            .filter(|&x| !day::is_weekend(x) && us_holiday(day::to_date(x)))
            .map(day::iso)
            .collect();
        assert_eq!(computed, published);
    }

    #[test]
    fn the_next_trading_days_skip_weekends_and_the_exchange_s_holidays() {
        let next = |after: &str, count, calendar| -> Vec<String> {
            next_trading_days(d(after), count, calendar, &KnownDays::default()).into_iter().map(day::iso).collect()
        };
        // Thanksgiving on the 26th of November, Christmas on a Friday, New Year's Day on a Friday.
        assert_eq!(next("2026-11-24", 3, Calendar::NewYork), ["2026-11-25", "2026-11-27", "2026-11-30"]);
        assert_eq!(next("2026-12-23", 3, Calendar::NewYork), ["2026-12-24", "2026-12-28", "2026-12-29"]);
        assert_eq!(next("2026-12-30", 2, Calendar::NewYork), ["2026-12-31", "2027-01-04"]);
        assert_eq!(next("2027-03-24", 2, Calendar::NewYork), ["2027-03-25", "2027-03-29"]);
        // Guru Nanak Jayanti on a Tuesday; Republic Day on a Tuesday.
        assert_eq!(next("2026-11-20", 3, Calendar::India), ["2026-11-23", "2026-11-25", "2026-11-26"]);
        assert_eq!(next("2027-01-22", 2, Calendar::India), ["2027-01-25", "2027-01-27"]);
        assert_eq!(next("2026-12-24", 1, Calendar::Weekdays), ["2026-12-25"]);
        // Elections on a Thursday; the budget on a Sunday; the evening of Laxmi Pujan on a Sunday.
        assert_eq!(next("2026-01-14", 1, Calendar::India), ["2026-01-16"]);
        assert_eq!(next("2026-01-30", 2, Calendar::India), ["2026-02-01", "2026-02-02"]);
        assert_eq!(next("2026-11-06", 3, Calendar::India), ["2026-11-08", "2026-11-09", "2026-11-11"]);
        assert_eq!(next("2024-03-01", 2, Calendar::India), ["2024-03-02", "2024-03-04"]);
        assert_eq!(next("2026-01-30", 1, Calendar::NewYork), ["2026-02-02"]);
    }

    #[test]
    fn what_is_known_goes_before_the_rules() {
        let (saturday, monday) = (d("2028-01-15"), d("2028-01-17"));
        let known = KnownDays { sessions: [saturday].into(), rests: [monday].into() };
        assert_eq!(next_trading_days(d("2028-01-14"), 2, Calendar::India, &known), [saturday, d("2028-01-18")]);
        // Known to have traded, whatever a list says.
        let both = KnownDays { sessions: [monday].into(), rests: [monday].into() };
        assert!(both.is_open(monday, Calendar::India));
    }

    #[test]
    fn a_session_that_nobody_expected_moves_the_later_days_on() {
        assert_eq!(with_sessions(&[1, 2, 5, 6], &[]), [1, 2, 5, 6]);
        assert_eq!(with_sessions(&[1, 2, 5, 6], &[1, 2]), [1, 2, 5, 6]);
        assert_eq!(with_sessions(&[1, 2, 5, 6], &[1, 2, 4, 5, 6, 7]), [1, 2, 4, 5]);
        // A day that passed without a bar is no step.
        assert_eq!(with_sessions(&[1, 2, 5, 6], &[1, 5]), [1, 5, 6, 7]);
        assert_eq!(with_sessions(&[1, 2, 5, 6], &[1, 5, 6, 12, 13]), [1, 5, 6, 12]);
        assert!(with_sessions(&[], &[1]).is_empty());
    }

    #[test]
    fn a_gap_is_missing_trading_days_and_a_holiday_is_none() {
        let days = [d("2024-06-17"), d("2024-06-18"), d("2024-06-20"), d("2024-06-26"), d("2024-06-27")];
        let gap = DayRange { from: d("2024-06-21"), to: d("2024-06-25") };
        assert_eq!(gaps(&days, Calendar::of(Exchange::Other, Some("USD"))), [gap]);
        assert_eq!(gaps(&days, Calendar::of(Exchange::Nse, None)), []);
        assert_eq!(gaps(&[d("2024-06-17"), d("2024-07-15")], Calendar::Weekdays).len(), 1);
        assert_eq!(gaps(&[], Calendar::NewYork), []);
    }
}
