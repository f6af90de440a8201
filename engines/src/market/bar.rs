//! One day's prices, and where they came from.

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::names::names;

/// The largest price that a bar may have, in the symbol's currency; a larger one is a fault of its source.
pub const LARGEST_PRICE: f64 = 1e12;

/// One trading day of one symbol.
///
/// Prices are `f64`s parsed from the provider's decimals: the nearest double prints the same decimals again, so
/// 196.62 goes in and comes out as 196.62.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    pub day: Day,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    /// As traded, not adjusted.
    pub close: f64,
    /// The provider's close adjusted for splits and dividends, where it sends one.
    pub adjusted_close: Option<f64>,
    /// Shares traded, not adjusted.
    pub volume: i64,
    /// The provider's split coefficient: new shares for an old one, 1 on ordinary days, `None` where it sends none.
    pub split: Option<f64>,
    pub source: DataSource,
}

/// Where a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DataSource {
    /// The National Stock Exchange of India.
    Nse,
    /// Alpha Vantage.
    AlphaVantage,
    /// A CSV file that a person imported.
    Csv,
    /// Typed in by an administrator.
    Manual,
    /// The samples that ship with the demo.
    Sample,
    /// A file that a person imported whose prices are adjusted, and nowhere as traded.
    AdjustedCsv,
}

names!(DataSource { Nse => "NSE", AlphaVantage => "ALPHA_VANTAGE", Csv => "CSV", Manual => "MANUAL", Sample => "SAMPLE", AdjustedCsv => "ADJUSTED_CSV" });

impl DataSource {
    /// A two-byte form for rows that exist by the million.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Nse => 0,
            Self::AlphaVantage => 1,
            Self::Csv => 2,
            Self::Manual => 3,
            Self::Sample => 4,
            Self::AdjustedCsv => 5,
        }
    }

    /// Whether a bar of this source stays when another source has the day, too: the exchange's own file is believed
    /// first, and adjusted prices are never laid over prices as traded.
    #[must_use]
    pub fn outranks(self, other: Self) -> bool {
        (self == Self::Nse && other != Self::Nse) || (other == Self::AdjustedCsv && self != Self::AdjustedCsv)
    }

    /// In a person's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Nse => "the exchange's daily file",
            Self::AlphaVantage => "Alpha Vantage",
            Self::Csv => "an imported file",
            Self::Manual => "an administrator",
            Self::Sample => "a sample",
            Self::AdjustedCsv => "an imported file of adjusted prices",
        }
    }

    /// The inverse of [`DataSource::code`]; an unknown code reads as [`DataSource::Manual`].
    #[must_use]
    pub fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Nse,
            1 => Self::AlphaVantage,
            2 => Self::Csv,
            4 => Self::Sample,
            5 => Self::AdjustedCsv,
            _ => Self::Manual,
        }
    }
}

/// Where a share is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Exchange {
    /// National Stock Exchange of India.
    Nse,
    /// BSE, formerly the Bombay Stock Exchange.
    Bse,
    /// Nasdaq.
    Nasdaq,
    /// New York Stock Exchange.
    Nyse,
    /// Any other exchange, or one not known.
    Other,
}

names!(Exchange { Nse => "NSE", Bse => "BSE", Nasdaq => "NASDAQ", Nyse => "NYSE", Other => "OTHER" });

impl Exchange {
    /// The exchange's time zone; New York's where the exchange isn't known, as Alpha Vantage stamps its data with it.
    #[must_use]
    pub fn time_zone(self) -> chrono_tz::Tz {
        match self {
            Self::Nse | Self::Bse => chrono_tz::Asia::Kolkata,
            Self::Nasdaq | Self::Nyse | Self::Other => chrono_tz::America::New_York,
        }
    }
}
