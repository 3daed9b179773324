//! The sweep that brings records under the active key after a rotation, while the server works.

use crate::domain::cipher::Cipher;
use crate::domain::random;
use crate::ports::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two sweeps: a replica that still wrote with the old key may have followed the first.
const AGAIN: Duration = Duration::from_hours(6);
const RETRY: Duration = Duration::from_secs(30);
/// One replica sweeps; the lease outlives a sweep of many records.
const LEASE: &str = "reseal";
const LEASE_LIFE: Duration = Duration::from_mins(30);

/// Sweeps `pause` after the start, and again now and then, until the process ends. Replicas that do not know the active
/// key yet are not to be left behind: the pause is the time for them to be replaced.
pub(super) fn keep(store: Arc<dyn Store>, cipher: Cipher, pause: Duration, stop: CancellationToken) {
    actix_web::rt::spawn(async move {
        let owner = random::text::<12>();
        let mut wait = pause;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = match sweep(store.as_ref(), &cipher, &owner).await {
                Ok(()) => AGAIN,
                Err(error) => {
                    tracing::warn!(%error, "records cannot be brought under the active key now");
                    RETRY
                }
            };
        }
    });
}

async fn sweep(store: &dyn Store, cipher: &Cipher, owner: &str) -> Result<(), StoreError> {
    if !store.try_lease(LEASE, owner, LEASE_LIFE).await? {
        return Ok(());
    }
    let swept = store.reseal(cipher).await;
    store.release_lease(LEASE, owner).await?;
    let swept = swept?;
    tracing::info!(
        target: "audit", event = "resealed", key = cipher.active(), done = swept.done,
        overtaken = swept.overtaken, left = swept.left, "resealed"
    );
    Ok(())
}
