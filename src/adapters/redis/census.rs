//! Counting records, for `entrada check`. Scanning may take long, so it uses a pooled connection of its own and
//! never stands in front of a look-up.

use super::link::{Links, explain};
use crate::adapters::keys;
use crate::ports::store::StoreError;
use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime, Timeouts};
use redis::cmd;
use std::collections::BTreeMap;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(2);
const KEYS_PER_STEP: usize = 1000;

/// Number of live records of each kind. A scan may count a record twice that moves meanwhile.
pub(super) async fn count(links: &Links) -> Result<Vec<(String, u64)>, StoreError> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut scan = Scan::start(links).await?;
    while let Some(found) = scan.next().await? {
        for kind in found.iter().filter_map(|key| keys::kind(key)) {
            *counts.entry(kind).or_default() += 1;
        }
    }
    Ok(counts.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect())
}

/// A walk over all keys.
pub(super) struct Scan {
    connection: Connection,
    /// Where to go on; `None` at the end.
    cursor: Option<u64>,
}

impl Scan {
    pub(super) async fn start(links: &Links) -> Result<Self, StoreError> {
        let connection = pool(links)?.get().await.map_err(|error| refuse(&error))?;
        Ok(Self { connection, cursor: Some(0) })
    }

    /// The next keys, maybe none; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<String>>, StoreError> {
        let Some(cursor) = self.cursor else { return Ok(None) };
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(keys::ALL).arg("COUNT").arg(KEYS_PER_STEP);
        let answer = scan.query_async(&mut self.connection).await;
        let (next, found): (u64, Vec<String>) = answer.map_err(|error| explain(&error))?;
        self.cursor = (next != 0).then_some(next);
        Ok(Some(found))
    }

    /// The values of `keys`, in their order, read in one round trip.
    pub(super) async fn values(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut gets = redis::pipe();
        for key in keys {
            gets.get(key);
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        gets.query_async(&mut self.connection).await.map_err(|error| explain(&error))
    }
}

fn pool(links: &Links) -> Result<Pool, StoreError> {
    let info = links.client().get_connection_info().clone();
    let manager = Manager::new(info).map_err(|error| explain(&error))?;
    let timeouts = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) };
    Pool::builder(manager)
        .max_size(1)
        .timeouts(timeouts)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| StoreError::Unavailable(format!("the pool cannot be built: {error}")))
}

fn refuse(error: &PoolError) -> StoreError {
    if let PoolError::Backend(error) = error {
        return explain(error);
    }
    StoreError::Unavailable("Redis did not answer in time".to_owned())
}
