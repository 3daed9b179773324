//! Exchange's limits per application and mailbox: requests at once, and requests in ten minutes.
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::error::GraphError;

const OVER_CONCURRENCY: &str = "Application is over its MailboxConcurrency limit.";
const OVER_BUDGET: &str = "Application is over its request limit for this mailbox.";

/// The limits in force.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// Requests at once.
    pub(super) concurrent: u32,
    /// Requests in a window.
    pub(super) budget: u32,
    /// Length of the window.
    pub(super) window_seconds: u64,
    /// Resource units of files in a minute; the real ones when absent.
    pub(super) drive_units: Option<u32>,
    /// OneNote requests of a user in a minute; the real limit when absent.
    pub(super) notes_per_minute: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrent: 4, budget: 10_000, window_seconds: 600, drive_units: None, notes_per_minute: None }
    }
}

/// Usage of one mailbox by one application.
#[derive(Debug, Default)]
struct Lane {
    running: AtomicU32,
    most: AtomicU32,
    refused: AtomicU32,
    /// (second since start, requests in it), oldest first.
    recent: Mutex<(VecDeque<(u64, u32)>, u32)>,
}

/// What `GET /_sim/graph/limits` tells of one lane.
#[derive(Debug, Serialize)]
pub(super) struct LaneReport {
    app_id: String,
    mailbox: String,
    running: u32,
    max_concurrent: u32,
    requests_in_window: u32,
    throttled: u32,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Gate {
    start: Instant,
    limits: RwLock<Limits>,
    lanes: RwLock<HashMap<String, Arc<Lane>>>,
}

/// A slot that is given back when dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Lane>);

impl Slot {
    /// Requests running on this mailbox now.
    pub(super) fn running(&self) -> u32 {
        self.0.running.load(Ordering::Acquire)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// An empty gate with the real limits.
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), limits: RwLock::default(), lanes: RwLock::default() }
    }

    /// The limits in force.
    pub(super) fn limits(&self) -> Limits {
        *self.limits.read()
    }

    /// Other limits, and usage back to nothing.
    pub(super) fn set(&self, limits: Limits) {
        *self.limits.write() = limits;
        self.lanes.write().clear();
    }

    /// Takes one slot and counts one request.
    pub(super) fn enter(&self, app_id: &str, mailbox: &str) -> Result<Slot, GraphError> {
        let limits = self.limits();
        let lane = self.lane(app_id, mailbox);
        if let Some(wait) = self.count(&lane, limits) {
            lane.refused.fetch_add(1, Ordering::Relaxed);
            return Err(GraphError::throttled(OVER_BUDGET, wait));
        }
        let free = |running: u32| (running < limits.concurrent).then_some(running + 1);
        let Ok(before) = lane.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, free) else {
            lane.refused.fetch_add(1, Ordering::Relaxed);
            return Err(GraphError::throttled(OVER_CONCURRENCY, 1));
        };
        lane.most.fetch_max(before + 1, Ordering::AcqRel);
        Ok(Slot(lane))
    }

    /// Counts one request that runs on a slot already held.
    pub(super) fn count_one(&self, app_id: &str, mailbox: &str) -> Result<(), GraphError> {
        match self.count(&self.lane(app_id, mailbox), self.limits()) {
            None => Ok(()),
            Some(wait) => Err(GraphError::throttled(OVER_BUDGET, wait)),
        }
    }

    /// Usage of every lane.
    pub(super) fn report(&self) -> Vec<LaneReport> {
        let lanes = self.lanes.read();
        let mut all: Vec<LaneReport> = lanes
            .iter()
            .filter_map(|(key, lane)| {
                let (app_id, mailbox) = key.split_once('\n')?;
                Some(LaneReport {
                    app_id: app_id.to_owned(),
                    mailbox: mailbox.to_owned(),
                    running: lane.running.load(Ordering::Acquire),
                    max_concurrent: lane.most.load(Ordering::Acquire),
                    requests_in_window: lane.recent.lock().1,
                    throttled: lane.refused.load(Ordering::Relaxed),
                })
            })
            .collect();
        all.sort_by(|a, b| (&a.mailbox, &a.app_id).cmp(&(&b.mailbox, &b.app_id)));
        all
    }

    fn lane(&self, app_id: &str, mailbox: &str) -> Arc<Lane> {
        let key = format!("{app_id}\n{mailbox}");
        if let Some(lane) = self.lanes.read().get(&key) {
            return Arc::clone(lane);
        }
        Arc::clone(self.lanes.write().entry(key).or_default())
    }

    /// Counts a request; `Some(seconds)` when the budget is spent. Refused requests count too, as at Graph.
    fn count(&self, lane: &Lane, limits: Limits) -> Option<u64> {
        let now = self.start.elapsed().as_secs();
        let mut recent = lane.recent.lock();
        let (seconds, total) = &mut *recent;
        while let Some((second, count)) = seconds.front().copied() {
            if second + limits.window_seconds > now {
                break;
            }
            *total -= count;
            seconds.pop_front();
        }
        match seconds.back_mut() {
            Some((second, count)) if *second == now => *count += 1,
            _ => seconds.push_back((now, 1)),
        }
        *total += 1;
        if *total <= limits.budget {
            return None;
        }
        let oldest = seconds.front().map_or(now, |(second, _)| *second);
        Some((oldest + limits.window_seconds).saturating_sub(now).max(1))
    }
}

/// How long an answer takes.
pub(super) async fn hold(delay_ms: u64) {
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_request_at_once_is_refused_per_app_and_mailbox() {
        let gate = Gate::new();
        let held: Vec<Slot> = (0..4).map(|_| gate.enter("app", "alice").unwrap()).collect();
        let refused = gate.enter("app", "alice").unwrap_err();
        assert_eq!((refused.status, refused.code.as_ref()), (429, "ApplicationThrottled"));
        assert!(refused.headers.contains(&("Retry-After", "1".to_owned())));
        assert!(gate.enter("app", "bob").is_ok());
        assert!(gate.enter("other", "alice").is_ok());
        drop(held);
        assert!(gate.enter("app", "alice").is_ok());
        let report = gate.report();
        let lane = report.iter().find(|l| l.mailbox == "alice" && l.app_id == "app").unwrap();
        assert_eq!((lane.max_concurrent, lane.throttled, lane.running), (4, 1, 0));
    }

    #[test]
    fn the_budget_of_a_window_is_kept() {
        let gate = Gate::new();
        gate.set(Limits { budget: 3, ..Limits::default() });
        for _ in 0..3 {
            assert!(gate.enter("app", "alice").is_ok());
        }
        let refused = gate.enter("app", "alice").unwrap_err();
        let wait: u64 = refused.headers[0].1.parse().unwrap();
        assert!((590..=600).contains(&wait), "{wait}");
    }
}
