//! The wire form of what clients look at first, as files to review: seed 002 is a client that showed "configured" and
//! never "connected" because of such details. A changed form is accepted with `INSTA_UPDATE=always cargo test`.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::{MODERN, Mcp};
use super::support::openai::OpenAi;
use super::support::peer::Peer;
use super::support::wire::Framing;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const VERSIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN];

fn settings(version: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_suffix(version);
    settings
}

/// Our own version number is no part of the form.
fn unversioned(mut value: Value) -> Value {
    let at = if value.get("serverInfo").is_some() {
        "/serverInfo"
    } else {
        "/_meta/io.modelcontextprotocol~1serverInfo"
    };
    let info = value.pointer_mut(at);
    if let Some(info) = info {
        assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
        info["version"] = json!("[version]");
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_sees_first_is_as_reviewed_in_every_version() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    for version in VERSIONS {
        let mut peer = Peer::open(&cluster.url, &login.access, (Framing::Post, version)).await;
        let opened = if version == MODERN {
            peer.result("server/discover", json!({})).await
        } else {
            peer.opened.clone()
        };
        // Seed 002-03, 002-04 and 002-07, whatever the files say.
        for name in ["tools", "prompts"] {
            assert_eq!(opened["capabilities"][name], json!({ "listChanged": true }), "{version}");
        }
        let info = opened.get("serverInfo").unwrap_or(&opened["_meta"]["io.modelcontextprotocol/serverInfo"]);
        // Implementations have a title since 2025-06-18.
        assert_eq!(info.get("title").is_some(), version >= "2025-06-18", "{version}: {info}");
        let tools = unversioned(peer.result("tools/list", json!({})).await);
        let names: Vec<&Value> =
            tools["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        let prompts = unversioned(peer.result("prompts/list", json!({})).await);
        assert!(prompts["prompts"].is_array() && names.len() > 3);
        let prompt = json!({ "name": "format_email_results", "arguments": { "format_style": "table" } });
        let prompt = unversioned(peer.result("prompts/get", prompt).await);
        let refusal = json!({ "name": "query_email", "arguments": { "days_back": "many" } });
        let refusal = unversioned(peer.result("tools/call", refusal).await);
        let mut errors = Vec::new();
        for (method, params) in [("no/such", json!({})), ("tools/call", json!({ "name": "no_such_tool" }))] {
            let (status, text) = peer.ask("\"an id\"", method, params).await;
            errors.push(json!({ "status": status, "body": serde_json::from_str::<Value>(&text).unwrap() }));
        }
        settings(version).bind(|| {
            assert_json_snapshot!("handshake", unversioned(opened));
            assert_json_snapshot!("tool_names", names);
            assert_json_snapshot!("one_tool", tools["tools"][0]);
            assert_json_snapshot!("prompts", prompts);
            assert_json_snapshot!("prompt", prompt);
            assert_json_snapshot!("refusal", refusal);
            assert_json_snapshot!("errors", errors);
            // Older versions leave members of this one out, as `one_tool` shows.
            if version == MODERN {
                assert_json_snapshot!("tools", tools);
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_of_other_services_are_as_reviewed() {
    let cluster = Cluster::embedded().await;
    for service in ["enrollment", "onedrive", "onenote", "teams"] {
        let resource = format!("{}/{service}/mcp", cluster.url);
        let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(ALICE).await;
        let mut client = Mcp::modern(&cluster.url, &login.access);
        client.endpoint = resource;
        let tools = client.send("tools/list", json!({})).await.result()["tools"].clone();
        settings(MODERN).bind(|| assert_json_snapshot!(format!("{service}_tools"), tools));
    }
}

/// Rows 001-34 and 001-35: a tool as a function of both APIs, and results as messages of role `tool`.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_as_a_function_and_its_result_as_a_message_are_as_reviewed() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let mail = OpenAi::new(&cluster.url, "mail-query", &login.access);
    let settings = settings("openai");
    let _here = settings.bind_to_scope();
    for (form, name) in [("", "/function/name"), ("?form=responses", "/name")] {
        let all = mail.get(&format!("/functions{form}")).await.body["data"].as_array().unwrap().clone();
        let one = all
            .iter()
            .find(|tool| tool.pointer(name).is_some_and(|name| name == "list_mail_folders"))
            .unwrap();
        assert_json_snapshot!(format!("function{}", form.replace(['?', '='], "_")), one);
    }
    for (what, arguments) in [("result", json!({"depth": 1})), ("failure", json!({"parent": "Nowhere"}))] {
        let mut answer = mail.run("list_mail_folders", &arguments).await.body;
        for (at, fixed) in [("/id", json!("[id]")), ("/created", json!("[created]"))] {
            *answer.pointer_mut(at).unwrap() = fixed;
        }
        let call = answer.pointer_mut("/choices/0/message/tool_results/0/tool_call_id").unwrap();
        assert!(call.as_str().unwrap().starts_with("call_"));
        *call = json!("[call]");
        assert_json_snapshot!(what, answer);
    }
}
