//! What an operation may use while it runs. The cost that was counted before is an estimate from the text; this is
//! spent as values are made, so that an estimate that is wrong still ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use async_graphql::{Pos, ServerError};
use tokio::sync::{Mutex, OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::backtest::Sweep;
use crate::graphql::codes::Code;

/// Values of columns that one operation may answer with.
pub const MOST_CELLS: u64 = 3_000_000;
/// Combinations of sweeps that one operation may have in memory.
pub const MOST_COMBINATIONS: u64 = 2_000_000;
/// From here on an operation waits for a permit of the lane of large ones.
pub const LARGE_CELLS: u64 = 60_000;
/// From this cost on as well.
pub const LARGE_COST: u64 = 6_000;
/// Bytes of an answer as JSON.
pub const LARGEST_ANSWER: usize = 32 << 20;

/// Lets few large operations run at a time, so that others find a processor and memory free.
#[derive(Clone)]
pub struct Lane(Arc<Semaphore>);

impl Default for Lane {
    fn default() -> Self {
        // All but one of the processors, and at least one.
        let permits = std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1));
        Self(Arc::new(Semaphore::new(permits)))
    }
}

/// One operation's account.
#[derive(Clone)]
pub struct Budget(Arc<Account>);

struct Account {
    cells: AtomicU64,
    lane: Lane,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    sweeps: std::sync::Mutex<Sweeps>,
}

/// The results of a sweep once they are decoded.
pub type SweepCell = Arc<OnceCell<Arc<Sweep>>>;

#[derive(Default)]
struct Sweeps {
    combinations: u64,
    cells: HashMap<i64, SweepCell>,
}

impl Budget {
    #[must_use]
    pub fn new(lane: Lane) -> Self {
        Self(Arc::new(Account {
            cells: AtomicU64::new(0),
            lane,
            permit: Mutex::new(None),
            sweeps: std::sync::Mutex::default(),
        }))
    }

    /// Waits for a permit of the lane, and keeps it to the operation's end.
    pub async fn acquire_permit(&self) {
        let mut permit = self.0.permit.lock().await;
        if permit.is_none() {
            // It is never closed; without a permit the operation goes on all the same.
            *permit = self.0.lane.0.clone().acquire_owned().await.ok();
        }
    }

    /// Begins anew after an event of a subscription, whose permit would else last as long as its stream.
    pub fn renew(&self) {
        self.0.cells.store(0, Ordering::Relaxed);
        *self.0.sweeps.lock().unwrap_or_else(PoisonError::into_inner) = Sweeps::default();
        if let Ok(mut permit) = self.0.permit.try_lock() {
            *permit = None;
        }
    }

    /// Where the results of a sweep go: whatever asks for them, an operation decodes them once. None when it would have
    /// more in memory than one may.
    pub async fn sweep(&self, id: i64, combinations: u64) -> Option<SweepCell> {
        if combinations > LARGE_CELLS {
            self.acquire_permit().await;
        }
        let mut sweeps = self.0.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = sweeps.cells.get(&id) {
            return Some(cell.clone());
        }
        let all = sweeps.combinations.saturating_add(combinations);
        if all > MOST_COMBINATIONS {
            return None;
        }
        sweeps.combinations = all;
        Some(sweeps.cells.entry(id).or_default().clone())
    }

    /// Spends cells before they are made.
    ///
    /// # Errors
    /// When the operation has had what one may have.
    pub async fn spend(&self, cells: usize, at: Pos) -> Result<(), ServerError> {
        let spent = self.0.cells.fetch_add(cells as u64, Ordering::Relaxed).saturating_add(cells as u64);
        if spent > MOST_CELLS {
            return Err(too_large(at));
        }
        if spent > LARGE_CELLS {
            self.acquire_permit().await;
        }
        // Columns are made without a wait in between; others get the thread here.
        tokio::task::yield_now().await;
        Ok(())
    }
}

fn too_large(at: Pos) -> ServerError {
    let message = format!(
        "The answer would hold more than {MOST_CELLS} values: ask for fewer columns or a shorter range at a time"
    );
    Code::AnswerTooLarge.at(at, message)
}
