//! Bearers, refresh tokens and the answer that carries them.

use crate::domain::client::{ClientAuthMethod, ClientRecord};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, RefreshRecord, token_type};
use crate::domain::ids::{ClientId, FlowId, GrantId, KeyThumbprint, ServiceName, UserKey};
use crate::domain::scope::ScopeSet;
use crate::domain::token::{Token, TokenKind, TokenRef};
use crate::oauth::state::OauthState;
use bytes::Bytes;
use serde_json::json;

/// What the tokens of one answer stand for.
pub(super) struct Basis {
    pub(super) grant: GrantId,
    pub(super) client: ClientId,
    pub(super) user: UserKey,
    pub(super) service: ServiceName,
    /// Scopes of the bearer.
    pub(super) scopes: ScopeSet,
    /// Scopes of the grant, which the refresh token keeps.
    pub(super) granted: ScopeSet,
    /// Version of the user's Entra record that the tokens rest on.
    pub(super) upstream_version: u64,
    /// End of the grant's life.
    pub(super) grant_expires_at: Timestamp,
    /// The sign-in that these are the first tokens of.
    pub(super) flow: Option<FlowId>,
    /// The keys that the tokens are bound to.
    pub(super) keys: Keys,
}

/// The key of the bearer and that of the refresh token.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    access: Option<KeyThumbprint>,
    refresh: Option<KeyThumbprint>,
}

impl Keys {
    /// The key that the request proved. A client that can only prove itself needs no second proof for its refresh token,
    /// and may change its key (RFC 9449 §5).
    pub(super) fn of(key: Option<KeyThumbprint>, client: &ClientRecord) -> Self {
        let refresh = key.clone().filter(|_| client.authenticates_by(ClientAuthMethod::None));
        Self { access: key, refresh }
    }
}

/// Fresh tokens: what the store writes and what the client gets.
pub(super) struct Fresh {
    pub(super) access: (TokenRef, AccessRecord),
    pub(super) refresh: (TokenRef, RefreshRecord),
    pub(super) answer: Bytes,
}

/// Makes a bearer and a refresh token. Neither outlives the grant. `id_token` makes the id_token beside a bearer, where
/// there is to be one.
pub(super) fn fresh(
    state: &OauthState,
    basis: Basis,
    now: Timestamp,
    id_token: impl FnOnce(&str) -> Option<String>,
) -> Fresh {
    let access = Token::mint(TokenKind::Access, &basis.grant);
    let refresh = Token::mint(TokenKind::Refresh, &basis.grant);
    let access_until = now.plus(state.settings.access_ttl).min(basis.grant_expires_at);
    let refresh_until = now.plus(state.settings.refresh_ttl).min(basis.grant_expires_at);
    let mut answer = json!({
        "access_token": access.expose(),
        "token_type": token_type(basis.keys.access.as_ref()),
        "expires_in": access_until.since(now).as_secs(),
        "refresh_token": refresh.expose(),
        "scope": basis.scopes,
    });
    if let (Some(id_token), Some(members)) = (id_token(access.expose()), answer.as_object_mut()) {
        members.insert("id_token".to_owned(), json!(id_token));
    }
    let access_record = AccessRecord {
        grant: basis.grant.clone(),
        client: basis.client.clone(),
        user: basis.user.clone(),
        service: basis.service.clone(),
        scopes: basis.scopes,
        flow: basis.flow,
        jkt: basis.keys.access,
        name: None,
        issued_at: now,
        expires_at: access_until,
    };
    let refresh_record = RefreshRecord {
        grant: basis.grant,
        client: basis.client,
        user: basis.user,
        service: basis.service,
        scopes: basis.granted,
        upstream_version: basis.upstream_version,
        jkt: basis.keys.refresh,
        issued_at: now,
        expires_at: refresh_until,
        grant_expires_at: basis.grant_expires_at,
    };
    Fresh {
        access: (state.hasher.token_ref(&access), access_record),
        refresh: (state.hasher.token_ref(&refresh), refresh_record),
        answer: Bytes::from(answer.to_string()),
    }
}
