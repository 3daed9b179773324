//! Where the sealed bytes of a stored record are and what they are bound to, for both backends.

use super::{keys, records};
use crate::domain::cipher::Cipher;
use crate::domain::ids::UserKey;
use crate::domain::secret::Sealed;
use crate::domain::upstream;
use crate::ports::resealing::{Resealed, SealedCount};
use std::collections::BTreeMap;

/// Kinds of single values that may be sealed. Answers of rotations are sealed by tokens, not by the ring.
const SEALED: [&str; 12] = [
    "clients",
    "client folds",
    "flows",
    "decisions",
    "states",
    "codes",
    "access tokens",
    "refresh tokens",
    "grants",
    "upstream records",
    "handles",
    "common records",
];

/// The kind of `key`, if its values may be sealed.
pub(super) fn kind(key: &str) -> Option<&'static str> {
    keys::kind(key).filter(|kind| SEALED.contains(kind))
}

/// Counts of values, by the key they are sealed under.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<(String, &'static str), u64>);

impl Counts {
    pub(super) fn add(&mut self, kind: &'static str, value: &[u8]) {
        if let Some(key) = Cipher::key_of(parts(value).1) {
            *self.0.entry((key.to_owned(), kind)).or_default() += 1;
        }
    }

    pub(super) fn into_list(self) -> Vec<SealedCount> {
        self.0.into_iter().map(|((key, kind), count)| SealedCount { key, kind, count }).collect()
    }
}

/// What is to be done about one value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not sealed, or under the active key already.
    Fine,
    /// Cannot be sealed anew here.
    Left,
    /// The value to put in its place.
    Replace(Vec<u8>),
}

/// Looks at the value of `key`.
pub(super) fn judge(cipher: &Cipher, key: &str, value: &[u8]) -> Verdict {
    let (mark, sealed) = parts(value);
    match Cipher::key_of(sealed) {
        None => return Verdict::Fine,
        Some(id) if id == cipher.active() => return Verdict::Fine,
        Some(_) => {}
    }
    let opened = context(key, value)
        .and_then(|bound| Some((cipher.open(&bound, &Sealed::from_bytes(sealed.to_vec())).ok()?, bound)));
    match opened {
        Some((plain, bound)) => Verdict::Replace([mark, cipher.seal(&bound, &plain).as_bytes()].concat()),
        None => Verdict::Left,
    }
}

impl Resealed {
    /// Counts what became of one value; `written` says whether a replacement found it unchanged.
    pub(super) fn note(&mut self, verdict: &Verdict, written: bool) {
        match verdict {
            Verdict::Fine => {}
            Verdict::Left => self.left += 1,
            Verdict::Replace(_) if written => self.done += 1,
            Verdict::Replace(_) => self.overtaken += 1,
        }
    }
}

/// A value's mark, if it has one, and the rest.
fn parts(value: &[u8]) -> (&[u8], &[u8]) {
    let body = match records::unmark("sealed record", value) {
        Ok(records::Marked::Live { body, .. } | records::Marked::Used { body, .. }) => body.len(),
        Err(_) => value.len(),
    };
    value.split_at(value.len() - body)
}

/// What the bytes at `key` are bound to, as the writers of each kind bind them. Kinds that end within a day have none
/// here: they are gone before an old key is.
fn context(key: &str, value: &[u8]) -> Option<String> {
    match keys::kind(key)? {
        "clients" | "client folds" => Some(keys::CLIENT_PLACE.to_owned()),
        "codes" | "access tokens" | "refresh tokens" | "grants" => Some(key.to_owned()),
        "common records" => keys::shared_name(key).map(ToOwned::to_owned),
        "upstream records" => {
            let (tid, oid) = keys::upstream_user(key)?;
            let Ok(records::Marked::Live { number, .. }) = records::unmark("upstream record", value) else {
                return None;
            };
            let version = u64::try_from(number).ok()?;
            Some(upstream::sealing_context(&UserKey::new(tid, oid), version))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::keyring::KeyRing;

    const OLD: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const NEW: &str =
        "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn cipher(list: &str) -> Cipher {
        Cipher::new(&KeyRing::from_list(list).unwrap())
    }

    #[test]
    fn a_record_keeps_its_mark_and_its_place() {
        let user = UserKey::new("t", "o");
        let bound = upstream::sealing_context(&user, 7);
        let old = records::live(7, cipher(OLD).seal(&bound, b"tokens").as_bytes());
        let (key, ring) = (keys::upstream(&user), cipher(NEW));
        let Verdict::Replace(new) = judge(&ring, &key, &old) else { panic!("not resealed") };
        assert!(new.starts_with(b"L7 "));
        let body = Sealed::from_bytes(new[3..].to_vec());
        assert_eq!(ring.open(&bound, &body).unwrap(), b"tokens");
        assert_eq!(judge(&ring, &key, &new), Verdict::Fine);
        assert_eq!(judge(&ring, &keys::upstream(&UserKey::new("t", "p")), &old), Verdict::Left, "moved");
        assert_eq!(judge(&cipher(NEW.split(',').next().unwrap()), &key, &old), Verdict::Left, "key gone");
    }

    #[test]
    fn what_is_not_sealed_is_fine() {
        let ring = cipher(NEW);
        for plain in [&b"{}"[..], b"", b"U12 ", b"L3 {\"a\":1}", b"1"] {
            assert_eq!(judge(&ring, "ent:shared:x", plain), Verdict::Fine, "{plain:?}");
        }
    }
}
