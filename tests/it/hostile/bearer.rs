//! Bearers at the door of a service: H60, H61, H63–H65, H86; and what a browser may do there: H72.

use super::{ALICE, BOB, Table, raw, rows};
use crate::support::cluster::Cluster;
use crate::support::http;
use crate::support::login::Client;
use crate::support::mcp::Mcp;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

rows!(on_both: h60, h61, h63, h64, h65, h72, h86);

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A POST with headers of the test's own.
async fn post(url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = http::client().post(url).header("content-type", "application/json").body(PING);
    request = request.header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request = request.header(name, HeaderValue::from_str(value).unwrap());
    }
    let response = request.send().await.unwrap();
    let challenge = response.headers().get("www-authenticate").map(|v| v.to_str().unwrap().to_owned());
    (response.status().as_u16(), challenge.unwrap_or_default())
}

async fn h60(cluster: &mut Cluster, table: Table) {
    let base = &cluster.url;
    let client = Client::register(base).await;
    for (own, other) in [("mail-query", "calendar"), ("calendar", "mail-query")] {
        let login = client.for_resource(&format!("{base}/{own}/mcp")).sign_in(ALICE).await;
        let bearer = format!("Bearer {}", login.access);
        let headers = [("authorization", bearer.as_str())];
        let (works, _) = post(&format!("{base}/{own}/mcp"), &headers).await;
        assert!(!matches!(works, 401 | 403 | 404), "its own service knows it: {works}");
        for path in ["mcp", "mcp/", "messages"] {
            let (status, challenge) = post(&format!("{base}/{other}/{path}"), &headers).await;
            assert_eq!(status, 401, "{own} at {other}/{path}");
            assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
            let metadata =
                format!("resource_metadata=\"{base}/.well-known/oauth-protected-resource/{other}/");
            assert!(challenge.contains(&metadata), "{challenge}");
        }
        let stream = http::client().get(format!("{base}/{other}/sse")).bearer_auth(&login.access);
        assert_eq!(stream.send().await.unwrap().status(), 401, "{own} at {other}/sse");
    }
    table.held("H60", "a bearer of one service at another", "401 invalid_token, metadata of the other");
}

async fn h61(cluster: &mut Cluster, table: Table) {
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let base = cluster.replica_url(0);
    let host = cluster.url.strip_prefix("http://").unwrap();
    let mut seen = Vec::new();
    for path in [
        "/mail-query/mcp/../../calendar/mcp",
        "/mail-query/../calendar/mcp",
        "//mail-query/mcp",
        "/mail-query/mcp%2f..%2fcalendar",
        "/mail-query%2fmcp",
        "/MAIL-QUERY/mcp",
        "/mail-query/MCP",
        "/mail-query/mcp;x=1",
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{PING}",
            login.access,
            PING.len()
        );
        let (status, text) = raw(base, &head);
        assert!(matches!(status, 401 | 404), "{path}: {text}");
        seen.push(status.to_string());
    }
    seen.dedup();
    table.held("H61", "dot segments, doubled, encoded and upper-case paths", seen.join(", "));
}

async fn h63(cluster: &mut Cluster, table: Table) {
    let url = format!("{}/mail-query/mcp", cluster.url);
    let entra = cluster.tenant.graph_token(ALICE).await;
    let (status, challenge) = post(&url, &[("authorization", &format!("Bearer {entra}"))]).await;
    assert_eq!(status, 401);
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    table.held("H63", "a token of Entra as bearer", "401 invalid_token");
}

async fn h64(cluster: &mut Cluster, table: Table) {
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let url = format!("{}/mail-query/mcp", cluster.url);
    let bearer = format!("Bearer {}", login.access);
    for (place, headers) in [
        (format!("{url}?access_token={}", login.access), vec![]),
        (url.clone(), vec![("cookie", format!("access_token={}", login.access))]),
        (url.clone(), vec![("authorization", format!("Basic {}", login.access))]),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let (status, challenge) = post(&place, &headers).await;
        assert_eq!(status, 401, "{headers:?}");
        assert!(challenge.starts_with("Bearer resource_metadata="), "no error without a bearer: {challenge}");
    }
    let form =
        http::client().post(&url).form(&[("access_token", login.access.as_str())]).send().await.unwrap();
    assert_eq!(form.status(), 401);
    let (twice, _) = post(&url, &[("authorization", &bearer), ("authorization", &bearer)]).await;
    assert_eq!(twice, 401);
    let (two, _) = post(&url, &[("authorization", &bearer), ("authorization", "Basic YTpi")]).await;
    assert_eq!(two, 401);
    let (huge, _) = post(&url, &[("authorization", &format!("Bearer {}", "x".repeat(100_000)))]).await;
    assert!(matches!(huge, 401 | 431), "{huge}");
    let mcp = Mcp::modern(&cluster.url, &login.access);
    mcp.call("list_mail_folders", json!({})).await.output();
    let (lower, _) = post(&url, &[("authorization", &format!("bearer {}", login.access))]).await;
    assert_ne!(lower, 401, "the scheme is case-insensitive");
    table.held(
        "H64",
        "bearer in query, form, cookie, as Basic; twice; 100 kB",
        format!("401; {twice}; {huge}"),
    );
}

