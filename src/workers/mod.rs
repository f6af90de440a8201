//! What runs jobs, one file a kind: delivered by the queue, claimed, run, and recorded as ended.
//!
//! The record is the truth and doubles as an outbox: a mutation commits it, and the dispatcher of any worker passes
//! it on to the queue. Whatever the queue loses is passed on again; whatever a dead worker held is taken back once
//! its lease runs out. Delivering a job twice is harmless, as only one claim of it succeeds.

mod import_prices;
mod market_lists;
mod progress;
mod refresh_ipos;
mod refresh_market;
mod refresh_symbol;
mod runner;
mod schedule;
mod sweep_backtests;
mod train_model;
mod worker;

use crate::ingest::IngestError;
use crate::providers::{Advice, ProviderError};
use crate::request::RequestError;
use crate::store::{RecordCounts, StoreError};

pub use progress::Progress;
pub use schedule::{forget_due, run_due};
pub use worker::{run as run_worker, setup as setup_queue};

/// What a job did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// In a person's words.
    pub message: String,
    /// In records, where it's about records.
    pub outcome: Option<RecordCounts>,
}

impl From<RecordCounts> for Done {
    fn from(outcome: RecordCounts) -> Self {
        let RecordCounts { added, changed, unchanged, flagged } = outcome;
        let left_out = if flagged > 0 { format!(", {flagged} flagged and left out") } else { String::new() };
        let message = format!("{added} added, {changed} changed, {unchanged} unchanged{left_out}");
        Self { message, outcome: Some(outcome) }
    }
}

impl Done {
    /// With what else a person should know, a sentence each.
    #[must_use]
    pub fn noting<'a>(mut self, notes: impl IntoIterator<Item = &'a String>) -> Self {
        for note in notes {
            self.message.push_str("; ");
            self.message.push_str(note);
        }
        self
    }
}

/// Why a job did not get done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Pointless(String),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the job's description can't be read: {0}")]
    Payload(#[from] serde_json::Error),
}

impl JobError {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Ingest(IngestError::Provider(error)) | Self::Provider(error) => error.advice(),
            Self::Ingest(IngestError::SymbolGone(_) | IngestError::NothingUsable(_))
            | Self::Pointless(_)
            | Self::Payload(_) => Advice::GiveUp,
            Self::Ingest(_) | Self::Store(_) | Self::Request(RequestError::Store(_) | RequestError::Interrupted(_)) => {
                Advice::Retry { after: None }
            }
            Self::Request(_) => Advice::GiveUp,
        }
    }
}
