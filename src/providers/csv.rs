//! Prices from a CSV file: `date,open,high,low,close[,adjusted_close],volume` in any order, with the headings that
//! Alpha Vantage, Yahoo and the exchanges use for them.

use std::borrow::Cow;

use csv::{ByteRecord, ReaderBuilder};

use super::{History, PriceBatch, ProviderError, RawBar};
use crate::market::DataSource;

/// Where each field stands in a row.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Layout {
    date: usize,
    open: usize,
    high: usize,
    low: usize,
    close: usize,
    volume: usize,
    adjusted_close: Option<usize>,
    split: Option<usize>,
}

/// Checks a file's headings and wraps it; its records are read later.
///
/// # Errors
/// [`ProviderError::BadFile`] that names the headings that are missing.
pub fn batch(body: String) -> Result<PriceBatch, ProviderError> {
    let body = match body.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => body,
    };
    layout(&body)?;
    Ok(PriceBatch { source: DataSource::Csv, body, reader: read_bars, history: History::Recent, unfinished: None })
}

fn malformed(what: String) -> ProviderError {
    ProviderError::BadFile { what }
}

fn layout(body: &str) -> Result<Layout, ProviderError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body.as_bytes());
    let mut headings = ByteRecord::new();
    let read = reader.read_byte_record(&mut headings);
    if !read.map_err(|e| malformed(format!("the first line isn't CSV: {e}")))? {
        return Err(malformed("it is empty; it needs the headings date,open,high,low,close,volume".to_owned()));
    }
    let headings: Vec<String> = headings.iter().map(normalised).collect();
    let find = |names: &[&str]| headings.iter().position(|h| names.contains(&h.as_str()));
    let mut missing = Vec::new();
    let mut need = |names: &[&'static str]| {
        find(names).unwrap_or_else(|| {
            missing.push(names[0]);
            0
        })
    };
    let layout = Layout {
        date: need(&["date", "timestamp", "day", ""]),
        open: need(&["open"]),
        high: need(&["high"]),
        low: need(&["low"]),
        close: need(&["close"]),
        volume: need(&["volume", "total trade quantity"]),
        adjusted_close: find(&["adjusted close", "adj close"]),
        split: find(&["split coefficient", "split"]),
    };
    if missing.is_empty() {
        return Ok(layout);
    }
    let what = format!(
        "its first line has no column {}; it needs the headings date,open,high,low,close[,adjusted_close],volume",
        missing.join(", ")
    );
    Err(malformed(what))
}

fn normalised(heading: &[u8]) -> String {
    String::from_utf8_lossy(heading).trim().to_lowercase().replace(['_', '.'], " ")
}

fn read_bars(body: &str, each: &mut dyn FnMut(RawBar<'_>)) -> Result<(), ProviderError> {
    let layout = layout(body)?;
    let mut reader = ReaderBuilder::new().has_headers(true).flexible(true).from_reader(body.as_bytes());
    // The headings are read first, so that the first record's text begins after them.
    reader.byte_headers().map_err(|e| malformed(e.to_string()))?;
    let mut row = ByteRecord::new();
    loop {
        let start = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        if !reader.read_byte_record(&mut row).map_err(|e| malformed(e.to_string()))? {
            return Ok(());
        }
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let field = |i: usize| {
            let text = std::str::from_utf8(row.get(i)?).ok()?.trim();
            (!text.is_empty()).then_some(text)
        };
        each(RawBar {
            date: Cow::Borrowed(field(layout.date).unwrap_or("")),
            open: field(layout.open),
            high: field(layout.high),
            low: field(layout.low),
            close: field(layout.close),
            adjusted_close: layout.adjusted_close.and_then(field),
            volume: field(layout.volume),
            split: layout.split.and_then(field),
            raw: body.get(start..end).unwrap_or("").trim(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let batch = batch(body.to_owned()).expect("headings");
        batch
            .for_each(|b| rows.push(format!("{}|{:?}|{:?}|{}", b.date, b.close, b.adjusted_close, b.raw)))
            .expect("rows");
        rows
    }

    #[test]
    fn columns_are_found_by_name_and_short_rows_keep_their_text() {
        let rows =
            read("\u{feff}Date,Open,High,Low,Close,Volume,Adj Close\r\n2000-03-01,1,3,1,2,10,0.5\r\n2000-03-02,1\r\n");
        assert_eq!(
            rows,
            [r#"2000-03-01|Some("2")|Some("0.5")|2000-03-01,1,3,1,2,10,0.5"#, r"2000-03-02|None|None|2000-03-02,1",]
        );
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = batch("date,open,high,low,last\n".to_owned()).expect_err("no close").to_string();
        assert!(error.contains("close, volume"), "{error}");
        assert!(batch(String::new()).is_err());
    }
}
