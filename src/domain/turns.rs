//! Turns: how much may be under way at once for each user, host or the like.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use tokio::sync::Semaphore;

/// A semaphore for every key that has something under way; the others cost nothing.
#[derive(Debug)]
pub(crate) struct Turns<K> {
    each: usize,
    known: Mutex<HashMap<K, Weak<Semaphore>>>,
}

impl<K: Eq + Hash> Turns<K> {
    /// `each` at once for one key.
    pub(crate) fn new(each: usize) -> Self {
        Self { each, known: Mutex::default() }
    }

    /// The turns of `key`.
    pub(crate) fn of(&self, key: K) -> Arc<Semaphore> {
        let mut known = self.known.lock();
        known.retain(|_, turns| turns.strong_count() > 0);
        if let Some(turns) = known.get(&key).and_then(Weak::upgrade) {
            return turns;
        }
        let turns = Arc::new(Semaphore::new(self.each));
        known.insert(key, Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_turns_and_leaves_no_trace() {
        let turns = Turns::new(1);
        let held = turns.of("a").try_acquire_owned().unwrap();
        assert!(turns.of("a").try_acquire_owned().is_err());
        assert!(turns.of("b").try_acquire_owned().is_ok());
        drop(held);
        assert!(turns.of("a").try_acquire_owned().is_ok());
        assert_eq!(turns.known.lock().len(), 1);
    }
}
