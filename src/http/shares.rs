//! Room for so much of something, of which one client has half at most, so that no client alone keeps the others out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::permits::Wanting;
use super::rates::Client;

/// How long a client is remembered that takes nothing; nothing is held for longer without a sign of it.
const REMEMBERED: Duration = Duration::from_mins(10);
const MOST_CLIENTS: u64 = 10_000;

/// The room.
#[derive(Clone)]
pub(super) struct Shares {
    all: Arc<Semaphore>,
    of_client: Cache<Client, Arc<Semaphore>>,
    share: usize,
    wanting: Arc<AtomicUsize>,
}

/// What of it is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _share: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Shares {
    pub(super) fn new(units: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(units)),
            of_client: Cache::builder().time_to_idle(REMEMBERED).max_capacity(MOST_CLIENTS).build(),
            share: (units / 2).max(1),
            wanting: Arc::default(),
        }
    }

    fn share_of(&self, client: Client) -> Arc<Semaphore> {
        self.of_client.get_with(client, || Arc::new(Semaphore::new(self.share)))
    }

    /// What needs more than a client may have gets all that it may have.
    fn permits(&self, units: usize) -> u32 {
        u32::try_from(units.min(self.share)).unwrap_or(u32::MAX)
    }

    /// Waits for room: first for the client's own, so that it keeps none of the others waiting meanwhile.
    pub(super) async fn room(&self, client: Client, units: usize) -> Option<Room> {
        let units = self.permits(units);
        let share = self.share_of(client).acquire_many_owned(units).await.ok()?;
        let (_wanting, _) = Wanting::new(&self.wanting);
        let all = self.all.clone().acquire_many_owned(units).await.ok()?;
        Some(Room { _share: share, _all: all })
    }

    /// Room at once, or none.
    pub(super) fn room_now(&self, client: Client, units: usize) -> Option<Room> {
        let units = self.permits(units);
        let share = self.share_of(client).try_acquire_many_owned(units).ok()?;
        let all = self.all.clone().try_acquire_many_owned(units).ok()?;
        Some(Room { _share: share, _all: all })
    }

    /// Whether a client has nothing of it.
    pub(super) fn is_free(&self, client: Client) -> bool {
        self.share_of(client).available_permits() == self.share
    }

    /// Waits until a client has nothing of it.
    pub(super) async fn free(&self, client: Client) {
        let share = u32::try_from(self.share).unwrap_or(u32::MAX);
        // It is never closed.
        drop(self.share_of(client).acquire_many_owned(share).await);
    }

    /// Whether somebody waits for what others have.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanting.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_has_half_and_others_have_the_rest() {
        let shares = Shares::new(100);
        let (one, two, three) = (Client::Token(1), Client::Token(2), Client::Token(3));
        let held = shares.room(one, 30).await.expect("room");
        assert!(shares.room_now(one, 30).is_none() && shares.room_now(two, 30).is_some());
        let waits = tokio::time::timeout(Duration::from_millis(50), shares.room(one, 30)).await;
        assert!(waits.is_err() && !shares.is_wanted(), "it waits for its own alone");
        let others = shares.room(two, 500).await.expect("half of it");
        let waiting = tokio::spawn({
            let shares = shares.clone();
            async move { shares.room(three, 30).await.is_some() }
        });
        while !shares.is_wanted() {
            tokio::task::yield_now().await;
        }
        assert!(!shares.is_free(one));
        drop((held, others));
        shares.free(one).await;
        assert!(shares.is_free(one));
        assert!(waiting.await.expect("an end") && !shares.is_wanted());
    }
}
