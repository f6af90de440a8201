//! Announcements of corporate actions: the answer of the NSE's interface, the export of its page, and the BSE's.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::unpack::{Unpacked, unpack};
use super::unread::{ColumnDates, Unread};
use crate::market::daily::isin;
use crate::market::{Day, Exchange};
use crate::providers::ProviderError;
use crate::providers::quotes::{NOT_CLOSED, closed_lines};

/// An announcement as the exchange words it.
#[derive(Debug, Clone, PartialEq)]
pub struct RawAction {
    pub exchange: Exchange,
    pub ticker: String,
    pub isin: Option<String>,
    pub subject: String,
    pub ex_day: Day,
    /// After the action.
    pub face_value: Option<Decimal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    symbol: Option<String>,
    series: Option<String>,
    isin: Option<String>,
    subject: Option<String>,
    ex_date: Option<String>,
    face_val: Option<serde_json::Value>,
}

/// More announcements than any span of years has.
const MOST_ROWS: usize = 100_000;
const LONGEST_SUBJECT: usize = 500;

/// Announcements, and what of them couldn't be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Announcements {
    pub actions: Vec<RawAction>,
    pub unread: Unread,
}

/// What a source has in a row.
struct Cells<'a> {
    ticker: &'a str,
    series: &'a str,
    isin: Option<&'a str>,
    subject: &'a str,
    ex: &'a str,
    face: &'a str,
}

/// The announcement of a row; `None` where it is none of a share's, or has no ex-date.
fn action(exchange: Exchange, row: &Cells<'_>, dates: &ColumnDates) -> Result<Option<RawAction>, String> {
    let (ticker, subject) = (row.ticker.trim(), row.subject.split_whitespace().collect::<Vec<_>>().join(" "));
    // Bonds and trusts have other actions; the main board stands as EQ whatever its series.
    let is_share = matches!(row.series.trim(), "" | "EQ" | "BE" | "BZ" | "SM" | "ST" | "SZ");
    if ticker.is_empty() || subject.is_empty() || !is_share {
        return Ok(None);
    }
    let Some(ex_day) = dates.day(row.ex)? else { return Ok(None) };
    Ok(Some(RawAction {
        exchange,
        ticker: ticker.to_uppercase(),
        isin: row.isin.and_then(isin).map(str::to_owned),
        subject: subject.chars().filter(|c| !c.is_control()).take(LONGEST_SUBJECT).collect(),
        ex_day,
        face_value: row.face.trim().parse().ok(),
    }))
}

fn gather(exchange: Exchange, rows: &[Cells<'_>], mut unread: Unread) -> Announcements {
    let dates = ColumnDates::of(rows.iter().map(|row| row.ex));
    let mut actions = Vec::with_capacity(rows.len());
    for row in rows {
        match action(exchange, row, &dates) {
            Ok(found) => actions.extend(found),
            Err(why) => unread.add(&format!("{} {}", row.ticker.trim(), row.subject.trim()), &why),
        }
    }
    Announcements { actions, unread }
}

/// The announcements in an answer of the exchange's interface: a bare array, or one under `data`.
///
/// # Errors
/// When it isn't that.
pub fn actions_of_json(body: &str) -> Result<Announcements, ProviderError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answer {
        Bare(Vec<Row>),
        Wrapped { data: Vec<Row> },
    }
    let malformed = |what: String| ProviderError::Malformed { provider: "The NSE", what };
    let answer: Answer = serde_json::from_str(body.trim_start_matches('\u{feff}'))
        .map_err(|_| malformed("corporate actions that can't be read".to_owned()))?;
    let (Answer::Bare(rows) | Answer::Wrapped { data: rows }) = answer;
    let face = |value: &Option<serde_json::Value>| match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let faces: Vec<String> = rows.iter().take(MOST_ROWS).map(|row| face(&row.face_val)).collect();
    let cells = rows.iter().zip(&faces).map(|(row, face)| Cells {
        ticker: row.symbol.as_deref().unwrap_or_default(),
        series: row.series.as_deref().unwrap_or_default(),
        isin: row.isin.as_deref(),
        subject: row.subject.as_deref().unwrap_or_default(),
        ex: row.ex_date.as_deref().unwrap_or_default(),
        face,
    });
    Ok(gather(Exchange::Nse, &cells.collect::<Vec<_>>(), Unread::default()))
}

