//! A job's progress, written no more often than a person can read.

use std::convert::Infallible;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_recursion::async_recursion as boxed;

use crate::store::Store;

/// The least time between two updates.
const INTERVAL: Duration = Duration::from_millis(200);
/// The same for a job of many writes: each is one more that makes known answers out of date.
const SELDOM: Duration = Duration::from_secs(1);
/// How often a job that computes says how far it is.
const TELL: Duration = Duration::from_millis(250);

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
    #[boxed]
    pub async fn tell(&self, done: u32, total: Option<u32>, message: &str) {
        self.tell_after(INTERVAL, done, total, message).await;
    }

    /// The same, more seldom.
    #[boxed]
    pub(super) async fn tell_seldom(&self, done: u32, total: Option<u32>, message: &str) {
        self.tell_after(SELDOM, done, total, message).await;
    }

    async fn tell_after(&self, interval: Duration, done: u32, total: Option<u32>, message: &str) {
        let due = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due = total == Some(done) || last.is_none_or(|at| at.elapsed() >= interval);
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

    /// Does work and says every now and then how far it is. Both go on at once: while the telling waits for a connection,
    /// the work may be the one that has it.
    pub async fn during<T>(
        &self,
        work: impl Future<Output = T>,
        total: u32,
        message: &str,
        done: impl Fn() -> u32,
    ) -> T {
        tokio::select! {
            ended = work => ended,
            never = self.keep_telling(total, message, done) => match never {},
        }
    }

    async fn keep_telling(&self, total: u32, message: &str, done: impl Fn() -> u32) -> Infallible {
        loop {
            tokio::time::sleep(TELL).await;
            self.tell(done(), Some(total), message).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The work keeps the only connection that writes for longer than it takes until the first telling.
    #[tokio::test]
    async fn work_that_holds_the_connection_goes_on_while_it_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::connect(&format!("sqlite://{}/a.db", folder.path().display())).await.expect("connects");
        store.migrate().await.expect("migrates");
        let progress = Progress::new(store.clone(), 1, "somebody".to_owned());
        let work = async {
            for _ in 0..3 {
                let transaction = store.begin().await.expect("begins");
                tokio::time::sleep(TELL + INTERVAL).await;
                transaction.commit().await.expect("commits");
            }
        };
        let told = progress.during(work, 2, "Working", || 1);
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("the work ends");
        store.close().await;
    }
}
