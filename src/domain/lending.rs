//! One limit that holds for all replicas together, lent out by the store: places for requests at once, and units of a
//! budget.
//!
//! This is the arithmetic; `lend.lua` does the same inside Redis, and the conformance suite asks both.
//!
//! # Rules
//! - Places are lent on a lease. Who asks again renews it; who is gone loses them with it.
//! - Nobody has to give back what nobody waits for. Once somebody waits, each party's share is the limit divided by the
//!   parties, and what the others do not claim goes to who wants it.
//! - Where there are more parties than places, a place goes on to who waits longest for one, request by request.
//! - What a party still uses counts as its own until it says otherwise, whatever its share: a request that is under way
//!   cannot be called back.

use crate::domain::quota::Quota;
use std::collections::HashMap;
use std::time::Duration;

/// What one replica asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask<'a> {
    /// The replica: one name for the life of its process.
    pub(crate) holder: &'a str,
    /// How long what is lent stays lent.
    pub(crate) lease: Duration,
    pub(crate) places: Places,
    pub(crate) units: Units,
}

/// Places for requests at once; a limit of 0 stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// How many the replica could use, all in all.
    pub(crate) want: u32,
    /// How many it has.
    pub(crate) have: u32,
    /// How many there are for all replicas.
    pub(crate) limit: u32,
}

/// Units of a budget; none are asked for when `need` is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Units {
    /// Fewer are of no use.
    pub(crate) need: u32,
    /// More are not wanted.
    pub(crate) want: u32,
    pub(crate) quota: Quota,
}

/// What is lent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lent {
    /// Places that the replica may go on with, all in all; when they are fewer than it has, it gives back the others as
    /// they come free.
    pub(crate) places: u32,
    /// Another replica waits for places.
    pub(crate) others_wait: bool,
    pub(crate) units: u32,
    /// When enough units will be there, if they are not.
    pub(crate) wait: Duration,
    /// What is left of a pause that Graph ordered.
    pub(crate) held_back: Duration,
}

/// One replica in the ledger.
#[derive(Clone, Debug)]
struct Party {
    held: u32,
    /// Since when it waits for more.
    waits_since: Option<u64>,
    ends_us: u64,
}

/// The state of one limit. All moments in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    used_until_us: u64,
    held_back_until_us: u64,
    parties: HashMap<String, Party>,
}

impl Ledger {
    /// Answers `ask` and notes what it was answered.
    pub(crate) fn lend(&mut self, ask: &Ask<'_>, now_us: u64) -> Lent {
        self.parties.retain(|_, party| party.ends_us > now_us);
        let before = self.parties.remove(ask.holder);
        let (places, since) = self.places(ask.places, before.as_ref(), now_us);
        let others_wait = self.parties.values().any(|party| party.waits_since.is_some());
        let held = places.max(ask.places.have);
        let waits_since = (ask.places.want > held).then_some(since);
        if held > 0 || waits_since.is_some() {
            let lease = if held > 0 { ask.lease } else { ask.lease / 3 };
            let party = Party { held, waits_since, ends_us: now_us.saturating_add(micros(lease)) };
            self.parties.insert(ask.holder.to_owned(), party);
        }
        let (units, wait_us) = self.units(ask.units, now_us);
        Lent {
            places,
            others_wait,
            units,
            wait: Duration::from_micros(wait_us),
            held_back: Duration::from_micros(self.held_back_until_us.saturating_sub(now_us)),
        }
    }

    /// Nobody sends before `pause` has passed.
    pub(crate) fn hold_back(&mut self, pause: Duration, now_us: u64) {
        self.held_back_until_us = self.held_back_until_us.max(now_us.saturating_add(micros(pause)));
    }

    /// Whether it says no more than an empty one.
    pub(crate) fn is_idle(&self, now_us: u64) -> bool {
        self.used_until_us <= now_us
            && self.held_back_until_us <= now_us
            && self.parties.values().all(|party| party.ends_us <= now_us)
    }

