//! What HTTP decides before any protocol does.

use super::super::McpSettings;
use super::support::{
    Ask, World, bare, initialize, modern, post, read_rest, read_until, request, rpc, session,
};
use crate::edge::EdgeSettings;
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[actix_web::test]
async fn every_spelling_of_a_service_is_one_route_and_other_paths_stay_free() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for path in ["/mail-query/mcp", "/mail-query/mcp/", "/mail-query", "/mail-query/"] {
        let reply = post(&bearer, PING).path(path).send(&replica).await;
        assert_eq!((reply.status, reply.text()), (200, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), "{path}");
    }
    assert_eq!(bare("GET", "/token").send(&replica).await.text(), "another front");
    assert_eq!(post(&bearer, PING).path("/unknown/mcp").send(&replica).await.status, 404);
}

#[actix_web::test]
async fn without_a_bearer_for_the_service_every_method_is_challenged() {
    let world = World::new();
    let replica = world.replica();
    let foreign = world.bearer("alice", "teams").await;
    for method in ["POST", "GET", "DELETE", "PUT", "PATCH", "HEAD"] {
        let none = bare(method, "/mail-query/mcp").header("MCP-Protocol-Version", "2024-11-05");
        let wrong = request(method, &foreign);
        for ask in [none, wrong] {
            let reply = ask.send(&replica).await;
            assert_eq!(reply.status, 401, "{method}");
            let challenge = reply.header("www-authenticate").unwrap();
            let metadata = "resource_metadata=\"https://door.example/.well-known/oauth-protected-resource/mail-query/mcp\"";
            assert!(challenge.starts_with("Bearer ") && challenge.contains(metadata), "{challenge}");
        }
    }
    let reply = bare("POST", "/mail-query/mcp?access_token=x").send(&replica).await;
    assert_eq!(reply.status, 401);
}

