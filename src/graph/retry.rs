//! When to send again: pure policy, the client does the waiting.

use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;

/// Most attempts of one request.
pub(super) const MAX_ATTEMPTS: u32 = 4;
const LONGEST: Duration = Duration::from_mins(1);
/// What an answer may order at most: a longer wait is a mistake of somebody's, and would hold a mailbox back for good.
pub(super) const LONGEST_ORDER: Duration = Duration::from_hours(1);

/// Whether repeating cannot do harm.
pub(super) fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent()
}

/// Statuses of a server that may work again in a moment; 408 says that it waited in vain for the request.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 502..=504)
}

/// The wait that an answer orders (`Retry-After` as seconds or as a date, measured against the answer's own `Date`).
pub(super) fn ordered(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(LONGEST_ORDER));
    }
    let until = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let now = headers.get(http::header::DATE)?.to_str().ok()?;
    let now = chrono::DateTime::parse_from_rfc2822(now).ok()?;
    Some((until - now).to_std().unwrap_or_default().min(LONGEST_ORDER))
}

/// Back-off without an order: full jitter over 2^n seconds.
pub(super) fn backoff(attempt: u32, random: u32) -> Duration {
    let window = Duration::from_secs(1).saturating_mul(1 << attempt.min(6)).min(LONGEST);
    window.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// An ordered wait plus 0 to 10 %, so that callers do not return all at once.
pub(super) fn jittered(wait: Duration, random: u32) -> Duration {
    wait.mul_f64(1.0 + 0.1 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn both_forms_of_the_wait_are_read() {
        assert_eq!(ordered(&headers(&[("retry-after", "7")])), Some(Duration::from_secs(7)));
        let dates = headers(&[
            ("date", "Fri, 20 Nov 2026 10:00:00 GMT"),
            ("retry-after", "Fri, 20 Nov 2026 10:00:09 GMT"),
        ]);
        assert_eq!(ordered(&dates), Some(Duration::from_secs(9)));
        for long in ["86400", "1e19"] {
            assert_eq!(ordered(&headers(&[("retry-after", long)])), Some(LONGEST_ORDER), "{long}");
        }
        for odd in ["soon", "-5", "", "NaN", "1e300"] {
            assert_eq!(ordered(&headers(&[("retry-after", odd)])), None, "{odd}");
        }
    }

    #[test]
    fn waits_stay_within_their_bounds() {
        assert_eq!(backoff(0, 0), Duration::ZERO);
        assert_eq!(backoff(2, u32::MAX), Duration::from_secs(4));
        assert_eq!(backoff(40, u32::MAX), LONGEST);
        assert_eq!(jittered(Duration::from_secs(10), 0), Duration::from_secs(10));
        assert_eq!(jittered(Duration::from_secs(10), u32::MAX), Duration::from_secs(11));
    }
}
