//! `POST /revoke` (RFC 7009): a refresh token takes its whole grant with it, an access token only itself. Unknown
//! tokens and those of other clients get the same 200, and theirs stay alive. A personal key belongs to no client: whoever
//! holds it may end it, so that a leaked one can be ended by who finds it.

use super::state::OauthState;
use super::token::{self, TokenError, client_auth};
use super::{audit, wire};
use crate::domain::client::ClientRecord;
use crate::domain::token::{Token, TokenKind};
use crate::ports::store::RefreshState;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

/// `POST /revoke`.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match revoke(&request, &state, body).await {
        Ok(()) => wire::private_json(StatusCode::OK).finish(),
        Err(error) => error.response(),
    }
}

async fn revoke(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<(), TokenError> {
    let params = token::form(request, body)?;
    if let Some(key) = params.get("token").and_then(|text| Token::parse(TokenKind::Personal, text)) {
        return end_key(state, &key).await;
    }
    let client = client_auth::authenticate(state, request.headers(), &params).await?;
    let text = params.get("token").ok_or(TokenError::Malformed("token is missing"))?;
    // `token_type_hint` may be wrong (§2.1); our tokens name their type themselves.
    if let Some(token) = Token::parse(TokenKind::Refresh, text) {
        return end_grant(state, &client, &token).await;
    }
    match Token::parse(TokenKind::Access, text) {
        Some(token) => end_access(state, &client, &token).await,
        None => Ok(()),
    }
}

async fn end_grant(state: &OauthState, client: &ClientRecord, token: &Token) -> Result<(), TokenError> {
    for place in state.hasher.token_refs(token) {
        let record = match state.store.refresh(&place, state.clock.now()).await? {
            RefreshState::Live(record) | RefreshState::Rotated { record, .. } => record,
            RefreshState::Unknown => continue,
        };
        if record.client == client.id {
            state.store.end_grant(&record.grant, &record.user).await?;
            audit::event("revoke", &client.id, Some(&record.user));
        }
    }
    Ok(())
}

async fn end_access(state: &OauthState, client: &ClientRecord, token: &Token) -> Result<(), TokenError> {
    for place in state.hasher.token_refs(token) {
        let Some(record) = state.store.access(&place, state.clock.now()).await? else { continue };
        if record.client == client.id {
            state.store.revoke_access(&place).await?;
            audit::event("revoke", &client.id, Some(&record.user));
        }
    }
    Ok(())
}

async fn end_key(state: &OauthState, key: &Token) -> Result<(), TokenError> {
    for place in state.hasher.token_refs(key) {
        let Some(record) = state.store.access(&place, state.clock.now()).await? else { continue };
        state.store.end_grant(&record.grant, &record.user).await?;
        audit::event("revoke", &record.client, Some(&record.user));
    }
    Ok(())
}
