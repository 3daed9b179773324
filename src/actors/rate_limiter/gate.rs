//! The limiter behind its port: the way of a request, and the announcements of other replicas.

use super::entry::{Entry, Taken, Why};
use super::table::Table;
use super::{GateSettings, GraphRateLimiter, Look, LookAtAll, MAILBOX, Penalise, TOPIC};
use crate::actors::ask::Handle;
use crate::actors::guardian::Guardian;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::random;
use crate::domain::token::Hasher;
use crate::ports::gate::{GateKey, Permit, RateGate, Throttled};
use crate::ports::hearing::{Hears, follow};
use crate::ports::store::Store;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// How long a request waits for an answer of the actor before it asks again; messages may be lost when it is rebuilt.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// What a request is told whose patience ended in a queue.
const CROWDED: Throttled = Throttled { retry_after: Duration::from_secs(1) };

/// The limiter behind its port.
pub(crate) struct GraphGate {
    desk: Arc<Desk>,
}

/// What requests and announcements turn to.
pub(super) struct Desk {
    pub(super) table: Arc<Table>,
    handle: Handle<GraphRateLimiter>,
    holder: Arc<str>,
}

impl GraphGate {
    /// Must run inside an actix system.
    pub(in crate::actors) fn start(
        settings: GateSettings,
        clock: SharedClock,
        hasher: Hasher,
        store: &Arc<dyn Store>,
        guardian: &mut Guardian,
    ) -> Self {
        let shared = store.serves_replicas();
        Self::with(Table::new(settings, hasher, clock, shared), store, guardian)
    }

    pub(super) fn with(table: Table, store: &Arc<dyn Store>, guardian: &mut Guardian) -> Self {
        let holder: Arc<str> = random::text::<12>().into();
        let table = Arc::new(table);
        let (known, lender, name) = (table.clone(), store.clone(), holder.clone());
        let handle = guardian.start("graph_rate_limiter", (MAILBOX, Duration::from_secs(1)), move || {
            GraphRateLimiter::new(known.clone(), lender.clone(), name.clone())
        });
        let desk = Arc::new(Desk { table, handle, holder });
        if desk.table.shared {
            follow(store.subscribe(TOPIC), &desk);
        }
        Self { desk }
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.desk.table
    }

    #[cfg(test)]
    pub(super) fn is_alive(&self) -> bool {
        self.desk.handle.is_alive()
    }
}

impl Desk {
    fn now(&self) -> Timestamp {
        self.table.clock.now()
    }

    /// Lets the actor look at an entry. A message that is lost is sent again by who waits.
    fn look(&self, entry: &Arc<Entry>, why: Why) {
        let _ = self.handle.tell(Look { entry: entry.clone(), why });
    }

    async fn units(&self, entry: &Arc<Entry>, units: u32, deadline: Instant) -> Result<(), Throttled> {
        loop {
            let now = self.now();
            let wait = match entry.pause(now) {
                Some(wait) => wait,
                None => match entry.take(units, now, self.table.alone()) {
                    Taken::Yes => return Ok(()),
                    Taken::Wait(wait) => wait,
                    Taken::Borrow => {
                        self.borrow(entry, units, deadline).await?;
                        continue;
                    }
                },
            };
            wait_within(deadline, wait).await?;
        }
    }

    /// Lets more be borrowed, and waits for news of it.
    async fn borrow(&self, entry: &Arc<Entry>, units: u32, deadline: Instant) -> Result<(), Throttled> {
        let mut news = std::pin::pin!(entry.news.notified());
        news.as_mut().enable();
        // A place is asked for in the same breath, if none is free.
        let _waiting = entry.waits_for(units, entry.slots.available_permits() == 0);
        self.look(entry, Why::Wanted);
        let left = left(deadline)?;
        // Without an answer the next round asks again.
        let _ = tokio::time::timeout(left.min(ASK_AGAIN), news).await;
        Ok(())
    }

    async fn place(self: &Arc<Self>, entry: &Arc<Entry>, deadline: Instant) -> Result<Held, Throttled> {
        loop {
            let slot = match entry.slots.clone().try_acquire_owned() {
                Ok(slot) => slot,
                Err(_) => self.queue(entry, deadline).await?,
            };
            let now = self.now();
            if entry.has_lapsed(now) && !self.table.alone() {
                entry.forget(slot);
                continue;
            }
            entry.occupy();
            let held = Held { slot: Some(slot), entry: entry.clone(), desk: self.clone() };
            // Graph may have said 429 to those ahead while this one queued.
            let Some(wait) = entry.pause(now) else { return Ok(held) };
            drop(held);
            wait_within(deadline, wait).await?;
        }
    }

    /// Waits for a place.
    async fn queue(&self, entry: &Arc<Entry>, deadline: Instant) -> Result<OwnedSemaphorePermit, Throttled> {
        let _waiting = entry.waits_for(0, true);
        let mut turn = std::pin::pin!(entry.slots.clone().acquire_owned());
        loop {
            if entry.limit.counted && !self.table.alone() {
                self.look(entry, Why::Wanted);
            }
            let left = left(deadline)?;
            if let Ok(slot) = tokio::time::timeout(left.min(ASK_AGAIN), &mut turn).await {
                return slot.map_err(|_| CROWDED);
            }
        }
    }
}

#[async_trait]
impl RateGate for GraphGate {
    async fn admit(&self, key: &GateKey, units: u32, patience: Duration) -> Result<Permit, Throttled> {
        let entry = self.desk.table.entry(key);
        let deadline = Instant::now() + patience;
        self.desk.units(&entry, units, deadline).await?;
        Ok(Permit::new(Box::new(self.desk.place(&entry, deadline).await?)))
    }

    fn penalise(&self, key: &GateKey, pause: Duration) {
        let entry = self.desk.table.entry(key);
        entry.hold_back(self.desk.now().plus(pause));
        tracing::info!(pause_ms = pause.as_millis(), "Graph throttles; holding its requests back");
        if self.desk.table.shared && !self.desk.handle.tell(Penalise { entry, pause }) {
            tracing::warn!("the rate limiter did not take a penalty; the next 429 repeats it");
        }
    }
}

/// A place in use.
struct Held {
    slot: Option<OwnedSemaphorePermit>,
    entry: Arc<Entry>,
    desk: Arc<Desk>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take()
            && self.entry.release(slot)
        {
            self.desk.look(&self.entry, Why::Pressed);
        }
    }
}

#[async_trait]
impl Hears for Desk {
    async fn heard(&self, message: Bytes) {
        let text = String::from_utf8_lossy(&message);
        let mut words = text.split(' ');
        let (Some(holder), Some(name)) = (words.next(), words.next()) else { return };
        let Some(entry) = self.table.named(name).filter(|_| *holder != *self.holder) else { return };
        match words.next().and_then(|pause_ms| pause_ms.parse().ok()) {
            Some(pause_ms) => entry.hold_back(self.now().plus(Duration::from_millis(pause_ms))),
            None => self.look(&entry, Why::Pressed),
        }
    }

    async fn missed(&self) {
        let _ = self.handle.tell(LookAtAll);
    }
}

/// Sleeps, or says at once that it would take too long.
async fn wait_within(deadline: Instant, wait: Duration) -> Result<(), Throttled> {
    if Instant::now() + wait > deadline {
        return Err(Throttled { retry_after: wait });
    }
    tokio::time::sleep(wait).await;
    Ok(())
}

/// The time that is left to wait in a queue.
fn left(deadline: Instant) -> Result<Duration, Throttled> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(CROWDED) } else { Ok(left) }
}
