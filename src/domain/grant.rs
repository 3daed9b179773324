//! What stands behind codes, bearers and refresh tokens: one grant is one sign-in of one user at one client for one
//! service. All its records die together.

use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, FlowId, GrantId, KeyThumbprint, ServiceName, UserKey};
use crate::domain::scope::ScopeSet;
use serde::{Deserialize, Serialize};

/// An issued authorization code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CodeRecord {
    pub(crate) grant: GrantId,
    pub(crate) client: ClientId,
    pub(crate) user: UserKey,
    pub(crate) service: ServiceName,
    pub(crate) scopes: ScopeSet,
    pub(crate) redirect_uri: String,
    /// S256 challenge (RFC 7636 §4.2).
    pub(crate) code_challenge: String,
    /// Version of the user's Entra record at sign-in.
    pub(crate) upstream_version: u64,
    /// The client's `nonce`, for the id_token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
    /// When the person signed in at Entra, if that was before the code was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<Timestamp>,
    /// The key that must be proven when the code is redeemed (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jkt: Option<KeyThumbprint>,
    /// Id of the sign-in, for its trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<FlowId>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A bearer for exactly one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessRecord {
    pub(crate) grant: GrantId,
    pub(crate) client: ClientId,
    pub(crate) user: UserKey,
    pub(crate) service: ServiceName,
    pub(crate) scopes: ScopeSet,
    /// Id of the sign-in that it comes from, on its first bearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<FlowId>,
    /// The key that must be proven with every use (RFC 9449 §6); none for a plain bearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jkt: Option<KeyThumbprint>,
    /// Name that its owner gave to a personal key; none for what an app was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl AccessRecord {
    /// `token_type` of RFC 6749 §7.1.
    pub(crate) fn token_type(&self) -> &'static str {
        token_type(self.jkt.as_ref())
    }
}

/// How a token is presented that is bound to this key, or to none.
pub(crate) const fn token_type(key: Option<&KeyThumbprint>) -> &'static str {
    if key.is_some() { "DPoP" } else { "Bearer" }
}

/// A refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefreshRecord {
    pub(crate) grant: GrantId,
    pub(crate) client: ClientId,
    pub(crate) user: UserKey,
    pub(crate) service: ServiceName,
    pub(crate) scopes: ScopeSet,
    /// Version of the user's Entra record when this token was issued. Redeeming the token requires a newer one, so
    /// any number of parallel redemptions agree on one upstream refresh.
    pub(crate) upstream_version: u64,
    /// The key that must be proven with it (RFC 9449 §5); clients that prove themselves need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jkt: Option<KeyThumbprint>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// End of the sliding life of the whole grant.
    pub(crate) grant_expires_at: Timestamp,
}

/// A grant as its owner and the operator see it; holds nothing that opens anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    pub(crate) id: GrantId,
    pub(crate) client: ClientId,
    pub(crate) user: UserKey,
    pub(crate) service: ServiceName,
    pub(crate) scopes: ScopeSet,
    /// Its first bearer was bound to a key of the client.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) key_bound: bool,
    /// Name that its owner gave to a personal key, which is a grant of its own with one bearer; none for an app's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) created_at: Timestamp,
    /// Last time that tokens were issued: between two refreshes lies at most the life of a bearer. Of a personal key: the
    /// last use, to the minute.
    pub(crate) last_used_at: Timestamp,
    /// End of the grant's life, however often it is refreshed.
    pub(crate) expires_at: Timestamp,
}

impl GrantRecord {
    /// Whether its owner made it by hand.
    pub(crate) fn is_personal_key(&self) -> bool {
        self.client.is_personal_key()
    }

    /// The grant that begins with these tokens.
    pub(crate) fn begun_by(access: &AccessRecord, refresh: Option<&RefreshRecord>) -> Self {
        Self {
            id: access.grant.clone(),
            client: access.client.clone(),
            user: access.user.clone(),
            service: access.service.clone(),
            scopes: refresh.map_or(&access.scopes, |refresh| &refresh.scopes).clone(),
            key_bound: access.jkt.is_some(),
            name: access.name.clone(),
            created_at: access.issued_at,
            last_used_at: access.issued_at,
            expires_at: refresh.map_or(access.expires_at, |refresh| refresh.grant_expires_at),
        }
    }
}
