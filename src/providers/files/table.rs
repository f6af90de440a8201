//! Lines of a file as rows of cells. A price table has no line breaks in a cell, so each line stands for itself: a
//! quotation mark that is never closed costs its own line and no other.

use std::borrow::Cow;

use super::headings::Headings;
use crate::providers::ProviderError;

/// Lines before the headings that are passed over.
const PREAMBLE: usize = 40;
const MOST_LINES: usize = 3_000_000;
const LONGEST_LINE: usize = 64 << 10;
const MOST_COLUMNS: usize = 500;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// A line's cells; `None` where a quotation mark is not closed.
pub(super) fn cells(line: &str, delimiter: char) -> Option<Vec<Cow<'_, str>>> {
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let start = if delimiter == '\t' { rest.trim_start_matches(' ') } else { rest.trim_start() };
        // Spreadsheets keep a text from becoming a date as ="2024-01-02".
        let start = start.strip_prefix('=').filter(|text| text.starts_with('"')).unwrap_or(start);
        if let Some(quoted) = start.strip_prefix('"') {
            let mut text = String::new();
            let mut after = quoted;
            loop {
                let end = after.find('"')?;
                text.push_str(&after[..end]);
                after = &after[end + 1..];
                match after.strip_prefix('"') {
                    Some(more) => {
                        text.push('"');
                        after = more;
                    }
                    None => break,
                }
            }
            let end = after.find(delimiter);
            text.push_str(after.get(..end.unwrap_or(after.len()))?.trim());
            let inner = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).map(str::to_owned);
            found.push(Cow::Owned(inner.unwrap_or(text)));
            match end {
                Some(end) => rest = &after[end + delimiter.len_utf8()..],
                None => return Some(found),
            }
        } else {
            let end = rest.find(delimiter);
            let cell = rest.get(..end.unwrap_or(rest.len()))?.trim();
            // A mark in the middle of a bare cell closes nothing.
            if cell.contains('"') {
                return None;
            }
            found.push(Cow::Borrowed(cell));
            match end {
                Some(end) => rest = &rest[end + delimiter.len_utf8()..],
                None => return Some(found),
            }
        }
    }
}

/// Where a table begins in its text, and how it is cut.
#[derive(Debug)]
pub(super) struct Table {
    pub text: String,
    pub delimiter: char,
    pub headings: Headings,
    /// Tickers above the columns, where a second line of headings has them.
    pub tickers: Vec<String>,
    /// Bytes before the first row, and the number of its line.
    pub start: usize,
    pub first_line: usize,
}

impl Table {
    /// Finds the headings.
    ///
    /// # Errors
    /// When there are none, or the file has too many or too long lines.
    pub(super) fn find(text: String) -> Result<Self, ProviderError> {
        let bad = |what: String| ProviderError::BadFile { what };
        let mut lines = 0_usize;
        for line in text.split('\n') {
            lines += 1;
            if line.len() > LONGEST_LINE {
                return Err(bad(format!("line {lines} is longer than {} KiB", LONGEST_LINE >> 10)));
            }
        }
        if lines > MOST_LINES {
            return Err(bad(format!("it has more than {MOST_LINES} lines; split it")));
        }
        let mut at = 0;
        let mut found = None;
        let mut above = "";
        for (number, line) in text.split_inclusive('\n').enumerate().take(PREAMBLE) {
            let read = DELIMITERS.iter().filter_map(|&delimiter| {
                let cells = cells(line.trim_end_matches(['\r', '\n']), delimiter)?;
                let cells: Vec<&str> = cells.iter().map(Cow::as_ref).take(MOST_COLUMNS).collect();
                Headings::read(&cells).map(|headings| (delimiter, headings))
            });
            at += line.len();
            if let Some((delimiter, headings)) = read.max_by_key(|(_, headings)| headings.names.len()) {
                let tickers = tickers_above(above, delimiter, &headings);
                found = Some((delimiter, headings, number + 2, tickers));
                break;
            }
            above = line;
        }
        let Some((delimiter, headings, first_line, tickers)) = found else {
            let first: String = text.trim_start().lines().next().unwrap_or_default().chars().take(80).collect();
            return Err(bad(format!(
                "it has no line of headings, as date,open,high,low,close[,adjusted_close],volume; it begins with {:?}",
                first.trim()
            )));
        };
        let mut table = Self { text, delimiter, headings, tickers, start: at, first_line };
        table.read_further_headings();
        Ok(table)
    }

    /// yfinance writes up to three lines: `Price,Close,…`, `Ticker,AAPL,…`, `Date,,,`.
    fn read_further_headings(&mut self) {
        let first = self.headings.names.first().map(|name| name.to_lowercase());
        if !matches!(first.as_deref(), Some("price" | "" | "ticker")) {
            return;
        }
        let mut taken = 0;
        let mut named = false;
        let mut tickers = Vec::new();
        let rest = self.text.get(self.start..).unwrap_or_default();
        for line in rest.split_inclusive('\n').take(2) {
            let Some(row) = cells(line.trim_end_matches(['\r', '\n']), self.delimiter) else { break };
            let lead = row.first().map(|cell| cell.to_lowercase()).unwrap_or_default();
            let names = &self.headings.names;
            if row.len() == names.len() && row.iter().zip(names).all(|(cell, name)| cell.eq_ignore_ascii_case(name)) {
                break;
            }
            let others_blank = row.iter().skip(1).all(|cell| cell.is_empty());
            if lead == "ticker" || (lead.is_empty() && !others_blank) {
                tickers = row.iter().map(ToString::to_string).collect();
                named = true;
            } else if matches!(lead.as_str(), "date" | "datetime") && others_blank {
                named = true;
            } else {
                break;
            }
            taken += line.len();
            self.first_line += 1;
        }
        if named {
            // The first column is the date's, whatever the first line calls it.
            let mut names: Vec<String> = self.headings.names.clone();
            "Date".clone_into(&mut names[0]);
            let cells: Vec<&str> = names.iter().map(String::as_str).collect();
            if let Some(headings) = Headings::read(&cells) {
                self.headings = headings;
                if !tickers.is_empty() {
                    self.tickers = tickers;
                }
                self.start += taken;
            }
        }
    }

    /// The rows' lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let rest = self.text.get(self.start..).unwrap_or_default();
        rest.lines().enumerate().map(|(i, line)| (self.first_line + i, line))
    }
}

/// yfinance's `group_by="ticker"` writes the tickers above the columns' names: `Ticker,AAPL,AAPL,…`.
fn tickers_above(line: &str, delimiter: char, headings: &Headings) -> Vec<String> {
    let row = cells(line.trim_end_matches(['\r', '\n']), delimiter).unwrap_or_default();
    let lead = row.first().map(|cell| cell.to_lowercase());
    let under_price = headings.names.first().is_some_and(|name| name.is_empty() || name.eq_ignore_ascii_case("price"));
    let named = matches!(lead.as_deref(), Some("ticker" | "")) && row.iter().skip(1).any(|cell| !cell.is_empty());
    if under_price && named && row.len() == headings.names.len() {
        row.iter().map(ToString::to_string).collect()
    } else {
        Vec::new()
    }
}
