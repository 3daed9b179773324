//! Microsoft Graph over HTTP: one long-lived client per worker, no redirects (the client is built without), answers bounded
//! while they stream in, and no way to make a token travel to another host.

use crate::adapters::http::Clients;
use crate::ports::graph::{
    Elsewhere, GraphRequest, GraphResponse, GraphTransport, OpenAnswer, TransportError,
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use std::mem;
use std::time::Duration;
use url::Url;

/// A body that is read as it comes may pause for so long.
const SILENCE: Duration = Duration::from_mins(1);

/// The base URL of Graph cannot be used; every request answers so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GraphUrlError {
    #[error("the Graph URL is not a valid absolute URL")]
    Invalid,
    #[error("the Graph URL must use https")]
    Insecure,
}

/// Where Graph is.
#[derive(Clone, Debug)]
struct Endpoint {
    /// Plain HTTP is allowed, for the simulated tenant.
    insecure: bool,
    base: Url,
    /// Path of the base without a trailing slash, e.g. `/v1.0`.
    prefix: String,
}

/// Sends requests to one Graph endpoint such as `https://graph.microsoft.com/v1.0`.
#[derive(Debug)]
pub(crate) struct GraphHttp {
    clients: Clients,
    endpoint: Result<Endpoint, GraphUrlError>,
}

impl GraphHttp {
    /// `insecure` allows `http://`, for the simulated tenant on loopback.
    pub(crate) fn new(clients: Clients, base_url: &str, insecure: bool) -> Self {
        Self { clients, endpoint: Endpoint::new(base_url, insecure) }
    }
}

impl Endpoint {
    fn new(base_url: &str, insecure: bool) -> Result<Self, GraphUrlError> {
        let base = Url::parse(base_url).map_err(|_| GraphUrlError::Invalid)?;
        let plain = is_anonymous(&base) && base.query().is_none() && base.fragment().is_none();
        if base.host().is_none() || !plain {
            return Err(GraphUrlError::Invalid);
        }
        match base.scheme() {
            "https" => {}
            "http" if insecure => {}
            "http" => return Err(GraphUrlError::Insecure),
            _ => return Err(GraphUrlError::Invalid),
        }
        let prefix = base.path().trim_end_matches('/').to_owned();
        Ok(Self { insecure, base, prefix })
    }

    /// The absolute URL of a target; next links only within our own origin and path.
    fn resolve(&self, target: &str) -> Result<Url, TransportError> {
        let url = if target.starts_with('/') {
            // The base is parsed already, and a path changes nothing before it.
            let (path, query) =
                target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
            let mut url = self.base.clone();
            url.set_path(&[&self.prefix, path].concat());
            url.set_query(query);
            url
        } else {
            let url = Url::parse(target).map_err(|_| TransportError::ForeignLink)?;
            if url.origin() != self.base.origin() || !is_anonymous(&url) {
                return Err(TransportError::ForeignLink);
            }
            url
        };
        // `Url` has resolved dot segments by now, so the prefix check sees the path that would be asked for.
        let inside = url.path().strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('/'));
        if inside { Ok(url) } else { Err(TransportError::ForeignLink) }
    }

    /// An address elsewhere that Graph gave us: encrypted, and without credentials in it.
    fn elsewhere(&self, url: &str) -> Result<Url, TransportError> {
        let url = Url::parse(url).map_err(|_| TransportError::ForeignLink)?;
        let allowed = url.scheme() == "https" || (self.insecure && url.scheme() == "http");
        if allowed && is_anonymous(&url) && url.host().is_some() {
            Ok(url)
        } else {
            Err(TransportError::ForeignLink)
        }
    }
}

