//! How records look inside a store, for both backends: JSON, or bytes behind a mark that scripts can read.
//!
//! A marked value is `L<number> <body>` while it is live and `U<number> <body>` once it is used up. The number of a
//! live record is its expiry or version, that of a used one the moment of use.

use crate::domain::clock::Timestamp;
use crate::domain::grant::{GrantRecord, RefreshRecord};
use crate::domain::secret::Sealed;
use crate::ports::shared::SharedRecord;
use crate::ports::store::{Crowd, RefreshState, StoreError, UpstreamRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a used code or state is told from an unknown one.
pub(super) const TOMBSTONE_LIFE: Duration = Duration::from_mins(15);
/// How long the answer of a rotation can be repeated; far beyond any grace.
pub(super) const SUCCESSOR_LIFE: Duration = Duration::from_mins(10);
/// How long a revoked grant refuses new tokens; longer than any request that could still bring some.
pub(super) const DEAD_LIFE: Duration = Duration::from_hours(90 * 24);
/// How long the version count of a forgotten Entra record is kept; longer than any refresh token that names it.
pub(super) const COUNT_LIFE: Duration = Duration::from_hours(400 * 24);

/// A record as JSON.
pub(super) fn encode(record: &'static str, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| corrupt(record, &error))
}

/// Reads what [`encode`] wrote.
pub(super) fn decode<T: DeserializeOwned>(record: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| corrupt(record, &error))
}

/// serde quotes the text it refuses, so only the place and class of the fault are told.
fn corrupt(record: &'static str, error: &serde_json::Error) -> StoreError {
    let reason = format!("{:?} fault at line {}, column {}", error.classify(), error.line(), error.column());
    StoreError::Corrupt { record, reason }
}

