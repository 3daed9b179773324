//! Budgets, common records, values that count once, and traces.

use super::{Durability, EmbeddedStore};
use crate::adapters::{keys, records};
use crate::domain::rate::Rate;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use crate::ports::shared::{LimitStore, SharedRecord, SharedStore, TRACE_STEPS, TraceStore};
use crate::ports::store::{StoreError, Swap};
use async_trait::async_trait;
use std::time::Duration;

/// Budgets are looked through for full ones when there are more than this.
const MANY_BUDGETS: usize = 10_000;

#[async_trait]
impl LimitStore for EmbeddedStore {
    async fn admit(&self, of: &TokenHash, rate: Rate) -> Result<Option<Duration>, StoreError> {
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or(0).saturating_mul(1000);
        let mut budgets = self.budgets.lock();
        if budgets.len() > MANY_BUDGETS {
            budgets.retain(|_, used| *used > now);
        }
        match rate.take(budgets.get(of).copied().unwrap_or(0), now) {
            Ok(used) => {
                budgets.insert(*of, used);
                Ok(None)
            }
            Err(wait) => Ok(Some(wait)),
        }
    }
}

#[async_trait]
impl SharedStore for EmbeddedStore {
    async fn shared(&self, name: &str) -> Result<Option<SharedRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::shared(name)) else { return Ok(None) };
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
        let key = keys::spent(value);
        self.transact(Durability::Committed, |view| {
            let first = view.get(&key).is_none();
            if first {
                view.put(&key, b"1".to_vec(), ttl);
            }
            Ok(first)
        })
        .await
    }

    async fn unspend(&self, value: &TokenHash) -> Result<(), StoreError> {
        let key = keys::spent(value);
        self.transact(Durability::Committed, |view| {
            view.delete(&key);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl TraceStore for EmbeddedStore {
    async fn trace(&self, flow: &str, step: &str, ttl: Duration) -> Result<(), StoreError> {
        let key = keys::trace(flow);
        self.transact(Durability::Soon, |view| {
            let mut steps = steps(view.get(&key).as_deref())?;
            steps.push(step.to_owned());
            let surplus = steps.len().saturating_sub(TRACE_STEPS);
            view.put(&key, records::encode("trace", &steps.split_off(surplus))?, ttl);
            Ok(())
        })
        .await
    }

    async fn traced(&self, flow: &str) -> Result<Vec<String>, StoreError> {
        steps(self.get(&keys::trace(flow)).as_deref())
    }
}

fn steps(value: Option<&[u8]>) -> Result<Vec<String>, StoreError> {
    value.map_or_else(|| Ok(Vec::new()), |bytes| records::decode("trace", bytes))
}
