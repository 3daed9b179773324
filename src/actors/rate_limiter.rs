//! GraphRateLimiter: keeps Graph's published limits on our side.
//!
//! The actor owns penalties and eviction; a request reads an atomic cell and takes a semaphore slot, no mailbox.
//! Limits hold per process; two replicas that serve one user at the same moment can together exceed the four
//! concurrent requests, and then Graph's 429 is honoured like any other.

use super::ask::Handle;
use super::guardian::Guardian;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::domain::quota::{Cell, Quota};
use crate::ports::gate::{GateKey, Permit, RateGate, Throttled, Workload};
use actix::{Actor, AsyncContext, Context, Handler, Message};
use async_trait::async_trait;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

const EVICT_EVERY: Duration = Duration::from_mins(1);
const MAILBOX: usize = 1024;

/// Limits of a workload: Outlook's per app and mailbox, those of files per app and tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GateSettings {
    /// Outlook requests in flight.
    pub(crate) concurrent: usize,
    /// Outlook requests per period.
    pub(crate) requests: u32,
    pub(crate) period: Duration,
    /// Resource units of files in a minute.
    pub(crate) file_units: u32,
}

/// Requests for files in flight. Graph names no such limit; this keeps one tenant from taking every connection.
const CONCURRENT_FILES: usize = 64;
/// Graph's budget of files is by the minute.
const FILES_PERIOD: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Entry {
    cell: Cell,
    slots: Arc<Semaphore>,
    concurrent: usize,
    /// Nobody sends before this moment (milliseconds since the epoch).
    blocked_until: AtomicI64,
}

type Entries = Arc<RwLock<HashMap<GateKey, Arc<Entry>>>>;

/// Graph answered 429.
#[derive(Message)]
#[rtype(result = "()")]
struct Penalise {
    key: GateKey,
    until: Timestamp,
}

struct GraphRateLimiter {
    entries: Entries,
    settings: GateSettings,
    clock: SharedClock,
}

impl Actor for GraphRateLimiter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(EVICT_EVERY, |actor, _| evict(&actor.entries, actor.clock.now()));
    }
}

impl Handler<Penalise> for GraphRateLimiter {
    type Result = ();

    fn handle(&mut self, message: Penalise, _: &mut Self::Context) {
        let entry = entry(&self.entries, &message.key, self.settings);
        entry.blocked_until.fetch_max(message.until.as_millis(), Ordering::Relaxed);
        tracing::info!(until_ms = message.until.as_millis(), "Graph throttles; holding its requests back");
    }
}

/// The limiter behind its port.
pub(crate) struct GraphGate {
    entries: Entries,
    settings: GateSettings,
    clock: SharedClock,
    handle: Handle<GraphRateLimiter>,
}

impl GraphGate {
    pub(super) fn start(settings: GateSettings, clock: SharedClock, guardian: &mut Guardian) -> Self {
        let entries = Entries::default();
        let (shared, time) = (entries.clone(), clock.clone());
        let handle = guardian.start("graph_rate_limiter", (MAILBOX, Duration::from_secs(1)), move || {
            GraphRateLimiter { entries: shared.clone(), settings, clock: time.clone() }
        });
        Self { entries, settings, clock, handle }
    }
}

#[async_trait]
impl RateGate for GraphGate {
    async fn admit(&self, key: &GateKey, units: u32, patience: Duration) -> Result<Permit, Throttled> {
        let entry = entry(&self.entries, key, self.settings);
        let deadline = Instant::now() + patience;
        loop {
            let wait = match pause(&entry, self.clock.now()) {
                Some(wait) => wait,
                None => match entry.cell.take(quota(key.workload, self.settings), units, self.clock.now()) {
                    Ok(()) => break,
                    Err(wait) => wait,
                },
            };
            wait_within(deadline, wait).await?;
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let slot = tokio::time::timeout(left, entry.slots.clone().acquire_owned()).await;
            let slot = slot.map_err(|_| Throttled { retry_after: Duration::from_secs(1) })?;
            // Graph may have said 429 to those ahead while this one queued.
            let Some(wait) = pause(&entry, self.clock.now()) else { return Ok(Permit::new(slot.ok())) };
            drop(slot);
            wait_within(deadline, wait).await?;
        }
    }

