//! Registered OAuth clients (RFC 7591).

use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use serde::{Deserialize, Serialize};

/// How a client proves itself at the token endpoint (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientAuthMethod {
    /// Public client: PKCE is the proof.
    None,
    ClientSecretBasic,
    ClientSecretPost,
    /// A JWT signed with a key that the client publishes (RFC 7523 §2.2, OpenID Connect Core §9).
    PrivateKeyJwt,
}

/// Where a client's metadata comes from; the consent page says how far it can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientOrigin {
    /// Self-declared by dynamic registration.
    #[default]
    Registered,
    /// Published at the https URL that is its id: the host of the URL vouches for it.
    Published,
    /// Set up by the operator.
    Configured,
}

/// A client as stored and as echoed at registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientRecord {
    pub(crate) id: ClientId,
    pub(crate) origin: ClientOrigin,
    pub(crate) auth_method: ClientAuthMethod,
    /// Further methods that it may choose from, request by request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_auth_methods: Vec<ClientAuthMethod>,
    /// Keyed hash of the secret, base64url; confidential clients only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<String>,
    /// Keyed hash of the registration access token (RFC 7592 §3), base64url. Public clients have none: many share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) management_hash: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Every accepted metadata member as registered, echoed back verbatim; never null members.
    #[serde(default)]
    pub(crate) metadata: serde_json::Map<String, serde_json::Value>,
    /// Digest of the metadata; equal public registrations fold into one client.
    pub(crate) digest: String,
    pub(crate) issued_at: Timestamp,
}

impl ClientRecord {
    /// Public clients hold no secret (RFC 6749 §2.1).
    pub(crate) fn is_public(&self) -> bool {
        self.auth_method == ClientAuthMethod::None
    }

    /// Whether it may authenticate this way.
    pub(crate) fn authenticates_by(&self, method: ClientAuthMethod) -> bool {
        self.auth_method == method || self.other_auth_methods.contains(&method)
    }

    /// Whether it takes tokens only that are bound to a key of its own (RFC 9449 §5.2).
    pub(crate) fn wants_bound_tokens(&self) -> bool {
        self.metadata.get("dpop_bound_access_tokens") == Some(&serde_json::Value::Bool(true))
    }

    /// Whether its metadata lets it use a grant type; those that name none may use what everybody may.
    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        let listed = self.metadata.get("grant_types").and_then(serde_json::Value::as_array);
        listed.is_none_or(|all| all.iter().any(|one| one == grant_type))
    }
}
