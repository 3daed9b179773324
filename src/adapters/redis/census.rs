//! Counting records, for `entrada check`. Scanning may take long, so it uses a pooled connection of its own and
//! never stands in front of a look-up.

use super::link::{Links, explain};
use crate::adapters::keys;
use crate::ports::store::StoreError;
use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};
use redis::cmd;
use std::collections::BTreeMap;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(2);
const KEYS_PER_STEP: usize = 1000;

/// Number of live records of each kind. A scan may count a record twice that moves meanwhile.
pub(super) async fn count(links: &Links) -> Result<Vec<(String, u64)>, StoreError> {
    let mut connection = pool(links)?.get().await.map_err(|error| refuse(&error))?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(keys::ALL).arg("COUNT").arg(KEYS_PER_STEP);
        let (next, found): (u64, Vec<String>) =
            scan.query_async(&mut connection).await.map_err(|error| explain(&error))?;
        for kind in found.iter().filter_map(|key| keys::kind(key)) {
            *counts.entry(kind).or_default() += 1;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(counts.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect());
        }
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
