//! Bulk work gives way to queries: it goes on one piece at a time, and between two pieces waits while any query is
//! being answered. It waits no longer in all than it works, so that it comes to its end under any load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_recursion::async_recursion as boxed;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

/// The longest that work waits at once, for queries that take long themselves.
const MOST_CREDIT: Duration = Duration::from_millis(200);

/// What queries and bulk work of a process know of each other; clones share it.
#[derive(Clone, Default)]
pub struct Pace(Arc<Parts>);

#[derive(Default)]
struct Parts {
    /// Queries that are being answered.
    answering: AtomicUsize,
    /// Tells that there is none any more.
    quiet: Notify,
    /// Whoever works in bulk holds it.
    lane: Arc<Mutex<Credit>>,
}

/// How long bulk work may still wait: as long as it has worked.
#[derive(Debug, Default, PartialEq, Eq)]
struct Credit(Duration);

impl Credit {
    fn earn(&mut self, worked: Duration) {
        self.0 = self.0.saturating_add(worked).min(MOST_CREDIT);
    }

    fn spend(&mut self, waited: Duration) {
        self.0 = self.0.saturating_sub(waited);
    }
}

/// A query that is being answered, until this is dropped.
pub struct Answering(Arc<Parts>);

impl Drop for Answering {
    fn drop(&mut self) {
        if self.0.answering.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.quiet.notify_waiters();
        }
    }
}

/// The lane, held by one who works in bulk. It's to be taken before a transaction begins: whoever holds the lane may wait
/// for a lock of the database, nobody with such a lock may wait for the lane.
pub struct Turn {
    pace: Pace,
    credit: OwnedMutexGuard<Credit>,
    /// Since when it has been at work.
    since: Instant,
}

impl Pace {
    /// Notes that a query is being answered.
    #[must_use]
    pub fn answering(&self) -> Answering {
        self.0.answering.fetch_add(1, Ordering::AcqRel);
        Answering(self.0.clone())
    }

    /// Waits for the lane, in order, and for queries that are being answered.
    #[boxed]
    pub async fn turn(&self) -> Turn {
        let credit = self.0.lane.clone().lock_owned().await;
        let mut turn = Turn { pace: self.clone(), credit, since: Instant::now() };
        turn.give_way().await;
        turn
    }

    /// Waits until no query is being answered.
    async fn quiet(&self) {
        loop {
            // Hears of what ends from here on, whether or not it's awaited by then.
            let ended = self.0.quiet.notified();
            if self.0.answering.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Turn {
    /// Between two pieces of work, of a few milliseconds each.
    #[boxed]
    pub async fn give_way(&mut self) {
        self.credit.earn(self.since.elapsed());
        if self.pace.0.answering.load(Ordering::Acquire) > 0 {
            let began = Instant::now();
            // That queries go on for longer is no error.
            let _ = tokio::time::timeout(self.credit.0, self.pace.quiet()).await;
            self.credit.spend(began.elapsed());
        }
        self.since = Instant::now();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let worked = self.since.elapsed();
        self.credit.earn(worked);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn work_may_wait_for_as_long_as_it_has_worked_and_not_for_long_at_once() {
        let mut credit = Credit::default();
        credit.earn(3 * MS);
        credit.earn(4 * MS);
        credit.spend(5 * MS);
        assert_eq!(credit, Credit(2 * MS));
        // A timer may come late.
        credit.spend(3 * MS);
        assert_eq!(credit, Credit(Duration::ZERO));
        credit.earn(Duration::from_mins(1));
        assert_eq!(credit, Credit(MOST_CREDIT));
    }

    #[tokio::test]
    async fn one_works_at_a_time_and_the_next_in_order() {
        let pace = Pace::default();
        let first = pace.turn().await;
        let (mut second, mut third) = (Box::pin(pace.turn()), Box::pin(pace.turn()));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        assert!((&mut third).now_or_never().is_none(), "the second is before it");
        drop((&mut second).now_or_never().expect("the second's turn"));
        assert!((&mut third).now_or_never().is_some());
    }

    #[tokio::test]
    async fn it_is_quiet_once_the_last_query_is_answered() {
        let pace = Pace::default();
        assert!(pace.quiet().now_or_never().is_some());
        let (one, other) = (pace.answering(), pace.clone().answering());
        let mut quiet = Box::pin(pace.quiet());
        assert!((&mut quiet).now_or_never().is_none());
        drop(one);
        assert!((&mut quiet).now_or_never().is_none());
        drop(other);
        assert!((&mut quiet).now_or_never().is_some());
    }

    #[tokio::test]
    async fn work_without_credit_goes_on_beside_queries() {
        let pace = Pace::default();
        let _query = pace.answering();
        let mut turn = pace.turn().await;
        turn.give_way().await;
        assert!(turn.credit.0 <= MOST_CREDIT);
    }
}
