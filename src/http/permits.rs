//! Permits of what takes long: exports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::Semaphore;

use super::rates::Client;

/// No export lasts longer.
pub(super) const LONGEST_EXPORT: Duration = Duration::from_mins(15);

/// Who writes, and who waits.
#[derive(Clone)]
pub(super) struct Exports {
    pub permits: Arc<Semaphore>,
    /// Each client has one of them at most.
    pub of_client: Cache<Client, Arc<Semaphore>>,
    pub wanting: Arc<AtomicUsize>,
}

impl Default for Exports {
    fn default() -> Self {
        // Half the processors write, the others answer; a slow client needs none.
        let permits = std::thread::available_parallelism().map_or(2, |n| (n.get() / 2).max(2));
        let of_client = Cache::builder().time_to_idle(LONGEST_EXPORT * 2).max_capacity(10_000).build();
        Self { permits: Arc::new(Semaphore::new(permits)), of_client, wanting: Arc::default() }
    }
}

/// One who wants a permit, counted until it's dropped.
pub(super) struct Wanting(Arc<AtomicUsize>);

impl Wanting {
    /// Counts one more, and tells how many there are with it.
    pub(super) fn new(count: &Arc<AtomicUsize>) -> (Self, usize) {
        let before = count.fetch_add(1, Ordering::Relaxed);
        (Self(count.clone()), before + 1)
    }
}

impl Drop for Wanting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
