//! Verification of Entra's id_tokens (OpenID Connect Core §3.1.3.7 with Entra's per-tenant issuers).

use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use std::collections::HashMap;

/// Tolerated difference between Entra's clock and ours.
const SKEW_S: i64 = 120;

/// Why an id_token is not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum IdTokenFault {
    #[error("not a JWT")]
    Malformed,
    #[error("signed with something other than RS256")]
    Algorithm,
    #[error("no key id")]
    NoKeyId,
    #[error("signed with a key that Entra does not publish")]
    UnknownKey,
    #[error("the signature or a claim does not verify")]
    Signature,
    #[error("issued by somebody else")]
    Issuer,
    #[error("issued for another application")]
    Audience,
    #[error("the nonce is not ours")]
    Nonce,
    #[error("expired, or not valid yet")]
    Lifetime,
    #[error("not a version 2.0 token")]
    Version,
    #[error("no tenant or object id")]
    Identity,
    #[error("the refreshed tokens belong to somebody else")]
    OtherUser,
}

/// What the token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// `issuer` of discovery; may hold the literal `{tenantid}`.
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    /// Absent at a refresh, whose id_token repeats no nonce (OpenID Connect Core §12.2).
    pub(super) nonce: Option<&'a str>,
    pub(super) now: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    tid: String,
    #[serde(default)]
    oid: String,
    #[serde(default)]
    ver: String,
    #[serde(default)]
    preferred_username: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    roles: Vec<String>,
    auth_time: Option<i64>,
    groups: Option<Vec<String>>,
    /// Says in implicit flows that the groups were too many for the token.
    #[serde(default)]
    hasgroups: bool,
    /// Claims that are told elsewhere (OpenID Connect Core §5.6.2); Entra's way to say the same.
    #[serde(default, rename = "_claim_names")]
    claim_names: HashMap<String, String>,
}

/// Whom a verified token is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identified {
    pub(super) user: UserKey,
    pub(super) username: String,
    pub(super) name: String,
    pub(super) roles: Vec<String>,
    /// All groups of the person; absent when the token does not say.
    pub(super) groups: Option<Vec<String>>,
    /// When the person last signed in actively (`auth_time`, an optional claim of the registration).
    pub(super) auth_time: Option<Timestamp>,
}

/// The key id an id_token names; everything but RS256 is refused before any key is looked at.
pub(super) fn key_id(token: &str) -> Result<String, IdTokenFault> {
    let header = decode_header(token).map_err(|_| IdTokenFault::Malformed)?;
    if header.alg != Algorithm::RS256 {
        return Err(IdTokenFault::Algorithm);
    }
    header.kid.filter(|kid| !kid.is_empty()).ok_or(IdTokenFault::NoKeyId)
}

/// Verifies `token` with the key it names.
pub(super) fn verify(token: &str, keys: &JwkSet, expected: Expected<'_>) -> Result<Identified, IdTokenFault> {
    let kid = key_id(token)?;
    let key = keys.find(&kid).ok_or(IdTokenFault::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| IdTokenFault::UnknownKey)?;
    let mut rules = Validation::new(Algorithm::RS256);
    // Claims are checked below, against our own clock and with errors that name the cause.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let claims = decode::<Claims>(token, &key, &rules).map_err(|_| IdTokenFault::Signature)?.claims;
    check(&claims, expected)?;
    let told_elsewhere = claims.hasgroups || claims.claim_names.contains_key("groups");
    Ok(Identified {
        user: UserKey::new(claims.tid, claims.oid),
        username: claims.preferred_username,
        name: claims.name,
        roles: claims.roles,
        auth_time: claims.auth_time.and_then(|secs| secs.checked_mul(1000)).map(Timestamp::from_millis),
        groups: claims.groups.filter(|_| !told_elsewhere),
    })
}

pub(super) fn check(claims: &Claims, expected: Expected<'_>) -> Result<(), IdTokenFault> {
    if claims.tid.is_empty() || claims.oid.is_empty() {
        return Err(IdTokenFault::Identity);
    }
    // The tenant fills the issuer template, so it must not bring path characters of its own. Where discovery names one
    // issuer the tenant is part of it: whoever signs for one tenant says nothing about the people of another.
    let plain = claims.tid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_part = claims.iss.split('/').any(|segment| segment == claims.tid);
    if !plain || !is_part || claims.iss != expected.issuer.replace("{tenantid}", &claims.tid) {
        return Err(IdTokenFault::Issuer);
    }
    let foreign = claims.azp.as_deref().is_some_and(|azp| azp != expected.audience);
    if claims.aud != expected.audience || foreign {
        return Err(IdTokenFault::Audience);
    }
    if expected.nonce.is_some_and(|nonce| nonce.is_empty() || claims.nonce != nonce) {
        return Err(IdTokenFault::Nonce);
    }
    let now = expected.now.as_secs();
    if claims.exp.saturating_add(SKEW_S) <= now || claims.nbf.saturating_sub(SKEW_S) > now {
        return Err(IdTokenFault::Lifetime);
    }
    if claims.ver == "2.0" { Ok(()) } else { Err(IdTokenFault::Version) }
}

#[cfg(test)]
mod tests;
