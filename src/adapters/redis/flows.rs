//! Pending authorizations and consents.

use super::{RedisStore, millis};
use crate::adapters::{keys, records};
use crate::domain::ids::UserKey;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use crate::ports::store::{FlowStore, StoreError, Taken};
use async_trait::async_trait;
use redis::{Cmd, cmd};
use std::time::Duration;

#[async_trait]
impl FlowStore for RedisStore {
    async fn put_flow(&self, flow: &TokenHash, value: &Sealed, ttl: Duration) -> Result<(), StoreError> {
        self.put(&keys::flow(flow), value.as_bytes(), ttl).await
    }

    async fn flow(&self, flow: &TokenHash) -> Result<Option<Sealed>, StoreError> {
        Ok(self.get(&keys::flow(flow)).await?.map(Sealed::from_bytes))
    }

    async fn settle_flow(
        &self,
        flow: &TokenHash,
        decision: &Sealed,
        ttl: Duration,
    ) -> Result<Sealed, StoreError> {
        // NX with GET (Redis 7) is the whole verb in one command, and may be repeated.
        let mut set = cmd("SET");
        set.arg(keys::decision(flow)).arg(decision.as_bytes()).arg("NX").arg("GET");
        set.arg("PX").arg(millis(ttl));
        let first: Option<Vec<u8>> = self.links.read(&set).await?;
        Ok(first.map_or_else(|| decision.clone(), Sealed::from_bytes))
    }

    async fn put_state(&self, state: &TokenHash, value: &Sealed, ttl: Duration) -> Result<(), StoreError> {
        self.put(&keys::state(state), &records::live(0, value.as_bytes()), ttl).await
    }

    async fn take_state(&self, state: &TokenHash) -> Result<Taken<Sealed>, StoreError> {
        let mut call = self.scripts.take_state.call();
        call.key(keys::state(state)).arg(millis(records::TOMBSTONE_LIFE));
        let (outcome, body): (u8, Vec<u8>) = self.links.script_kept(&call).await?;
        Ok(match outcome {
            0 => Taken::Unknown,
            1 => Taken::First(Sealed::from_bytes(body)),
            _ => Taken::Replayed,
        })
    }

    async fn remember_consent(
        &self,
        user: &UserKey,
        digest: &TokenHash,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.put(&keys::consent(user, digest), b"1", ttl).await
    }

    async fn has_consent(&self, user: &UserKey, digest: &TokenHash) -> Result<bool, StoreError> {
        self.links.read(&Cmd::exists(keys::consent(user, digest))).await
    }
}
