//! What kind of security an issue is of, by its source's own code. Words in a name tell nothing: a realty trust may be
//! a company, and a company may be called Right.

use std::collections::BTreeMap;

use async_recursion::async_recursion as boxed;

use crate::market::DataSource;
use crate::providers::{IpoBatch, RawIpo};
use crate::store::{NewFlag, Store, StoreError};

/// What is issued.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A share, on this board.
    Share(&'static str),
    /// Something else, in words.
    Other(String),
}

/// Why a record of this kind is listed as left out.
pub(super) fn reason(what: &str) -> String {
    format!("{what}, which isn't a share")
}

/// Funds of one name that are remembered.
const MOST_KNOWN: u64 = 2_000;

/// Where the source names no kind, the only row of a fund looks like a share. Whoever was a fund before is one again:
/// its later series come under the same name.
#[boxed]
pub(super) async fn mark_known_funds(store: &Store, scope: &str, batch: &mut IpoBatch) -> Result<(), StoreError> {
    let is_unsaid = |record: &RawIpo| record.security.is_none() && record.band.is_none();
    if batch.source != DataSource::AlphaVantage || !batch.records.iter().any(is_unsaid) {
        return Ok(());
    }
    let Kind::Other(fund) = kind_of(Some("FUND")) else { return Ok(()) };
    let known = store.flags().records(scope, &reason(&fund), MOST_KNOWN).await?;
    for record in batch.records.iter_mut().filter(|record| is_unsaid(record)) {
        let Some(name) = record.name.as_deref() else { continue };
        let cell = format!(",{name},");
        if known.iter().any(|raw| raw.contains(&cell)) {
            record.security = Some("FUND".to_owned());
        }
    }
    Ok(())
}

/// The kind that a code names. Where the source sends none, it's a share.
pub(super) fn kind_of(code: Option<&str>) -> Kind {
    let code = code.map(|code| code.trim().to_uppercase()).unwrap_or_default();
    let what = match code.as_str() {
        "" | "EQ" | "BE" | "BZ" => return Kind::Share("MAINBOARD"),
        "SME" | "SM" | "ST" | "SZ" => return Kind::Share("SME"),
        "RR" => "units of a real estate trust",
        "IV" => "units of an infrastructure trust",
        "MF" | "ME" => "units of a mutual fund",
        "FUND" => "a series of a fund",
        "PREFERRED" => "preference shares",
        "UNIT" => "units",
        "RIGHT" => "rights",
        "WARRANT" => "warrants",
        "DEBT" | "GS" | "TB" | "GB" | "SG" => "a bond",
        _ => match code.as_bytes() {
            [b'N' | b'Y' | b'Z' | b'A' | b'B', _] => "a bond",
            [b'P', _] => "preference shares",
            [b'W', _] => "warrants",
            [b'E' | b'X', _] => "partly paid shares",
            _ => "a security of another kind",
        },
    };
    let code: String = code.chars().filter(|c| !c.is_control()).take(10).collect();
    Kind::Other(format!("{what} ({code})"))
}

/// Kinds that are named one by one.
const MOST_NAMED: usize = 8;

/// One sentence on what was left out: `3 that aren't shares left out: 2 of a bond (N1), 1 of warrants (W1)`.
pub(super) fn summary(left_out: &[NewFlag]) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for flag in left_out {
        *counts.entry(flag.reason.split(", which").next().unwrap_or_default()).or_default() += 1;
    }
    let mut counts: Vec<(usize, &str)> = counts.into_iter().map(|(what, n)| (n, what)).collect();
    counts.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let more = counts.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = counts.iter().take(MOST_NAMED).map(|(n, what)| format!("{n} of {what}")).collect();
    if more > 0 {
        named.push(format!("{more} kinds more"));
    }
    let verb = if left_out.len() == 1 { "that isn't a share" } else { "that aren't shares" };
    Some(format!("{} {verb} left out: {}", left_out.len(), named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_from_the_rest_by_their_code() {
        for (code, board) in
            [("EQ", "MAINBOARD"), ("BE", "MAINBOARD"), (" sme ", "SME"), ("ST", "SME"), ("", "MAINBOARD")]
        {
            assert_eq!(kind_of(Some(code)), Kind::Share(board), "{code}");
        }
        assert_eq!(kind_of(None), Kind::Share("MAINBOARD"));
        for code in ["RR", "IV", "N1", "NZ", "Y3", "ZC", "DEBT", "W1", "E1", "P1", "GS", "??"] {
            assert!(matches!(kind_of(Some(code)), Kind::Other(_)), "{code}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted_by_kind() {
        let flag = |code: &str| {
            let Kind::Other(what) = kind_of(Some(code)) else { panic!("{code} is a share") };
            let reason = reason(&what);
            NewFlag { record: String::new(), day: None, field: None, reason, raw: String::new() }
        };
        assert_eq!(summary(&[]), None);
        let found = summary(&[flag("W1"), flag("N1"), flag("N1")]);
        assert_eq!(found.as_deref(), Some("3 that aren't shares left out: 2 of a bond (N1), 1 of warrants (W1)"));
    }
}
