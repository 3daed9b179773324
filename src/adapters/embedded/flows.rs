//! Pending authorizations and consents.

use super::{Durability, EmbeddedStore};
use crate::adapters::keys;
use crate::adapters::records::{self, Marked};
use crate::domain::ids::UserKey;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use crate::ports::store::{FlowStore, StoreError, Taken};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl FlowStore for EmbeddedStore {
    async fn put_flow(&self, flow: &TokenHash, value: &Sealed, ttl: Duration) -> Result<(), StoreError> {
        self.put(keys::flow(flow), value.as_bytes().to_vec(), ttl).await
    }

    async fn flow(&self, flow: &TokenHash) -> Result<Option<Sealed>, StoreError> {
        Ok(self.get(&keys::flow(flow)).map(|bytes| Sealed::from_bytes(bytes.to_vec())))
    }

    async fn settle_flow(
        &self,
        flow: &TokenHash,
        decision: &Sealed,
        ttl: Duration,
    ) -> Result<Sealed, StoreError> {
        let key = keys::decision(flow);
        self.transact(Durability::Committed, |view| {
            if let Some(first) = view.get(&key) {
                return Ok(Sealed::from_bytes(first.to_vec()));
            }
            view.put(&key, decision.as_bytes().to_vec(), ttl);
            Ok(decision.clone())
        })
        .await
    }

    async fn put_state(&self, state: &TokenHash, value: &Sealed, ttl: Duration) -> Result<(), StoreError> {
        self.put(keys::state(state), records::live(0, value.as_bytes()), ttl).await
    }

    async fn take_state(&self, state: &TokenHash) -> Result<Taken<Sealed>, StoreError> {
        let key = keys::state(state);
        self.transact(Durability::Committed, |view| {
            let Some(bytes) = view.get(&key) else { return Ok(Taken::Unknown) };
            match records::unmark("state", &bytes)? {
                Marked::Used { .. } => Ok(Taken::Replayed),
                Marked::Live { body, .. } => {
                    view.put(&key, records::used(0, b""), records::TOMBSTONE_LIFE);
                    Ok(Taken::First(Sealed::from_bytes(body.to_vec())))
                }
            }
        })
        .await
    }

    async fn remember_consent(
        &self,
        user: &UserKey,
        digest: &TokenHash,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.put(keys::consent(user, digest), b"1".to_vec(), ttl).await
    }

    async fn has_consent(&self, user: &UserKey, digest: &TokenHash) -> Result<bool, StoreError> {
        Ok(self.get(&keys::consent(user, digest)).is_some())
    }
}

impl EmbeddedStore {
    /// Stores one record durably.
    pub(super) async fn put(&self, key: String, value: Vec<u8>, ttl: Duration) -> Result<(), StoreError> {
        self.transact(Durability::Committed, |view| {
            view.put(&key, value, ttl);
            Ok(())
        })
        .await
    }
}