    /// The places for one more party beside those that stand, and since when it waits if they are not enough.
    fn places(&self, ask: Places, before: Option<&Party>, now_us: u64) -> (u32, u64) {
        let Places { want, have, limit } = ask;
        // Who had something meanwhile goes to the end of the queue.
        let since = before.filter(|party| party.held == 0 && have == 0).and_then(|party| party.waits_since);
        let since = since.unwrap_or(now_us);
        let others = || self.parties.values();
        let held: u32 = others().map(|party| party.held).sum();
        let count = u32::try_from(self.parties.len()).unwrap_or(u32::MAX).saturating_add(1);
        let mut most = limit;
        if others().any(|party| party.waits_since.is_some()) {
            let share = (limit / count).max(1);
            let claim = |party: &Party| match party.waits_since {
                Some(_) => share.max(party.held),
                None => party.held,
            };
            most = share.max(limit.saturating_sub(others().map(claim).sum()));
            let starves = |party: &&Party| party.held == 0 && party.waits_since.is_some();
            let older = |party: &&Party| have > 0 || party.waits_since.is_some_and(|at| at < since);
            let ahead = others().filter(starves).filter(older).count();
            let free = limit.saturating_sub(held.saturating_add(have)) as usize;
            if count > limit && ahead > 0 && ahead >= free {
                most = 0;
            }
        }
        (want.min(most).min(limit.saturating_sub(held)), since)
    }

    /// Units granted, or the wait for them.
    fn units(&mut self, ask: Units, now_us: u64) -> (u32, u64) {
        if ask.need == 0 {
            return (0, 0);
        }
        if self.held_back_until_us > now_us {
            return (0, self.held_back_until_us - now_us);
        }
        let (interval, depth) = (ask.quota.interval_us(), ask.quota.period_us());
        let used = self.used_until_us.max(now_us);
        let room = depth.saturating_sub(used - now_us) / interval;
        let need = u64::from(ask.need).min(depth / interval);
        if room < need {
            return (0, (used - now_us + need * interval).saturating_sub(depth).max(1));
        }
        let units = room.min(u64::from(ask.want.max(ask.need)));
        self.used_until_us = used + units * interval;
        (u32::try_from(units).unwrap_or(u32::MAX), 0)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE: Duration = Duration::from_secs(6);
    const START: u64 = 1_000_000_000;

    fn ask(holder: &str, want: u32, have: u32) -> Ask<'_> {
        let units = Units { need: 0, want: 0, quota: Quota::new(1, LEASE) };
        Ask { holder, lease: LEASE, places: Places { want, have, limit: 4 }, units }
    }

