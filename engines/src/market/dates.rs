//! Dates as sources write them: one reader for every date of every source. It takes only what has one meaning.
//!
//! Numbers that may be a day or a month are decided from the whole column: a first part above 12 is a day, a second
//! part above 12 says that the month comes first; a column that says both, or neither, is not read. Two digits of a
//! year follow POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068. Whether such a year comes first or last is
//! seen where one way makes a column's days follow each other, or lie close together, and the other one doesn't; beside
//! a month's name the day is the first number, as in 24-Jan-05, unless the column shows otherwise. A time of day and a
//! zone are read over: the date is the one that is written, and is never moved to another zone.

mod before;
mod clock;
mod doubt;
mod order;
#[cfg(test)]
mod tests;
mod written;

use chrono::{Datelike, NaiveDate};

use self::before::{plain, split_weekday};
use self::clock::time_of_day;
pub use self::order::{OrderFault, OrderVotes};
use self::written::LATEST_YEAR;
pub use self::written::{DateFault, DateOrder, EARLIEST, EARLIEST_YEAR, LATEST, Written};
use super::day::{self, Day};

const LONGEST: usize = 64;

/// Takes a date's text apart.
///
/// # Errors
/// When it's no date in any order.
pub fn read(text: &str) -> Result<Written, DateFault> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    if text.len() > LONGEST || text.is_empty() {
        return Err(DateFault::NotADate);
    }
    let text = plain(text);
    if !text.is_ascii() {
        return Err(DateFault::NotADate);
    }
    let (weekday, text) = split_weekday(&text);
    let (parts, rest) = split(text).ok_or_else(|| count(text))?;
    let (time, utc) = time_of_day(rest).ok_or(DateFault::NotADate)?;
    let (mut by_order, numeric, year_first) = readings(parts)?;
    if let Some(weekday) = weekday {
        by_order = by_order.map(|day| day.filter(|day| day::to_date(*day).weekday().number_from_monday() == weekday));
        if by_order == [None; 3] {
            return Err(DateFault::Weekday);
        }
    }
    let short_year = !parts.iter().any(|part| matches!(part, Part::Number(_, 4)));
    let short_ends = matches!(parts, [Part::Number(_, 2), Part::Word(_), Part::Number(_, 2)]);
    Ok(Written { by_order, numeric, year_first, short_year, short_ends, time, utc })
}

/// The day of a text that stands alone.
///
/// # Errors
/// When it's no date, or could be several.
pub fn day_of(text: &str) -> Result<Day, DateFault> {
    read(text)?.only()
}

/// Whether a text is a date with the day between year and month, as `2024-13-02`, which is read as none.
#[must_use]
pub fn has_day_before_month(text: &str) -> bool {
    let Some(([Part::Number(y, 4), Part::Number(d, 1 | 2), Part::Number(m, 1 | 2)], _)) = split(text.trim()) else {
        return false;
    };
    d > 12 && year(y, 4).is_ok_and(|y| NaiveDate::from_ymd_opt(y, m, d).is_some())
}

/// What is wrong with a text without a date's parts: counts of days or seconds are named, as their remedies are known.
fn count(text: &str) -> DateFault {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = text.get(digits..).unwrap_or_default();
    let is_number =
        fraction.is_empty() || fraction.strip_prefix('.').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    match digits {
        5 if is_number => DateFault::CountOfDays,
        9..=19 if is_number => DateFault::CountOfSeconds,
        _ => DateFault::NotADate,
    }
}

/// One of a date's three parts.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Number(u32, usize),
    Word(&'a str),
}

/// The three parts, and what comes after them.
fn split(text: &str) -> Option<([Part<'_>; 3], &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 8 || (digits == 6 && text.len() == 6) {
        // 20240205 or 05022024 or 050224: the parts have fixed widths, and a year's four digits may stand at either end.
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse().ok();
        // In 19032021 both ends look like a year, but a year first would leave 20 for the month.
        let is_year = |value: u32| (1_900..=2_100).contains(&value);
        let year_first = digits == 8 && is_year(number(0..4)?) && !is_year(number(4..8)?);
        let cut: [(usize, usize); 3] = match (digits, year_first) {
            (8, true) => [(0, 4), (4, 6), (6, 8)],
            (8, false) => [(0, 2), (2, 4), (4, 8)],
            _ => [(0, 2), (2, 4), (4, 6)],
        };
        let part = |(from, to): (usize, usize)| Some(Part::Number(number(from..to)?, to - from));
        return Some(([part(cut[0])?, part(cut[1])?, part(cut[2])?], text.get(digits..)?));
    }
    let (first, rest) = part(text)?;
    let (mark, rest) = separator(rest);
    let (second, rest) = part(rest)?;
    let (other, rest) = separator(rest);
    let (third, rest) = part(rest)?;
    // Between two numbers stands a mark, and the same one twice.
    let numbers = matches!((first, second, third), (Part::Number(..), Part::Number(..), Part::Number(..)));
    (!numbers || (mark == other && mark.is_some())).then_some(([first, second, third], rest))
}

