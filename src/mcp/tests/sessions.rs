//! Sessions of the legacy era: who may use them, on which replica, and when they end.

use super::super::McpSettings;
use super::support::{World, initialize, modern, post, read_until, request, rpc, session};
use crate::adapters::redis::RedisStore;
use crate::domain::cipher::Cipher;
use crate::domain::keyring::KeyRing;
use crate::edge::EdgeSettings;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn list() -> String {
    rpc(&json!(1), "tools/list", &json!({}))
}

fn call(tool: &str) -> String {
    rpc(&json!("c"), "tools/call", &json!({"name": tool, "arguments": {"text": "t"}}))
}

fn note(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

#[actix_web::test]
async fn the_handshake_negotiates_and_opens_a_session() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let reply = post(&bearer, initialize(asked)).send(&replica).await;
        assert_eq!(reply.status, 200);
        let id = reply.header("mcp-session-id").unwrap();
        assert!(id.len() >= 22 && id.bytes().all(|b| b.is_ascii_graphic()), "{id}");
        let result = &reply.json()["result"];
        assert_eq!(result["protocolVersion"], answered);
        assert_eq!(result["serverInfo"].get("title").is_some(), answered >= "2025-06-18");
        assert_eq!(result["capabilities"]["tools"], json!({"listChanged": true}));
        let ready = post(&bearer, note("notifications/initialized", &json!({}))).session(id);
        let ready = ready.send(&replica).await;
        assert_eq!((ready.status, ready.text()), (202, ""));
    }
    let broken = post(&bearer, rpc(&json!(1), "initialize", &json!({}))).send(&replica).await;
    assert_eq!((broken.verdict(), broken.header("mcp-session-id")), ((200, -32602), None));
}

#[actix_web::test]
async fn a_session_is_its_users_and_its_services_alone() {
    let world = World::new();
    let replica = world.replica();
    let (alice, bob) = (world.bearer("alice", "mail-query").await, world.bearer("bob", "mail-query").await);
    let again = world.bearer("alice", "mail-query").await;
    let elsewhere = world.bearer("alice", "teams").await;
    let id = session(&replica, &alice, "2025-11-25").await;
    for (ask, expected) in [
        (post(&alice, list()).session(&id), (200, 0)),
        (post(&again, list()).session(&id), (200, 0)),
        (post(&bob, list()).session(&id), (404, -32001)),
        (post(&elsewhere, list()).path("/teams/mcp").session(&id), (404, -32001)),
        (request("GET", &bob).header("Accept", "text/event-stream").session(&id), (404, -32001)),
        (request("DELETE", &bob).session(&id), (404, -32001)),
        (post(&alice, list()).session("unknown"), (404, -32001)),
        (post(&alice, list()).session("with space"), (404, -32001)),
        (post(&alice, list()).session(&"x".repeat(5000)), (404, -32001)),
        (post(&alice, list()).session(&id).also("Mcp-Session-Id", &id), (400, -32600)),
        (post(&alice, initialize("2025-11-25")).session(&id), (400, -32600)),
        (post(&alice, initialize("2025-11-25")).session("unknown"), (404, -32001)),
        (post(&alice, list()).session(&id), (200, 0)),
    ] {
        assert_eq!(ask.send(&replica).await.verdict(), expected);
    }
}

#[actix_web::test]
async fn any_replica_serves_a_session_and_its_end_is_known_everywhere() {
    let world = World::new();
    let (one, two) = (world.replica(), world.replica());
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&one, &bearer, "2025-06-18").await;
    assert_eq!(post(&bearer, call("echo")).session(&id).send(&two).await.status, 200);
    let ended = request("DELETE", &bearer).session(&id).send(&two).await;
    assert_eq!((ended.status, ended.text()), (204, ""));
    for replica in [&one, &two] {
        assert_eq!(post(&bearer, list()).session(&id).send(replica).await.verdict(), (404, -32001));
        assert_eq!(request("DELETE", &bearer).session(&id).send(replica).await.verdict(), (404, -32001));
    }
}

