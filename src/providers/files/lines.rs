//! A table's lines: what each is, and the bars that they hold.

use std::borrow::Cow;

use super::amounts::{Style, is_nothing, plain};
use super::headings::{Headings, Meaning};
use super::table::{Table, cells};
use super::tickers::Filter;
use crate::market::{DateOrder, Day, dates, day};
use crate::providers::{ProviderError, RawBar};

/// Series of the NSE that are shares: the main board's and the SME board's, with those that trade for delivery only.
const SHARE_SERIES: [&str; 6] = ["EQ", "BE", "BZ", "SM", "ST", "SZ"];

/// What rows are that say nothing of any day.
pub(super) const HEADINGS_AGAIN: &str = "repeated headings";

/// How a row says that it's of a day: in words, in the short ones of trading programs, and in minutes.
const OF_A_DAY: [&str; 8] = ["", "d", "d1", "1d", "1 day", "day", "daily", "1440"];

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) table: Table,
    pub(super) style: Style,
    pub(super) order: DateOrder,
    /// The day of every row, where the rows don't tell it.
    pub(super) day: Option<Day>,
    /// Columns used, one a meaning.
    pub(super) at: Places,
    pub(super) filter: Option<Filter>,
    pub(super) volume_is_optional: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub(super) date: usize,
    pub(super) open: usize,
    pub(super) high: usize,
    pub(super) low: usize,
    pub(super) close: usize,
    pub(super) adjusted: Option<usize>,
    pub(super) volume: Option<usize>,
    pub(super) split: Option<usize>,
    pub(super) series: Option<usize>,
    /// The BSE's type of security.
    pub(super) kind: Option<usize>,
    pub(super) period: Option<usize>,
    /// A time of day in a column of its own.
    pub(super) time: Option<usize>,
    pub(super) segments: Vec<usize>,
}

pub(super) fn bad(what: impl Into<String>) -> ProviderError {
    ProviderError::BadFile { what: what.into() }
}

