//! Every answer of every protocol version against that version's schema, and no null member anywhere.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::{MODERN, Mcp};
use super::support::wire::Heard;
use serde_json::{Value, json};

/// One of everything that a client asks, good and bad. Each answer is checked by `Mcp` and again by the balancer.
async fn one_of_everything(mcp: &Mcp, mail: &str) {
    let listed = mcp.send("tools/list", json!({})).await;
    let tools = listed.result()["tools"].as_array().unwrap().clone();
    assert!(tools.len() >= 5);
    assert!(listed.text.len() <= 24 * 1024, "tools/list is {} bytes", listed.text.len());
    for tool in &tools {
        for member in ["name", "description", "inputSchema"] {
            assert!(tool.get(member).is_some(), "{member} is missing: {tool}");
        }
    }
    mcp.call("query_email", json!({ "days_back": 3650, "max_mails": 5 })).await.output();
    mcp.call("get_email", json!({ "id": mail })).await.output();
    mcp.call("get_email_thread", json!({ "id": mail })).await.output();
    mcp.call("list_mail_folders", json!({})).await.output();
    mcp.call("help", json!({})).await.output();
    mcp.call("query_email_help", json!({})).await.output();
    mcp.call("get_email", json!({ "id": "no-such-mail" })).await.refusal();
    mcp.call("query_email", json!({ "days_back": "x" })).await;
    mcp.call("no_such_tool", json!({})).await.error_code();
    mcp.send("no/such/method", json!({})).await.error_code();
}

fn first_id(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => match (members.get("id"), members.get("subject")) {
            (Some(Value::String(id)), Some(_)) => Some(id.clone()),
            _ => members.values().find_map(first_id),
        },
        Value::Array(items) => items.iter().find_map(first_id),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_fits_the_schema_of_its_version() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in("alice@contoso.example").await;
    let modern = Mcp::modern(&cluster.url, &login.access);
    modern.send("server/discover", json!({})).await.result();
    let found = modern.call("query_email", json!({ "days_back": 3650, "max_mails": 5 })).await;
    let mail = first_id(found.output()).expect("a mail with an id");
    one_of_everything(&modern, &mail).await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let legacy = Mcp::legacy(&cluster.url, &login.access, version).await;
        assert_eq!(legacy.send("ping", json!({})).await.result(), &json!({}));
        one_of_everything(&legacy, &mail).await;
        assert!(matches!(legacy.end_session().await, 200 | 204));
    }
    cluster.assert_wire();
    let heard = cluster.balancer.recorder.heard();
    for version in ["2025-03-26", "2025-06-18", "2025-11-25", MODERN] {
        for method in ["tools/list", "tools/call"] {
            let is_it = |one: &Heard| one.version == version && one.method == method && one.is_result();
            assert!(heard.iter().any(is_it), "no result of {method} in {version}: {heard:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_answers_fit_the_output_schema_that_the_list_promises() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in("minji@contoso.example").await;
    let mcp = Mcp::modern(&cluster.url, &login.access);
    let listed = mcp.send("tools/list", json!({})).await;
    let found = mcp.call("query_email", json!({ "days_back": 3650, "max_mails": 5 })).await;
    let mail = first_id(found.output()).expect("a mail with an id");
    for (tool, arguments) in [
        ("query_email", json!({ "days_back": 3650, "max_mails": 50, "include_body": true })),
        ("query_email", json!({ "days_back": 3650, "keyword": "계약" })),
        ("get_email", json!({ "id": mail })),
        ("get_email_thread", json!({ "id": mail })),
        ("list_mail_folders", json!({})),
        ("help", json!({})),
        ("query_email_help", json!({})),
    ] {
        let tools = listed.result()["tools"].as_array().unwrap();
        let spec = tools.iter().find(|spec| spec["name"] == tool).unwrap();
        let schema = jsonschema::validator_for(&spec["outputSchema"]).unwrap();
        let answer = mcp.call(tool, arguments).await;
        let faults: Vec<String> =
            schema.iter_errors(answer.output()).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{tool}: {faults:?}\n{}", answer.text);
    }
}
