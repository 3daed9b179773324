//! GET: the standalone stream, and resumption, on one replica and over two.

use super::super::McpSettings;
use super::super::hold::LEASE;
use super::super::legacy::outbox::Outbox;
use super::support::{Replica, World, post, read_rest, read_until, request, rpc, session};
use crate::domain::ids::SessionId;
use crate::edge::EdgeSettings;
use crate::ports::sessions::SessionRouter;
use crate::ports::store::SessionStore;
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;

async fn open(replica: &Replica, bearer: &str, id: &str) -> TcpStream {
    request("GET", bearer).header("Accept", "text/event-stream").session(id).open(replica).await
}

async fn resume(replica: &Replica, bearer: &str, id: &str, last: &str) -> TcpStream {
    let get = request("GET", bearer).header("Accept", "text/event-stream").session(id);
    get.header("Last-Event-ID", last).open(replica).await
}

async fn deliver(replica: &Replica, id: &str, message: &'static str) -> bool {
    replica.router.deliver(&SessionId::new(id), Bytes::from_static(message.as_bytes())).await
}

async fn none_open(replica: &Replica) {
    while replica.router.open_streams().await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The ids of the events in a piece of a stream, in order.
fn ids(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
}

#[actix_web::test]
async fn a_stream_carries_messages_with_ids_and_only_new_clients_get_a_priming_event() {
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
        assert_eq!(ids(&event).len(), 1, "{event}");
    }
}

#[actix_web::test]
async fn the_newest_stream_wins_on_every_replica_and_the_session_ends_it() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut first = open(&replica, &bearer, &id).await;
    read_until(&mut first, "data: \n\n").await;
    let mut second = open(&replica, &bearer, &id).await;
    read_until(&mut second, "data: \n\n").await;
    assert!(!read_rest(&mut first).await.contains("retry:"), "the older one is not asked to come back");
    let mut third = open(&other, &bearer, &id).await;
    read_until(&mut third, "data: \n\n").await;
    read_rest(&mut second).await;
    assert!(deliver(&replica, &id, "{}").await, "said here, heard there");
    read_until(&mut third, "data: {}\n\n").await;
    assert_eq!(request("DELETE", &bearer).session(&id).send(&replica).await.status, 204);
    read_rest(&mut third).await;
    none_open(&replica).await;
    none_open(&other).await;
}

#[actix_web::test]
async fn shutdown_ends_streams_with_a_retry_hint_for_those_who_know_it() {
    let world = World::new();
    let bearer = world.bearer("alice", "mail-query").await;
    for (version, first, hint) in
        [("2025-06-18", "keep-alive\n\n", false), ("2025-11-25", "data: \n\n", true)]
    {
        let replica = world.replica();
        let id = session(&replica, &bearer, version).await;
        let mut socket = open(&replica, &bearer, &id).await;
        read_until(&mut socket, first).await;
        replica.router.drain().await;
        assert_eq!(read_rest(&mut socket).await.contains("retry: 1000\n\n"), hint);
    }
}

#[actix_web::test]
async fn an_idle_stream_beats_and_ends_with_its_bearer() {
    let world = World::new();
    let heartbeat = Duration::from_millis(20);
    let settings = McpSettings { edge: EdgeSettings::loopback(), heartbeat, ..McpSettings::default() };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut socket = open(&replica, &bearer, &id).await;
    read_until(&mut socket, ": keep-alive\n\n").await;
    drop(socket);
    none_open(&replica).await;
    let brief = world.bearer_for("alice", "mail-query", Duration::from_millis(200)).await;
    let mut expiring = open(&replica, &brief, &id).await;
    read_rest(&mut expiring).await;
}

#[actix_web::test]
async fn an_open_stream_keeps_its_session_and_notices_its_end_by_itself() {
    let world = World::new();
    let heartbeat = Duration::from_millis(20);
    let settings = McpSettings { edge: EdgeSettings::loopback(), heartbeat, ..McpSettings::default() };
    let replica = world.replica_with(settings, None);
    let bearer = world.bearer_for("alice", "mail-query", Duration::from_hours(100)).await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut socket = open(&replica, &bearer, &id).await;
    for _ in 0..3 {
        for _ in 0..6 {
            read_until(&mut socket, ": keep-alive\n\n").await;
        }
        world.clock.advance(Duration::from_hours(20));
    }
    world.store.end_session(&SessionId::new(id.as_str())).await.unwrap();
    read_rest(&mut socket).await;
}

