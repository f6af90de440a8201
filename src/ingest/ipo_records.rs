//! What makes a record an issue, and what keeps it out.

use std::collections::HashMap;

use super::ipo_dates::IssueDates;
use super::ipo_kinds::{Kind, kind_of, reason};
use super::ipo_text::{count, first_number, is_nothing, prices};
use crate::market::currency::iso_4217;
use crate::market::day::iso;
use crate::market::decimal::millionths;
use crate::market::ipo::{IpoField, IpoValues, is_issue_ticker};
use crate::market::{Day, Exchange};
use crate::providers::{IpoBatch, RawIpo};
use crate::store::NewFlag;

/// An issue that holds together.
#[derive(Debug, Clone, PartialEq)]
pub struct IpoRecord {
    pub exchange: Exchange,
    pub ticker: String,
    /// The day it opens, else the day it's listed.
    pub day: Option<Day>,
    /// What the source says; fields that it's silent on are missing.
    pub values: IpoValues,
}

/// A batch taken apart.
#[derive(Debug, Default)]
pub struct ParsedIpos {
    pub records: Vec<IpoRecord>,
    pub flags: Vec<NewFlag>,
    /// Records of what isn't a share: nothing is wrong with them.
    pub left_out: Vec<NewFlag>,
    pub read: usize,
}

const LONGEST_RAW: usize = 1_000;
const LONGEST_NAME: usize = 200;

struct Flaw {
    field: &'static str,
    reason: String,
}

fn flaw<T>(field: &'static str, reason: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw { field, reason: reason.into() })
}

/// Reads every record of a batch. Records of one issue complete each other; two that contradict each other in what
/// makes up the issue are a conflict, and the first one stays. `today` is the exchange's date.
#[must_use]
pub fn parse_ipos(batch: &IpoBatch, today: Day) -> ParsedIpos {
    let mut parsed = ParsedIpos::default();
    let dates = IssueDates::of(batch.records.iter(), today);
    let mut known: HashMap<(Exchange, String, Option<Day>), usize> = HashMap::new();
    for raw in &batch.records {
        parsed.read += 1;
        if let Some(reason) = raw.broken {
            parsed.flags.push(flag(raw, dates.near(raw), Flaw { field: "row", reason: reason.to_owned() }));
            continue;
        }
        let board = match kind_of(raw.security.as_deref()) {
            Kind::Share(board) => board,
            Kind::Other(what) => {
                let reason = reason(&what);
                parsed.left_out.push(flag(raw, dates.near(raw), Flaw { field: "securityType", reason }));
                continue;
            }
        };
        let record = match checked(raw, board, &dates) {
            Ok(record) => record,
            Err(flaw) => {
                parsed.flags.push(flag(raw, dates.near(raw), flaw));
                continue;
            }
        };
        let key = (record.exchange, record.ticker.clone(), record.day);
        match known.get(&key) {
            None => {
                known.insert(key, parsed.records.len());
                parsed.records.push(record);
            }
            Some(&at) => match merge(&mut parsed.records[at].values, &record.values) {
                Ok(()) => {}
                Err(field) => {
                    let reason = "the same symbol and start date stand in the batch before with another value";
                    parsed.flags.push(flag(raw, record.day, Flaw { field, reason: reason.to_owned() }));
                }
            },
        }
    }
    parsed
}

/// Adds what a later record of the same issue says. Names may differ in their suffixes, lists in what they know; the
/// end of bidding and the listing may not.
fn merge(values: &mut IpoValues, later: &IpoValues) -> Result<(), &'static str> {
    for (field, name) in [
        (IpoField::CloseDate, "closeDate"),
        (IpoField::ListingDate, "listingDate"),
        (IpoField::IssuePrice, "issuePrice"),
        (IpoField::PriceBandLow, "priceRange"),
        (IpoField::PriceBandHigh, "priceRange"),
    ] {
        let both = values.get(&field).zip(later.get(&field));
        if both.is_some_and(|(a, b)| millionths(a).map_or(a != b, |a| Some(a) != millionths(b))) {
            return Err(name);
        }
    }
    for (field, value) in later {
        values.entry(*field).or_insert_with(|| value.clone());
    }
    Ok(())
}

