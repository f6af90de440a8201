//! A job's progress, written no more often than a person can read.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::store::Store;

/// The least time between two updates.
const INTERVAL: Duration = Duration::from_millis(200);

/// Where a running job tells how far it is.
pub struct Progress {
    store: Store,
    job_id: i64,
    worker: String,
    last: Mutex<Option<Instant>>,
}

impl Progress {
    pub(super) fn new(store: Store, job_id: i64, worker: String) -> Self {
        Self { store, job_id, worker, last: Mutex::new(None) }
    }

    /// The job that this is about.
    #[must_use]
    pub fn job_id(&self) -> i64 {
        self.job_id
    }

    /// Says what is going on. The first and the last update always go out, others may be passed over.
    pub async fn tell(&self, done: u32, total: Option<u32>, message: &str) {
        let due = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due = total == Some(done) || last.is_none_or(|at| at.elapsed() >= INTERVAL);
            if due {
                *last = Some(Instant::now());
            }
            due
        };
        if !due {
            return;
        }
        let written = self.store.jobs().progress(self.job_id, &self.worker, done, total, Some(message)).await;
        if let Err(error) = written {
            tracing::warn!(%error, job = self.job_id, "the job's progress was not recorded");
        }
    }
}
