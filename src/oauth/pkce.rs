//! Proof key for code exchange, S256 only (RFC 7636).

use crate::domain::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of a SHA-256 digest in unpadded base64url.
const CHALLENGE_CHARS: usize = 43;

/// A verifier of our own, for Entra: 256 random bits.
pub(super) fn new_verifier() -> String {
    random::text::<32>()
}

/// S256 challenge of a verifier.
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// Whether `text` can be an S256 challenge: exactly the base64url form of 32 bytes.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_CHARS && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// Whether `text` has the shape of a verifier (RFC 7636 §4.1).
pub(super) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// Whether `verifier` belongs to `expected`, in constant time.
pub(super) fn verifies(verifier: &str, expected: &str) -> bool {
    challenge(verifier).as_bytes().ct_eq(expected.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_verifies() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(verifies(verifier, expected));
        assert!(!verifies(&new_verifier(), expected));
        assert!(is_challenge(expected));
    }

    #[test]
    fn other_shapes_are_refused() {
        let good = challenge("x");
        for wrong in
            ["abc", &format!("{good}A"), &format!("{}=", &good[..42]), &good.replace(&good[..1], "+")]
        {
            assert!(!is_challenge(wrong), "{wrong}");
        }
        assert!(!is_verifier(&"a".repeat(42)));
        assert!(is_verifier(&"a".repeat(128)));
        assert!(!is_verifier(&"a".repeat(129)));
        assert!(!is_verifier(&"\u{e9}".repeat(30)));
    }
}
