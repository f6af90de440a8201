//! Whose rows a file holds, and which of them are wanted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::amounts::is_nothing;
use super::headings::{Headings, Meaning};
use super::table::{Table, cells};
use crate::providers::ProviderError;

const MOST_TICKERS: usize = 10_000;
const NAMES_SHOWN: usize = 8;
/// How tickers end, with the exchange that is meant.
const ENDS: [(&str, &str); 7] =
    [("NSE", "NSE"), ("NS", "NSE"), ("BSE", "BSE"), ("BO", "BSE"), ("US", NEW_YORK), ("LON", "LON"), ("L", "LON")];
/// What columns call exchanges, beside the ends of tickers.
const EXCHANGES: [(&str, &str); 24] = [
    ("XNSE", "NSE"),
    ("NSI", "NSE"),
    ("XBOM", "BSE"),
    ("BOM", "BSE"),
    ("LSE", "LON"),
    ("XLON", "LON"),
    ("NYSE", NEW_YORK),
    ("XNYS", NEW_YORK),
    ("NASDAQ", NEW_YORK),
    ("XNAS", NEW_YORK),
    ("AMEX", NEW_YORK),
    ("NYSE MKT", NEW_YORK),
    ("NYSE ARCA", NEW_YORK),
    ("BATS", NEW_YORK),
    ("NYSEARCA", NEW_YORK),
    ("NASDAQGS", NEW_YORK),
    ("NASDAQGM", NEW_YORK),
    ("NASDAQCM", NEW_YORK),
    ("NMS", NEW_YORK),
    ("NGM", NEW_YORK),
    ("NCM", NEW_YORK),
    ("NYQ", NEW_YORK),
    ("PCX", NEW_YORK),
    ("ASE", NEW_YORK),
];
/// How the longer names of exchanges begin, and of their segments.
const BEGINNINGS: [(&str, &str); 9] = [
    ("NSE", "NSE"),
    ("NATIONAL STOCK EXCHANGE", "NSE"),
    ("BSE", "BSE"),
    ("BOMBAY", "BSE"),
    ("LSE", "LON"),
    ("LONDON", "LON"),
    ("NASDAQ", NEW_YORK),
    ("NYSE", NEW_YORK),
    ("NEW YORK", NEW_YORK),
];
/// Where a ticker without an end trades, too.
const NEW_YORK: &str = "US";

/// The exchange that a ticker ends with; nothing where it names none.
fn end_of(ticker: &str) -> &'static str {
    let end = ticker.trim().rsplit_once('.').filter(|(base, _)| !base.is_empty()).map_or("", |(_, end)| end);
    ENDS.iter().find(|(name, _)| end.eq_ignore_ascii_case(name)).map_or("", |&(_, exchange)| exchange)
}

/// The exchange that a cell names; one that isn't known is another than those that are.
fn exchange_of(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    if is_nothing(cell) {
        return Cow::Borrowed("");
    }
    let begins = |name: &str| cell.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let known = ENDS.iter().chain(&EXCHANGES).find(|(name, _)| cell.eq_ignore_ascii_case(name));
    match known.or_else(|| BEGINNINGS.iter().find(|(name, _)| begins(name))) {
        Some(&(_, exchange)) => Cow::Borrowed(exchange),
        None => Cow::Owned(cell.to_uppercase()),
    }
}

/// Whether two ends of tickers are one exchange's.
fn is_same(end: &str, other: &str) -> bool {
    end == other || [(end, other), (other, end)].contains(&("", NEW_YORK))
}

/// A ticker without its exchange, as files and providers spell it differently.
fn base(ticker: &str) -> String {
    let ticker = ticker.trim().to_uppercase();
    match ticker.rsplit_once('.') {
        Some((base, _)) if !end_of(&ticker).is_empty() => base.replace('-', "."),
        _ => ticker.replace('-', "."),
    }
}

