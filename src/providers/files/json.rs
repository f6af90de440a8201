//! JSON files as a table of the same text: arrays of candles, objects by date, arrays of objects.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::market::close::unfinished_day;
use crate::market::day;
use crate::providers::ProviderError;

/// The largest file of JSON: its rows are looked up by name, which takes several times their bytes. It has room for more rows
/// than a share's days.
pub(super) const LARGEST: usize = 16 << 20;
const NO_ROWS: &str = "its JSON holds no rows of prices";

type Object<'a> = HashMap<String, &'a RawValue>;

fn bad(what: impl Into<String>) -> ProviderError {
    ProviderError::BadFile { what: what.into() }
}

/// Numbers keep the digits they came with.
fn cell(value: &RawValue) -> String {
    let text = value.get();
    let text = match serde_json::from_str::<String>(text) {
        Ok(text) => text,
        Err(_) if text == "null" => String::new(),
        Err(_) => text.to_owned(),
    };
    text.replace(['\t', '\n', '\r', '"'], " ")
}

fn borrowed(text: &str) -> Result<&RawValue, ProviderError> {
    serde_json::from_str(text).map_err(|e| bad(format!("it begins like JSON, but isn't: {e}")))
}

/// The day that was still going on when Alpha Vantage wrote the series.
fn unfinished(object: &Object<'_>) -> Option<String> {
    let meta: HashMap<String, String> = serde_json::from_str(object.get("Meta Data")?.get()).ok()?;
    let said = |name: &str| meta.iter().find(|(key, _)| key.ends_with(name)).map(|(_, value)| value.as_str());
    let symbol = said("Symbol").unwrap_or_default();
    unfinished_day(said("Last Refreshed")?, said("Time Zone"), symbol).map(day::iso)
}

/// The table in lines of cells parted by tabs, headings first, and what was left out of it.
pub(super) fn table(text: &str) -> Result<(String, Option<String>), ProviderError> {
    if text.len() > LARGEST {
        return Err(bad(format!("it is JSON of more than {} MiB; split it, or save it as CSV", LARGEST >> 20)));
    }
    let mut value = borrowed(text.trim())?;
    // The rows may stand under a name or two.
    for _ in 0..3 {
        let Ok(object) = serde_json::from_str::<Object<'_>>(value.get()) else { break };
        // Rows beside a notice are made up. It isn't repeated: it may hold the key that was asked with.
        if ["Information", "Note", "Error Message", "message"].iter().any(|key| object.contains_key(*key)) {
            return Err(bad("it holds a provider's notice and no real prices; fetch it again"));
        }
        if let Some((_, series)) = object.iter().find(|(key, _)| key.starts_with("Time Series")) {
            return by_date(series, unfinished(&object).as_deref());
        }
        let Some(inner) = ["data", "candles", "prices"].iter().find_map(|key| object.get(*key)) else {
            return Err(bad(NO_ROWS));
        };
        value = inner;
    }
    let rows: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| bad(NO_ROWS))?;
    let mut lines = String::new();
    if rows.first().is_some_and(|row| row.get().starts_with('[')) {
        lines.push_str("date\topen\thigh\tlow\tclose\tvolume\toi\n");
        for row in rows {
            let cells: Vec<&RawValue> = serde_json::from_str(row.get()).unwrap_or_default();
            let cells: Vec<String> = cells.into_iter().map(cell).collect();
            lines.push_str(&cells.join("\t"));
            lines.push('\n');
        }
        return Ok((lines, None));
    }
    Ok((objects(rows.into_iter().map(|row| (None, row)))?, None))
}

fn by_date(series: &RawValue, unfinished: Option<&str>) -> Result<(String, Option<String>), ProviderError> {
    let days: HashMap<String, &RawValue> = serde_json::from_str(series.get()).map_err(|_| bad(NO_ROWS))?;
    let mut days: Vec<(Option<String>, &RawValue)> = days.into_iter().map(|(day, row)| (Some(day), row)).collect();
    days.sort_by(|a, b| a.0.cmp(&b.0));
    let count = days.len();
    days.retain(|(day, _)| unfinished.is_none() || day.as_deref() != unfinished);
    let left_out = unfinished.filter(|_| days.len() < count);
    let note = left_out.map(|day| format!("{day} was still going on when the file was made, and is left out"));
    Ok((objects(days.into_iter())?, note))
}

fn objects<'a>(rows: impl Iterator<Item = (Option<String>, &'a RawValue)>) -> Result<String, ProviderError> {
    let mut keys: Vec<String> = Vec::new();
    let mut lines = String::new();
    for (day, row) in rows {
        let object: Object<'_> =
            serde_json::from_str(row.get()).map_err(|_| bad("its JSON holds a row that isn't an object"))?;
        if keys.is_empty() {
            keys = object.keys().cloned().collect();
            keys.sort();
            let headings: Vec<String> = keys.iter().map(|key| key.replace(['\t', '\n'], " ")).collect();
            lines.push_str(if day.is_some() { "date\t" } else { "" });
            lines.push_str(&headings.join("\t"));
            lines.push('\n');
        }
        if let Some(day) = day {
            lines.push_str(&day);
            lines.push('\t');
        }
        let cells: Vec<String> = keys.iter().map(|key| object.get(key).map_or_else(String::new, |v| cell(v))).collect();
        lines.push_str(&cells.join("\t"));
        lines.push('\n');
    }
    Ok(lines)
}