#[actix_web::test]
async fn use_keeps_a_session_alive_and_disuse_ends_it() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer_for("alice", "mail-query", Duration::from_hours(100)).await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    for expected in [200, 200] {
        assert_eq!(post(&bearer, list()).session(&id).send(&replica).await.status, expected);
        world.clock.advance(Duration::from_hours(23));
    }
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(post(&bearer, list()).session(&id).send(&replica).await.status, 404);
    let unused = session(&replica, &bearer, "2025-11-25").await;
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(post(&bearer, list()).session(&unused).send(&replica).await.status, 404);
}

#[actix_web::test]
async fn requests_that_need_no_session_are_served_without_one_unless_the_operator_says_no() {
    let world = World::new();
    let lenient = world.replica();
    let settings =
        McpSettings { edge: EdgeSettings::loopback(), lenient_sessions: false, ..McpSettings::default() };
    let strict = world.replica_with(settings, None);
    let bearer = world.bearer("alice", "mail-query").await;
    let late = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned();
    for (body, served) in [
        (list(), true),
        (call("echo"), true),
        (rpc(&json!(1), "ping", &json!({})), true),
        (rpc(&json!(1), "prompts/list", &json!({})), true),
        (rpc(&json!(1), "logging/setLevel", &json!({"level": "info"})), false),
        (late, false),
    ] {
        let expected = if served { 200 } else { 400 };
        assert_eq!(post(&bearer, &body).send(&lenient).await.status, expected, "{body}");
        assert_eq!(post(&bearer, &body).send(&strict).await.verdict(), (400, -32000), "{body}");
    }
    let ready = post(&bearer, note("notifications/initialized", &json!({})));
    assert_eq!(ready.send(&lenient).await.status, 202);
}

#[actix_web::test]
async fn without_the_store_a_session_is_unavailable_and_never_lost() {
    let world = World::new();
    let bearer = world.bearer("alice", "mail-query").await;
    let whole = world.replica();
    let id = session(&whole, &bearer, "2025-11-25").await;
    let ring = KeyRing::from_text("a key that is long enough for the ring").unwrap();
    let away = Arc::new(RedisStore::connect("redis://127.0.0.1:1", Cipher::new(&ring)).unwrap());
    let settings = McpSettings { edge: EdgeSettings::loopback(), ..McpSettings::default() };
    let broken = world.replica_with(settings, Some(away));
    for ask in [
        post(&bearer, list()).session(&id),
        post(&bearer, initialize("2025-11-25")),
        request("GET", &bearer).header("Accept", "text/event-stream").session(&id),
        request("DELETE", &bearer).session(&id),
    ] {
        let reply = ask.send(&broken).await;
        assert_eq!(reply.status, 503);
        assert!(reply.header("retry-after").is_some());
    }
    // What needs no session goes on, in both eras.
    assert_eq!(modern(&bearer, "tools/list", json!({})).send(&broken).await.status, 200);
    assert_eq!(post(&bearer, list()).session(&id).send(&whole).await.status, 200);
}

#[actix_web::test]
async fn a_call_answers_in_the_version_of_its_session() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for (version, structured) in
        [("2024-11-05", false), ("2025-03-26", false), ("2025-06-18", true), ("2025-11-25", true)]
    {
        let id = session(&replica, &bearer, version).await;
        let reply = post(&bearer, call("echo")).session(&id).send(&replica).await.json();
        assert_eq!(reply["id"], "c");
        assert_eq!(reply["result"]["content"], json!([{"type": "text", "text": "hello alice\n\"quoted\""}]));
        let echo = reply["result"].get("structuredContent");
        assert_eq!(echo, structured.then(|| json!({"echo": {"text": "t"}, "user": "alice"})).as_ref());
        assert!(reply["result"].get("resultType").is_none());
        let tools = post(&bearer, list()).session(&id).send(&replica).await.json();
        let tool = &tools["result"]["tools"][0];
        assert_eq!(tool["name"], "echo");
        assert_eq!(tool.get("title").is_some(), structured);
        assert_eq!(tool.get("outputSchema").is_some(), structured);
        assert_eq!(tool.get("annotations").is_some(), version != "2024-11-05");
    }
}

