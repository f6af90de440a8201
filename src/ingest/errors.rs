//! Why something did not come in.

use crate::providers::ProviderError;
use crate::store::{MaybeStoreError, StoreError};

/// Why a batch did not go in. Nothing of it is stored then.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} has been removed")]
    SymbolGone(String),
    #[error("{0}")]
    NothingUsable(String),
    #[error("the calculation was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl MaybeStoreError for IngestError {
    fn store_error(&self) -> Option<&StoreError> {
        if let Self::Store(error) = self { Some(error) } else { None }
    }
}
