//! The records in memory: text key to bytes with an expiry, and the small transaction view that every verb uses.

use crate::domain::clock::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// Expired records removed per write, at most: a write never pays for a long silence at once.
const SWEEP_PER_WRITE: usize = 32;

/// What a key holds.
#[derive(Clone, Debug)]
struct Entry {
    value: Arc<[u8]>,
    expires_at: Timestamp,
    /// Expiry as recorded in the due list and on disk; may lag behind `expires_at`, never run ahead.
    recorded: Timestamp,
}

/// One change of a transaction, for the journal. `None` deletes.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) key: Arc<str>,
    pub(super) value: Option<(Arc<[u8]>, Timestamp)>,
}

/// All records.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: BTreeMap<Arc<str>, Entry>,
    due: BTreeSet<(Timestamp, Arc<str>)>,
}

impl Table {
    /// A record that is not expired.
    pub(super) fn get(&self, key: &str, now: Timestamp) -> Option<Arc<[u8]>> {
        self.entries.get(key).filter(|entry| entry.expires_at > now).map(|entry| Arc::clone(&entry.value))
    }

    /// Takes in a record as it was saved.
    pub(super) fn load(&mut self, key: &str, value: &[u8], expires_at: Timestamp) {
        self.set(Arc::from(key), Arc::from(value), expires_at);
    }

    /// Starts a transaction, which first removes some of what has expired.
    pub(super) fn begin(&mut self, now: Timestamp) -> View<'_> {
        let mut view = View { table: self, now, changes: Vec::new() };
        view.sweep();
        view
    }

    /// Keys in order, expired ones left out.
    pub(super) fn keys(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(move |(_, entry)| entry.expires_at > now).map(|(key, _)| &**key)
    }

    /// Records whose keys follow `key`, in order, expired ones left out.
    pub(super) fn beyond(&self, key: &str, now: Timestamp) -> impl Iterator<Item = (&Arc<str>, &[u8])> {
        let range = self.entries.range::<str, _>((Bound::Excluded(key), Bound::Unbounded));
        range.filter(move |(_, entry)| entry.expires_at > now).map(|(key, entry)| (key, &*entry.value))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn set(&mut self, key: Arc<str>, value: Arc<[u8]>, expires_at: Timestamp) {
        let entry = Entry { value, expires_at, recorded: expires_at };
        if let Some(old) = self.entries.insert(Arc::clone(&key), entry) {
            self.due.remove(&(old.recorded, Arc::clone(&key)));
        }
        self.due.insert((expires_at, key));
    }

    fn remove(&mut self, key: &Arc<str>) -> Option<Entry> {
        let old = self.entries.remove(key)?;
        self.due.remove(&(old.recorded, Arc::clone(key)));
        Some(old)
    }
}

/// A transaction. It runs under the store's lock, so that it is atomic without further ado.
pub(super) struct View<'a> {
    table: &'a mut Table,
    now: Timestamp,
    changes: Vec<Change>,
}

