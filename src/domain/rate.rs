//! A request budget: a burst that refills evenly. One moment per budget is all that is kept (GCRA).

use std::time::Duration;

/// So many requests at once, and the same number again in every `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) burst: u32,
    pub(crate) period: Duration,
}

impl Rate {
    pub(crate) const fn per_minute(burst: u32) -> Self {
        Self { burst, period: Duration::from_mins(1) }
    }

    /// The same budget for a crowd behind one address.
    pub(crate) fn times(self, factor: u32) -> Self {
        Self { burst: self.burst.saturating_mul(factor), ..self }
    }

    /// Time that one request costs, in microseconds; a budget of nothing costs a whole period.
    pub(crate) fn cost_us(self) -> u64 {
        let period = u64::try_from(self.period.as_micros()).unwrap_or(u64::MAX);
        (period / u64::from(self.burst.max(1))).max(1)
    }

    /// How far the budget may be overdrawn, in microseconds.
    pub(crate) fn depth_us(self) -> u64 {
        self.cost_us().saturating_mul(u64::from(self.burst.max(1)))
    }

    /// Takes one request out of a budget that is used up until `used_until_us`: the new moment, or the wait.
    pub(crate) fn take(self, used_until_us: u64, now_us: u64) -> Result<u64, Duration> {
        let next = used_until_us.max(now_us).saturating_add(self.cost_us());
        let ahead = next - now_us;
        match ahead.checked_sub(self.depth_us()) {
            Some(wait) if wait > 0 => Err(Duration::from_micros(wait)),
            Some(_) | None => Ok(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_is_neither_too_short_nor_too_long_and_a_refusal_costs_nothing(
            burst in 1_u32..50, period_ms in 1_u64..100_000, steps in proptest::collection::vec(0_u64..2_000, 1..120),
        ) {
            let rate = Rate { burst, period: Duration::from_millis(period_ms) };
            let (mut used, mut now) = (0, 1_000_000_000_000);
            for step in steps {
                now += step * 1000;
                match rate.take(used, now) {
                    Ok(next) => used = next,
                    Err(wait) => {
                        let wait = u64::try_from(wait.as_micros()).unwrap();
                        prop_assert!(wait <= rate.cost_us());
                        prop_assert!(rate.take(used, now + wait).is_ok());
                        prop_assert!(rate.take(used, now + wait - 1).is_err());
                    }
                }
            }
        }

        #[test]
        fn in_any_window_no_more_passes_than_the_burst_and_what_refills(
            burst in 1_u32..20, steps in proptest::collection::vec(0_u64..400, 1..200), window_ms in 1_u64..5_000,
        ) {
            let rate = Rate { burst, period: Duration::from_secs(1) };
            let (mut used, mut now, mut passed) = (0, 1_000_000_000_000_u64, Vec::new());
            for step in steps {
                now += step * 1000;
                if let Ok(next) = rate.take(used, now) {
                    used = next;
                    passed.push(now);
                }
            }
            let refilled = window_ms * 1000 / rate.cost_us() + 1;
            for (at, start) in passed.iter().enumerate() {
                let within = passed.iter().skip(at).filter(|when| *when - start < window_ms * 1000).count() as u64;
                prop_assert!(within <= u64::from(burst) + refilled, "{} in {} ms", within, window_ms);
            }
        }

        #[test]
        fn no_budget_and_no_moment_overflows(
            burst in any::<u32>(), period in any::<u64>(), used in any::<u64>(), now in any::<u64>(), factor in any::<u32>(),
        ) {
            let rate = Rate { burst, period: Duration::from_micros(period) }.times(factor);
            if let Ok(next) = rate.take(used, now) {
                prop_assert!(next >= used && next >= now);
            }
        }
    }

    #[test]
    fn a_burst_passes_and_refills_evenly() {
        let rate = Rate::per_minute(6);
        let now = 1_000_000_000;
        let mut used = 0;
        for _ in 0..6 {
            used = rate.take(used, now).unwrap();
        }
        assert_eq!(rate.take(used, now), Err(Duration::from_secs(10)));
        used = rate.take(used, now + 10_000_000).unwrap();
        assert!(rate.take(used, now + 10_000_000).is_err());
        assert!(rate.take(used, now + 70_000_000).is_ok());
    }
}
