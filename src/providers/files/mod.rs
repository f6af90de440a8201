//! Files of prices that people own: the exchanges' and the brokers' exports, Yahoo, Nasdaq, Investing.com, Stooq,
//! Kite, Alpha Vantage, and any sensible table. A file is read right, or refused with a sentence; what is left out of
//! it is counted.

mod blocks;
mod decode;
mod formats;
mod headings;
mod json;
mod look;
mod misdated;
mod names;
mod numbers;
mod repeats;
mod table;
mod tickers;

use std::borrow::Cow;
use std::sync::Arc;

use formats::format_of;
use headings::Meaning;
use look::look;
use numbers::{Style, is_nothing, plain};
use table::{Table, cells};
use tickers::{base, choose_ticker, listed};

pub use decode::LARGEST_FILE;

use super::{History, PriceBatch, ProviderError, RawBar};
use crate::market::dates;
use crate::market::{DataSource, DateOrder, Day, day};

/// Series of the NSE that are shares: the main board's and the SME board's, with those that trade for delivery only.
const SHARE_SERIES: [&str; 6] = ["EQ", "BE", "BZ", "SM", "ST", "SZ"];

/// How to read a file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whose prices are wanted, where a file has several.
    pub ticker: String,
    /// Which number of a date comes first; decided from the column if left out.
    pub date_order: Option<DateOrder>,
    /// The day in the file's name, for the daily files whose rows don't tell it.
    pub day: Option<Day>,
}

/// One heading and what its column is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub heading: String,
    pub meaning: Option<&'static str>,
}

/// A file that can be read, and what there is to say of it.
#[derive(Debug)]
pub struct PriceFile {
    inner: Arc<Inner>,
    pub format: &'static str,
    pub columns: Vec<Column>,
    pub date_order: Option<DateOrder>,
    /// Whether the prices are adjusted for splits; unknown of a plain table.
    pub adjusted: Option<bool>,
    /// Sentences that a person should know of.
    pub notes: Vec<String>,
    /// Why the dates can't be read without `dateOrder`.
    pub undecided: Option<String>,
}

#[derive(Debug)]
struct Inner {
    table: Table,
    style: Style,
    order: DateOrder,
    /// The day of every row, where the rows don't tell it.
    day: Option<Day>,
    /// Columns used, one a meaning.
    at: Places,
    tickers: Option<(Vec<usize>, String)>,
    volume_is_optional: bool,
}

#[derive(Debug, Clone, Default)]
struct Places {
    date: usize,
    open: usize,
    high: usize,
    low: usize,
    close: usize,
    adjusted: Option<usize>,
    volume: Option<usize>,
    split: Option<usize>,
    series: Option<usize>,
    /// The BSE's type of security.
    kind: Option<usize>,
    period: Option<usize>,
    /// A time of day in a column of its own.
    time: Option<usize>,
    segments: Vec<usize>,
}

fn bad(what: impl Into<String>) -> ProviderError {
    ProviderError::BadFile { what: what.into() }
}

/// What a line is.
enum Line<'a> {
    Row(Vec<Cow<'a, str>>),
    /// Not a price of this share's day, with the reason.
    LeftOut(String),
    Blank,
    Broken(String),
}

