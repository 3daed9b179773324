//! Teams lets an application ask for one chat or channel four times in a second, and no more.
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::super::error::GraphError;

const PER_SECOND: usize = 4;
const WINDOW: Duration = Duration::from_secs(1);
/// Threads that are remembered before idle ones are forgotten.
const MANY: usize = 1_000;

/// The requests of the last second, by thread.
#[derive(Debug, Default)]
pub(super) struct ThreadLimits {
    recent: Mutex<HashMap<String, VecDeque<Instant>>>,
}

impl ThreadLimits {
    /// Counts one request; 429 when it is one too many. Refused requests do not count.
    pub(super) fn enter(&self, thread: &str) -> Result<(), GraphError> {
        let now = Instant::now();
        let mut recent = self.recent.lock();
        if recent.len() > MANY {
            recent.retain(|_, times| times.back().is_some_and(|last| now - *last < WINDOW));
        }
        let times = recent.entry(thread.to_owned()).or_default();
        while times.front().is_some_and(|first| now - *first >= WINDOW) {
            times.pop_front();
        }
        if times.len() >= PER_SECOND {
            return Err(GraphError::new(429, "TooManyRequests", "Too many requests for this thread.")
                .header("Retry-After", "1"));
        }
        times.push_back(now);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.recent.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_request_of_a_second_is_refused_and_other_threads_are_not() {
        let limits = ThreadLimits::default();
        for _ in 0..PER_SECOND {
            limits.enter("a").unwrap();
        }
        let refused = limits.enter("a").unwrap_err();
        assert_eq!((refused.status, refused.code.as_ref()), (429, "TooManyRequests"));
        limits.enter("b").unwrap();
        limits.forget();
        limits.enter("a").unwrap();
    }
}
