//! Limits that are lent out. One process serves this store, so all of it is in memory and nobody else borrows; the gates
//! of tests do.

use super::EmbeddedStore;
use crate::domain::lending::{Ask, Ledger, Lent};
use crate::domain::token::TokenHash;
use crate::ports::shared::LendingStore;
use crate::ports::store::StoreError;
use async_trait::async_trait;
use std::time::Duration;

/// Ledgers are looked through for idle ones when there are more than this.
const MANY_LEDGERS: usize = 10_000;

#[async_trait]
impl LendingStore for EmbeddedStore {
    async fn lend(&self, of: &TokenHash, ask: &Ask<'_>) -> Result<Lent, StoreError> {
        Ok(self.ledger(of, |ledger, now_us| ledger.lend(ask, now_us)))
    }

    async fn hold_back(&self, of: &TokenHash, pause: Duration) -> Result<(), StoreError> {
        self.ledger(of, |ledger, now_us| ledger.hold_back(pause, now_us));
        Ok(())
    }

    fn serves_replicas(&self) -> bool {
        false
    }
}

impl EmbeddedStore {
    fn ledger<T>(&self, of: &TokenHash, verb: impl FnOnce(&mut Ledger, u64) -> T) -> T {
        let now_us = u64::try_from(self.clock.now().as_millis()).unwrap_or(0).saturating_mul(1000);
        let mut ledgers = self.ledgers.lock();
        if ledgers.len() > MANY_LEDGERS {
            ledgers.retain(|_, ledger| !ledger.is_idle(now_us));
        }
        verb(ledgers.entry(*of).or_default(), now_us)
    }
}
