//! A party that signs JWTs: its key, what it publishes, and what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

/// A holder of an ES256 key.
pub(crate) struct Signer(p256::SecretKey);

impl Signer {
    /// Equal seeds, equal keys.
    pub(crate) fn new(seed: u8) -> Self {
        Self(p256::SecretKey::from_slice(&[seed; 32]).unwrap())
    }

    /// The key set that it publishes, with its one key under `kid`.
    pub(crate) fn jwks(&self, kid: &str) -> Value {
        let mut key = self.jwk();
        (key["alg"], key["kid"]) = (json!("ES256"), json!(kid));
        json!({ "keys": [key] })
    }

    /// Its public key, with the members that make it and no other.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().to_encoded_point(false);
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"crv": "P-256", "kty": "EC", "x": part(point.x().unwrap()), "y": part(point.y().unwrap())})
    }

    /// SHA-256 over those members in the order of their names (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        let key = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, key["x"], key["y"]);
        URL_SAFE_NO_PAD.encode(Sha256::digest(text))
    }

    /// A signed JWT.
    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        let key = EncodingKey::from_ec_der(self.0.to_pkcs8_der().unwrap().as_bytes());
        jsonwebtoken::encode(header, claims, &key).unwrap()
    }
}

/// The header of a JWT that an ES256 key signs.
pub(crate) fn header(kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) }
}

/// A JWT with `alg` none and no signature.
pub(crate) fn unsigned(mut header: Value, claims: &Value) -> String {
    header["alg"] = json!("none");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&header), part(claims))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test outside has no clock of the product")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
