//! What an operation may use while it runs. The cost that was counted before is an estimate from the text; this is
//! spent as values are made, so that an estimate that is wrong still ends.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use async_graphql::{Error, Pos, ServerError};
use tokio::sync::{Mutex, Notify, OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::app::all_processors_but_one;
use crate::backtest::Sweep;
use crate::graphql::codes::Code;

/// Values of columns that one operation may answer with.
pub const MOST_CELLS: u64 = 3_000_000;
/// Bars of symbols that one operation may have read, each symbol's counted once: they come at some hundred thousand a second.
pub const MOST_BARS_READ: u64 = 300_000;
/// Bars that one operation may go through, those of a symbol or a run counted each time that they are asked for.
pub const MOST_BARS: u64 = 10_000_000;
/// From here on an operation waits for a permit of the lane of large ones.
const LARGE_BARS: u64 = 20_000;
/// Bars that a large operation has in memory at a time; what asks for more waits for what is answered before it.
const BARS_OF_LARGE: u32 = 200_000;
/// The same for all others together.
const BARS_OF_OTHERS: u32 = 100_000;
/// Combinations of sweeps that one operation may have in memory.
pub const MOST_COMBINATIONS: u64 = 2_000_000;
/// From here on an operation waits for a permit of the lane of large ones.
pub const LARGE_CELLS: u64 = 60_000;
/// Computing a column takes longer than writing it: among fifty who ask for bands over twenty thousand bars, each keeps a
/// thread for milliseconds.
const LARGE_COMPUTED: u64 = 15_000;
/// From this cost on as well.
pub const LARGE_COST: u64 = 6_000;
/// Values of columns after which others get the thread.
const PIECE: u64 = 4_096;
/// Bytes of an answer as JSON.
pub const LARGEST_ANSWER: usize = 32 << 20;

/// Lets few large operations run at a time, so that others find a processor and memory free.
#[derive(Clone)]
pub struct Lane {
    large: Arc<Semaphore>,
    /// Room for the bars of those that aren't.
    bars: Arc<Semaphore>,
    /// Those that have turned out to be large, and wait with a place among those that run.
    turned: Arc<Semaphore>,
}

/// Half of those that may run: the other half is for those who ask for little.
const MOST_TURNED: usize = 128;

impl Default for Lane {
    fn default() -> Self {
        Self {
            large: Arc::new(Semaphore::new(all_processors_but_one())),
            bars: Arc::new(Semaphore::new(BARS_OF_OTHERS as usize)),
            turned: Arc::new(Semaphore::new(MOST_TURNED)),
        }
    }
}

/// One operation's account.
#[derive(Clone)]
pub struct Budget(Arc<Account>);

struct Account {
    cells: AtomicU64,
    /// Values that were computed for columns, or are about to be.
    computed: AtomicU64,
    lane: Lane,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// Tells fields that wait for room that the operation has got one.
    permitted: Notify,
    /// Whose turn it is to go on, of the operation's fields.
    next: Mutex<()>,
    bars: Arc<Semaphore>,
    read: std::sync::Mutex<Read>,
    sweeps: std::sync::Mutex<Sweeps>,
}

/// Room for bars in memory, for as long as it is kept.
#[derive(Debug)]
pub struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Bars that an operation has asked for.
#[derive(Default)]
struct Read {
    symbols: HashSet<i64>,
    bars: u64,
    of_symbols: u64,
    /// Whether that was more than one may: what still waits is not begun then.
    is_over: bool,
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
            computed: AtomicU64::new(0),
            lane,
            permit: Mutex::new(None),
            permitted: Notify::new(),
            next: Mutex::default(),
            bars: Arc::new(Semaphore::new(BARS_OF_LARGE as usize)),
            read: std::sync::Mutex::default(),
            sweeps: std::sync::Mutex::default(),
        }))
    }

    /// Waits for a permit of the lane, and keeps it to the operation's end.
    pub async fn acquire_permit(&self) {
        let mut permit = self.0.permit.lock().await;
        if permit.is_none() {
            // It is never closed; without a permit the operation goes on all the same.
            *permit = self.0.lane.large.clone().acquire_owned().await.ok();
            self.0.permitted.notify_waiters();
        }
    }

    /// The same for an operation that has begun, and turns out to be large.
    ///
    /// # Errors
    /// When too many wait so.
    async fn turn(&self) -> Result<(), Error> {
        let mut permit = self.0.permit.lock().await;
        if permit.is_none() {
            let _turned = self.0.lane.turned.try_acquire().map_err(|_| overloaded())?;
            *permit = self.0.lane.large.clone().acquire_owned().await.ok();
            self.0.permitted.notify_waiters();
        }
        Ok(())
    }

    /// Begins anew after an event of a subscription, whose permit would else last as long as its stream.
    pub fn renew(&self) {
        self.0.cells.store(0, Ordering::Relaxed);
        self.0.computed.store(0, Ordering::Relaxed);
        *self.0.sweeps.lock().unwrap_or_else(PoisonError::into_inner) = Sweeps::default();
        *self.0.read.lock().unwrap_or_else(PoisonError::into_inner) = Read::default();
        if let Ok(mut permit) = self.0.permit.try_lock() {
            *permit = None;
        }
    }

    /// Where the results of a sweep go: whatever asks for them, an operation decodes them once.
    ///
    /// # Errors
    /// When it would have more in memory than one may.
    pub async fn sweep(&self, id: i64, combinations: u64) -> Result<SweepCell, Error> {
        if combinations > LARGE_CELLS {
            self.turn().await?;
        }
        let mut sweeps = self.0.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = sweeps.cells.get(&id) {
            return Ok(cell.clone());
        }
        let all = sweeps.combinations.saturating_add(combinations);
        if all > MOST_COMBINATIONS {
            return Err(Code::AnswerTooLarge.error(format!(
                "The results of more than {MOST_COMBINATIONS} combinations at once: ask for fewer sweeps at a time"
            )));
        }
        sweeps.combinations = all;
        Ok(sweeps.cells.entry(id).or_default().clone())
    }

    /// Waits until there is room for bars that are about to be read or copied: of a symbol, or of what was computed from
    /// one. Whoever has room waits for nobody who wants some.
    ///
    /// # Errors
    /// When the operation has had what one may have.
    pub async fn room(&self, symbol: Option<i64>, bars: i32) -> Result<Room, Error> {
        let bars = u32::try_from(bars).unwrap_or(0);
        let is_large = {
            let mut read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.bars = read.bars.saturating_add(bars.into());
            if symbol.is_some_and(|symbol| read.symbols.insert(symbol)) {
                read.of_symbols = read.of_symbols.saturating_add(bars.into());
            }
            read.is_over |= read.bars > MOST_BARS || read.of_symbols > MOST_BARS_READ;
            if read.is_over {
                return Err(too_many_bars());
            }
            read.bars > LARGE_BARS
        };
        if is_large {
            self.turn().await?;
        }
        let room = Room { _permit: self.bars(bars).await };
        let is_over = self.0.read.lock().unwrap_or_else(PoisonError::into_inner).is_over;
        if is_over { Err(too_many_bars()) } else { Ok(room) }
    }

    /// Those with a permit have room of their own, so that none of them waits for one that waits for the permit: a field that
    /// waits among the others, too, once another field of its operation has got it.
    async fn bars(&self, bars: u32) -> Option<OwnedSemaphorePermit> {
        let mut permitted = pin!(self.0.permitted.notified());
        permitted.as_mut().enable();
        if self.0.permit.lock().await.is_none() {
            let others = self.0.lane.bars.clone().acquire_many_owned(bars.min(BARS_OF_OTHERS));
            tokio::select! {
                biased;
                // It is never closed.
                room = others => return room.ok(),
                () = permitted => {}
            }
        }
        self.0.bars.clone().acquire_many_owned(bars.min(BARS_OF_LARGE)).await.ok()
    }

    /// Whether the operation stays a small one if it reads so many bars more.
    #[must_use]
    pub fn is_small_with(&self, bars: i32) -> bool {
        let read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.bars.saturating_add(u64::try_from(bars).unwrap_or(0)) <= LARGE_BARS
    }

    /// Waits until a column of so many values may be computed. Its values are cells once they are answered; computing them is
    /// long before, and whoever asks for hundreds of columns begins with all of them at once.
    ///
    /// # Errors
    /// When the columns would be more than one operation may answer with.
    pub async fn compute(&self, values: usize) -> Result<(), Error> {
        self.count(&self.0.computed, values, LARGE_COMPUTED).await
    }

    /// Spends cells before they are made.
    ///
    /// # Errors
    /// When the operation has had what one may have.
    pub async fn spend(&self, cells: usize, at: Pos) -> Result<(), ServerError> {
        self.take(cells).await.map_err(|error| error.into_server_error(at))
    }

    /// The same for a resolver.
    ///
    /// # Errors
    /// When the operation has had what one may have.
    pub async fn take(&self, cells: usize) -> Result<(), Error> {
        self.count(&self.0.cells, cells, LARGE_CELLS).await
    }

    /// Whether so many cells are left of what one operation may have.
    #[must_use]
    pub fn has_left(&self, cells: usize) -> bool {
        self.0.cells.load(Ordering::Relaxed).saturating_add(cells as u64) <= MOST_CELLS
    }

    /// Adds to what an operation has made, and waits for its turn if that makes it a large one.
    async fn count(&self, made: &AtomicU64, more: usize, large: u64) -> Result<(), Error> {
        let before = made.fetch_add(more as u64, Ordering::Relaxed);
        let made = before.saturating_add(more as u64);
        if made > MOST_CELLS {
            return Err(too_large());
        }
        if made > large {
            self.turn().await?;
        }
        if made / PIECE > before / PIECE {
            self.breathe().await;
        }
        Ok(())
    }

    /// Lets others have the thread before something is made. One operation's fields are polled together: where each only
    /// yielded, all of them would be made in the next poll.
    pub async fn breathe(&self) {
        let _next = self.0.next.lock().await;
        tokio::task::yield_now().await;
    }
}

