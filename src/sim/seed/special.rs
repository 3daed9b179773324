//! Awkward messages that a mail client must survive.
use chrono::{DateTime, Utc};

use super::SeededMailbox;
use super::people::Cast;

/// Adds them to a mailbox.
pub(super) fn add(_mailbox: &mut SeededMailbox, _cast: &Cast, _now: DateTime<Utc>) {}
