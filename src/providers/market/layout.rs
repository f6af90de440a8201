//! The NSE's daily file: which layout it is, whether it is the day asked for, and the shares in it.
//!
//! Three checks come before anything is believed: the text is such a file, every row is of one day and that day is
//! the one asked for, and the segment is equities (the derivatives' file has the same columns).

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::unpack::{Unpacked, unpack};
use crate::market::Day;
use crate::market::daily::{
    Layout, ShareDay, is_fund_isin, is_rights_entitlement, is_share_series, is_ticker, isin, parse_day, price, shares,
};
use crate::market::day::iso;
use crate::providers::quotes::{NOT_CLOSED, cells, closed_lines};
use crate::store::NewFlag;

/// What a file that was taken for a day's turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum DayFile {
    /// The day's shares.
    Session(Session),
    /// A good file of another day: the exchange repeats the last session where there was none.
    OtherDay(Day),
    /// A web page.
    Page,
    /// Not such a file, or half of one.
    Broken(String),
}

/// One day of the market as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub day: Day,
    pub layout: Layout,
    /// By ticker; one row a share.
    pub shares: Vec<ShareDay>,
    /// Tickers whose ISIN says that they are units of funds.
    pub funds: Vec<String>,
    /// Share rows that can't be right.
    pub flagged: Vec<NewFlag>,
    /// Rows of bonds, funds, entitlements and the like.
    pub left_out: usize,
}

/// More rows than any market has.
const MOST_ROWS: usize = 100_000;
/// The longest raw text that is kept of a record.
const LONGEST_RAW: usize = 500;

/// Lines above the heading that are passed over, and the columns that tell it from them.
const PREAMBLE: usize = 10;
const HEADING: [&str; 4] = ["TCKRSYMB", "TOTTRDQTY", "TTL_TRD_QNTY", "SC_CODE"];

/// What to do with a file of the other exchange.
const OF_BSE: &str = "it is the BSE's daily file, and whole days are taken from the NSE's alone; prices of one share in it \
                      come in with `prospectus import TICKER FILE`, or importPrices";

/// Where each column stands.
struct Positions {
    layout: Layout,
    width: usize,
    ticker: usize,
    series: usize,
    day: usize,
    open: usize,
    high: usize,
    low: usize,
    close: usize,
    volume: usize,
    previous: Option<usize>,
    isin: Option<usize>,
    /// Segment, source and kind of instrument, where the layout has them.
    segment: Option<[usize; 3]>,
}

/// Reads a file, zipped or plain. `asked` is the day it should be of; without one it is of the day that its rows name.
#[must_use]
pub fn read_day(bytes: &[u8], asked: Option<Day>) -> DayFile {
    match unpack(bytes) {
        Unpacked::Text(text) => read_text(&text, asked),
        Unpacked::Page => DayFile::Page,
        Unpacked::Broken(why) => DayFile::Broken(why),
    }
}

fn positions(header: &StringRecord) -> Result<Positions, String> {
    let names: HashMap<String, usize> =
        header.iter().enumerate().map(|(i, name)| (name.trim().to_ascii_uppercase(), i)).collect();
    let layout = if names.contains_key("TCKRSYMB") {
        Layout::Udiff
    } else if names.contains_key("TOTTRDQTY") {
        Layout::Bhavcopy
    } else if names.contains_key("TTL_TRD_QNTY") {
        Layout::FullBhavcopy
    } else if names.contains_key("SC_CODE") {
        return Err(OF_BSE.to_owned());
    } else {
        return Err("its first line isn't the heading of a daily file of the NSE".to_owned());
    };
    // Ticker, series, day, open, high, low, close, volume, previous close.
    let wanted: [&str; 9] = match layout {
        Layout::Udiff => {
            ["TCKRSYMB", "SCTYSRS", "TRADDT", "OPNPRIC", "HGHPRIC", "LWPRIC", "CLSPRIC", "TTLTRADGVOL", "PRVSCLSGPRIC"]
        }
        Layout::Bhavcopy => ["SYMBOL", "SERIES", "TIMESTAMP", "OPEN", "HIGH", "LOW", "CLOSE", "TOTTRDQTY", "PREVCLOSE"],
        Layout::FullBhavcopy => [
            "SYMBOL",
            "SERIES",
            "DATE1",
            "OPEN_PRICE",
            "HIGH_PRICE",
            "LOW_PRICE",
            "CLOSE_PRICE",
            "TTL_TRD_QNTY",
            "PREV_CLOSE",
        ],
    };
    let at = |name: &str| names.get(name).copied().ok_or_else(|| format!("it has no column {name}"));
    let segment = match layout {
        Layout::Udiff => Some([at("SGMT")?, at("SRC")?, at("FININSTRMTP")?]),
        Layout::Bhavcopy | Layout::FullBhavcopy => None,
    };
    Ok(Positions {
        layout,
        width: (0..header.len())
            .rfind(|&i| header.get(i).is_some_and(|name| !name.trim().is_empty()))
            .map_or(0, |last| last + 1),
        ticker: at(wanted[0])?,
        series: at(wanted[1])?,
        day: at(wanted[2])?,
        open: at(wanted[3])?,
        high: at(wanted[4])?,
        low: at(wanted[5])?,
        close: at(wanted[6])?,
        volume: at(wanted[7])?,
        previous: names.get(wanted[8]).copied(),
        isin: names.get("ISIN").copied(),
        segment,
    })
}