    #[test]
    fn who_waits_gets_a_share_and_what_is_not_claimed_goes_to_who_wants_it() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.lend(&ask("a", 9, 0), START).places, 4);
        assert_eq!(ledger.lend(&ask("b", 1, 0), START).places, 0);
        let told = ledger.lend(&ask("a", 9, 4), START);
        assert_eq!((told.places, told.others_wait), (2, true));
        // What is under way stays counted until it was given back.
        assert_eq!(ledger.lend(&ask("b", 1, 0), START).places, 0);
        ledger.lend(&ask("a", 9, 3), START);
        assert_eq!(ledger.lend(&ask("b", 1, 0), START).places, 1);
        // b wants no more than it has: three are for a.
        assert_eq!(ledger.lend(&ask("a", 9, 3), START).places, 3);
        assert_eq!(ledger.lend(&ask("b", 0, 0), START).places, 0);
        assert_eq!(ledger.lend(&ask("a", 9, 3), START).places, 4);
    }

    #[test]
    fn more_parties_than_places_take_turns() {
        let mut ledger = Ledger::default();
        for holder in ["a", "b", "c", "d"] {
            assert_eq!(ledger.lend(&ask(holder, 1, 0), START).places, 1);
        }
        assert_eq!(ledger.lend(&ask("e", 1, 0), START + 1).places, 0);
        assert_eq!(ledger.lend(&ask("f", 1, 0), START + 2).places, 0);
        assert_eq!(ledger.lend(&ask("a", 5, 1), START + 3).places, 0, "its place goes on");
        assert_eq!(ledger.lend(&ask("a", 5, 0), START + 4).places, 0, "it is the last in the queue");
        assert_eq!(ledger.lend(&ask("f", 1, 0), START + 5).places, 0, "e has waited longer");
        assert_eq!(ledger.lend(&ask("e", 1, 0), START + 6).places, 1);
    }

    #[test]
    fn a_lease_that_was_not_renewed_frees_its_places() {
        let mut ledger = Ledger::default();
        ledger.lend(&ask("a", 4, 0), START);
        assert_eq!(ledger.lend(&ask("b", 4, 0), START + 5_999_999).places, 0);
        assert_eq!(ledger.lend(&ask("b", 4, 0), START + 6_000_000).places, 4);
        assert!(!ledger.is_idle(START + 11_999_999));
        assert!(ledger.is_idle(START + 12_000_000));
    }

    #[test]
    fn units_come_in_chunks_and_a_pause_lends_none() {
        let mut ledger = Ledger::default();
        let quota = Quota::new(100, Duration::from_secs(100));
        let units = |need, want| Ask { units: Units { need, want, quota }, ..ask("a", 0, 0) };
        assert_eq!(ledger.lend(&units(1, 60), START).units, 60);
        assert_eq!(ledger.lend(&units(1, 60), START).units, 40);
        let short = ledger.lend(&units(3, 60), START);
        assert_eq!((short.units, short.wait), (0, Duration::from_secs(3)));
        assert_eq!(ledger.lend(&units(500, 500), START + 100_000_000).units, 100, "no more than the budget");
        ledger.hold_back(Duration::from_secs(7), START + 300_000_000);
        let paused = ledger.lend(&units(1, 1), START + 300_000_000);
        assert_eq!((paused.units, paused.wait), (0, Duration::from_secs(7)));
        assert_eq!(paused.held_back, Duration::from_secs(7));
    }

    proptest! {
        /// Parties that ask, use, give back and die as they like; who asks in time never makes it more than the limit.
        #[test]
        fn no_schedule_lends_more_places_than_there_are(
            limit in 1_u32..6,
            steps in proptest::collection::vec((0_usize..7, 0_u32..9, 0_u32..5, 0_u64..2_000_000), 1..300),
        ) {
            let mut ledger = Ledger::default();
            let mut now = START;
            let mut held = [(0_u32, 0_u64); 7];
            for (who, want, given_back, pause) in steps {
                now += pause;
                // Whose lease has ended uses nothing any more.
                for party in &mut held {
                    if party.1 <= now {
                        party.0 = 0;
                    }
                }
                let have = held[who].0.saturating_sub(given_back);
                let name = who.to_string();
                let places = Places { want: want.max(have), have, limit };
                let lent = ledger.lend(&Ask { places, ..ask(&name, 0, 0) }, now);
                held[who] = (lent.places.max(have), now + 6_000_000);
                let out: u32 = held.iter().map(|(count, _)| count).sum();
                prop_assert!(out <= limit, "{out} of {limit}: {held:?}");
            }
        }

        /// Everybody who goes on asking and gives back what is asked of them gets a turn.
        #[test]
        fn nobody_starves(limit in 1_u32..5, parties in 1_usize..9) {
            let mut ledger = Ledger::default();
            let mut have = vec![0_u32; parties];
            let mut served = vec![false; parties];
            for round in 0..u64::try_from(parties).unwrap() * 4 {
                for who in 0..parties {
                    let name = who.to_string();
                    let places = Places { want: 9, have: have[who], limit };
                    let at = START + round * 100_000 + u64::try_from(who).unwrap();
                    let lent = ledger.lend(&Ask { places, ..ask(&name, 0, 0) }, at).places;
                    let gives_back = lent < have[who];
                    have[who] = lent;
                    if gives_back {
                        // Its requests have ended; it reports that, and goes on asking.
                        let places = Places { have: lent, ..places };
                        have[who] = ledger.lend(&Ask { places, ..ask(&name, 0, 0) }, at).places;
                    }
                    served[who] |= have[who] > 0;
                }
            }
            prop_assert!(served.iter().all(|served| *served), "{served:?}");
        }
    }
}
