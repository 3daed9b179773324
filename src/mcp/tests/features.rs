//! Resources, prompts, questions, subscriptions and tasks in both eras, against the fixture service of the official
//! suite.

use super::support::{Ask, Replica, World, initialize_with, post, read_until, rpc};
use crate::domain::ids::SessionId;
use crate::ports::store::{LeaseStore, SessionStore};
use crate::services::conformance::Conformance;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

pub(super) const PATH: &str = "/conformance/mcp";
const READY: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

pub(super) async fn world() -> (World, Replica, String) {
    let world = World::new();
    let replica = world.replica_of(vec![Arc::new(Conformance::new())]);
    let bearer = world.bearer("alice", "conformance").await;
    (world, replica, bearer)
}

/// A session whose client declares everything.
pub(super) async fn session(replica: &Replica, bearer: &str) -> String {
    let capabilities = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
    session_of(replica, bearer, "2025-11-25", &capabilities).await
}

/// A session of `version` with a client that declares `capabilities`.
pub(super) async fn session_of(
    replica: &Replica,
    bearer: &str,
    version: &str,
    capabilities: &Value,
) -> String {
    let reply = post(bearer, initialize_with(version, capabilities)).path(PATH).send(replica).await;
    let id = reply.header("mcp-session-id").expect("a session id").to_owned();
    assert_eq!(post(bearer, READY).path(PATH).session(&id).send(replica).await.status, 202);
    id
}

/// The question that a call puts on its stream.
pub(super) async fn question(stream: &mut TcpStream) -> Value {
    let mut text = read_until(stream, "elicitation/create").await;
    while events(&text).is_empty() {
        text += &read_until(stream, "\n").await;
    }
    events(&text).remove(0)
}

pub(super) fn legacy(bearer: &str, session: &str, method: &str, params: &Value) -> Ask {
    post(bearer, rpc(&json!(7), method, params)).path(PATH).session(session)
}

/// A request of 2026-07-28 by a client that declares `capabilities`.
pub(super) fn modern(bearer: &str, method: &str, mut params: Value, capabilities: &Value) -> Ask {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    let name = ["name", "uri", "taskId"].iter().find_map(|member| params[*member].as_str());
    let name = name.unwrap_or_default().to_owned();
    post(bearer, rpc(&json!(7), method, &params))
        .path(PATH)
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", method)
        .header("Mcp-Name", &name)
}

