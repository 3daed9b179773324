//! `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1) with an identity assertion authorization
//! grant (ID-JAG): the organisation's identity provider vouches for a person, and its policy stands for the consent page
//! (MCP extension "enterprise-managed authorization").
//!
//! An issuer speaks for the people of one tenant, the one that the operator wrote beside it, and names them by `oid`.
//! Whoever is named must have signed in here at least once: nobody's Microsoft 365 opens by an assertion alone.

use super::error::TokenError;
use crate::domain::client::ClientRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{KeyThumbprint, UserKey};
use crate::domain::token::{self, Token, TokenKind};
use crate::oauth::admission::Admission;
use crate::oauth::jwt::{self, ALLOWED};
use crate::oauth::params::Params;
use crate::oauth::state::{OauthState, TrustedIssuer};
use crate::oauth::{audit, once, scopes};
use crate::ports::store::Issue;
use crate::ports::tokens;
use bytes::Bytes;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Header, dangerous, decode_header};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// `grant_type`.
pub(in crate::oauth) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// For `authorization_grant_profiles_supported`.
pub(in crate::oauth) const PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

const TYPE: &str = "oauth-id-jag+jwt";
const MAX_ASSERTION: usize = 16 * 1024;
/// Clocks of issuer and server may differ by this much.
const SKEW: Duration = Duration::from_mins(1);
/// Longest life of an assertion that is accepted.
const MAX_LIFE: Duration = Duration::from_mins(10);
const SPENT: &str = "id-jag";

/// One audience, or a list of exactly one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List([String; 1]),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    client_id: String,
    sub: String,
    oid: String,
    jti: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    scope: Option<String>,
}

/// Only to find out whose keys to ask; nothing of it is believed.
#[derive(Deserialize)]
struct Named {
    iss: String,
}

pub(super) async fn redeem(
    state: &OauthState,
    client: &ClientRecord,
    params: &Params,
    key: Option<KeyThumbprint>,
) -> Result<Bytes, TokenError> {
    if client.is_public() {
        return Err(TokenError::UnauthorizedClient);
    }
    let assertion = params.get("assertion").filter(|text| text.len() <= MAX_ASSERTION);
    let assertion = assertion.ok_or(TokenError::Malformed("assertion is missing or too long"))?;
    let (issuer, claims) = verify(state, client, assertion).await?;
    let user = UserKey::new(&*issuer.tenant, &*claims.oid);
    let record = AccessRecord { jkt: key, ..grant(state, client, params, &claims, user.clone())? };
    check_person(state, client, &user).await?;
    // Spent last: a refusal for another reason can be mended and the assertion sent again.
    let value = format!("{}|{}", claims.iss, claims.jti);
    if !once::spend(&*state.store, &state.hasher, (SPENT, &value), MAX_LIFE + 2 * SKEW).await? {
        audit::alarm("assertion_replayed", &client.id, Some(&user));
        return Err(TokenError::Grant);
    }
    issue(state, record).await
}

/// The claims of an assertion that a trusted issuer made for this client and this server.
async fn verify<'a>(
    state: &'a OauthState,
    client: &ClientRecord,
    assertion: &str,
) -> Result<(&'a TrustedIssuer, Claims), TokenError> {
    let refused = |why: &'static str| {
        tracing::info!(client.id = %client.id, why, "an assertion was refused");
        TokenError::Grant
    };
    let header = decode_header(assertion).map_err(|_| refused("malformed"))?;
    if header.typ.as_deref() != Some(TYPE) || !ALLOWED.contains(&header.alg) {
        return Err(refused("type or algorithm"));
    }
    let named = dangerous::insecure_decode::<Named>(assertion).map_err(|_| refused("claims"))?.claims;
    let issuer = state.settings.trusted_issuers.iter().find(|issuer| issuer.issuer == named.iss);
    let issuer = issuer.ok_or_else(|| refused("issuer"))?;
    let kid = header.kid.clone().unwrap_or_default();
    let keys = state.issuer_keys.keys(&issuer.jwks_url, &kid).await.map_err(|error| {
        tracing::warn!(error = %error, "an assertion cannot be checked");
        TokenError::Upstream { retry_after: Duration::from_secs(5) }
    })?;
    let claims = signed(assertion, &header, &keys).ok_or_else(|| refused("signature or claims"))?;
    let (Audience::One(audience) | Audience::List([audience])) = &claims.aud;
    if audience != state.resources.issuer() {
        return Err(refused("audience"));
    }
    if claims.client_id != client.id.as_str() || claims.sub.is_empty() || claims.oid.is_empty() {
        return Err(refused("client or person"));
    }
    if !is_live(&claims, state.clock.now()) || claims.jti.is_empty() {
        return Err(refused("lifetime"));
    }
    Ok((issuer, claims))
}

