//! Predictions: make one, delete one.

use async_recursion::async_recursion as boxed;

use super::Caller;
use super::research::missing;
use crate::app::App;
use crate::request::RequestError;
use crate::research::{self, PredictRequest};
use crate::store::Role;
use crate::store::entity::prediction;

/// Forecasts a symbol's next trading days and keeps the forecast.
///
/// # Errors
/// When the caller may not, an input can't be what it is, the symbol isn't followed, or there are too few bars.
#[boxed]
pub async fn make(app: &App, caller: &Caller, request: PredictRequest) -> Result<prediction::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    research::predict(app, request).await
}

/// Deletes a prediction.
///
/// # Errors
/// When the caller may not, or there is no such prediction.
#[boxed]
pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<(), RequestError> {
    caller.must_be(Role::Operator)?;
    if app.store.predictions().delete(id).await? { Ok(()) } else { Err(missing("prediction")) }
}
