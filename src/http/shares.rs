//! Room for so much of something, of which one client has half at most, so that no client alone keeps the others out.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::permits::Wanting;
use super::rates::Client;

/// The room.
#[derive(Clone)]
pub(super) struct Shares {
    all: Arc<Semaphore>,
    of_client: Arc<Clients>,
    share: usize,
    wanting: Arc<AtomicUsize>,
}

/// Those who have some of it, or wait for some. Who has none is forgotten; who has is not, however long it's quiet.
type Clients = Mutex<HashMap<Client, Weak<Share>>>;

/// What one client may have.
#[derive(Debug)]
struct Share {
    units: Arc<Semaphore>,
    /// How many times it has some, and who waits until it has none.
    rooms: AtomicUsize,
    freed: Notify,
    client: Client,
    among: Weak<Clients>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(clients) = self.among.upgrade() else { return };
        let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may stand in its place already.
        if clients.get(&self.client).is_some_and(|share| share.strong_count() == 0) {
            clients.remove(&self.client);
        }
    }
}

/// Counts a client's room until this is dropped.
#[derive(Debug)]
struct Counted(Arc<Share>);

impl Counted {
    fn new(share: Arc<Share>) -> Self {
        share.rooms.fetch_add(1, Ordering::AcqRel);
        Self(share)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.rooms.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.freed.notify_waiters();
        }
    }
}

/// What of it is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _counted: Counted,
    _share: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Shares {
    pub(super) fn new(units: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(units)),
            of_client: Arc::default(),
            share: (units / 2).max(1),
            wanting: Arc::default(),
        }
    }

    fn share_of(&self, client: Client) -> Arc<Share> {
        let mut clients = self.of_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = clients.get(&client).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Share {
            units: Arc::new(Semaphore::new(self.share)),
            rooms: AtomicUsize::new(0),
            freed: Notify::new(),
            client,
            among: Arc::downgrade(&self.of_client),
        });
        clients.insert(client, Arc::downgrade(&share));
        share
    }

    /// What needs more than a client may have gets all that it may have.
    fn permits(&self, units: usize) -> u32 {
        u32::try_from(units.min(self.share)).unwrap_or(u32::MAX)
    }

    /// Waits for room: first for the client's own, so that it keeps none of the others waiting meanwhile.
    pub(super) async fn room(&self, client: Client, units: usize) -> Option<Room> {
        let units = self.permits(units);
        let of_client = self.share_of(client);
        let share = of_client.units.clone().acquire_many_owned(units).await.ok()?;
        let (_wanting, _) = Wanting::new(&self.wanting);
        let all = self.all.clone().acquire_many_owned(units).await.ok()?;
        Some(Room { _counted: Counted::new(of_client), _share: share, _all: all })
    }

    /// Room at once, or none.
    pub(super) fn room_now(&self, client: Client, units: usize) -> Option<Room> {
        let units = self.permits(units);
        let of_client = self.share_of(client);
        let share = of_client.units.clone().try_acquire_many_owned(units).ok()?;
        let all = self.all.clone().try_acquire_many_owned(units).ok()?;
        Some(Room { _counted: Counted::new(of_client), _share: share, _all: all })
    }

    /// Whether a client has nothing of it.
    pub(super) fn is_free(&self, client: Client) -> bool {
        self.share_of(client).rooms.load(Ordering::Acquire) == 0
    }

    /// Waits until a client has nothing of it, and takes nothing itself: those that wait would keep each other from seeing it.
    pub(super) async fn free(&self, client: Client) {
        let share = self.share_of(client);
        loop {
            let mut freed = pin!(share.freed.notified());
            freed.as_mut().enable();
            if share.rooms.load(Ordering::Acquire) == 0 {
                return;
            }
            freed.await;
        }
    }

    /// Whether somebody waits for what others have.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanting.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let looking = [(); 3].map(|()| {
            let shares = shares.clone();
            tokio::spawn(async move { shares.free(one).await })
        });
        tokio::task::yield_now().await;
        assert_eq!(shares.share_of(one).units.available_permits(), 20, "who only looks takes nothing");
        assert!(looking.iter().all(|looking| !looking.is_finished()));
        drop((held, others));
        for looked in looking {
            looked.await.expect("an end");
        }
        assert!(shares.is_free(one));
        assert!(shares.of_client.lock().expect("clients").is_empty(), "who has nothing is forgotten");
        assert!(waiting.await.expect("an end") && !shares.is_wanted());
    }
}