/// What a line is.
pub(super) enum Line<'a> {
    Row(Vec<Cow<'a, str>>),
    /// Not a price of this share's day, with the reason.
    LeftOut(Cow<'static, str>),
    Blank,
    Broken(String),
    /// Headings of another table, by which what follows would have to be read.
    OtherHeadings(String),
}

impl Inner {
    pub(super) fn line<'a>(&self, number: usize, line: &'a str) -> Line<'a> {
        let Some(row) = cells(line.trim_end_matches('\r'), self.table.delimiter) else {
            return Line::Broken(format!("line {number} has a quotation mark that isn't closed"));
        };
        if row.iter().all(|cell| cell.is_empty()) {
            return Line::Blank;
        }
        match self.is_as_first_headings(&row) {
            Some(true) => return Line::LeftOut(Cow::Borrowed(HEADINGS_AGAIN)),
            Some(false) => {
                let first = self.table.first_line.saturating_sub(1).max(1);
                return Line::OtherHeadings(format!(
                    "line {number} has other headings than line {first}; split the file there"
                ));
            }
            None => {}
        }
        if let Some(reason) = self.moved_cells(&row) {
            return Line::Broken(format!("line {number} has {reason}; a number with commas needs quotation marks"));
        }
        let cell = |i: usize| row.get(i).map_or("", Cow::as_ref);
        if let Some(reason) = self.filter.as_ref().and_then(|filter| filter.other(&row)) {
            return Line::LeftOut(Cow::Borrowed(reason));
        }
        if let Some(i) = self.at.kind
            && cell(i) != "Q"
        {
            let kind: String = cell(i).chars().take(8).collect();
            return Line::LeftOut(Cow::Owned(format!("rows of the type {kind}, which is no share")));
        }
        if let Some(i) = self.at.series
            && !cell(i).is_empty()
            && !SHARE_SERIES.contains(&cell(i).trim().to_uppercase().as_str())
        {
            let series: String = cell(i).chars().take(8).collect();
            return Line::LeftOut(Cow::Owned(format!("rows of the series {series}, which is no share,")));
        }
        if let Some(i) = self.at.period
            && !OF_A_DAY.contains(&cell(i).trim().to_lowercase().as_str())
        {
            return Line::LeftOut(Cow::Borrowed("rows of another period than a day"));
        }
        if self.at.segments.iter().any(|&i| !["CM", "STK", ""].contains(&cell(i))) {
            return Line::LeftOut(Cow::Borrowed("rows of another segment than shares"));
        }
        if [self.at.open, self.at.high, self.at.low, self.at.close].iter().all(|&i| is_nothing(cell(i))) {
            return Line::LeftOut(Cow::Borrowed("rows without prices"));
        }
        Line::Row(row)
    }

    /// What shows that a number was cut at its commas, so that the cells after it stand under the next headings.
    fn moved_cells(&self, row: &[Cow<'_, str>]) -> Option<String> {
        let Headings { names, meanings } = &self.table.headings;
        let more = || format!("{} cells under {} headings", row.len(), names.len());
        if row.iter().skip(names.len()).any(|cell| !cell.is_empty()) {
            return Some(more());
        }
        if self.table.delimiter != ',' {
            return None;
        }
        // A first column without a heading is pandas' index.
        let mut unnamed = row.iter().zip(names).skip(1).filter(|(_, name)| name.is_empty());
        if let Some((cell, _)) = unnamed.find(|(cell, _)| cell.starts_with(|c: char| c.is_ascii_digit())) {
            let shown: String = cell.chars().take(40).collect();
            return Some(format!("{shown:?} under no heading"));
        }
        // Rows may all end in a comma. Then a last column that isn't known has a group of three only by a rare chance.
        let digits = |i: usize, lengths: std::ops::RangeInclusive<usize>| {
            row.get(i).is_some_and(|cell| lengths.contains(&cell.len()) && cell.bytes().all(|b| b.is_ascii_digit()))
        };
        let last = names.len().checked_sub(1).filter(|_| row.len() > names.len())?;
        let is_cut = meanings.get(last) == Some(&Meaning::Unknown) && digits(last, 3..=3);
        (is_cut && digits(last.checked_sub(1)?, 1..=3)).then(more)
    }

    /// Whether a row says in a word or a dash that it has no volume, as those of an index do. Of a share that has a series it's
    /// missing.
    fn says_no_volume(&self, row: &[Cow<'_, str>]) -> bool {
        let says_so = |cell: &Cow<'_, str>| !cell.trim().is_empty() && is_nothing(cell);
        self.table.headings.find(Meaning::Series).is_none()
            && self.at.volume.and_then(|i| row.get(i)).is_some_and(says_so)
    }

    /// Rows that say that they have no volume.
    pub(super) fn without_volume(&self) -> usize {
        let rows = self.table.lines().filter_map(|(number, line)| match self.line(number, line) {
            Line::Row(row) => Some(row),
            _ => None,
        });
        rows.filter(|row| self.says_no_volume(row)).count()
    }

    /// The first and the last line with an adjusted close. Between them a row without one would be read as if none of its
    /// prices were adjusted.
    fn adjusted_lines(&self) -> Option<(usize, usize)> {
        let at = self.at.adjusted?;
        let has_one = |number: usize, line: &str| match self.line(number, line) {
            Line::Row(row) => row.get(at).is_some_and(|cell| !is_nothing(cell)),
            _ => false,
        };
        let mut lines = self.table.lines().filter(|&(number, line)| has_one(number, line)).map(|(number, _)| number);
        let first = lines.next()?;
        Some((first, lines.last().unwrap_or(first)))
    }

    /// Whether a row of headings has each column where the first ones have it; `None` of any other row.
    fn is_as_first_headings(&self, row: &[Cow<'_, str>]) -> Option<bool> {
        use Meaning::{AdjustedClose, Close, Date, High, Low, Open, Split, Volume};
        let first = &self.table.headings;
        let mut pairs = row.iter().zip(&first.names);
        if row.len() <= first.names.len() && pairs.all(|(cell, name)| cell.trim().eq_ignore_ascii_case(name)) {
            return Some(true);
        }
        // Prices have no letters but a currency's, so that few rows are looked at closer.
        let has_letters = |i: usize| row.get(i).is_some_and(|cell| cell.chars().any(char::is_alphabetic));
        if ![self.at.open, self.at.high, self.at.low, self.at.close].into_iter().any(has_letters) {
            return None;
        }
        let cells: Vec<&str> = row.iter().map(Cow::as_ref).collect();
        let again = Headings::read(&cells)?;
        if again.find(Date).is_none() && self.day.is_none() {
            return None;
        }
        let used = [Date, Open, High, Low, Close, AdjustedClose, Volume, Split];
        Some(used.iter().all(|&meaning| again.find(meaning) == first.find(meaning)))
    }

    /// The day of a line that can't be cut into cells as it is: where its record stands when it's mended.
    fn day_of_broken(&self, line: &str) -> Option<Day> {
        let cell = line.split(self.table.delimiter).nth(self.at.date)?;
        self.day.or_else(|| dates::read(cell).ok()?.by(self.order))
    }

    pub(super) fn read(&self, each: &mut dyn FnMut(RawBar<'_>)) {
        let adjusted_lines = self.adjusted_lines();
        for (number, line) in self.table.lines() {
            let row = match self.line(number, line) {
                Line::Row(row) => row,
                Line::Broken(reason) => {
                    let date = self.day_of_broken(line).map_or_else(|| format!("line {number}"), day::iso);
                    let date = Cow::Borrowed(date.as_str());
                    each(RawBar { date, broken: Some(&reason), raw: line.trim(), ..RawBar::default() });
                    continue;
                }
                // Such a file has been refused.
                Line::LeftOut(_) | Line::Blank | Line::OtherHeadings(_) => continue,
            };
            let cell = |i: usize| row.get(i).map(|cell| cell.trim()).filter(|cell| !is_nothing(cell));
            let number_at = |i: usize| cell(i).map(|text| plain(text, self.style, false));
            let date = row.get(self.at.date).filter(|_| self.day.is_none()).map_or("", Cow::as_ref);
            let written = if self.day.is_none() { dates::read(date).ok() } else { None };
            let day = self.day.or_else(|| written.and_then(|written| written.by(self.order)));
            if written.is_some() && day.is_none() {
                let (text, order) = (date.chars().take(40).collect::<String>(), self.order.name());
                let reason = format!("{text:?} is no date in the order {order}");
                each(RawBar {
                    date: Cow::Borrowed(date),
                    broken: Some(&reason),
                    raw: line.trim(),
                    ..RawBar::default()
                });
                continue;
            }
            let read = day.map(day::iso);
            let (open, high) = (number_at(self.at.open), number_at(self.at.high));
            let (low, close) = (number_at(self.at.low), number_at(self.at.close));
            let mut adjusted = self.at.adjusted.and_then(number_at);
            if adjusted.is_none() && adjusted_lines.is_some_and(|(first, last)| (first..last).contains(&number)) {
                // An empty number is flagged as missing.
                adjusted = Some(Cow::Borrowed(""));
            }
            // Where no share was split some write a zero.
            let split = self.at.split.and_then(number_at).filter(|text| text.parse::<f64>() != Ok(0.0));
            let mut volume = self.at.volume.and_then(cell).map(|text| plain(text, self.style, true));
            if volume.is_none() && (self.volume_is_optional || self.says_no_volume(&row)) {
                volume = Some(Cow::Borrowed("0"));
            }
            each(RawBar {
                date: read.map_or(Cow::Borrowed(date), Cow::Owned),
                open: open.as_deref(),
                high: high.as_deref(),
                low: low.as_deref(),
                close: close.as_deref(),
                adjusted_close: adjusted.as_deref(),
                volume: volume.as_deref(),
                split: split.as_deref(),
                broken: None,
                raw: line.trim(),
            });
        }
    }
}