/// The text from its heading on, without the title that a spreadsheet has put above it.
fn from_heading(text: &str) -> &str {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(PREAMBLE) {
        let upper = line.to_ascii_uppercase();
        if HEADING.iter().any(|name| upper.contains(name)) {
            return text.get(start..).unwrap_or(text);
        }
        start += line.len();
    }
    text
}

/// What parts the cells: of what a spreadsheet may write, the one that the heading has most of.
fn delimiter(text: &str) -> u8 {
    let heading = text.lines().next().unwrap_or_default();
    let count = |mark: &u8| heading.bytes().filter(|byte| byte == mark).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn read_text(text: &str, asked: Option<Day>) -> DayFile {
    let ends_well = text.ends_with('\n');
    let last = text.lines().next_back();
    let (text, open) = closed_lines(text);
    let text = from_heading(&text);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => {}
        Ok(false) => return DayFile::Broken("it is empty".to_owned()),
        Err(error) => return DayFile::Broken(format!("its first line isn't CSV: {error}")),
    }
    let columns = match positions(&record) {
        Ok(columns) => columns,
        Err(why) => return DayFile::Broken(why),
    };
    let mut rows = Rows::new(&columns);
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return DayFile::Broken(format!("a line isn't CSV: {error}")),
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        if let Err(why) = rows.take(&record) {
            return DayFile::Broken(why);
        }
    }
    for line in &open {
        rows.flag(&StringRecord::from(cells(line)), None, NOT_CLOSED.to_owned());
    }
    rows.cut |= open.last().copied() == last && !open.is_empty();
    rows.end(asked, ends_well)
}

/// The rows read so far.
struct Rows<'a> {
    columns: &'a Positions,
    shares: HashMap<String, ShareDay>,
    flagged: Vec<(String, NewFlag)>,
    funds: Vec<String>,
    left_out: usize,
    count: usize,
    days: Option<(Day, Day)>,
    /// Whether the last row had fewer cells than the heading.
    cut: bool,
}

impl<'a> Rows<'a> {
    fn new(columns: &'a Positions) -> Self {
        Self {
            columns,
            shares: HashMap::new(),
            flagged: Vec::new(),
            funds: Vec::new(),
            left_out: 0,
            count: 0,
            days: None,
            cut: false,
        }
    }

