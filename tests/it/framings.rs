//! One of everything in every framing and version. Each message is checked on the wire; here it is made sure that it
//! was said.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::MODERN;
use super::support::peer::{Peer, WAYS};
use super::support::wire::Recorder;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";

/// Asks everything that this version has; the methods.
async fn everything(peer: &mut Peer) -> Vec<&'static str> {
    let mut asked = vec!["tools/list", "prompts/list", "prompts/get", "tools/call"];
    for list in ["tools/list", "prompts/list"] {
        peer.result(list, json!({})).await;
    }
    let prompt = json!({ "name": "format_email_results", "arguments": { "format_style": "table" } });
    let messages = peer.result("prompts/get", prompt).await;
    assert!(["user", "assistant"].contains(&messages["messages"][0]["role"].as_str().unwrap()));
    peer.result("tools/call", json!({ "name": "list_mail_folders" })).await;
    let refused =
        peer.result("tools/call", json!({ "name": "get_email", "arguments": { "id": "none" } })).await;
    assert_eq!(refused["isError"], true);
    if peer.version != MODERN {
        peer.result("ping", json!({})).await;
        asked.push("ping");
    }
    let capabilities = if peer.version == MODERN {
        asked.push("server/discover");
        peer.result("server/discover", json!({})).await["capabilities"].clone()
    } else {
        peer.opened["capabilities"].clone()
    };
    if capabilities.get("resources").is_some() {
        peer.result("resources/templates/list", json!({})).await;
        let listed = peer.result("resources/list", json!({})).await;
        let uri = listed["resources"][0]["uri"].as_str().unwrap();
        peer.result("resources/read", json!({ "uri": uri })).await;
        asked.extend(["resources/templates/list", "resources/list", "resources/read"]);
    }
    if capabilities.get("completions").is_some() {
        let argument = json!({ "name": "format_style", "value": "t" });
        let reference = json!({ "type": "ref/prompt", "name": "format_email_results" });
        peer.result("completion/complete", json!({ "ref": reference, "argument": argument })).await;
        asked.push("completion/complete");
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_everything_in_every_framing_and_version() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    for (framing, version) in WAYS {
        let mut peer = Peer::open(cluster.replica_url(0), &login.access, (framing, version)).await;
        let asked = everything(&mut peer).await;
        let heard = Recorder::direct().heard();
        for method in asked {
            let was_said = heard.iter().any(|one| {
                (one.framing, one.version.as_str(), one.method.as_str()) == (framing, version, method)
                    && one.is_result()
            });
            assert!(was_said, "{framing:?} {version} {method} was not checked");
        }
    }
    println!("{} messages checked", Recorder::direct().checked());
}

/// What clients cache, compare or diff must not change its order by itself.
#[tokio::test(flavor = "multi_thread")]
async fn lists_are_the_same_over_calls_sessions_and_replicas() {
    let Some(cluster) = Cluster::pair().await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    for (framing, version) in WAYS {
        for list in ["tools/list", "prompts/list"] {
            let mut seen: Option<Value> = None;
            for replica in 0..2 {
                let mut peer =
                    Peer::open(cluster.replica_url(replica), &login.access, (framing, version)).await;
                for _ in 0..2 {
                    let (_, text) = peer.ask("1", list, json!({})).await;
                    let first = seen.get_or_insert_with(|| Value::from(text.clone()));
                    assert_eq!(first.as_str().unwrap(), text, "{framing:?} {version} {list}");
                }
            }
        }
    }
}
