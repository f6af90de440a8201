//! Who wrote a file, by its headings.

use super::headings::Meaning;
use super::table::Table;

/// Who wrote the file, and whether such prices are adjusted.
pub(super) fn format_of(table: &Table, is_json: bool) -> (&'static str, Option<bool>) {
    let h = &table.headings;
    let has = |key: &str| h.has(key);
    match () {
        () if has("tckrsymb") => ("UDiFF bhavcopy", Some(false)),
        () if has("tottrdqty") => ("NSE bhavcopy", Some(false)),
        () if has("ttltrdqnty") => ("NSE full bhavcopy", Some(false)),
        () if has("sccode") => ("BSE bhavcopy", Some(false)),
        () if has("chclosingprice") => ("NSE history (JSON)", Some(false)),
        () if has("52wh") => ("NSE security export", Some(false)),
        () if has("noofshares") => ("BSE security export", Some(false)),
        () if has("deliverablevolume") || has("totaltradequantity") || has("totaltradedquantity") => {
            ("NSE history", Some(false))
        }
        () if has("closelast") => ("Nasdaq", Some(true)),
        // Nasdaq's until 2019.
        () if h.names.iter().map(String::as_str).eq(["date", "close", "volume", "open", "high", "low"]) => {
            ("Nasdaq", Some(true))
        }
        () if ["zuletzt", "último", "ultimo", "dernier"].iter().any(|key| has(key)) => ("Investing.com", Some(true)),
        () if has("zamkniecie") => ("Stooq", Some(true)),
        () if has("price") && (has("vol") || has("change")) => ("Investing.com", Some(true)),
        () if has("openint") => ("Stooq", Some(true)),
        () if is_json && has("oi") => ("Kite", Some(true)),
        () if has("splitcoefficient") => ("Alpha Vantage, adjusted", Some(false)),
        () if is_json => ("Alpha Vantage (JSON)", Some(false)),
        () if !table.tickers.is_empty() || has("stocksplits") => ("yfinance", Some(true)),
        () if ["symbol", "dividends", "splits"].iter().all(|key| has(key)) => ("Yahoo", Some(true)),
        // Others write the same columns in another order, with prices as traded.
        () if has("adjclose") && h.find(Meaning::AdjustedClose) == Some(5) => ("Yahoo", Some(true)),
        () if has("adjclose") => ("Date, Open, High, Low, Close, Adj Close", None),
        () if has("timestamp") => ("Alpha Vantage", Some(false)),
        () => ("Date, Open, High, Low, Close", None),
    }
}