#[actix_web::test]
async fn failures_are_told_where_their_kind_belongs() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let send = async |body: String| post(&bearer, body).session(&id).send(&replica).await;
    for (body, expected) in [
        (call("nothing"), (200, -32602)),
        (call("panic"), (200, -32603)),
        (rpc(&json!(1), "tools/call", &json!({})), (200, -32602)),
        (rpc(&json!(1), "tools/call", &json!({"name": 5})), (200, -32602)),
        (rpc(&json!(1), "tools/list", &json!({"cursor": "x"})), (200, -32602)),
        (rpc(&json!(1), "prompts/get", &json!({"name": "x"})), (200, -32602)),
        (rpc(&json!(1), "logging/setLevel", &json!({"level": "info"})), (200, -32601)),
        (rpc(&json!(1), "no/such", &json!({})), (200, -32601)),
        (rpc(&json!(1), "tools/call", &json!({"name": "echo"})), (200, 0)),
    ] {
        assert_eq!(send(body.clone()).await.verdict(), expected, "{body}");
    }
    let scope = send(call("send")).await;
    let challenge = scope.header("www-authenticate").unwrap().to_owned();
    assert_eq!(scope.status, 403);
    assert!(
        challenge.contains("insufficient_scope") && challenge.contains("Mail.Read Mail.Send"),
        "{challenge}"
    );
    assert_eq!(send(call("signed_out")).await.status, 401);
    let throttled = send(call("throttled")).await.json();
    assert_eq!(throttled["result"]["isError"], true);
    assert_eq!(throttled["result"]["structuredContent"]["error"]["retry_after_s"], 7);
    let wrong = rpc(&json!(1), "tools/call", &json!({"name": "echo", "arguments": [1]}));
    assert_eq!(send(wrong).await.json()["result"]["structuredContent"]["error"]["field"], "arguments");
}

#[actix_web::test]
async fn a_dropped_connection_cancels_nothing_and_a_cancellation_does() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let bob = world.bearer("bob", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let other = session(&replica, &bob, "2025-11-25").await;

    let socket = post(&bearer, call("slow")).session(&id).open(&replica).await;
    world.witness.started.notified().await;
    drop(socket);
    world.witness.release.notify_one();
    world.witness.finished.notified().await;

    let cancel = note("notifications/cancelled", &json!({"requestId": "c"}));
    let running = async { post(&bearer, call("slow")).session(&id).send(&replica).await };
    let cancelling = async {
        world.witness.started.notified().await;
        // Somebody else's request of the same id is somebody else's.
        assert_eq!(post(&bob, &cancel).session(&other).send(&replica).await.status, 202);
        assert_eq!(post(&bearer, &cancel).session(&id).send(&replica).await.status, 202);
        world.witness.dropped.notified().await;
    };
    let (reply, ()) = futures_util::join!(running, cancelling);
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
}