/// No user and no password in it, which would be sent beside the token.
fn is_anonymous(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

impl GraphHttp {
    fn endpoint(&self) -> Result<&Endpoint, TransportError> {
        self.endpoint.as_ref().map_err(|error| TransportError::Connect(error.to_string()))
    }

    /// A request to Graph itself, without a time.
    fn request(&self, request: GraphRequest) -> Result<reqwest::RequestBuilder, TransportError> {
        let url = self.endpoint()?.resolve(&request.target)?;
        let mut bearer = HeaderValue::try_from(["Bearer ", request.token.expose()].concat())
            .map_err(|_| TransportError::Broken("the token does not fit into a header".to_owned()))?;
        bearer.set_sensitive(true);
        let wants_length = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
        let mut builder = self
            .clients
            .here()
            .request(request.method, url)
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json;odata.metadata=minimal");
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if wants_length && request.body.as_ref().is_none_or(Bytes::is_empty) {
            // The library leaves it out where there is no body, and Graph's front answers that with 411.
            builder = builder.header(CONTENT_LENGTH, 0);
        }
        Ok(if let Some(body) = request.body { builder.body(body) } else { builder })
    }

    /// A request to another host, without a time.
    fn elsewhere(&self, request: Elsewhere<'_>) -> Result<reqwest::RequestBuilder, TransportError> {
        let url = self.endpoint()?.elsewhere(request.url)?;
        let mut builder = self.clients.here().request(request.method, url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        Ok(if let Some(body) = request.body { builder.body(body) } else { builder })
    }
}

#[async_trait]
impl GraphTransport for GraphHttp {
    async fn send(&self, request: GraphRequest) -> Result<GraphResponse, TransportError> {
        let (timeout, limit) = (request.timeout, request.max_bytes);
        whole(self.request(request)?.timeout(timeout), limit).await
    }

    async fn fetch(&self, request: Elsewhere<'_>) -> Result<GraphResponse, TransportError> {
        let (timeout, limit) = (request.timeout, request.max_bytes);
        whole(self.elsewhere(request)?.timeout(timeout), limit).await
    }

    async fn open(&self, request: GraphRequest) -> Result<OpenAnswer, TransportError> {
        let (timeout, limit) = (request.timeout, request.max_bytes);
        opened(self.request(request)?, timeout, limit).await
    }

    async fn open_elsewhere(&self, request: Elsewhere<'_>) -> Result<OpenAnswer, TransportError> {
        let (timeout, limit) = (request.timeout, request.max_bytes);
        opened(self.elsewhere(request)?, timeout, limit).await
    }
}

async fn whole(builder: reqwest::RequestBuilder, limit: usize) -> Result<GraphResponse, TransportError> {
    let mut response = builder.send().await.map_err(|error| cause(&error))?;
    let (status, headers) = (response.status(), mem::take(response.headers_mut()));
    let body = read(response, limit).await?;
    Ok(GraphResponse { status, headers, body })
}

/// The head within `timeout`; then the body, as long as something comes within [`SILENCE`], at most `limit` bytes.
async fn opened(
    builder: reqwest::RequestBuilder,
    timeout: Duration,
    limit: usize,
) -> Result<OpenAnswer, TransportError> {
    let sent = tokio::time::timeout(timeout, builder.send()).await.map_err(|_| TransportError::Timeout)?;
    let mut response = sent.map_err(|error| cause(&error))?;
    let (status, headers) = (response.status(), mem::take(response.headers_mut()));
    let body = stream::try_unfold((response, limit), move |(mut response, left)| async move {
        let next = tokio::time::timeout(SILENCE, response.chunk()).await;
        let Some(chunk) = next.map_err(|_| TransportError::Timeout)?.map_err(|error| cause(&error))? else {
            return Ok(None);
        };
        let left = left.checked_sub(chunk.len()).ok_or(TransportError::TooLarge { limit })?;
        Ok(Some((chunk, (response, left))))
    });
    Ok(OpenAnswer { status, headers, body: Box::pin(body) })
}

/// Collects the body, and stops as soon as it exceeds `limit`.
async fn read(mut response: reqwest::Response, limit: usize) -> Result<Bytes, TransportError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit {
        return Err(TransportError::TooLarge { limit });
    }
    let Some(first) = response.chunk().await.map_err(|error| cause(&error))? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(TransportError::TooLarge { limit });
    }
    let Some(second) = response.chunk().await.map_err(|error| cause(&error))? else { return Ok(first) };
    let mut whole = BytesMut::with_capacity(announced.max(first.len() + second.len()));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if whole.len() + chunk.len() > limit {
            return Err(TransportError::TooLarge { limit });
        }
        whole.extend_from_slice(&chunk);
        next = response.chunk().await.map_err(|error| cause(&error))?;
    }
    Ok(whole.freeze())
}