pub(super) fn tasks() -> Value {
    json!({"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

/// The JSON messages of an event stream so far.
pub(super) fn events(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|l| l.strip_prefix("data: "))
        .filter_map(|d| serde_json::from_str(d).ok())
        .collect()
}

#[actix_web::test]
async fn a_call_that_tells_something_streams_and_one_that_does_not_is_json() {
    let (_world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let call = json!({"name": "test_tool_with_progress", "_meta": {"progressToken": "p"}});
    let reply = legacy(&bearer, &id, "tools/call", &call).send(&replica).await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    let got = events(reply.text());
    let progress: Vec<_> = got.iter().filter_map(|m| m["params"]["progress"].as_i64()).collect();
    assert_eq!(progress, [0, 50, 100]);
    assert!(got[..3].iter().all(|m| m["params"]["progressToken"] == "p"));
    assert_eq!(got[3]["id"], 7);
    for (call, accept) in [
        (json!({"name": "test_tool_with_progress"}), "application/json, text/event-stream"),
        (call.clone(), "application/json"),
    ] {
        let reply = legacy(&bearer, &id, "tools/call", &call).header("Accept", accept).send(&replica).await;
        assert_eq!(reply.header("content-type"), Some("application/json"), "{call} {accept}");
    }
}

#[actix_web::test]
async fn logs_flow_at_the_level_that_the_session_or_the_request_set() {
    let (_world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let call = json!({"name": "test_tool_with_logging"});
    let logs = async |ask: Ask| {
        let reply = ask.send(&replica).await;
        events(reply.text()).iter().filter(|m| m["method"] == "notifications/message").count()
    };
    let level = |level: &str| legacy(&bearer, &id, "logging/setLevel", &json!({"level": level}));
    assert_eq!(logs(legacy(&bearer, &id, "tools/call", &call)).await, 0);
    assert_eq!(level("loud").send(&replica).await.verdict(), (200, -32602));
    assert_eq!(level("info").send(&replica).await.json()["result"], json!({}));
    assert_eq!(logs(legacy(&bearer, &id, "tools/call", &call)).await, 3);
    assert_eq!(level("error").send(&replica).await.json()["result"], json!({}));
    assert_eq!(logs(legacy(&bearer, &id, "tools/call", &call)).await, 0);
    assert_eq!(logs(modern(&bearer, "tools/call", call, &json!({}))).await, 0);
}

#[actix_web::test]
async fn a_legacy_question_goes_out_on_the_stream_and_only_its_session_answers_it() {
    let (world, replica, bearer) = world().await;
    question_and_answer(&world, &replica, &replica, &bearer).await;
}

#[actix_web::test]
async fn the_answer_to_a_question_may_come_to_any_replica() {
    let (world, replica, bearer) = world().await;
    let other = world.replica_of(vec![Arc::new(Conformance::new())]);
    question_and_answer(&world, &replica, &other, &bearer).await;
    question_and_answer(&world, &other, &replica, &bearer).await;
}

/// Asks at one replica; strangers and then the client itself answer at another.
async fn question_and_answer(world: &World, replica: &Replica, answers: &Replica, bearer: &str) {
    let id = session(replica, bearer).await;
    let call = json!({"name": "test_elicitation", "arguments": {"message": "Well?"}});
    let mut stream: TcpStream = legacy(bearer, &id, "tools/call", &call).open(replica).await;
    let asked = question(&mut stream).await;
    assert_eq!(asked["params"]["message"], "Well?");
    let mallory = world.bearer("mallory", "conformance").await;
    let foreign = session(answers, &mallory).await;
    let sibling = session(answers, bearer).await;
    for (who, session, response) in [
        (mallory.as_str(), &foreign, "foreign"),
        (bearer, &sibling, "from another session"),
        (bearer, &id, "fine"),
        (bearer, &id, "too late"),
    ] {
        let content = json!({"action": "accept", "content": {"response": response}});
        let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": content});
        let sent = post(who, answer.to_string()).path(PATH).session(session).send(answers).await;
        assert_eq!(sent.status, 202);
    }
    let rest = read_until(&mut stream, "User response: action=accept").await;
    assert!(rest.contains("fine"), "{rest}");
}

#[actix_web::test]
async fn a_modern_question_comes_back_as_a_result_and_its_state_is_nobody_elses() {
    let (world, replica, bearer) = world().await;
    let can = json!({"elicitation": {}});
    let call = |more: Value| {
        let mut params = json!({"name": "test_input_required_result_request_state", "arguments": {}});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let ask =
        async |bearer: &str, more: Value| modern(bearer, "tools/call", call(more), &can).send(&replica).await;
    let first = ask(&bearer, json!({})).await.json();
    assert_eq!(first["result"]["resultType"], "input_required");
    assert_eq!(first["result"]["inputRequests"]["confirm"]["method"], "elicitation/create");
    let state = &first["result"]["requestState"];
    let answers = json!({"confirm": {"action": "accept", "content": {"ok": true}}});
    let done = ask(&bearer, json!({"inputResponses": answers, "requestState": state})).await.json();
    assert_eq!(done["result"]["content"][0]["text"], "Confirmed: state-ok");
    let mallory = world.bearer("mallory", "conformance").await;
    for (who, more) in [
        (&mallory, json!({"inputResponses": answers, "requestState": state})),
        (
            &bearer,
            json!({"inputResponses": answers, "requestState": format!("{}x", state.as_str().unwrap())}),
        ),
        (&bearer, json!({"inputResponses": 7})),
        (&bearer, json!({"inputResponses": {"confirm": null}})),
    ] {
        assert_eq!(ask(who, more.clone()).await.verdict(), (200, -32602), "{more}");
    }
    world.clock.advance(Duration::from_mins(10));
    let late = ask(&bearer, json!({"inputResponses": answers, "requestState": state})).await;
    assert_eq!(late.verdict(), (200, -32602), "the state has expired");
    let other = modern(&bearer, "tools/call", json!({"name": "test_missing_capability"}), &can);
    let refused = other.send(&replica).await;
    assert_eq!(refused.verdict(), (400, -32021));
    assert_eq!(refused.json()["error"]["data"], json!({"requiredCapabilities": {"sampling": {}}}));
}

#[actix_web::test]
async fn resources_and_prompts_are_found_or_refused_in_the_codes_of_the_era() {
    let (_world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let none = json!({});
    for (method, params, old, new) in [
        ("resources/read", json!({"uri": "test://static-text"}), 0, 0),
        ("resources/read", json!({"uri": "test://nothing"}), -32002, -32602),
        ("resources/read", json!({"uri": 7}), -32602, -32020),
        ("resources/list", json!({}), 0, 0),
        ("resources/list", json!({"cursor": "x"}), -32602, -32602),
        ("resources/templates/list", json!({}), 0, 0),
        ("prompts/get", json!({"name": "test_simple_prompt"}), 0, 0),
        ("prompts/get", json!({"name": "nothing"}), -32602, -32602),
        (
            "prompts/get",
            json!({"name": "test_prompt_with_arguments", "arguments": {"arg1": "a"}}),
            -32602,
            -32602,
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}}),
            -32602,
            -32602,
        ),
    ] {
        let reply = legacy(&bearer, &id, method, &params).send(&replica).await;
        assert_eq!(reply.verdict(), (200, old), "{method} {params}");
        let reply = modern(&bearer, method, params.clone(), &none).send(&replica).await;
        assert_eq!(reply.verdict().1, new, "{method} {params}");
    }
    let gone = legacy(&bearer, &id, "resources/read", &json!({"uri": "test://nothing"})).send(&replica).await;
    assert_eq!(gone.json()["error"]["data"], json!({"uri": "test://nothing"}));
}

#[actix_web::test]
async fn a_change_reaches_every_listener_once_and_nobody_who_did_not_ask() {
    let (world, replica, bearer) = world().await;
    let id = session(&replica, &bearer).await;
    let get = super::support::request("GET", &bearer).path(PATH).header("Accept", "text/event-stream");
    let mut old = get.session(&id).open(&replica).await;
    read_until(&mut old, "data: \n\n").await;
    let sse = super::support::request("GET", &bearer).path("/conformance/sse");
    let mut oldest = sse.header("Accept", "text/event-stream").open(&replica).await;
    let opening = read_until(&mut oldest, "\n\n").await;
    let path = opening.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    let say = async |said: String| {
        assert_eq!(post(&bearer, said).path(&path).send(&replica).await.status, 202);
    };
    say(initialize_with("2024-11-05", &json!({}))).await;
    read_until(&mut oldest, "serverInfo").await;
    say(READY.to_owned()).await;
    let oldest_id = SessionId::new(path.split_once("sessionId=").unwrap().1);
    while !world.store.session(&oldest_id, Duration::from_hours(1)).await.unwrap().unwrap().initialized {
        tokio::task::yield_now().await;
    }
    let listen =
        |filter: Value| modern(&bearer, "subscriptions/listen", json!({"notifications": filter}), &json!({}));
    let mut tools = listen(json!({"toolsListChanged": true})).open(&replica).await;
    let mut prompts = listen(json!({"promptsListChanged": true})).open(&replica).await;
    for stream in [&mut tools, &mut prompts] {
        read_until(stream, "notifications/subscriptions/acknowledged").await;
    }
    let trigger = |name: &str| modern(&bearer, "tools/call", json!({"name": name}), &json!({}));
    trigger("test_trigger_tool_change").send(&replica).await;
    trigger("test_trigger_prompt_change").send(&replica).await;
    let told = read_until(&mut tools, "notifications/tools/list_changed").await;
    assert!(told.contains(r#""io.modelcontextprotocol/subscriptionId":7"#), "{told}");
    let told = read_until(&mut prompts, "notifications/prompts/list_changed").await;
    assert!(!told.contains("tools/list_changed"));
    for stream in [&mut old, &mut oldest] {
        let told = read_until(stream, "notifications/prompts/list_changed").await;
        assert_eq!(told.matches("notifications/tools/list_changed").count(), 1);
    }
}

#[actix_web::test]
async fn a_change_on_one_replica_reaches_listeners_of_all_and_a_session_that_moved_hears_it_once() {
    let (world, replica, bearer) = world().await;
    let other = world.replica_of(vec![Arc::new(Conformance::new())]);
    let id = session(&replica, &bearer).await;
    let get = super::support::request("GET", &bearer).path(PATH).header("Accept", "text/event-stream");
    let get = get.session(&id);
    let mut before = get.open(&replica).await;
    read_until(&mut before, "data: \n\n").await;
    let mut own = get.open(&other).await;
    read_until(&mut own, "data: \n\n").await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let mut listener = modern(&bearer, "subscriptions/listen", filter, &json!({})).open(&other).await;
    read_until(&mut listener, "notifications/subscriptions/acknowledged").await;
    for trigger in ["test_trigger_tool_change", "test_trigger_prompt_change"] {
        modern(&bearer, "tools/call", json!({"name": trigger}), &json!({})).send(&replica).await;
    }
    read_until(&mut listener, "notifications/tools/list_changed").await;
    let mut told = read_until(&mut own, "notifications/prompts/list_changed").await;
    // A second copy of either would come before the next change.
    modern(&bearer, "tools/call", json!({"name": "test_trigger_tool_change"}), &json!({})).send(&other).await;
    told += &read_until(&mut own, "notifications/tools/list_changed").await;
    assert_eq!(told.matches("notifications/tools/list_changed").count(), 2, "{told}");
    assert_eq!(told.matches("notifications/prompts/list_changed").count(), 1, "{told}");
}

#[actix_web::test]
async fn a_task_asks_goes_on_and_belongs_to_its_user() {
    let (world, replica, bearer) = world().await;
    let call = json!({"name": "confirm_delete", "arguments": {"filename": "f"}});
    let begun = modern(&bearer, "tools/call", call, &tasks()).send(&replica).await.json();
    assert_eq!(begun["result"]["resultType"], "task");
    let task = json!({"taskId": begun["result"]["taskId"]});
    let get = async |bearer: &str, capabilities: &Value| {
        modern(bearer, "tasks/get", task.clone(), capabilities).send(&replica).await
    };
    let mallory = world.bearer("mallory", "conformance").await;
    assert_eq!(get(&mallory, &tasks()).await.verdict(), (200, -32602));
    assert_eq!(get(&bearer, &json!({})).await.verdict(), (400, -32021));
    let until = async |status: &str| loop {
        let now = get(&bearer, &tasks()).await.json()["result"].clone();
        if now["status"] == status {
            return now;
        }
        assert!(!["completed", "failed", "cancelled"].contains(&now["status"].as_str().unwrap()), "{now}");
    };
    let asking = until("input_required").await;
    assert_eq!(asking["inputRequests"]["confirm"]["method"], "elicitation/create");
    let mut update = task.clone();
    update["inputResponses"] = json!({"confirm": {"action": "accept", "content": {"confirm": true}}});
    let ack = modern(&bearer, "tasks/update", update, &tasks()).send(&replica).await.json();
    assert_eq!(ack["result"]["resultType"], "complete");
    let done = until("completed").await;
    assert_eq!(done["result"]["content"][0]["text"], "Deleting f: accept");
}

/// Begins a task that takes an hour; the parameters to ask about it.
async fn an_hour(bearer: &str, replica: &Replica) -> Value {
    let call = json!({"name": "slow_compute", "arguments": {"seconds": 3600}});
    let begun = modern(bearer, "tools/call", call, &tasks()).send(replica).await.json();
    json!({"taskId": begun["result"]["taskId"]})
}

async fn standing(bearer: &str, replica: &Replica, task: &Value) -> Value {
    let reply = modern(bearer, "tasks/get", task.clone(), &tasks()).send(replica).await;
    reply.json()["result"].clone()
}

#[actix_web::test]
async fn a_task_whose_replica_fell_silent_fails_and_whoever_listens_hears_of_it() {
    let (world, replica, bearer) = world().await;
    let other = world.replica_of(vec![Arc::new(Conformance::new())]);
    let task = an_hour(&bearer, &replica).await;
    let filter = json!({"notifications": {"taskIds": [task["taskId"]]}});
    let mut listener = modern(&bearer, "subscriptions/listen", filter, &tasks()).open(&other).await;
    read_until(&mut listener, "notifications/subscriptions/acknowledged").await;
    assert_eq!(standing(&bearer, &other, &task).await["status"], "working");
    world.clock.advance(super::super::hold::LEASE);
    let ended = standing(&bearer, &other, &task).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!(-32603)));
    read_until(&mut listener, r#""status":"failed""#).await;
    assert_eq!(standing(&bearer, &replica, &task).await["status"], "failed");
}

#[actix_web::test]
async fn a_task_is_cancelled_at_any_replica_for_good() {
    let (world, replica, bearer) = world().await;
    let other = world.replica_of(vec![Arc::new(Conformance::new())]);
    let task = an_hour(&bearer, &replica).await;
    let mallory = world.bearer("mallory", "conformance").await;
    let cancel =
        async |bearer: &str| modern(bearer, "tasks/cancel", task.clone(), &tasks()).send(&other).await;
    assert_eq!(cancel(&mallory).await.verdict(), (200, -32602));
    assert_eq!(standing(&bearer, &replica, &task).await["status"], "working");
    for _ in 0..2 {
        assert_eq!(cancel(&bearer).await.json()["result"]["resultType"], "complete");
    }
    for replica in [&replica, &other] {
        assert_eq!(standing(&bearer, replica, &task).await["status"], "cancelled");
    }
    // The runner gives the lease back when it has stopped.
    let lease = format!("task|conformance|tenant:alice|{}", task["taskId"].as_str().unwrap());
    while !world.store.try_lease(&lease, "test", Duration::from_secs(1)).await.unwrap() {
        tokio::task::yield_now().await;
    }
    assert_eq!(standing(&bearer, &replica, &task).await["status"], "cancelled");
}
