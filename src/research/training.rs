//! Training a model on stored symbols, and keeping it.

use crate::app::App;
use crate::forecast::{Artifact, Stage, TrainError, Training, train};
use crate::market::text::clean;
use crate::request::RequestError;
use crate::store::entity::symbol;

/// A model that was trained and kept.
#[derive(Debug)]
pub struct Trained {
    pub key: String,
    /// The text of the artifact.
    pub text: String,
    /// In a person's words: how it did.
    pub message: String,
}

/// Fits a model to these symbols' adjusted bars and keeps it; every replica has it from then on.
///
/// # Errors
/// When there's too little to fit, or `go_on` says no.
pub async fn train_model(
    app: &App,
    name: String,
    symbols: &[symbol::Model],
    mut go_on: impl FnMut(Stage) -> bool + Send + 'static,
) -> Result<Trained, RequestError> {
    let series = app.series.get(symbols).await?;
    let symbols: Vec<_> = series
        .iter()
        .map(|(symbol, series)| (symbol.ticker.clone(), series.view(series.usual(), 0..series.raw.len())))
        .collect();
    let training = Training { name, symbols };
    let trained = tokio::task::spawn_blocking(move || train(&training, &mut go_on)).await?;
    let artifact = trained.map_err(|error| match error {
        TrainError::TooShort { .. } | TrainError::TooFew => {
            RequestError::InsufficientData { field: "tickers".into(), message: error.to_string() }
        }
        other => RequestError::Conflict(other.to_string()),
    })?;
    keep(app, &artifact).await
}

async fn keep(app: &App, artifact: &Artifact) -> Result<Trained, RequestError> {
    let text = artifact.to_text()?;
    let (key, _) =
        Artifact::read(&text).map_err(|e| RequestError::Conflict(format!("the model can't be kept: {e}")))?;
    app.store.models().insert(&key, &text, !artifact.lost()).await?;
    let verdict = artifact.card.notes.first().cloned().unwrap_or_default();
    let place = if artifact.lost() { "" } else { " An administrator can choose it as the default." };
    Ok(Trained { key, text, message: format!("{}: {verdict}{place}", artifact.name) })
}

const LONGEST_NAME: usize = 200;

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
/// When there is no such model, or it can't be used.
pub async fn choose_default_model(app: &App, key: &str) -> Result<(), RequestError> {
    match app.models.find(Some(key)).await? {
        Ok(model) => Ok(app.store.models().choose(&model.key).await?),
        Err(reason) if reason.is_empty() => Err(no_such_model()),
        Err(reason) => Err(RequestError::invalid("id", reason)),
    }
}

/// Gives a model that was trained here another name. Predictions keep the name of their time.
///
/// # Errors
/// When the name is empty or too long, or no such model was trained here.
pub async fn rename_model(app: &App, key: &str, name: &str) -> Result<(), RequestError> {
    let name = clean(name);
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(RequestError::invalid("name", format!("a model's name has 1 to {LONGEST_NAME} characters")));
    }
    check_trained_here(app, key).await?;
    if app.store.models().rename(key, &name).await? { Ok(()) } else { Err(no_such_model()) }
}

/// Deletes a model that was trained here. Predictions that it made stay, and still say what it was.
///
/// # Errors
/// When no such model was trained here, or it's the default.
pub async fn delete_model(app: &App, key: &str) -> Result<(), RequestError> {
    check_trained_here(app, key).await?;
    if app.store.models().delete(key).await? {
        return Ok(());
    }
    if app.models.is_trained_here(key).await? {
        return Err(RequestError::Conflict("this model is the default: choose another one first".to_owned()));
    }
    Err(no_such_model())
}
