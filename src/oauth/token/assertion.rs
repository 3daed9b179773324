//! `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9): a client signs a short statement for this server with a key
//! that it published, and every statement counts once, at whichever replica it arrives.

use crate::domain::client::ClientRecord;
use crate::domain::clock::Timestamp;
use crate::oauth::clients::{RemoteFault, Wish};
use crate::oauth::jwks;
use crate::oauth::jwt::{self, ALLOWED, JwtFault};
use crate::oauth::once;
use crate::oauth::state::OauthState;
use crate::ports::store::StoreError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::decode_header;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// `client_assertion_type` (RFC 7523 §2.2).
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const PURPOSE: &str = "client-assertion";
const MAX_CHARS: usize = 8 * 1024;
const MAX_JTI_CHARS: usize = 256;
const MAX_KEY_SET: usize = 64 * 1024;
/// Longest time that an assertion may be valid for.
const MAX_LIFE_S: i64 = 600;
/// Tolerated difference between the client's clock and ours.
const SKEW_S: i64 = 60;

/// Why an assertion proves nothing. Logged; the client hears `invalid_client`.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssertionFault {
    #[error("not a JWT that a client can have signed")]
    Malformed,
    #[error("signed with an algorithm that is not taken")]
    Algorithm,
    #[error("signed with a key that the client does not publish")]
    UnknownKey,
    #[error("the signature does not verify")]
    Signature,
    #[error("iss and sub are not both the client_id")]
    Subject,
    #[error("meant for somebody else")]
    Audience,
    #[error("expired, not valid yet, or valid for too long")]
    Lifetime,
    #[error("jti is missing or too long")]
    Id,
    #[error("used before")]
    Replayed,
    #[error("the client's keys: {0}")]
    Keys(RemoteFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<JwtFault> for AssertionFault {
    fn from(fault: JwtFault) -> Self {
        match fault {
            JwtFault::Key => Self::UnknownKey,
            JwtFault::Signature => Self::Signature,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    jti: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The client that an assertion is about, before anything is proven.
pub(super) fn subject(assertion: &str) -> Option<String> {
    if assertion.len() > MAX_CHARS {
        return None;
    }
    let mut parts = assertion.split('.').skip(1);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

/// Proves that `client` signed `assertion` for this server just now, and uses it up.
pub(super) async fn verify(
    state: &OauthState,
    client: &ClientRecord,
    assertion: &str,
) -> Result<(), AssertionFault> {
    let header = decode_header(assertion).map_err(|_| AssertionFault::Malformed)?;
    if !ALLOWED.contains(&header.alg) {
        return Err(AssertionFault::Algorithm);
    }
    let mut claims = Err(AssertionFault::UnknownKey);
    // Keys are replaced: one that is not known yet is worth a look at the client's host, once in a while.
    for anew in [false, true] {
        let keys = keys(state, client, anew).await?;
        let fitting = keys.iter().filter(|key| is_meant(key, header.kid.as_deref()));
        let attempts =
            fitting.map(|key| jwt::claims(assertion, key, header.alg).map_err(AssertionFault::from));
        claims = attempts.fold(claims, |best, next| if best.is_ok() { best } else { next });
        if !matches!(claims, Err(AssertionFault::UnknownKey)) || !client.metadata.contains_key("jwks_uri") {
            break;
        }
    }
    let claims = claims?;
    let now = state.clock.now();
    check(&claims, client, state.resources.issuer(), now)?;
    let left = claims.exp.saturating_sub(now.as_secs()).saturating_add(2 * SKEW_S);
    let life = Duration::from_secs(left.max(1).cast_unsigned());
    let value = format!("{}\n{}", client.id, claims.jti);
    let first = once::spend(&*state.store, &state.hasher, (PURPOSE, &value), life).await?;
    if first { Ok(()) } else { Err(AssertionFault::Replayed) }
}

/// The client's keys; those of no known kind are left out.
async fn keys(state: &OauthState, client: &ClientRecord, anew: bool) -> Result<Vec<Jwk>, AssertionFault> {
    let read = |set: &Value| {
        let all = set.get("keys").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|key| serde_json::from_value(key.clone()).ok()).collect()
    };
    if let Some(set) = client.metadata.get("jwks") {
        return Ok(read(set));
    }
    let uri = client.metadata.get("jwks_uri").and_then(Value::as_str).unwrap_or_default();
    let url = Url::parse(uri).map_err(|_| AssertionFault::UnknownKey)?;
    let wish = Wish { kind: "jwks", max_bytes: MAX_KEY_SET, stale: true, anew };
    let is_key_set = |body: &[u8]| {
        let set: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        jwks::public_part(&set).map(|_| ()).map_err(|fault| fault.to_string())
    };
    let body = state.remote(&url, wish, is_key_set).await.map_err(|fault| match fault {
        RemoteFault::Store(error) => AssertionFault::Store(error),
        fault @ (RemoteFault::Away | RemoteFault::Refused(_)) => AssertionFault::Keys(fault),
    })?;
    Ok(serde_json::from_slice(&body).map(|set| read(&set)).unwrap_or_default())
}

fn is_meant(key: &Jwk, kid: Option<&str>) -> bool {
    let signs = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    signs && kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid))
}

fn check(claims: &Claims, client: &ClientRecord, issuer: &str, now: Timestamp) -> Result<(), AssertionFault> {
    if claims.iss != client.id.as_str() || claims.sub != client.id.as_str() {
        return Err(AssertionFault::Subject);
    }
    let is_ours = |audience: &String| *audience == issuer || *audience == format!("{issuer}/token");
    let meant = match &claims.aud {
        Audience::One(one) => is_ours(one),
        // Several audiences could replay it at each other (RFC 7523bis §4).
        Audience::Many(all) => all.len() == 1 && all.iter().all(is_ours),
    };
    if !meant {
        return Err(AssertionFault::Audience);
    }
    let now = now.as_secs();
    let early = [claims.nbf, claims.iat].into_iter().flatten().any(|from| from.saturating_sub(SKEW_S) > now);
    if early || claims.exp.saturating_add(SKEW_S) <= now || claims.exp > now + MAX_LIFE_S + SKEW_S {
        return Err(AssertionFault::Lifetime);
    }
    if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_CHARS {
        return Err(AssertionFault::Id);
    }
    Ok(())
}
