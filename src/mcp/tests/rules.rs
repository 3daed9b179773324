//! Single rules that nothing else here would notice the breach of, against the fixture service.

use super::super::McpSettings;
use super::features::{PATH, events, legacy, modern, question, session, session_of, tasks, world};
use super::support::{Replica, World, post, read_rest, read_until, request, rpc};
use crate::edge::EdgeSettings;
use crate::ports::sessions::SessionRouter;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;

const GONE: &str = "test://never-was";
const WATCHED: &str = "test://watched-resource";

async fn listen(replica: &Replica, bearer: &str, filter: Value) -> TcpStream {
    let params = json!({ "notifications": filter });
    modern(bearer, "subscriptions/listen", params, &json!({})).open(replica).await
}

#[actix_web::test]
async fn what_cannot_be_read_is_not_followed() {
    let (_world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let subscribe = async |uri: &str| {
        legacy(&bearer, &id, "resources/subscribe", &json!({ "uri": uri })).send(&replica).await
    };
    let refused = subscribe(GONE).await;
    assert_eq!(refused.verdict(), (200, -32002));
    assert_eq!(refused.json()["error"]["data"], json!({ "uri": GONE }));
    assert_eq!(subscribe(WATCHED).await.json()["result"], json!({}));
    // To leave what is gone is no fault.
    let left = legacy(&bearer, &id, "resources/unsubscribe", &json!({ "uri": GONE })).send(&replica).await;
    assert_eq!(left.json()["result"], json!({}));
    let mut stream = listen(&replica, &bearer, json!({ "resourceSubscriptions": [GONE, WATCHED] })).await;
    let ack = read_until(&mut stream, "\n\n").await;
    let granted = &events(&ack)[0]["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(*granted, json!([WATCHED]));
}

#[actix_web::test]
async fn a_client_of_an_older_revision_is_asked_in_its_words() {
    let (_world, replica, bearer) = world().await;
    let call = json!({ "name": "test_elicitation_sep1330_enums" });
    for (version, kinds) in [("2025-11-25", 5), ("2025-06-18", 3)] {
        let id = session_of(&replica, &bearer, version, &json!({ "elicitation": {} })).await;
        let mut stream = legacy(&bearer, &id, "tools/call", &call).open(&replica).await;
        let asked = question(&mut stream).await;
        let fields = asked["params"]["requestedSchema"]["properties"].as_object().unwrap().clone();
        assert_eq!(fields.len(), kinds, "{version}");
        assert_eq!(fields["titledSingle"].get("oneOf").is_some(), version == "2025-11-25", "{version}");
    }
    // Before 2025-06-18 nobody can be asked, whatever is declared, nor can who declares nothing.
    for (version, declared) in [("2025-03-26", json!({ "elicitation": {} })), ("2025-11-25", json!({}))] {
        let id = session_of(&replica, &bearer, version, &declared).await;
        let answer = legacy(&bearer, &id, "tools/call", &call).send(&replica).await.json();
        assert_eq!(answer["result"]["isError"], true, "{version}: {answer}");
    }
    let answer = modern(&bearer, "tools/call", call, &json!({})).send(&replica).await;
    assert_eq!(answer.verdict(), (400, -32021));
    assert_eq!(answer.json()["error"]["data"], json!({ "requiredCapabilities": { "elicitation": {} } }));
}

#[actix_web::test]
async fn a_call_that_waits_for_a_person_ends_silently_when_it_is_cancelled() {
    let (_world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let call = json!({ "name": "test_elicitation", "arguments": { "message": "Well?" } });
    let mut stream = legacy(&bearer, &id, "tools/call", &call).open(&replica).await;
    let asked = question(&mut stream).await;
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 7 } });
    assert_eq!(post(&bearer, cancel.to_string()).path(PATH).session(&id).send(&replica).await.status, 202);
    let rest = read_rest(&mut stream).await;
    assert!(events(&rest).iter().all(|message| message["id"] != 7), "{rest}");
    let late =
        json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "action": "accept", "content": {} } });
    assert_eq!(post(&bearer, late.to_string()).path(PATH).session(&id).send(&replica).await.status, 202);
}

#[actix_web::test]
async fn a_modern_request_says_itself_what_logs_it_wants() {
    let (_world, replica, bearer) = world().await;
    for (level, count) in [("info", 3), ("error", 0)] {
        let params = |level: &str| {
            let mut meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            meta["io.modelcontextprotocol/logLevel"] = json!(level);
            json!({ "name": "test_tool_with_logging", "_meta": meta })
        };
        let send = async |level: &str| {
            let ask = post(&bearer, rpc(&json!(7), "tools/call", &params(level))).path(PATH);
            let ask = ask.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", "tools/call");
            ask.header("Mcp-Name", "test_tool_with_logging").send(&replica).await
        };
        let reply = send(level).await;
        let logs = events(reply.text()).iter().filter(|m| m["method"] == "notifications/message").count();
        assert_eq!((reply.status, logs), (200, count), "{level}");
        assert_eq!(send("loud").await.verdict().1, -32602);
    }
}

