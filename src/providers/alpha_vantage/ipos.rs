//! Alpha Vantage's IPO calendar: a CSV file of the issues that NASDAQ and the NYSE expect.

use std::collections::HashMap;

use csv::ReaderBuilder;

use super::{NAME, notice};
use crate::market::Exchange;
use crate::market::text::clean;
use crate::providers::quotes::{NOT_CLOSED, cells, closed_lines};
use crate::providers::{ProviderError, RawIpo};

/// Whether an answer is a notice rather than the calendar: as JSON, or spelled out as a row of letters.
pub(super) fn check(body: &str) -> Result<(), ProviderError> {
    let text = body.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '<']) || text.is_empty() {
        return notice::check(body);
    }
    let first_line = text.lines().next().unwrap_or_default();
    let letters: Vec<&str> = text.lines().take(2).flat_map(|line| line.split(',')).collect();
    if !first_line.contains("symbol")
        && letters.iter().filter(|l| l.trim().chars().count() <= 1).count() * 2 > letters.len()
    {
        let sentence: String = letters.concat();
        let notice = serde_json::json!({"Information": sentence}).to_string();
        return notice::check(&notice);
    }
    Ok(())
}

pub(super) fn records(body: &str) -> Result<Vec<RawIpo>, ProviderError> {
    let malformed = |what: &str| ProviderError::Malformed { provider: NAME, what: what.to_owned() };
    let text = body.trim_start_matches('\u{feff}');
    let (text, open) = closed_lines(text);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|_| malformed("a calendar that isn't CSV"))?.clone();
    let column = |name: &str| headings.iter().position(|h| h.trim() == name);
    let (Some(symbol), Some(name), Some(date)) = (column("symbol"), column("name"), column("ipoDate")) else {
        return Err(malformed("a calendar without its headings"));
    };
    let (low, high) = (column("priceRangeLow"), column("priceRangeHigh"));
    let (currency, exchange) = (column("currency"), column("exchange"));
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|_| malformed("a calendar that isn't CSV"))?;
        let field = |column: Option<usize>| {
            let text = clean(row.get(column?)?);
            (!text.is_empty()).then_some(text)
        };
        // "0" is a price that nobody knows.
        let price = |column| field(column).filter(|p| !p.trim_matches(['0', '.']).is_empty());
        let title = field(Some(name));
        let band = match (price(low), price(high)) {
            (Some(low), Some(high)) => Some(format!("{low} to {high}")),
            (one, other) => one.or(other),
        };
        records.push(RawIpo {
            exchange: match field(exchange).unwrap_or_default().to_uppercase().as_str() {
                "NASDAQ" => Exchange::Nasdaq,
                "NYSE" => Exchange::Nyse,
                _ => Exchange::Other,
            },
            name: title,
            security: field(Some(symbol)).and_then(|ticker| security(&ticker)).map(str::to_owned),
            ticker: field(Some(symbol)),
            listing: field(Some(date)).or_else(|| Some(String::new())),
            band,
            currency: field(currency),
            raw: row.iter().collect::<Vec<_>>().join(","),
            ..RawIpo::default()
        });
    }
    mark_series(&mut records);
    records.extend(open.into_iter().map(|line| {
        let row = cells(line);
        let field = |column: usize| row.get(column).filter(|text| !text.is_empty()).cloned();
        RawIpo {
            ticker: field(symbol),
            name: field(name),
            listing: field(date),
            broken: Some(NOT_CLOSED),
            raw: line.to_owned(),
            ..RawIpo::default()
        }
    }));
    Ok(records)
}

/// What a ticker says of its security: a suffix, or Nasdaq's fifth letter. Names tell nothing of it.
fn security(ticker: &str) -> Option<&'static str> {
    let ticker = ticker.to_ascii_uppercase();
    // Preferred shares have letters of their own behind: `ABC-P-A`, `ABC-PRA`, `ABC$A`.
    if ticker.contains("-P-") || ticker.contains("-PR") || ticker.contains(".PR") || ticker.contains('$') {
        return Some("PREFERRED");
    }
    let suffix = match ticker.rsplit_once(['-', '.', '/', ' ', '^', '+']) {
        Some((_, suffix)) => suffix,
        None if ticker.len() == 5 && ticker.bytes().all(|b| b.is_ascii_uppercase()) => &ticker[4..],
        None => return None,
    };
    match suffix {
        "U" | "UN" => Some("UNIT"),
        "W" | "WS" | "WT" => Some("WARRANT"),
        "R" | "RT" | "RTS" => Some("RIGHT"),
        "P" if ticker.len() == 5 => Some("PREFERRED"),
        // Nasdaq's fifth letter of a mutual fund.
        "X" if ticker.len() == 5 => Some("FUND"),
        _ => None,
    }
}

