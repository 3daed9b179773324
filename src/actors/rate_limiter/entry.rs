//! One limited thing in this replica: the part of its limit that was borrowed, in atomic cells and a semaphore.
//!
//! Requests take and give back; only the actor borrows, and only it adds or withdraws places.

use super::limit::Limit;
use crate::domain::clock::Timestamp;
use crate::domain::lending::{Lent, Places, Units};
use crate::domain::quota::Cell;
use crate::domain::token::TokenHash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long places are lent, by the clock of the store. A replica that was killed keeps them from the others for so long.
pub(super) const LEASE: Duration = Duration::from_secs(6);
/// Places are used for less than their lease, so that no delay of ours makes them run out under a request.
const MARGIN: Duration = Duration::from_secs(1);
/// What is in use is renewed when less than this is left.
const RENEW: Duration = Duration::from_secs(3);
/// Who waits asks again this often; announcements may be lost.
const ASK_AGAIN: Duration = Duration::from_millis(400);

/// Why the store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A request lacks something, or the time has come.
    Wanted,
    /// Something has changed elsewhere, or others wait: what lies idle goes back.
    Pressed,
    /// To learn whether the store answers.
    Probe,
}

/// What to ask of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) places: Places,
    pub(super) units: Units,
    asked_at: Timestamp,
}

/// What is to be done after an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Then {
    /// Other replicas have to hear: this one has begun to wait, or has given back what they wait for.
    pub(super) announce: bool,
    /// There is something to give back.
    pub(super) give_back: bool,
}

/// How a request for units went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// The budget is used up for so long.
    Wait(Duration),
    /// More has to be borrowed.
    Borrow,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// What the store knows it by.
    pub(super) hash: TokenHash,
    /// The same as text, for announcements.
    pub(super) name: Arc<str>,
    pub(super) limit: Limit,
    /// The budget, where this replica goes by its own count.
    pub(super) cell: Cell,
    pub(super) slots: Arc<Semaphore>,
    pub(super) news: Notify,
    units: AtomicI64,
    units_until: AtomicI64,
    refill_at: AtomicI64,
    /// Places here, idle or in use.
    total: AtomicUsize,
    /// Those that requests run in.
    in_use: AtomicUsize,
    /// Places to give back as soon as the requests in them have ended.
    debt: AtomicUsize,
    lease_until: AtomicI64,
    /// Places that the store has down for this replica.
    recorded: AtomicUsize,
    /// Whether the store has it down as waiting.
    marked: AtomicBool,
    others_wait: AtomicBool,
    asked_at: AtomicI64,
    /// Requests that wait for a place.
    queue: AtomicUsize,
    /// Units that requests wait for, and the most that one of them needs.
    wanted: AtomicU32,
    need: AtomicU32,
    /// Nobody sends before this moment (milliseconds since the epoch).
    blocked_until: AtomicI64,
}

impl Entry {
    /// With all places at once where nobody shares them.
    pub(super) fn new(hash: TokenHash, limit: Limit, alone: bool) -> Self {
        let places = if alone || !limit.counted { limit.places } else { 0 };
        Self {
            hash,
            name: hash.to_text().into(),
            limit,
            cell: Cell::default(),
            slots: Arc::new(Semaphore::new(places)),
            news: Notify::new(),
            units: AtomicI64::new(0),
            units_until: AtomicI64::new(0),
            refill_at: AtomicI64::new(0),
            total: AtomicUsize::new(places),
            in_use: AtomicUsize::new(0),
            debt: AtomicUsize::new(0),
            lease_until: AtomicI64::new(0),
            recorded: AtomicUsize::new(0),
            marked: AtomicBool::new(false),
            others_wait: AtomicBool::new(false),
            asked_at: AtomicI64::new(0),
            queue: AtomicUsize::new(0),
            wanted: AtomicU32::new(0),
            need: AtomicU32::new(0),
            blocked_until: AtomicI64::new(0),
        }
    }

    /// Time until it may be used again, if it is held back.
    pub(super) fn pause(&self, now: Timestamp) -> Option<Duration> {
        let wait = moment(&self.blocked_until).since(now);
        (!wait.is_zero()).then_some(wait)
    }

    pub(super) fn hold_back(&self, until: Timestamp) {
        self.blocked_until.fetch_max(until.as_millis(), SeqCst);
    }

