//! Files of prices that people own: the exchanges' and the brokers' exports, Yahoo, Nasdaq, Investing.com, Stooq,
//! Kite, Alpha Vantage, and any sensible table. A file is read right, or refused with a sentence; what is left out of
//! it is counted.

mod amounts;
mod blocks;
mod decode;
mod formats;
mod headings;
mod json;
mod lines;
mod look;
mod misdated;
mod names;
mod numbers;
mod repeats;
mod sequence;
mod table;
mod tickers;

use std::borrow::Cow;
use std::sync::Arc;

use amounts::Style;
use formats::format_of;
use headings::Meaning;
use lines::{Inner, Places, bad};
use look::look;
use numbers::Points;
use table::{Table, cells};
use tickers::{Filter, choose_ticker, listed};

pub use decode::{LARGEST_FILE, is_large};

use super::{History, PriceBatch, ProviderError};
use crate::market::{DataSource, DateOrder, Day, day};

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
    /// Whether it has rows that are left out, as those without prices are.
    has_holes: bool,
}

/// Reads a file's headings and decides from all of its rows how its dates and numbers are written. Content that is given
/// away isn't copied.
///
/// # Errors
/// [`ProviderError::BadFile`] with a sentence that says what to do.
pub fn read<'a>(content: impl Into<Cow<'a, [u8]>>, options: &Options) -> Result<PriceFile, ProviderError> {
    let mut text = decode::text(content.into())?;
    let is_json = text.trim_start().starts_with(['{', '[']);
    let mut notes = Vec::new();
    if is_json {
        let (table, note) = json::table(&text)?;
        text = table;
        notes.extend(note);
    }
    let mut table = Table::find(text)?;
    let filter = choose_ticker(&mut table, &options.ticker, &mut notes)?;
    let day = options.day.filter(|_| table.headings.has("sccode") && table.headings.find(Meaning::Date).is_none());
    if let Some(fault) = table.headings.fault(day.is_some()) {
        return Err(bad(fault));
    }
    let h = &table.headings;
    let at_bse = h.has("scgroup") || is_of_bse(&table, filter.as_ref());
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
    let mut inner = Inner { table, style: Style::Point, order: DateOrder::Ymd, day, at, filter, volume_is_optional };
    let seen = look(&inner)?;
    let misdated = seen.misdated.fault(&options.ticker);
    if let Some(fault) = misdated.or_else(|| seen.days.fault()).or_else(|| seen.blocks.fault()) {
        return Err(bad(fault));
    }
    inner.style = seen.style.decide(points_of(&inner.table, is_json)).map_err(bad)?;
    let mut undecided = None;
    match (options.date_order, seen.order.decide()) {
        (Some(order), _) | (None, Ok(order)) => inner.order = order,
        (None, Err(fault)) => undecided = Some(fault.to_string()),
    }
    let of_exchange = ["NSE", "BSE", "UDiFF"].iter().any(|name| format.starts_with(name));
    let are_days = of_exchange || inner.at.series.is_some() || inner.at.period.is_some();
    if undecided.is_none()
        && let Some(fault) = seen.sequence.fault(inner.order, are_days)
    {
        return Err(bad(fault));
    }
    if seen.rows == 0 && seen.broken == 0 {
        let why = listed(&seen.left_out.keys().map(ToString::to_string).collect::<Vec<_>>());
        let why = if why.is_empty() { "it has headings and no rows".to_owned() } else { format!("it has only {why}") };
        return Err(bad(format!("none of its rows can be used: {why}")));
    }
    notes.extend(seen.left_out.iter().map(|(reason, count)| format!("{count} {reason} left out")));
    let unknown_volumes = match seen.unknown_volumes {
        unknown if unknown == 0 || volume_is_optional => unknown,
        _ => inner.without_volume(),
    };
    if unknown_volumes > 0 {
        notes.push(format!("the volume of {unknown_volumes} rows isn't known and is stored as 0"));
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
    let has_holes = seen.left_out.keys().any(|reason| reason != lines::HEADINGS_AGAIN);
    Ok(PriceFile { inner: Arc::new(inner), format, columns, date_order, adjusted, notes, undecided, has_holes })
}

/// Whether the share's first row names the BSE as its source, whose groups aren't the NSE's series.
fn is_of_bse(table: &Table, filter: Option<&Filter>) -> bool {
    let Some(at) = table.headings.at("src") else { return false };
    let mut rows = table.lines().filter_map(|(_, line)| cells(line.trim_end_matches('\r'), table.delimiter));
    let source = |row: Vec<Cow<'_, str>>| {
        let is_own = filter.is_none_or(|filter| filter.other(&row).is_none());
        row.get(at)
            .map(|cell| cell.trim())
            .filter(|cell| is_own && !cell.is_empty())
            .map(|cell| cell.eq_ignore_ascii_case("BSE"))
    };
    rows.find_map(source).unwrap_or_default()
}

/// What is to be thought of points in a table's numbers before any is looked at.
fn points_of(table: &Table, is_json: bool) -> Points {
    match () {
        () if is_json => Points::Decimal,
        () if table.headings.is_foreign() => Points::Foreign,
        () if table.delimiter == ';' => Points::Unclear,
        () => Points::Likely,
    }
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
            has_holes: self.has_holes,
        })
    }
}

#[cfg(test)]
mod tests;