/// The announcements in an export of the exchange's page; `None` if the bytes are no such file.
#[must_use]
pub fn actions_of_csv(bytes: &[u8]) -> Option<Announcements> {
    let Unpacked::Text(text) = unpack(bytes) else { return None };
    let (closed, open) = closed_lines(&text);
    let mut unread = Unread::default();
    // Headings may have line breaks within.
    let text = if text.lines().next() == open.first().copied() {
        Cow::Borrowed(text.as_str())
    } else {
        for line in &open {
            unread.add(line, NOT_CLOSED);
        }
        closed
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().ok()?.clone();
    let find = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
    let bse = find("SECURITY CODE").zip(find("SECURITY NAME")).zip(find("EX DATE"));
    let (exchange, symbol, ex) = match bse {
        Some(((_, name), ex)) => (Exchange::Bse, name, ex),
        None => (Exchange::Nse, find("SYMBOL")?, find("EX-DATE")?),
    };
    let purpose = find("PURPOSE")?;
    let (series, face) = (find("SERIES"), find("FACE VALUE"));
    let records: Vec<csv::StringRecord> = reader.records().take(MOST_ROWS).collect::<Result<_, _>>().ok()?;
    let cells = records.iter().map(|record| {
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or("");
        Cells {
            ticker: cell(Some(symbol)),
            series: cell(series),
            isin: None,
            subject: cell(Some(purpose)),
            ex: cell(Some(ex)),
            face: cell(face),
        }
    });
    Some(gather(exchange, &cells.collect::<Vec<_>>(), unread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::day::iso;

    #[test]
    fn both_forms_are_read_and_bonds_are_left_out() {
        let json = r#"[{"symbol":"ABC","series":"EQ","isin":"INE111A01011","subject":" Bonus 1:1","exDate":"02-Jan-2024","faceVal":"10"},
            {"symbol":"ABC","series":"GS","subject":"Interest Payment","exDate":"02-Jan-2024","faceVal":"100"},
            {"symbol":"DEF","series":"SM","subject":"Dividend - Rs 2 Per Share","exDate":"-","faceVal":"10"}]"#;
        let csv = "\u{feff}\"SYMBOL\",\"COMPANY NAME\",\"SERIES\",\"PURPOSE\",\"FACE VALUE\",\"EX-DATE\",\"RECORD DATE\"\n\
                   \"ABC\",\"Abc Limited\",\"EQ\",\" Bonus 1:1\",\"10\",\"02-Jan-2024\",\"03-Jan-2024\"\n";
        let from_json = actions_of_json(json).expect("actions").actions;
        assert_eq!((from_json.len(), from_json[0].subject.as_str()), (1, "Bonus 1:1"));
        let from_csv = actions_of_csv(csv.as_bytes()).expect("actions").actions;
        assert_eq!(from_csv, [RawAction { isin: None, ..from_json[0].clone() }]);
        let bse = "Security Code,Security Name,Company Name,Ex Date,Purpose,Record Date,BC Start Date,BC End Date\t,ND Start Date\n\
                   543980,JLHL,Jupiter Life Line Hospitals Ltd,23 Jul 2026,Stock  Split From Rs.10/- to Rs.2/-,23 Jul 2026,,,\n";
        let from_bse = actions_of_csv(bse.as_bytes()).expect("actions").actions;
        assert_eq!((from_bse.len(), from_bse[0].exchange, from_bse[0].ticker.as_str()), (1, Exchange::Bse, "JLHL"));
        assert_eq!(from_bse[0].subject, "Stock Split From Rs.10/- to Rs.2/-");
        let open = csv.replace("\"ABC\"", "\"DEF,\"Def\",\"EQ\",\"Bonus 1:1\",\"10\",\"02-Jan-2024\",\"-\"\n\"ABC\"");
        let from_open = actions_of_csv(open.as_bytes()).expect("actions");
        assert_eq!(from_open.actions, from_csv, "an open quotation mark costs its own line");
        assert_eq!(from_open.unread.count, 1);
        let headings = csv.replace("\"SYMBOL\"", "\"SYMBOL \n\"");
        let from_two_lines = actions_of_csv(headings.as_bytes()).expect("actions");
        assert_eq!(from_two_lines.actions.len(), 1, "headings in two lines");
        assert!(actions_of_csv(b"a,b\n1,2\n").is_none() && actions_of_json("<html>").is_err());
    }

    #[test]
    fn actions_whose_ex_date_cannot_be_read_are_counted() {
        let csv = |days: &[&str]| {
            let rows = days.iter().map(|day| format!("ABC,Abc,EQ,Bonus 1:1,10,{day}\n")).collect::<Vec<_>>().concat();
            let text = format!("SYMBOL,COMPANY NAME,SERIES,PURPOSE,FACE VALUE,EX-DATE\n{rows}");
            let found = actions_of_csv(text.as_bytes()).expect("actions");
            (found.actions.iter().map(|action| iso(action.ex_day)).collect::<Vec<_>>(), found.unread)
        };
        let (days, unread) = csv(&["05-02-2024", "13-02-2024", "-", ""]);
        assert_eq!((days, unread), (vec!["2024-02-05".to_owned(), "2024-02-13".to_owned()], Unread::default()));
        let (days, unread) = csv(&["05-02-2024", "06-02-2024"]);
        assert_eq!((days.len(), unread.count), (0, 2), "the order of their numbers can't be decided");
        let first = "ABC Bonus 1:1: \"05-02-2024\" can be 2024-02-05 or 2024-05-02";
        assert_eq!(unread.first.as_deref(), Some(first));
        let json = r#"[{"symbol":"ABC","series":"EQ","subject":"Bonus 1:1","exDate":"soon"},
            {"symbol":"ABC","series":"GS","subject":"Interest","exDate":"soon"},
            {"symbol":"DEF","series":"EQ","subject":"Bonus 1:1","exDate":null}]"#;
        let found = actions_of_json(json).expect("actions");
        let first = "ABC Bonus 1:1: \"soon\" is not a date".to_owned();
        assert_eq!(found, Announcements { actions: Vec::new(), unread: Unread { count: 1, first: Some(first) } });
    }
}
