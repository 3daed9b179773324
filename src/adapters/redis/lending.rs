//! Limits that replicas share by lending.

use super::RedisStore;
use crate::adapters::keys;
use crate::domain::lending::{Ask, Lent};
use crate::domain::token::TokenHash;
use crate::ports::shared::LendingStore;
use crate::ports::store::StoreError;
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl LendingStore for RedisStore {
    async fn lend(&self, of: &TokenHash, ask: &Ask<'_>) -> Result<Lent, StoreError> {
        let (places, units) = (ask.places, ask.units);
        let mut call = self.scripts.lend.call();
        call.key(keys::gate(of)).arg(ask.holder);
        call.arg(places.want).arg(places.have).arg(places.limit).arg(micros(ask.lease));
        call.arg(units.need).arg(units.want).arg(units.quota.interval_us()).arg(units.quota.period_us());
        let (places, waiting, units, wait, held_back): (u32, u32, u32, u64, u64) =
            self.links.script(&call).await?;
        Ok(Lent {
            places,
            others_wait: waiting > 0,
            units,
            wait: Duration::from_micros(wait),
            held_back: Duration::from_micros(held_back),
        })
    }

    async fn hold_back(&self, of: &TokenHash, pause: Duration) -> Result<(), StoreError> {
        let mut call = self.scripts.hold_back.call();
        call.key(keys::gate(of)).arg(micros(pause));
        // A pause that is ordered twice ends a moment later.
        self.links.script_again(&call).await
    }

    fn serves_replicas(&self) -> bool {
        true
    }
}

/// As the scripts take it; a year at most, which a number of Lua still counts exactly.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).clamp(1, 365 * 24 * 3600 * 1_000_000)
}
