//! Keys of the identity providers that the operator trusts to vouch for people.

use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;
use std::sync::Arc;

/// The keys cannot be fetched now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the keys of an issuer cannot be fetched: {0}")]
pub(crate) struct KeysUnavailable(pub(crate) String);

/// Published keys (RFC 7517), by URL.
#[async_trait]
pub(crate) trait IssuerKeys: Send + Sync {
    /// The keys at `url`, one of the operator's own settings. `kid` is a key that must be among them; when it is not,
    /// they are fetched anew, though not more often than every five minutes.
    async fn keys(&self, url: &str, kid: &str) -> Result<Arc<JwkSet>, KeysUnavailable>;
}
