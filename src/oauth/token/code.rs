//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6): a code works once, and a replay ends what the
//! first use produced.

use super::error::TokenError;
use super::issue::{self, Basis, fresh};
use super::resource_fits;
use crate::domain::client::ClientRecord;
use crate::domain::grant::CodeRecord;
use crate::domain::ids::KeyThumbprint;
use crate::domain::token::{Token, TokenKind};
use crate::oauth::openid::{IdTokenBasis, Keys};
use crate::oauth::params::Params;
use crate::oauth::state::OauthState;
use crate::oauth::trace::Step;
use crate::oauth::{audit, pkce};
use crate::ports::store::{CodeRedemption, Issue, StoreError};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// A client that repeats its own request this soon is retrying, not attacking.
const RETRY_WINDOW: Duration = Duration::from_secs(2);

pub(super) async fn redeem(
    state: &OauthState,
    client: &ClientRecord,
    params: &Params,
    key: Option<KeyThumbprint>,
) -> Result<Bytes, TokenError> {
    let code = params.get("code").ok_or(TokenError::Malformed("code is missing"))?;
    let verifier = params.get("code_verifier").filter(|v| pkce::is_verifier(v));
    let verifier =
        verifier.ok_or(TokenError::Malformed("code_verifier must have 43 to 128 unreserved characters"))?;
    let code = Token::parse(TokenKind::Code, code).ok_or(TokenError::Grant)?;
    let keys = signing_keys(state).await?;
    let record = take(state, client, &code).await?;
    // The code is spent from here on: whoever holds it with a wrong proof does not get a second guess.
    check(state, client, params, &record)?;
    if !pkce::verifies(verifier, &record.code_challenge) {
        audit::alarm("code_wrong_verifier", &client.id, Some(&record.user));
        return Err(TokenError::Grant);
    }
    // RFC 9449 §10: whoever asked for the code named the key that it is for.
    if record.jkt.is_some() && record.jkt != key {
        audit::alarm("code_other_key", &client.id, Some(&record.user));
        return Err(TokenError::Grant);
    }
    issue(state, client, (record, key), keys.as_deref()).await
}

/// The keys of id_tokens, fetched before the code is spent, so that a store that is away costs nobody the sign-in. Keys
/// that cannot be read cost the id_token only.
async fn signing_keys(state: &OauthState) -> Result<Option<Arc<Keys>>, TokenError> {
    if !state.settings.openid {
        return Ok(None);
    }
    match state.signing_keys().await {
        Ok(keys) => Ok(Some(keys)),
        Err(error @ StoreError::Unavailable(_)) => Err(error.into()),
        Err(error) => {
            tracing::error!(error = %error, "no id_tokens can be signed");
            Ok(None)
        }
    }
}

async fn take(state: &OauthState, client: &ClientRecord, code: &Token) -> Result<CodeRecord, TokenError> {
    let now = state.clock.now();
    for place in state.hasher.token_refs(code) {
        match state.store.redeem_code(&place, &client.id, now).await? {
            CodeRedemption::First(record) => return Ok(*record),
            CodeRedemption::Replayed { client: first, at } => {
                if first != client.id || now.since(at) > RETRY_WINDOW {
                    audit::alarm("code_replay", &client.id, None);
                    state.store.revoke_grant(&code.grant).await?;
                }
                return Err(TokenError::Grant);
            }
            CodeRedemption::Unknown => {}
        }
    }
    Err(TokenError::Grant)
}

fn check(
    state: &OauthState,
    client: &ClientRecord,
    params: &Params,
    record: &CodeRecord,
) -> Result<(), TokenError> {
    // OAuth 2.1 drops `redirect_uri` here; one that is sent must be the one that was used.
    let redirected = params.get("redirect_uri").is_none_or(|uri| uri == record.redirect_uri);
    if record.client != client.id || record.expires_at <= state.clock.now() || !redirected {
        return Err(TokenError::Grant);
    }
    if resource_fits(state, params, record.service.as_str()) { Ok(()) } else { Err(TokenError::Target) }
}

async fn issue(
    state: &OauthState,
    client: &ClientRecord,
    (record, key): (CodeRecord, Option<KeyThumbprint>),
    keys: Option<&Keys>,
) -> Result<Bytes, TokenError> {
    let now = state.clock.now();
    let user = record.user.clone();
    let keys = keys.filter(|_| record.scopes.contains("openid"));
    let access = if keys.is_some() { state.tokens.get(&user).await.ok() } else { None };
    let (grant, flow) = (record.grant.clone(), record.flow.clone());
    let signed_in_at = record.auth_time.unwrap_or(record.issued_at);
    let nonce = record.nonce.clone();
    let scopes = record.scopes.clone();
    let id_token = |bearer: &str| {
        let basis = IdTokenBasis {
            issuer: state.resources.issuer(),
            client: &client.id,
            user: &user,
            scopes: &scopes,
            nonce: nonce.as_deref(),
            signed_in_at,
            profile: access.as_ref().map(|access| &access.profile),
        };
        basis.sign(keys?, bearer, now)
    };
    let basis = Basis {
        grant: record.grant,
        client: record.client,
        user: record.user,
        service: record.service,
        granted: record.scopes.clone(),
        scopes: record.scopes,
        upstream_version: record.upstream_version,
        grant_expires_at: now.plus(state.settings.grant_ttl),
        flow: record.flow,
        keys: issue::Keys::of(key, client),
    };
    let fresh = fresh(state, basis, now, id_token);
    let refresh = Some((&fresh.refresh.0, &fresh.refresh.1));
    match state.store.issue((&fresh.access.0, &fresh.access.1), refresh).await? {
        Issue::Done => {}
        Issue::Revoked => return Err(TokenError::Grant),
    }
    state.keep_client(&client.id).await;
    audit::event("token", &client.id, Some(&user));
    if let Some(flow) = flow {
        let step = Step { client: client.id.as_str(), grant: grant.as_str(), ..Step::named("token") };
        state.step(&flow, step).await;
    }
    Ok(fresh.answer)
}