    /// Takes units: of what was borrowed, or of the own count.
    pub(super) fn take(&self, units: u32, now: Timestamp, alone: bool) -> Taken {
        if alone {
            return match self.cell.take(self.limit.quota, units, now) {
                Ok(()) => Taken::Yes,
                Err(wait) => Taken::Wait(wait),
            };
        }
        let cost = i64::from(units.min(self.limit.quota.most()));
        let left = |units: i64| (units >= cost).then(|| units - cost);
        if now < moment(&self.units_until) && self.units.fetch_update(SeqCst, SeqCst, left).is_ok() {
            return Taken::Yes;
        }
        let wait = moment(&self.refill_at).since(now);
        if wait.is_zero() { Taken::Borrow } else { Taken::Wait(wait) }
    }

    /// Counts a request among those that wait, until the answer is dropped.
    pub(super) fn waits_for(self: &Arc<Self>, units: u32, place: bool) -> Waiting {
        self.wanted.fetch_add(units, SeqCst);
        self.need.fetch_max(units, SeqCst);
        self.queue.fetch_add(usize::from(place), SeqCst);
        Waiting { entry: self.clone(), units, place }
    }

    /// Whether borrowed places may be used no more.
    pub(super) fn has_lapsed(&self, now: Timestamp) -> bool {
        self.limit.counted && moment(&self.lease_until) <= now
    }

    /// Drops a place that was not given back in time.
    pub(super) fn forget(&self, slot: OwnedSemaphorePermit) {
        slot.forget();
        lower(&self.total, 1);
    }

    /// Notes that a request runs in a place.
    pub(super) fn occupy(&self) {
        self.in_use.fetch_add(1, SeqCst);
    }

    /// Gives a place back after a request; true when the actor has to look.
    pub(super) fn release(&self, slot: OwnedSemaphorePermit) -> bool {
        self.in_use.fetch_sub(1, SeqCst);
        if self.debt.fetch_update(SeqCst, SeqCst, |debt| debt.checked_sub(1)).is_ok() {
            self.forget(slot);
            return true;
        }
        drop(slot);
        self.others_wait.load(SeqCst) && self.queue.load(SeqCst) == 0
    }

    /// What to ask of the store; `None` when there is nothing.
    pub(super) fn question(&self, now: Timestamp, why: Why) -> Option<Question> {
        let units = self.units_to_ask(now);
        let (places, due) =
            if self.limit.counted { self.places_to_ask(now, why) } else { (Places::default(), false) };
        let asks = due || units.need > 0 || why == Why::Probe;
        asks.then(|| {
            self.asked_at.store(now.as_millis(), SeqCst);
            Question { places, units, asked_at: now }
        })
    }

    fn units_to_ask(&self, now: Timestamp) -> Units {
        // Who was lent enough may not have run yet to take it.
        let here = if now < moment(&self.units_until) { self.units.load(SeqCst) } else { 0 };
        let wanted = self.wanted.load(SeqCst).saturating_sub(u32::try_from(here).unwrap_or(0));
        let waits = wanted > 0 && moment(&self.refill_at) <= now;
        let need = if waits { self.need.swap(0, SeqCst).clamp(1, wanted) } else { 0 };
        Units { need, want: wanted.max(self.limit.chunk), quota: self.limit.quota }
    }

    fn places_to_ask(&self, now: Timestamp, why: Why) -> (Places, bool) {
        let lapsed = self.has_lapsed(now);
        if lapsed || why == Why::Pressed {
            self.withdraw_idle(usize::MAX);
        }
        let total = self.total.load(SeqCst);
        if lapsed && total == 0 {
            // The store forgets it by itself.
            self.recorded.store(0, SeqCst);
            self.marked.store(false, SeqCst);
        }
        let busy = self.in_use.load(SeqCst).saturating_add(self.queue.load(SeqCst));
        let want = busy.max(total).min(self.limit.places);
        let (recorded, marked) = (self.recorded.load(SeqCst), self.marked.load(SeqCst));
        let renew = busy > 0 && total > 0 && moment(&self.lease_until).since(now) < RENEW;
        let again = now.since(moment(&self.asked_at)) >= ASK_AGAIN || why == Why::Pressed || busy == total;
        // A share has become smaller, even if all of it is in use.
        let pressed = why == Why::Pressed && total > 0;
        let due = pressed || renew || total < recorded || if marked { again } else { want > recorded };
        (Places { want: small(want), have: small(total), limit: small(self.limit.places) }, due)
    }

