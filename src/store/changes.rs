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
    },
    /// Events may have been lost.
    Resync,
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

/// An IPO that was added or changed.
#[derive(Debug)]
pub struct IpoUpdate {
    pub ipo: Arc<ipo::Model>,
    pub is_new: bool,
}
