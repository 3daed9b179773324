//! Budgets, common records, values that count once, and traces.

use super::{RedisStore, millis};
use crate::adapters::{keys, records};
use crate::domain::rate::Rate;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use crate::ports::shared::{LimitStore, SharedRecord, SharedStore, TRACE_STEPS, TraceStore};
use crate::ports::store::{StoreError, Swap};
use async_trait::async_trait;
use redis::{Cmd, cmd};
use std::time::Duration;

#[async_trait]
impl LimitStore for RedisStore {
    async fn admit(&self, of: &TokenHash, rate: Rate) -> Result<Option<Duration>, StoreError> {
        let mut call = self.scripts.admit.call();
        call.key(keys::limit(of)).arg(rate.cost_us()).arg(rate.depth_us());
        let wait_us: u64 = self.links.script(&call).await?;
        Ok((wait_us > 0).then(|| Duration::from_micros(wait_us)))
    }
}

#[async_trait]
impl SharedStore for RedisStore {
    async fn shared(&self, name: &str) -> Result<Option<SharedRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::shared(name)).await? else { return Ok(None) };
        records::shared(&bytes)
    }

    async fn swap_shared(
        &self,
        name: &str,
        expected: u64,
        sealed: &Sealed,
        ttl: Duration,
    ) -> Result<Swap, StoreError> {
        self.swap(&keys::shared(name), expected, sealed, ttl).await
    }

    async fn spend(&self, value: &TokenHash, ttl: Duration) -> Result<bool, StoreError> {
        let mut set = cmd("SET");
        set.arg(keys::spent(value)).arg("1").arg("NX").arg("PX").arg(millis(ttl));
        let first: Option<String> = self.links.write_kept(&set).await?;
        Ok(first.is_some())
    }

    async fn unspend(&self, value: &TokenHash) -> Result<(), StoreError> {
        self.links.write_kept(&Cmd::del(keys::spent(value))).await
    }
}

#[async_trait]
impl TraceStore for RedisStore {
    async fn trace(&self, flow: &str, step: &str, ttl: Duration) -> Result<(), StoreError> {
        let mut call = self.scripts.trace.call();
        call.key(keys::trace(flow)).arg(step).arg(TRACE_STEPS).arg(millis(ttl));
        self.links.script(&call).await
    }

    async fn traced(&self, flow: &str) -> Result<Vec<String>, StoreError> {
        self.links.read(&Cmd::lrange(keys::trace(flow), 0, -1)).await
    }
}
