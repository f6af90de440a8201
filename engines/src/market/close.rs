//! When a day of an exchange is over, and so whether a series ends with one that was still going on.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::bar::Exchange;
use super::dates;
use super::day::{self, Day};

/// Where exchanges are, by how providers end their tickers, and when they close in minutes after midnight.
const EXCHANGES: [(&[&str], Tz, u32); 11] = [
    (&["BSE", "BO", "NSE", "NS"], Tz::Asia__Kolkata, 15 * 60 + 30),
    (&["LON", "L"], Tz::Europe__London, 16 * 60 + 30),
    (&["DEX", "DE"], Tz::Europe__Berlin, 17 * 60 + 30),
    (&["FRK", "F"], Tz::Europe__Berlin, 22 * 60),
    (&["PAR", "AMS", "BRU", "LIS", "PA", "AS"], Tz::Europe__Paris, 17 * 60 + 30),
    (&["SHH", "SHZ", "SS", "SZ"], Tz::Asia__Shanghai, 15 * 60),
    (&["HKG", "HK"], Tz::Asia__Hong_Kong, 16 * 60),
    (&["TYO", "T"], Tz::Asia__Tokyo, 15 * 60 + 30),
    (&["AX", "ASX"], Tz::Australia__Sydney, 16 * 60),
    (&["SAO", "SA"], Tz::America__Sao_Paulo, 18 * 60),
    (&["TRT", "TRV", "TO", "V"], Tz::America__Toronto, 16 * 60),
];

/// Where a ticker trades; New York where nothing says otherwise.
fn place(ticker: &str) -> (Tz, Option<u32>) {
    let suffix = ticker.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_uppercase());
    let known = suffix.and_then(|suffix| EXCHANGES.iter().find(|(names, ..)| names.contains(&suffix.as_str())));
    known.map_or((Tz::America__New_York, None), |(_, zone, minutes)| (*zone, Some(*minutes)))
}

/// Minutes after midnight at which New York closes: at one before Independence Day, after Thanksgiving and on Christmas
/// Eve. Source: NYSE, "Holidays and trading hours".
fn new_york_closes(date: NaiveDate) -> u32 {
    let early = match (date.month(), date.day()) {
        (7, 3) | (12, 24) => true,
        (11, dom) => date.weekday() == Weekday::Fri && (23..=29).contains(&dom),
        _ => false,
    };
    if early { 13 * 60 } else { 16 * 60 }
}

/// The day that was still going on when a series was last refreshed, by the provider's statement on that: a date alone, or a
/// time from the exchange's close on, names a day that is over. `zone` is the one that the provider's times are in;
/// New York's, if it isn't known.
#[must_use]
pub fn unfinished_day(last_refreshed: &str, zone: Option<&str>, ticker: &str) -> Option<Day> {
    let written = dates::read(last_refreshed).ok()?;
    let seconds = written.time?;
    let zone = if written.utc { Tz::UTC } else { zone.and_then(|z| z.trim().parse().ok()).unwrap_or(Tz::US__Eastern) };
    let at = day::to_date(written.only().ok()?).and_hms_opt(seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
    let (place, closes) = place(ticker);
    let local: DateTime<Tz> = zone.from_local_datetime(&at).latest()?.with_timezone(&place);
    let closes = closes.unwrap_or_else(|| new_york_closes(local.date_naive()));
    (local.num_seconds_from_midnight() < closes * 60).then(|| day::from_date(local.date_naive()))
}

/// What is known of days at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Later days are in the future.
    pub today: Day,
    /// The day that isn't over where the share trades.
    pub going_on: Option<Day>,
    /// When it will be, in minutes after midnight of the place.
    pub closes: u32,
    pub place: Tz,
}

impl Clock {
    /// Where a share trades: at its exchange, else by its ticker.
    #[must_use]
    pub fn at(now: DateTime<Utc>, exchange: Exchange, ticker: &str) -> Self {
        let (zone, closes) = match exchange {
            Exchange::Nse | Exchange::Bse => place(".NSE"),
            Exchange::Nasdaq | Exchange::Nyse => place(""),
            Exchange::Other => place(ticker),
        };
        let local = now.with_timezone(&zone);
        let closes = closes.unwrap_or_else(|| new_york_closes(local.date_naive()));
        let date = day::from_date(local.date_naive());
        // Nobody knows where an unknown ticker trades, so no day is in the future that has begun in London.
        let today = if exchange == Exchange::Other { date.max(day::from_date(now.date_naive())) } else { date };
        let is_open = local.num_seconds_from_midnight() < closes * 60;
        Self { today, going_on: is_open.then_some(date), closes, place: zone }
    }

