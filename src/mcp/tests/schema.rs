//! Every kind of message this front writes, against the official schemas.

use super::support::{Ask, World, initialize, modern, post, rpc, session};
use super::wire::schema::Schema;
use serde_json::{Value, json};

fn check(version: &str, definition: &str, value: &Value) {
    let Some(schema) = Schema::of(version) else { return };
    let faults = schema.faults(definition, value);
    assert!(faults.is_empty(), "{version} {definition}: {faults:?}\n{value}");
}

#[actix_web::test]
async fn legacy_messages_fit_the_schema_of_their_version() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (response, error) = if version == "2025-11-25" {
            ("JSONRPCResultResponse", "JSONRPCErrorResponse")
        } else {
            ("JSONRPCResponse", "JSONRPCError")
        };
        let opened = post(&bearer, initialize(version)).send(&replica).await.json();
        check(version, response, &opened);
        check(version, "InitializeResult", &opened["result"]);
        let id = session(&replica, &bearer, version).await;
        let ask = async |method: &str, params: Value| {
            post(&bearer, rpc(&json!(1), method, &params)).session(&id).send(&replica).await.json()
        };
        for (method, params, definition) in [
            ("ping", json!({}), "EmptyResult"),
            ("tools/list", json!({}), "ListToolsResult"),
            ("prompts/list", json!({}), "ListPromptsResult"),
            ("tools/call", json!({"name": "echo", "arguments": {"text": "t"}}), "CallToolResult"),
            ("tools/call", json!({"name": "throttled"}), "CallToolResult"),
        ] {
            let reply = ask(method, params).await;
            check(version, response, &reply);
            check(version, definition, &reply["result"]);
        }
        check(version, error, &ask("no/such", json!({})).await);
        check(version, error, &ask("tools/call", json!({"name": "nothing"})).await);
    }
}

#[actix_web::test]
async fn modern_messages_fit_their_schema() {
    let version = "2026-07-28";
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let ask = async |ask: Ask| ask.send(&replica).await.json();
    for (method, params, definition) in [
        ("server/discover", json!({}), "DiscoverResultResponse"),
        ("tools/list", json!({}), "ListToolsResultResponse"),
        ("prompts/list", json!({}), "ListPromptsResultResponse"),
        ("tools/call", json!({"name": "echo"}), "CallToolResultResponse"),
        ("tools/call", json!({"name": "throttled"}), "CallToolResultResponse"),
    ] {
        check(version, definition, &ask(modern(&bearer, method, params)).await);
    }
    let list = || modern(&bearer, "tools/list", json!({}));
    check(version, "HeaderMismatchError", &ask(list().header("Mcp-Method", "x")).await);
    let meta = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "v9",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let future = post(&bearer, rpc(&json!(1), "tools/list", &meta)).header("MCP-Protocol-Version", "v9");
    check(version, "UnsupportedProtocolVersionError", &ask(future).await);
    check(version, "JSONRPCErrorResponse", &ask(modern(&bearer, "no/such", json!({}))).await);
    check(version, "JSONRPCErrorResponse", &ask(post(&bearer, "{broken")).await);
}

/// Clients on the TypeScript SDK 1.x check failed results against the output schema too.
#[actix_web::test]
async fn results_and_failures_fit_the_published_output_schema() {
    let world = World::new();
    let replica = world.replica();
    let bearer = world.bearer("alice", "mail-query").await;
    let tools = modern(&bearer, "tools/list", json!({})).send(&replica).await.json();
    let published = jsonschema::validator_for(&tools["result"]["tools"][0]["outputSchema"]).unwrap();
    for tool in ["echo", "throttled"] {
        let reply = modern(&bearer, "tools/call", json!({"name": tool})).send(&replica).await.json();
        assert!(published.is_valid(&reply["result"]["structuredContent"]), "{tool}");
    }
}
