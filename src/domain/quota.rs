//! Generic cell rate algorithm: a rate limit in one number, with the wait time falling out of the arithmetic.

use crate::domain::clock::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A budget of `burst` requests that refills evenly over `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Microseconds between two refills; milliseconds would round large budgets to zero.
    interval_us: i64,
    period_us: i64,
}

impl Quota {
    /// `requests` per `period`; zero requests count as one.
    pub(crate) fn new(requests: u32, period: Duration) -> Self {
        let period_us = i64::try_from(period.as_micros()).unwrap_or(i64::MAX).max(1);
        Self { interval_us: (period_us / i64::from(requests.max(1))).max(1), period_us }
    }

    /// Time that one unit costs, in microseconds; at least 1.
    pub(crate) fn interval_us(self) -> u64 {
        self.interval_us.unsigned_abs().max(1)
    }

    /// The period, in microseconds: how far the budget may be used ahead.
    pub(crate) fn period_us(self) -> u64 {
        self.period_us.unsigned_abs()
    }

    /// Units of a full budget.
    pub(crate) fn most(self) -> u32 {
        u32::try_from(self.period_us() / self.interval_us()).unwrap_or(u32::MAX)
    }
}

/// One limited thing. A compare-and-swap per request, no lock.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    /// Theoretical arrival time in microseconds.
    arrival_us: AtomicI64,
}

impl Cell {
    /// Takes a request of some units at `now`, or says how long to wait. One that costs more than the whole budget costs
    /// the budget.
    pub(crate) fn take(&self, quota: Quota, units: u32, now: Timestamp) -> Result<(), Duration> {
        let cost_us = quota.interval_us.saturating_mul(i64::from(units)).min(quota.period_us);
        let now_us = now.as_millis().saturating_mul(1000);
        let mut current = self.arrival_us.load(Ordering::Relaxed);
        loop {
            let start = current.max(now_us);
            let ahead = start - now_us;
            if ahead > quota.period_us - cost_us {
                let wait = ahead - (quota.period_us - cost_us);
                return Err(Duration::from_micros(u64::try_from(wait).unwrap_or(0)));
            }
            let next = start.saturating_add(cost_us);
            match self.arrival_us.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(seen) => current = seen,
            }
        }
    }

    /// Whether the whole budget is free again, so that the cell may be forgotten.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        self.arrival_us.load(Ordering::Relaxed) <= now.as_millis().saturating_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_burst_passes_and_the_next_one_learns_its_wait() {
        let (cell, quota) = (Cell::default(), Quota::new(4, Duration::from_secs(4)));
        let now = Timestamp::from_millis(1_000_000);
        for _ in 0..4 {
            cell.take(quota, 1, now).unwrap();
        }
        assert_eq!(cell.take(quota, 1, now), Err(Duration::from_secs(1)));
        cell.take(quota, 1, now.plus(Duration::from_secs(1))).unwrap();
        assert!(cell.is_idle(now.plus(Duration::from_secs(9))));
    }

    #[test]
    fn a_request_may_cost_several_units() {
        let (cell, quota) = (Cell::default(), Quota::new(4, Duration::from_secs(4)));
        let now = Timestamp::from_millis(1_000_000);
        cell.take(quota, 3, now).unwrap();
        assert_eq!(cell.take(quota, 2, now), Err(Duration::from_secs(1)));
        cell.take(quota, 1, now).unwrap();
        cell.take(quota, 100, now.plus(Duration::from_secs(4))).unwrap();
    }

    proptest! {
        #[test]
        fn a_wait_is_neither_too_short_nor_too_long_and_a_refusal_costs_nothing(
            budget in 1_u32..20, steps in proptest::collection::vec((0_u64..400, 1_u32..6), 1..100),
        ) {
            let quota = Quota::new(budget, Duration::from_secs(1));
            let (cell, mut now) = (Cell::default(), Timestamp::from_millis(1_000_000));
            for (step, units) in steps {
                now = now.plus(Duration::from_millis(step));
                let before = cell.arrival_us.load(Ordering::Relaxed);
                let Err(wait) = cell.take(quota, units, now) else { continue };
                prop_assert_eq!(cell.arrival_us.load(Ordering::Relaxed), before);
                prop_assert!(wait <= Duration::from_secs(1));
                // Clocks tick in milliseconds.
                let ticks = Duration::from_millis(u64::try_from(wait.as_micros().div_ceil(1000)).unwrap());
                let copy = || Cell { arrival_us: AtomicI64::new(before) };
                prop_assert!(copy().take(quota, units, now.plus(ticks)).is_ok());
                let early = ticks.saturating_sub(Duration::from_millis(1));
                prop_assert!(copy().take(quota, units, now.plus(early)).is_err());
            }
        }

        #[test]
        fn threads_that_take_at_once_get_no_more_than_one_would(budget in 1_u32..40) {
            let quota = Quota::new(budget, Duration::from_hours(1));
            let (cell, now) = (Cell::default(), Timestamp::from_millis(1_000_000));
            let passed: usize = std::thread::scope(|scope| {
                let takers: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| (0..20).filter(|_| cell.take(quota, 1, now).is_ok()).count()))
                    .collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).sum()
            });
            prop_assert_eq!(passed, 80.min(budget as usize));
        }

        #[test]
        fn no_window_of_one_period_ever_lets_more_than_twice_the_budget_pass(
            steps in proptest::collection::vec(0_u64..400, 1..200), budget in 1_u32..20,
        ) {
            let quota = Quota::new(budget, Duration::from_secs(1));
            let cell = Cell::default();
            let mut now = Timestamp::from_millis(1_000_000);
            let mut passed = Vec::new();
            for step in steps {
                now = now.plus(Duration::from_millis(step));
                if cell.take(quota, 1, now).is_ok() {
                    passed.push(now);
                }
            }
            for (i, start) in passed.iter().enumerate() {
                let within = passed.iter().skip(i).filter(|t| t.since(*start) < Duration::from_secs(1)).count();
                prop_assert!(within <= 2 * budget as usize);
            }
        }
    }
}
