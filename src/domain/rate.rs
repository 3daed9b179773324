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
