//! Signed statements of others: the signature here, everything that they say in the hands of the caller.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;

/// Algorithms that clients may sign with, as metadata names them.
pub(super) const ALGORITHMS: [&str; 5] = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];
/// The same, in the same order.
pub(super) const ALLOWED: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA];

/// Octets of an RSA modulus: 2048 to 4096 bits.
const MODULUS: RangeInclusive<usize> = 256..=512;
const EXPONENT: RangeInclusive<usize> = 1..=4;

/// Why there are no claims to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JwtFault {
    /// The key is of no kind that can verify anything, or not of the kind that the algorithm needs.
    Key,
    Signature,
}

/// Claims of a JWT that `key` signed with `algorithm`. Audience and times are not looked at: the caller checks them, against
/// the clock of the store.
pub(super) fn claims<T: DeserializeOwned>(jwt: &str, key: &Jwk, algorithm: Algorithm) -> Result<T, JwtFault> {
    if !is_sound(key, algorithm) {
        return Err(JwtFault::Key);
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| JwtFault::Key)?;
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    Ok(decode::<T>(jwt, &key, &rules).map_err(|_| JwtFault::Signature)?.claims)
}

/// Whether the key is whole, of a sensible size and of the kind that `algorithm` needs. Not
/// everything that can verify checks that: an Ed25519 key that is too short makes `jsonwebtoken`'s own code panic.
pub(super) fn is_sound(key: &Jwk, algorithm: Algorithm) -> bool {
    let point = |wanted: &EllipticCurve, curve: &EllipticCurve, all: [&str; 2], octets: usize| {
        curve == wanted && all.into_iter().all(|text| octets_of(text).is_some_and(|o| o.len() == octets))
    };
    match (&key.algorithm, algorithm) {
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES256) => {
            point(&EllipticCurve::P256, &ec.curve, [&ec.x, &ec.y], 32)
        }
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES384) => {
            point(&EllipticCurve::P384, &ec.curve, [&ec.x, &ec.y], 48)
        }
        (AlgorithmParameters::RSA(rsa), Algorithm::RS256 | Algorithm::PS256) => {
            is_number(&rsa.n, &MODULUS) && is_number(&rsa.e, &EXPONENT)
        }
        (AlgorithmParameters::OctetKeyPair(okp), Algorithm::EdDSA) => {
            point(&EllipticCurve::Ed25519, &okp.curve, [&okp.x, &okp.x], 32)
        }
        _ => false,
    }
}

/// A big number without leading zeros (RFC 7518 §2, `Base64urlUInt`).
fn is_number(text: &str, octets: &RangeInclusive<usize>) -> bool {
    octets_of(text).is_some_and(|found| octets.contains(&found.len()) && found.first() != Some(&0))
}

/// Strict base64url: equal octets have one spelling, and so one thumbprint.
fn octets_of(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sound(key: Value, algorithm: Algorithm) -> bool {
        is_sound(&serde_json::from_value(key).unwrap(), algorithm)
    }

    #[test]
    fn a_key_is_whole_and_of_the_kind_that_the_algorithm_needs() {
        let text = |octets: usize| URL_SAFE_NO_PAD.encode(vec![1_u8; octets]);
        let on =
            |curve: &str, x: usize, y: usize| json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)});
        let ec = |x: usize, y: usize| on("P-256", x, y);
        let ed = |x: usize| json!({"kty": "OKP", "crv": "Ed25519", "x": text(x)});
        let rsa = |n: usize| json!({"kty": "RSA", "n": text(n), "e": "AQAB"});
        for (key, algorithm, expected) in [
            (ec(32, 32), Algorithm::ES256, true),
            (ec(33, 31), Algorithm::ES256, false),
            (ec(32, 32), Algorithm::ES384, false),
            (ec(48, 48), Algorithm::ES384, false),
            (on("P-384", 48, 48), Algorithm::ES384, true),
            (on("P-384", 48, 47), Algorithm::ES384, false),
            (on("P-384", 48, 48), Algorithm::ES256, false),
            (on("P-384", 32, 32), Algorithm::ES256, false),
            (ec(32, 32), Algorithm::RS256, false),
            (ed(32), Algorithm::EdDSA, true),
            (ed(31), Algorithm::EdDSA, false),
            (ed(0), Algorithm::EdDSA, false),
            (ed(32), Algorithm::ES256, false),
            (rsa(256), Algorithm::PS256, true),
            (rsa(512), Algorithm::RS256, true),
            (rsa(128), Algorithm::RS256, false),
            (rsa(513), Algorithm::RS256, false),
            (rsa(256), Algorithm::EdDSA, false),
            (json!({"kty": "oct", "k": text(32)}), Algorithm::HS256, false),
        ] {
            assert_eq!(sound(key.clone(), algorithm), expected, "{key} {algorithm:?}");
        }
        let padded = json!({"kty": "OKP", "crv": "Ed25519", "x": format!("{}=", text(32))});
        assert!(!sound(padded, Algorithm::EdDSA));
        let zero =
            json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([vec![0], vec![1; 256]].concat()), "e": "AQAB"});
        assert!(!sound(zero, Algorithm::RS256), "a leading zero would give the same key another thumbprint");
    }

    /// `jsonwebtoken`'s own code would panic on it.
    #[test]
    fn a_short_key_is_refused_and_nothing_panics() {
        let key: Jwk = serde_json::from_value(json!({"kty": "OKP", "crv": "Ed25519", "x": "AQ"})).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#);
        let jwt = format!("{header}.e30.AQ");
        assert_eq!(claims::<Value>(&jwt, &key, Algorithm::EdDSA).unwrap_err(), JwtFault::Key);
    }
}
