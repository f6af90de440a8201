//! Metrics that were told before, by their labels: the recorder looks each up anew, which makes a key of copied labels and
//! takes as long as a small request's own work.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

/// A metric's handles by a label with a few hundred values at most, and by what else tells them apart.
pub(super) struct Handles<K, H>(LazyLock<RwLock<ByLabel<K, H>>>);

type ByLabel<K, H> = HashMap<String, Vec<(K, H)>>;

impl<K: PartialEq, H: Clone> Handles<K, H> {
    pub(super) const fn new() -> Self {
        Self(LazyLock::new(RwLock::default))
    }

    /// The handle of these labels, made if they are new.
    pub(super) fn get(&self, label: &str, key: K, make: impl FnOnce() -> H) -> H {
        let find = |handles: &ByLabel<K, H>| {
            let (_, handle) = handles.get(label)?.iter().find(|(known, _)| *known == key)?;
            Some(handle.clone())
        };
        // To find one changes nothing, so the lock is never left with half of something.
        if let Some(handle) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return handle;
        }
        let mut handles = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = find(&handles) {
            return handle;
        }
        let handle = make();
        handles.entry(label.to_owned()).or_default().push((key, handle.clone()));
        handle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_of_labels_has_one_handle() {
        static HANDLES: Handles<(&str, u16), usize> = Handles::new();
        let labels = [("/a", "GET", 200), ("/a", "GET", 404), ("/a", "POST", 200), ("/b", "GET", 200)];
        for round in 0..2 {
            for (i, (route, method, status)) in labels.into_iter().enumerate() {
                let handle = HANDLES.get(route, (method, status), || {
                    assert_eq!(round, 0, "made once");
                    i
                });
                assert_eq!(handle, i);
            }
        }
    }
}
