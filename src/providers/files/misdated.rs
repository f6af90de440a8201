//! Dates that are whole by themselves and mean other days, which only all of them together show.

use chrono::Weekday;

use crate::market::dates::{self, Written};
use crate::market::day::{self, Day};

/// Rows from which a week is seen, and where the times are said to be UTC or the exchange's week is known.
const FEWEST: usize = 3;
const FEWEST_SURE: usize = 2;
/// A weekend lies between days that follow each other.
const NEXT: Day = 3;
const NOON: u32 = 43_200;
/// Of times without a zone, from when on they are a day's that begins elsewhere: exchanges have closed by then.
const EVENING: u32 = 64_800;
/// A day begins at such a time elsewhere; not so a close at 17:25, or a day's last second.
const QUARTER: u32 = 900;

/// How tickers end at exchanges in the east of India, which never trade on a Sunday, and where the week begins with it.
const FROM_MONDAY: [&str; 20] = [
    "HK", "HKG", "SS", "SHH", "SZ", "SHZ", "T", "TYO", "SI", "SES", "KS", "KQ", "TW", "TWO", "KL", "BK", "JK", "AX",
    "ASX", "NZ",
];
const FROM_SUNDAY: [&str; 9] = ["TA", "TLV", "SR", "SAU", "KW", "QA", "CA", "OM", "BH"];

/// Rows, and those of them on a Sunday and on a Friday.
#[derive(Debug, Default)]
struct Week {
    rows: usize,
    sundays: usize,
    fridays: usize,
}

impl Week {
    fn add(&mut self, day: Day) {
        self.rows += 1;
        self.sundays += usize::from(day::weekday(day) == Weekday::Sun);
        self.fridays += usize::from(day::weekday(day) == Weekday::Fri);
    }

    fn is_a_day_early(&self) -> bool {
        self.sundays > 0 && self.fridays == 0
    }
}

#[derive(Debug, Default)]
pub(super) struct Misdated {
    rows: usize,
    /// Dates with the day between year and month, and one of them.
    day_first: usize,
    example: String,
    /// All rows with a time of day.
    timed: Week,
    /// Times after noon in UTC, or west of it, and evenings without a zone; and how many of them say their zone.
    evenings: Week,
    sure: usize,
    /// The day of the row before, if that was such an evening, and whether it's counted.
    last: Option<(Day, bool)>,
}

impl Misdated {
    pub(super) fn add(&mut self, text: &str, written: Option<&Written>) {
        self.rows += 1;
        let Some(written) = written else {
            if dates::has_day_before_month(text) {
                self.day_first += 1;
                if self.example.is_empty() {
                    self.example = text.chars().take(40).collect();
                }
            }
            return;
        };
        let Some((time, day)) = written.time.zip(written.only().ok()) else {
            self.last = None;
            return;
        };
        self.timed.add(day);
        let clock = text.split_once(':').map_or("", |(_, clock)| clock);
        let is_sure = time > NOON && (written.utc || clock.contains('-'));
        let begins_elsewhere = is_sure || (time >= EVENING && has_no_zone(clock));
        if !begins_elsewhere || time % QUARTER != 0 {
            self.last = None;
            return;
        }
        // Alone among other times it's a session of the evening, as India has at Diwali.
        let follows = self.last.is_some_and(|(last, _)| (day - last).abs() <= NEXT);
        if follows {
            self.count(day, is_sure);
            if let Some((last, false)) = self.last {
                self.count(last, is_sure);
            }
        }
        self.last = Some((day, follows));
    }

    fn count(&mut self, day: Day, is_sure: bool) {
        self.evenings.add(day);
        self.sure += usize::from(is_sure);
    }

    /// What is the matter with the days of a share that a ticker names with its exchange.
    pub(super) fn fault(&self, ticker: &str) -> Option<String> {
        if self.day_first >= 2 && self.day_first * 4 >= self.rows {
            let example = &self.example;
            return Some(format!(
                "its dates have the day between year and month, as {example:?}, so that others would be read as other days; \
                 write the month in the middle"
            ));
        }
        let end = ticker.trim().rsplit_once('.').map_or("", |(_, end)| end);
        let is_of = |ends: &[&str]| ends.iter().any(|known| known.eq_ignore_ascii_case(end));
        // They may be few: London's midnight is UTC's for half of the year, and the evening before for the other half.
        let evenings = self.evenings.rows >= FEWEST || self.sure >= FEWEST_SURE;
        let are_evenings = evenings && self.evenings.is_a_day_early() && !is_of(&FROM_SUNDAY);
        let is_no_week = self.timed.rows >= FEWEST_SURE && self.timed.is_a_day_early() && is_of(&FROM_MONDAY);
        (are_evenings || is_no_week).then(|| {
            "its times of day belong to another zone than its exchange's: they put days on Sundays and none on a Friday; save \
             the dates in the exchange's own time"
                .to_owned()
        })
    }
}

