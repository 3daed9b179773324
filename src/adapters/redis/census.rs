//! Walks over all keys, for `entrada check`, operators and the sweep of old keys. They may take long, so each uses a
//! pooled connection of its own (`deadpool-redis`) and never stands in front of a look-up. In a cluster they go from
//! master to master.

use super::cluster::Shard;
use super::errors::explain;
use super::link::Links;
use super::node::{Node, TIMEOUT};
use crate::adapters::keys;
use crate::ports::store::StoreError;
use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime, Timeouts};
use redis::cmd;
use std::collections::BTreeMap;

/// Keys that one step looks at; Redis does nothing else meanwhile.
const KEYS_PER_STEP: usize = 500;

/// Number of live records of each kind. A scan may count a record twice that moves meanwhile.
pub(super) async fn count(links: &Links) -> Result<Vec<(String, u64)>, StoreError> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut scan = Scan::start(links, keys::ALL).await?;
    while let Some(found) = scan.next().await? {
        for kind in found.iter().filter_map(|key| keys::kind(key)) {
            *counts.entry(kind).or_default() += 1;
        }
    }
    Ok(counts.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect())
}

/// A walk over the keys that match a pattern.
pub(super) struct Scan {
    pattern: String,
    /// What is left; the first one is under way, from `cursor` on.
    shards: std::vec::IntoIter<Shard>,
    at: Option<(Shard, Connection)>,
    cursor: u64,
}

impl Scan {
    pub(super) async fn start(links: &Links, pattern: &str) -> Result<Self, StoreError> {
        let shards = links.shards().await?.into_iter();
        let mut scan = Self { pattern: pattern.to_owned(), shards, at: None, cursor: 0 };
        scan.go_on().await?;
        Ok(scan)
    }

    /// Goes on where [`Scan::place`] said; `None` when that is no place of this store.
    pub(super) async fn resume(
        links: &Links,
        pattern: &str,
        place: &str,
    ) -> Result<Option<Self>, StoreError> {
        let Some(place) = Place::read(place) else { return Ok(None) };
        let mut shards = links.shards().await?.into_iter();
        let Some(shard) = shards.find(|shard| shard.first_slot == place.first_slot) else { return Ok(None) };
        // Another master has these slots now, and keeps its keys in another order: from the start, so none is missed.
        let cursor = if short(&shard.id) == place.id { place.cursor } else { 0 };
        let connection = connect(&shard.node).await?;
        Ok(Some(Self { pattern: pattern.to_owned(), shards, at: Some((shard, connection)), cursor }))
    }

    /// The next keys, maybe none; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<String>>, StoreError> {
        let Some((_, connection)) = &mut self.at else { return Ok(None) };
        let mut scan = cmd("SCAN");
        scan.arg(self.cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(KEYS_PER_STEP);
        let answer = scan.query_async(connection).await;
        let (next, found): (u64, Vec<String>) = answer.map_err(|error| explain(&error))?;
        self.cursor = next;
        if next == 0 {
            self.go_on().await?;
        }
        Ok(Some(found))
    }

    async fn go_on(&mut self) -> Result<(), StoreError> {
        self.at = match self.shards.next() {
            None => None,
            Some(shard) => {
                let connection = connect(&shard.node).await?;
                Some((shard, connection))
            }
        };
        Ok(())
    }

    /// Where it stands; `None` at the end.
    pub(super) fn place(&self) -> Option<String> {
        let (shard, _) = self.at.as_ref()?;
        Some(Place { first_slot: shard.first_slot, id: &short(&shard.id), cursor: self.cursor }.written())
    }
}

/// A place in a walk: which master, by its first slot and its name, and the cursor there.
struct Place<'a> {
    first_slot: u16,
    id: &'a str,
    cursor: u64,
}

impl<'a> Place<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split('-');
        let (first_slot, id, cursor) = (parts.next()?, parts.next()?, parts.next()?);
        let place = Self { first_slot: first_slot.parse().ok()?, id, cursor: cursor.parse().ok()? };
        parts.next().is_none().then_some(place)
    }

    fn written(&self) -> String {
        format!("{}-{}-{}", self.first_slot, self.id, self.cursor)
    }
}

/// Enough of a node's name or address to know it again.
fn short(id: &str) -> String {
    let mut end: Vec<char> = id.chars().rev().filter(char::is_ascii_alphanumeric).take(16).collect();
    end.reverse();
    end.into_iter().collect()
}

async fn connect(node: &Node) -> Result<Connection, StoreError> {
    let info = node.client().get_connection_info().clone();
    let manager = Manager::new(info).map_err(|error| explain(&error))?;
    let timeouts = Timeouts { wait: Some(TIMEOUT), create: Some(TIMEOUT), recycle: Some(TIMEOUT) };
    let pool = Pool::builder(manager).max_size(1).timeouts(timeouts).runtime(Runtime::Tokio1).build();
    let pool = pool.map_err(|error| StoreError::Unavailable(format!("the pool cannot be built: {error}")))?;
    pool.get().await.map_err(|error| refuse(&error))
}

fn refuse(error: &PoolError) -> StoreError {
    if let PoolError::Backend(error) = error {
        return explain(error);
    }
    StoreError::Unavailable("Redis did not answer in time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place::read("5461-07c37dfe-42").unwrap();
        assert_eq!((place.first_slot, place.id, place.cursor), (5461, "07c37dfe", 42));
        assert_eq!(place.written(), "5461-07c37dfe-42");
        assert_eq!(Place::read("0--7").unwrap().written(), "0--7", "a Redis by itself has no names");
        for foreign in ["", "7", "a-b-c", "1-x", "1-x-", "1-x-2-3", "99999-x-1"] {
            assert!(Place::read(foreign).is_none(), "{foreign}");
        }
        assert_eq!(short("07c37dfeb235213a872192d90877d0cd55635b91"), "90877d0cd55635b91"[1..]);
        assert_eq!(short("127.0.0.1:1"), "1270011");
        assert_eq!(short(""), "");
    }
}