#[actix_web::test]
async fn methods_media_types_and_bodies_that_do_not_fit_have_their_own_status() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let put = request("PUT", &bearer).send(&replica).await;
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST, DELETE, OPTIONS")));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let modern_version = |ask: Ask| ask.header("MCP-Protocol-Version", "2026-07-28");
    for (ask, expected) in [
        (post(&bearer, PING).header("Accept", "text/html"), (406, -32600)),
        (post(&bearer, PING).header("Content-Type", "text/plain"), (415, -32600)),
        (post(&bearer, PING).header("Content-Type", ""), (415, -32600)),
        (post(&bearer, PING).header("Content-Encoding", "gzip"), (415, -32600)),
        (post(&bearer, ""), (400, -32700)),
        (post(&bearer, "{nonsense"), (400, -32700)),
        (post(&bearer, deep), (400, -32700)),
        (post(&bearer, "5"), (400, -32600)),
        (post(&bearer, "[]"), (400, -32600)),
        (post(&bearer, r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#), (400, -32600)),
        (post(&bearer, r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#), (400, -32600)),
        (modern_version(request("GET", &bearer)), (405, -32600)),
        (modern_version(request("DELETE", &bearer)), (405, -32600)),
        (request("GET", &bearer).header("MCP-Protocol-Version", "1999-01-01"), (400, -32000)),
        (request("GET", &bearer).header("Accept", "application/json"), (406, -32600)),
        (request("GET", &bearer).header("Accept", "text/event-stream"), (400, -32000)),
        (request("DELETE", &bearer), (400, -32000)),
    ] {
        assert_eq!(ask.send(&replica).await.verdict(), expected);
    }
}

#[actix_web::test]
async fn the_answer_travels_as_the_client_accepts_it() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for (accept, kind) in [
        ("application/json, text/event-stream", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/event-stream", "text/event-stream"),
    ] {
        let reply = post(&bearer, PING).header("Accept", accept).send(&replica).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(kind)), "{accept}");
        assert!(reply.text().contains(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
    }
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_413_declared_or_not_and_the_server_lives_on() {
    let world = World::new();
    let settings = McpSettings { edge: EdgeSettings::loopback(), max_body: 10_000, ..McpSettings::default() };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let big = vec![b' '; 60_000];
    assert_eq!(post(&bearer, &big).send(&replica).await.verdict(), (413, -32600));
    let mut chunked = b"ea60\r\n".to_vec();
    chunked.extend_from_slice(&big);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let ask = post(&bearer, &chunked).header("Transfer-Encoding", "chunked");
    assert_eq!(ask.send(&replica).await.verdict(), (413, -32600));
    // The limit comes before everything else, so it needs no bearer either.
    let ask = post(&bearer, &big).header("Authorization", "");
    assert_eq!(ask.send(&replica).await.status, 413);
    assert_eq!(post(&bearer, PING).send(&replica).await.status, 200);
}

#[actix_web::test]
async fn a_body_that_stops_half_way_is_given_up() {
    let world = World::new();
    let patient = world.replica();
    let body_timeout = Duration::from_millis(50);
    let hasty = world.replica_with(
        McpSettings { edge: EdgeSettings::loopback(), body_timeout, ..McpSettings::default() },
        None,
    );
    let bearer = world.bearer("alice", "mail-query").await;
    let ask = post(&bearer, &PING[..20]).header("Content-Length", "500");
    assert_eq!(ask.send(&hasty).await.verdict(), (408, -32600));
    let mut vanishing = ask.open(&patient).await;
    vanishing.shutdown().await.unwrap();
    drop(vanishing);
    assert_eq!(post(&bearer, PING).send(&patient).await.status, 200);
}

#[actix_web::test]
async fn a_connection_outlives_the_refusal_of_a_request_with_a_body() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for path in ["/mail-query/mcp", "/mail-query/messages"] {
        let refused = post("none", vec![b' '; 200_000]).path(path).header("Connection", "keep-alive");
        let mut socket = refused.open(&replica).await;
        read_until(&mut socket, "HTTP/1.1 401").await;
        post(&bearer, PING).write(&replica, &mut socket).await;
        let rest = read_rest(&mut socket).await;
        assert!(
            rest.contains("HTTP/1.1 200") && rest.contains(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            "{path}: {rest}"
        );
    }
}

#[actix_web::test]
async fn a_rebound_name_or_a_foreign_page_is_refused_on_every_method() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for method in ["POST", "GET", "DELETE", "OPTIONS"] {
        let host = request(method, &bearer).header("Host", "evil.example.com");
        let origin = request(method, &bearer).header("Origin", "http://evil.example.com");
        for ask in [host, origin] {
            let reply = ask.send(&replica).await;
            assert_eq!(reply.verdict(), (403, -32600), "{method}");
            assert_eq!(reply.header("access-control-allow-origin"), None, "{method}");
        }
    }
}

#[actix_web::test]
async fn a_page_of_an_admitted_origin_may_ask_and_read() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let page = "http://localhost:6274";
    let preflight = bare("OPTIONS", "/mail-query/mcp")
        .header("Origin", page)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization, mcp-param-region, x-evil")
        .send(&replica)
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some(page));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization, mcp-param-region"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    for ask in [post(&bearer, PING), post("none", PING)] {
        let reply = ask.header("Origin", page).send(&replica).await;
        assert_eq!(reply.header("access-control-allow-origin"), Some(page));
        assert!(reply.header("access-control-expose-headers").unwrap().contains("Mcp-Session-Id"));
        assert_eq!(reply.header("vary"), Some("Origin"));
    }
}

#[actix_web::test]
async fn the_version_header_decides_what_is_served() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-06-18").await;
    for (header, with_session, expected) in [
        ("", true, (200, 0)),
        ("2025-06-18", true, (200, 0)),
        ("2025-11-25", true, (200, 0)),
        ("2024-11-05", true, (200, 0)),
        ("1999-01-01", true, (400, -32000)),
        ("v999.0.0", true, (400, -32022)),
        ("2026-07-28", true, (400, -32602)),
        ("2026-07-28", false, (400, -32602)),
        ("2025-11-25", false, (200, 0)),
    ] {
        let ask =
            post(&bearer, rpc(&json!("a"), "tools/list", &json!({}))).header("MCP-Protocol-Version", header);
        let ask = if with_session { ask.session(&id) } else { ask };
        let reply = ask.send(&replica).await;
        assert_eq!(reply.verdict(), expected, "{header} {with_session}");
        assert_eq!(reply.json()["id"], "a");
    }
    let opened = post(&bearer, initialize("2025-06-18")).header("MCP-Protocol-Version", "2026-07-28");
    assert_eq!(opened.send(&replica).await.verdict(), (400, -32020));
    let doubled = post(&bearer, PING).also("MCP-Protocol-Version", "2025-11-25");
    let doubled = doubled.also("MCP-Protocol-Version", "2025-06-18");
    assert_eq!(doubled.send(&replica).await.verdict(), (400, -32000));
    let tools = modern(&bearer, "tools/list", json!({})).send(&replica).await;
    assert_eq!(tools.status, 200);
}
