//! JSON files as a table of the same text: arrays of candles, objects by date, arrays of objects.

use std::collections::{BTreeSet, HashMap};

use serde_json::value::RawValue;

use super::decode::LARGEST_FILE;
use super::headings::{Headings, Meaning};
use crate::market::close::unfinished_day;
use crate::market::day;
use crate::providers::ProviderError;

/// The largest file of JSON: its rows are looked up by name, which takes several times their bytes. It has room for more rows
/// than a share's days.
pub(super) const LARGEST: usize = 16 << 20;
const NO_ROWS: &str = "its JSON holds no rows of prices";
/// Under what the rows may stand, and what names the columns beside them: pandas' and Nasdaq Data Link's among others.
const ROWS: [&str; 6] = ["data", "candles", "prices", "dataset_data", "dataset", "datatable"];
const COLUMNS: [&str; 6] = ["columns", "column_names", "columnNames", "headers", "header", "fields"];

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
    let mut beside = None;
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
        let Some(inner) = ROWS.iter().find_map(|key| object.get(*key)) else {
            return Err(bad(NO_ROWS));
        };
        value = inner;
        // Answers of HTTP have headers of another kind.
        let may_be = |key: &str, value: &RawValue| key.starts_with("column") || value.get().starts_with('[');
        let columns = COLUMNS.iter().find_map(|key| object.get(*key).copied().filter(|value| may_be(key, value)));
        beside = columns.map(|columns| (columns, object.get("index").copied())).or(beside);
    }
    let rows: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| bad(NO_ROWS))?;
    let mut lines = String::new();
    if rows.first().is_some_and(|row| row.get().starts_with('[')) {
        let (names, index) = match beside {
            Some((columns, index)) => headings(columns, index, rows.len())?,
            None => ("date\topen\thigh\tlow\tclose\tvolume\toi".to_owned(), Vec::new()),
        };
        lines.push_str(&names);
        lines.push('\n');
        for (n, row) in rows.into_iter().enumerate().filter(|(_, row)| row.get() != "null") {
            let cells: Vec<&RawValue> =
                serde_json::from_str(row.get()).map_err(|_| bad("its JSON holds a row that isn't a list"))?;
            let cells: Vec<String> = index.get(n).copied().into_iter().chain(cells).map(cell).collect();
            lines.push_str(&cells.join("\t"));
            lines.push('\n');
        }
        return Ok((lines, None));
    }
    let rows: Vec<(Option<String>, &RawValue)> = rows.into_iter().map(|row| (None, row)).collect();
    Ok((objects(&rows)?, None))
}

/// The line of headings that a file has beside its rows, as names or as objects with one, and the first cell of each row
/// where the dates are pandas' index and no column.
fn headings<'a>(
    columns: &RawValue,
    index: Option<&'a RawValue>,
    rows: usize,
) -> Result<(String, Vec<&'a RawValue>), ProviderError> {
    let columns: Vec<&RawValue> = serde_json::from_str(columns.get()).unwrap_or_default();
    let name = |column: &RawValue| match serde_json::from_str::<Object<'_>>(column.get()) {
        Ok(object) => object.get("name").map_or_else(String::new, |name| cell(name)),
        Err(_) => cell(column),
    };
    let mut names: Vec<String> = columns.into_iter().map(name).collect();
    if names.is_empty() {
        return Err(bad(
            "its JSON names its columns in a way that isn't known; save it as CSV with a line of headings",
        ));
    }
    let index: Vec<&RawValue> = index.and_then(|index| serde_json::from_str(index.get()).ok()).unwrap_or_default();
    let read = Headings::read(&names.iter().map(String::as_str).collect::<Vec<_>>());
    if index.len() != rows || read.is_some_and(|headings| headings.find(Meaning::Date).is_some()) {
        return Ok((names.join("\t"), Vec::new()));
    }
    names.insert(0, "date".to_owned());
    Ok((names.join("\t"), index))
}

fn by_date(series: &RawValue, unfinished: Option<&str>) -> Result<(String, Option<String>), ProviderError> {
    let days: HashMap<String, &RawValue> = serde_json::from_str(series.get()).map_err(|_| bad(NO_ROWS))?;
    let mut days: Vec<(Option<String>, &RawValue)> = days.into_iter().map(|(day, row)| (Some(day), row)).collect();
    days.sort_by(|a, b| a.0.cmp(&b.0));
    let count = days.len();
    days.retain(|(day, _)| unfinished.is_none() || day.as_deref() != unfinished);
    let left_out = unfinished.filter(|_| days.len() < count);
    let note = left_out.map(|day| format!("{day} was still going on when the file was made, and is left out"));
    Ok((objects(&days)?, note))
}

fn objects(rows: &[(Option<String>, &RawValue)]) -> Result<String, ProviderError> {
    // Every row's names: what the first one lacks, as an adjusted close, isn't dropped from the others.
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for (_, row) in rows {
        let object: Object<'_> =
            serde_json::from_str(row.get()).map_err(|_| bad("its JSON holds a row that isn't an object"))?;
        keys.extend(object.into_keys());
    }
    // Rows with names of their own would make a table of any size.
    if keys.len() * rows.len() > LARGEST_FILE {
        return Err(bad("its rows have too many different names; save it as CSV"));
    }
    let mut lines = String::new();
    if let Some((day, _)) = rows.first() {
        let headings: Vec<String> = keys.iter().map(|key| key.replace(['\t', '\n'], " ")).collect();
        lines.push_str(if day.is_some() { "date\t" } else { "" });
        lines.push_str(&headings.join("\t"));
        lines.push('\n');
    }
    for (day, row) in rows {
        let object: Object<'_> = serde_json::from_str(row.get()).unwrap_or_default();
        if let Some(day) = day {
            lines.push_str(day);
            lines.push('\t');
        }
        let cells: Vec<String> = keys.iter().map(|key| object.get(key).map_or_else(String::new, |v| cell(v))).collect();
        lines.push_str(&cells.join("\t"));
        lines.push('\n');
    }
    Ok(lines)
}
