//! OneNote's limits per application and user: requests in a minute, in an hour, and at once. Its 429 does not say for how
//! long (concepts/throttling-limits, OneNote).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::errors::refused;
use crate::sim::graph::error::GraphError;

const PER_MINUTE: u32 = 120;
const PER_HOUR: usize = 400;
const AT_ONCE: u32 = 5;
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Use by one application and user.
#[derive(Debug, Default)]
struct Lane {
    running: AtomicU32,
    /// Requests of the last hour, oldest first.
    recent: Mutex<VecDeque<Instant>>,
}

/// All of them.
#[derive(Debug)]
pub(in crate::sim::graph) struct NoteLimits {
    per_minute: AtomicU32,
    lanes: RwLock<HashMap<String, Arc<Lane>>>,
}

impl Default for NoteLimits {
    fn default() -> Self {
        Self { per_minute: AtomicU32::new(PER_MINUTE), lanes: RwLock::default() }
    }
}

/// A request under way.
#[derive(Debug)]
pub(in crate::sim::graph) struct NoteSlot(Arc<Lane>);

impl Drop for NoteSlot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl NoteLimits {
    /// Another limit of a minute, or the real one again; use back to nothing.
    pub(in crate::sim::graph) fn set(&self, per_minute: Option<u32>) {
        self.per_minute.store(per_minute.unwrap_or(PER_MINUTE), Ordering::Release);
        self.lanes.write().clear();
    }

    /// Counts a request; refused ones count too.
    pub(in crate::sim::graph) fn enter(&self, app: &str, oid: &str) -> Result<NoteSlot, GraphError> {
        let lane = Arc::clone(self.lanes.write().entry(format!("{app}\n{oid}")).or_default());
        let running = lane.running.fetch_add(1, Ordering::AcqRel);
        let slot = NoteSlot(Arc::clone(&lane));
        let now = Instant::now();
        let mut recent = lane.recent.lock();
        while recent.front().is_some_and(|first| now - *first >= HOUR) {
            recent.pop_front();
        }
        recent.push_back(now);
        let of_minute = recent.iter().rev().take_while(|at| now - **at < MINUTE).count();
        let most = self.per_minute.load(Ordering::Acquire) as usize;
        if running >= AT_ONCE || of_minute > most || recent.len() > PER_HOUR {
            return Err(refused(
                429,
                "20166",
                "The application has issued too many requests on behalf of the current user.",
            ));
        }
        drop(recent);
        Ok(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_at_once_and_a_budget_of_a_minute_for_each_user() {
        let limits = NoteLimits::default();
        let held: Vec<NoteSlot> = (0..5).map(|_| limits.enter("app", "alice").unwrap()).collect();
        let refused = limits.enter("app", "alice").unwrap_err();
        assert_eq!((refused.status, refused.code.as_ref(), refused.headers.len()), (429, "20166", 0));
        limits.enter("app", "bob").unwrap();
        drop(held);
        limits.enter("app", "alice").unwrap();
        limits.set(Some(2));
        for _ in 0..2 {
            limits.enter("app", "alice").unwrap();
        }
        assert_eq!(limits.enter("app", "alice").unwrap_err().status, 429);
    }
}