#[actix_web::test]
async fn a_listening_stream_ends_with_its_result_at_shutdown_and_with_its_bearer() {
    let world = World::new();
    let settings = McpSettings {
        edge: EdgeSettings::loopback(),
        heartbeat: Duration::from_millis(20),
        ..McpSettings::default()
    };
    let replica = world.replica_with(settings, None);
    let lasting = world.bearer("alice", "mail-query").await;
    let brief = world.bearer_for("bob", "mail-query", Duration::from_millis(200)).await;
    let mut streams = Vec::new();
    for bearer in [&brief, &lasting] {
        let params = json!({ "notifications": { "toolsListChanged": true } });
        let ask = modern(bearer, "subscriptions/listen", params, &json!({})).path("/mail-query/mcp");
        let mut stream = ask.open(&replica).await;
        read_until(&mut stream, "notifications/subscriptions/acknowledged").await;
        streams.push(stream);
    }
    let farewell = |text: &str| {
        let last = events(text).pop().unwrap_or_default();
        assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!(7), &json!("complete")), "{text}");
        assert_eq!(last["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    };
    farewell(&read_rest(&mut streams[0]).await);
    replica.router.drain().await;
    farewell(&read_rest(&mut streams[1]).await);
}

#[actix_web::test]
async fn listening_has_its_own_refusals() {
    let (_world, replica, bearer) = world().await;
    let ask = |filter: Value, capabilities: &Value| {
        modern(&bearer, "subscriptions/listen", json!({ "notifications": filter }), capabilities)
    };
    let undeclared = ask(json!({ "taskIds": ["x"] }), &json!({})).send(&replica).await;
    assert_eq!(undeclared.verdict(), (400, -32021));
    // A task that is not the caller's is left out of what is granted.
    let mut stream = ask(json!({ "taskIds": ["x"] }), &tasks()).open(&replica).await;
    let ack = read_until(&mut stream, "\n\n").await;
    assert_eq!(events(&ack)[0]["params"]["notifications"], json!({}));
    let json_only = ask(json!({}), &json!({})).header("Accept", "application/json").send(&replica).await;
    assert_eq!(json_only.status, 406);
    let many: Vec<String> = (0..257).map(|n| format!("test://{n}")).collect();
    let refused = ask(json!({ "resourceSubscriptions": many }), &json!({})).send(&replica).await;
    assert_eq!(refused.verdict(), (200, -32602));
}

#[actix_web::test]
async fn listening_streams_count_against_the_cap_of_their_user() {
    let (world, replica, bearer) = world().await;
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut stream = listen(&replica, &bearer, json!({ "toolsListChanged": true })).await;
        read_until(&mut stream, "acknowledged").await;
        held.push(stream);
    }
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let refused = modern(&bearer, "subscriptions/listen", params, &json!({})).send(&replica).await;
    assert_eq!(refused.verdict(), (200, -32603));
    let bob = world.bearer("bob", "conformance").await;
    let mut stream = listen(&replica, &bob, json!({ "toolsListChanged": true })).await;
    read_until(&mut stream, "acknowledged").await;
}

#[actix_web::test]
async fn a_modern_get_is_told_what_there_is_instead() {
    let (_world, replica, bearer) = world().await;
    for method in ["GET", "DELETE"] {
        let ask = request(method, &bearer).path(PATH).header("MCP-Protocol-Version", "2026-07-28");
        let refused = ask.header("Accept", "text/event-stream").send(&replica).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")), "{method}");
    }
}

#[actix_web::test]
async fn a_legacy_call_with_a_task_is_just_a_call() {
    let (_world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let call = json!({ "name": "test_simple_text", "task": { "ttl": 60000 } });
    let answer = legacy(&bearer, &id, "tools/call", &call).send(&replica).await.json();
    assert_eq!(answer["result"]["content"][0]["type"], "text", "{answer}");
    assert!(answer["result"].get("task").is_none());
}

#[actix_web::test]
async fn older_clients_get_neither_recordings_nor_titles() {
    let (_world, replica, bearer) = world().await;
    for (version, audio, titles) in
        [("2024-11-05", false, false), ("2025-03-26", true, false), ("2025-06-18", true, true)]
    {
        let id = session_of(&replica, &bearer, version, &json!({})).await;
        let ask = async |method: &str, params: Value| {
            legacy(&bearer, &id, method, &params).send(&replica).await.json()["result"].clone()
        };
        let called = ask("tools/call", json!({ "name": "test_audio_content" })).await;
        let has_audio = called["content"].as_array().unwrap().iter().any(|block| block["type"] == "audio");
        assert_eq!(has_audio, audio, "{version}: {called}");
        for (method, member) in
            [("tools/list", "tools"), ("prompts/list", "prompts"), ("resources/list", "resources")]
        {
            let listed = ask(method, json!({})).await;
            let has_title = listed[member].as_array().unwrap().iter().any(|one| one.get("title").is_some());
            assert_eq!(has_title, titles, "{version} {method}");
        }
    }
}
