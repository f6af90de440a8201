//! A date's text and the day that it means in each order of its numbers.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

use crate::market::day::{self, Day};

/// Years that a record may lie in. Daily prices of before 1900 aren't to be had, and spreadsheets write an empty cell
/// as a date of 1899 or earlier.
pub const EARLIEST_YEAR: i32 = 1900;
/// A later year is a slip of the pen.
pub(super) const LATEST_YEAR: i32 = 2100;
/// 1900-01-01.
pub const EARLIEST: Day = -25_567;
/// 2100-12-31.
pub const LATEST: Day = 47_846;

/// Which number of a date comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "UPPERCASE")]
pub enum DateOrder {
    /// Year, month, day: 2024-02-05.
    Ymd,
    /// Day, month, year: 05/02/2024 is the 5th of February.
    Dmy,
    /// Month, day, year: 05/02/2024 is the 2nd of May.
    Mdy,
}

pub(super) const ORDERS: [DateOrder; 3] = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy];

impl DateOrder {
    pub(super) fn index(self) -> usize {
        match self {
            Self::Ymd => 0,
            Self::Dmy => 1,
            Self::Mdy => 2,
        }
    }

    /// As the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ymd => "YMD",
            Self::Dmy => "DMY",
            Self::Mdy => "MDY",
        }
    }

    /// As the API spells it, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ORDERS.into_iter().find(|order| order.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// Why a text is no date, to be put after the text in quotes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    #[error("is not a date")]
    NotADate,
    #[error(
        "is not a date but a spreadsheet's count of days: give the column a date format there, as yyyy-mm-dd, and save it again"
    )]
    CountOfDays,
    #[error("is not a date but a count of seconds or less: write the days as dates, as 2024-02-05")]
    CountOfSeconds,
    #[error("is no day of the calendar")]
    NoSuchDay,
    #[error("is not a date: a year has four digits, or two")]
    YearDigits,
    #[error("lies outside the years {EARLIEST_YEAR} to {LATEST_YEAR}")]
    Year,
    #[error("can be {} or {}", day::iso(*.0), day::iso(*.1))]
    Ambiguous(Day, Day),
    #[error("names another day of the week than its date has")]
    Weekday,
}

/// A date's text, and the day it means in each order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own.
pub struct Written {
    pub(super) by_order: [Option<Day>; 3],
    /// Whether the order matters.
    pub(super) numeric: bool,
    pub(super) year_first: bool,
    /// Whether the year has two digits, and so follows from the rule.
    pub short_year: bool,
    /// Whether two digits stand on either side of a month's name, so that the year may be first.
    pub(super) short_ends: bool,
    /// Seconds since midnight, where a time of day is written.
    pub time: Option<u32>,
    /// Whether the time is said to be UTC.
    pub utc: bool,
}

impl Written {
    /// The day in this order.
    #[must_use]
    pub fn by(&self, order: DateOrder) -> Option<Day> {
        self.by_order[order.index()]
    }

    /// Whether the date begins with a year of four digits, and so has one order.
    #[must_use]
    pub fn is_year_first(&self) -> bool {
        self.year_first
    }

    /// Whether the order of its numbers has to be known.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.numeric
    }

    /// Whether another date is the same in every order.
    #[must_use]
    pub fn is_same_day(&self, other: &Self) -> bool {
        self.by_order == other.by_order
    }

    /// The day, where every order that gives one gives the same. Beside a month's name the day comes first.
    ///
    /// # Errors
    /// [`DateFault::Ambiguous`] with two of them.
    pub fn only(&self) -> Result<Day, DateFault> {
        if self.short_ends {
            return self.by(DateOrder::Dmy).ok_or(DateFault::NoSuchDay);
        }
        let mut days = self.by_order.iter().flatten();
        let first = *days.next().ok_or(DateFault::NoSuchDay)?;
        days.find(|&&other| other != first).map_or(Ok(first), |&other| Err(DateFault::Ambiguous(first, other)))
    }
}
