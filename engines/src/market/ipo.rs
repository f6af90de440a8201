//! An initial public offering: what a source or a person says of it, and what follows from the dates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bar::Exchange;
use super::dates::{EARLIEST, LATEST};
use super::day::{Day, iso};
use super::names::names;

/// Which rules a company is listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Board {
    /// The main board.
    Mainboard,
    /// The board for small and medium enterprises.
    Sme,
}

names!(Board { Mainboard => "MAINBOARD", Sme => "SME" });

/// What happened to an issue that its dates don't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    Withdrawn,
    Postponed,
}

names!(Standing { Withdrawn => "WITHDRAWN", Postponed => "POSTPONED" });

/// Where an issue stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum IpoStatus {
    /// Bidding has not begun.
    Upcoming,
    /// Bids are taken, to the end of the close date.
    Open,
    /// Bidding is over, and the share is not listed yet.
    Closed,
    /// From the listing date on.
    Listed,
    /// The source or an administrator says so.
    Postponed,
    /// The source or an administrator says so.
    Withdrawn,
}

/// The three dates of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IpoDates {
    pub open: Option<Day>,
    pub close: Option<Day>,
    pub listing: Option<Day>,
}

impl IpoStatus {
    /// The status on a day at the exchange.
    #[must_use]
    pub fn of(dates: IpoDates, standing: Option<Standing>, today: Day) -> Self {
        match standing {
            Some(Standing::Withdrawn) => return Self::Withdrawn,
            Some(Standing::Postponed) => return Self::Postponed,
            None => {}
        }
        if dates.listing.is_some_and(|day| day <= today) {
            return Self::Listed;
        }
        match (dates.open, dates.close) {
            (Some(open), _) if today < open => Self::Upcoming,
            (Some(open), close) if today <= close.unwrap_or(open) => Self::Open,
            (None, Some(close)) if today <= close => Self::Upcoming,
            (None, None) => Self::Upcoming,
            _ => Self::Closed,
        }
    }
}

/// How often the shares offered were asked for; 2 is twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    pub scope: SubscriptionScope,
    /// Milliseconds since 1970, UTC.
    pub as_of: Option<i64>,
    pub total: Option<f64>,
    pub qualified_institutional: Option<f64>,
    pub non_institutional: Option<f64>,
    pub retail: Option<f64>,
    pub employee: Option<f64>,
}

/// Whose bids a subscription counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum SubscriptionScope {
    /// Those of the source's own exchange.
    Exchange,
    /// Those of every exchange.
    AllExchanges,
}

/// A field of an issue that sources send and people edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IpoField {
    Name,
    Ticker,
    Board,
    IssuePrice,
    PriceBandLow,
    PriceBandHigh,
    Currency,
    LotSize,
    IssueSize,
    OpenDate,
    CloseDate,
    ListingDate,
    FaceValue,
    Registrar,
    Standing,
    Subscription,
}

impl IpoField {
    /// As the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Ticker => "ticker",
            Self::Board => "board",
            Self::IssuePrice => "issuePrice",
            Self::PriceBandLow => "priceBandLow",
            Self::PriceBandHigh => "priceBandHigh",
            Self::Currency => "currency",
            Self::LotSize => "lotSize",
            Self::IssueSize => "issueSize",
            Self::OpenDate => "openDate",
            Self::CloseDate => "closeDate",
            Self::ListingDate => "listingDate",
            Self::FaceValue => "faceValue",
            Self::Registrar => "registrar",
            Self::Standing => "standing",
            Self::Subscription => "subscription",
        }
    }
}

/// Values of fields in their text form: dates as 2026-11-20, decimals as written.
pub type IpoValues = BTreeMap<IpoField, String>;

/// One change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// 2025-07-01: SME issues that open from then on take bids of two lots and more.
const TWO_LOTS_SINCE: Day = 20_270;

/// Lots of the smallest bid that an issue takes. One that opens on no known day is taken for one to come.
#[must_use]
pub fn lots_of_smallest_bid(exchange: Exchange, board: Board, opens: Option<Day>) -> u32 {
    let is_indian = matches!(exchange, Exchange::Nse | Exchange::Bse);
    let is_since = opens.is_none_or(|day| day >= TWO_LOTS_SINCE);
    if is_indian && board == Board::Sme && is_since { 2 } else { 1 }
}

/// The first day of trading at an exchange, where it is within the years that dates are read of.
pub(super) fn first_session(exchange: Exchange) -> Day {
    match exchange {
        // 1994-11-03: the first day of the capital market segment.
        Exchange::Nse => 9_072,
        // 1971-02-08.
        Exchange::Nasdaq => 403,
        Exchange::Bse | Exchange::Nyse | Exchange::Other => EARLIEST,
    }
}

