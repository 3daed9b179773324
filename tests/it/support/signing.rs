//! A party that signs JWTs: its key, what it publishes, and what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::pkcs8::EncodePrivateKey;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

/// Beginning of a PKCS#8 document with an Ed25519 key; the key's 32 octets follow (RFC 8410 §7).
const ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const RSA: &str = include_str!("certificates/first.pem");
/// Members that make a public key, in the order of their names (RFC 7638 §3.2).
const MAKING: [&str; 6] = ["crv", "e", "kty", "n", "x", "y"];

/// A holder of a key.
pub(crate) struct Signer {
    key: EncodingKey,
    pub(crate) algorithm: Algorithm,
}

impl Signer {
    /// One with an ES256 key. Equal seeds, equal keys.
    pub(crate) fn new(seed: u8) -> Self {
        let key = p256::SecretKey::from_slice(&[seed; 32]).unwrap().to_pkcs8_der().unwrap();
        Self { key: EncodingKey::from_ec_der(key.as_bytes()), algorithm: Algorithm::ES256 }
    }

    /// One that signs with `algorithm`.
    pub(crate) fn of(algorithm: Algorithm) -> Self {
        let key = if algorithm == Algorithm::ES256 {
            return Self::new(7);
        } else if algorithm == Algorithm::ES384 {
            EncodingKey::from_ec_der(&KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap().serialize_der())
        } else if algorithm == Algorithm::EdDSA {
            EncodingKey::from_ed_der(&[ED25519.as_slice(), &[7; 32]].concat())
        } else {
            EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap()
        };
        Self { key, algorithm }
    }

    /// One that shares a secret with whoever checks (HS256).
    pub(crate) fn sharing(secret: &[u8]) -> Self {
        Self { key: EncodingKey::from_secret(secret), algorithm: Algorithm::HS256 }
    }

    /// The key set that it publishes, with its one key under `kid`.
    pub(crate) fn jwks(&self, kid: &str) -> Value {
        let mut key = self.jwk();
        (key["alg"], key["kid"]) = (json!(self.algorithm), json!(kid));
        json!({ "keys": [key] })
    }

    /// Its public key, with the members that make it and no other.
    pub(crate) fn jwk(&self) -> Value {
        let whole = json!(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap());
        let made = MAKING.iter().filter_map(|name| Some(((*name).to_owned(), whole.get(*name)?.clone())));
        Value::Object(made.collect::<Map<_, _>>())
    }

    /// SHA-256 over those members in the order of their names (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.jwk().to_string()))
    }

    /// The header of a JWT that it signs.
    pub(crate) fn header(&self, kid: &str) -> Header {
        Header { kid: Some(kid.to_owned()), ..Header::new(self.algorithm) }
    }

    /// A signed JWT.
    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// A JWT that it signs with its algorithm whatever its header says.
    pub(crate) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let said = format!("{}.{}", encoded(header), encoded(claims));
        let signature = jsonwebtoken::crypto::sign(said.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{said}.{signature}")
    }
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// A JWT with `alg` none and no signature.
pub(crate) fn unsigned(mut header: Value, claims: &Value) -> String {
    header["alg"] = json!("none");
    format!("{}.{}.", encoded(&header), encoded(claims))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test outside has no clock of the product")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