async fn h65(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &login.refresh),
        ("client_id", &client.id),
        ("scope", "User.Read"),
    ];
    let answer = http::client().post(format!("{}/token", cluster.url)).form(&form).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["scope"], "User.Read");
    let mcp = Mcp::modern(&cluster.url, answer["access_token"].as_str().unwrap());
    let refused = mcp.call("query_email", json!({})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
    let metadata =
        format!("resource_metadata=\"{}/.well-known/oauth-protected-resource/mail-query/mcp\"", cluster.url);
    assert!(challenge.contains(&metadata), "{challenge}");
    let scope = challenge.split("scope=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(scope.contains("Mail.Read") && scope.contains("User.Read"), "old and new: {scope}");
    table.held(
        "H65",
        "a tool beyond the bearer's scopes",
        format!("403 insufficient_scope, scope=\"{scope}\""),
    );
}

async fn h72(cluster: &mut Cluster, table: Table) {
    for (path, method) in [
        ("/.well-known/oauth-protected-resource/mail-query/mcp", "GET"),
        ("/.well-known/oauth-authorization-server", "GET"),
        ("/.well-known/openid-configuration", "GET"),
        ("/jwks.json", "GET"),
        ("/userinfo", "GET"),
        ("/register", "POST"),
        ("/token", "POST"),
        ("/revoke", "POST"),
        ("/introspect", "POST"),
        ("/mail-query/mcp", "POST"),
    ] {
        let request = http::client().request(Method::OPTIONS, format!("{}{path}", cluster.url));
        let request = request
            .header("Origin", "https://claude.ai")
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", "authorization, content-type, mcp-protocol-version");
        let response = request.send().await.unwrap();
        assert!(matches!(response.status().as_u16(), 200 | 204), "{path}: {}", response.status());
        let header = |name: &str| {
            response.headers().get(name).map_or("", |v| v.to_str().unwrap()).to_ascii_lowercase()
        };
        for wanted in ["authorization", "content-type", "mcp-protocol-version"] {
            assert!(header("access-control-allow-headers").contains(wanted), "{path}: {wanted}");
        }
        assert!(header("access-control-allow-methods").contains(&method.to_ascii_lowercase()), "{path}");
        assert!(!response.headers().contains_key("access-control-allow-credentials"), "{path}");
        // What the page can read is said by the answer itself.
        let request =
            http::client().get(format!("{}{path}", cluster.url)).header("Origin", "https://claude.ai");
        let answer = request.send().await.unwrap();
        let origin = answer.headers()["access-control-allow-origin"].to_str().unwrap();
        assert!(matches!(origin, "*" | "https://claude.ai"), "{path}: {origin}");
        let exposed =
            answer.headers()["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(exposed.contains("www-authenticate"), "{path}: {exposed}");
        // What holds for one page only must not be served to another from a cache.
        let varies = answer.headers().get_all("vary").iter().any(|value| {
            value.to_str().unwrap().split(',').any(|name| name.trim().eq_ignore_ascii_case("origin"))
        });
        assert_eq!(varies, origin != "*", "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "{path}");
        assert_eq!(exposed.contains("mcp-session-id"), path.ends_with("/mcp") && method == "POST", "{path}");
    }
    table.held(
        "H72",
        "preflight of every endpoint that browsers call",
        "204, headers allowed, challenge exposed, no credentials",
    );
}

async fn h86(cluster: &mut Cluster, table: Table) {
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
    let session = Mcp::legacy(&cluster.url, &alice.access, "2025-11-25").await;
    let stolen = session.with_bearer(&bob.access);
    for answer in
        [stolen.call("list_mail_folders", json!({})).await, stolen.send("tools/list", json!({})).await]
    {
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    session.call("list_mail_folders", json!({})).await.output();
    table.held("H86", "the session of another user", "404, no data");
}
