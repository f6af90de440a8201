//! Announcements of corporate actions: the answer of the NSE's interface, the export of its page, and the BSE's.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::unpack::{Unpacked, unpack};
use crate::market::daily::{isin, parse_day};
use crate::market::{Day, Exchange};
use crate::providers::ProviderError;
use crate::providers::quotes::closed_lines;

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

fn action(
    ticker: &str,
    series: &str,
    isin_text: Option<&str>,
    subject: &str,
    ex: &str,
    face: &str,
) -> Option<RawAction> {
    let (ticker, subject) = (ticker.trim(), subject.split_whitespace().collect::<Vec<_>>().join(" "));
    // Bonds and trusts have other actions; the main board stands as EQ whatever its series.
    let is_share = matches!(series.trim(), "" | "EQ" | "BE" | "BZ" | "SM" | "ST" | "SZ");
    if ticker.is_empty() || subject.is_empty() || !is_share {
        return None;
    }
    Some(RawAction {
        exchange: Exchange::Nse,
        ticker: ticker.to_uppercase(),
        isin: isin_text.and_then(isin).map(str::to_owned),
        subject: subject.chars().filter(|c| !c.is_control()).take(LONGEST_SUBJECT).collect(),
        ex_day: parse_day(ex)?,
        face_value: face.trim().parse().ok(),
    })
}

/// The announcements in an answer of the exchange's interface: a bare array, or one under `data`.
///
/// # Errors
/// When it isn't that.
pub fn actions_of_json(body: &str) -> Result<Vec<RawAction>, ProviderError> {
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
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let read = rows.iter().take(MOST_ROWS).filter_map(|row| {
        let (ticker, series, ex) = (text(&row.symbol), text(&row.series), text(&row.ex_date));
        action(&ticker, &series, row.isin.as_deref(), &text(&row.subject), &ex, &face(&row.face_val))
    });
    Ok(read.collect())
}

/// The announcements in an export of the exchange's page; `None` if the bytes are no such file.
#[must_use]
pub fn actions_of_csv(bytes: &[u8]) -> Option<Vec<RawAction>> {
    let Unpacked::Text(text) = unpack(bytes) else { return None };
    let (closed, open) = closed_lines(&text);
    // Headings may have line breaks within.
    let text = if text.lines().next() == open.first().copied() { Cow::Borrowed(text.as_str()) } else { closed };
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
    let mut actions = Vec::new();
    for record in reader.records().take(MOST_ROWS) {
        let record = record.ok()?;
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or("");
        let (ticker, subject) = (cell(Some(symbol)), cell(Some(purpose)));
        let read = action(ticker, cell(series), None, subject, cell(Some(ex)), cell(face));
        actions.extend(read.map(|action| RawAction { exchange, ..action }));
    }
    Some(actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_bonds_are_left_out() {
        let json = r#"[{"symbol":"ABC","series":"EQ","isin":"INE111A01011","subject":" Bonus 1:1","exDate":"02-Jan-2024","faceVal":"10"},
            {"symbol":"ABC","series":"GS","subject":"Interest Payment","exDate":"02-Jan-2024","faceVal":"100"},
            {"symbol":"DEF","series":"SM","subject":"Dividend - Rs 2 Per Share","exDate":"-","faceVal":"10"}]"#;
        let csv = "\u{feff}\"SYMBOL\",\"COMPANY NAME\",\"SERIES\",\"PURPOSE\",\"FACE VALUE\",\"EX-DATE\",\"RECORD DATE\"\n\
                   \"ABC\",\"Abc Limited\",\"EQ\",\" Bonus 1:1\",\"10\",\"02-Jan-2024\",\"03-Jan-2024\"\n";
        let from_json = actions_of_json(json).expect("actions");
        assert_eq!((from_json.len(), from_json[0].subject.as_str()), (1, "Bonus 1:1"));
        let from_csv = actions_of_csv(csv.as_bytes()).expect("actions");
        assert_eq!(from_csv, [RawAction { isin: None, ..from_json[0].clone() }]);
        let bse = "Security Code,Security Name,Company Name,Ex Date,Purpose,Record Date,BC Start Date,BC End Date\t,ND Start Date\n\
                   543980,JLHL,Jupiter Life Line Hospitals Ltd,23 Jul 2026,Stock  Split From Rs.10/- to Rs.2/-,23 Jul 2026,,,\n";
        let from_bse = actions_of_csv(bse.as_bytes()).expect("actions");
        assert_eq!((from_bse.len(), from_bse[0].exchange, from_bse[0].ticker.as_str()), (1, Exchange::Bse, "JLHL"));
        assert_eq!(from_bse[0].subject, "Stock Split From Rs.10/- to Rs.2/-");
        let open = csv.replace("\"ABC\"", "\"DEF,\"Def\",\"EQ\",\"Bonus 1:1\",\"10\",\"02-Jan-2024\",\"-\"\n\"ABC\"");
        assert_eq!(actions_of_csv(open.as_bytes()), Some(from_csv), "an open quotation mark costs its own line");
        let headings = csv.replace("\"SYMBOL\"", "\"SYMBOL \n\"");
        assert_eq!(actions_of_csv(headings.as_bytes()).map(|found| found.len()), Some(1), "headings in two lines");
        assert!(actions_of_csv(b"a,b\n1,2\n").is_none() && actions_of_json("<html>").is_err());
    }
}
