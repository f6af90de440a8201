//! Where data comes from: one file or folder a source, behind a trait that says what a source can do.

pub mod alpha_vantage;
pub mod files;
mod http;
pub mod market;
pub mod nse;
mod quotes;

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::market::ipo::Subscription;
use crate::market::{DataSource, Day, Exchange};
use crate::store::{Millis, StoreError};

/// What a price source can do.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// The source's name in a person's words.
    pub name: &'static str,
    /// How many bars a [`History::Recent`] call brings.
    pub recent_bars: u32,
}

/// How much of a symbol's history to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// The newest bars only.
    Recent,
    /// All there is; a source that won't give it falls back to the recent bars.
    Full,
}

/// One record as the provider wrote it, borrowed from its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawBar<'a> {
    pub date: Cow<'a, str>,
    pub open: Option<&'a str>,
    pub high: Option<&'a str>,
    pub low: Option<&'a str>,
    pub close: Option<&'a str>,
    pub adjusted_close: Option<&'a str>,
    pub volume: Option<&'a str>,
    pub split: Option<&'a str>,
    /// Why the record can't be taken apart at all; its date is then where it stands.
    pub broken: Option<&'a str>,
    /// The whole record, for a person to look at.
    pub raw: &'a str,
}

/// Reads the records of a payload, one after the other.
pub type Reader = Box<dyn Fn(&str, &mut dyn FnMut(RawBar<'_>)) -> Result<(), ProviderError> + Send + Sync>;

/// A provider's answer, whole and not yet believed.
pub struct PriceBatch {
    pub source: DataSource,
    pub body: String,
    pub reader: Reader,
    /// What was fetched, which may be less than was asked for.
    pub history: History,
    /// The trading day that was still going on when this was made.
    pub unfinished: Option<Day>,
    /// Whether its prices are adjusted, with none as traded beside them.
    pub adjusted_only: bool,
    /// Whether it has rows that are left out, so that a day that it lacks may be true all the same.
    pub has_holes: bool,
}

impl PriceBatch {
    /// Hands every record to `each`.
    ///
    /// # Errors
    /// [`ProviderError::Malformed`] where the payload as a whole can't be read.
    pub fn for_each(&self, mut each: impl FnMut(RawBar<'_>)) -> Result<(), ProviderError> {
        (self.reader)(&self.body, &mut each)
    }
}

/// What a source knows of a symbol beside its prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub name: String,
    pub exchange: Exchange,
    pub currency: String,
}

/// A source of daily prices. A second one is another file that implements this.
pub trait PriceProvider: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// Fetches one symbol's bars.
    fn fetch<'a>(&'a self, ticker: &'a str, history: History) -> BoxFuture<'a, Result<PriceBatch, ProviderError>>;

    /// Looks up what a symbol is called and where it's listed; `None` where the source doesn't know.
    fn lookup<'a>(&'a self, ticker: &'a str) -> BoxFuture<'a, Result<Option<Listing>, ProviderError>>;
}

/// One issue as a source wrote it, its text not yet believed.
#[derive(Debug, Clone, PartialEq)]
pub struct RawIpo {
    pub exchange: Exchange,
    pub name: Option<String>,
    pub ticker: Option<String>,
    /// The source's code for the kind of security, where it sends one.
    pub security: Option<String>,
    pub open: Option<String>,
    pub close: Option<String>,
    /// Blank where the source should have sent one and didn't.
    pub listing: Option<String>,
    /// Lowest and highest price in one text.
    pub band: Option<String>,
    pub issue_price: Option<String>,
    pub issue_size: Option<String>,
    pub lot_size: Option<String>,
    pub face_value: Option<String>,
    pub registrar: Option<String>,
    pub currency: Option<String>,
    /// The status as the source has it; only what dates can't tell is believed.
    pub standing: Option<String>,
    pub subscription: Option<Subscription>,
    /// Whether the source lists it among those whose bidding is over.
    pub is_past: bool,
    /// Why the record can't be read as a whole, where it can't.
    pub broken: Option<&'static str>,
    /// The whole record, for a person to look at.
    pub raw: String,
}

impl Default for RawIpo {
    fn default() -> Self {
        Self {
            exchange: Exchange::Other,
            name: None,
            ticker: None,
            security: None,
            open: None,
            close: None,
            listing: None,
            band: None,
            issue_price: None,
            issue_size: None,
            lot_size: None,
            face_value: None,
            registrar: None,
            currency: None,
            standing: None,
            subscription: None,
            is_past: false,
            broken: None,
            raw: String::new(),
        }
    }
}

/// Every issue that a source knows of, later records saying more than earlier ones of the same issue.
#[derive(Debug)]
pub struct IpoBatch {
    pub source: DataSource,
    /// Whose issues it tells of.
    pub exchanges: Vec<Exchange>,
    pub records: Vec<RawIpo>,
}

/// A source of IPOs. Another one is another file that implements this.
pub trait IpoProvider: Send + Sync {
    /// The source's name in a person's words.
    fn name(&self) -> &'static str;

    /// Fetches every issue that it knows of.
    fn fetch(&self) -> BoxFuture<'_, Result<IpoBatch, ProviderError>>;
}

/// Why a provider gave nothing. The messages are for people; they hold no key.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("{provider} doesn't know the symbol {ticker}; check its spelling (RELIANCE.BSE for an Indian share)")]
    UnknownSymbol { provider: &'static str, ticker: String },
    #[error("{provider}'s {per_day} are used up; next try {}", moment(*until))]
    BudgetSpent { provider: &'static str, per_day: String, until: Millis },
    #[error("{provider} asks for fewer requests at a time")]
    TooFast { provider: &'static str, wait: Duration },
    #[error("{provider} offers {what} only to premium keys")]
    Premium { provider: &'static str, what: &'static str },
    #[error("{provider} refuses the key: {why}")]
    BadKey { provider: &'static str, why: &'static str },
    #[error("{provider} answered with the error {status}")]
    Status { provider: &'static str, status: u16, retry_after: Option<Duration> },
    #[error("{provider} asks to be left alone; next try {}", moment(*until))]
    Blocked { provider: &'static str, until: Millis },
    #[error("{provider} refused with the error {status}; it may block this address: a proxy in NSE_PROXY may help")]
    Refused { provider: &'static str, status: u16 },
    #[error("{provider} didn't answer within {} seconds", .after.as_secs())]
    Timeout { provider: &'static str, after: Duration },
    #[error("{provider} can't be reached: {why}")]
    Unreachable { provider: &'static str, why: String },
    #[error("{provider} sent {what}")]
    Malformed { provider: &'static str, what: String },
    #[error("the file can't be used: {what}")]
    BadFile { what: String },
    #[error("no key for {provider} is set: set {setting}")]
    NotConfigured { provider: &'static str, setting: &'static str },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to do after a provider's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Try again, not before the provider's own wait if it named one.
    Retry { after: Option<Duration> },
    /// Try again at that moment; nothing has gone wrong.
    Postpone { until: Millis },
    /// It will fail the same way every time.
    GiveUp,
}

impl ProviderError {
    /// The kind of error, as metrics and traces call it.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::UnknownSymbol { .. } => "unknown_symbol",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::TooFast { .. } => "too_fast",
            Self::Premium { .. } => "premium",
            Self::BadKey { .. } => "bad_key",
            Self::Status { .. } => "status",
            Self::Blocked { .. } => "blocked",
            Self::Refused { .. } => "refused",
            Self::Timeout { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::Malformed { .. } | Self::BadFile { .. } => "malformed",
            Self::NotConfigured { .. } => "not_configured",
            Self::Store(_) => "database",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::UnknownSymbol { .. }
            | Self::Premium { .. }
            | Self::BadKey { .. }
            | Self::BadFile { .. }
            | Self::NotConfigured { .. } => Advice::GiveUp,
            Self::BudgetSpent { until, .. } | Self::Blocked { until, .. } => Advice::Postpone { until: *until },
            Self::TooFast { wait, .. } => Advice::Retry { after: Some(*wait) },
            Self::Status { status, retry_after, .. } => match status {
                408 | 425 | 429 | 500..=599 => Advice::Retry { after: *retry_after },
                _ => Advice::GiveUp,
            },
            Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::Store(_) => Advice::Retry { after: None },
        }
    }
}

/// `2026-11-22 00:00 UTC`.
#[must_use]
pub fn moment(at: Millis) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}
