//! The key ring: named 256-bit master keys, the first one active, and the purposes derived from them.

use crate::domain::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::Sha256;

/// Shortest accepted text key.
pub(crate) const MIN_TEXT_KEY_CHARS: usize = 32;

/// What is wrong with a key setting. Never holds key material.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum KeyRingError {
    #[error(
        "ENCRYPTION_KEY has {0} characters; give at least {MIN_TEXT_KEY_CHARS} (`entrada keys new` makes one)"
    )]
    TooShort(usize),
    #[error(
        "ENCRYPTION_KEYS entry {0} is not `kid:base64` with 32 bytes of key (`entrada keys new` makes one)"
    )]
    BadEntry(usize),
    #[error("ENCRYPTION_KEYS names the key id `{0}` twice")]
    DuplicateId(String),
    #[error("no encryption key: set ENCRYPTION_KEY or ENCRYPTION_KEYS (`entrada keys new` makes one)")]
    Empty,
}

/// One master key.
#[derive(Clone, Debug)]
pub(crate) struct MasterKey {
    /// Name written beside everything sealed with it, at most 32 characters.
    pub(crate) id: String,
    secret: Secret<[u8; 32]>,
}

impl MasterKey {
    pub(crate) fn new(id: impl Into<String>, secret: [u8; 32]) -> Self {
        Self { id: id.into(), secret: Secret::new(secret) }
    }

    /// A key for one purpose, by HKDF-SHA-256 (RFC 5869) with the purpose as info.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(self.secret.expose(), purpose)
    }
}

/// HKDF-SHA-256 of `secret` for `purpose`.
pub(crate) fn derive(secret: &[u8], purpose: &str) -> [u8; 32] {
    let mut out = [0_u8; 32];
    // 32 bytes is far below the HKDF output limit, so expansion cannot fail.
    let _ = Hkdf::<Sha256>::new(Some(b"entrada/v1"), secret).expand(purpose.as_bytes(), &mut out);
    out
}

/// All keys; the first one seals, every one opens.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    keys: Vec<MasterKey>,
}

impl KeyRing {
    /// A ring of one key made from a passphrase-like setting (`ENCRYPTION_KEY`).
    pub(crate) fn from_text(key: &str) -> Result<Self, KeyRingError> {
        let chars = key.chars().count();
        if chars < MIN_TEXT_KEY_CHARS {
            return Err(KeyRingError::TooShort(chars));
        }
        Ok(Self { keys: vec![MasterKey::new("text", derive(key.as_bytes(), "text-key"))] })
    }

    /// A ring from `kid:base64,kid:base64`, first is active (`ENCRYPTION_KEYS`).
    pub(crate) fn from_list(list: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, entry) in list.split(',').map(str::trim).filter(|e| !e.is_empty()).enumerate() {
            let bad = || KeyRingError::BadEntry(index + 1);
            let (id, text) = entry.split_once(':').ok_or_else(bad)?;
            if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(bad());
            }
            let secret: [u8; 32] = decode_base64(text).and_then(|b| b.try_into().ok()).ok_or_else(bad)?;
            if keys.iter().any(|k| k.id == id) {
                return Err(KeyRingError::DuplicateId(id.to_owned()));
            }
            keys.push(MasterKey::new(id, secret));
        }
        if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(Self { keys }) }
    }

    /// Active key first.
    pub(crate) fn keys(&self) -> &[MasterKey] {
        &self.keys
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_refused_with_its_length() {
        assert_eq!(KeyRing::from_text("short").unwrap_err(), KeyRingError::TooShort(5));
    }

    #[test]
    fn a_list_keeps_its_order_and_refuses_duplicates() {
        let key = STANDARD.encode([7_u8; 32]);
        let ring = KeyRing::from_list(&format!("b:{key}, a:{key}")).unwrap();
        assert_eq!(ring.keys().iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(
            KeyRing::from_list(&format!("a:{key},a:{key}")).unwrap_err(),
            KeyRingError::DuplicateId("a".to_owned())
        );
        assert_eq!(KeyRing::from_list("a:AAAA").unwrap_err(), KeyRingError::BadEntry(1));
    }
}
