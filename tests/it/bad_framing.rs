//! What a client can get wrong on the wire, in every framing and version: ids, methods, batches, media types, names of
//! the server, other people's sessions.

use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::Client;
use super::support::mcp::{MODERN, Mcp, request};
use super::support::peer::{HttpSse, Peer, WAYS};
use super::support::socket::{Said, Socket};
use super::support::tapped;
use super::support::wire::Framing;
use reqwest::Method;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn signed_in(cluster: &Cluster) -> String {
    Client::register(&cluster.url).await.sign_in(ALICE).await.access
}

/// Status and JSON-RPC error code, 0 without one.
fn verdict((status, text): &(u16, String)) -> (u16, i64) {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    (*status, body["error"]["code"].as_i64().unwrap_or(0))
}

/// 400 where HTTP can tell; elsewhere the error comes by itself.
fn refused(framing: Framing) -> u16 {
    if framing == Framing::WebSocket { 200 } else { 400 }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_echoed_as_they_were_written_or_refused() {
    let cluster = Cluster::embedded().await;
    let bearer = signed_in(&cluster).await;
    let long = format!("\"{}\"", "x".repeat(10_000));
    for way in WAYS {
        let mut peer = Peer::open(cluster.replica_url(0), &bearer, way).await;
        for id in [
            "0",
            "-7",
            "9007199254740993",
            "18446744073709551616",
            "1000000000000000000000000000000000000001",
            "\"\"",
            "\"1\"",
            r#""\u0041\n\"\\""#,
            "\"한글 🦀\"",
            &long,
        ] {
            let (status, text) = peer.ask(id, "tools/list", json!({})).await;
            assert_eq!(status, 200, "{way:?} {id}: {text}");
            assert!(
                text.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#)),
                "{way:?} {id}: {text}"
            );
        }
        for id in ["null", "1.5", "1.0", "1e3", "-0.1", "true", "{}", "[1]"] {
            let answer = peer.ask(id, "tools/list", json!({})).await;
            assert_eq!(verdict(&answer), (refused(way.0), -32600), "{way:?} {id}: {}", answer.1);
            assert!(!answer.1.contains("\"id\""), "{way:?} {id}: {}", answer.1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_methods_and_broken_messages_in_every_framing() {
    let cluster = Cluster::embedded().await;
    let bearer = signed_in(&cluster).await;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for way in WAYS {
        let (framing, version) = way;
        let mut peer = Peer::open(cluster.replica_url(0), &bearer, way).await;
        let unknown = if version == MODERN && framing == Framing::Post { 404 } else { 200 };
        let mut methods = vec![
            "",
            "no/such",
            "Tools/List",
            "tools/list ",
            "rpc.discover",
            "notifications/initialized",
            "\u{0}",
        ];
        if version == MODERN {
            methods.extend([
                "ping",
                "initialize",
                "logging/setLevel",
                "resources/subscribe",
                "tasks/list",
                "tasks/result",
            ]);
        } else {
            methods.extend(["subscriptions/listen", "tasks/get"]);
        }
        // A header cannot carry these.
        methods.retain(|method| framing != Framing::Post || (*method != "\u{0}" && method.trim() == *method));
        for method in methods {
            let answer = peer.ask("\"u\"", method, json!({})).await;
            assert_eq!(verdict(&answer), (unknown, -32601), "{way:?} {method:?}: {}", answer.1);
            assert!(answer.1.contains("\"id\":\"u\""), "{way:?} {method:?}: {}", answer.1);
        }
        if version != MODERN {
            // Clients that look for the newer version learn that this server has it, and what they left out.
            let answer = peer.ask("1", "server/discover", json!({})).await;
            let status = if framing == Framing::Post { 400 } else { 200 };
            assert_eq!(verdict(&answer), (status, -32602), "{way:?}: {}", answer.1);
        }
        for (text, code) in [
            ("{", -32700),
            ("", -32700),
            ("nonsense", -32700),
            (deep.as_str(), -32700),
            ("1", -32600),
            ("[]", -32600),
            ("{}", -32600),
            ("null", -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, -32600),
        ] {
            let answer = peer.raw(text).await;
            let shown: String = text.chars().take(60).collect();
            assert_eq!(verdict(&answer), (refused(framing), code), "{way:?} {shown}: {}", answer.1);
        }
        peer.result("tools/list", json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_live_in_the_old_versions_only() {
    let cluster = Cluster::embedded().await;
    let bearer = signed_in(&cluster).await;
    for way in WAYS {
        let (framing, version) = way;
        let mut peer = Peer::open(cluster.replica_url(0), &bearer, way).await;
        let list = |id: &str| request(version, id, "tools/list", json!({}));
        let batch = format!("[{},{}]", list("1"), list("\"b\""));
        let answer = peer.raw(&batch).await;
        if !["2024-11-05", "2025-03-26"].contains(&version) {
            // Which version a session has is known after its message was accepted.
            let status = if framing == Framing::Post { 400 } else { 200 };
            assert_eq!(verdict(&answer), (status, -32600), "{way:?}: {}", answer.1);
        } else if framing == Framing::Post {
            let answers: Vec<Value> = serde_json::from_str(&answer.1).unwrap();
            let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
            assert_eq!(ids, [&json!(1), &json!("b")], "{way:?}");
            let notes = r#"[{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}]"#;
            assert_eq!(peer.raw(notes).await, (202, String::new()), "{way:?}");
            let many = format!("[{}]", vec![PING; 1000].join(","));
            assert_eq!(verdict(&peer.raw(&many).await), (400, -32600), "{way:?}: too many");
            let hello = request(version, "1", "initialize", json!({}));
            let within = peer.raw(&format!("[{hello},{PING}]")).await;
            assert!(within.1.contains("-32600"), "{way:?}: initialize stands alone: {}", within.1);
        }
        if framing == Framing::Post {
            peer.result("tools/list", json!({})).await;
        }
    }
}

/// Headers beside a bearer and their outcome.
type Case<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], (u16, i64));

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_http_has_its_own_status_and_comes_after_the_bearer() {
    let cluster = Cluster::embedded().await;
    let bearer = signed_in(&cluster).await;
    let base = cluster.replica_url(0);
    let sse = HttpSse::open(base, &bearer).await;
    let messages = sse.url.strip_prefix(base).unwrap();
    let json = ("content-type", "application/json");
    let both = ("accept", "application/json, text/event-stream");
    let stream = ("accept", "text/event-stream");
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let cases: &[Case<'_>] = &[
        (post.clone(), "/mail-query/mcp", &[json, both], (200, 0)),
        (post.clone(), "/mail-query/mcp", &[json], (200, 0)),
        (post.clone(), "/mail-query/mcp", &[json, ("accept", "application/json")], (200, 0)),
        (post.clone(), "/mail-query/mcp", &[json, ("accept", "application/*;q=0.5")], (200, 0)),
        (post.clone(), "/mail-query/mcp", &[json, stream], (200, 0)),
        (post.clone(), "/mail-query/mcp", &[json, ("accept", "text/html")], (406, -32600)),
        (post.clone(), "/mail-query/mcp", &[json, ("accept", "application/json;q=0")], (406, -32600)),
        (
            post.clone(),
            "/mail-query/mcp",
            &[("content-type", "application/json; charset=utf-8"), both],
            (200, 0),
        ),
        (post.clone(), "/mail-query/mcp", &[("content-type", "application/jsonx"), both], (415, -32600)),
        (post.clone(), "/mail-query/mcp", &[("content-type", "text/json"), both], (415, -32600)),
        (post.clone(), "/mail-query/mcp", &[both], (415, -32600)),
        (post.clone(), "/mail-query/mcp", &[json, both, ("content-encoding", "gzip")], (415, -32600)),
        (
            post.clone(),
            "/mail-query/mcp",
            &[json, both, ("mcp-protocol-version", "1999-01-01")],
            (400, -32000),
        ),
        (
            post.clone(),
            "/mail-query/mcp",
            &[json, both, ("mcp-protocol-version", "2999-01-01")],
            (400, -32022),
        ),
        (post.clone(), "/mail-query/mcp", &[json, both, ("mcp-protocol-version", MODERN)], (400, -32602)),
        (post.clone(), "/mail-query/mcp", &[json, both, ("mcp-session-id", "unknown")], (404, -32001)),
        (get.clone(), "/mail-query/mcp", &[stream], (400, -32000)),
        (get.clone(), "/mail-query/mcp", &[stream, ("mcp-session-id", "unknown")], (404, -32001)),
        (get.clone(), "/mail-query/mcp", &[("accept", "application/json")], (406, -32600)),
        (get.clone(), "/mail-query/mcp", &[stream, ("mcp-protocol-version", MODERN)], (405, -32600)),
        (delete.clone(), "/mail-query/mcp", &[], (400, -32000)),
        (delete.clone(), "/mail-query/mcp", &[("mcp-session-id", "unknown")], (404, -32001)),
        (delete, "/mail-query/mcp", &[("mcp-protocol-version", MODERN)], (405, -32600)),
        (Method::PUT, "/mail-query/mcp", &[], (405, -32600)),
        (Method::PATCH, "/mail-query/mcp", &[], (405, -32600)),
        (get.clone(), "/mail-query/sse", &[("accept", "application/json")], (406, -32600)),
        (post.clone(), messages, &[json], (202, 0)),
        (post.clone(), messages, &[("content-type", "text/plain")], (415, -32600)),
        (post.clone(), "/mail-query/messages", &[json], (400, -32600)),
        (post.clone(), "/mail-query/messages?sessionId=unknown", &[json], (404, -32001)),
        (get.clone(), "/mail-query/ws", &[], (400, 0)),
    ];
    for (method, path, headers, expected) in cases {
        let ask = |bearer: Option<&str>| {
            let mut request = http::client().request(method.clone(), format!("{base}{path}"));
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let request = if *method == Method::POST { request.body(PING) } else { request };
            if let Some(bearer) = bearer { request.bearer_auth(bearer) } else { request }
        };
        let response = tapped::send(ask(Some(&bearer))).await.unwrap();
        let allow = response.headers().contains_key("allow");
        let (status, text) = (response.status().as_u16(), tapped::text(response).await.unwrap());
        assert_eq!(verdict(&(status, text.clone())), *expected, "{method} {path} {headers:?}: {text}");
        assert!(status != 405 || allow, "{method} {path}: 405 without Allow");
        // Nothing of this is told to strangers.
        let upgrades = path.ends_with("/ws");
        for stranger in [None, Some("nonsense")].into_iter().filter(|who| !upgrades || who.is_some()) {
            let response = ask(stranger).send().await.unwrap();
            assert_eq!(response.status(), 401, "{method} {path} {headers:?}");
            let challenge = response.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("resource_metadata=\""), "{challenge}");
        }
    }
    let posted = http::client().post(format!("{base}/mail-query/sse")).bearer_auth(&bearer).body(PING);
    let posted = posted.send().await.unwrap();
    assert_eq!((posted.status().as_u16(), posted.headers()["allow"].to_str().unwrap()), (405, "GET"));
    let got = http::client().get(format!("{base}{messages}")).bearer_auth(&bearer).send().await.unwrap();
    assert_eq!((got.status().as_u16(), got.headers()["allow"].to_str().unwrap()), (405, "POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_or_page_is_refused_at_every_door() {
    let cluster = Cluster::embedded().await;
    let bearer = signed_in(&cluster).await;
    let base = cluster.replica_url(0);
    for foreign in [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")] {
        for (method, path) in [
            (Method::POST, "/mail-query/mcp"),
            (Method::GET, "/mail-query/mcp"),
            (Method::DELETE, "/mail-query/mcp"),
            (Method::OPTIONS, "/mail-query/mcp"),
            (Method::GET, "/mail-query/sse"),
            (Method::POST, "/mail-query/messages?sessionId=x"),
        ] {
            let request =
                http::client().request(method.clone(), format!("{base}{path}")).bearer_auth(&bearer);
            let response = request.header(foreign.0, foreign.1).send().await.unwrap();
            assert_eq!(response.status(), 403, "{method} {path} {foreign:?}");
            assert!(!response.headers().contains_key("access-control-allow-origin"), "{method} {path}");
        }
        let bearer = format!("Bearer {bearer}");
        let refused = Socket::connect(base, "mail-query", &[("authorization", &bearer), foreign]).await;
        assert_eq!(refused.err(), Some(403), "ws {foreign:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_another_user_or_service_is_none_in_any_framing() {
    let cluster = Cluster::embedded().await;
    let base = cluster.replica_url(0);
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = (client.sign_in(ALICE).await.access, client.sign_in(BOB).await.access);
    let calendar = client.for_resource(&format!("{}/calendar/mcp", cluster.url)).sign_in(ALICE).await.access;
    let mut own = Mcp::legacy(base, &alice, "2025-11-25").await;
    let session = own.session.clone().unwrap();
    let mut sse = HttpSse::open(base, &alice).await;
    let sse_session = sse.url.split_once("sessionId=").unwrap().1.to_owned();
    for (service, bearer) in [("mail-query", &bob), ("calendar", &calendar)] {
        for session in [&session, &sse_session] {
            let mut thief = own.with_bearer(bearer);
            thief.endpoint = format!("{base}/{service}/mcp");
            thief.session = Some(session.clone());
            assert_eq!(thief.send("tools/list", json!({})).await.status, 404, "{service}");
            assert_eq!(thief.open_stream().await.status(), 404, "{service}");
            assert_eq!(thief.end_session().await, 404, "{service}");
            let url = format!("{base}/{service}/messages?sessionId={session}");
            let post =
                http::client().post(url).bearer_auth(bearer).header("content-type", "application/json");
            assert_eq!(post.body(PING).send().await.unwrap().status(), 404, "{service}");
            let header = format!("Bearer {bearer}");
            let headers = [("authorization", header.as_str()), ("mcp-session-id", session)];
            assert_eq!(Socket::connect(base, service, &headers).await.err(), Some(404), "{service}");
            let mut socket = Socket::connect(base, service, &[]).await.unwrap();
            let params = json!({ "token": bearer, "sessionId": session });
            socket.say(&request("2025-11-25", "1", "authenticate", params)).await;
            assert_eq!(socket.next().await, Said::Closed(4404), "{service}");
        }
    }
    own.call("list_mail_folders", json!({})).await.output();
    assert_eq!(sse.post(PING).await.0, 202);
    assert_eq!(sse.next().await.data, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    own.bearer = alice;
    assert!(matches!(own.end_session().await, 200 | 204));
}
