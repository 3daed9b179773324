//! GraphRateLimiter: keeps Graph's published limits on our side, for any number of replicas together.
//!
//! # How replicas share
//! A limit is counted in the store, and a replica *borrows* of it what it is about to use (`domain/lending.rs`): places
//! for requests at once on a lease, units of a budget in chunks. A request takes from what was borrowed: an atomic cell
//! and a semaphore, no mailbox and no round trip. Only when that runs out does the actor ask the store, once for all
//! requests that wait; so the calls that a person's question makes cost about one round trip together.
//!
//! Borrowed places stay here for five seconds after they were lent, used or not. They are not sent back when idle: the
//! lease ends by itself, which costs nothing, and a replica that needs one sooner announces it ([`TOPIC`]), upon which
//! idle places go back at once and busy ones when their request has ended, down to this replica's share. A replica that
//! was killed loses its places with the lease.
//!
//! Only mail, calendar and notes have places that Graph counts; those of other workloads merely keep one tenant from
//! taking every connection of a process. The limits of Teams are by the second, so nothing of them is kept in hand: one
//! round trip to the store for each of its requests, or for those that wait together.
//!
//! # Bounds
//! Places: never more at once over all replicas than Graph allows, while the store answers. Units: a replica that serves
//! a mailbox keeps at most one chunk (1 % of the budget) unused beside the common count.
//!
//! # When the store is away
//! Each replica goes by the whole limit for itself until the store answers again; nobody waits for bookkeeping, and what
//! Graph then refuses with 429 is honoured like any other. A 429 holds its key back on every replica: by announcement
//! where it is known, and by the next loan everywhere else.
//!
//! On the embedded store there is one process, and all of this is local.

mod entry;
mod gate;
mod limit;
mod table;
#[cfg(test)]
mod tests;

use crate::domain::lending::{Ask, Lent};
use crate::ports::store::{Store, StoreError};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use bytes::Bytes;
use entry::{Entry, LEASE, Question, Why};
pub(crate) use gate::GraphGate;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use table::Table;

const EVICT_EVERY: Duration = Duration::from_mins(1);
/// How often leases are looked after, and a store that was away is tried again.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const MAILBOX: usize = 1024;
/// Longest wait for the store, in which requests may be waiting too.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where replicas announce: `{holder} {name}` has begun to wait for a place or given one back,
/// `{holder} {name} {pause}` was told by Graph to pause for so many milliseconds.
const TOPIC: &str = "gate";

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

/// Graph answered 429.
#[derive(Message)]
#[rtype(result = "()")]
struct Penalise {
    entry: Arc<Entry>,
    pause: Duration,
}

/// An entry may have something to ask of the store.
#[derive(Message)]
#[rtype(result = "()")]
struct Look {
    entry: Arc<Entry>,
    why: Why,
}

/// Announcements may have been lost.
#[derive(Message)]
#[rtype(result = "()")]
struct LookAtAll;

/// A question to the store that is under way, and what has come up since it was asked.
#[derive(Clone, Copy, Default)]
struct Flight {
    again: Option<Why>,
}

struct GraphRateLimiter {
    table: Arc<Table>,
    store: Arc<dyn Store>,
    holder: Arc<str>,
    flights: HashMap<Arc<str>, Flight>,
}

impl Actor for GraphRateLimiter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(EVICT_EVERY, |actor, _| actor.table.evict(actor.table.clock.now()));
        if self.table.shared {
            ctx.run_interval(LOOK_EVERY, Self::look_after);
        }
    }
}

impl GraphRateLimiter {
    fn new(table: Arc<Table>, store: Arc<dyn Store>, holder: Arc<str>) -> Self {
        Self { table, store, holder, flights: HashMap::new() }
    }

    /// Renews what is in use, and asks again for what is waited for.
    fn look_after(&mut self, ctx: &mut Context<Self>) {
        if !self.table.away.load(Ordering::SeqCst) {
            for entry in self.table.all() {
                self.look(entry, Why::Wanted, ctx);
            }
            return;
        }
        match self.table.all().into_iter().next() {
            Some(entry) => self.look(entry, Why::Probe, ctx),
            // The next request finds out.
            None => self.table.away.store(false, Ordering::SeqCst),
        }
    }

