//! What replicas share beside the records of users: request budgets, values that count once, small common records,
//! and the traces of sign-ins.

use super::store::{StoreError, Swap};
use crate::domain::lending::{Ask, Lent};
use crate::domain::rate::Rate;
use crate::domain::secret::Sealed;
use crate::domain::token::TokenHash;
use async_trait::async_trait;
use std::time::Duration;

/// Budgets that hold across replicas.
#[async_trait]
pub(crate) trait LimitStore: Send + Sync {
    /// Takes one request out of the budget `of`; answers the wait when it is used up. Counted by the store's own
    /// clock, so replicas whose clocks differ agree.
    async fn admit(&self, of: &TokenHash, rate: Rate) -> Result<Option<Duration>, StoreError>;
}

/// Limits that hold for all replicas together, lent out so that a request seldom has to ask for its part of them.
#[async_trait]
pub(crate) trait LendingStore: Send + Sync {
    /// Lends places and units of the limit `of`, in one step and by the store's own clock. Asked again after an answer that
    /// got lost, it renews the places; the units are lost.
    async fn lend(&self, of: &TokenHash, ask: &Ask<'_>) -> Result<Lent, StoreError>;
    /// Nobody sends under the limit `of` before `pause` has passed: whoever borrows is told, and gets no units.
    async fn hold_back(&self, of: &TokenHash, pause: Duration) -> Result<(), StoreError>;
    /// Whether other processes may stand behind the same store; where not, there is nobody to share with.
    fn serves_replicas(&self) -> bool;
}

/// A sealed common record and its version (first is 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedRecord {
    pub(crate) version: u64,
    pub(crate) sealed: Sealed,
}

/// Common records and one-time values.
#[async_trait]
pub(crate) trait SharedStore: Send + Sync {
    /// The common record `name` with its version.
    async fn shared(&self, name: &str) -> Result<Option<SharedRecord>, StoreError>;
    /// Writes version `expected + 1` if `expected` stands (0 = none).
    async fn swap_shared(
        &self,
        name: &str,
        expected: u64,
        sealed: &Sealed,
        ttl: Duration,
    ) -> Result<Swap, StoreError>;
    /// Spends a value that counts once, such as the `jti` of an assertion: true for the first call only.
    async fn spend(&self, value: &TokenHash, ttl: Duration) -> Result<bool, StoreError>;
    /// Takes that back: what it was spent for was certainly not done. Only for whom [`Self::spend`] answered true.
    async fn unspend(&self, value: &TokenHash) -> Result<(), StoreError>;
}

/// Steps of sign-ins, for the operator who is shown a flow id. Never a secret, never an address.
#[async_trait]
pub(crate) trait TraceStore: Send + Sync {
    /// Adds a step to the trace `flow`; the newest 64 are kept, `ttl` after the last one.
    async fn trace(&self, flow: &str, step: &str, ttl: Duration) -> Result<(), StoreError>;
    /// The steps, oldest first; empty when there is no such trace.
    async fn traced(&self, flow: &str) -> Result<Vec<String>, StoreError>;
}

/// Steps that one trace keeps.
pub(crate) const TRACE_STEPS: usize = 64;
