//! Fetching small public documents that a stranger names: client metadata and key sets.

use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;
use url::Url;

/// A fetched document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) body: Bytes,
    /// How long its host lets it be kept (`Cache-Control`); `None` when it does not say.
    pub(crate) max_age: Option<Duration>,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// Nothing was sent: the address is not one that strangers may make us connect to.
    #[error("its host is not on the public internet")]
    Forbidden,
    /// The host could not be reached, is overloaded, or keeps servers out; it may well have the document.
    #[error("it cannot be fetched for the moment")]
    Unreachable(String),
    /// The host answered something that is not the document.
    #[error("{0}")]
    Refused(String),
}

/// Where documents come from.
#[async_trait]
pub(crate) trait DocumentSource: Send + Sync {
    /// Fetches JSON of at most `max_bytes` over https, without cookies, credentials or redirects.
    async fn fetch(&self, url: &Url, max_bytes: usize) -> Result<Document, FetchError>;
}
