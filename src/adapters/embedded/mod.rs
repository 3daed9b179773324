//! The store of a single node: all records in memory under one lock, every change durable in one file before a verb
//! answers. Each verb is a closure over a small transaction, so atomicity needs no further thought.

mod clients;
mod events;
mod flows;
mod grants;
mod inventory;
mod journal;
mod lending;
mod resealing;
mod sessions;
mod shared;
mod table;
#[cfg(test)]
mod tests;
mod upstream;

use super::keys;
use super::topics::Topics;
use crate::domain::clock::SharedClock;
use crate::domain::lending::Ledger;
use crate::domain::token::TokenHash;
use crate::ports::store::{Store, StoreError};
use async_trait::async_trait;
use journal::Journal;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use table::{Table, View};

/// redb's own cache; small, since all records are in memory anyway.
const FILE_CACHE_BYTES: usize = 4 << 20;

/// The embedded store.
pub(crate) struct EmbeddedStore {
    table: Mutex<Table>,
    journal: Option<Journal>,
    clock: SharedClock,
    topics: Topics,
    /// Budgets, used up until which microsecond; worth no disk write, a restart refills them.
    budgets: Mutex<HashMap<TokenHash, u64>>,
    /// What is lent out of limits; as much worth.
    ledgers: Mutex<HashMap<TokenHash, Ledger>>,
}

/// What a verb waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// On disk before the verb answers.
    Committed,
    /// On disk soon; a crash in between costs a lease, a mark or a little of a session's life.
    Soon,
}

impl EmbeddedStore {
    /// Opens the store in the file `path`, which is made when absent and belongs to this process alone.
    pub(crate) fn open(path: &Path, clock: SharedClock) -> Result<Self, StoreError> {
        let path = path.to_path_buf();
        let database = open_file(&path).map_err(|error| explain(&path, &error))?;
        Self::with_database(database, Box::new(move || open_file(&path)), clock)
    }

    /// A store that ends with the process.
    pub(crate) fn memory(clock: SharedClock) -> Self {
        Self {
            table: Mutex::default(),
            journal: None,
            clock,
            topics: Topics::default(),
            budgets: Mutex::default(),
            ledgers: Mutex::default(),
        }
    }

    fn with_database(
        database: redb::Database,
        opener: journal::Opener,
        clock: SharedClock,
    ) -> Result<Self, StoreError> {
        let mut table = Table::default();
        let journal = Journal::start(database, opener, &mut table)?;
        Ok(Self {
            table: Mutex::new(table),
            journal: Some(journal),
            clock,
            topics: Topics::default(),
            budgets: Mutex::default(),
            ledgers: Mutex::default(),
        })
    }

    /// Every key and value, for the test of what a thief would find.
    #[cfg(test)]
    pub(crate) fn dump(&self) -> Vec<u8> {
        let (table, now) = (self.table.lock(), self.clock.now());
        let pair = |key: &str| [key.as_bytes(), &*table.get(key, now).unwrap()].concat();
        table.keys(now).flat_map(pair).collect()
    }

    /// Reads one record; never waits for anything but the lock.
    fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.table.lock().get(key, self.clock.now())
    }

    /// Runs a verb. A committed one also waits when it changed nothing but may have seen what is not on disk yet.
    async fn transact<T>(
        &self,
        durability: Durability,
        verb: impl FnOnce(&mut View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.recover().await?;
        let (answer, ack) = {
            let mut table = self.table.lock();
            let mut view = table.begin(self.clock.now());
            let answer = verb(&mut view);
            let changes = view.into_changes();
            (answer, self.record(durability, changes))
        };
        if let Some(ack) = ack {
            journal::committed(ack).await?;
        }
        answer
    }

    /// Hands changes to the journal; called under the lock.
    fn record(&self, durability: Durability, changes: Vec<table::Change>) -> Option<journal::Ack> {
        let journal = self.journal.as_ref()?;
        match durability {
            Durability::Committed if !changes.is_empty() || journal.is_behind() => {
                return Some(journal.append(changes));
            }
            Durability::Soon if !changes.is_empty() => journal.append_relaxed(changes),
            Durability::Committed | Durability::Soon => {}
        }
        None
    }

    /// After a failed write, nothing is changed in memory until the file takes writes again.
    async fn recover(&self) -> Result<(), StoreError> {
        match &self.journal {
            Some(journal) if journal.is_failing() => journal::committed(journal.append(Vec::new())).await,
            Some(_) | None => Ok(()),
        }
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.recover().await
    }

    fn clock(&self) -> SharedClock {
        self.clock.clone()
    }

    async fn keep_time(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.ping().await?;
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for key in self.table.lock().keys(self.clock.now()) {
            if let Some(kind) = keys::kind(key) {
                *counts.entry(kind).or_default() += 1;
            }
        }
        Ok(counts.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect())
    }
}

fn open_file(path: &PathBuf) -> Result<redb::Database, redb::DatabaseError> {
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    redb::Database::builder().set_cache_size(FILE_CACHE_BYTES).create_file(file)
}

fn explain(path: &Path, error: &redb::DatabaseError) -> StoreError {
    let path = path.display();
    StoreError::Unavailable(if matches!(error, redb::DatabaseError::DatabaseAlreadyOpen) {
        format!(
            "the store file {path} is in use by another process; one node, one file: use Redis for replicas"
        )
    } else {
        format!("the store file {path} cannot be opened: {error}")
    })
}