/// Whether an issue can have this day at this exchange.
///
/// # Errors
/// Why not, to be put after the day.
pub fn check_issue_day(exchange: Exchange, day: Day) -> Result<(), String> {
    let first = first_session(exchange);
    if day < first {
        return Err(format!("lies before {}, when trading began", iso(first)));
    }
    if day > LATEST {
        return Err(format!("lies after {}, too far ahead", iso(LATEST)));
    }
    Ok(())
}

const LONGEST_TICKER: usize = 32;

/// Whether an issue may have this ticker: those of the exchanges' lists, which mark some with `*` or `$`.
#[must_use]
pub fn is_issue_ticker(text: &str) -> bool {
    text.len() <= LONGEST_TICKER && text.chars().all(|c| c.is_ascii_alphanumeric() || "&-._*$".contains(c))
}

/// Letters and digits in lower case, without what companies add to their names.
#[must_use]
pub fn name_key(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = || lower.split(|c: char| !(c.is_alphanumeric() || is_mark(c))).filter(|word| !word.is_empty());
    let key: String = words().filter(|word| !["limited", "ltd", "inc", "corp", "plc", "the"].contains(word)).collect();
    // A name of nothing else is known by what it has; one without letters by itself.
    if !key.is_empty() {
        return key;
    }
    let all: String = words().collect();
    if all.is_empty() { lower.trim().to_owned() } else { all }
}

/// Signs that a script writes on its letters: vowels in Devanagari, harakat in Arabic, and the like.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}'
        | '\u{93a}'..='\u{94f}' | '\u{980}'..='\u{983}' | '\u{9bc}'..='\u{9cd}' | '\u{a00}'..='\u{d7f}')
}

/// How price providers may spell the ticker of a share listed here, the likeliest first.
#[must_use]
pub fn provider_tickers(exchange: Exchange, ticker: &str) -> Vec<String> {
    match exchange {
        Exchange::Nse | Exchange::Bse => {
            [".BSE", ".NSE", ".BO", ".NS"].iter().map(|suffix| format!("{ticker}{suffix}")).collect()
        }
        Exchange::Nasdaq | Exchange::Nyse | Exchange::Other => vec![ticker.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_the_dates() {
        let dates = IpoDates { open: Some(10), close: Some(12), listing: Some(17) };
        let on = |day| IpoStatus::of(dates, None, day);
        assert_eq!([9, 10, 12, 13, 16, 17].map(on), {
            use IpoStatus::{Closed, Listed, Open, Upcoming};
            [Upcoming, Open, Open, Closed, Closed, Listed]
        });
        assert_eq!(IpoStatus::of(dates, Some(Standing::Withdrawn), 17), IpoStatus::Withdrawn);
        let calendar = IpoDates { listing: Some(17), ..IpoDates::default() };
        assert_eq!(IpoStatus::of(calendar, None, 16), IpoStatus::Upcoming);
        assert_eq!(IpoStatus::of(calendar, None, 17), IpoStatus::Listed);
        let unlisted = IpoDates { open: Some(10), ..IpoDates::default() };
        assert_eq!(IpoStatus::of(unlisted, None, 11), IpoStatus::Closed);
    }

    #[test]
    fn the_smallest_bid_of_an_sme_issue_is_two_lots_by_its_opening_date() {
        let day = |text: &str| crate::market::day::parse_iso(text);
        let lots = lots_of_smallest_bid;
        assert_eq!(lots(Exchange::Nse, Board::Sme, day("2025-06-30")), 1);
        assert_eq!(lots(Exchange::Nse, Board::Sme, day("2025-07-01")), 2);
        assert_eq!(lots(Exchange::Bse, Board::Sme, day("2026-01-01")), 2);
        assert_eq!(lots(Exchange::Bse, Board::Sme, None), 2);
        assert_eq!(lots(Exchange::Nse, Board::Mainboard, day("2026-01-01")), 1);
        assert_eq!(lots(Exchange::Nasdaq, Board::Sme, day("2026-01-01")), 1);
    }

    #[test]
    fn one_company_has_one_key_however_it_is_written() {
        assert_eq!(name_key("Milky Mist Dairy Food Limited"), name_key("MILKY MIST DAIRY FOOD LTD."));
        assert_ne!(name_key("Leap India Limited"), name_key("Leap Limited"));
        // Names of nothing but such words, or without a letter, stay apart.
        let odd = ["The Limited", "Limited", "The Inc.", "???", "---", ""].map(name_key);
        for (at, key) in odd.iter().enumerate() {
            assert!(!odd[..at].contains(key), "{key:?}");
        }
        assert_eq!(name_key("THE LIMITED"), name_key("the  limited"));
    }
}
