//! How many requests of each user run in this process.

use crate::domain::ids::UserKey;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The counts of users who have something running.
#[derive(Clone)]
pub(super) struct Running {
    most: usize,
    counts: Arc<Mutex<HashMap<UserKey, usize>>>,
}

/// A place, given back when dropped.
pub(super) struct Place {
    user: UserKey,
    counts: Arc<Mutex<HashMap<UserKey, usize>>>,
}

impl Running {
    pub(super) fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// A place for one more request of `user`; none when all are taken.
    pub(super) fn take(&self, user: &UserKey) -> Option<Place> {
        let mut counts = self.counts.lock();
        let count = counts.entry(user.clone()).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { user: user.clone(), counts: Arc::clone(&self.counts) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_each_users_own_and_come_back() {
        let running = Running::new(2);
        let (alice, bob) = (UserKey::new("t", "alice"), UserKey::new("t", "bob"));
        let (first, second) = (running.take(&alice), running.take(&alice));
        assert!(first.is_some() && second.is_some() && running.take(&alice).is_none());
        assert!(running.take(&bob).is_some());
        drop(first);
        assert!(running.take(&alice).is_some());
        drop(second);
        assert!(running.counts.lock().is_empty());
    }
}