/// An operation would answer with more than one may.
#[must_use]
pub fn too_large() -> Error {
    Code::AnswerTooLarge.error(format!(
        "The answer would hold more than {MOST_CELLS} values of columns, or as much of lists: ask for fewer of them, or a \
         shorter range, at a time"
    ))
}

fn overloaded() -> Error {
    Code::Overloaded.error("The service has more large operations to do than it can; try again shortly")
}

fn too_many_bars() -> Error {
    Code::AnswerTooLarge.error(format!(
        "The operation would read more than {MOST_BARS_READ} bars, or go through more than {MOST_BARS}: ask for fewer \
         symbols or runs at a time"
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn budget() -> Budget {
        Budget::new(Lane::default())
    }

    #[tokio::test]
    async fn an_operation_reads_so_many_bars_of_symbols_and_goes_through_more() {
        let of_many = budget();
        for symbol in 0..30 {
            of_many.room(Some(symbol), 10_000).await.expect("room");
        }
        assert!(of_many.room(Some(30), 1).await.is_err());
        let of_one = budget();
        for _ in 0..1_000 {
            of_one.room(Some(1), 10_000).await.expect("room");
        }
        assert!(of_one.room(Some(1), 1).await.is_err());
    }

    #[tokio::test]
    async fn columns_are_computed_one_large_operation_at_a_time_and_no_more_than_may_be_answered() {
        let lane = Lane { large: Arc::new(Semaphore::new(1)), ..Lane::default() };
        let large = Budget::new(lane.clone());
        for _ in 0..150 {
            large.compute(20_000).await.expect("its turn");
        }
        assert!(large.compute(20_000).await.is_err());
        let second = Budget::new(lane);
        second.compute(15_000).await.expect("small so far");
        let waits = tokio::time::timeout(Duration::from_millis(50), second.compute(1)).await;
        assert!(waits.is_err(), "{waits:?}");
        drop(large);
        second.compute(1).await.expect("its turn");
    }

    #[tokio::test]
    async fn columns_of_one_operation_are_made_in_a_poll_each() {
        let budget = budget();
        let made = AtomicU64::new(0);
        let column = async || {
            budget.take(20_000).await.expect("cells");
            made.fetch_add(1, Ordering::Relaxed);
        };
        let mut columns = std::pin::pin!(futures_util::future::join_all((0..20).map(|_| column())));
        let mut last = 0;
        let most = std::future::poll_fn(|context| {
            let polled = columns.as_mut().poll(context);
            let more = made.load(Ordering::Relaxed) - last;
            last += more;
            assert!(more <= 1, "{more} in one poll");
            polled
        });
        assert_eq!(most.await.len(), 20);
    }

    #[tokio::test]
    async fn so_many_wait_that_turned_out_large_and_no_more() {
        let lane = Lane { large: Arc::new(Semaphore::new(1)), ..Lane::default() };
        let first = Budget::new(lane.clone());
        first.compute(20_000).await.expect("its turn");
        let wait = || {
            let budget = Budget::new(lane.clone());
            tokio::spawn(async move { budget.compute(20_000).await.is_ok() })
        };
        let waiting: Vec<_> = (0..MOST_TURNED).map(|_| wait()).collect();
        while lane.turned.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(!wait().await.expect("an end"));
        drop(first);
        for waited in waiting {
            assert!(waited.await.expect("an end"));
        }
    }

    #[tokio::test]
    async fn what_waits_for_room_is_not_begun_once_the_operation_has_asked_for_too_much() {
        let budget = budget();
        let held = budget.room(Some(1), 250_000).await.expect("room");
        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move { budget.room(Some(2), 40_000).await.is_err() }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(budget.room(Some(3), 40_000).await.is_err());
        drop(held);
        assert!(waiting.await.expect("an end"));
    }

    #[tokio::test]
    async fn bars_wait_for_room_and_more_than_there_is_gets_all_of_it() {
        let budget = budget();
        let held = budget.room(None, 5_000_000).await.expect("room");
        let waits = tokio::time::timeout(Duration::from_millis(50), budget.room(None, 1)).await;
        assert!(waits.is_err(), "{waits:?}");
        drop(held);
        budget.room(None, 1).await.expect("room");
    }

    #[tokio::test]
    async fn who_waits_among_small_ones_goes_on_once_its_operation_has_a_permit() {
        let lane = Lane::default();
        let others = lane.bars.clone().acquire_many_owned(BARS_OF_OTHERS).await.expect("all of it");
        let budget = Budget::new(lane);
        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move { budget.room(Some(1), 10_000).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());
        budget.compute(20_000).await.expect("a permit");
        let went_on = tokio::time::timeout(Duration::from_secs(5), waiting).await;
        assert!(went_on.expect("it waits no longer").expect("an end"));
        drop(others);
    }

    #[tokio::test]
    async fn small_operations_share_room_that_a_large_one_does_not_wait_for() {
        let lane = Lane::default();
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(Budget::new(lane.clone()).room(None, 20_000).await.expect("room"));
        }
        let waits = tokio::time::timeout(Duration::from_millis(50), Budget::new(lane.clone()).room(None, 20_000)).await;
        assert!(waits.is_err(), "{waits:?}");
        Budget::new(lane).room(None, 20_001).await.expect("room");
    }
}
