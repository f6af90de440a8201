//! A calendar date as the number of days since 1970-01-01: what bars are keyed by.

use chrono::{Datelike, Months, NaiveDate, Weekday};

/// Days since 1970-01-01. Four bytes, ordered, and the same in memory, in SQLite and in PostgreSQL.
pub type Day = i32;

/// Days from 0001-01-01 (chrono's day 1) to 1970-01-01.
const UNIX_EPOCH_FROM_CE: i32 = 719_163;

/// The day number of a date.
#[must_use]
pub fn from_date(date: NaiveDate) -> Day {
    date.num_days_from_ce() - UNIX_EPOCH_FROM_CE
}

/// The date of a day number; numbers beyond chrono's range stop at its ends.
#[must_use]
pub fn to_date(day: Day) -> NaiveDate {
    let from_ce = day.saturating_add(UNIX_EPOCH_FROM_CE);
    NaiveDate::from_num_days_from_ce_opt(from_ce).unwrap_or(if day < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

/// Parses `2026-11-20`, the form both providers and the API use for plain dates.
#[must_use]
pub fn parse_iso(text: &str) -> Option<Day> {
    let bytes = text.as_bytes();
    let plain = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    if !plain {
        return None;
    }
    // `parse` alone would take a sign.
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse::<u32>().ok()
    };
    let year = i32::try_from(number(0..4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?).map(from_date)
}

/// Whether the day is a Saturday or a Sunday.
#[must_use]
pub fn is_weekend(day: Day) -> bool {
    matches!(weekday(day), Weekday::Sat | Weekday::Sun)
}

/// The weekday of a day.
#[must_use]
pub fn weekday(day: Day) -> Weekday {
    // 1970-01-01 was a Thursday.
    match (day + 3).rem_euclid(7) {
        0 => Weekday::Mon,
        1 => Weekday::Tue,
        2 => Weekday::Wed,
        3 => Weekday::Thu,
        4 => Weekday::Fri,
        5 => Weekday::Sat,
        _ => Weekday::Sun,
    }
}

/// `2026-11-20`, written digit by digit: long series print thousands of dates.
#[must_use]
pub fn iso(day: Day) -> String {
    with_iso(day, str::to_owned)
}

/// Hands over a day's ISO form without a string of its own.
pub fn with_iso<T>(day: Day, take: impl FnOnce(&str) -> T) -> T {
    let date = to_date(day);
    let mut text = *b"0000-00-00";
    let mut put = |at: std::ops::Range<usize>, mut value: u32| {
        for slot in text[at].iter_mut().rev() {
            *slot = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0..4, date.year().clamp(0, 9999).unsigned_abs());
    put(5..7, date.month());
    put(8..10, date.day());
    // Digits and dashes are UTF-8.
    take(std::str::from_utf8(&text).unwrap_or_default())
}

/// A span cut at the ends of its months.
#[must_use]
pub fn months(from: Day, to: Day) -> Vec<(Day, Day)> {
    let mut months = Vec::new();
    let mut start = from;
    while start <= to {
        let date = to_date(start);
        let next =
            NaiveDate::from_ymd_opt(date.year(), date.month(), 1).and_then(|d| d.checked_add_months(Months::new(1)));
        let end = next.map_or(to, |next| from_date(next) - 1).min(to);
        months.push((start, end));
        start = end + 1;
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_day_survives_its_text(day in -100_000..100_000i32) {
            prop_assert_eq!(parse_iso(&iso(day)), Some(day));
            prop_assert_eq!(weekday(day), to_date(day).weekday());
        }
    }

    #[test]
    fn only_real_dates_are_parsed() {
        assert_eq!(parse_iso("1970-01-01"), Some(0));
        for wrong in
            ["2024-02-30", "2024-2-3", "20240203", "2024-02-03T00:00", "-", "", "2024-é-0", "+024-01-01", "2024-+1-01"]
        {
            assert_eq!(parse_iso(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_span_is_cut_at_the_ends_of_its_months() {
        let day = |text: &str| parse_iso(text).expect("a day");
        let cut: Vec<String> = months(day("2023-12-30"), day("2024-02-29"))
            .iter()
            .map(|(a, b)| format!("{} {}", iso(*a), iso(*b)))
            .collect();
        assert_eq!(cut, ["2023-12-30 2023-12-31", "2024-01-01 2024-01-31", "2024-02-01 2024-02-29"]);
    }
}
