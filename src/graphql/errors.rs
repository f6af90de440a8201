//! The one place where errors become GraphQL's.

use async_graphql::{Enum, Error, ErrorExtensions, SimpleObject};

use super::codes::Code;
use super::guard::denied;
use crate::market::text::capitalised;
use crate::request::RequestError;
use crate::store::{Orphaned, StorageFull, StoreError, TooLong, Unreachable};
use crate::telemetry::metrics;

/// What kind of mistake it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// A value can't be what it is.
    Invalid,
    /// What was named isn't there.
    NotFound,
    /// What was to be made is there already.
    AlreadyExists,
    /// It doesn't fit the present state; asking again later may work.
    Conflict,
    /// There are too few prices.
    InsufficientData,
    /// A bound on size or number was passed.
    LimitExceeded,
    /// The source of data doesn't answer.
    ProviderUnavailable,
    /// A setting is missing on the server.
    NotConfigured,
}

/// A mistake that the caller can put right. Nothing was changed.
#[derive(Debug, Clone, SimpleObject)]
pub struct UserError {
    /// What kind of mistake it is, for programs.
    pub code: UserErrorCode,
    /// A sentence for a person, saying what to do.
    pub message: String,
    /// The path of the input field that is wrong.
    pub field: Option<Vec<String>>,
}

/// What a mutation does with a request's outcome: a mistake becomes a `userError`, a fault a GraphQL error.
pub fn sort_out<T>(outcome: Result<T, RequestError>) -> Result<Result<T, Vec<UserError>>, Error> {
    let error = match outcome {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    let message = capitalised(&error.to_string());
    let (code, field) = match &error {
        RequestError::Invalid { field, .. } => (UserErrorCode::Invalid, Some(field)),
        RequestError::NotFound { field, .. } => (UserErrorCode::NotFound, Some(field)),
        RequestError::AlreadyExists { field, .. } => (UserErrorCode::AlreadyExists, Some(field)),
        RequestError::Conflict(_) => (UserErrorCode::Conflict, None),
        RequestError::InsufficientData { field, .. } => (UserErrorCode::InsufficientData, Some(field)),
        RequestError::LimitExceeded { field, .. } => (UserErrorCode::LimitExceeded, Some(field)),
        RequestError::NotConfigured(_) => (UserErrorCode::NotConfigured, None),
        RequestError::Denied { role, needed } => return Err(denied(*role, *needed)),
        RequestError::Store(StoreError::Orphaned(_)) => (UserErrorCode::NotFound, None),
        RequestError::Store(_)
        | RequestError::Serialise(_)
        | RequestError::Encode(_)
        | RequestError::Interrupted(_) => return Err(internal(&error)),
    };
    let field = field.map(|path| path.split('.').map(str::to_owned).collect());
    Ok(Err(vec![UserError { code, message, field }]))
}

/// A mutation's payload, by what an action answers with: its fields from the value, or what is wrong with the input.
macro_rules! payload {
    ($payload:ident, $done:expr, $value:pat => { $($field:ident: $content:expr),+ }) => {
        match $crate::graphql::errors::sort_out($done)? {
            Ok($value) => $payload { $($field: $content,)+ user_errors: Vec::new() },
            Err(user_errors) => $payload { $($field: Default::default(),)+ user_errors },
        }
    };
}
pub(super) use payload;

/// A fault of the service: the caller gets an id, the log the cause.
pub fn internal(error: &(dyn std::error::Error + 'static)) -> Error {
    if StorageFull::caused(error) {
        return storage_full();
    }
    if TooLong::caused(error) {
        let message = "The database worked on this for too long; ask for less at a time";
        return Code::Timeout.error(message);
    }
    if Orphaned::caused(error) {
        return Code::BadUserInput.error("What this belongs to was removed meanwhile; look at what there is now");
    }
    if Unreachable::caused(error) {
        tracing::warn!(%error, "a request found no database");
        return Code::Overloaded.error("The database does not answer; try again shortly");
    }
    let id = ulid::Ulid::new().to_string();
    tracing::error!(%error, %id, "a request failed");
    Error::new(format!("The service failed; the log tells more under {id}")).extend_with(|_, extensions| {
        extensions.set("code", Code::Internal.name());
        extensions.set("id", id.as_str());
    })
}

/// The one fault that whoever runs the service can put right at once.
fn storage_full() -> Error {
    let message = "The database's disk is full, so nothing was stored; free some space there, then try again";
    Code::StorageFull.error(message)
}

/// A follower that fell behind, or whose changes were lost on their way.
pub fn lagged() -> Error {
    metrics::event_lag();
    let message = "Some changes could not be delivered in time; read the present state, then subscribe again";
    Code::Lagged.error(message)
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self(internal(&error))
    }
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Denied { role, needed } => Self(denied(role, needed)),
            other => Self(internal(&other)),
        }
    }
}

/// Lets `?` turn an error that is no mistake in the input into a GraphQL error.
pub struct Fault(Error);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

/// Something that must be there isn't.
pub fn missing(what: &'static str) -> Error {
    internal(&std::io::Error::new(std::io::ErrorKind::NotFound, what))
}

/// A malformed request.
pub fn bad_input(message: impl Into<String>) -> Error {
    Code::BadUserInput.error(message)
}