impl View<'_> {
    /// The moment of the transaction.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.table.get(key, self.now)
    }

    pub(super) fn put(&mut self, key: &str, value: Vec<u8>, life: Duration) {
        self.write(Arc::from(key), Arc::from(value), self.now.plus(life));
    }

    /// Replaces the value of a record that stands and leaves its expiry alone.
    pub(super) fn replace(&mut self, key: &str, value: Vec<u8>) {
        if let Some(expires_at) = self.expiry(key) {
            self.write(Arc::from(key), Arc::from(value), expires_at);
        }
    }

    /// Removes a record; whether there was one.
    pub(super) fn delete(&mut self, key: &str) -> bool {
        let key: Arc<str> = Arc::from(key);
        let Some(old) = self.table.remove(&key) else { return false };
        self.changes.push(Change { key, value: None });
        old.expires_at > self.now
    }

    /// Lets a record live `life` from now, unless it lives longer anyway.
    pub(super) fn extend(&mut self, key: &str, life: Duration) {
        let until = self.now.plus(life);
        if self.expiry(key).is_some_and(|old| old < until) {
            self.slide(key, life);
        }
    }

    /// Lets a record live `life` from now. Recorded on disk only when that lags by a quarter of the life, so that
    /// a session in use costs no write per request.
    pub(super) fn slide(&mut self, key: &str, life: Duration) {
        let until = self.now.plus(life);
        let Some(entry) = self.table.entries.get_mut(key).filter(|e| e.expires_at > self.now) else { return };
        if until.since(entry.recorded) > life / 4 || until < entry.recorded {
            let value = Arc::clone(&entry.value);
            self.write(Arc::from(key), value, until);
        } else {
            entry.expires_at = until;
        }
    }

    /// Keys that start with `prefix`.
    pub(super) fn under(&self, prefix: &str) -> Vec<Arc<str>> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let all = self.table.entries.range::<str, _>(from).map(|(key, _)| key);
        all.take_while(|key| key.starts_with(prefix)).map(Arc::clone).collect()
    }

    /// Ends the transaction: what the journal must record.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    fn expiry(&self, key: &str) -> Option<Timestamp> {
        self.table.entries.get(key).map(|entry| entry.expires_at).filter(|&at| at > self.now)
    }

    fn write(&mut self, key: Arc<str>, value: Arc<[u8]>, expires_at: Timestamp) {
        self.table.set(Arc::clone(&key), Arc::clone(&value), expires_at);
        self.changes.push(Change { key, value: Some((value, expires_at)) });
    }

    fn sweep(&mut self) {
        for _ in 0..SWEEP_PER_WRITE {
            let Some((_, key)) = self.table.due.first().filter(|(at, _)| *at <= self.now).cloned() else {
                return;
            };
            let Some(entry) = self.table.remove(&key) else { continue };
            if entry.expires_at > self.now {
                self.write(key, entry.value, entry.expires_at);
            } else {
                self.changes.push(Change { key, value: None });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(100);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    #[test]
    fn writes_sweep_what_has_expired() {
        let mut table = Table::default();
        for n in 0..40 {
            table.begin(at(0)).put(&format!("k{n}"), vec![1], LIFE);
        }
        assert_eq!(table.len(), 40);
        table.begin(at(101)).put("new", vec![1], LIFE);
        let changes = table.begin(at(101)).into_changes();
        assert_eq!(table.len(), 1, "two writes sweep up to 64 expired records");
        assert_eq!(changes.len(), 8, "and the journal deletes them too");
    }

    #[test]
    fn a_record_that_slid_on_outlives_its_recorded_expiry() {
        let mut table = Table::default();
        table.begin(at(0)).put("s", vec![7], LIFE);
        let mut view = table.begin(at(20));
        view.slide("s", LIFE);
        assert!(view.into_changes().is_empty(), "a small step is not worth a disk write");
        let changes = table.begin(at(110)).into_changes();
        assert_eq!(changes[0].value.as_ref().unwrap().1, at(120));
        assert!(table.get("s", at(119)).is_some());
        assert!(table.get("s", at(120)).is_none());
    }

    #[test]
    fn extending_never_shortens() {
        let mut table = Table::default();
        table.begin(at(0)).put("c", vec![7], LIFE);
        table.begin(at(0)).extend("c", LIFE / 2);
        assert!(table.get("c", at(99)).is_some());
        table.begin(at(99)).extend("c", LIFE);
        assert!(table.get("c", at(198)).is_some());
    }

    #[test]
    fn a_prefix_names_its_own_keys_only() {
        let mut table = Table::default();
        let mut view = table.begin(at(0));
        for key in ["a:", "a:1", "a:2", "b:1", "a"] {
            view.put(key, vec![], LIFE);
        }
        assert_eq!(view.under("a:").iter().map(|k| &**k).collect::<Vec<_>>(), ["a:", "a:1", "a:2"]);
    }
}