    fn penalise(&self, key: &GateKey, pause: Duration) {
        let until = self.clock.now().plus(pause);
        if !self.handle.tell(Penalise { key: key.clone(), until }) {
            tracing::warn!("the rate limiter did not take a penalty; the next 429 repeats it");
        }
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

/// Time until `entry` may be used again, if it is held back.
fn pause(entry: &Entry, now: Timestamp) -> Option<Duration> {
    let wait = Timestamp::from_millis(entry.blocked_until.load(Ordering::Relaxed)).since(now);
    (!wait.is_zero()).then_some(wait)
}

fn quota(workload: Workload, settings: GateSettings) -> Quota {
    match workload {
        Workload::Outlook => Quota::new(settings.requests, settings.period),
        // Graph counts whole seconds: what may come at once and what comes on in a second are its limit together.
        Workload::Teams => Quota::new(5, Duration::from_millis(334)),
        Workload::Thread => Quota::new(2, Duration::from_millis(667)),
        Workload::Files => Quota::new(settings.file_units, FILES_PERIOD),
        // What may come at once and what comes on in a minute (105) or an hour (400) are Graph's two limits together.
        Workload::Notes => Quota::new(100, Duration::from_mins(20)),
    }
}

fn concurrent(workload: Workload, settings: GateSettings) -> usize {
    match workload {
        Workload::Outlook => settings.concurrent.max(1),
        // Graph names no such limit; these keep one tenant from taking every connection.
        Workload::Teams => 32,
        Workload::Thread => 4,
        Workload::Files => CONCURRENT_FILES,
        Workload::Notes => 5,
    }
}

fn entry(entries: &Entries, key: &GateKey, settings: GateSettings) -> Arc<Entry> {
    if let Some(entry) = entries.read().get(key) {
        return entry.clone();
    }
    let mut entries = entries.write();
    let fresh = || {
        let concurrent = concurrent(key.workload, settings);
        Arc::new(Entry {
            cell: Cell::default(),
            slots: Arc::new(Semaphore::new(concurrent)),
            concurrent,
            blocked_until: AtomicI64::new(0),
        })
    };
    entries.entry(key.clone()).or_insert_with(fresh).clone()
}

/// Forgets entries that nobody uses and that hold nothing back.
fn evict(entries: &Entries, now: Timestamp) {
    entries.write().retain(|_, entry| {
        let unused = entry.slots.available_permits() == entry.concurrent && Arc::strong_count(entry) == 1;
        !(unused && entry.cell.is_idle(now) && pause(entry, now).is_none())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::SystemClock;
    use crate::domain::ids::UserKey;

    fn gate() -> (GraphGate, Guardian) {
        let mut guardian = Guardian::new(Arc::new(|| {}));
        let settings =
            GateSettings { concurrent: 4, requests: 10_000, period: Duration::from_mins(10), file_units: 4 };
        (GraphGate::start(settings, Arc::new(SystemClock), &mut guardian), guardian)
    }

    fn key(oid: &str) -> GateKey {
        GateKey::new(&UserKey::new("t", oid), Workload::Outlook)
    }

    #[actix_rt::test]
    async fn the_fifth_concurrent_request_of_a_mailbox_waits_and_another_mailbox_does_not() {
        let (gate, _guardian) = gate();
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(gate.admit(&key("a"), 1, Duration::from_secs(1)).await.unwrap());
        }
        assert!(gate.admit(&key("a"), 1, Duration::ZERO).await.is_err());
        gate.admit(&key("b"), 1, Duration::ZERO).await.unwrap();
        held.pop();
        gate.admit(&key("a"), 1, Duration::from_secs(1)).await.unwrap();
    }

    #[actix_rt::test]
    async fn a_mailbox_has_one_limit_whoever_asks_and_each_of_theirs_another() {
        let (gate, _guardian) = gate();
        let support = |oid: &str| GateKey::mailbox(&UserKey::new("t", oid), "Support@contoso.example");
        let mut held = Vec::new();
        for oid in ["a", "b", "a", "b"] {
            held.push(gate.admit(&support(oid), 1, Duration::ZERO).await.unwrap());
        }
        assert!(gate.admit(&support("c"), 1, Duration::ZERO).await.is_err());
        let own = GateKey::mailbox(&UserKey::new("t", "a"), "a@contoso.example");
        gate.admit(&own, 1, Duration::ZERO).await.unwrap();
        let foreign = GateKey::mailbox(&UserKey::new("other", "a"), "support@contoso.example");
        gate.admit(&foreign, 1, Duration::ZERO).await.unwrap();
    }

    #[actix_rt::test]
    async fn a_penalty_also_holds_those_back_who_were_queueing() {
        let (gate, _guardian) = gate();
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(gate.admit(&key("a"), 1, Duration::ZERO).await.unwrap());
        }
        let user = key("a");
        let mut queued = gate.admit(&user, 1, Duration::from_secs(20));
        assert!(futures_util::poll!(&mut queued).is_pending());
        gate.penalise(&user, Duration::from_mins(1));
        while pause(&entry(&gate.entries, &user, gate.settings), gate.clock.now()).is_none() {
            tokio::task::yield_now().await;
        }
        drop(held);
        assert!(queued.await.unwrap_err().retry_after > Duration::from_secs(50));
    }

    #[actix_rt::test]
    async fn a_chat_has_a_limit_of_its_own_whoever_of_the_tenant_asks_and_notes_are_each_ones_own() {
        let (gate, _guardian) = gate();
        let chat = |oid: &str, id: &str| GateKey::thread(&UserKey::new("t", oid), id);
        gate.admit(&chat("a", "19:x"), 1, Duration::ZERO).await.unwrap();
        gate.admit(&chat("b", "19:x"), 1, Duration::ZERO).await.unwrap();
        let refused = gate.admit(&chat("b", "19:x"), 1, Duration::ZERO).await.unwrap_err();
        assert!(refused.retry_after > Duration::from_millis(100), "{refused:?}");
        for (oid, id) in [("a", "19:y"), ("a", "48:notes"), ("a", "48:notes"), ("b", "48:notes")] {
            gate.admit(&chat(oid, id), 1, Duration::ZERO).await.unwrap();
        }
    }

    #[actix_rt::test]
    async fn a_tenant_shares_one_budget_of_files_and_mail_is_another() {
        let (gate, _guardian) = gate();
        let files = |tid: &str, oid: &str| GateKey::new(&UserKey::new(tid, oid), Workload::Files);
        gate.admit(&files("t", "a"), 2, Duration::ZERO).await.unwrap();
        gate.admit(&files("t", "b"), 2, Duration::ZERO).await.unwrap();
        let refused = gate.admit(&files("t", "b"), 1, Duration::ZERO).await.unwrap_err();
        assert!(refused.retry_after > Duration::from_secs(5), "{refused:?}");
        gate.admit(&files("other", "a"), 2, Duration::ZERO).await.unwrap();
        gate.admit(&key("a"), 1, Duration::ZERO).await.unwrap();
    }

    #[actix_rt::test]
    async fn a_penalty_holds_its_mailbox_back_and_nobody_else() {
        let (gate, _guardian) = gate();
        gate.penalise(&key("a"), Duration::from_mins(1));
        while gate.admit(&key("a"), 1, Duration::ZERO).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let refused = gate.admit(&key("a"), 1, Duration::from_secs(1)).await.unwrap_err();
        assert!(refused.retry_after > Duration::from_secs(50));
        gate.admit(&key("b"), 1, Duration::ZERO).await.unwrap();
    }
}
