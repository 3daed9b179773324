//! Mail as resources: listed and read in both eras, and each user's own.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::json;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

#[tokio::test(flavor = "multi_thread")]
async fn folders_and_messages_are_read_by_their_user_alone() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = tokio::join!(client.sign_in(ALICE), client.sign_in(BOB));
    let inbox = cluster.tenant.graph(ALICE, "/me/mailFolders/inbox/messages?$top=1&$select=id,subject").await;
    let (id, subject) =
        (inbox["value"][0]["id"].as_str().unwrap(), inbox["value"][0]["subject"].as_str().unwrap());
    let message = format!("mail://message/{id}");
    for legacy in [true, false] {
        let of = async |bearer: &str| {
            if legacy {
                Mcp::legacy(&cluster.url, bearer, "2025-06-18").await
            } else {
                Mcp::modern(&cluster.url, bearer)
            }
        };
        let (hers, his) = (of(&alice.access).await, of(&bob.access).await);
        let templates = hers.send("resources/templates/list", json!({})).await;
        let templates = templates.result()["resourceTemplates"].as_array().unwrap().clone();
        assert!(templates.iter().any(|one| one["uriTemplate"] == "mail://message/{id}"));
        let listed = hers.send("resources/list", json!({})).await;
        let listed = listed.result()["resources"].as_array().unwrap().clone();
        assert!(!listed.is_empty());
        for folder in &listed {
            let read = hers.send("resources/read", json!({ "uri": folder["uri"] })).await;
            let contents = read.result()["contents"].as_array().unwrap();
            assert!(!contents.is_empty() && contents[0]["uri"] == folder["uri"], "{}", read.text);
            assert!(!contents[0]["text"].as_str().unwrap().is_empty(), "{}", read.text);
        }
        let read = hers.send("resources/read", json!({ "uri": message })).await;
        assert!(read.result()["contents"][0]["text"].as_str().unwrap().contains(subject), "{}", read.text);
        let code = if legacy { -32002 } else { -32602 };
        let folder = listed.iter().find(|folder| folder["name"].as_str().unwrap().contains('/'));
        let folder = folder.map_or(message.as_str(), |folder| folder["uri"].as_str().unwrap());
        for uri in
            [&*message, folder, "mail://message/", "mail://message/%00", "mail://folder/a/b", "file:///x"]
        {
            let refused = his.send("resources/read", json!({ "uri": uri })).await;
            assert_eq!(refused.error_code(), code, "{uri}: {}", refused.text);
            assert!(!refused.text.contains(subject));
        }
    }
}
