//! Microsoft Graph over the wire.

use crate::domain::secret::Secret;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;

/// One request to Graph. The transport knows the base URL; paths start with `/`, absolute URLs are only accepted
/// when they are Graph's own (`@odata.nextLink`).
#[derive(Clone, Debug)]
pub(crate) struct GraphRequest {
    pub(crate) method: Method,
    /// `/me/messages?...`, already encoded, or a next link taken whole.
    pub(crate) target: String,
    pub(crate) token: Secret<String>,
    /// Extra headers such as `Prefer`.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON body, already encoded.
    pub(crate) body: Option<Bytes>,
    /// Largest answer body accepted, in bytes.
    pub(crate) max_bytes: usize,
    pub(crate) timeout: Duration,
}

/// One request to an address on another host that Graph pointed to: the bytes of a file, an upload session, the monitor
/// of a copy. The address is itself the permission.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Bytes>,
    /// Largest answer body accepted, in bytes.
    pub(crate) max_bytes: usize,
    pub(crate) timeout: Duration,
}

impl<'a> Elsewhere<'a> {
    /// A request that brings nothing.
    pub(crate) fn bare(method: Method, url: &'a str, max_bytes: usize, timeout: Duration) -> Self {
        Self { method, url, headers: Vec::new(), body: None, max_bytes, timeout }
    }
}

/// An answer of Graph, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct GraphResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Bytes as they arrive.
pub(crate) type ByteStream = BoxStream<'static, Result<Bytes, TransportError>>;

/// The head of an answer, whatever its status, and its body on the way.
pub(crate) struct OpenAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ByteStream,
}

impl OpenAnswer {
    /// One that has arrived whole.
    fn whole(answer: GraphResponse) -> Self {
        let GraphResponse { status, headers, body } = answer;
        Self { status, headers, body: Box::pin(stream::iter([Ok(body)])) }
    }
}

/// No usable answer arrived.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    #[error("could not connect to Graph: {0}")]
    Connect(String),
    #[error("Graph did not answer in time")]
    Timeout,
    #[error("the connection to Graph broke: {0}")]
    Broken(String),
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("refused to follow a link to a host that is not Graph")]
    ForeignLink,
}

/// Sends requests to Graph: no retries, no redirects of its own, no interpretation.
#[async_trait]
pub(crate) trait GraphTransport: Send + Sync {
    async fn send(&self, request: GraphRequest) -> Result<GraphResponse, TransportError>;
    /// Asks another host: without the token, cookies or any header but those of the request.
    async fn fetch(&self, request: Elsewhere<'_>) -> Result<GraphResponse, TransportError>;
    /// As [`Self::send`], but the body is read by the caller, as it comes; the time is that until the head.
    async fn open(&self, request: GraphRequest) -> Result<OpenAnswer, TransportError> {
        self.send(request).await.map(OpenAnswer::whole)
    }
    /// The same of [`Self::fetch`].
    async fn open_elsewhere(&self, request: Elsewhere<'_>) -> Result<OpenAnswer, TransportError> {
        self.fetch(request).await.map(OpenAnswer::whole)
    }
}
