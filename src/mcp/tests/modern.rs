//! The modern era over HTTP.

use super::support::{World, modern, post, rpc};
use crate::domain::ids::{ClientId, UserKey};
use serde_json::{Value, json};
use std::time::Duration;

#[actix_web::test]
async fn discovery_lists_and_calls_need_no_session() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("tools/call", json!({"name": "echo", "arguments": {"text": "t"}})),
    ] {
        let reply = modern(&bearer, method, params).session("ignored").send(&replica).await;
        assert_eq!((reply.status, reply.header("mcp-session-id")), (200, None), "{method}");
        let result = &reply.json()["result"];
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mail-query");
        assert_eq!(
            result.get("ttlMs").is_some() && result.get("cacheScope").is_some(),
            method != "tools/call"
        );
    }
    let discovered = modern(&bearer, "server/discover", json!({})).send(&replica).await.json();
    assert_eq!(discovered["result"]["supportedVersions"], json!(["2026-07-28"]));
    let called = modern(&bearer, "tools/call", json!({"name": "echo"})).send(&replica).await.json();
    assert_eq!(called["result"]["structuredContent"], json!({"echo": {}, "user": "alice"}));
    let note = json!({"jsonrpc": "2.0", "method": "notifications/anything"}).to_string();
    let note = post(&bearer, note).header("MCP-Protocol-Version", "2026-07-28").send(&replica).await;
    assert_eq!((note.status, note.text()), (202, ""));
}

#[actix_web::test]
async fn the_ladder_refuses_with_the_codes_that_clients_decide_by() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let list = || modern(&bearer, "tools/list", json!({}));
    let call = || modern(&bearer, "tools/call", json!({"name": "한글", "arguments": {}}));
    for (ask, expected) in [
        (list().header("MCP-Protocol-Version", ""), (400, -32020)),
        (list().header("MCP-Protocol-Version", "2025-11-25"), (400, -32020)),
        (list().also("MCP-Protocol-Version", "2026-07-28"), (400, -32020)),
        (list().header("Mcp-Method", ""), (400, -32020)),
        (list().header("Mcp-Method", "TOOLS/LIST"), (400, -32020)),
        (list().header("Mcp-Method", " tools/list\t"), (200, 0)),
        (call().header("Mcp-Name", ""), (400, -32020)),
        (call().header("Mcp-Name", "other"), (400, -32020)),
        (call().header("Mcp-Name", "=?base64?7ZWc6riA?="), (200, -32602)),
        (call().header("Mcp-Name", "=?base64?7ZWc6riA=?="), (400, -32020)),
        (modern(&bearer, "tools/list", json!({"cursor": "x"})), (200, -32602)),
        (modern(&bearer, "prompts/get", json!({"name": "x"})), (200, -32602)),
    ] {
        let reply = ask.send(&replica).await;
        assert_eq!(reply.verdict(), expected, "{}", reply.text());
        assert_eq!(reply.json()["id"], 1);
    }
    let gone =
        ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "unknown/method"];
    for method in gone {
        assert_eq!(
            modern(&bearer, method, json!({})).send(&replica).await.verdict(),
            (404, -32601),
            "{method}"
        );
    }
}

#[actix_web::test]
async fn an_incomplete_envelope_and_an_unknown_version_are_told_apart() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let key = |name: &str| format!("io.modelcontextprotocol/{name}");
    let with = |version: Value, capabilities: Value| {
        let mut meta = json!({});
        meta[key("protocolVersion")] = version;
        meta[key("clientCapabilities")] = capabilities;
        meta
    };
    let mut no_capabilities = with(json!("2026-07-28"), json!({}));
    no_capabilities.as_object_mut().unwrap().remove(&key("clientCapabilities"));
    let mut no_version = with(json!("x"), json!({}));
    no_version.as_object_mut().unwrap().remove(&key("protocolVersion"));
    for (meta, header, expected) in [
        (with(json!("2026-07-28"), json!({})), "2026-07-28", (200, 0)),
        (no_capabilities, "2026-07-28", (400, -32602)),
        (no_version, "2026-07-28", (400, -32602)),
        (json!({}), "2026-07-28", (400, -32602)),
        (json!(7), "2026-07-28", (400, -32602)),
        (with(json!("2026-07-28"), json!([])), "2026-07-28", (400, -32602)),
        (with(json!(5), json!({})), "2026-07-28", (400, -32602)),
        (with(json!("v999.0.0"), json!({})), "v999.0.0", (400, -32022)),
        (with(json!("2025-11-25"), json!({})), "2025-11-25", (400, -32022)),
        (with(json!("v999.0.0"), json!({})), "2026-07-28", (400, -32020)),
    ] {
        let ask = post(&bearer, rpc(&json!(1), "tools/list", &json!({"_meta": meta})));
        let reply = ask
            .header("MCP-Protocol-Version", header)
            .header("Mcp-Method", "tools/list")
            .send(&replica)
            .await;
        assert_eq!(reply.verdict(), expected, "{meta} {header}");
        if expected.1 == -32022 {
            assert_eq!(
                reply.json()["error"]["data"],
                json!({"supported": ["2026-07-28"], "requested": header})
            );
        }
    }
    let bare = post(&bearer, r#"{"jsonrpc":"2.0","id":"d","method":"server/discover"}"#).send(&replica).await;
    assert_eq!(bare.verdict(), (400, -32602));
}

#[actix_web::test]
async fn a_request_ends_with_its_connection() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let socket = modern(&bearer, "tools/call", json!({"name": "slow"})).open(&replica).await;
    world.witness.started.notified().await;
    drop(socket);
    world.witness.dropped.notified().await;
}

#[actix_web::test]
async fn an_application_without_a_person_is_told_so_and_not_sent_to_sign_in() {
    let world = World::new();
    let replica = world.replica();
    let nobody = UserKey::application(&ClientId::new("gateway"));
    let bearer = world.bearer_of(nobody, "mail-query", Duration::from_hours(1)).await;
    let reply = modern(&bearer, "tools/call", json!({"name": "signed_out"})).send(&replica).await;
    let result = reply.json()["result"].clone();
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().unwrap().contains("belongs to an application"), "{result}");
    assert_eq!(modern(&bearer, "tools/call", json!({"name": "echo"})).send(&replica).await.verdict().0, 200);
}

#[actix_web::test]
async fn failures_are_told_where_their_kind_belongs() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for (tool, expected) in
        [("nothing", (200, -32602)), ("panic", (200, -32603)), ("send", (403, 0)), ("signed_out", (401, 0))]
    {
        let reply = modern(&bearer, "tools/call", json!({"name": tool})).send(&replica).await;
        assert_eq!(reply.verdict(), expected, "{tool}");
    }
    let throttled = modern(&bearer, "tools/call", json!({"name": "throttled"})).send(&replica).await.json();
    assert_eq!(throttled["result"]["isError"], true);
    assert_eq!(throttled["result"]["resultType"], "complete");
}
