//! The standalone GET stream.

use super::super::McpSettings;
use super::support::{Replica, World, read_rest, read_until, request, session};
use crate::domain::ids::SessionId;
use crate::ports::sessions::SessionRouter;
use bytes::Bytes;
use std::time::Duration;
use tokio::net::TcpStream;

async fn open(replica: &Replica, bearer: &str, id: &str) -> TcpStream {
    request("GET", bearer).header("Accept", "text/event-stream").session(id).open(replica).await
}

async fn deliver(replica: &Replica, id: &str, message: &'static str) -> bool {
    replica.router.deliver(&SessionId::new(id), Bytes::from_static(message.as_bytes())).await
}

#[actix_web::test]
async fn a_stream_carries_messages_and_only_new_clients_get_ids() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for (version, primed) in [("2025-03-26", false), ("2025-06-18", false), ("2025-11-25", true)] {
        let id = session(&replica, &bearer, version).await;
        let mut socket = open(&replica, &bearer, &id).await;
        let opening = read_until(&mut socket, if primed { "data: \n\n" } else { "keep-alive\n\n" }).await;
        assert!(opening.contains("content-type: text/event-stream"), "{opening}");
        assert!(opening.contains("cache-control: no-cache, no-transform"), "{opening}");
        assert_eq!(opening.contains("retry: 1000\ndata: \n\n"), primed, "{opening}");
        assert!(deliver(&replica, &id, r#"{"jsonrpc":"2.0","method":"n"}"#).await);
        let event = read_until(&mut socket, "\"n\"}\n\n").await;
        assert!(
            event.contains("event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n"),
            "{event}"
        );
        assert_eq!(event.contains("id: ") && event.contains("-1\n"), primed, "{event}");
    }
}

#[actix_web::test]
async fn the_newest_stream_wins_and_the_session_ends_it() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut first = open(&replica, &bearer, &id).await;
    read_until(&mut first, "data: \n\n").await;
    let mut second = open(&replica, &bearer, &id).await;
    read_until(&mut second, "data: \n\n").await;
    assert!(read_rest(&mut first).await.contains("retry: 1000\n\n"));
    assert!(deliver(&replica, &id, "{}").await, "the newer stream stays attached");
    read_until(&mut second, "data: {}\n\n").await;
    assert_eq!(request("DELETE", &bearer).session(&id).send(&replica).await.status, 204);
    assert!(read_rest(&mut second).await.contains("retry: 1000\n\n"));
}

#[actix_web::test]
async fn shutdown_ends_streams_with_a_retry_hint() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut socket = open(&replica, &bearer, &id).await;
    read_until(&mut socket, "data: \n\n").await;
    replica.router.drain().await;
    assert!(read_rest(&mut socket).await.contains("retry: 50\n\n"));
}

#[actix_web::test]
async fn an_idle_stream_beats_and_ends_with_its_bearer() {
    let world = World::new();
    let heartbeat = Duration::from_millis(20);
    let settings = McpSettings { local: true, heartbeat, ..McpSettings::default() };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut socket = open(&replica, &bearer, &id).await;
    read_until(&mut socket, ": keep-alive\n\n").await;
    drop(socket);
    replica.router.detached.notified().await;
    assert_eq!(replica.router.open_streams().await, 0);
    let brief = world.bearer_for("alice", "mail-query", Duration::from_millis(200)).await;
    let mut expiring = open(&replica, &brief, &id).await;
    read_rest(&mut expiring).await;
}

#[actix_web::test]
async fn a_client_that_resumes_gets_a_fresh_stream_and_nonsense_is_refused() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let get = request("GET", &bearer).header("Accept", "text/event-stream").session(&id);
    assert_eq!(
        get.clone().header("Last-Event-ID", "not an id").send(&replica).await.verdict(),
        (400, -32600)
    );
    let mut socket = get.header("Last-Event-ID", "abcdefgh-17").open(&replica).await;
    assert!(read_until(&mut socket, "data: \n\n").await.starts_with("HTTP/1.1 200"));
}
