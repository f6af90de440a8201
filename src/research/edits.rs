//! What people do to stored research: name it, delete it.

use crate::app::App;
use crate::market::text::clean;
use crate::request::RequestError;
use crate::store::entity::{backtest, sweep};

const LONGEST_NAME: usize = 100;

/// A name as it is kept: one line without blanks at its ends; none if nothing is left.
fn tidied(name: Option<String>) -> Result<Option<String>, RequestError> {
    let name = name.map(|name| clean(&name)).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(RequestError::invalid("name", format!("a name has at most {LONGEST_NAME} characters")));
    }
    Ok(name)
}

fn missing(what: &str) -> RequestError {
    RequestError::NotFound { field: "id".into(), what: format!("{what} with this id") }
}

/// Names a backtest, or takes its name away.
///
/// # Errors
/// When the name is too long, or there is no such backtest.
pub async fn name_backtest(app: &App, id: i64, name: Option<String>) -> Result<backtest::Model, RequestError> {
    app.store.backtests().rename(id, tidied(name)?).await?.ok_or_else(|| missing("backtest"))
}

/// Names a sweep, or takes its name away.
///
/// # Errors
/// When the name is too long, or there is no such sweep.
pub async fn name_sweep(app: &App, id: i64, name: Option<String>) -> Result<sweep::Model, RequestError> {
    app.store.sweeps().rename(id, tidied(name)?).await?.ok_or_else(|| missing("sweep"))
}

/// Deletes a backtest.
///
/// # Errors
/// When there is no such backtest.
pub async fn delete_backtest(app: &App, id: i64) -> Result<(), RequestError> {
    if app.store.backtests().delete(id).await? { Ok(()) } else { Err(missing("backtest")) }
}

/// Deletes a sweep.
///
/// # Errors
/// When there is no such sweep.
pub async fn delete_sweep(app: &App, id: i64) -> Result<(), RequestError> {
    if app.store.sweeps().delete(id).await? { Ok(()) } else { Err(missing("sweep")) }
}

/// Deletes a prediction.
///
/// # Errors
/// When there is no such prediction.
pub async fn delete_prediction(app: &App, id: i64) -> Result<(), RequestError> {
    if app.store.predictions().delete(id).await? { Ok(()) } else { Err(missing("prediction")) }
}