fn part(text: &str) -> Option<(Part<'_>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        let number = text.get(..digits).filter(|_| digits <= 5)?.parse().ok()?;
        return Some((Part::Number(number, digits), text.get(digits..)?));
    }
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    (letters > 0).then_some((Part::Word(text.get(..letters)?), text.get(letters..)?))
}

/// At most one mark with blanks around it.
fn separator(text: &str) -> (Option<char>, &str) {
    let trimmed = text.trim_start_matches(' ');
    let blank = (trimmed.len() < text.len()).then_some(' ');
    match trimmed.strip_prefix(['-', '/', '.', ',']) {
        Some(rest) => (trimmed.chars().next(), rest.trim_start_matches(' ')),
        None => (blank, trimmed),
    }
}

fn month(word: &str) -> Option<u32> {
    let lower = word.to_ascii_lowercase();
    let names = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let at = names.iter().position(|name| lower.len() >= 3 && name.starts_with(&lower))?;
    u32::try_from(at + 1).ok()
}

/// A year of two or four digits.
fn year(value: u32, digits: usize) -> Result<i32, DateFault> {
    let value = i32::try_from(value).map_err(|_| DateFault::Year)?;
    match digits {
        2 if value >= 69 => Ok(1900 + value),
        2 => Ok(2000 + value),
        4 if (EARLIEST_YEAR..=LATEST_YEAR).contains(&value) => Ok(value),
        4 => Err(DateFault::Year),
        _ => Err(DateFault::YearDigits),
    }
}

type Readings = ([Option<Day>; 3], bool, bool);

fn readings(parts: [Part<'_>; 3]) -> Result<Readings, DateFault> {
    let on = |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day).map(day::from_date);
    let fixed =
        |day: Option<Day>, year_first: bool| Ok(([Some(day.ok_or(DateFault::NoSuchDay)?); 3], false, year_first));
    match parts {
        [Part::Number(y, 4), Part::Word(m), Part::Number(d, 1 | 2)]
        | [Part::Number(d, 1 | 2), Part::Word(m), Part::Number(y, 4)] => {
            fixed(on(year(y, 4)?, month(m).ok_or(DateFault::NotADate)?, d), false)
        }
        [Part::Number(a, 2), Part::Word(m), Part::Number(b, 2)] => {
            let m = month(m).ok_or(DateFault::NotADate)?;
            let day_first = on(year(b, 2)?, m, a);
            let (by_order, ..) = several([on(year(a, 2)?, m, b), day_first, day_first])?;
            Ok((by_order, false, false))
        }
        [Part::Number(d, 1 | 2), Part::Word(m), Part::Number(y, digits)]
        | [Part::Word(m), Part::Number(d, 1 | 2), Part::Number(y, digits)] => {
            fixed(on(year(y, digits)?, month(m).ok_or(DateFault::NotADate)?, d), false)
        }
        [Part::Number(y, 4), Part::Number(m, 1 | 2), Part::Number(d, 1 | 2)] => fixed(on(year(y, 4)?, m, d), true),
        [Part::Number(a, 1 | 2), Part::Number(b, 1 | 2), Part::Number(y, 4)] => {
            let y = year(y, 4)?;
            several([None, on(y, b, a), on(y, a, b)])
        }
        [Part::Number(a, first), Part::Number(b, 1 | 2), Part::Number(c, last)] if first <= 2 && last <= 2 => {
            let year_first = if first == 2 { on(year(a, 2)?, b, c) } else { None };
            let y = if last == 2 { year(c, 2).ok() } else { None };
            several([year_first, y.and_then(|y| on(y, b, a)), y.and_then(|y| on(y, a, b))])
        }
        [Part::Number(..), Part::Number(..), Part::Number(..)] => Err(DateFault::YearDigits),
        _ => Err(DateFault::NotADate),
    }
}

fn several(by_order: [Option<Day>; 3]) -> Result<Readings, DateFault> {
    if by_order == [None; 3] { Err(DateFault::NoSuchDay) } else { Ok((by_order, true, false)) }
}
