//! What the tenant was asked: the figures that tests assert on.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::Serialize;

/// Totals since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Token requests per grant type, refused ones included.
    pub(crate) grants: BTreeMap<String, u64>,
    /// Token requests per grant type that got tokens.
    pub(crate) grants_issued: BTreeMap<String, u64>,
    /// Requests per `METHOD /route/{pattern}`.
    pub(crate) routes: BTreeMap<String, u64>,
    /// Answers per HTTP status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Answers made by a fault rule instead of a handler.
    pub(crate) faulted: u64,
    /// Anything else worth counting, by name (limits reached, highest concurrency).
    pub(crate) marks: BTreeMap<String, u64>,
}

/// Counts under one short lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    totals: Mutex<Totals>,
}

impl Counters {
    /// A token request arrived.
    pub(crate) fn grant(&self, grant_type: &str) {
        bump(&mut self.totals.lock().grants, grant_type);
    }

    /// A token request was answered with tokens.
    pub(crate) fn grant_issued(&self, grant_type: &str) {
        bump(&mut self.totals.lock().grants_issued, grant_type);
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: &str, status: u16) {
        let mut totals = self.totals.lock();
        bump(&mut totals.routes, route);
        *totals.statuses.entry(status).or_default() += 1;
    }

    /// A fault rule answered.
    pub(crate) fn faulted(&self) {
        self.totals.lock().faulted += 1;
    }

    /// Adds one to a named figure.
    pub(crate) fn mark(&self, name: &str) {
        bump(&mut self.totals.lock().marks, name);
    }

    /// Raises a named figure to `value` if it was lower.
    pub(crate) fn mark_max(&self, name: &str, value: u64) {
        let mut totals = self.totals.lock();
        match totals.marks.get_mut(name) {
            Some(known) => *known = value.max(*known),
            None => {
                totals.marks.insert(name.to_owned(), value);
            }
        }
    }

    /// A copy of all figures.
    pub(crate) fn totals(&self) -> Totals {
        self.totals.lock().clone()
    }

    /// Back to zero.
    pub(crate) fn reset(&self) {
        *self.totals.lock() = Totals::default();
    }
}

fn bump(map: &mut BTreeMap<String, u64>, key: &str) {
    match map.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            map.insert(key.to_owned(), 1);
        }
    }
}