    /// Takes a row.
    ///
    /// # Errors
    /// What makes the whole file useless.
    fn take(&mut self, record: &StringRecord) -> Result<(), String> {
        let columns = self.columns;
        self.count += 1;
        if self.count > MOST_ROWS {
            return Err(format!("it has more than {MOST_ROWS} rows"));
        }
        let cell = |at: usize| record.get(at).unwrap_or("").trim();
        // The heading's own last comma makes one cell more; rows of old files may lack it.
        self.cut = record.len() < columns.width;
        if self.cut || record.len() > columns.width + 1 && columns.layout != Layout::Udiff {
            let reason = format!("the line has {} cells where the heading has {}", record.len(), columns.width);
            self.flag(record, None, reason);
            return Ok(());
        }
        if let Some([segment, source, kind]) = columns.segment {
            if cell(segment) == "CM" && cell(source) == "BSE" {
                return Err(OF_BSE.to_owned());
            }
            if cell(segment) != "CM" || cell(source) != "NSE" {
                let found = format!("{} of {}", cell(segment), cell(source));
                return Err(format!("it isn't the NSE's equity segment: a row is of segment {}", short(&found)));
            }
            if cell(kind) != "STK" {
                self.left_out += 1;
                return Ok(());
            }
        }
        let Some(day) = parse_day(cell(columns.day)) else {
            let reason = format!("{:?} is not a date", short(cell(columns.day)));
            self.flag(record, Some("date"), reason);
            return Ok(());
        };
        self.days = Some(self.days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        let ticker = cell(columns.ticker);
        let isin = columns.isin.map(cell).filter(|text| !text.is_empty());
        if !is_share_series(cell(columns.series)) || is_rights_entitlement(ticker) {
            self.left_out += 1;
            return Ok(());
        }
        if isin.is_some_and(is_fund_isin) {
            self.left_out += 1;
            self.funds.push(ticker.to_owned());
            return Ok(());
        }
        match share(columns, ticker, isin, &cell) {
            Ok(share) => self.add(record, share),
            Err((field, reason)) => self.flag(record, Some(field), reason),
        }
        Ok(())
    }

    fn add(&mut self, record: &StringRecord, share: ShareDay) {
        match self.shares.get(&share.ticker) {
            // An exact repetition says nothing new.
            Some(known) if *known == share => {}
            Some(_) => {
                let reason = "the same share stands in the file before with other values".to_owned();
                self.flag(record, Some("ticker"), reason);
            }
            None => {
                self.shares.insert(share.ticker.clone(), share);
            }
        }
    }

    fn flag(&mut self, record: &StringRecord, field: Option<&str>, reason: String) {
        let ticker = short(record.get(self.columns.ticker).unwrap_or("?"));
        let raw: String = record.iter().collect::<Vec<_>>().join(",").chars().take(LONGEST_RAW).collect();
        let flag = NewFlag { record: String::new(), day: None, field: field.map(str::to_owned), reason, raw };
        self.flagged.push((ticker, flag));
    }

    fn end(self, asked: Option<Day>, ends_well: bool) -> DayFile {
        if self.cut && !ends_well {
            return DayFile::Broken("it breaks off in the middle of a line".to_owned());
        }
        let Some((first, last)) = self.days else {
            return DayFile::Broken("it has no rows that can be read".to_owned());
        };
        if first != last {
            return DayFile::Broken(format!("its rows are of several days, {} to {}", iso(first), iso(last)));
        }
        if asked.is_some_and(|asked| asked != first) {
            return DayFile::OtherDay(first);
        }
        let flagged = self.flagged.into_iter().map(|(ticker, flag)| {
            let record = format!("{ticker} {}", iso(first));
            NewFlag { record, day: Some(first), ..flag }
        });
        let flagged = flagged.collect();
        let mut shares: Vec<ShareDay> = self.shares.into_values().collect();
        shares.sort_unstable_by(|a, b| a.ticker.cmp(&b.ticker));
        let (layout, funds, left_out) = (self.columns.layout, self.funds, self.left_out);
        DayFile::Session(Session { day: first, layout, shares, funds, flagged, left_out })
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

type Flaw = (&'static str, String);

fn share<'r>(
    columns: &Positions,
    ticker: &str,
    isin_text: Option<&str>,
    cell: &impl Fn(usize) -> &'r str,
) -> Result<ShareDay, Flaw> {
    if !is_ticker(ticker) {
        return Err(("ticker", format!("{:?} is not a ticker", short(ticker))));
    }
    let isin = match isin_text {
        None => None,
        // An ISIN can be missing in the first hours; a wrong one says that the line is not what it seems.
        Some(text) => Some(isin(text).ok_or_else(|| ("isin", format!("{:?} is not an ISIN", short(text))))?.to_owned()),
    };
    let number = |field: &'static str, at: usize| price(cell(at)).map_err(|reason| (field, reason));
    let (open, high) = (number("open", columns.open)?, number("high", columns.high)?);
    let (low, close) = (number("low", columns.low)?, number("close", columns.close)?);
    let volume = shares(cell(columns.volume)).map_err(|reason| ("volume", reason))?;
    if high < low {
        return Err(("high", format!("{high} is below the low {low}")));
    }
    for (field, value) in [("open", open), ("close", close)] {
        if value > high {
            return Err((field, format!("{value} is above the high {high}")));
        }
        if value < low {
            return Err((field, format!("{value} is below the low {low}")));
        }
    }
    // A first day without an issue price has none, or zero.
    let previous_close = columns.previous.and_then(|at| price(cell(at)).ok());
    Ok(ShareDay { ticker: ticker.to_owned(), isin, open, high, low, close, previous_close, volume })
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
