//! Sealed Entra records and leases.

use super::{RedisStore, millis};
use crate::adapters::keys;
use crate::adapters::records;
use crate::domain::ids::UserKey;
use crate::domain::secret::Sealed;
use crate::ports::store::{LeaseStore, StoreError, Swap, UpstreamRecord, UpstreamStore};
use async_trait::async_trait;
use redis::cmd;
use std::time::Duration;

#[async_trait]
impl UpstreamStore for RedisStore {
    async fn upstream(&self, user: &UserKey) -> Result<Option<UpstreamRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::upstream(user)).await? else { return Ok(None) };
        records::upstream(&bytes)
    }

    async fn swap_upstream(
        &self,
        user: &UserKey,
        expected: u64,
        sealed: &Sealed,
        ttl: Duration,
    ) -> Result<Swap, StoreError> {
        self.swap(&keys::upstream(user), expected, sealed, ttl).await
    }

    async fn forget_upstream(&self, user: &UserKey, version: u64) -> Result<Swap, StoreError> {
        let mut call = self.scripts.forget_upstream.call();
        call.key(keys::upstream(user)).arg(version).arg(millis(records::COUNT_LIFE));
        self.links.script_again_kept(&call).await.map(swapped)
    }
}

impl RedisStore {
    /// Writes version `expected + 1` of a sealed record, if `expected` stands.
    pub(super) async fn swap(
        &self,
        key: &str,
        expected: u64,
        sealed: &Sealed,
        ttl: Duration,
    ) -> Result<Swap, StoreError> {
        let mut call = self.scripts.swap_upstream.call();
        call.key(key).arg(expected).arg(sealed.as_bytes());
        call.arg(millis(ttl)).arg(expected.saturating_add(1));
        // A second run of the same swap is told of its own version, which callers take for somebody else's newer one.
        self.links.script_again_kept(&call).await.map(swapped)
    }
}

/// The answer of the scripts that compare versions: the one that stands, or -1.
fn swapped(standing: i64) -> Swap {
    u64::try_from(standing).map_or(Swap::Done, |current| Swap::Conflict { current })
}

#[async_trait]
impl LeaseStore for RedisStore {
    async fn try_lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let mut set = cmd("SET");
        set.arg(keys::lease(name)).arg(owner).arg("NX").arg("PX").arg(millis(ttl));
        let taken: Option<String> = self.links.write(&set).await?;
        Ok(taken.is_some())
    }

    async fn renew_lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let mut call = self.scripts.renew_lease.call();
        call.key(keys::lease(name)).arg(owner).arg(millis(ttl));
        let renewed: i64 = self.links.script_again(&call).await?;
        Ok(renewed == 1)
    }

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let mut call = self.scripts.release_lease.call();
        call.key(keys::lease(name)).arg(owner);
        self.links.script(&call).await
    }
}
