//! Dates that are whole by themselves and mean other days, which only all of them together show.

use chrono::Weekday;

use crate::market::dates::{self, Written};
use crate::market::day::{self, Day};

/// Rows from which a week is seen.
const FEWEST: usize = 5;
/// A weekend lies between days that follow each other.
const NEXT: Day = 3;
const NOON: u32 = 43_200;
/// Of times without a zone, from when on they are a day's that begins elsewhere: exchanges have closed by then.
const EVENING: u32 = 64_800;

#[derive(Debug, Default)]
pub(super) struct Misdated {
    rows: usize,
    /// Dates with the day between year and month, and one of them.
    day_first: usize,
    example: String,
    /// Times after noon in UTC, or west of it, evenings without a zone, and those of them on a Sunday and on a Friday.
    evenings: usize,
    sundays: usize,
    fridays: usize,
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
        let clock = || text.split_once(':').map_or("", |(_, clock)| clock);
        let west = || clock().contains('-');
        let begins_elsewhere =
            |time: u32| (time >= NOON && (written.utc || west())) || (time >= EVENING && has_no_zone(clock()));
        let evening = written.time.filter(|time| begins_elsewhere(*time)).and_then(|_| written.only().ok());
        let Some((day, last)) = evening.zip(self.last) else {
            self.last = evening.map(|day| (day, false));
            return;
        };
        // Alone among other times it's a session of the evening, as India has at Diwali.
        let (last, is_counted) = last;
        let follows = (day - last).abs() <= NEXT;
        if follows {
            self.count(day);
            if !is_counted {
                self.count(last);
            }
        }
        self.last = Some((day, follows));
    }

    fn count(&mut self, day: Day) {
        self.evenings += 1;
        self.sundays += usize::from(day::weekday(day) == Weekday::Sun);
        self.fridays += usize::from(day::weekday(day) == Weekday::Fri);
    }

    /// What is the matter with the days.
    pub(super) fn fault(&self) -> Option<String> {
        if self.day_first >= 2 && self.day_first * 4 >= self.rows {
            let example = &self.example;
            return Some(format!(
                "its dates have the day between year and month, as {example:?}, so that others would be read as other days; \
                 write the month in the middle"
            ));
        }
        // They may be few: London's midnight is UTC's for half of the year, and the evening before for the other half.
        (self.evenings >= FEWEST && self.sundays > 0 && self.fridays == 0).then(|| {
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
        found.fault()
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
        // New York's closes, dates alone, mornings, and Riyadh's week in its own time.
        for (first, after) in [(10, "T20:00:00Z"), (9, ""), (9, "T05:00:00Z"), (9, " 15:00:00"), (9, "T15:00:00+03:00")]
        {
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
}
