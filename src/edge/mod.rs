//! What every protocol front checks before it looks at a request: Host and Origin against DNS rebinding, CORS, and the
//! bounds of a body.

pub(crate) mod body;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;

use actix_web::HttpResponse;
use actix_web::dev::RequestHead;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::uri::Authority;
use url::Url;

const METHODS: &str = "GET, POST, DELETE, OPTIONS";
const EXPOSED: &str = "Mcp-Session-Id, WWW-Authenticate, MCP-Protocol-Version, DPoP-Nonce, Retry-After";
/// Request headers that a page may send.
const REQUEST_HEADERS: [&str; 11] = [
    "authorization",
    "content-type",
    "accept",
    "mcp-session-id",
    "mcp-protocol-version",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "dpop",
    "idempotency-key",
    "traceparent",
];
/// Beginnings of names that a page may send: MCP's mirrored arguments, and what the `openai` package tells of itself.
const REQUEST_HEADER_FAMILIES: [&str; 3] = ["mcp-param-", "x-stainless-", "openai-"];

/// Names that the server answers to besides its public URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeSettings {
    /// `host` (any port) or `host:port`.
    pub(crate) allowed_hosts: Vec<String>,
    /// Origins of pages that may call, besides the public URL's own.
    pub(crate) allowed_origins: Vec<String>,
    /// Bound to loopback: loopback names and origins are welcome on any port.
    pub(crate) local: bool,
}

#[cfg(test)]
impl EdgeSettings {
    /// Those of a server on this machine alone.
    pub(crate) fn loopback() -> Self {
        Self { local: true, ..Self::default() }
    }
}

/// Who may talk to us under which name.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    hosts: Vec<String>,
    origins: Vec<String>,
    local: bool,
}

impl Edge {
    /// `issuer` is the public URL; its host and origin are always welcome.
    pub(crate) fn new(issuer: &str, settings: &EdgeSettings) -> Self {
        let mut hosts: Vec<_> = settings.allowed_hosts.iter().map(|h| h.to_ascii_lowercase()).collect();
        let mut origins: Vec<_> = settings.allowed_origins.iter().map(|o| o.to_ascii_lowercase()).collect();
        if let Ok(url) = Url::parse(issuer) {
            hosts.extend(url.host_str().map(str::to_ascii_lowercase));
            origins.push(url.origin().ascii_serialization());
        }
        Self { hosts, origins, local: settings.local }
    }

    /// Whether Host and Origin are ours. Programs outside of browsers send no Origin.
    pub(crate) fn admits(&self, head: &RequestHead) -> bool {
        let from_header = head.headers.get(header::HOST).map(|v| v.to_str().unwrap_or_default());
        let Some(host) = from_header.or_else(|| head.uri.authority().map(Authority::as_str)) else {
            return false;
        };
        if !self.admits_host(host) {
            return false;
        }
        let mut origins = head.headers.get_all(header::ORIGIN);
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => origin.to_str().is_ok_and(|o| self.admits_origin(o, host)),
            (Some(_), Some(_)) => false,
        }
    }

    /// Lets the page that asked read the answer, if it may ask at all.
    pub(crate) fn decorate(&self, response: &mut HttpResponse, head: &RequestHead) {
        if self.admits(head) {
            decorate(response, head.headers.get(header::ORIGIN));
        }
    }

    fn admits_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let Some(name) = without_port(&host) else { return false };
        (self.local && is_loopback(name)) || self.hosts.iter().any(|own| *own == host || own == name)
    }

    fn admits_origin(&self, origin: &str, host: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        let page = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let host = host.to_ascii_lowercase();
        let is_here = |host: &str| without_port(host).is_some_and(is_loopback);
        self.local && page.is_some_and(is_here) && is_here(&host)
    }
}

/// The name in `host[:port]` (RFC 9110 §7.2); none of a text that is no such thing.
fn without_port(host: &str) -> Option<&str> {
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, port) = host.split_at_checked(end)?;
    let is_port = |port: &str| {
        port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
    };
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

fn is_loopback(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// The answer to a preflight; it comes before authentication because browsers send it without credentials.
pub(crate) fn preflight(headers: &HeaderMap) -> HttpResponse {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|v| v.to_str().ok());
    let allowed = asked
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| {
            REQUEST_HEADERS.contains(&name.as_str())
                || REQUEST_HEADER_FAMILIES.iter().any(|family| name.starts_with(family))
        })
        .collect::<Vec<_>>()
        .join(", ");
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ALLOW, METHODS));
    if headers.contains_key(header::ORIGIN) {
        response
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
        if !allowed.is_empty() {
            response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed));
        }
    }
    response.finish()
}

/// Lets the page of an admitted origin read the answer.
pub(crate) fn decorate(response: &mut HttpResponse, origin: Option<&HeaderValue>) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn edge(local: bool) -> Edge {
        let settings = EdgeSettings {
            allowed_hosts: vec!["entrada.internal:8443".to_owned()],
            allowed_origins: vec!["https://claude.ai".to_owned()],
            local,
        };
        Edge::new("https://door.example", &settings)
    }

    fn admits(edge: &Edge, host: &str, origin: Option<&str>) -> bool {
        let mut request = TestRequest::default().insert_header(("host", host));
        if let Some(origin) = origin {
            request = request.insert_header(("origin", origin));
        }
        edge.admits(request.to_srv_request().head())
    }

    #[test]
    fn a_public_server_answers_to_its_own_names_and_listed_origins() {
        let edge = edge(false);
        for (host, origin, expected) in [
            ("door.example", None, true),
            ("DOOR.example:443", None, true),
            ("entrada.internal:8443", None, true),
            ("entrada.internal", None, false),
            ("door.example", Some("https://door.example"), true),
            ("door.example", Some("https://claude.ai"), true),
            ("door.example", Some("https://claude.ai.evil.example"), false),
            ("door.example", Some("null"), false),
            ("door.example", Some("http://localhost:6274"), false),
            ("localhost:8080", None, false),
            ("evil.example", None, false),
            ("", None, false),
        ] {
            assert_eq!(admits(&edge, host, origin), expected, "{host} {origin:?}");
        }
    }

    #[test]
    fn a_local_server_answers_to_loopback_on_any_port_and_to_no_rebound_name() {
        let edge = edge(true);
        for (host, origin, expected) in [
            ("localhost:8080", None, true),
            ("127.0.0.1:1", Some("http://localhost:6274"), true),
            ("[::1]:8080", Some("http://[::1]:3000"), true),
            ("localhost:8080", Some("http://evil.example.com"), false),
            ("evil.example.com", Some("http://evil.example.com"), false),
            ("evil.example.com", Some("http://localhost:8080"), false),
            ("localhost.evil.example", None, false),
            ("[::1].evil.example", None, false),
            ("localhost:evil.example", None, false),
            ("localhost:8080", Some("http://[::1]@evil.example"), false),
            ("localhost:8080", Some("http://localhost.evil.example"), false),
        ] {
            assert_eq!(admits(&edge, host, origin), expected, "{host} {origin:?}");
        }
    }
}
