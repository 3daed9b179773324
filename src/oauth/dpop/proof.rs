//! The proof itself: a JWT that carries its own key (RFC 9449 §4.2).

use crate::domain::ids::KeyThumbprint;
use crate::oauth::jwks::{self, KeyFault};
use crate::oauth::jwt::{self, ALGORITHMS, ALLOWED, JwtFault};
use crate::ports::store::StoreError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

const TYPE: &str = "dpop+jwt";
/// Room for an RSA key of 4096 bits and its signature. With serde_json's own bound of 128 levels it also limits what
/// a header can cost.
const MAX_CHARS: usize = 4096;

/// Why a request proves no key. The texts go to the client.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ProofFault {
    #[error("send a proof in the header DPoP")]
    Missing,
    #[error("send exactly one DPoP header")]
    Repeated,
    #[error("the proof is longer than {MAX_CHARS} characters")]
    TooLong,
    #[error("the proof is no JWT with a header of typ, alg and jwk")]
    Malformed,
    #[error("typ of the proof must be dpop+jwt")]
    Type,
    #[error("alg of the proof must be one of dpop_signing_alg_values_supported")]
    Algorithm,
    #[error(
        "jwk of the proof holds a private or symmetric key: make a new key and send its public part only"
    )]
    PrivateKey,
    #[error("jwk of the proof is no whole public key of the kind that its alg needs")]
    Key,
    #[error("the signature of the proof does not verify, or its claims have wrong types")]
    Signature,
    #[error("htm of the proof must be the method of the request")]
    Method,
    #[error("htu of the proof must be the URL of the request under the public URL of this server")]
    Target,
    #[error("iat of the proof must be within five minutes of now")]
    Time,
    #[error("jti of the proof must have 1 to 256 characters")]
    Id,
    #[error("ath of the proof must be the SHA-256 hash of the access token")]
    TokenHash,
    #[error("the token is bound to another key than that of the proof")]
    OtherKey,
    #[error("nonce of the proof must be the one in the header DPoP-Nonce of this answer")]
    Nonce,
    #[error("the proof was used before: make a new one for every request")]
    Replayed,
    #[error("this client takes bound tokens only, and this server has DPoP switched off")]
    Off,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProofFault {
    /// The error code of RFC 9449 §12.2.
    pub(in crate::oauth) fn code(&self) -> &'static str {
        if matches!(self, Self::Nonce) { "use_dpop_nonce" } else { "invalid_dpop_proof" }
    }
}

impl From<KeyFault> for ProofFault {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Private => Self::PrivateKey,
            KeyFault::Shape => Self::Key,
        }
    }
}

impl From<JwtFault> for ProofFault {
    fn from(fault: JwtFault) -> Self {
        match fault {
            JwtFault::Key => Self::Key,
            JwtFault::Signature => Self::Signature,
        }
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    typ: String,
    #[serde(default)]
    alg: String,
    #[serde(default)]
    jwk: Value,
    /// Extensions that must be understood (RFC 7515 §4.1.11); none is.
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// What a proof says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    pub(super) htm: String,
    pub(super) htu: String,
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) ath: Option<String>,
    pub(super) nonce: Option<String>,
}

/// A proof of the right form. Nothing that it says counts before its signature was verified.
pub(super) struct Proof<'a> {
    text: &'a str,
    algorithm: Algorithm,
    key: Jwk,
    /// Of the key that it carries.
    pub(super) thumbprint: KeyThumbprint,
}

impl<'a> Proof<'a> {
    /// Reads header and key.
    pub(super) fn read(text: &'a str) -> Result<Self, ProofFault> {
        if text.len() > MAX_CHARS {
            return Err(ProofFault::TooLong);
        }
        let mut parts = text.split('.');
        let (Some(head), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ProofFault::Malformed);
        };
        let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| ProofFault::Malformed)?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| ProofFault::Malformed)?;
        if head.crit.is_some() {
            return Err(ProofFault::Malformed);
        }
        if !head.typ.eq_ignore_ascii_case(TYPE) {
            return Err(ProofFault::Type);
        }
        let algorithm = ALGORITHMS.iter().zip(ALLOWED).find(|(name, _)| **name == head.alg);
        let (_, algorithm) = algorithm.ok_or(ProofFault::Algorithm)?;
        let key: Jwk = serde_json::from_value(jwks::public_key(&head.jwk)?).map_err(|_| ProofFault::Key)?;
        if !jwt::is_sound(&key, algorithm) {
            return Err(ProofFault::Key);
        }
        let thumbprint = key.thumbprint(ThumbprintHash::SHA256).map_err(|_| ProofFault::Key)?;
        Ok(Self { text, algorithm, key, thumbprint: KeyThumbprint::new(thumbprint) })
    }

    /// What the holder of the key says.
    pub(super) fn verified(&self) -> Result<Claims, ProofFault> {
        Ok(jwt::claims(self.text, &self.key, self.algorithm)?)
    }
}
