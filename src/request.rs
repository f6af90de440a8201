//! Why a request is turned down, and the checks that many requests share.

use std::borrow::Cow;
use std::convert::Infallible;

use crate::app::App;
use crate::backtest::{BacktestError, InvalidField};
use crate::market::ticker::normalise;
use crate::providers::ProviderError;
use crate::store::entity::symbol;
use crate::store::{MaybeStoreError, Role, StoreError};

/// Why a request was turned down; nothing has changed then. The messages tell a person what to do. A field is the
/// dotted path of the input that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("{message}")]
    Invalid { field: Cow<'static, str>, message: String },
    #[error("there is no {what}")]
    NotFound { field: Cow<'static, str>, what: String },
    #[error("{what} is there already")]
    AlreadyExists { field: Cow<'static, str>, what: String },
    #[error("{0}")]
    Conflict(String),
    #[error("this needs a token of the role {}", .needed.name())]
    Denied { role: Role, needed: Role },
    #[error("{message}")]
    LimitExceeded { field: Cow<'static, str>, message: String },
    #[error("{message}")]
    InsufficientData { field: Cow<'static, str>, message: String },
    #[error(transparent)]
    NotConfigured(ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the job can't be written down: {0}")]
    Serialise(#[from] serde_json::Error),
    #[error("what was computed can't be written down: {0}")]
    Encode(#[from] postcard::Error),
    #[error("the calculation was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl RequestError {
    /// An input that can't be what it is.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }
}

impl From<Infallible> for RequestError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl MaybeStoreError for RequestError {
    fn store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}

impl From<InvalidField> for RequestError {
    fn from(fault: InvalidField) -> Self {
        Self::Invalid { field: fault.field.into(), message: fault.message }
    }
}

impl From<BacktestError> for RequestError {
    fn from(error: BacktestError) -> Self {
        match error {
            BacktestError::Invalid(fault) => fault.into(),
            BacktestError::TooFewBars { .. } => {
                Self::InsufficientData { field: "ticker".into(), message: error.to_string() }
            }
        }
    }
}

/// A ticker as the provider spells it, [`normalise`]d.
///
/// # Errors
/// When it can't be one.
pub fn normalise_ticker(text: &str) -> Result<String, RequestError> {
    normalise(text).map_err(|message| RequestError::invalid("ticker", message))
}

/// The symbol with this ticker.
///
/// # Errors
/// When the ticker is malformed or not followed.
pub async fn find_symbol(app: &App, ticker: &str) -> Result<symbol::Model, RequestError> {
    let ticker = normalise_ticker(ticker)?;
    let found = app.store.identities().find(&ticker).await?;
    found.ok_or_else(|| RequestError::NotFound {
        field: "ticker".into(),
        what: format!("symbol {ticker}; add it first"),
    })
}
