//! Regular automatic mail: build results, digests, reminders.
use chrono::{DateTime, Utc};

use super::SeededMailbox;

/// Adds them to a mailbox.
pub(super) fn add(_mailbox: &mut SeededMailbox, _now: DateTime<Utc>) {}
