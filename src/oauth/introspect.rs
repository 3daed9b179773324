//! `POST /introspect` (RFC 7662): for gateways that stand beside us. Clients that the operator has set up may ask about
//! every token; others, which anybody can register, about their own. Whatever is doubtful is not active.

use super::openid::subject;
use super::state::OauthState;
use super::token::{self, TokenError, client_auth};
use super::wire;
use crate::domain::client::{ClientOrigin, ClientRecord};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, RefreshRecord};
use crate::domain::ids::{ClientId, KeyThumbprint, ServiceName, UserKey};
use crate::domain::scope::ScopeSet;
use crate::domain::token::{Token, TokenKind};
use crate::ports::store::RefreshState;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// What is told of a live token.
struct Live {
    client: ClientId,
    user: UserKey,
    service: ServiceName,
    scopes: ScopeSet,
    issued_at: Timestamp,
    expires_at: Timestamp,
    kind: &'static str,
    /// The key that it is bound to.
    key: Option<KeyThumbprint>,
}

impl From<AccessRecord> for Live {
    fn from(record: AccessRecord) -> Self {
        let kind = record.token_type();
        let AccessRecord { client, user, service, scopes, issued_at, expires_at, jkt: key, .. } = record;
        Self { client, user, service, scopes, issued_at, expires_at, kind, key }
    }
}

impl From<RefreshRecord> for Live {
    fn from(record: RefreshRecord) -> Self {
        let expires_at = record.expires_at.min(record.grant_expires_at);
        let RefreshRecord { client, user, service, scopes, issued_at, jkt: key, .. } = record;
        Self { client, user, service, scopes, issued_at, expires_at, kind: "refresh_token", key }
    }
}

/// `POST /introspect`.
pub(super) async fn post(
    request: HttpRequest,
    state: web::Data<OauthState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match introspect(&request, &state, body).await {
        Ok(answer) => wire::private_json(StatusCode::OK).json(answer),
        Err(error) => error.response(),
    }
}

async fn introspect(
    request: &HttpRequest,
    state: &OauthState,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<Value, TokenError> {
    let params = token::form(request, body)?;
    let asking = client_auth::authenticate(state, request.headers(), &params).await?;
    // A public client proves nothing, and §2.1 wants the endpoint protected.
    if asking.is_public() {
        return Err(TokenError::Client { basic: false });
    }
    let text = params.get("token").ok_or(TokenError::Malformed("token is missing"))?;
    let live = find(state, text).await?.filter(|live| may_ask(&asking, live));
    Ok(live.map_or_else(|| json!({"active": false}), |live| told(state, &live)))
}

fn may_ask(asking: &ClientRecord, live: &Live) -> bool {
    asking.origin == ClientOrigin::Configured || asking.id == live.client
}

async fn find(state: &OauthState, text: &str) -> Result<Option<Live>, TokenError> {
    let now = state.clock.now();
    if let Some(token) = Token::parse_bearer(text).filter(|token| state.counts(token)) {
        for place in state.hasher.token_refs(&token) {
            if let Some(record) = state.store.access(&place, now).await? {
                return Ok(Some(record.into()));
            }
        }
    }
    if let Some(token) = Token::parse(TokenKind::Refresh, text) {
        for place in state.hasher.token_refs(&token) {
            match state.store.refresh(&place, now).await? {
                RefreshState::Live(record) => return Ok(Some(record.into())),
                RefreshState::Rotated { .. } => return Ok(None),
                RefreshState::Unknown => {}
            }
        }
    }
    Ok(None)
}

/// §2.2, and RFC 9449 §6.2; the person's directory ids and names are nobody's business here.
fn told(state: &OauthState, live: &Live) -> Value {
    let issuer = state.resources.issuer();
    let mut told = json!({
        "active": true,
        "scope": live.scopes,
        "client_id": live.client,
        "token_type": live.kind,
        "sub": subject(issuer, &live.user),
        "aud": state.resources.resource_of(&live.service),
        "iss": issuer,
        "iat": live.issued_at.as_secs(),
        "exp": live.expires_at.as_secs(),
    });
    if let (Some(key), Some(members)) = (&live.key, told.as_object_mut()) {
        members.insert("cnf".to_owned(), json!({ "jkt": key }));
    }
    told
}
