//! The limited things that this replica has to do with, by key and by the name that other replicas know them by.

use super::GateSettings;
use super::entry::Entry;
use super::limit::Limit;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::token::Hasher;
use crate::ports::gate::GateKey;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Keeps what is hashed here apart from all other hashes.
const PURPOSE: &str = "gate";

#[derive(Default)]
struct Maps {
    by_key: HashMap<GateKey, Arc<Entry>>,
    by_name: HashMap<Arc<str>, GateKey>,
}

pub(super) struct Table {
    maps: RwLock<Maps>,
    settings: GateSettings,
    hasher: Hasher,
    pub(super) clock: SharedClock,
    /// Whether there may be other replicas.
    pub(super) shared: bool,
    /// The store does not answer: this replica goes by its own count.
    pub(super) away: AtomicBool,
}

impl Table {
    pub(super) fn new(settings: GateSettings, hasher: Hasher, clock: SharedClock, shared: bool) -> Self {
        Self { maps: RwLock::default(), settings, hasher, clock, shared, away: AtomicBool::new(false) }
    }

    /// Whether this replica counts for itself.
    pub(super) fn alone(&self) -> bool {
        !self.shared || self.away.load(Ordering::SeqCst)
    }

    pub(super) fn entry(&self, key: &GateKey) -> Arc<Entry> {
        if let Some(entry) = self.maps.read().by_key.get(key) {
            return entry.clone();
        }
        let hash = self.hasher.hash(PURPOSE, &key.text());
        let mut maps = self.maps.write();
        let Maps { by_key, by_name } = &mut *maps;
        let entry = by_key.entry(key.clone()).or_insert_with(|| {
            let limit = Limit::of(key.workload, self.settings);
            Arc::new(Entry::new(hash, limit, self.alone()))
        });
        by_name.insert(entry.name.clone(), key.clone());
        entry.clone()
    }

    /// The one that other replicas call `name`, if it is known here.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Entry>> {
        let maps = self.maps.read();
        maps.by_key.get(maps.by_name.get(name)?).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.maps.read().by_key.values().cloned().collect()
    }

    /// Forgets entries that nobody uses and that hold nothing back.
    pub(super) fn evict(&self, now: Timestamp) {
        let alone = self.alone();
        let mut maps = self.maps.write();
        let Maps { by_key, by_name } = &mut *maps;
        by_key.retain(|_, entry| {
            let stays = Arc::strong_count(entry) > 1 || !entry.is_idle(now, alone);
            if !stays {
                by_name.remove(&entry.name);
            }
            stays
        });
    }
}
