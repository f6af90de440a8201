//! Whose rows a file holds, and which of them are wanted.

use std::collections::{BTreeMap, HashSet};

use super::headings::Meaning;
use super::table::{Table, cells};
use crate::providers::ProviderError;

const MOST_TICKERS: usize = 10_000;
const NAMES_SHOWN: usize = 8;

/// A ticker without its exchange, as files and providers spell it differently.
pub(super) fn base(ticker: &str) -> String {
    let ticker = ticker.trim().to_uppercase();
    match ticker.rsplit_once('.') {
        Some((base, "NSE" | "BSE" | "NS" | "BO" | "US" | "LON" | "L")) if !base.is_empty() => base.to_owned(),
        _ => ticker.replace('-', "."),
    }
}

/// Whether a cell names the share of a [`base`], without making a text of it: a file of a whole market has a million cells.
pub(super) fn is_of(cell: &str, wanted: &str) -> bool {
    let cell = cell.trim();
    if cell.is_ascii() && !cell.contains(['.', '-']) {
        return cell.eq_ignore_ascii_case(wanted);
    }
    base(cell) == wanted
}

/// What a split or a consolidation leaves of an Indian ISIN.
fn issuer(name: &str) -> Option<&str> {
    let is_isin = name.len() == 12 && name.starts_with("IN") && name.bytes().all(|b| b.is_ascii_alphanumeric());
    name.get(..9).filter(|_| is_isin)
}

/// What tells a share from another: its name in any case, or an Indian ISIN's issuer.
fn told_by(name: &str) -> String {
    let name = name.to_uppercase();
    issuer(&name).map(str::to_owned).unwrap_or(name)
}

pub(super) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN { format!("{shown} and {} more", names.len() - NAMES_SHOWN) } else { shown }
}

/// Several shares, and not the one that is wanted.
fn unnamed(names: &[String], wanted: &str) -> ProviderError {
    let what = format!("it holds {} and no {wanted}; import it under one of them", listed(names));
    ProviderError::BadFile { what }
}

/// The tickers of a table and the filter that leaves one of them.
pub(super) fn choose_ticker(
    table: &mut Table,
    wanted: &str,
    notes: &mut Vec<String>,
) -> Result<Option<(Vec<usize>, String)>, ProviderError> {
    let wanted = base(wanted);
    if !table.tickers.is_empty() {
        let mut names: Vec<String> = table.tickers.iter().skip(1).filter(|t| !t.is_empty()).cloned().collect();
        names.sort();
        names.dedup();
        if names.len() > 1 && !names.iter().any(|name| base(name) == wanted) {
            return Err(unnamed(&names, &wanted));
        }
        if names.len() > 1 {
            for (i, name) in table.tickers.iter().enumerate().skip(1) {
                if base(name) != wanted && i < table.headings.meanings.len() {
                    table.headings.meanings[i] = Meaning::Ignored;
                }
            }
        } else if let [name] = &names[..]
            && base(name) != wanted
        {
            notes.push(format!("the file itself calls the share {name}"));
        }
        return Ok(None);
    }
    let columns = table.headings.tickers();
    let Some(&main) = columns.first() else { return Ok(None) };
    // One share, however its name is spelled, by what it's told from others by.
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let mut seen: HashSet<String> = HashSet::new();
    let mut matches = false;
    for (_, line) in table.lines() {
        let Some(row) = cells(line.trim_end_matches('\r'), table.delimiter) else { continue };
        matches |= columns.iter().any(|&i| row.get(i).is_some_and(|cell| is_of(cell, &wanted)));
        if let Some(name) = row.get(main).map(|cell| cell.trim()).filter(|name| !name.is_empty())
            && told.len() < MOST_TICKERS
            && seen.len() < 2 * MOST_TICKERS
            && !seen.contains(name)
        {
            seen.insert(name.to_owned());
            told.entry(told_by(name)).or_insert_with(|| name.chars().take(40).collect());
        }
    }
    let names: Vec<String> = told.into_values().collect();
    match (matches, &names[..]) {
        (true, _) => Ok(Some((columns, wanted))),
        (false, []) => Ok(None),
        (false, [one]) => {
            if issuer(one).is_none() {
                notes.push(format!("the file itself calls the share {one}"));
            }
            Ok(None)
        }
        (false, _) => Err(unnamed(&names, &wanted)),
    }
}
