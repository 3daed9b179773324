//! How replicas see that work of another goes on: a lease that its runner renews. Work whose lease ran out is nobody's,
//! and the first replica that notices inherits it, to say how it ended.

use crate::domain::random;
use crate::ports::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long work outlives its replica in the eyes of others.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// How often its runner says that it lives, and how soon again when the store did not take it.
const BEAT: Duration = Duration::from_secs(4);
const RETRY: Duration = Duration::from_millis(250);

/// A runner's hold on its work.
pub(super) struct Hold {
    store: Arc<dyn Store>,
    name: String,
    holder: String,
}

impl Hold {
    pub(super) fn new(store: &Arc<dyn Store>, name: String) -> Self {
        Self { store: Arc::clone(store), name, holder: random::text::<12>() }
    }

    /// Begins to hold.
    pub(super) async fn take(&self) -> Result<(), StoreError> {
        self.store.try_lease(&self.name, &self.holder, LEASE).await.map(drop)
    }

    /// Says again and again that the work goes on; never ends.
    pub(super) async fn keep(&self) {
        let mut pause = BEAT;
        loop {
            sleep(pause).await;
            let held = match self.store.renew_lease(&self.name, &self.holder, LEASE).await {
                // It ran out, as when this process or the store stood still.
                Ok(false) => self.store.try_lease(&self.name, &self.holder, LEASE).await,
                renewed => renewed,
            };
            pause = if matches!(held, Ok(true)) { BEAT } else { RETRY };
        }
    }

    /// The work has ended, and said so.
    pub(super) async fn release(&self) {
        if let Err(error) = self.store.release_lease(&self.name, &self.holder).await {
            tracing::debug!(%error, "the lease of work that ended runs out by itself");
        }
    }
}

/// Whether nobody runs the work any more; true for one replica only, which has [`LEASE`] to say how it ended.
pub(super) async fn inherit(store: &dyn Store, name: &str) -> Result<bool, StoreError> {
    store.try_lease(name, &random::text::<12>(), LEASE).await
}
