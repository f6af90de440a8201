//! Batches of rows on their way from the database to a file.

use polars::prelude::{DataFrame, PolarsError};
use tokio::sync::mpsc;

use crate::request::RequestError;
use crate::store::StoreError;

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("what is stored can't be read: {0}")]
    Corrupt(String),
    #[error("the table can't be written: {0}")]
    Encode(#[from] PolarsError),
    #[error("the table can't be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the export was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("nobody reads on")]
    Gone,
}

/// Rows that become a frame off the async threads.
pub(super) type Batch = Box<dyn FnOnce() -> Result<DataFrame, ExportError> + Send>;
pub(super) type Sender = mpsc::Sender<Result<Batch, ExportError>>;

pub(super) async fn send(
    sender: &Sender,
    batch: impl FnOnce() -> Result<DataFrame, ExportError> + Send + 'static,
) -> Result<(), ExportError> {
    sender.send(Ok(Box::new(batch))).await.map_err(|_| ExportError::Gone)
}
