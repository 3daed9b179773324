//! Clients that the operator set up in the settings: they never expire, and nothing on the wire changes them.

use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::domain::secret::Secret;
use crate::domain::token::Hasher;
use crate::oauth::jwks::{self, KeyFault};
use crate::oauth::redirect;
use crate::oauth::register::SECRET_PURPOSE;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// One of the settings' `[[clients]]`.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredClient {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) auth_method: ClientAuthMethod,
    pub(crate) secret: Option<Secret<String>>,
    /// Public keys, for `private_key_jwt`.
    pub(crate) jwks: Option<Value>,
    pub(crate) jwks_uri: Option<String>,
    pub(crate) grant_types: Vec<String>,
    /// It takes tokens only that are bound to a key of its own (RFC 9449 §5.2).
    pub(crate) dpop_bound_access_tokens: bool,
}

/// Why a client of the settings cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ConfiguredFault {
    #[error("`id` is empty, or looks like the URL of a metadata document or the id of a personal key")]
    Id,
    #[error("redirect URI `{0}`: {1}")]
    Redirect(String, String),
    #[error("auth_method {0} needs `{1}`, and none of the other credentials")]
    Credentials(&'static str, &'static str),
    #[error("`jwks`: {0}")]
    Keys(String),
    #[error("`jwks_uri` must be an https URL")]
    KeyUrl,
}

impl ConfiguredClient {
    /// Checks it without the network.
    pub(crate) fn validate(&self) -> Result<(), ConfiguredFault> {
        let is_key = ClientId::new(self.id.as_str()).is_personal_key();
        if self.id.is_empty() || self.id.contains("://") || is_key {
            return Err(ConfiguredFault::Id);
        }
        for uri in &self.redirect_uris {
            redirect::validate(uri)
                .map_err(|fault| ConfiguredFault::Redirect(uri.clone(), fault.to_string()))?;
        }
        let has = (self.secret.is_some(), self.jwks.is_some(), self.jwks_uri.is_some());
        let wrong = |method, member| Err(ConfiguredFault::Credentials(method, member));
        match (self.auth_method, has) {
            (ClientAuthMethod::None, (false, false, false))
            | (
                ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost,
                (true, false, false),
            )
            | (ClientAuthMethod::PrivateKeyJwt, (false, true, false) | (false, false, true)) => {}
            (ClientAuthMethod::None, _) => return wrong("none", "nothing"),
            (ClientAuthMethod::ClientSecretBasic, _) => return wrong("client_secret_basic", "secret"),
            (ClientAuthMethod::ClientSecretPost, _) => return wrong("client_secret_post", "secret"),
            (ClientAuthMethod::PrivateKeyJwt, _) => return wrong("private_key_jwt", "jwks` or `jwks_uri"),
        }
        let keys = self.jwks.as_ref().map(jwks::public_part).transpose();
        keys.map_err(|fault: KeyFault| ConfiguredFault::Keys(fault.to_string()))?;
        if self.jwks_uri.as_deref().is_some_and(|uri| !jwks::is_fetchable(uri)) {
            return Err(ConfiguredFault::KeyUrl);
        }
        Ok(())
    }

    fn record(&self, hasher: &Hasher) -> ClientRecord {
        let mut metadata = Map::new();
        metadata.insert("client_name".to_owned(), json!(self.name));
        metadata.insert("redirect_uris".to_owned(), json!(self.redirect_uris));
        metadata.insert("grant_types".to_owned(), json!(self.grant_types));
        if self.dpop_bound_access_tokens {
            metadata.insert("dpop_bound_access_tokens".to_owned(), json!(true));
        }
        let keys = self.jwks.as_ref().and_then(|keys| jwks::public_part(keys).ok());
        metadata.extend(keys.map(|keys| ("jwks".to_owned(), keys)));
        metadata.extend(self.jwks_uri.as_ref().map(|uri| ("jwks_uri".to_owned(), json!(uri))));
        let hash = |secret: &Secret<String>| hasher.hash(SECRET_PURPOSE, secret.expose()).to_text();
        ClientRecord {
            id: ClientId::new(self.id.as_str()),
            origin: ClientOrigin::Configured,
            auth_method: self.auth_method,
            other_auth_methods: Vec::new(),
            secret_hash: self.secret.as_ref().map(hash),
            management_hash: None,
            redirect_uris: self.redirect_uris.clone(),
            name: Some(self.name.clone()).filter(|name| !name.is_empty()),
            metadata,
            digest: String::new(),
            issued_at: Timestamp::from_millis(0),
        }
    }
}

/// All of them by id.
pub(in crate::oauth) fn records(
    clients: &[ConfiguredClient],
    hasher: &Hasher,
) -> HashMap<String, ClientRecord> {
    clients.iter().map(|client| (client.id.clone(), client.record(hasher))).collect()
}