impl Inner {
    fn line<'a>(&self, number: usize, line: &'a str) -> Line<'a> {
        let Some(row) = cells(line.trim_end_matches('\r'), self.table.delimiter) else {
            return Line::Broken(format!("line {number} has a quotation mark that isn't closed"));
        };
        if row.iter().all(|cell| cell.is_empty()) {
            return Line::Blank;
        }
        let names = &self.table.headings.names;
        if row.len() > names.len() && row.iter().skip(names.len()).any(|cell| !cell.is_empty()) {
            return Line::Broken(format!(
                "line {number} has {} cells under {} headings; a number with commas needs quotation marks",
                row.len(),
                names.len()
            ));
        }
        let cell = |i: usize| row.get(i).map_or("", Cow::as_ref);
        if row.iter().zip(names).all(|(cell, name)| cell.trim().eq_ignore_ascii_case(name)) {
            return Line::LeftOut("repeated headings".to_owned());
        }
        if let Some((columns, wanted)) = &self.tickers
            && !columns.iter().any(|&i| base(cell(i)) == *wanted)
        {
            return Line::LeftOut("rows of other tickers".to_owned());
        }
        if let Some(i) = self.at.kind
            && cell(i) != "Q"
        {
            let kind: String = cell(i).chars().take(8).collect();
            return Line::LeftOut(format!("rows of the type {kind}, which is no share"));
        }
        if let Some(i) = self.at.series
            && !cell(i).is_empty()
            && !SHARE_SERIES.contains(&cell(i).trim().to_uppercase().as_str())
        {
            let series: String = cell(i).chars().take(8).collect();
            return Line::LeftOut(format!("rows of the series {series}, which is no share,"));
        }
        if let Some(i) = self.at.period
            && !["", "d", "1d", "day", "daily"].contains(&cell(i).trim().to_lowercase().as_str())
        {
            return Line::LeftOut("rows of another period than a day".to_owned());
        }
        if self.at.segments.iter().any(|&i| !["CM", "STK", ""].contains(&cell(i))) {
            return Line::LeftOut("rows of another segment than shares".to_owned());
        }
        if [self.at.open, self.at.high, self.at.low, self.at.close].iter().all(|&i| is_nothing(cell(i))) {
            return Line::LeftOut("rows without prices".to_owned());
        }
        Line::Row(row)
    }

    /// The day of a line that can't be cut into cells as it is: where its record stands when it's mended.
    fn day_of_broken(&self, line: &str) -> Option<Day> {
        let cell = line.split(self.table.delimiter).nth(self.at.date)?;
        self.day.or_else(|| dates::read(cell).ok()?.by(self.order))
    }

    fn read(&self, each: &mut dyn FnMut(RawBar<'_>)) {
        for (number, line) in self.table.lines() {
            let row = match self.line(number, line) {
                Line::Row(row) => row,
                Line::Broken(reason) => {
                    let date = self.day_of_broken(line).map_or_else(|| format!("line {number}"), day::iso);
                    let date = Cow::Borrowed(date.as_str());
                    each(RawBar { date, broken: Some(&reason), raw: line.trim(), ..RawBar::default() });
                    continue;
                }
                Line::LeftOut(_) | Line::Blank => continue,
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
            let adjusted = self.at.adjusted.and_then(number_at);
            let split = self.at.split.and_then(number_at);
            let mut volume = self.at.volume.and_then(cell).map(|text| plain(text, self.style, true));
            if volume.is_none() && self.volume_is_optional {
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

/// Reads a file's headings and decides from all of its rows how its dates and numbers are written.
///
/// # Errors
/// [`ProviderError::BadFile`] with a sentence that says what to do.
pub fn read(content: &[u8], options: &Options) -> Result<PriceFile, ProviderError> {
    let mut text = decode::text(content)?;
    let is_json = text.trim_start().starts_with(['{', '[']);
    let mut notes = Vec::new();
    if is_json {
        let (table, note) = json::table(&text)?;
        text = table;
        notes.extend(note);
    }
    let mut table = Table::find(text)?;
    let tickers = choose_ticker(&mut table, &options.ticker, &mut notes)?;
    let day = options.day.filter(|_| table.headings.has("sccode") && table.headings.find(Meaning::Date).is_none());
    if let Some(fault) = table.headings.fault(day.is_some()) {
        return Err(bad(fault));
    }
    let h = &table.headings;
    let at_bse = h.has("scgroup") || table.text.get(table.start..).is_some_and(|rest| rest.contains(",BSE,STK,"));
    let place = |meaning| h.find(meaning).unwrap_or_default();
    let at = Places {
        date: place(Meaning::Date),
        open: place(Meaning::Open),
        high: place(Meaning::High),
        low: place(Meaning::Low),
        close: place(Meaning::Close),
        adjusted: h.find(Meaning::AdjustedClose),
        volume: h.find(Meaning::Volume),
        split: h.find(Meaning::Split),
        // The BSE's groups aren't the NSE's series.
        series: h.find(Meaning::Series).filter(|_| !at_bse),
        kind: h.find(Meaning::Series).filter(|_| h.has("sctype")),
        period: h.find(Meaning::Period),
        time: h.at("time").filter(|&i| h.meanings[i] == Meaning::Ignored),
        segments: h.all(Meaning::Segment),
    };
    let (mut format, mut adjusted) = format_of(&table, is_json);
    let volume_is_optional = at.volume.is_none() || ["Investing.com", "Nasdaq"].contains(&format);
    let columns = h.names.iter().zip(&h.meanings);
    let columns =
        columns.map(|(name, meaning)| Column { heading: name.clone(), meaning: meaning.name() }).collect::<Vec<_>>();
    let unknown = h.unknown();
    if !unknown.is_empty() {
        notes.push(format!("columns not known and not used: {}", listed(&unknown)));
    }
    let mut inner = Inner { table, style: Style::Point, order: DateOrder::Ymd, day, at, tickers, volume_is_optional };
    let seen = look(&inner)?;
    if let Some(fault) = seen.misdated.fault().or_else(|| seen.days.fault()).or_else(|| seen.blocks.fault()) {
        return Err(bad(fault));
    }
    inner.style = seen.style.decide().map_err(bad)?;
    let mut undecided = None;
    match (options.date_order, seen.order.decide()) {
        (Some(order), _) | (None, Ok(order)) => inner.order = order,
        (None, Err(fault)) => undecided = Some(fault.to_string()),
    }
    if seen.rows == 0 && seen.broken == 0 {
        let why = listed(&seen.left_out.keys().cloned().collect::<Vec<_>>());
        let why = if why.is_empty() { "it has headings and no rows".to_owned() } else { format!("it has only {why}") };
        return Err(bad(format!("none of its rows can be used: {why}")));
    }
    notes.extend(seen.left_out.iter().map(|(reason, count)| format!("{count} {reason} left out")));
    if seen.unknown_volumes > 0 && volume_is_optional {
        notes.push(format!("the volume of {} rows isn't known and is stored as 0", seen.unknown_volumes));
    }
    if format == "Date, Open, High, Low, Close" && seen.closing_times {
        adjusted = Some(true);
    }
    // What Kite's library gives, saved by pandas or as JSON; yfinance's own have more columns.
    if seen.indian_time && ["Date, Open, High, Low, Close", "Alpha Vantage (JSON)"].contains(&format) {
        (format, adjusted) = ("Kite", Some(true));
    }
    if let Some(day) = day {
        notes.push(format!("its day, {}, is taken from the file's name", day::iso(day)));
    }
    if adjusted == Some(true) {
        notes.push("its prices are adjusted for splits, not as traded".to_owned());
    }
    let date_order = if undecided.is_some() { None } else { seen.order.shown(inner.order) };
    Ok(PriceFile { inner: Arc::new(inner), format, columns, date_order, adjusted, notes, undecided })
}

impl PriceFile {
    /// The file's records, to be checked and stored.
    ///
    /// # Errors
    /// When the order of the dates isn't decided.
    pub fn batch(&self) -> Result<PriceBatch, ProviderError> {
        if let Some(what) = &self.undecided {
            return Err(bad(what.clone()));
        }
        let inner = Arc::clone(&self.inner);
        Ok(PriceBatch {
            source: DataSource::Csv,
            body: String::new(),
            reader: Box::new(move |_, each| {
                inner.read(each);
                Ok(())
            }),
            history: History::Recent,
            unfinished: None,
            adjusted_only: self.adjusted == Some(true),
        })
    }
}

#[cfg(test)]
mod tests;