#[actix_web::test]
async fn a_stream_is_resumed_on_another_replica_without_loss_or_repetition() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let mut socket = open(&replica, &bearer, &id).await;
    let opening = read_until(&mut socket, "data: \n\n").await;
    for (message, end) in [("1", "data: 1\n\n"), ("2", "data: 2\n\n")] {
        assert!(deliver(&replica, &id, message).await);
        let event = read_until(&mut socket, end).await;
        assert_eq!(ids(&event).len(), 1);
    }
    drop(socket);
    for message in ["3", "4"] {
        assert!(deliver(&replica, &id, message).await);
    }
    let start = ids(&opening)[0].to_owned();
    let mut resumed = resume(&other, &bearer, &id, &start).await;
    let text = read_until(&mut resumed, "data: 4\n\n").await;
    let data: Vec<&str> =
        text.lines().filter_map(|l| l.strip_prefix("data: ")).filter(|d| !d.is_empty()).collect();
    assert_eq!(data, ["1", "2", "3", "4"]);
    let third = ids(&text)[3].to_owned();
    assert!(deliver(&replica, &id, "5").await);
    read_until(&mut resumed, "data: 5\n\n").await;
    let mut again = resume(&replica, &bearer, &id, &third).await;
    let text = read_until(&mut again, "data: 5\n\n").await;
    assert!(text.contains("data: 4\n\n") && !text.contains("data: 3\n\n"), "{text}");
}

#[actix_web::test]
async fn nonsense_and_foreign_event_ids_are_refused_and_lost_ones_begin_anew() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let other = session(&replica, &bearer, "2025-11-25").await;
    let mut socket = open(&replica, &bearer, &other).await;
    let foreign = read_until(&mut socket, "data: \n\n").await;
    let get = request("GET", &bearer).header("Accept", "text/event-stream").session(&id);
    for bad in ["not an id", "17", "-1", ids(&foreign)[0]] {
        let refused = get.clone().header("Last-Event-ID", bad).send(&replica).await;
        assert_eq!(refused.verdict(), (400, -32600), "{bad}");
    }
    let mut socket = open(&replica, &bearer, &id).await;
    let opening = read_until(&mut socket, "data: \n\n").await;
    let stream = ids(&opening)[0].rsplit_once('-').unwrap().0.to_owned();
    assert!(deliver(&replica, &id, "old").await);
    let gone = format!("{}pAAAAAAAAAAAA-3", stream.strip_suffix('g').unwrap());
    for lost in [format!("{stream}-3"), gone] {
        let mut fresh = resume(&replica, &bearer, &id, &lost).await;
        assert!(read_until(&mut fresh, "data: \n\n").await.starts_with("HTTP/1.1 200"));
        assert!(deliver(&replica, &id, "new").await);
        let text = read_until(&mut fresh, "data: new\n\n").await;
        assert!(!text.contains("old"), "{text}");
    }
}

