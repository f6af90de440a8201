//! Batches what resolvers load: those that run beside each other ask with one statement. Nothing waits for a clock and no
//! task is spawned: whoever asks first lets the others ask, then loads for all.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_graphql::dataloader::Loader;
use futures_util::future::try_join_all;
use tokio::sync::oneshot;

/// Keys that one statement is asked for.
const MOST_KEYS: usize = 1_000;

/// A request's loader.
pub struct DataLoader<T> {
    loader: T,
    /// The batch that is open, for each kind of key.
    open: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

type Answer<K, T> = Result<Option<<T as Loader<K>>::Value>, <T as Loader<K>>::Error>;
type Waiting<K, T> = HashMap<K, Vec<oneshot::Sender<Answer<K, T>>>>;

/// What a request for a key does.
enum Part<K, T>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    T: Loader<K>,
{
    Leads,
    Waits(oneshot::Receiver<Answer<K, T>>),
}

impl<T: Send + Sync + 'static> DataLoader<T> {
    #[must_use]
    pub fn new(loader: T) -> Self {
        Self { loader, open: Mutex::new(HashMap::new()) }
    }

    /// The value of a key, loaded together with those that are asked for meanwhile.
    ///
    /// # Errors
    /// When loading fails.
    pub async fn load_one<K>(&self, key: K) -> Answer<K, T>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        T: Loader<K>,
    {
        loop {
            match self.join(&key) {
                Part::Leads => return self.lead(key).await,
                Part::Waits(answer) => {
                    // Whoever led was dropped, with the part of the answer that it was for: the next one leads.
                    if let Ok(answer) = answer.await {
                        return answer;
                    }
                }
            }
        }
    }

    /// The values of several keys; those that there is nothing for are left out.
    ///
    /// # Errors
    /// When loading fails.
    pub async fn load_many<K>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<HashMap<K, <T as Loader<K>>::Value>, <T as Loader<K>>::Error>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        T: Loader<K>,
    {
        let asked =
            keys.into_iter().map(|key| async { Ok(self.load_one(key.clone()).await?.map(|value| (key, value))) });
        Ok(try_join_all(asked).await?.into_iter().flatten().collect())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TypeId, Box<dyn Any + Send>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join<K>(&self, key: &K) -> Part<K, T>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        T: Loader<K>,
    {
        let mut open = self.lock();
        if let Some(waiting) = open.get_mut(&TypeId::of::<K>()).and_then(|b| b.downcast_mut::<Waiting<K, T>>()) {
            let (send, answer) = oneshot::channel();
            waiting.entry(key.clone()).or_default().push(send);
            return Part::Waits(answer);
        }
        let waiting: Waiting<K, T> = HashMap::from([(key.clone(), Vec::new())]);
        open.insert(TypeId::of::<K>(), Box::new(waiting));
        Part::Leads
    }

    async fn lead<K>(&self, key: K) -> Answer<K, T>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        T: Loader<K>,
    {
        let batch = Open { of: self, kind: TypeId::of::<K>() };
        tokio::task::yield_now().await;
        let Some(mut waiting) = batch.close().and_then(|b| b.downcast::<Waiting<K, T>>().ok()) else {
            return Ok(None);
        };
        let keys: Vec<K> = waiting.keys().cloned().collect();
        let mut own = Ok(None);
        for keys in keys.chunks(MOST_KEYS) {
            let mut loaded = self.loader.load(keys).await;
            for asked in keys {
                let answer = match &mut loaded {
                    Ok(values) => Ok(values.remove(asked)),
                    Err(error) => Err(error.clone()),
                };
                // Whoever is no longer there needs no answer.
                for waits in waiting.remove(asked).into_iter().flatten() {
                    let _ = waits.send(answer.clone());
                }
                if *asked == key {
                    own = answer;
                }
            }
        }
        own
    }
}

/// An open batch. Dropped, it's gone, and with it the senders that others wait for.
struct Open<'a, T> {
    of: &'a DataLoader<T>,
    kind: TypeId,
}

impl<T: Send + Sync + 'static> Open<'_, T> {
    fn close(self) -> Option<Box<dyn Any + Send>> {
        let batch = self.of.lock().remove(&self.kind);
        std::mem::forget(self);
        batch
    }
}

impl<T> Drop for Open<'_, T> {
    fn drop(&mut self) {
        self.of.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.kind);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;

    /// Doubles even numbers, knows nothing of odd ones, fails for 13; remembers what it was asked.
    #[derive(Default)]
    struct Doubling(Arc<Mutex<Vec<Vec<u64>>>>);

    #[async_trait::async_trait]
    impl Loader<u64> for Doubling {
        type Value = u64;
        type Error = &'static str;

        async fn load(&self, keys: &[u64]) -> Result<HashMap<u64, u64>, Self::Error> {
            let mut sorted = keys.to_vec();
            sorted.sort_unstable();
            self.0.lock().expect("not poisoned").push(sorted);
            tokio::time::sleep(Duration::from_millis(100)).await;
            if keys.contains(&13) {
                return Err("unlucky");
            }
            Ok(keys.iter().filter(|k| k.is_multiple_of(2)).map(|k| (*k, k * 2)).collect())
        }
    }

    #[tokio::test]
    async fn those_beside_each_other_are_loaded_together_and_each_key_once() {
        let loader = DataLoader::new(Doubling::default());
        let asked = loader.loader.0.clone();
        let answers = join_all((14..114).chain(14..114).map(|key| loader.load_one(key))).await;
        for (i, answer) in answers.into_iter().enumerate() {
            let key = 14 + i as u64 % 100;
            assert_eq!(answer, Ok(key.is_multiple_of(2).then_some(key * 2)));
        }
        assert_eq!(asked.lock().expect("not poisoned").len(), 1);
        assert_eq!(join_all([12, 13].map(|key| loader.load_one(key))).await, [Err("unlucky"), Err("unlucky")]);
        let some = loader.load_many([3, 4, 6]).await;
        assert_eq!(some, Ok(HashMap::from([(4, 8), (6, 12)])));
        assert_eq!(loader.load_one(4_u64).await, Ok(Some(8)), "after an error, and later than the others");
        let many = join_all((0..2_500).map(|key| loader.load_one(key * 2))).await;
        assert_eq!(many.last(), Some(&Ok(Some(4_998 * 2))));
        assert!(asked.lock().expect("not poisoned").iter().all(|keys| keys.len() <= MOST_KEYS));
    }

    #[tokio::test]
    async fn those_who_wait_are_served_when_the_first_is_dropped() {
        let loader = Arc::new(DataLoader::new(Doubling::default()));
        for leave_after in [Duration::ZERO, Duration::from_millis(2)] {
            let first = tokio::time::timeout(leave_after, loader.load_one(2_u64));
            let (first, second) = tokio::join!(first, loader.load_one(4_u64));
            assert!(first.is_err());
            assert_eq!(second, Ok(Some(8)));
        }
    }
}