/// Series of a fund come several under one name, without a price. Two classes of one share do, too, but their tickers
/// differ in the last letter only; a share's units and warrants are known by their tickers, and are none of its kind.
fn mark_series(records: &mut [RawIpo]) {
    let ticker = |record: &RawIpo| record.ticker.clone().unwrap_or_default();
    let is_one = |record: &RawIpo| record.band.is_none() && record.security.is_none();
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, record) in records.iter().enumerate().filter(|(_, record)| is_one(record)) {
        by_name.entry(record.name.clone().unwrap_or_default().to_lowercase()).or_default().push(at);
    }
    for series in by_name.values().filter(|series| series.len() > 1) {
        let first = ticker(&records[series[0]]);
        if series.iter().any(|&at| !are_classes(&first, &ticker(&records[at]))) {
            for &at in series {
                records[at].security = Some("FUND".to_owned());
            }
        }
    }
}

/// Whether two tickers differ in a last letter only, which one of them may lack.
fn are_classes(one: &str, other: &str) -> bool {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    same + 1 >= one.len().max(other.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_quotation_mark_costs_its_own_issue() {
        let body = "symbol,name,ipoDate,priceRangeLow,priceRangeHigh,currency,exchange\r\n\
                    ONE,One Inc,2026-05-18,4,5,USD,NYSE\r\n\
                    TWO,\"Two Inc,2026-05-18,4,5,USD,NYSE\r\n\
                    SIX,\"Six, Inc.\",2026-05-18,4,5,USD,NYSE\r\n";
        let found = records(body).expect("a calendar");
        let told = |r: &RawIpo| format!("{:?} {:?} {:?} {:?}", r.ticker, r.name, r.listing, r.broken);
        let expected = [
            r#"Some("ONE") Some("One Inc") Some("2026-05-18") None"#.to_owned(),
            r#"Some("SIX") Some("Six, Inc.") Some("2026-05-18") None"#.to_owned(),
            format!(r#"Some("TWO") Some("Two Inc") Some("2026-05-18") Some("{NOT_CLOSED}")"#),
        ];
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_calendar_is_read_and_funds_and_units_are_told_by_their_tickers() {
        let body = "symbol,name,ipoDate,priceRangeLow,priceRangeHigh,currency,exchange\r\n\
                    AAXA,Some Series Trust,2026-05-18,0,0,USD,NYSE\r\n\
                    AAYB,Some Series Trust,2026-05-18,0,0,USD,NYSE\r\n\
                    BBBXU,Some Acquisition Unit,2026-05-19,10,10,USD,NASDAQ\r\n\
                    EEE-WS,Some Acquisition,2026-05-19,10,10,USD,NYSE\r\n\
                    GGG-P-A,Some Realty,2026-05-19,25,25,USD,NYSE\r\n\
                    HHHIX,A Fund,2026-05-19,0,0,USD,NASDAQ\r\n\
                    RITE,Right At Hand Care Inc,2026-05-19,10,10,USD,NASDAQ\r\n\
                    TREE,Warrant Fund Unit Realty Trust,2026-05-19,0,0,USD,NYSE\r\n\
                    FFFA,Two Classes Inc,2026-05-19,0,0,USD,NASDAQ\r\n\
                    FFFK,Two Classes Inc,2026-05-19,0,0,USD,NASDAQ\r\n\
                    AQUA,Aqua AC,2026-05-19,0,0,USD,NASDAQ\r\n\
                    AQUAR,Aqua AC,2026-05-19,0,0,USD,NASDAQ\r\n\
                    CCC,\"Some, Inc.\",2026-05-27,4,6.50,USD,NASDAQ\r\n\
                    DDD,Another Holdings,2026-05-28,0,0,USD,NYSE\r\n";
        let found = records(body).expect("a calendar");
        let kinds: Vec<_> = found.iter().filter_map(|r| Some((r.ticker.as_deref()?, r.security.as_deref()?))).collect();
        assert_eq!(
            kinds,
            [
                ("AAXA", "FUND"),
                ("AAYB", "FUND"),
                ("BBBXU", "UNIT"),
                ("EEE-WS", "WARRANT"),
                ("GGG-P-A", "PREFERRED"),
                ("HHHIX", "FUND"),
                ("AQUAR", "RIGHT")
            ]
        );
        let shares: Vec<_> =
            found.iter().filter(|r| r.security.is_none()).filter_map(|r| r.ticker.as_deref()).collect();
        assert_eq!(shares, ["RITE", "TREE", "FFFA", "FFFK", "AQUA", "CCC", "DDD"]);
        let shown: Vec<_> = found[12..].iter().map(|r| (r.ticker.as_deref(), r.band.as_deref(), r.exchange)).collect();
        assert_eq!(shown, [(Some("CCC"), Some("4 to 6.50"), Exchange::Nasdaq), (Some("DDD"), None, Exchange::Nyse)]);
    }

    #[test]
    fn a_notice_spelled_out_as_letters_is_told_from_a_calendar() {
        let spelled = |text: &str| text.chars().map(String::from).collect::<Vec<_>>().join(",");
        let notice = spelled("Information: the standard rate limit is 25 requests per day");
        assert!(matches!(check(&notice), Err(ProviderError::BudgetSpent { .. })));
        assert!(check("symbol,name,ipoDate,priceRangeLow,priceRangeHigh,currency,exchange\n").is_ok());
        assert!(matches!(check("{}"), Err(ProviderError::Malformed { .. })));
    }
}
