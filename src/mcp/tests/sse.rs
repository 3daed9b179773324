//! HTTP+SSE, 2024-11-05.

use super::super::McpSettings;
use super::support::{Ask, Replica, World, bare, initialize, post, read_rest, read_until, request, rpc};
use crate::edge::EdgeSettings;
use crate::ports::sessions::SessionRouter;
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;

/// Opens a stream; the socket and the path to post to.
async fn open(replica: &Replica, bearer: &str) -> (TcpStream, String) {
    let get = request("GET", bearer).path("/mail-query/sse").header("Accept", "text/event-stream");
    let mut socket = get.open(replica).await;
    let first = read_until(&mut socket, "\n\n").await;
    let first = if first.contains("event:") { first } else { read_until(&mut socket, "\n\n").await };
    let endpoint = first.split("event: endpoint\ndata: ").nth(1).expect("the endpoint comes first");
    (socket, endpoint.split('\n').next().unwrap().to_owned())
}

fn say(bearer: &str, path: &str, body: impl AsRef<[u8]>) -> Ask {
    post(bearer, body).path(path)
}

#[actix_web::test]
async fn a_whole_conversation_goes_down_the_stream_whatever_replica_is_posted_to() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    for (asked, answered) in [("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("9", "2025-11-25")]
    {
        let (mut socket, path) = open(&replica, &bearer).await;
        let reply = say(&bearer, &path, initialize(asked)).send(&other).await;
        assert_eq!((reply.status, reply.text()), (202, "Accepted"));
        let hello = read_until(&mut socket, "\n\n").await;
        assert!(hello.contains("event: message\ndata: ") && !hello.contains("id: "), "{hello}");
        assert!(hello.contains(&format!(r#""protocolVersion":"{answered}""#)), "{hello}");
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(say(&bearer, &path, ready).send(&replica).await.status, 202);
        for (n, target) in [&replica, &other].into_iter().enumerate() {
            let call = rpc(&json!(n), "tools/call", &json!({"name": "echo", "arguments": {"text": "t"}}));
            assert_eq!(say(&bearer, &path, call).send(target).await.status, 202);
            let answer = read_until(&mut socket, "\n\n").await;
            assert!(answer.contains(&format!("\"id\":{n},")) && answer.contains("hello alice"), "{answer}");
        }
        let again = say(&bearer, &path, initialize(asked)).send(&replica).await;
        assert_eq!(again.status, 202);
        assert!(read_until(&mut socket, "\n\n").await.contains("-32600"), "initialised once");
        let unauthorized = rpc(&json!("s"), "tools/call", &json!({"name": "send"}));
        assert_eq!(say(&bearer, &path, unauthorized).send(&replica).await.status, 202);
        let refused = read_until(&mut socket, "\n\n").await;
        assert!(refused.contains(r#""id":"s""#) && refused.contains("Mail.Send"), "{refused}");
    }
}

#[actix_web::test]
async fn the_session_ends_with_its_stream() {
    let world = World::new();
    let settings = McpSettings {
        edge: EdgeSettings::loopback(),
        heartbeat: Duration::from_millis(20),
        ..McpSettings::default()
    };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let (socket, path) = open(&replica, &bearer).await;
    drop(socket);
    while say(&bearer, &path, initialize("2024-11-05")).send(&replica).await.status != 404 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut socket, path) = open(&replica, &bearer).await;
    replica.router.drain().await;
    assert!(!read_rest(&mut socket).await.contains("retry"));
    while say(&bearer, &path, initialize("2024-11-05")).send(&replica).await.status != 404 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn strangers_and_malformed_posts_are_refused() {
    let world = World::new();
    let replica = world.replica();
    let (alice, bob) = (world.bearer("alice", "mail-query").await, world.bearer("bob", "mail-query").await);
    let (_socket, path) = open(&replica, &alice).await;
    let ping = rpc(&json!(1), "ping", &json!({}));
    let elsewhere = path.replace("mail-query", "teams");
    let teams = world.bearer("alice", "teams").await;
    for (ask, status) in [
        (say(&bob, &path, &ping), 404),
        (say(&teams, &elsewhere, &ping), 404),
        (say(&alice, "/mail-query/messages?sessionId=unknown", &ping), 404),
        (say(&alice, "/mail-query/messages", &ping), 400),
        (say(&alice, &path, "{"), 400),
        (say(&alice, &path, &ping).header("Content-Type", "text/plain"), 415),
        (say(&alice, &path, &ping).header("Authorization", ""), 401),
        (say(&alice, &path, &ping).header("Origin", "https://evil.example"), 403),
        (bare("GET", "/mail-query/sse"), 401),
        (request("GET", &alice).path(&path), 405),
        (request("GET", &alice).path("/nothing/sse"), 404),
    ] {
        assert_eq!(ask.send(&replica).await.status, status);
    }
    assert!(bare("GET", "/mail-query/sse").send(&replica).await.header("www-authenticate").is_some());
}

#[actix_web::test]
async fn a_newer_client_that_posts_here_is_told_to_get() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let reply = say(&bearer, "/mail-query/sse", initialize("2025-11-25")).send(&replica).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")));
    assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_err(), "no JSON-RPC error");
}
