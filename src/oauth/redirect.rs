//! Which redirect URIs may be registered, and which registered one a request means (RFC 6749 §3.1.2, RFC 8252,
//! RFC 9700 §4.1). URIs are compared and used byte for byte, never rewritten.

use url::Url;

const MAX_CHARS: usize = 2000;
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Why a redirect URI is not accepted.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum RedirectFault {
    #[error("it is longer than {MAX_CHARS} characters")]
    TooLong,
    #[error("it holds a character that does not belong into a URI")]
    Character,
    #[error("it has a fragment")]
    Fragment,
    #[error("it holds a user name or password")]
    Userinfo,
    #[error("its path has dot segments")]
    DotSegment,
    #[error("it is not an absolute URI with a host")]
    Malformed,
    #[error("http is for loopback (127.0.0.1, [::1], localhost) only")]
    PlainHttp,
    #[error("its scheme is neither https nor an accepted private one")]
    Scheme,
    #[error("its host is not one that this server lets clients be answered at")]
    Host,
}

/// What the operator accepts of clients that set themselves up.
#[derive(Clone, Debug)]
pub(crate) struct RedirectPolicy {
    /// Private-use schemes beside the reverse-domain form of RFC 8252 §7.1.
    pub(crate) schemes: Vec<String>,
    /// Hosts for https; one that starts with a dot means every host below it. Empty: any.
    pub(crate) hosts: Vec<String>,
}

impl Default for RedirectPolicy {
    fn default() -> Self {
        let schemes = ["cursor", "vscode", "vscode-insiders"].map(str::to_owned).to_vec();
        Self { schemes, hosts: Vec::new() }
    }
}

impl RedirectPolicy {
    /// Checks a URI of a client that sets itself up.
    pub(super) fn check(&self, uri: &str) -> Result<(), RedirectFault> {
        let parts = grammar(uri)?;
        match parts.scheme {
            "http" => Ok(()),
            "https" if self.hosts.is_empty() => Ok(()),
            "https" => {
                let host = web_host(uri, &parts)?.to_ascii_lowercase();
                let fits = |listed: &String| {
                    host == *listed || (listed.starts_with('.') && host.ends_with(listed.as_str()))
                };
                if self.hosts.iter().any(fits) { Ok(()) } else { Err(RedirectFault::Host) }
            }
            private if is_reverse_domain(private) || self.schemes.iter().any(|known| known == private) => {
                Ok(())
            }
            _ => Err(RedirectFault::Scheme),
        }
    }
}

/// The parts of a URI as written.
struct Parts<'a> {
    scheme: &'a str,
    authority: Option<&'a str>,
    /// Path and query.
    rest: &'a str,
}

fn split(uri: &str) -> Option<Parts<'_>> {
    let (scheme, after) = uri.split_once(':')?;
    let Some(hierarchical) = after.strip_prefix("//") else {
        return Some(Parts { scheme, authority: None, rest: after });
    };
    let end = hierarchical.find(['/', '?']).unwrap_or(hierarchical.len());
    let (authority, rest) = hierarchical.split_at_checked(end)?;
    Some(Parts { scheme, authority: Some(authority), rest })
}

/// Host and port of an authority as written.
fn host_port(authority: &str) -> Option<(&str, Option<&str>)> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let valid = port.parse::<u16>().is_ok_and(|p| p > 0) && port.bytes().all(|b| b.is_ascii_digit());
            valid.then_some((host, Some(port)))
        }
        Some(_) | None => Some((authority, None)),
    }
}

/// Checks a URI that the operator sets up, who may name any private scheme that is one (RFC 8252 §7.1).
pub(super) fn validate(uri: &str) -> Result<(), RedirectFault> {
    let parts = grammar(uri)?;
    // Browsers act on these themselves.
    let acted_on =
        ["javascript", "data", "vbscript", "file", "blob", "about", "view-source", "ws", "wss", "ftp"];
    if acted_on.contains(&parts.scheme) { Err(RedirectFault::Scheme) } else { Ok(()) }
}

