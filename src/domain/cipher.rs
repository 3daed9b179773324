//! XChaCha20-Poly1305 sealing under the key ring (pure computation, hence in the domain: actors and fronts seal).
//!
//! # Shape
//! `0x01 | kid length | kid | 24-byte nonce | ciphertext + tag`. The associated data is the caller's context: it
//! names record kind, tenant, user and version, so a record moved to another key or rolled back does not open.

use crate::domain::keyring::{KeyRing, derive};
use crate::domain::random;
use crate::domain::secret::Sealed;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use std::sync::Arc;

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Why sealed bytes did not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum OpenError {
    #[error("the sealed record is malformed")]
    Malformed,
    #[error("the sealed record was made with key `{0}`, which is not in the key ring")]
    UnknownKey(String),
    #[error("the sealed record does not authenticate: changed, moved or rolled back")]
    NotAuthentic,
}

/// Seals with the active key, opens with any key of the ring.
#[derive(Clone)]
pub(crate) struct Cipher {
    keys: Arc<[(String, XChaCha20Poly1305)]>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cipher({} keys)", self.keys.len())
    }
}

impl Cipher {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        let keys =
            ring.keys().iter().map(|k| (k.id.clone(), XChaCha20Poly1305::new(&k.derive("seal").into())));
        Self { keys: keys.collect() }
    }

    /// A cipher whose only key comes from a token's own entropy: what it seals opens for the holder of the token.
    pub(crate) fn from_token(token: &str) -> Self {
        let key = derive(token.as_bytes(), "token-seal");
        Self { keys: Arc::from(vec![("t".to_owned(), XChaCha20Poly1305::new(&key.into()))]) }
    }

    /// Seals `plain`; `context` must be given again to open it.
    pub(crate) fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        let nonce: [u8; NONCE_BYTES] = random::bytes();
        let mut out = Vec::with_capacity(plain.len() + 64);
        if let Some((id, cipher)) = self.keys.first() {
            out.push(FORMAT);
            out.push(id.len() as u8);
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(&nonce);
            let payload = Payload { msg: plain, aad: context.as_bytes() };
            // Fails only beyond 256 GiB of plaintext; an empty tail then does not open, which is the safe side.
            out.extend(cipher.encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default());
        }
        Sealed::from_bytes(out)
    }

    /// Id of the key that seals.
    pub(crate) fn active(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// Id of the key that `sealed` was made with; `None` for bytes that no cipher of ours made.
    pub(crate) fn key_of(sealed: &[u8]) -> Option<&str> {
        let (id, rest) = split_header(sealed)?;
        let id = std::str::from_utf8(id).ok()?;
        let is_whole = rest.len() > NONCE_BYTES && !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic());
        is_whole.then_some(id)
    }

    /// Opens what [`Self::seal`] made under the same `context`.
    pub(crate) fn open(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, OpenError> {
        let (id, rest) = split_header(sealed.as_bytes()).ok_or(OpenError::Malformed)?;
        let (nonce, body) = rest.split_at_checked(NONCE_BYTES).ok_or(OpenError::Malformed)?;
        let (_, cipher) = self
            .keys
            .iter()
            .find(|(kid, _)| kid.as_bytes() == id)
            .ok_or_else(|| OpenError::UnknownKey(String::from_utf8_lossy(id).into_owned()))?;
        cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: context.as_bytes() })
            .map_err(|_| OpenError::NotAuthentic)
    }
}

fn split_header(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&format, rest) = bytes.split_first()?;
    let (&len, rest) = rest.split_first()?;
    if format == FORMAT { rest.split_at_checked(usize::from(len)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(list: &str) -> Cipher {
        Cipher::new(&KeyRing::from_list(list).unwrap())
    }

    const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    #[test]
    fn opens_only_under_its_own_context() {
        let cipher = ring(A);
        let sealed = cipher.seal("upstream|t|o|1", b"token");
        assert_eq!(cipher.open("upstream|t|o|1", &sealed).unwrap(), b"token");
        assert_eq!(cipher.open("upstream|t|o|2", &sealed), Err(OpenError::NotAuthentic));
    }

    #[test]
    fn a_flipped_byte_or_a_foreign_key_does_not_open() {
        let sealed = ring(A).seal("x", b"token");
        let mut bytes = sealed.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(ring(A).open("x", &Sealed::from_bytes(bytes)), Err(OpenError::NotAuthentic));
        assert_eq!(ring(B).open("x", &sealed), Err(OpenError::UnknownKey("a".to_owned())));
        assert_eq!(ring(A).open("x", &Sealed::from_bytes(vec![1, 200, 3])), Err(OpenError::Malformed));
    }

    #[test]
    fn a_sealed_record_names_its_key() {
        assert_eq!(Cipher::key_of(ring(A).seal("x", b"token").as_bytes()), Some("a"));
        assert_eq!(ring(&format!("{B},{A}")).active(), "b");
        for other in [&b"{\"id\":1}"[..], b"", &[1, 1, b'a'], &[1, 0]] {
            assert_eq!(Cipher::key_of(other), None);
        }
    }

    #[test]
    fn rotation_keeps_old_records_readable() {
        let sealed = ring(A).seal("x", b"token");
        assert_eq!(ring(&format!("{B},{A}")).open("x", &sealed).unwrap(), b"token");
    }
}