fn signed(assertion: &str, header: &Header, keys: &JwkSet) -> Option<Claims> {
    jwt::claims(assertion, keys.find(header.kid.as_deref()?)?, header.alg).ok()
}

fn is_live(claims: &Claims, now: Timestamp) -> bool {
    let (now, skew) = (now.as_secs(), SKEW.as_secs().cast_signed());
    let begun = |at: i64| at <= now.saturating_add(skew);
    let life = claims.exp.saturating_sub(claims.iat);
    now < claims.exp.saturating_add(skew)
        && (1..=MAX_LIFE.as_secs().cast_signed()).contains(&life)
        && begun(claims.iat)
        && claims.nbf.is_none_or(begun)
}

/// What the assertion allows: its resource and scopes, within what request and server allow.
fn grant(
    state: &OauthState,
    client: &ClientRecord,
    params: &Params,
    claims: &Claims,
    user: UserKey,
) -> Result<AccessRecord, TokenError> {
    let service = match &claims.resource {
        Some(resource) => state.resources.service_of(resource),
        None => state.resources.default_service(),
    };
    let service = service.ok_or(TokenError::Target)?;
    if !super::resource_fits(state, params, service.name.as_str()) {
        return Err(TokenError::Target);
    }
    let policy = &state.settings.scopes;
    let allowed = scopes::effective(claims.scope.as_deref(), service, policy, state.settings.openid)
        .map_err(|_| TokenError::Scope)?;
    let granted = scopes::narrowed(params.get("scope"), &allowed).ok_or(TokenError::Scope)?;
    let now = state.clock.now();
    Ok(AccessRecord {
        grant: token::new_grant(),
        client: client.id.clone(),
        user,
        service: service.name.clone(),
        scopes: granted.difference(&crate::domain::scope::ScopeSet::parse("offline_access")),
        flow: None,
        jkt: None,
        name: None,
        issued_at: now,
        expires_at: now.plus(state.settings.access_ttl),
    })
}

/// The person has a sign-in at Microsoft behind this server and is still let in.
async fn check_person(state: &OauthState, client: &ClientRecord, user: &UserKey) -> Result<(), TokenError> {
    match admission(state, user).await {
        Ok(Admission::Admitted) => Ok(()),
        Ok(Admission::Refused) => {
            audit::alarm("not_admitted", &client.id, Some(user));
            Err(TokenError::Grant)
        }
        Ok(Admission::Unknown) => Err(TokenError::Upstream { retry_after: Duration::from_secs(5) }),
        Err(tokens::TokenError::SignInRequired) => Err(TokenError::SignInEnded),
        Err(tokens::TokenError::Unavailable { retry_after }) => Err(TokenError::Upstream { retry_after }),
    }
}

/// What the lists say, by fresh tokens when those at hand do not tell enough.
async fn admission(state: &OauthState, user: &UserKey) -> Result<Admission, tokens::TokenError> {
    let access = state.tokens.get(user).await?;
    let judged = state.settings.admission(&user.tid, &access.profile);
    if judged != Admission::Unknown {
        return Ok(judged);
    }
    let access = state.tokens.renew(user, access.version).await?;
    Ok(state.settings.admission(&user.tid, &access.profile))
}

/// A bearer and no refresh token: the identity provider decides anew each time.
async fn issue(state: &OauthState, record: AccessRecord) -> Result<Bytes, TokenError> {
    let bearer = Token::mint(TokenKind::Access, &record.grant);
    match state.store.issue((&state.hasher.token_ref(&bearer), &record), None).await? {
        Issue::Done => {}
        Issue::Revoked => return Err(TokenError::Grant),
    }
    audit::event("assertion_token", &record.client, Some(&record.user));
    state.keep_client(&record.client).await;
    let answer = json!({
        "access_token": bearer.expose(),
        "token_type": record.token_type(),
        "expires_in": state.settings.access_ttl.as_secs(),
        "scope": record.scopes,
    });
    Ok(Bytes::from(answer.to_string()))
}
