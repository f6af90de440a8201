//! What can go wrong while a model forecasts.

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the model {0} answered with something that can't be a log return")]
    NotFinite(String),
    #[error("the model {name} failed: {source}")]
    Onnx { name: String, source: ort::Error },
    #[error("the model {name} answered with {found} numbers for {rows} rows, not with {rows} × {expected}")]
    Shape { name: String, found: usize, rows: usize, expected: usize },
    #[error("this history is too short: {have} bars, and {needed} are needed")]
    TooShort { have: usize, needed: usize },
}
