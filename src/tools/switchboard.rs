//! The operators' switches: kept in the store, applied by every replica.
//!
//! The record in the store is the truth. Whoever turns a switch writes the record and says so on the bus; every replica
//! reads the record again, applies it, and only then lets its fronts tell their listeners, who may ask at once.

use crate::domain::cipher::{Cipher, OpenError};
use crate::domain::secret::Sealed;
use crate::domain::switches::{Applied, Switch, SwitchedOff, Switches};
use crate::ports::hearing::{Hears, follow};
use crate::ports::store::{Store, StoreError, Swap};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

/// Name of the record, of its seal and of the topic on which its changes are announced.
const RECORD: &str = "switches";
/// Every record has an end of life; what an operator switched off must not come back by itself.
const RECORD_LIFE: Duration = Duration::from_hours(3650 * 24);
/// Operators who may turn switches at the same moment.
const SWAP_ATTEMPTS: usize = 8;
/// Pause before a store that failed is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// This replica's side of it.
pub(crate) struct Switchboard {
    store: Arc<dyn Store>,
    cipher: Cipher,
    switches: Arc<Switches>,
    /// The version applied last; one reader of the record at a time, so that versions only grow.
    applied: watch::Sender<u64>,
    reading: Mutex<()>,
}

impl Switchboard {
    /// Applies what is announced from now on. Must run inside a runtime.
    pub(crate) fn start(store: Arc<dyn Store>, cipher: Cipher, switches: Arc<Switches>) -> Arc<Self> {
        let notes = store.subscribe(RECORD);
        let applied = watch::Sender::new(0);
        let board = Arc::new(Self { store, cipher, switches, applied, reading: Mutex::default() });
        follow(notes, &board);
        board
    }

    /// Reads the record and applies it, if it is newer than what is applied.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let _one_reader = self.reading.lock().await;
        let Some((version, off)) = self.record().await? else { return Ok(()) };
        if version != self.switches.now().version {
            tracing::info!(version, "switches applied");
            self.switches.apply(Applied { version, off });
            self.applied.send_replace(version);
        }
        Ok(())
    }

    /// Turns a switch for all replicas. Applied here when this returns, elsewhere as soon as the bus has told. Turning
    /// it once more announces it once more.
    pub(crate) async fn turn(&self, switch: &Switch, on: bool) -> Result<(), StoreError> {
        self.write(switch, on).await?;
        self.store.publish(RECORD, Bytes::new()).await?;
        self.refresh().await
    }

    async fn write(&self, switch: &Switch, on: bool) -> Result<(), StoreError> {
        for _ in 0..SWAP_ATTEMPTS {
            let (version, standing) = self.record().await?.unwrap_or_default();
            let mut wanted = standing.clone();
            wanted.turn(switch, on);
            if wanted == standing {
                return Ok(());
            }
            // Names have no way to fail.
            let sealed = self.cipher.seal(RECORD, &serde_json::to_vec(&wanted).unwrap_or_default());
            if self.store.swap_shared(RECORD, version, &sealed, RECORD_LIFE).await? == Swap::Done {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("the switches are being turned by others".to_owned()))
    }

    /// Versions as they are applied here.
    pub(crate) fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    pub(crate) fn switches(&self) -> &Arc<Switches> {
        &self.switches
    }

    async fn record(&self) -> Result<Option<(u64, SwitchedOff)>, StoreError> {
        let Some(record) = self.store.shared(RECORD).await? else { return Ok(None) };
        self.opened(&record.sealed).map(|off| Some((record.version, off)))
    }

    /// What does not open leaves the switches as they are: neither a forger nor a key that this replica does not know
    /// turns anything back on.
    fn opened(&self, sealed: &Sealed) -> Result<SwitchedOff, StoreError> {
        let unreadable = |reason: String| StoreError::Corrupt { record: RECORD, reason };
        let plain =
            self.cipher.open(RECORD, sealed).map_err(|error: OpenError| unreadable(error.to_string()))?;
        serde_json::from_slice(&plain).map_err(|_| unreadable("it is no list of names".to_owned()))
    }

    /// Reads until the store answers.
    async fn refresh_at_last(&self) {
        while let Err(error) = self.refresh().await {
            if matches!(error, StoreError::Corrupt { .. }) {
                tracing::error!(%error, "the switches stay as they are");
                return;
            }
            tracing::warn!(%error, "the switches cannot be read");
            sleep(PAUSE).await;
        }
    }
}

#[async_trait]
impl Hears for Switchboard {
    async fn heard(&self, _: Bytes) {
        self.refresh_at_last().await;
    }

    async fn missed(&self) {
        self.refresh_at_last().await;
    }
}
