//! Values that count once at whichever replica they arrive, such as the `jti` of a signed statement.

use crate::domain::token::Hasher;
use crate::ports::store::{Store, StoreError};
use std::time::Duration;

/// Spends `value` for `life`; true for the first call only.
///
/// It is noted under every key of the ring: replicas that are about to get a new key have different first ones, and
/// what one of them saw counts at the others.
pub(super) async fn spend(
    store: &dyn Store,
    hasher: &Hasher,
    (purpose, value): (&str, &str),
    life: Duration,
) -> Result<bool, StoreError> {
    let mut is_first = true;
    for place in hasher.hashes(purpose, value) {
        is_first &= store.spend(&place, life).await?;
    }
    Ok(is_first)
}
