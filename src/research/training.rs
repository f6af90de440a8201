//! Training a model on stored symbols, and keeping it.

use crate::app::App;
use crate::forecast::{Artifact, Stage, TrainError, Training, train};
use crate::request::RequestError;
use crate::store::entity::symbol;

/// Bars that a model is trained on at most, those of all its symbols: each takes some two hundred bytes meanwhile.
pub const MOST_BARS: i64 = 1_000_000;

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
/// When there's too little to fit or too much, or `go_on` says no.
pub async fn train_model(
    app: &App,
    name: String,
    symbols: &[symbol::Model],
    mut go_on: impl FnMut(Stage) -> bool + Send + 'static,
) -> Result<Trained, RequestError> {
    check_length(symbols)?;
    // Each has much in memory, and would take as long beside another.
    let _alone = app.training.acquire().await.ok();
    let series = app.series.get(symbols).await?;
    let symbols: Vec<_> = series
        .into_iter()
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

/// Checks that symbols have no more bars together than a model is trained on.
///
/// # Errors
/// When they have.
pub fn check_length(symbols: &[symbol::Model]) -> Result<(), RequestError> {
    let bars: i64 = symbols.iter().map(|symbol| i64::from(symbol.bar_count)).sum();
    if bars <= MOST_BARS {
        return Ok(());
    }
    let message = format!("these symbols have {bars} bars, and a model is trained on {MOST_BARS} at most; name fewer");
    Err(RequestError::LimitExceeded { field: "tickers".into(), message })
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