    /// Why a record of the day that is going on is left out.
    #[must_use]
    pub fn says(&self, day: Day) -> String {
        let (hour, minute) = (self.closes / 60, self.closes % 60);
        let at = format!("{hour:02}:{minute:02}, {}", self.place.name());
        format!("{} isn't over: its exchange closes at {at}; a file of after that has the day whole", day::iso(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_knows_the_day_that_is_going_on_where_a_share_trades() {
        let at = |now: &str, exchange: Exchange, ticker: &str| {
            let clock = Clock::at(now.parse().expect("a moment"), exchange, ticker);
            (day::iso(clock.today), clock.going_on.map(day::iso))
        };
        let known = |today: &str, going_on: Option<&str>| (today.to_owned(), going_on.map(str::to_owned));
        let june = known("2024-06-12", Some("2024-06-12"));
        assert_eq!(at("2024-06-12T09:59:59Z", Exchange::Nse, "INFY"), june);
        assert_eq!(at("2024-06-12T10:00:00Z", Exchange::Nse, "INFY"), known("2024-06-12", None));
        assert_eq!(at("2024-06-12T19:59:59Z", Exchange::Other, "IBM"), june);
        assert_eq!(at("2024-06-12T20:00:00Z", Exchange::Nyse, "IBM"), known("2024-06-12", None));
        assert_eq!(at("2024-06-12T23:00:00Z", Exchange::Other, "7203.T"), known("2024-06-13", Some("2024-06-13")));
        assert_eq!(at("2024-06-13T01:00:00Z", Exchange::Other, "IBM"), known("2024-06-13", None));
        let clock = Clock::at("2024-11-29T17:00:00Z".parse().expect("a moment"), Exchange::Other, "IBM");
        let told = clock.going_on.map(|day| clock.says(day));
        let expected = "2024-11-29 isn't over: its exchange closes at 13:00, America/New_York; a file of after that has the day whole";
        assert_eq!(told.as_deref(), Some(expected));
    }

    #[test]
    fn a_day_is_over_from_the_close_of_its_exchange_on() {
        let of = |text: &str, ticker: &str| unfinished_day(text, Some("US/Eastern"), ticker).map(day::iso);
        for (text, ticker) in [
            ("2024-06-12", "IBM"),
            ("2024-06-12 16:00:00", "IBM"),
            ("2024-06-12 16:00:01", "IBM"),
            ("2024-06-12 19:59:59", "BRK.B"),
            ("2024-11-29 13:00:01", "IBM"),
            ("2024-07-03 13:15:00", "IBM"),
            ("2024-06-12 06:00:00", "RELIANCE.BSE"),
            ("2024-06-12 11:30:00", "TSCO.LON"),
            ("2024-06-12 03:00:00", "600104.SHH"),
            ("no date", "IBM"),
        ] {
            assert_eq!(of(text, ticker), None, "{text} {ticker}");
        }
        for (text, ticker, day) in [
            ("2020-05-08 14:07:57", "IBM", "2020-05-08"),
            ("2024-06-12 15:59:59", "IBM", "2024-06-12"),
            ("2024-06-12 05:59:59", "reliance.bse", "2024-06-12"),
            ("2024-01-12 11:29:00", "TSCO.LON", "2024-01-12"),
            ("2024-06-11 22:00:00", "600104.SHH", "2024-06-12"),
        ] {
            assert_eq!(of(text, ticker).as_deref(), Some(day), "{text} {ticker}");
        }
        assert_eq!(unfinished_day("2024-06-12T20:00:00Z", None, "IBM"), None);
        assert_eq!(unfinished_day("2024-06-12 15:31:00", Some("Asia/Kolkata"), "INFY.BSE"), None);
        assert_eq!(
            unfinished_day("2024-06-12 15:31:00", Some("nowhere"), "IBM").map(day::iso).as_deref(),
            Some("2024-06-12")
        );
    }
}
