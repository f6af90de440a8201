//! What a job is: its payload, the keys that keep it from being recorded twice or running beside another, and its record.
//! What asks for work records one; `workers` has what runs it.

use serde::{Deserialize, Serialize};

use crate::ingest;
use crate::market::{DataSource, DateOrder, Day, Exchange};
use crate::research::SweepRequest;
use crate::store::{JobKind, NewJob};

/// Something a worker does; the struct is the payload.
pub trait Job: Serialize {
    const KIND: JobKind;

    /// The symbol it's about.
    fn symbol_id(&self) -> Option<i64> {
        None
    }

    /// While a job with this key waits or runs, asking again answers with that one.
    fn dedupe_key(&self) -> String;

    /// Jobs with the same key never overlap.
    fn exclusive_key(&self) -> Option<String> {
        None
    }

    /// The record to be stored.
    ///
    /// # Errors
    /// When the payload can't be written down.
    fn record(&self, idempotency_key: Option<String>) -> Result<NewJob, serde_json::Error> {
        Ok(NewJob {
            kind: Self::KIND,
            symbol_id: self.symbol_id(),
            payload: serde_json::to_string(self)?,
            dedupe_key: self.dedupe_key(),
            exclusive_key: self.exclusive_key(),
            idempotency_key,
        })
    }
}

/// Brings one symbol's bars up to date with its provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshSymbol {
    pub symbol_id: i64,
    /// Fetch the whole history even where the newest bars would do.
    pub full: bool,
    /// Whether it was asked for while a lesser refresh of the symbol was running: it waits for that one's end.
    #[serde(default)]
    pub follow_up: bool,
}

impl Job for RefreshSymbol {
    const KIND: JobKind = JobKind::RefreshSymbol;

    fn symbol_id(&self) -> Option<i64> {
        Some(self.symbol_id)
    }

    fn dedupe_key(&self) -> String {
        format!("refresh:{}{}", self.symbol_id, if self.follow_up { ":full" } else { "" })
    }

    /// Two writers of one symbol's bars never overlap.
    fn exclusive_key(&self) -> Option<String> {
        Some(format!("prices:{}", self.symbol_id))
    }
}

/// Reads an uploaded CSV file of one symbol's prices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportPrices {
    pub symbol_id: i64,
    /// Tells one upload from the next: two files are two jobs.
    pub upload: String,
    /// Which number of a date comes first, where a person said so.
    #[serde(default)]
    pub date_order: Option<DateOrder>,
    /// The day of a file whose rows don't tell it.
    #[serde(default)]
    pub day: Option<Day>,
}

impl Job for ImportPrices {
    const KIND: JobKind = JobKind::ImportPrices;

    fn symbol_id(&self) -> Option<i64> {
        Some(self.symbol_id)
    }

    fn dedupe_key(&self) -> String {
        format!("import:{}", self.upload)
    }

    /// Two writers of one symbol's bars never overlap.
    fn exclusive_key(&self) -> Option<String> {
        Some(format!("prices:{}", self.symbol_id))
    }
}

/// Brings the issues of one source up to date.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshIpos {
    pub source: DataSource,
}

impl Job for RefreshIpos {
    const KIND: JobKind = JobKind::RefreshIpos;

    fn dedupe_key(&self) -> String {
        ingest::ipo_scope(self.source)
    }

    /// Two writers of one source's issues never overlap.
    fn exclusive_key(&self) -> Option<String> {
        Some(ingest::ipo_scope(self.source))
    }
}

/// Fetches an exchange's daily files of one month.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshMarket {
    pub exchange: Exchange,
    pub from: Day,
    pub to: Day,
    /// Whether days that are stored, or had no session, are asked for, too.
    #[serde(default)]
    pub again: bool,
}

impl Job for RefreshMarket {
    const KIND: JobKind = JobKind::RefreshMarket;

    fn dedupe_key(&self) -> String {
        let again = if self.again { ":again" } else { "" };
        format!("market:{:?}:{}:{}{again}", self.exchange, self.from, self.to)
    }
}

/// Runs a sweep that is too large to be answered at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepBacktests {
    pub symbol_id: i64,
    pub request: SweepRequest,
}

impl Job for SweepBacktests {
    const KIND: JobKind = JobKind::Sweep;

    fn symbol_id(&self) -> Option<i64> {
        Some(self.symbol_id)
    }

    /// The same sweep asked for again is the same job.
    fn dedupe_key(&self) -> String {
        let request = serde_json::to_string(&self.request).unwrap_or_default();
        format!("sweep:{}:{request}", self.symbol_id)
    }
}

/// Trains a model on stored symbols.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainModel {
    pub name: String,
    pub symbol_ids: Vec<i64>,
}

impl Job for TrainModel {
    const KIND: JobKind = JobKind::TrainModel;

    /// The same model asked for again is the same job.
    fn dedupe_key(&self) -> String {
        format!("train:{:?}:{}", self.symbol_ids, self.name)
    }

    /// One training keeps a processor busy; two would only share it.
    fn exclusive_key(&self) -> Option<String> {
        Some("train".to_owned())
    }
}
