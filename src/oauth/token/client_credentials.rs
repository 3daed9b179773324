//! `grant_type=client_credentials` (RFC 6749 §4.4), for confidential clients that the operator has set up and nobody
//! else: whoever registers by himself would speak for himself only. The token's subject is the client. It belongs to no
//! person, so it opens a service and no mailbox: tools that need Microsoft 365 say so.

use super::error::TokenError;
use crate::domain::client::{ClientOrigin, ClientRecord};
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{KeyThumbprint, UserKey};
use crate::domain::resource::ServiceInfo;
use crate::domain::token::{self, Token, TokenKind};
use crate::oauth::params::Params;
use crate::oauth::state::OauthState;
use crate::oauth::{audit, scopes};
use crate::ports::store::Issue;
use bytes::Bytes;
use serde_json::json;

pub(super) async fn issue(
    state: &OauthState,
    client: &ClientRecord,
    params: &Params,
    path_service: Option<&str>,
    key: Option<KeyThumbprint>,
) -> Result<Bytes, TokenError> {
    if client.origin != ClientOrigin::Configured || client.is_public() {
        audit::alarm("client_credentials_refused", &client.id, None);
        return Err(TokenError::UnauthorizedClient);
    }
    let service = target(state, params, path_service).ok_or(TokenError::Target)?;
    // No person signs in: what only a sign-in means is left out.
    let granted = scopes::effective(params.get("scope"), service, &state.settings.scopes, false);
    let granted = scopes::graph(&granted.map_err(|_| TokenError::Scope)?);
    let (now, grant) = (state.clock.now(), token::new_grant());
    let bearer = Token::mint(TokenKind::Access, &grant);
    let record = AccessRecord {
        grant,
        client: client.id.clone(),
        user: UserKey::application(&client.id),
        service: service.name.clone(),
        scopes: granted.clone(),
        flow: None,
        jkt: key,
        name: None,
        issued_at: now,
        expires_at: now.plus(state.settings.access_ttl),
    };
    // §4.4.3: no refresh token, the client can always ask again.
    match state.store.issue((&state.hasher.token_ref(&bearer), &record), None).await? {
        Issue::Done => {}
        Issue::Revoked => return Err(TokenError::Grant),
    }
    audit::event("client_token", &client.id, None);
    let answer = json!({
        "access_token": bearer.expose(),
        "token_type": record.token_type(),
        "expires_in": state.settings.access_ttl.as_secs(),
        "scope": granted,
    });
    Ok(Bytes::from(answer.to_string()))
}

/// The one service that the token is for (RFC 8707 §2).
fn target<'a>(state: &'a OauthState, params: &Params, path: Option<&str>) -> Option<&'a ServiceInfo> {
    let mut all = params.all("resource");
    match (all.next(), all.next()) {
        (Some(resource), None) => state.resources.service_of(resource),
        (None, _) => match path {
            Some(name) => state.resources.service(name),
            None => state.resources.default_service(),
        },
        (Some(_), Some(_)) => None,
    }
}
