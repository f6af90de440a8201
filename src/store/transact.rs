//! Transactions that are tried again.

use std::future::Future;
use std::time::Duration;

use rand::Rng;

use super::Store;
use super::errors::{MaybeStoreError, StoreError};

/// Times a transaction that lost a race is tried in all.
const MOST_TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

impl Store {
    /// Runs a transaction, again if another one got in its way: each time from its beginning, after a moment with
    /// jitter, so that two that met don't meet again.
    ///
    /// # Errors
    /// What the transaction ends in.
    pub async fn transact<T, E, F, R>(&self, mut transaction: F) -> std::result::Result<T, E>
    where
        E: MaybeStoreError,
        F: FnMut() -> R,
        R: Future<Output = std::result::Result<T, E>>,
    {
        let mut tries = 1;
        loop {
            let error = match transaction().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match error.store_error() {
                Some(StoreError::StorageFull(_)) => self.watch_storage(),
                Some(lost) if lost.is_race() && tries < MOST_TRIES => {
                    tracing::debug!(error = %lost, tries, "a transaction lost a race and is tried again");
                    let pause = FIRST_PAUSE.saturating_mul(1 << tries);
                    tries += 1;
                    let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
                    tokio::time::sleep(pause).await;
                    continue;
                }
                _ => {}
            }
            return Err(error);
        }
    }
}
