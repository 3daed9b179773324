//! The simulator's wall clock, the one place that reads it.

use chrono::{DateTime, Utc};

/// Now.
#[expect(clippy::disallowed_methods, reason = "the simulator stands for a remote party with its own clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Seconds since 1970.
pub(crate) fn now_secs() -> i64 {
    now().timestamp()
}
