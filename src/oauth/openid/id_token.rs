//! The id_token of a sign-in (OpenID Connect Core §2), signed with ES256.

use super::{Keys, person, subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, UserKey};
use crate::domain::scope::ScopeSet;
use crate::domain::upstream::Profile;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Clients read it once, when it arrives.
const LIFE: Duration = Duration::from_hours(1);

/// What an id_token says.
pub(in crate::oauth) struct IdTokenBasis<'a> {
    pub(in crate::oauth) issuer: &'a str,
    pub(in crate::oauth) client: &'a ClientId,
    pub(in crate::oauth) user: &'a UserKey,
    pub(in crate::oauth) scopes: &'a ScopeSet,
    /// The client's, given back unchanged.
    pub(in crate::oauth) nonce: Option<&'a str>,
    /// When the person signed in at Entra.
    pub(in crate::oauth) signed_in_at: Timestamp,
    /// Absent when Entra's record of the person cannot be read just now.
    pub(in crate::oauth) profile: Option<&'a Profile>,
}

impl IdTokenBasis<'_> {
    /// The signed token beside `access_token`; `None` only when there is no key yet.
    pub(in crate::oauth) fn sign(&self, keys: &Keys, access_token: &str, now: Timestamp) -> Option<String> {
        let (kid, key) = keys.signing(now)?;
        let mut claims = self.profile.map(|profile| person(self.scopes, profile)).unwrap_or_default();
        let own = [
            ("iss", json!(self.issuer)),
            ("sub", json!(subject(self.issuer, self.user))),
            ("aud", json!(self.client)),
            ("iat", json!(now.as_secs())),
            ("exp", json!(now.plus(LIFE).as_secs())),
            ("auth_time", json!(self.signed_in_at.as_secs())),
            ("at_hash", json!(at_hash(access_token))),
        ];
        claims.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if let Some(nonce) = self.nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        let signed = jsonwebtoken::encode(&header, &Value::Object(claims), key);
        signed.inspect_err(|e| tracing::error!(error = %e, "an id_token cannot be signed")).ok()
    }
}

/// The left half of the token's hash (§3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let digest = Sha256::digest(access_token);
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}