/// A marked value, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Marked<'a> {
    Live { number: i64, body: &'a [u8] },
    Used { number: i64, body: &'a [u8] },
}

/// A live value.
pub(super) fn live(number: i64, body: &[u8]) -> Vec<u8> {
    marked(b'L', number, body)
}

/// A used-up value.
pub(super) fn used(number: i64, body: &[u8]) -> Vec<u8> {
    marked(b'U', number, body)
}

fn marked(mark: u8, number: i64, body: &[u8]) -> Vec<u8> {
    let number = number.to_string();
    let mut out = Vec::with_capacity(body.len() + number.len() + 2);
    out.push(mark);
    out.extend_from_slice(number.as_bytes());
    out.push(b' ');
    out.extend_from_slice(body);
    out
}

/// Takes a marked value apart.
pub(super) fn unmark<'a>(record: &'static str, bytes: &'a [u8]) -> Result<Marked<'a>, StoreError> {
    let parts = || {
        let (&mark, rest) = bytes.split_first()?;
        let space = rest.iter().position(|&b| b == b' ')?;
        let (number, body) = rest.split_at_checked(space)?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        let body = body.get(1..)?;
        match mark {
            b'L' => Some(Marked::Live { number, body }),
            b'U' => Some(Marked::Used { number, body }),
            _ => None,
        }
    };
    parts().ok_or_else(|| StoreError::Corrupt { record, reason: "the mark is malformed".to_owned() })
}

/// Reads a refresh token's record together with the answer of its rotation. An answer that is forgotten already
/// comes out empty, which opens for nobody.
pub(super) fn refresh_state(
    value: Option<&[u8]>,
    successor: Option<&[u8]>,
    now: Timestamp,
    open: impl FnOnce(&[u8]) -> Result<Option<RefreshRecord>, StoreError>,
) -> Result<RefreshState, StoreError> {
    let Some(value) = value else { return Ok(RefreshState::Unknown) };
    let (rotated_at, body) = match unmark("refresh token", value)? {
        Marked::Live { body, .. } => (None, body),
        Marked::Used { number, body } => (Some(Timestamp::from_millis(number)), body),
    };
    let Some(record) = open(body)? else { return Ok(RefreshState::Unknown) };
    Ok(match rotated_at {
        _ if record.expires_at <= now => RefreshState::Unknown,
        None => RefreshState::Live(record),
        Some(at) => {
            let successor = Sealed::from_bytes(successor.unwrap_or_default().to_vec());
            RefreshState::Rotated { record, at, successor }
        }
    })
}

/// Reads a user's Entra record; `None` once its tokens are forgotten.
pub(super) fn upstream(value: &[u8]) -> Result<Option<UpstreamRecord>, StoreError> {
    Ok(match unmark("upstream record", value)? {
        Marked::Used { .. } => None,
        Marked::Live { number, body } => {
            let sealed = Sealed::from_bytes(body.to_vec());
            Some(UpstreamRecord { version: number.unsigned_abs(), sealed })
        }
    })
}

/// Reads a common record.
pub(super) fn shared(value: &[u8]) -> Result<Option<SharedRecord>, StoreError> {
    Ok(match unmark("common record", value)? {
        Marked::Used { .. } => None,
        Marked::Live { number, body } => {
            let sealed = Sealed::from_bytes(body.to_vec());
            Some(SharedRecord { version: number.unsigned_abs(), sealed })
        }
    })
}

/// A moment, as the last use of a grant is kept.
pub(super) fn moment(at: Timestamp) -> Vec<u8> {
    at.as_millis().to_string().into_bytes()
}

/// A grant with the moment of its last use.
pub(super) fn grant(record: GrantRecord, used: &[u8]) -> Result<GrantRecord, StoreError> {
    let at = std::str::from_utf8(used).ok().and_then(|text| text.parse().ok());
    let at = at.ok_or_else(|| StoreError::Corrupt {
        record: "last use of a grant",
        reason: "it is no moment".to_owned(),
    })?;
    Ok(GrantRecord { last_used_at: Timestamp::from_millis(at), ..record })
}

/// Life of a record that names its own beginning and end; never zero, which Redis refuses.
pub(super) fn life(from: Timestamp, to: Timestamp) -> Duration {
    to.since(from).max(Duration::from_millis(1))
}

/// Life of a group of sessions after the last one joined; longer than any session left alone.
pub(super) const CROWD_LIFE: Duration = Duration::from_hours(30 * 24);

/// A member of a group of sessions.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) joined: Timestamp,
    /// What is left of its life.
    pub(super) left: Duration,
}

/// The members beyond `crowd.most`, one newcomer counted as well, those first that were neither used nor opened for
/// longest.
pub(super) fn too_many(mut members: Vec<Member>, crowd: Crowd<'_>, now: Timestamp) -> Vec<String> {
    let excess = (members.len() + 1).saturating_sub(crowd.most.max(1));
    let seen = |member: &Member| {
        let used = now.as_millis() - crowd.ttl.saturating_sub(member.left).as_millis() as i64;
        used.max(member.joined.as_millis())
    };
    members.sort_by_key(|member| (seen(member), member.id.clone()));
    members.truncate(excess);
    members.into_iter().map(|member| member.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_values_keep_any_body() {
        for body in [&b""[..], b" L1 x", &[0, 255, b' ']] {
            assert_eq!(unmark("x", &live(-5, body)).unwrap(), Marked::Live { number: -5, body });
            assert_eq!(unmark("x", &used(17, body)).unwrap(), Marked::Used { number: 17, body });
        }
        for wrong in [&b""[..], b"L", b"L1", b"X1 y", b"Lx y", &[b'L', 255, b' ']] {
            assert!(matches!(unmark("x", wrong), Err(StoreError::Corrupt { .. })), "{wrong:?}");
        }
    }

    #[test]
    fn a_corrupt_record_is_reported_without_its_contents() {
        let error = decode::<u32>("thing", br#""alice@contoso.example""#).unwrap_err();
        assert!(!error.to_string().contains("alice"), "{error}");
    }
}
