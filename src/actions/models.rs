//! Models: train one, choose the default, rename one, delete one.

use async_recursion::async_recursion as boxed;

use super::jobs::record_one;
use super::symbols::named;
use super::{Caller, LONGEST_NAME};
use crate::app::App;
use crate::forecast::Stage;
use crate::jobs::{Job, TrainModel};
use crate::market::text::clean;
use crate::registry::NoModel;
use crate::request::RequestError;
use crate::research::{Trained, check_length, train_model};
use crate::store::Role;
use crate::store::entity::{job, symbol};

/// Symbols that a model is trained on at most.
const MOST_TRAINED_ON: usize = 200;
/// Symbols with fewer bars are left out where nobody names them.
const FEWEST_BARS: i32 = 250;

/// Queues the training of a model on these symbols; the same training under way answers with that one.
///
/// # Errors
/// When the caller may not, the name is empty or too long, a ticker isn't known, or there are too many bars.
#[boxed]
pub async fn train(app: &App, caller: &Caller, name: &str, tickers: &[String]) -> Result<job::Model, RequestError> {
    caller.must_be(Role::Operator)?;
    let name = checked_name(name)?;
    if tickers.is_empty() || tickers.len() > MOST_TRAINED_ON {
        return Err(RequestError::invalid("tickers", format!("a model is trained on 1 to {MOST_TRAINED_ON} symbols")));
    }
    let symbols = named(app, tickers).await?;
    check_length(&symbols)?;
    let symbol_ids = in_order(symbols).iter().map(|symbol| symbol.id).collect();
    record_one(app, TrainModel { name, symbol_ids }.record(None)?).await
}

/// Trains a model at once, without the queue: on these symbols, or on all that have bars enough.
///
/// # Errors
/// When the caller may not, the name is empty or too long, a ticker isn't known, or there's too little to fit.
pub async fn train_at_once(
    app: &App,
    caller: &Caller,
    name: &str,
    tickers: &[String],
    go_on: impl FnMut(Stage) -> bool + Send + 'static,
) -> Result<Trained, RequestError> {
    caller.must_be(Role::Operator)?;
    let name = checked_name(name)?;
    let mut symbols = named(app, tickers).await?;
    if tickers.is_empty() {
        symbols = app.store.symbols().all().await?;
        symbols.retain(|symbol| symbol.bar_count >= FEWEST_BARS);
    }
    if symbols.is_empty() {
        let message = format!("no symbol has {FEWEST_BARS} bars to train on; import some first");
        return Err(RequestError::InsufficientData { field: "tickers".into(), message });
    }
    train_model(app, name, &in_order(symbols), go_on).await
}

/// The order must not matter: the same symbols make the same model.
fn in_order(mut symbols: Vec<symbol::Model>) -> Vec<symbol::Model> {
    symbols.sort_by(|a, b| a.ticker.cmp(&b.ticker));
    symbols
}

fn checked_name(name: &str) -> Result<String, RequestError> {
    let name = clean(name);
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(RequestError::invalid("name", format!("a model's name has 1 to {LONGEST_NAME} characters")));
    }
    Ok(name)
}

async fn check_trained_here(app: &App, key: &str) -> Result<(), RequestError> {
    if app.models.is_trained_here(key).await? {
        return Ok(());
    }
    if app.models.find(Some(key)).await?.is_ok() {
        return Err(RequestError::invalid(
            "id",
            "this model ships with the service or is a file; only trained ones change",
        ));
    }
    Err(no_such_model())
}

fn no_such_model() -> RequestError {
    RequestError::NotFound { field: "id".into(), what: "model with this id; models lists them".to_owned() }
}

/// Chooses the model that is used where nobody names one.
///
/// # Errors
/// When the caller may not, there is no such model, or it can't be used.
#[boxed]
pub async fn choose_default(app: &App, caller: &Caller, key: &str) -> Result<(), RequestError> {
    caller.must_be(Role::Admin)?;
    match app.models.find(Some(key)).await? {
        Ok(model) => Ok(app.store.models().choose(&model.key).await?),
        Err(NoModel::Unknown) => Err(no_such_model()),
        Err(NoModel::Unusable(reason)) => Err(RequestError::invalid("id", reason)),
    }
}

/// Gives a model that was trained here another name. Predictions keep the name of their time.
///
/// # Errors
/// When the caller may not, the name is empty or too long, or no such model was trained here.
#[boxed]
pub async fn rename(app: &App, caller: &Caller, key: &str, name: &str) -> Result<(), RequestError> {
    caller.must_be(Role::Operator)?;
    let name = checked_name(name)?;
    check_trained_here(app, key).await?;
    if app.store.models().rename(key, &name).await? { Ok(()) } else { Err(no_such_model()) }
}

/// Deletes a model that was trained here. Predictions that it made stay, and still say what it was.
///
/// # Errors
/// When the caller may not, no such model was trained here, or it's the default.
#[boxed]
pub async fn delete(app: &App, caller: &Caller, key: &str) -> Result<(), RequestError> {
    caller.must_be(Role::Operator)?;
    check_trained_here(app, key).await?;
    if app.store.models().delete(key).await? {
        return Ok(());
    }
    if app.models.is_trained_here(key).await? {
        return Err(RequestError::Conflict("this model is the default: choose another one first".to_owned()));
    }
    Err(no_such_model())
}
