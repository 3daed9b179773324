//! Sealed Entra records and leases.

use super::{Durability, EmbeddedStore};
use crate::adapters::keys;
use crate::adapters::records::{self, Marked};
use crate::domain::ids::UserKey;
use crate::domain::secret::Sealed;
use crate::ports::store::{LeaseStore, StoreError, Swap, UpstreamRecord, UpstreamStore};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl UpstreamStore for EmbeddedStore {
    async fn upstream(&self, user: &UserKey) -> Result<Option<UpstreamRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::upstream(user)) else { return Ok(None) };
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

    async fn forget_upstream(&self, user: &UserKey, died: u64) -> Result<Swap, StoreError> {
        let key = keys::upstream(user);
        self.transact(Durability::Committed, |view| {
            let current = version(view.get(&key).as_deref())?;
            if current != died {
                return Ok(Swap::Conflict { current });
            }
            view.put(&key, records::used(current.cast_signed(), b""), records::COUNT_LIFE);
            Ok(Swap::Done)
        })
        .await
    }
}

impl EmbeddedStore {
    /// Writes version `expected + 1` of a sealed record, if `expected` stands.
    pub(super) async fn swap(
        &self,
        key: &str,
        expected: u64,
        sealed: &Sealed,
        ttl: Duration,
    ) -> Result<Swap, StoreError> {
        self.transact(Durability::Committed, |view| {
            let current = version(view.get(key).as_deref())?;
            if current != expected {
                return Ok(Swap::Conflict { current });
            }
            view.put(key, records::live((current + 1).cast_signed(), sealed.as_bytes()), ttl);
            Ok(Swap::Done)
        })
        .await
    }
}

/// The version that stands, with or without a body; 0 for none.
fn version(value: Option<&[u8]>) -> Result<u64, StoreError> {
    let Some(value) = value else { return Ok(0) };
    let (Marked::Live { number, .. } | Marked::Used { number, .. }) =
        records::unmark("upstream record", value)?;
    Ok(number.unsigned_abs())
}

#[async_trait]
impl LeaseStore for EmbeddedStore {
    async fn try_lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let key = keys::lease(name);
        self.transact(Durability::Soon, |view| {
            let free = view.get(&key).is_none();
            if free {
                view.put(&key, owner.as_bytes().to_vec(), ttl);
            }
            Ok(free)
        })
        .await
    }

    async fn renew_lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, StoreError> {
        let key = keys::lease(name);
        self.transact(Durability::Soon, |view| {
            let held = view.get(&key).is_some_and(|holder| *holder == *owner.as_bytes());
            if held {
                view.put(&key, owner.as_bytes().to_vec(), ttl);
            }
            Ok(held)
        })
        .await
    }

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let key = keys::lease(name);
        self.transact(Durability::Soon, |view| {
            if view.get(&key).is_some_and(|holder| *holder == *owner.as_bytes()) {
                view.delete(&key);
            }
            Ok(())
        })
        .await
    }
}