/// What holds for every redirect URI, whoever sets it up.
fn grammar(uri: &str) -> Result<Parts<'_>, RedirectFault> {
    if uri.len() > MAX_CHARS {
        return Err(RedirectFault::TooLong);
    }
    if uri.bytes().any(|b| !b.is_ascii_graphic() || b"\\\"<>^`{|}*".contains(&b)) {
        return Err(RedirectFault::Character);
    }
    if uri.contains('#') {
        return Err(RedirectFault::Fragment);
    }
    let parts = split(uri).ok_or(RedirectFault::Malformed)?;
    if parts.authority.is_some_and(|a| a.contains('@')) {
        return Err(RedirectFault::Userinfo);
    }
    let path = parts.rest.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    if path.split(['/']).any(|s| s == "." || s == "..") || path.contains("%2f..") || path.contains("..%2f") {
        return Err(RedirectFault::DotSegment);
    }
    match parts.scheme {
        "https" => web_host(uri, &parts).map(|_| parts),
        "http" if LOOPBACK_HOSTS.contains(&web_host(uri, &parts)?) => Ok(parts),
        "http" => Err(RedirectFault::PlainHttp),
        private if private.split('.').all(is_label) => {
            Url::parse(uri).map(|_| parts).map_err(|_| RedirectFault::Malformed)
        }
        _ => Err(RedirectFault::Scheme),
    }
}

/// The host as written, when a URL parser reads the same one: `127.1` and `2130706433` are other spellings of an
/// address and have no place here.
fn web_host<'a>(uri: &str, parts: &Parts<'a>) -> Result<&'a str, RedirectFault> {
    let (host, _) = parts.authority.and_then(host_port).ok_or(RedirectFault::Malformed)?;
    let parsed = Url::parse(uri).map_err(|_| RedirectFault::Malformed)?;
    let same = parsed.host_str().is_some_and(|h| h.eq_ignore_ascii_case(host));
    if same && !host.contains("..") && !host.starts_with('.') {
        Ok(host)
    } else {
        Err(RedirectFault::Malformed)
    }
}

