//! Whether `htu` names the URL of a request (RFC 9449 §4.3, step 9).

use url::Url;

/// Whether `htu` is `path` under the public URL `issuer`, after normalisation (RFC 3986 §6.2.2 and §6.2.3), without query
/// and fragment. One slash at the end does not matter: every endpoint here answers with and without it. `ws` and `wss`
/// are what a WebSocket client calls `http` and `https`.
pub(super) fn is(htu: &str, issuer: &str, path: &str) -> bool {
    let plain = htu.split(['?', '#']).next().unwrap_or_default();
    if trimmed(plain).strip_prefix(issuer) == Some(trimmed(path)) {
        return true;
    }
    // No path of ours needs an escape, and what `Url` makes of the rest is its own reading.
    if plain.contains(['%', '\\']) || !plain.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let (Ok(said), Ok(own)) = (Url::parse(plain), Url::parse(&format!("{issuer}{path}"))) else {
        return false;
    };
    let scheme = match said.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => other,
    };
    said.username().is_empty()
        && said.password().is_none()
        && scheme == own.scheme()
        && said.host_str() == own.host_str()
        && said.port_or_known_default() == own.port_or_known_default()
        && trimmed(said.path()) == trimmed(own.path())
}

fn trimmed(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://door.example";

    #[test]
    fn every_spelling_of_one_url_is_that_url() {
        for htu in [
            "https://door.example/mail-query/mcp",
            "https://door.example/mail-query/mcp/",
            "https://door.example/mail-query/mcp?sessionId=1#x",
            "HTTPS://DOOR.example:443/mail-query/mcp",
            "wss://door.example/mail-query/mcp",
            "https://door.example/teams/../mail-query/mcp",
        ] {
            assert!(is(htu, ISSUER, "/mail-query/mcp"), "{htu}");
            assert!(is(htu, ISSUER, "/mail-query/mcp/"), "{htu}");
        }
        let local = "http://127.0.0.1:8080";
        assert!(is("http://127.0.0.1:8080/token", local, "/token"));
        assert!(is("http://127.0.0.1:080/token", "http://127.0.0.1", "/token/"));
    }

    #[test]
    fn another_url_is_another_url() {
        for htu in [
            "",
            "/mail-query/mcp",
            "https://door.example",
            "https://door.example/mail-query",
            "https://door.example/mail-query/mcp//",
            "https://door.example/mail-query/sse",
            "https://door.example/calendar/mcp",
            "https://door.example/MAIL-QUERY/mcp",
            "http://door.example/mail-query/mcp",
            "ws://door.example/mail-query/mcp",
            "https://door.example:8443/mail-query/mcp",
            "https://door.example.evil.example/mail-query/mcp",
            "https://evil.example/https://door.example/mail-query/mcp",
            "https://user@door.example/mail-query/mcp",
            "https://:pw@door.example/mail-query/mcp",
            "https://door.example/mail-query%2fmcp",
            "https://door.example\\mail-query\\mcp",
            " https://door.example/mail-query/mcp",
            "https://door.example/mail-query/\nmcp",
            "https://d\u{f6}\u{f6}r.example/mail-query/mcp",
        ] {
            assert!(!is(htu, ISSUER, "/mail-query/mcp"), "{htu}");
        }
        assert!(!is("https://door.example/token", ISSUER, "/oauth/token"), "an alias is a URL of its own");
    }
}