/// What broke, without the URL: it may hold addresses and search words.
fn cause(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() {
        return TransportError::Timeout;
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let text = if error.is_connect() || std::error::Error::source(error).is_some() {
        deepest.to_string()
    } else {
        "no usable answer".to_owned()
    };
    if error.is_connect() { TransportError::Connect(text) } else { TransportError::Broken(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::http::PlainHttp;
    use crate::domain::secret::Secret;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn graph(base: &str, insecure: bool) -> GraphHttp {
        GraphHttp::new(Clients::new(PlainHttp::Allowed).unwrap(), base, insecure)
    }

    #[tokio::test]
    async fn plain_http_needs_the_insecure_switch() {
        assert_eq!(Endpoint::new("http://127.0.0.1:1/v1.0", false).unwrap_err(), GraphUrlError::Insecure);
        assert!(Endpoint::new("http://127.0.0.1:1/v1.0", true).is_ok());
        for odd in ["file:///etc", "https://:password@graph.example/v1.0", "https://user@graph.example/v1.0"]
        {
            assert_eq!(Endpoint::new(odd, true).unwrap_err(), GraphUrlError::Invalid, "{odd}");
        }
        let error = graph("http://127.0.0.1:1/v1.0", false).send(request(10)).await.unwrap_err();
        assert!(error.to_string().contains("https"), "{error}");
    }

    #[test]
    fn a_token_never_leaves_for_another_host_or_path() {
        let graph = Endpoint::new("https://graph.example/v1.0/", false).unwrap();
        assert_eq!(
            graph.resolve("/me/messages?$top=1").unwrap().as_str(),
            "https://graph.example/v1.0/me/messages?$top=1"
        );
        assert!(graph.resolve("https://graph.example/v1.0/me/messages?$skip=10").is_ok());
        for foreign in [
            "https://evil.example/v1.0/me",
            "http://graph.example/v1.0/me",
            "https://graph.example/beta/me",
            "https://graph.example/v1.0/../beta/me",
            "https://graph.example/v1.0%2f../beta",
            "https://user@graph.example/v1.0/me",
            "https://:password@graph.example/v1.0/me",
            "/../beta/me",
            "/%2e%2e/beta/me",
            "/..\\beta\\me",
            "/.\t./beta/me",
            "me",
        ] {
            assert!(matches!(graph.resolve(foreign), Err(TransportError::ForeignLink)), "{foreign}");
        }
        let inside = graph.resolve("//evil.example/v1.0/me").unwrap();
        assert_eq!(inside.host_str(), Some("graph.example"));
        for (target, expected) in [
            ("/me?", "me?"),
            ("/me#?a=b", "me%23?a=b"),
            ("/me?q=#가 나?/../..", "me?q=%23%EA%B0%80%20%EB%82%98?/../.."),
        ] {
            let url = graph.resolve(target).unwrap();
            assert_eq!(url.as_str(), ["https://graph.example/v1.0/", expected].concat());
        }
    }

    #[test]
    fn files_are_fetched_over_https_only() {
        let graph = Endpoint::new("https://graph.example/v1.0", false).unwrap();
        assert!(graph.elsewhere("https://files.example/a?tempauth=x").is_ok());
        for odd in ["http://files.example/a", "https://u:p@files.example/a", "file:///etc/passwd", "/a", ""] {
            assert!(matches!(graph.elsewhere(odd), Err(TransportError::ForeignLink)), "{odd}");
        }
        let loopback = Endpoint::new("http://127.0.0.1:1/v1.0", true).unwrap();
        assert!(loopback.elsewhere("http://127.0.0.1:1/blob/x").is_ok());
    }

    /// One connection that answers `reply` to whatever comes.
    async fn server(reply: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = socket.read(&mut buffer).await;
            let _ = socket.write_all(reply).await;
        });
        format!("http://{address}/v1.0")
    }

    fn request(max_bytes: usize) -> GraphRequest {
        GraphRequest {
            method: Method::GET,
            target: "/me?$filter=secret-address".to_owned(),
            token: Secret::new("top-secret".to_owned()),
            headers: vec![("prefer", "x".to_owned())],
            body: None,
            max_bytes,
            timeout: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn an_answer_larger_than_allowed_is_dropped_while_it_streams() {
        let base = server(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n",
        )
        .await;
        let answer = graph(&base, true).send(request(7)).await;
        assert!(matches!(answer, Err(TransportError::TooLarge { limit: 7 })), "{answer:?}");
    }

    #[tokio::test]
    async fn a_post_without_a_body_says_how_long_it_is() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1.0", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let read = socket.read(&mut buffer).await.unwrap();
            socket.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&buffer[..read]).to_lowercase()
        });
        let post = GraphRequest { method: Method::POST, ..request(10) };
        assert_eq!(graph(&base, true).send(post).await.unwrap().status, 202);
        let asked = asked.await.unwrap();
        assert!(asked.contains("\r\ncontent-length: 0\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn redirects_are_answers_not_orders() {
        let base =
            server(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/x\r\ncontent-length: 0\r\n\r\n")
                .await;
        assert_eq!(graph(&base, true).send(request(10)).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn failures_name_neither_the_query_nor_the_token() {
        let error = graph("http://127.0.0.1:1/v1.0", true).send(request(10)).await.unwrap_err();
        assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
}