/// What leaves the rows of one share.
#[derive(Debug)]
pub(super) struct Filter {
    /// Columns of which one names the share, and its [`base`]; none where all rows are its.
    columns: Vec<usize>,
    wanted: String,
    /// How its tickers end, where the file has several of one base.
    end: Option<&'static str>,
    /// The column that names the exchange, and the one that is wanted, where the file has several.
    exchange: Option<(usize, &'static str)>,
}

impl Filter {
    /// Whose a row is that isn't of the share.
    pub(super) fn other(&self, row: &[Cow<'_, str>]) -> Option<&'static str> {
        if !self.columns.is_empty() {
            let named = named(&self.columns, row, &self.wanted);
            if named.is_none_or(|(end, _)| self.end.is_some_and(|wanted| !is_same(end, wanted))) {
                return Some("rows of other tickers");
            }
        }
        let (at, wanted) = self.exchange?;
        let found = row.get(at).map_or(Cow::Borrowed(""), |cell| exchange_of(cell));
        (!found.is_empty() && found != wanted).then_some("rows of other exchanges")
    }
}

/// The exchange that a row's ticker ends with, and the ticker; `None` of another share's row.
fn named<'a>(columns: &[usize], row: &'a [Cow<'_, str>], wanted: &str) -> Option<(&'static str, &'a str)> {
    let mut found = None;
    for &i in columns {
        let Some(cell) = row.get(i).map(|cell| cell.trim()).filter(|cell| is_of(cell, wanted)) else { continue };
        let end = end_of(cell);
        // Of a row's two columns the one that says more.
        if found.is_none() || !end.is_empty() {
            found = Some((end, cell));
        }
    }
    found
}

/// Of several exchanges the one that a ticker means: without an end, New York.
fn meant(ticker: &str, is_found: impl Fn(&str) -> bool) -> Option<&'static str> {
    let end = end_of(ticker);
    let same = match end {
        "" => NEW_YORK,
        NEW_YORK => "",
        other => other,
    };
    [end, same].into_iter().find(|&exchange| is_found(exchange))
}

/// Counts an exchange in.
fn remember(known: &mut BTreeSet<String>, exchange: &str) {
    if !known.contains(exchange) && known.len() < MOST_TICKERS {
        known.insert(exchange.chars().take(40).collect());
    }
}

/// The column that names the exchange of each row.
fn exchange_column(headings: &Headings) -> Option<usize> {
    // Elsewhere it is where the prices come from.
    let src = headings.at("src").filter(|_| headings.has("sgmt"));
    ["exchange", "exch", "exchangecode"].iter().find_map(|key| headings.at(key)).or(src)
}

/// Whether a cell names the share of a [`base`], without making a text of it: a file of a whole market has a million cells.
fn is_of(cell: &str, wanted: &str) -> bool {
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

/// The filter that leaves one share's rows of a table.
pub(super) fn choose_ticker(
    table: &mut Table,
    ticker: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Filter>, ProviderError> {
    let wanted = base(ticker);
    if !table.tickers.is_empty() {
        choose_columns(table, ticker, &wanted, notes)?;
        return Ok(None);
    }
    let columns = table.headings.tickers();
    let exchange_at = exchange_column(&table.headings);
    if columns.is_empty() && exchange_at.is_none() {
        return Ok(None);
    }
    // One share, however its name is spelled, by what it's told from others by.
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let mut seen: HashSet<String> = HashSet::new();
    // Of the wanted share's rows, the ends of its tickers with one of each, and the exchanges; and those of all rows.
    let mut ends: BTreeMap<&'static str, String> = BTreeMap::new();
    let (mut exchanges, mut all) = (BTreeSet::new(), BTreeSet::new());
    let heading = columns.first().map_or("", |&i| table.headings.names[i].as_str());
    for (_, line) in table.lines() {
        let Some(row) = cells(line.trim_end_matches('\r'), table.delimiter) else { continue };
        let named = named(&columns, &row, &wanted);
        if let Some((end, cell)) = named {
            ends.entry(end).or_insert_with(|| cell.chars().take(40).collect());
        }
        let exchange = exchange_at.and_then(|at| row.get(at)).map_or(Cow::Borrowed(""), |cell| exchange_of(cell));
        if !exchange.is_empty() {
            remember(&mut all, &exchange);
            if named.is_some() {
                remember(&mut exchanges, &exchange);
            }
        }
        if let Some(name) = columns
            .first()
            .and_then(|&i| row.get(i))
            .map(|cell| cell.trim())
            .filter(|n| !n.is_empty() && !n.eq_ignore_ascii_case(heading))
            && told.len() < MOST_TICKERS
            && seen.len() < 2 * MOST_TICKERS
            && !seen.contains(name)
        {
            seen.insert(name.to_owned());
            told.entry(told_by(name)).or_insert_with(|| name.chars().take(40).collect());
        }
    }
    let names: Vec<String> = told.into_values().collect();
    let columns = match (ends.is_empty(), &names[..]) {
        (false, _) => columns,
        (true, []) => Vec::new(),
        (true, [one]) => {
            if issuer(one).is_none() {
                notes.push(format!("the file itself calls the share {one}"));
            }
            Vec::new()
        }
        (true, _) => return Err(unnamed(&names, &wanted)),
    };
    let exchanges = if columns.is_empty() { all } else { exchanges };
    let end = choose_end(&ends, ticker, notes)?;
    let exchange = choose_exchange(&exchanges, ticker, &wanted)?;
    let exchange = exchange_at.zip(exchange);
    if let Some((at, _)) = exchange {
        table.headings.meanings[at] = Meaning::Ignored;
    }
    if columns.is_empty() && exchange.is_none() {
        return Ok(None);
    }
    Ok(Some(Filter { columns, wanted, end, exchange }))
}

/// Leaves the columns of one share, where the tickers stand above them.
fn choose_columns(table: &mut Table, ticker: &str, wanted: &str, notes: &mut Vec<String>) -> Result<(), ProviderError> {
    let mut names: Vec<String> = table.tickers.iter().skip(1).filter(|t| !t.is_empty()).cloned().collect();
    names.sort();
    names.dedup();
    if names.len() > 1 && !names.iter().any(|name| base(name) == wanted) {
        return Err(unnamed(&names, wanted));
    }
    if names.len() > 1 {
        let ends: BTreeMap<&'static str, String> =
            names.iter().filter(|name| base(name) == wanted).map(|name| (end_of(name), name.clone())).collect();
        let end = choose_end(&ends, ticker, notes)?;
        let is_own = |name: &str| base(name) == wanted && end.is_none_or(|chosen| is_same(end_of(name), chosen));
        for (i, name) in table.tickers.iter().enumerate().skip(1) {
            if !is_own(name) && i < table.headings.meanings.len() {
                table.headings.meanings[i] = Meaning::Ignored;
            }
        }
    } else if let [name] = &names[..]
        && base(name) != wanted
    {
        notes.push(format!("the file itself calls the share {name}"));
    }
    Ok(())
}

/// How the tickers to be read end, where those of one base name several exchanges: VOD.L and VOD.US are two shares.
fn choose_end(
    ends: &BTreeMap<&'static str, String>,
    ticker: &str,
    notes: &mut Vec<String>,
) -> Result<Option<&'static str>, ProviderError> {
    let end = meant(ticker, |end| ends.contains_key(end));
    // A plain ticker is New York's, or another listing than one with an end: VOD and VOD.L.
    let same = usize::from(ends.contains_key("") && ends.contains_key(NEW_YORK));
    if ends.len() - same > 1 {
        if let (None, Some(plain)) = (end, ends.get("")) {
            notes.push(format!("the file itself calls the share {plain}"));
            return Ok(Some(""));
        }
        let spelled: Vec<String> = ends.values().cloned().collect();
        let what = format!("it holds {} and no {}; import it under one of them", listed(&spelled), ticker.trim());
        return end.map(Some).ok_or(ProviderError::BadFile { what });
    }
    if end.is_none()
        && !ends.contains_key("")
        && let Some(spelled) = ends.values().next()
    {
        notes.push(format!("the file itself calls the share {spelled}"));
    }
    Ok(None)
}

/// The exchange whose rows are to be read, where they are of several.
fn choose_exchange(
    found: &BTreeSet<String>,
    ticker: &str,
    wanted: &str,
) -> Result<Option<&'static str>, ProviderError> {
    if found.len() < 2 {
        return Ok(None);
    }
    // An end is known of few exchanges.
    let known = found.iter().find(|name| ENDS.iter().any(|(_, exchange)| *exchange == name.as_str()));
    let advice = known.map_or_else(String::new, |name| {
        format!(", or import it under a ticker that ends with one, as {wanted}.{name}")
    });
    let what = format!(
        "its rows are of several exchanges, {}, and {} names none of them; leave the rows of one{advice}",
        listed(&found.iter().cloned().collect::<Vec<_>>()),
        ticker.trim()
    );
    meant(ticker, |exchange| found.contains(exchange)).map(Some).ok_or(ProviderError::BadFile { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickers_end_with_their_exchanges_in_several_spellings() {
        for (ticker, end, plain) in [
            ("VOD.L", "LON", "VOD"),
            ("vod.lon", "LON", "VOD"),
            ("TCS.NS", "NSE", "TCS"),
            ("TCS.BO", "BSE", "TCS"),
            ("AAPL.US", "US", "AAPL"),
            ("BRK-B", "", "BRK.B"),
            ("BRK.B", "", "BRK.B"),
            ("BRK-B.US", "US", "BRK.B"),
            ("BAJAJ-AUTO.NS", "NSE", "BAJAJ.AUTO"),
            (".L", "", ".L"),
        ] {
            assert_eq!((end_of(ticker), base(ticker).as_str()), (end, plain), "{ticker}");
        }
        assert_eq!(["nse", "XBOM", " Nasdaq ", "Vienna", ""].map(exchange_of), ["NSE", "BSE", "US", "VIENNA", ""]);
        assert_eq!(["NSE_EQ", "London", "-", "n/a"].map(exchange_of), ["NSE", "LON", "", ""]);
    }
}