fn flag(raw: &RawIpo, day: Option<Day>, flaw: Flaw) -> NewFlag {
    let what = raw.ticker.as_deref().or(raw.name.as_deref()).unwrap_or("an issue").trim();
    let when = raw.open.as_deref().or(raw.listing.as_deref()).unwrap_or_default().trim();
    let mut text = raw.raw.clone();
    if text.chars().count() > LONGEST_RAW {
        text = text.chars().take(LONGEST_RAW).collect();
    }
    NewFlag {
        record: format!("{what} {when}").trim_end().chars().take(100).collect(),
        day,
        field: Some(flaw.field.to_owned()),
        reason: flaw.reason,
        raw: text,
    }
}

/// The name without what the exchange hangs on to it, and what that says.
fn name_and_standing(name: &str) -> (String, Option<&'static str>) {
    let mut name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut standing = None;
    loop {
        let lower = name.to_lowercase();
        let suffixes = [
            ("issue withdrawn", Some("WITHDRAWN")),
            ("withdrawn", Some("WITHDRAWN")),
            ("issue postponed", Some("POSTPONED")),
            ("postponed", Some("POSTPONED")),
            ("special withdrawal option", None),
            ("fpo", None),
        ];
        let found = suffixes.iter().find(|(suffix, _)| {
            lower.strip_suffix(suffix).is_some_and(|rest| rest.trim_end().ends_with(['-', '–', '(']))
                || lower.strip_suffix(&format!("{suffix})")).is_some_and(|rest| rest.trim_end().ends_with('('))
        });
        let Some((suffix, says)) = found else { return (name, standing) };
        standing = standing.or(*says);
        let end = lower.rfind(suffix).unwrap_or(0);
        // Lower case may be longer than the name in other scripts; then the name stays as it is.
        let Some(rest) = name.get(..end) else { return (name, standing) };
        name.truncate(rest.trim_end().trim_end_matches(['-', '–', '(']).trim_end().len());
    }
}

fn checked(raw: &RawIpo, board: &str, dates: &IssueDates) -> Result<IpoRecord, Flaw> {
    let Some(name) = raw.name.as_deref().filter(|n| !is_nothing(n)) else { return flaw("name", "is missing") };
    let (name, standing) = name_and_standing(name);
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return flaw("name", format!("a name has 1 to {LONGEST_NAME} characters"));
    }
    let Some(ticker) = raw.ticker.as_deref().map(|t| t.trim().to_uppercase()).filter(|t| !is_nothing(t)) else {
        return flaw("symbol", "is missing");
    };
    if !is_issue_ticker(&ticker) {
        return flaw("symbol", format!("{ticker:?} can't be a symbol"));
    }
    // A calendar knows the listing alone.
    let from_calendar = raw.open.is_none() && raw.close.is_none() && raw.listing.is_some();
    let day_of = |field: &'static str, text: Option<&str>| {
        dates.day(raw.exchange, raw.is_past, text).map_err(|reason| Flaw { field, reason })
    };
    let open = day_of("openDate", raw.open.as_deref())?;
    let close = day_of("closeDate", raw.close.as_deref())?;
    let listing = day_of("listingDate", raw.listing.as_deref())?;
    let Some(day) = open.or(listing.filter(|_| from_calendar)) else { return flaw("openDate", "is missing") };
    if let (Some(open), Some(close)) = (open, close)
        && close < open
    {
        return flaw("closeDate", format!("{} is before the open date {}", iso(close), iso(open)));
    }
    if let (Some(open), Some(listing)) = (open, listing)
        && listing < open
    {
        return flaw("listingDate", format!("{} is before the open date {}", iso(listing), iso(open)));
    }
    let mut values = IpoValues::new();
    let mut put = |field: IpoField, value: Option<String>| {
        if let Some(value) = value {
            values.insert(field, value);
        }
    };
    let (band, price) = band_and_price(raw)?;
    let (low, high) = band.unzip();
    put(IpoField::PriceBandLow, low);
    put(IpoField::PriceBandHigh, high);
    put(IpoField::IssuePrice, price);
    put(IpoField::LotSize, whole("lotSize", raw.lot_size.as_deref())?);
    put(IpoField::IssueSize, shares(raw.issue_size.as_deref())?);
    put(IpoField::FaceValue, face_value(raw.face_value.as_deref())?);
    put(IpoField::Registrar, raw.registrar.as_deref().map(|r| r.trim().chars().take(LONGEST_NAME).collect()));
    put(IpoField::Currency, currency(raw.currency.as_deref())?);
    put(IpoField::OpenDate, open.map(iso));
    put(IpoField::CloseDate, close.map(iso));
    put(IpoField::ListingDate, listing.map(iso));
    let says = raw.standing.as_deref().map(str::to_lowercase).unwrap_or_default();
    let named = ["withdrawn", "postponed"].into_iter().find(|word| says.contains(word)).map(str::to_uppercase);
    put(IpoField::Standing, standing.map(str::to_owned).or(named));
    put(IpoField::Subscription, raw.subscription.as_ref().and_then(|s| serde_json::to_string(s).ok()));
    put(IpoField::Board, Some(board.to_owned()));
    put(IpoField::Ticker, Some(ticker.clone()));
    put(IpoField::Name, Some(name));
    Ok(IpoRecord { exchange: raw.exchange, ticker, day: Some(day), values })
}

