//! SharePoint's budget: resource units of the application in the tenant, per minute.

use std::time::Instant;

use parking_lot::Mutex;

use crate::sim::graph::error::GraphError;

/// Units of a minute for a tenant of up to 1,000 licences.
const DEFAULT: u32 = 1_200;
const WINDOW_S: u64 = 60;

#[derive(Debug)]
struct Minute {
    limit: u32,
    began: Instant,
    used: u32,
}

/// The budget of the running minute.
#[derive(Debug)]
pub(in crate::sim::graph) struct Units(Mutex<Minute>);

impl Default for Units {
    fn default() -> Self {
        Self(Mutex::new(Minute { limit: DEFAULT, began: Instant::now(), used: 0 }))
    }
}

impl Units {
    /// Another limit, or the real one again; the minute starts anew.
    pub(in crate::sim::graph) fn set(&self, limit: Option<u32>) {
        *self.0.lock() = Minute { limit: limit.unwrap_or(DEFAULT), began: Instant::now(), used: 0 };
    }

    /// Spends units; refused calls cost as well. What is left of the budget is told once 80 % are gone.
    pub(super) fn spend(&self, cost: u32) -> Result<Vec<(&'static str, String)>, GraphError> {
        let mut minute = self.0.lock();
        if minute.began.elapsed().as_secs() >= WINDOW_S {
            (minute.began, minute.used) = (Instant::now(), 0);
        }
        minute.used = minute.used.saturating_add(cost);
        let reset = WINDOW_S.saturating_sub(minute.began.elapsed().as_secs()).max(1);
        let (limit, left) = (minute.limit, minute.limit.saturating_sub(minute.used));
        if minute.used > limit {
            return Err(GraphError::new(429, "activityLimitReached", "The request has been throttled")
                .header("Retry-After", reset.to_string()));
        }
        if u64::from(minute.used) * 10 < u64::from(limit) * 8 {
            return Ok(Vec::new());
        }
        Ok(vec![
            ("RateLimit-Limit", limit.to_string()),
            ("RateLimit-Remaining", left.to_string()),
            ("RateLimit-Reset", reset.to_string()),
        ])
    }
}
