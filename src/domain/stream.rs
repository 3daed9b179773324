//! Names of a session's streams and the ids of their events, `{stream}-{number}`: unique over all streams of the
//! session, and telling the stream (MCP 2025-11-25, resumability).
//!
//! A name begins with a digest of its session, so another session's event id is known as such without a look-up.

use super::ids::SessionId;
use super::random;
use sha2::{Digest, Sha256};

/// Longest name worth reading; ours are shorter.
const MAX_NAME: usize = 40;

/// Past every message of a stream, and exact as a double: reading from here tells only whose claim stands.
pub(crate) const BEYOND: u64 = (1 << 53) - 1;

/// The stream that belongs to no request.
pub(crate) fn standalone(session: &SessionId) -> String {
    format!("{}g", tag(session))
}

/// A new stream, for the answer to one request.
pub(crate) fn fresh(session: &SessionId) -> String {
    format!("{}p{}", tag(session), random::text::<9>())
}

/// Whether `name` is one of this session's, now or once.
pub(crate) fn belongs(session: &SessionId, name: &str) -> bool {
    name.strip_prefix(&tag(session)).is_some_and(|rest| rest == "g" || rest.starts_with('p'))
}

/// The id of an event.
pub(crate) fn event_id(stream: &str, seq: u64) -> String {
    format!("{stream}-{seq}")
}

/// Stream and number of an event id; `None` when it cannot be one.
pub(crate) fn parse_event_id(text: &str) -> Option<(&str, u64)> {
    let (stream, number) = text.rsplit_once('-')?;
    let is_name = !stream.is_empty()
        && stream.len() <= MAX_NAME
        && stream.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let is_number = number.bytes().all(|b| b.is_ascii_digit());
    (is_name && is_number).then(|| number.parse().ok().map(|number| (stream, number))).flatten()
}

fn tag(session: &SessionId) -> String {
    let digest = Sha256::digest(session.as_str().as_bytes());
    let start = digest.iter().take(5).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    format!("{start:010x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_told_from_other_text() {
        assert_eq!(parse_event_id("abcDEF12-0"), Some(("abcDEF12", 0)));
        assert_eq!(parse_event_id("a-b_c-42"), Some(("a-b_c", 42)));
        for bad in ["", "abc", "abc-", "-1", "abc-x", "a b-1", "abc-+1", "abc-18446744073709551616"] {
            assert_eq!(parse_event_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_belongs_to_its_own_session() {
        let (one, two) = (SessionId::new("one"), SessionId::new("two"));
        for name in [standalone(&one), fresh(&one)] {
            assert!(belongs(&one, &name) && !belongs(&two, &name), "{name}");
            assert_eq!(parse_event_id(&event_id(&name, 7)), Some((name.as_str(), 7)));
        }
        assert_ne!(fresh(&one), fresh(&one));
        assert!(!belongs(&one, &format!("{}x", tag(&one))));
    }
}