fn currency(code: Option<&str>) -> Result<Option<String>, Flaw> {
    let Some(code) = code.filter(|code| !is_nothing(code)) else { return Ok(None) };
    match iso_4217(code.trim()) {
        Some(code) => Ok(Some(code.to_owned())),
        None => {
            flaw("currency", format!("{:?} isn't a code of ISO 4217", code.trim().chars().take(10).collect::<String>()))
        }
    }
}

type Band = Option<(String, String)>;

/// The band and the final price. The price's own field holds the band until the price is fixed.
fn band_and_price(raw: &RawIpo) -> Result<(Band, Option<String>), Flaw> {
    let read = |field: &'static str, text: Option<&str>| match text.map(prices) {
        None => Ok(None),
        Some(Ok(found)) => Ok(found),
        Some(Err(())) => flaw(field, format!("{:?} is not a price", text.unwrap_or_default().trim())),
    };
    let mut band = read("priceRange", raw.band.as_deref())?;
    let mut price = None;
    match read("issuePrice", raw.issue_price.as_deref())? {
        None => {}
        Some((one, other)) if one == other => price = Some(one),
        Some(range) => band = band.or(Some(range)),
    }
    let units = |field: &'static str, text: &str| match millionths(text) {
        Some(0) => flaw(field, "is zero"),
        Some(units) => Ok(units),
        None => flaw(field, format!("{text:?} is not a price")),
    };
    let limits = match &band {
        None => None,
        Some((low, high)) => Some((units("priceRange", low)?, units("priceRange", high)?)),
    };
    if let (Some((low, high)), Some((low_text, high_text))) = (limits, &band)
        && low > high
    {
        return flaw("priceRange", format!("the band is upside down: {low_text} to {high_text}"));
    }
    if let Some(text) = &price {
        let price = units("issuePrice", text)?;
        // One price is no band: where the final one differs, the issue was priced anew.
        if limits.is_some_and(|(low, high)| low == high && low != price) {
            band = None;
        } else if let (Some((low, high)), Some((low_text, high_text))) = (limits, &band)
            && !(low..=high).contains(&price)
        {
            return flaw("issuePrice", format!("{text} is outside the band {low_text} to {high_text}"));
        }
    }
    Ok((band, price))
}

fn whole(field: &'static str, text: Option<&str>) -> Result<Option<String>, Flaw> {
    let Some(text) = text.filter(|t| !is_nothing(t)) else { return Ok(None) };
    let number = first_number(text).ok().flatten();
    match number.and_then(|n| n.parse::<f64>().ok()).filter(|n| n.fract() == 0.0 && *n < 2.0e9) {
        Some(0.0) | None => flaw(field, format!("{:?} is not a number of shares", text.trim())),
        Some(n) => Ok(Some((n as i64).to_string())),
    }
}

fn face_value(text: Option<&str>) -> Result<Option<String>, Flaw> {
    let text = text.unwrap_or_default();
    first_number(text).or_else(|()| flaw("faceValue", format!("{:?} is not a price", text.trim())))
}

fn shares(text: Option<&str>) -> Result<Option<String>, Flaw> {
    let Some(text) = text.filter(|t| !is_nothing(t)) else { return Ok(None) };
    match count(text) {
        // Nothing on offer means that the size isn't known yet.
        Some(0) => Ok(None),
        Some(n) => Ok(Some(n.to_string())),
        None => flaw("issueSize", format!("{:?} is not a number of shares", text.trim())),
    }
}

#[cfg(test)]
#[path = "ipo_records_tests.rs"]
mod tests;