#[actix_web::test]
async fn the_stream_of_a_post_is_resumed_and_ends_with_its_answer() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    for version in ["2025-06-18", "2025-11-25"] {
        let id = session(&replica, &bearer, version).await;
        let record = world.store.session(&SessionId::new(id.as_str()), Duration::from_hours(1)).await;
        let outbox = Outbox::new(&replica.state, &record.unwrap().unwrap(), "1");
        let opening = outbox.opening().await;
        assert_eq!(opening.is_empty(), version == "2025-06-18");
        let first = outbox.say(b"1", false).await.unwrap();
        let first = String::from_utf8(first.to_vec()).unwrap();
        let last = ids(&first)[0].to_owned();
        // The connection is gone; the work goes on.
        outbox.say(b"2", false).await.unwrap();
        assert!(deliver(&replica, &id, "unrelated").await);
        let mut resumed = resume(&other, &bearer, &id, &last).await;
        let missed = read_until(&mut resumed, "data: 2\n\n").await;
        assert!(!missed.contains("data: 1\n\n"), "{missed}");
        assert_eq!(outbox.say(b"3", true).await, None, "the resumed stream speaks now");
        let rest = read_rest(&mut resumed).await;
        assert!(rest.contains("data: 3\n\n") && !rest.contains("unrelated"), "{rest}");
        // Once more from where it was: the answer is still there.
        let mut resumed = resume(&replica, &bearer, &id, &last).await;
        let rest = read_rest(&mut resumed).await;
        assert!(rest.contains("data: 2\n\n") && rest.contains("data: 3\n\n"), "{rest}");

        let record = world.store.session(&SessionId::new(id.as_str()), Duration::from_hours(1)).await;
        let cancelled = Outbox::new(&replica.state, &record.unwrap().unwrap(), "2");
        let first = cancelled.say(b"1", false).await.unwrap();
        let last = ids(std::str::from_utf8(&first).unwrap())[0].to_owned();
        cancelled.say(b"2", false).await.unwrap();
        let mut resumed = resume(&other, &bearer, &id, &last).await;
        read_until(&mut resumed, "data: 2\n\n").await;
        cancelled.end().await;
        read_rest(&mut resumed).await;
    }
}

#[actix_web::test]
async fn a_request_whose_replica_died_is_answered_with_an_error_where_its_stream_is_resumed() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let record = world.store.session(&SessionId::new(id.as_str()), Duration::from_hours(1)).await;
    let outbox = Outbox::new(&replica.state, &record.unwrap().unwrap(), "\"c\"");
    outbox.opening().await;
    let first = outbox.say(b"1", false).await.unwrap();
    let last = ids(std::str::from_utf8(&first).unwrap())[0].to_owned();
    let mut resumed = resume(&other, &bearer, &id, &last).await;
    let opening = read_until(&mut resumed, "data: \n\n").await;
    assert!(!opening.contains("error"), "its replica lives: {opening}");
    drop(resumed);
    world.clock.advance(LEASE);
    for _ in 0..2 {
        let rest = read_rest(&mut resume(&other, &bearer, &id, &last).await).await;
        assert_eq!(rest.matches("data: {").count(), 1, "{rest}");
        assert!(rest.contains(r#""id":"c""#) && rest.contains("-32603"), "{rest}");
    }
}

#[actix_web::test]
async fn a_cancellation_and_the_end_of_a_session_reach_calls_on_other_replicas() {
    let world = World::new();
    let (replica, other) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let slow = rpc(&json!("c"), "tools/call", &json!({"name": "slow", "arguments": {}}));
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "c"}});
    let cancel = cancel.to_string();
    for way in ["cancel", "delete"] {
        let running = async { post(&bearer, &slow).session(&id).send(&replica).await };
        let ending = async {
            world.witness.started.notified().await;
            let reply = if way == "cancel" {
                post(&bearer, &cancel).session(&id).send(&other).await
            } else {
                request("DELETE", &bearer).session(&id).send(&other).await
            };
            assert!((200..300).contains(&reply.status));
            world.witness.dropped.notified().await;
        };
        futures_util::join!(running, ending);
    }
    assert_eq!(post(&bearer, &slow).session(&id).send(&replica).await.status, 404);
}

#[actix_web::test]
async fn a_user_may_hold_only_so_many_streams() {
    let world = World::new();
    let replica = world.replica();
    let (alice, bob) = (world.bearer("alice", "mail-query").await, world.bearer("bob", "mail-query").await);
    let mut held = Vec::new();
    for _ in 0..8 {
        let id = session(&replica, &alice, "2025-11-25").await;
        let mut socket = open(&replica, &alice, &id).await;
        read_until(&mut socket, "data: \n\n").await;
        held.push(socket);
    }
    let id = session(&replica, &alice, "2025-11-25").await;
    let get = request("GET", &alice).header("Accept", "text/event-stream").session(&id);
    assert_eq!(get.send(&replica).await.status, 405);
    let id = session(&replica, &bob, "2025-11-25").await;
    let mut socket = open(&replica, &bob, &id).await;
    read_until(&mut socket, "data: \n\n").await;
}