    /// Takes in what was lent.
    pub(super) fn take_in(&self, question: &Question, lent: &Lent, now: Timestamp) -> Then {
        if !lent.held_back.is_zero() {
            self.hold_back(now.plus(lent.held_back));
        }
        if lent.units > 0 {
            if moment(&self.units_until) <= now {
                self.units.store(0, SeqCst);
            }
            self.units.fetch_add(i64::from(lent.units), SeqCst);
            self.units_until.store(question.asked_at.plus(self.limit.keep).as_millis(), SeqCst);
        }
        if !lent.wait.is_zero() {
            self.refill_at.store(now.plus(lent.wait).as_millis(), SeqCst);
        }
        let then = if self.limit.counted { self.take_in_places(question, lent) } else { Then::default() };
        self.news.notify_waiters();
        then
    }

    fn take_in_places(&self, question: &Question, lent: &Lent) -> Then {
        let asked = question.places;
        let recorded = lent.places.max(asked.have);
        let before = self.recorded.swap(recorded as usize, SeqCst);
        let waits = asked.want > recorded;
        let newly = !self.marked.swap(waits, SeqCst) && waits;
        self.others_wait.store(lent.others_wait, SeqCst);
        self.lease_until.store(question.asked_at.plus(LEASE.saturating_sub(MARGIN)).as_millis(), SeqCst);
        self.go_to(lent.places as usize);
        let idle = lent.others_wait && self.slots.available_permits() > 0;
        Then {
            announce: newly || (lent.others_wait && (recorded as usize) < before),
            give_back: idle || self.total.load(SeqCst) < recorded as usize,
        }
    }

    /// Goes by the own count: the store does not answer, and nobody waits for that.
    pub(super) fn go_alone(&self) {
        if self.limit.counted {
            self.go_to(self.limit.places);
        }
        self.news.notify_waiters();
    }

    /// Goes by what is lent again. What is in use has to be reported.
    pub(super) fn come_back(&self) {
        self.lease_until.store(0, SeqCst);
        self.units.store(0, SeqCst);
        if self.limit.counted {
            self.withdraw_idle(usize::MAX);
            self.recorded.store(0, SeqCst);
            self.marked.store(false, SeqCst);
        }
    }

    /// Makes the places `target`, as soon as the requests in them allow it.
    fn go_to(&self, target: usize) {
        let stay = self.total.load(SeqCst).saturating_sub(self.debt.load(SeqCst));
        if target >= stay {
            let mut more = target - stay;
            more -= lower(&self.debt, more);
            self.total.fetch_add(more, SeqCst);
            self.slots.add_permits(more);
            return;
        }
        let surplus = stay - target;
        self.debt.fetch_add(surplus, SeqCst);
        // A withdrawn place is one less to give back.
        self.withdraw_idle(surplus);
    }

    /// Takes away at most `most` places that nobody uses.
    fn withdraw_idle(&self, most: usize) {
        let idle = self.slots.forget_permits(most.min(self.slots.available_permits()));
        lower(&self.total, idle);
        lower(&self.debt, idle);
    }

    /// Whether nobody uses it and it holds nothing back.
    pub(super) fn is_idle(&self, now: Timestamp, alone: bool) -> bool {
        let total = self.total.load(SeqCst);
        let borrowed = !alone && self.limit.counted && total > 0 && !self.has_lapsed(now);
        self.in_use.load(SeqCst) == 0
            && !borrowed
            && self.queue.load(SeqCst) == 0
            && self.cell.is_idle(now)
            && moment(&self.units_until) <= now
            && self.pause(now).is_none()
    }
}

/// A request that waits.
pub(super) struct Waiting {
    entry: Arc<Entry>,
    units: u32,
    place: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.entry.wanted.fetch_sub(self.units, SeqCst);
        self.entry.queue.fetch_sub(usize::from(self.place), SeqCst);
    }
}

fn moment(cell: &AtomicI64) -> Timestamp {
    Timestamp::from_millis(cell.load(SeqCst))
}

/// Lowers a count by at most `by`; by how much it was.
fn lower(cell: &AtomicUsize, by: usize) -> usize {
    let before = cell.fetch_update(SeqCst, SeqCst, |count| Some(count.saturating_sub(by)));
    before.unwrap_or(0).min(by)
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