/// Whether minutes, seconds and a half of the day are all that stands after an hour.
fn has_no_zone(clock: &str) -> bool {
    let clock = clock.trim_end().to_ascii_lowercase();
    let digits = clock.strip_suffix("am").or_else(|| clock.strip_suffix("pm")).unwrap_or(&clock);
    digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Option<String> {
        let mut found = Misdated::default();
        for text in texts {
            found.add(text, dates::read(text).ok().as_ref());
        }
        found.fault("")
    }

    #[test]
    fn a_day_between_year_and_month_is_told_by_several_dates() {
        let told = said(&["2024-05-02", "2024-12-02", "2024-13-02", "2024-14-02"]).expect("a fault");
        assert!(told.contains("as \"2024-13-02\""), "{told}");
        assert!(said(&["2024/05/02", "20241302", "20241402"]).is_some());
        for texts in [
            &["2024-05-02", "2024-06-02", "2024-07-02"][..],
            &["2024-02-12", "2024-13-02", "2024-02-14"],
            &["2024-02-12", "2024-32-02", "2024-33-02"],
        ] {
            assert_eq!(said(texts), None, "{texts:?}");
        }
    }

    #[test]
    fn days_that_begin_the_evening_before_are_told_by_their_week() {
        let week =
            |first: u32, after: &str| (0..5).map(|n| format!("2024-06-{:02}{after}", first + n)).collect::<Vec<_>>();
        let said = |days: &[String]| said(&days.iter().map(String::as_str).collect::<Vec<_>>());
        // The 9th was a Sunday: midnights of Tokyo, London and Berlin, and UTC's as New York has it.
        // And the same without the zone.
        for after in [
            "T15:00:00Z",
            " 23:00:00+00:00",
            "T22:00:00.000Z",
            "T20:00:00-04:00",
            " 18:30:00",
            "T22:00:00.000",
            " 6:00 PM",
        ] {
            assert!(said(&week(9, after)).is_some(), "{after}");
        }
        // Sessions of Diwali's evening among closes of the afternoon.
        let diwali: Vec<String> =
            ["2013-11-03", "2014-10-23", "2015-11-11", "2016-10-30", "2017-10-19", "2018-11-07", "2019-10-27"]
                .iter()
                .flat_map(|day| [format!("{day} 19:15:00"), format!("{}-12-02 15:30:00", &day[..4])])
                .collect();
        assert_eq!(said(&diwali), None);
        // New York's closes, dates alone, mornings, Riyadh's week in its own time and in UTC, and days' last seconds.
        for (first, after) in [
            (10, "T20:00:00Z"),
            (9, ""),
            (9, "T05:00:00Z"),
            (9, " 15:00:00"),
            (9, "T15:00:00+03:00"),
            (9, "T12:00:00Z"),
            (9, "T23:59:59.999Z"),
            (9, " 23:59:59"),
        ] {
            assert_eq!(said(&week(first, after)), None, "{after}");
        }
        // London's winter and summer in UTC; evenings in New York, and in a zone of its own, with their Fridays.
        let winter = |day: u32| format!("2024-01-{day:02}T00:00:00Z");
        let mut london: Vec<String> = (1..29).map(winter).collect();
        london.extend(week(9, "T23:00:00Z"));
        assert!(said(&london).is_some());
        for (first, after) in [(10, " 20:00:00"), (9, " 20:00:00+03:00"), (9, " 17:25:00"), (9, " 8:00 AM")] {
            assert_eq!(said(&week(first, after)), None, "{after}");
        }
    }

    #[test]
    fn few_rows_are_enough_where_they_name_their_zone() {
        for texts in [
            &["2024-06-09T23:00:00Z", "2024-06-10T23:00:00Z"][..],
            &["2024-06-06T22:00:00Z", "2024-06-09T22:00:00Z"],
            &["2024-06-09 18:30:00", "2024-06-10 18:30:00", "2024-06-11 18:30:00"],
        ] {
            assert!(said(texts).is_some(), "{texts:?}");
        }
        // Monday and Tuesday, with a Friday, a Sunday's evening alone, and two without a zone.
        for texts in [
            &["2024-06-10T23:00:00Z", "2024-06-11T23:00:00Z"][..],
            &["2024-06-07T23:00:00Z", "2024-06-09T23:00:00Z"],
            &["2023-11-12 19:15:00", "2023-11-13 15:30:00", "2023-11-15 15:30:00"],
            &["2024-06-09 18:30:00", "2024-06-10 18:30:00"],
        ] {
            assert_eq!(said(texts), None, "{texts:?}");
        }
    }

    #[test]
    fn an_exchange_that_is_known_tells_its_week() {
        let said = |ticker: &str, first: u32, after: &str| {
            let mut found = Misdated::default();
            for day in first..first + 4 {
                let text = format!("2024-06-{day:02}{after}");
                found.add(&text, dates::read(&text).ok().as_ref());
            }
            found.fault(ticker)
        };
        for (ticker, after) in [
            ("0700.HK", " 16:00:00"),
            ("600519.ss", " 16:00:00"),
            ("D05.SI", "T16:00:00"),
            ("7203.T", " 15:00:00"),
            ("BHP.AX", " 14:00:00"),
            ("FPH.NZ", "T12:00:00Z"),
        ] {
            assert!(said(ticker, 9, after).is_some(), "{ticker}");
            assert_eq!(said(ticker, 10, after), None, "{ticker} from a Monday on");
            assert_eq!(said(ticker, 9, ""), None, "{ticker} without times");
        }
        for (ticker, after) in [
            ("TEVA.TA", " 18:00:00"),
            ("2222.SR", "T14:30:00Z"),
            ("2222.SR", " 15:00:00"),
            ("T", " 15:00:00"),
            ("ANY.XY", " 16:00:00"),
        ] {
            assert_eq!(said(ticker, 9, after), None, "{ticker}");
        }
    }
}