    /// Asks the store what an entry needs, one question of each at a time.
    fn look(&mut self, entry: Arc<Entry>, why: Why, ctx: &mut Context<Self>) {
        if !self.table.shared || (self.table.away.load(Ordering::SeqCst) && why != Why::Probe) {
            return;
        }
        if let Some(flight) = self.flights.get_mut(&entry.name) {
            // Of two reasons the one that gives back asks for the same and more.
            flight.again = Some(if flight.again == Some(Why::Pressed) { Why::Pressed } else { why });
            return;
        }
        let Some(question) = entry.question(self.table.clock.now(), why) else { return };
        self.flights.insert(entry.name.clone(), Flight::default());
        let (store, holder) = (self.store.clone(), self.holder.clone());
        let asking = async move {
            let ask = Ask { holder: &holder, lease: LEASE, places: question.places, units: question.units };
            let answer = tokio::time::timeout(PATIENCE, store.lend(&entry.hash, &ask)).await;
            let silent = |_| Err(StoreError::Unavailable("the store did not answer in time".to_owned()));
            (answer.unwrap_or_else(silent), entry)
        };
        ctx.spawn(asking.into_actor(self).map(move |(answer, entry), actor, ctx| {
            let flight = actor.flights.remove(&entry.name).unwrap_or_default();
            match answer {
                Ok(lent) => actor.lent(&entry, (&question, &lent), flight, ctx),
                Err(error) => actor.go_alone(&error),
            }
        }));
    }

    fn lent(
        &mut self,
        entry: &Arc<Entry>,
        (question, lent): (&Question, &Lent),
        flight: Flight,
        ctx: &mut Context<Self>,
    ) {
        if self.table.away.load(Ordering::SeqCst) {
            return self.come_back(ctx);
        }
        let then = entry.take_in(question, lent, self.table.clock.now());
        if then.announce {
            self.announce(format!("{} {}", self.holder, entry.name), ctx);
        }
        if then.give_back {
            self.look(entry.clone(), Why::Pressed, ctx);
        } else if let Some(why) = flight.again {
            self.look(entry.clone(), why, ctx);
        }
    }

    /// The store does not answer: this replica counts for itself from here on.
    fn go_alone(&mut self, error: &StoreError) {
        if !self.table.away.swap(true, Ordering::SeqCst) {
            tracing::warn!(%error, "limits cannot be shared with other replicas; this one goes by its own count");
        }
        for entry in self.table.all() {
            entry.go_alone();
        }
    }

    fn come_back(&mut self, ctx: &mut Context<Self>) {
        tracing::info!("limits are shared with other replicas again");
        self.table.away.store(false, Ordering::SeqCst);
        for entry in self.table.all() {
            entry.come_back();
            self.look(entry, Why::Wanted, ctx);
        }
    }

    /// Tells the other replicas. They also learn it by themselves, only later.
    fn announce(&self, message: String, ctx: &mut Context<Self>) {
        let store = self.store.clone();
        let publishing = async move {
            if let Err(error) = store.publish(TOPIC, Bytes::from(message)).await {
                tracing::warn!(%error, "other replicas were not told of a limit");
            }
        };
        ctx.spawn(publishing.into_actor(self));
    }
}

impl Handler<Look> for GraphRateLimiter {
    type Result = ();

    fn handle(&mut self, message: Look, ctx: &mut Self::Context) {
        self.look(message.entry, message.why, ctx);
    }
}

impl Handler<LookAtAll> for GraphRateLimiter {
    type Result = ();

    fn handle(&mut self, _: LookAtAll, ctx: &mut Self::Context) {
        for entry in self.table.all() {
            self.look(entry, Why::Pressed, ctx);
        }
    }
}

impl Handler<Penalise> for GraphRateLimiter {
    type Result = ();

    fn handle(&mut self, Penalise { entry, pause }: Penalise, ctx: &mut Self::Context) {
        self.announce(format!("{} {} {}", self.holder, entry.name, pause.as_millis()), ctx);
        let store = self.store.clone();
        let noting = async move {
            if let Err(error) = store.hold_back(&entry.hash, pause).await {
                tracing::warn!(%error, "a pause that Graph ordered is known to this replica only");
            }
        };
        ctx.spawn(noting.into_actor(self));
    }
}
