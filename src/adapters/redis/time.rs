//! The time of Redis. Clocks of replicas drift apart, and a code lives for a minute only: a replica that is two minutes
//! ahead would refuse every code of the others. So all of them go by the clock of the store.

use super::RedisStore;
use crate::domain::clock::{Clock, SharedClock, Timestamp};
use crate::ports::store::StoreError;
use redis::cmd;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// This machine's clock, corrected by how far it is off.
pub(super) struct StoreTime {
    local: SharedClock,
    offset_ms: AtomicI64,
}

impl StoreTime {
    pub(super) fn new(local: SharedClock) -> Self {
        Self { local, offset_ms: AtomicI64::new(0) }
    }
}

impl Clock for StoreTime {
    fn now(&self) -> Timestamp {
        let local = self.local.now().as_millis();
        Timestamp::from_millis(local.saturating_add(self.offset_ms.load(Ordering::Relaxed)))
    }
}

impl RedisStore {
    /// Measures how far this machine's clock is off.
    pub(super) async fn measure(&self) -> Result<(), StoreError> {
        // A cluster has many clocks; the node that has a certain slot is asked, by every replica of ours alike.
        let asked = self.time.local.now();
        let (seconds, micros): (i64, i64) = self.links.read(&cmd("TIME")).await?;
        // The answer was true somewhere between question and arrival.
        let half: Duration = self.time.local.now().since(asked) / 2;
        let here = asked.plus(half).as_millis();
        let there = seconds.saturating_mul(1000).saturating_add(micros / 1000);
        self.time.offset_ms.store(there.saturating_sub(here), Ordering::Relaxed);
        Ok(())
    }
}
