//! Events of changes, as subscribers get them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entity::{ipo, job, symbol};

/// Something that subscribers may want to know of. It names what changed; readers load the present state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Job(i64),
    Ipo {
        id: i64,
        is_new: bool,
        /// What a replica of an elder version sends has none.
        #[serde(default)]
        is_deleted: bool,
    },
    /// Events may have been lost.
    Resync,
}

impl Event {
    #[must_use]
    pub fn ipo_added(id: i64) -> Self {
        Self::Ipo { id, is_new: true, is_deleted: false }
    }

    #[must_use]
    pub fn ipo_changed(id: i64) -> Self {
        Self::Ipo { id, is_new: false, is_deleted: false }
    }

    #[must_use]
    pub fn ipo_deleted(id: i64) -> Self {
        Self::Ipo { id, is_new: false, is_deleted: true }
    }
}

/// A row that changed, as it stands now.
#[derive(Debug, Clone)]
pub enum Update {
    Job(Arc<JobUpdate>),
    Ipo(Arc<IpoUpdate>),
    /// Changes of jobs were missed that can't be found again.
    MissedJobs,
    /// Changes of IPOs were missed that can't be found again.
    MissedIpos,
}

/// A job that changed.
#[derive(Debug)]
pub struct JobUpdate {
    pub job: job::Model,
    /// Its symbol, once it has succeeded.
    pub symbol: Option<Arc<symbol::Model>>,
}

/// How an IPO changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum ChangeKind {
    /// It was not known before.
    Created,
    /// One of its fields has another value now.
    Updated,
    /// It was deleted.
    Deleted,
}

/// An IPO that changed. One that was deleted is as it was before.
#[derive(Debug)]
pub struct IpoUpdate {
    pub ipo: Arc<ipo::Model>,
    pub change: ChangeKind,
}