fn is_label(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `com.example.app`: a name that its owner alone may use (RFC 8252 §7.1).
fn is_reverse_domain(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(is_label)
}

/// Whether a URI is one of a native client: loopback or a private scheme.
pub(super) fn is_native(uri: &str) -> bool {
    !uri.starts_with("https:")
}

/// Whether `requested` means one of `registered`: equal, or equal but for the port on loopback (RFC 8252 §7.3).
pub(super) fn matches(registered: &[String], requested: &str) -> bool {
    validate(requested).is_ok() && registered.iter().any(|known| same(known, requested))
}

fn same(known: &str, requested: &str) -> bool {
    if known == requested {
        return true;
    }
    let (Some(a), Some(b)) = (split(known), split(requested)) else { return false };
    if a.scheme != b.scheme || path_or_root(a.rest) != path_or_root(b.rest) {
        return false;
    }
    let (Some(left), Some(right)) = (a.authority, b.authority) else { return false };
    if left == right {
        return matches!(a.scheme, "http" | "https");
    }
    let loopback = |authority| host_port(authority).filter(|(host, _)| LOOPBACK_HOSTS.contains(host));
    match (a.scheme, loopback(left), loopback(right)) {
        ("http", Some((left, _)), Some((right, _))) => left == right,
        _ => false,
    }
}

/// An empty path is `/` (RFC 3986 §6.2.3).
fn path_or_root(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

/// Where the browser will be sent, in words for the consent page: host or application scheme.
pub(super) fn destination(uri: &str) -> String {
    match split(uri) {
        Some(Parts { scheme: "http" | "https", authority: Some(authority), .. }) => authority.to_owned(),
        Some(parts) => format!("{}:", parts.scheme),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_uris_are_refused_for_their_own_reason() {
        use RedirectFault as F;
        let table = [
            ("javascript:alert(1)", F::Scheme),
            ("data:text/html,x", F::Scheme),
            ("vbscript:x", F::Scheme),
            ("file:///etc/passwd", F::Scheme),
            ("blob:https://x.example/1", F::Scheme),
            ("about:blank", F::Scheme),
            ("http://evil.example/cb", F::PlainHttp),
            ("http://localhost.evil.example/cb", F::PlainHttp),
            ("http://127.0.0.1.nip.io/", F::PlainHttp),
            ("http://127.1/", F::Malformed),
            ("https://2130706433/", F::Malformed),
            ("https://x.example/cb#f", F::Fragment),
            ("https://a@evil.example/cb", F::Userinfo),
            ("https://x.example/a/../b", F::DotSegment),
            ("https://x.example/a/%2e%2E/b", F::DotSegment),
            ("https://x.example/a/.%2e", F::DotSegment),
            ("https://x.example\\@evil.example/", F::Character),
            ("https://x.example/\u{1}", F::Character),
            ("https://\u{fc}.example/", F::Character),
            ("https://*.example/", F::Character),
            ("https:///cb", F::Malformed),
            ("https://x.example:99999/cb", F::Malformed),
            ("https:x.example/cb", F::Malformed),
            ("/cb", F::Malformed),
            ("", F::Malformed),
        ];
        for (uri, fault) in table {
            assert_eq!(RedirectPolicy::default().check(uri), Err(fault), "{uri}");
        }
        assert_eq!(validate(&format!("https://x.example/{}", "a".repeat(MAX_CHARS))), Err(F::TooLong));
        assert_eq!(validate("javascript:alert(1)"), Err(F::Scheme), "not even for the operator");
        assert_eq!(validate("other-app:/cb"), Ok(()));
    }

    #[test]
    fn the_operator_narrows_hosts_and_schemes() {
        let policy = RedirectPolicy {
            schemes: vec!["windsurf".to_owned()],
            hosts: vec!["app.example".to_owned(), ".corp.example".to_owned()],
        };
        for good in
            ["https://app.example/cb", "https://A.corp.example/", "http://localhost:1/", "windsurf://x"]
        {
            assert_eq!(policy.check(good), Ok(()), "{good}");
        }
        for bad in ["https://evil.example/cb", "https://corp.example/", "https://xapp.example/"] {
            assert_eq!(policy.check(bad), Err(RedirectFault::Host), "{bad}");
        }
        assert_eq!(policy.check("cursor://x"), Err(RedirectFault::Scheme));
    }

    #[test]
    fn the_uris_of_known_clients_are_accepted() {
        for uri in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost:3334/oauth/callback",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
            "http://[::1]:5000/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "vscode://vscode.microsoft-authentication",
            "com.example.app:/oauth2redirect",
            "https://x.example:8443/cb?tenant=1",
        ] {
            assert_eq!(RedirectPolicy::default().check(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_uri_may_differ() {
        let known: Vec<String> = ["http://127.0.0.1:5555/cb", "https://x.example/cb", "http://localhost/"]
            .map(str::to_owned)
            .to_vec();
        for good in
            ["http://127.0.0.1:9/cb", "http://127.0.0.1/cb", "https://x.example/cb", "http://localhost:80"]
        {
            assert!(matches(&known, good), "{good}");
        }
        for bad in [
            "http://localhost:5555/cb",
            "http://127.0.0.1:5555/cb/",
            "http://127.0.0.1:5555/CB",
            "http://127.0.0.1:5555/cb?x=1",
            "https://x.example:444/cb",
            "https://x.example/cb/",
            "https://x.example/c",
            "https://x.example/cb#",
            "http://127.0.0.1:0/cb",
        ] {
            assert!(!matches(&known, bad), "{bad}");
        }
    }
}
