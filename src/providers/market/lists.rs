//! The exchange's lists: shares of the main board and of the SME board, changes of tickers, exchange-traded funds.

use std::collections::HashMap;

use super::unpack::{Unpacked, unpack};
use super::unread::{ColumnDates, Unread};
use crate::market::Day;
use crate::market::daily::{is_rights_entitlement, is_ticker, isin};
use crate::market::dates;
use crate::market::text::clean;
use crate::providers::quotes::{NOT_CLOSED, closed_lines};
use crate::store::ListedShare;

/// What a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFile {
    /// Shares of a board.
    Shares(Vec<ListedShare>),
    /// Old ticker, new ticker, first day under the new one.
    Changes(Vec<(String, String, Day)>),
    /// Tickers of funds.
    Funds(Vec<String>),
    /// Changes of companies' names.
    Names(Vec<NameChange>),
}

impl ListFile {
    /// How many rows were read of it.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Shares(shares) => shares.len(),
            Self::Changes(changes) => changes.len(),
            Self::Funds(funds) => funds.len(),
            Self::Names(names) => names.len(),
        }
    }
}

/// A name that a company had, and what it's called today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameChange {
    pub ticker: String,
    pub before: String,
    pub now: String,
}

/// More lines than any list has.
const MOST_ROWS: usize = 50_000;
/// What is kept of a company's name.
const LONGEST_NAME: usize = 200;

/// Reads a list, told apart by its heading; changes of tickers have none. `None` if it's no list. Rows whose dates can't
/// be read, and lines with an open quotation mark, are counted beside it.
#[must_use]
pub fn read_list(bytes: &[u8]) -> Option<(ListFile, Unread)> {
    let Unpacked::Text(text) = unpack(bytes) else { return None };
    let (text, open) = closed_lines(&text);
    let mut unread = Unread::default();
    for line in &open {
        unread.add(line, NOT_CLOSED);
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().take(MOST_ROWS).filter_map(std::result::Result::ok).collect();
    let heading: Vec<String> = rows.first()?.iter().map(|h| h.replace('_', " ").to_ascii_uppercase()).collect();
    let at = |names: &[&str]| heading.iter().position(|h| names.contains(&h.as_str()));
    if let (Some(ticker), Some(_)) = (at(&["SYMBOL"]), at(&["UNDERLYING"])) {
        let funds = rows[1..].iter().filter_map(|row| row.get(ticker)).filter(|t| is_ticker(t)).map(str::to_owned);
        return Some((ListFile::Funds(funds.collect()), unread));
    }
    if let (Some(ticker), Some(name), Some(listed), Some(number)) =
        (at(&["SYMBOL"]), at(&["NAME OF COMPANY"]), at(&["DATE OF LISTING"]), at(&["ISIN NUMBER"]))
    {
        let dates = ColumnDates::of(rows[1..].iter().filter_map(|row| row.get(listed)));
        let share = |row: &csv::StringRecord| {
            let ticker = row.get(ticker).filter(|t| is_ticker(t) && !is_rights_entitlement(t))?;
            let (isin, name) = (isin(row.get(number)?)?, row.get(name)?);
            let listed = dates.day(row.get(listed)?).transpose()?;
            Some(listed.map(|listed| ListedShare {
                ticker: ticker.to_owned(),
                isin: isin.to_owned(),
                name: clean(name).chars().take(LONGEST_NAME).collect(),
                listed,
            }))
        };
        return Some((ListFile::Shares(gather(&rows[1..], share, &mut unread)), unread));
    }
    if let (Some(ticker), Some(before), Some(after), Some(day)) =
        (at(&["NCH SYMBOL"]), at(&["NCH PREV NAME"]), at(&["NCH NEW NAME"]), at(&["NCH DT"]))
    {
        let name = |text: &str| -> String { clean(text).chars().take(LONGEST_NAME).collect() };
        let dates = ColumnDates::of(rows[1..].iter().filter_map(|row| row.get(day)));
        let change = |row: &csv::StringRecord| {
            let ticker = row.get(ticker).filter(|t| is_ticker(t) && !is_rights_entitlement(t))?;
            let (before, after) = (name(row.get(before)?), name(row.get(after)?));
            let day = dates.day(row.get(day)?).transpose()?;
            Some(day.map(|day| (day, ticker.to_owned(), before, after)))
        };
        return Some((ListFile::Names(names_of_today(gather(&rows[1..], change, &mut unread))), unread));
    }
    // Company, old, new, date: counted from the end, as names may hold a comma.
    let dates = ColumnDates::of(rows.iter().filter_map(|row| row.iter().next_back()));
    let change = |row: &csv::StringRecord| {
        let from_end = |back: usize| row.len().checked_sub(back).and_then(|at| row.get(at));
        let (old, new) = (from_end(3)?, from_end(2)?);
        if !is_ticker(old) || !is_ticker(new) || old == new {
            return None;
        }
        let day = dates.day(from_end(1)?).transpose()?;
        Some(day.map(|day| (old.to_owned(), new.to_owned(), day)))
    };
    // A text with a stray line that looks like a change is no list of them.
    let is_dated = |row: &&csv::StringRecord| row.iter().next_back().is_some_and(|text| dates::read(text).is_ok());
    let dated = rows.iter().filter(is_dated).filter(|&row| change(row).is_some()).count();
    if dated == 0 || dated * 2 < rows.len() {
        return None;
    }
    Some((ListFile::Changes(gather(&rows, change, &mut unread)), unread))
}

/// What can be read of the rows; those that can't are counted.
fn gather<T>(
    rows: &[csv::StringRecord],
    read: impl Fn(&csv::StringRecord) -> Option<Result<T, String>>,
    unread: &mut Unread,
) -> Vec<T> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Some(Ok(read)) => found.push(read),
            Some(Err(why)) => unread.add(&row.iter().collect::<Vec<_>>().join(","), &why),
            None => {}
        }
    }
    found
}

