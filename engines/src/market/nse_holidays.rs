//! The NSE's own lists: weekdays on which its equity segment rested, and weekend days on which it was open.
//!
//! Source: the NSE's circulars "Trading holidays for the calendar year", with what was declared during a year (elections,
//! mourning, moved feasts). The evenings of Laxmi Pujan on weekdays are sessions (Muhurat), so they're no rests here.

use chrono::{Datelike, NaiveDate};

/// Weekdays of rest by year, as month × 100 + day.
const RESTS: [(i32, &[u32]); 17] = [
    (2010, &[101, 126, 212, 301, 324, 402, 414, 910, 1117, 1217]),
    (2011, &[126, 302, 412, 414, 422, 815, 831, 901, 1006, 1027, 1107, 1110, 1206]),
    (2012, &[126, 220, 308, 405, 406, 501, 815, 820, 919, 1002, 1024, 1114, 1128, 1225]),
    (2013, &[327, 329, 419, 424, 501, 809, 815, 909, 1002, 1016, 1104, 1115, 1225]),
    (2014, &[227, 317, 408, 414, 418, 424, 501, 729, 815, 829, 1002, 1003, 1006, 1015, 1024, 1104, 1106, 1225]),
    (2015, &[126, 217, 306, 402, 403, 414, 501, 917, 925, 1002, 1022, 1112, 1125, 1225]),
    (2016, &[126, 307, 324, 325, 414, 415, 419, 706, 815, 905, 913, 1011, 1012, 1031, 1114]),
    (2017, &[126, 224, 313, 404, 414, 501, 626, 815, 825, 1002, 1020, 1225]),
    (2018, &[126, 213, 302, 329, 330, 501, 815, 822, 913, 920, 1002, 1018, 1108, 1123, 1225]),
    (2019, &[304, 321, 417, 419, 429, 501, 605, 812, 815, 902, 910, 1002, 1008, 1021, 1028, 1112, 1225]),
    (2020, &[221, 310, 402, 406, 410, 414, 501, 525, 1002, 1116, 1130, 1225]),
    (2021, &[126, 311, 329, 402, 414, 421, 513, 721, 819, 910, 1015, 1105, 1119]),
    (2022, &[126, 301, 318, 414, 415, 503, 809, 815, 831, 1005, 1026, 1108]),
    (2023, &[126, 307, 330, 404, 407, 414, 501, 629, 815, 919, 1002, 1024, 1114, 1127, 1225]),
    (2024, &[122, 126, 308, 325, 329, 411, 417, 501, 520, 617, 717, 815, 1002, 1115, 1120, 1225]),
    (2025, &[226, 314, 331, 410, 414, 418, 501, 815, 827, 1002, 1022, 1105, 1225]),
    // 15 January: elections in Maharashtra.
    (2026, &[115, 126, 303, 326, 331, 403, 414, 501, 528, 626, 914, 1002, 1020, 1110, 1124, 1225]),
];

/// Saturdays and Sundays with a session: budgets, Muhurat evenings, drills.
const WEEKEND_SESSIONS: [(i32, u32); 19] = [
    (2012, 107),
    (2012, 303),
    (2012, 428),
    (2012, 908),
    (2013, 511),
    (2013, 1103),
    (2014, 322),
    (2015, 228),
    (2016, 1030),
    (2019, 1027),
    (2020, 201),
    (2020, 1114),
    (2023, 1112),
    (2024, 120),
    (2024, 302),
    (2024, 518),
    (2025, 201),
    (2026, 201),
    (2026, 1108),
];

/// The same as expected for 2027, whose list the NSE publishes in December of the year before. Fixed holidays and Good
/// Friday are certain; those that follow the moon are the almanac's (Id, Holi, Ram Navami, Mahavir Jayanti, Bakri Id,
/// Muharram).
const EXPECTED_2027: [u32; 9] = [126, 310, 322, 326, 414, 415, 419, 517, 616];

fn month_and_day(date: NaiveDate) -> u32 {
    date.month() * 100 + date.day()
}

/// Whether the exchange rests on this weekday, where its list or the almanac's says so.
#[must_use]
pub(super) fn rests(date: NaiveDate) -> Option<bool> {
    let day = month_and_day(date);
    if date.year() == 2027 {
        return Some(EXPECTED_2027.contains(&day));
    }
    let (_, rests) = RESTS.iter().find(|(year, _)| *year == date.year())?;
    Some(rests.contains(&day))
}

/// Whether the exchange is known to have been open on this Saturday or Sunday.
#[must_use]
pub(super) fn opens_on_weekend(date: NaiveDate) -> bool {
    WEEKEND_SESSIONS.contains(&(date.year(), month_and_day(date)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Weekday;

    #[test]
    fn the_lists_hold_weekdays_and_the_sessions_weekends() {
        let weekend = |year: i32, day: u32| {
            let date = NaiveDate::from_ymd_opt(year, day / 100, day % 100).expect("a date");
            matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
        };
        for (year, rests) in RESTS {
            assert!(rests.is_sorted() && rests.iter().all(|day| !weekend(year, *day)), "{year}");
        }
        assert!(EXPECTED_2027.iter().all(|day| !weekend(2027, *day)));
        assert!(WEEKEND_SESSIONS.iter().all(|(year, day)| weekend(*year, *day)));
        let years: Vec<i32> = RESTS.iter().map(|(year, _)| *year).collect();
        assert_eq!(years, (2010..=2026).collect::<Vec<_>>());
    }
}
