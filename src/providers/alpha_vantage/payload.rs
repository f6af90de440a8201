//! Alpha Vantage's JSON: prices by date, every value a string, field names with numbers that move between calls
//! ("5. volume" here, "6. volume" there), so only the words after the number count.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::NAME;
use crate::market::close::unfinished_day;
use crate::market::text::clean;
use crate::market::{DataSource, Exchange};
use crate::providers::{History, Listing, PriceBatch, ProviderError, RawBar};

/// A JSON object as a list: it keeps its order and its repeated keys.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(List)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn entries(json: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str::<Entries<'_>>(json).ok().map(|e| e.0)
}

/// The words of a field name: `1. open` is `open`.
fn words(key: &str) -> &str {
    key.split_once(". ").map_or(key, |(_, words)| words)
}

/// A value's text: AV quotes its numbers, but a bare one means the same.
fn unquoted(value: &RawValue) -> Option<&str> {
    let text = value.get();
    if text == "null" {
        return None;
    }
    Some(text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).trim())
}

/// Wraps an answer that has been found free of notices; its records are read later, one by one.
pub(super) fn batch(body: String, history: History) -> Result<PriceBatch, ProviderError> {
    let mut unfinished = None;
    let mut has_series = false;
    for (key, value) in entries(&body).ok_or_else(no_series)? {
        if key == "Meta Data" {
            let meta = entries(value.get()).unwrap_or_default();
            let said = |name: &str| {
                let (_, value) = meta.iter().find(|(key, _)| words(key).eq_ignore_ascii_case(name))?;
                unquoted(value)
            };
            unfinished = said("last refreshed")
                .and_then(|at| unfinished_day(at, said("time zone"), said("symbol").unwrap_or_default()));
        }
        has_series |= is_series(&key);
    }
    if !has_series {
        return Err(no_series());
    }
    Ok(PriceBatch {
        source: DataSource::AlphaVantage,
        body,
        reader: Box::new(read_bars),
        history,
        unfinished,
        adjusted_only: false,
        has_holes: false,
    })
}

fn is_series(key: &str) -> bool {
    key.starts_with("Time Series")
}

fn no_series() -> ProviderError {
    ProviderError::Malformed { provider: NAME, what: "an answer without prices".to_owned() }
}

fn read_bars(body: &str, each: &mut dyn FnMut(RawBar<'_>)) -> Result<(), ProviderError> {
    let series = entries(body).ok_or_else(no_series)?.into_iter().find(|(key, _)| is_series(key));
    let (_, series) = series.ok_or_else(no_series)?;
    for (date, record) in entries(series.get()).ok_or_else(no_series)? {
        let mut bar = RawBar { date, raw: record.get(), ..RawBar::default() };
        for (key, value) in entries(record.get()).unwrap_or_default() {
            let value = unquoted(value);
            match words(&key) {
                "open" => bar.open = value,
                "high" => bar.high = value,
                "low" => bar.low = value,
                "close" => bar.close = value,
                "adjusted close" => bar.adjusted_close = value,
                "volume" => bar.volume = value,
                "split coefficient" => bar.split = value,
                _ => {}
            }
        }
        each(bar);
    }
    Ok(())
}

/// The exact match among a symbol search's answers.
pub(super) fn listing(body: &str, ticker: &str) -> Option<Listing> {
    #[derive(Deserialize)]
    struct Search {
        #[serde(rename = "bestMatches", default)]
        matches: Vec<Match>,
    }
    #[derive(Deserialize)]
    struct Match {
        #[serde(rename = "1. symbol", default)]
        symbol: String,
        #[serde(rename = "2. name", default)]
        name: String,
        #[serde(rename = "4. region", default)]
        region: String,
        #[serde(rename = "8. currency", default)]
        currency: String,
    }
    let search: Search = serde_json::from_str(body).ok()?;
    let found = search.matches.into_iter().find(|m| m.symbol.eq_ignore_ascii_case(ticker))?;
    let exchange = exchange_of(&found.symbol, &found.region);
    Some(Listing { exchange, name: clean(&found.name), currency: clean(&found.currency) })
}

/// The search names regions rather than exchanges, so of an American share it leaves open which.
fn exchange_of(symbol: &str, region: &str) -> Exchange {
    match symbol.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("BSE" | "BO") => Exchange::Bse,
        Some("NSE" | "NS") => Exchange::Nse,
        _ if region.contains("Bombay") => Exchange::Bse,
        _ => Exchange::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADJUSTED: &str = r#"{"Meta Data": {"2. Symbol": "X", "3. Last Refreshed": "2020-05-08 14:07:57"},
        "Time Series (Daily)": {
            "2020-05-08": {"1. open": "122.6700", "4. close": "121.8050", "5. adjusted close": "121.8050",
                           "6. volume": "2542577", "8. split coefficient": "1.0000"},
            "2020-05-07": {"1. open": 122.98, "5. volume": null},
            "2020-05-07": []}}"#;

    #[test]
    fn fields_are_known_by_their_words_and_repeated_dates_are_kept() {
        let batch = batch(ADJUSTED.to_owned(), History::Recent).expect("a batch");
        assert_eq!(batch.unfinished, crate::market::day::parse_iso("2020-05-08"));
        let mut seen = Vec::new();
        batch
            .for_each(|bar| {
                seen.push(format!(
                    "{} {:?} {:?} {:?} {:?}",
                    bar.date, bar.open, bar.adjusted_close, bar.volume, bar.split
                ));
            })
            .expect("records");
        assert_eq!(
            seen,
            [
                r#"2020-05-08 Some("122.6700") Some("121.8050") Some("2542577") Some("1.0000")"#,
                r#"2020-05-07 Some("122.98") None None None"#,
                "2020-05-07 None None None None",
            ]
        );
    }

    #[test]
    fn a_search_answers_with_the_exact_symbol_only() {
        let body = r#"{"bestMatches": [
            {"1. symbol": "TSCO.LON", "2. name": "Tesco PLC", "4. region": "United Kingdom", "8. currency": "GBX"},
            {"1. symbol": "TESO", "2. name": "Tesco Corporation", "4. region": "United States", "8. currency": "USD"}]}"#;
        assert_eq!(
            listing(body, "teso").map(|l| (l.name, l.currency)),
            Some(("Tesco Corporation".into(), "USD".into()))
        );
        assert_eq!(listing(body, "TSCO"), None);
        assert_eq!(listing("{}", "X"), None);
    }
}