/// Each name of before beside the last one of its chain: a company may have changed its name more than once, and a ticker
/// may have been another company's before.
fn names_of_today(mut changes: Vec<(Day, String, String, String)>) -> Vec<NameChange> {
    changes.sort();
    let mut today: HashMap<(String, String), String> = HashMap::new();
    let mut names = Vec::with_capacity(changes.len());
    for (_, ticker, before, after) in changes.into_iter().rev() {
        let last = today.get(&(ticker.clone(), after.to_lowercase())).cloned().unwrap_or(after);
        if before.is_empty() || last.is_empty() {
            continue;
        }
        today.insert((ticker.clone(), before.to_lowercase()), last.clone());
        names.push(NameChange { ticker, before, now: last });
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::daily::parse_day;

    #[test]
    fn each_list_is_known_by_its_heading() {
        let main = "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER, FACE VALUE\n\
                    ABC,Abc Limited,EQ,06-OCT-2008,10,1,INE111A01011,10\nABC-RE,Abc Limited,BE,06-OCT-2008,10,1,INE111A20011,10\n";
        let sme = "SYMBOL,NAME_OF_COMPANY,SERIES,DATE_OF_LISTING,PAID_UP_VALUE,ISIN_NUMBER,FACE_VALUE,\nSML,Small Limited,ST,15-May-26,10,INE1K4J01018,10,\n";
        let Some((ListFile::Shares(main), _)) = read_list(main.as_bytes()) else { panic!("a list of shares") };
        assert_eq!((main.len(), main[0].listed), (1, parse_day("06-OCT-2008").expect("a day")));
        assert!(matches!(read_list(sme.as_bytes()), Some((ListFile::Shares(s), _)) if s[0].isin == "INE1K4J01018"));
        let changes = " A Company, Inc \u{2013} India,OLD,NEW,09-APR-2025\nSelf,SAME,SAME,01-JAN-2020\n";
        let Some((ListFile::Changes(changes), _)) = read_list(changes.as_bytes()) else { panic!("a list of changes") };
        assert_eq!((changes.len(), changes[0].1.as_str()), (1, "NEW"));
        let funds = "Symbol,Underlying,SecurityName,DateofListing,MarketLot,ISINNumber,FaceValue\nNIFTYBEES,Nifty50,X,08-Jan-02,1,INF204KB14I2,1\n";
        let known = ListFile::Funds(vec!["NIFTYBEES".to_owned()]);
        assert_eq!(read_list(funds.as_bytes()), Some((known, Unread::default())));
        let names = "NCH_SYMBOL, NCH_PREV_NAME, NCH_NEW_NAME, NCH_DT\nABC,Second Limited,Third Limited,02-JAN-2020\n\
                     ABC,First Limited,Second Limited,15-JUN-2004\nXYZ,Xyz Ltd.,Xyz Limited,15-JUN-2004\n";
        let Some((ListFile::Names(names), _)) = read_list(names.as_bytes()) else { panic!("a list of names") };
        let mut names: Vec<_> = names.iter().map(|n| format!("{} {} -> {}", n.ticker, n.before, n.now)).collect();
        names.sort();
        let today = [
            "ABC First Limited -> Third Limited",
            "ABC Second Limited -> Third Limited",
            "XYZ Xyz Ltd. -> Xyz Limited",
        ];
        assert_eq!(names, today);
        assert_eq!(read_list(b"<html></html>"), None);
        assert_eq!(read_list(b"hello\nworld\n"), None);
    }

    #[test]
    fn rows_whose_dates_cannot_be_read_are_counted() {
        let found = |heading: &str, rows: &[&str]| {
            let (list, unread) = read_list(format!("{heading}{}\n", rows.join("\n")).as_bytes()).expect("a list");
            (list.rows(), unread)
        };
        let shares = "SYMBOL,NAME OF COMPANY,DATE OF LISTING,ISIN NUMBER\n";
        let share = |day: &str| format!("ABC,Abc Limited,{day},INE111A01011");
        let open = "ABC,\"Abc Limited,05-02-2024,INE111A01011";
        let (read, unread) = found(shares, &[share("05-02-2024").as_str(), share("-").as_str(), open]);
        assert_eq!((read, unread.count), (0, 2));
        assert_eq!(unread.first, Some(format!("{open}: {NOT_CLOSED}")));
        let decided = found(shares, &[share("05-02-2024").as_str(), share("13-02-2024").as_str()]);
        assert_eq!(decided, (2, Unread::default()));
        let (read, unread) = found("", &["Abc,OLD,NEW,05-02-2024", "Def,ONE,TWO,06-02-2024"]);
        assert_eq!((read, unread.count), (0, 2), "the order of their numbers can't be decided");
        assert_eq!(found("", &["Abc,OLD,NEW,05-02-2024", "Def,ONE,TWO,16-02-2024"]), (2, Unread::default()));
        let names = "NCH_SYMBOL,NCH_PREV_NAME,NCH_NEW_NAME,NCH_DT\n";
        let (read, unread) = found(names, &["ABC,First,Second,soon", "ABC,Second,Third,15-JUN-2004"]);
        let first = "ABC,First,Second,soon: \"soon\" is not a date".to_owned();
        assert_eq!((read, unread), (1, Unread { count: 1, first: Some(first) }));
    }
}