#[actix_web::test]
async fn an_answer_that_takes_long_begins_before_it_is_known() {
    let world = World::new();
    let patience = Duration::from_millis(5);
    let replica = world.replica_with(
        McpSettings { edge: EdgeSettings::loopback(), patience, ..McpSettings::default() },
        None,
    );
    let bearer = world.bearer("alice", "mail-query").await;
    let newest = session(&replica, &bearer, "2025-11-25").await;
    let older = session(&replica, &bearer, "2025-06-18").await;
    for ask in [
        post(&bearer, call("slow")).session(&newest),
        post(&bearer, call("slow")).session(&older),
        post(&bearer, call("slow")),
        modern(&bearer, "tools/call", json!({"name": "slow"})),
    ] {
        let mut socket = ask.open(&replica).await;
        read_until(&mut socket, "text/event-stream").await;
        world.witness.release.notify_one();
        let answer = read_until(&mut socket, "hello alice").await;
        assert!(answer.contains("data: {"), "{answer}");
        world.witness.finished.notified().await;
    }
    // Who takes no stream waits for the JSON.
    world.witness.release.notify_one();
    let plain = post(&bearer, call("slow")).session(&newest).header("Accept", "application/json");
    let reply = plain.send(&replica).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[actix_web::test]
async fn the_end_of_a_session_stops_what_it_runs() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let id = session(&replica, &bearer, "2025-11-25").await;
    let running = async { post(&bearer, call("slow")).session(&id).send(&replica).await };
    let ending = async {
        world.witness.started.notified().await;
        assert_eq!(request("DELETE", &bearer).session(&id).send(&replica).await.status, 204);
        world.witness.dropped.notified().await;
    };
    futures_util::join!(running, ending);
}

#[actix_web::test]
async fn batches_live_and_die_with_their_version() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let batch = |items: &[String]| format!("[{}]", items.join(","));
    let ready = note("notifications/initialized", &json!({}));
    let response = r#"{"jsonrpc":"2.0","id":9,"result":{}}"#.to_owned();
    for version in ["2025-06-18", "2025-11-25"] {
        let id = session(&replica, &bearer, version).await;
        let reply = post(&bearer, batch(&[list()])).session(&id).send(&replica).await;
        assert_eq!(reply.verdict(), (400, -32600), "{version}");
    }
    let id = session(&replica, &bearer, "2025-03-26").await;
    let send = async |items: &[String]| post(&bearer, batch(items)).session(&id).send(&replica).await;
    let mixed = send(&[list(), ready.clone(), call("echo"), "5".to_owned(), call("send")]).await.json();
    let ids: Vec<_> = mixed.as_array().unwrap().iter().map(|a| a.get("id").cloned()).collect();
    assert_eq!(ids, [Some(json!(1)), Some(json!("c")), None, Some(json!("c"))]);
    assert_eq!(mixed[2]["error"]["code"], -32600);
    assert_eq!(mixed[3]["result"]["isError"], true);
    let quiet = send(&[ready.clone(), ready.clone()]).await;
    assert_eq!((quiet.status, quiet.text()), (202, ""));
    assert_eq!(send(std::slice::from_ref(&response)).await.status, 202);
    assert_eq!(send(&[]).await.verdict(), (400, -32600));
    assert_eq!(send(&[list(), response]).await.verdict(), (400, -32600));
    assert_eq!(send(&[initialize("2025-03-26")]).await.verdict(), (400, -32600));
}

#[actix_web::test]
async fn too_many_sessions_cost_the_one_not_used_for_longest_and_nobody_else() {
    let world = World::new();
    let settings =
        McpSettings { edge: EdgeSettings::loopback(), max_sessions_per_client: 3, ..McpSettings::default() };
    let replica = world.replica_with(settings, None);
    let (alice, bob) = (world.bearer("alice", "mail-query").await, world.bearer("bob", "mail-query").await);
    let bobs = session(&replica, &bob, "2025-11-25").await;
    let mut ids = Vec::new();
    let status = async |bearer: &str, id: &str| post(bearer, list()).session(id).send(&replica).await.status;
    for _ in 0..3 {
        ids.push(session(&replica, &alice, "2025-11-25").await);
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(status(&alice, &ids[0]).await, 200);
    ids.push(session(&replica, &alice, "2025-11-25").await);
    for (id, expected) in ids.iter().zip([200, 404, 200, 200]) {
        assert_eq!(status(&alice, id).await, expected);
    }
    assert_eq!(status(&bob, &bobs).await, 200);
}
