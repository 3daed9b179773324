//! Both fronts give the same tools and the same results.

use super::super::support::cluster::{Cluster, Plan, Store};
use super::super::support::mcp::Mcp;
use super::{ALICE, connect};
use serde_json::{Value, json};

/// Calls that read, for every service: the tools that need no id of something. What writes goes through the same
/// dispatcher, and its preview is compared.
const CALLS: &[(&str, &str, &str)] = &[
    ("mail-query", "query_email", r#"{"max_mails": 3, "days_back": 3650}"#),
    ("mail-query", "list_mail_folders", "{}"),
    ("mail-query", "help", "{}"),
    ("calendar", "calendar_list_events", "{}"),
    ("calendar", "calendar_list_calendars", "{}"),
    ("teams", "teams_list_chats", "{}"),
    ("onenote", "onenote_list_notebooks", "{}"),
    ("onedrive", "list_files", "{}"),
    ("onedrive", "read_file", r#"{"file_path": "/none/such.txt"}"#),
    ("enrollment", "list_active_accounts", "{}"),
    ("m365", "search", r#"{"query": "crane"}"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_is_offered_and_answers_as_over_mcp() {
    let settings = [(
        "ENTRADA_SERVICES__ENABLED",
        "m365,mail-query,calendar,teams,onenote,onedrive,enrollment,net,iacs",
    )];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let mut compared = 0;
    for service in
        ["m365", "mail-query", "calendar", "teams", "onenote", "onedrive", "enrollment", "net", "iacs"]
    {
        let client = connect(&cluster, service, ALICE, "").await;
        let mcp = Mcp::of(&format!("{}/mcp", client.base.trim_end_matches("/v1")), &client.key);
        let listed = mcp.send("tools/list", json!({})).await.result()["tools"].as_array().unwrap().clone();
        let functions = client.get("/functions").await.body["data"].as_array().unwrap().clone();
        assert_eq!(functions.len(), listed.len(), "{service}");
        for (tool, function) in listed.iter().zip(&functions) {
            let function = &function["function"];
            assert_eq!((&function["name"], &function["description"]), (&tool["name"], &tool["description"]));
            let names = |schema: &Value| {
                schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(
                names(&function["parameters"]),
                names(&tool["inputSchema"]),
                "{service}: {}",
                tool["name"]
            );
        }
        // Every tool, called with nothing: a result or a refusal, the same by both.
        for tool in &listed {
            let name = tool["name"].as_str().unwrap();
            compared += usize::from(same(&mcp, &client, name, &json!({})).await);
        }
        for (_, name, arguments) in CALLS.iter().filter(|(of, ..)| *of == service) {
            let arguments = serde_json::from_str(arguments).unwrap();
            compared += usize::from(same(&mcp, &client, name, &arguments).await);
        }
    }
    assert!(compared >= 30, "only {compared} calls did something");
}

/// Whether a tool did something; what it answers, or refuses, is the same in any case. Some answers tell the second of the call, so that one
/// on which the clock turned is compared once more.
async fn same(mcp: &Mcp, client: &super::OpenAi, name: &str, arguments: &Value) -> bool {
    let mut differing = String::new();
    for _ in 0..5 {
        let over_mcp = mcp.call(name, arguments.clone()).await;
        let over_chat = client.run(name, arguments).await;
        if over_mcp.status != 200 {
            assert_eq!(over_chat.status, over_mcp.status, "{name}: {}", over_chat.body);
            return false;
        }
        let result = over_mcp.result();
        let is_done = result["isError"] != true;
        let message = &over_chat.message()["tool_results"][0];
        assert_eq!(message["is_error"], json!(result["isError"] == true), "{name}: {message}");
        let (mut one, mut other) =
            (result["structuredContent"].clone(), message["structured_content"].clone());
        forget_chance(&mut one);
        forget_chance(&mut other);
        if one == other {
            return is_done;
        }
        differing = format!("{name}:\n{one}\n{other}");
    }
    panic!("{differing}");
}

/// Leaves out what is drawn or counted anew for every call.
fn forget_chance(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in [
                "next_cursor",
                "since_cursor",
                "confirm_token",
                "request_id",
                "expires_in_s",
                "took_ms",
                "latency_ms",
                "calls_left",
            ] {
                members.remove(name);
            }
            members.values_mut().for_each(forget_chance);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_chance),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
