//! Mail, files and guides as resources: listed and read in both eras, and each user's own.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::Mcp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashSet;

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

/// A client of one service with the scopes that its challenge names.
async fn connect(cluster: &Cluster, path: &str, user: &str) -> Mcp {
    let resource = format!("{}{path}", cluster.url);
    let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(user).await;
    Mcp::of(&resource, &login.access)
}

/// Everything that is listed, page by page.
async fn listed(client: &Mcp) -> Vec<Value> {
    let (mut all, mut params) = (Vec::new(), json!({}));
    loop {
        let page = client.send("resources/list", params).await;
        all.extend(page.result()["resources"].as_array().unwrap().clone());
        let Some(next) = page.result().get("nextCursor") else { return all };
        params = json!({ "cursor": next });
    }
}

async fn contents(client: &Mcp, uri: &str) -> Value {
    let read = client.send("resources/read", json!({ "uri": uri })).await;
    let contents = read.result()["contents"].as_array().unwrap();
    assert_eq!((contents.len(), &contents[0]["uri"]), (1, &json!(uri)));
    contents[0].clone()
}

/// The id of a file of Alice's.
async fn id_of(cluster: &Cluster, path: &str) -> String {
    let item = cluster.tenant.graph(ALICE, &format!("/me/drive/root:/{path}")).await;
    item["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_as_text_or_as_they_are_by_their_user_alone() {
    let cluster = Cluster::embedded().await;
    let (picture, odd) = (b"\x89PNG\r\n\x1a\n secret pixels".to_vec(), vec![0_u8, 159, 146, 150, 1, 2, 3]);
    for (name, bytes) in [
        ("harbour.png", picture.clone()),
        ("odd.bin", odd.clone()),
        ("large.png", vec![7; (4 << 20) + 1]),
        ("plain.txt", "회의록: the crane is late".into()),
    ] {
        cluster.tenant.put_file(ALICE, name, bytes).await;
    }
    let alice = connect(&cluster, "/onedrive/mcp", ALICE).await;
    let templates = alice.send("resources/templates/list", json!({})).await;
    assert_eq!(templates.result()["resourceTemplates"][0]["uriTemplate"], "file://onedrive/{id}");
    let recent = listed(&alice).await;
    let named = |name: &str| recent.iter().find(|entry| entry["title"] == name).cloned();
    let text = named("plain.txt").unwrap_or_else(|| panic!("{recent:?}"));
    assert_eq!(text["mimeType"], "text/markdown");
    let read = contents(&alice, text["uri"].as_str().unwrap()).await;
    assert!(read["text"].as_str().unwrap().contains("회의록: the crane is late"), "{read}");
    let shown = named("harbour.png").unwrap();
    assert_eq!(shown["mimeType"], "image/png");
    let read = contents(&alice, shown["uri"].as_str().unwrap()).await;
    assert_eq!((&read["mimeType"], &read["blob"]), (&json!("image/png"), &json!(STANDARD.encode(&picture))));
    let uri = format!("file://onedrive/{}", id_of(&cluster, "odd.bin").await);
    assert_eq!(contents(&alice, &uri).await["blob"], STANDARD.encode(&odd));
    // As by the tool.
    let uri = format!("file://onedrive/{}", id_of(&cluster, "Documents/Budget%202026.xlsx").await);
    let tool = alice.call("read_file", json!({"file_path": "Documents/Budget 2026.xlsx"})).await;
    let read = contents(&alice, &uri).await;
    assert_eq!(read["text"], tool.result()["content"][0]["text"]);
    let large = format!("file://onedrive/{}", id_of(&cluster, "large.png").await);
    let refused = alice.send("resources/read", json!({ "uri": large })).await;
    assert!(refused.text.contains("4 MB"), "{}", refused.text);

    let folder = id_of(&cluster, "Documents").await;
    let away = format!("file://onedrive/{folder}");
    for uri in ["file://onedrive/", "file://onedrive/notes.txt", "file://onedrive/..%2f..%2fme", &*away] {
        let refused = alice.send("resources/read", json!({ "uri": uri })).await;
        assert_eq!(refused.error_code(), -32602, "{uri}: {}", refused.text);
    }
    let bob = connect(&cluster, "/onedrive/mcp", BOB).await;
    for entry in &recent {
        let uri = entry["uri"].as_str().unwrap();
        // Those in drives of others take a permission that neither of them has.
        if uri.starts_with("file:") && !uri.contains("%3A") {
            let refused = bob.send("resources/read", json!({ "uri": uri })).await;
            assert_eq!(refused.error_code(), -32602, "{uri}: {}", refused.text);
        }
    }
    let his = listed(&bob).await;
    let uris: HashSet<&str> = recent.iter().map(|entry| entry["uri"].as_str().unwrap()).collect();
    assert!(his.iter().all(|entry| entry["title"] != "plain.txt"), "{his:?}");
    let common: Vec<_> = his.iter().filter(|entry| uris.contains(entry["uri"].as_str().unwrap())).collect();
    assert!(common.iter().all(|entry| entry["uri"] == "help://onedrive"), "{common:?}");
}

const SERVICES: [&str; 8] =
    ["mail-query", "calendar", "teams", "onedrive", "onenote", "enrollment", "net", "iacs"];

#[tokio::test(flavor = "multi_thread")]
async fn every_service_has_its_guide_and_the_root_has_all_of_them() {
    let enabled = format!("m365,m365-daily,{}", SERVICES.join(","));
    let settings = [("ENTRADA_SERVICES__ENABLED", enabled.as_str())];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let mut guides = Vec::new();
    for service in SERVICES.into_iter().chain(["m365-daily"]) {
        let client = connect(&cluster, &format!("/{service}/mcp"), ALICE).await;
        let uri = format!("help://{service}");
        let all = listed(&client).await;
        let found: Vec<_> = all.iter().filter(|entry| entry["uri"] == uri).collect();
        assert_eq!((found.len(), &found[0]["mimeType"]), (1, &json!("text/markdown")), "{service}");
        let text = contents(&client, &uri).await["text"].as_str().unwrap().to_owned();
        let tools = client.send("tools/list", json!({})).await;
        for tool in tools.result()["tools"].as_array().unwrap() {
            assert!(text.contains(tool["name"].as_str().unwrap()), "{service}: {tool}");
        }
        let opened = client.send("server/discover", json!({})).await;
        assert!(text.contains(opened.result()["instructions"].as_str().unwrap().trim()), "{service}");
        for other in ["help://", "help://nothing", "help://m365"] {
            let refused = client.send("resources/read", json!({ "uri": other })).await;
            assert_eq!(refused.error_code(), -32602, "{service} {other}: {}", refused.text);
        }
        guides.push((service, text));
    }
    let root = connect(&cluster, "/mcp", ALICE).await;
    let all = listed(&root).await;
    let uris: Vec<&str> = all.iter().map(|entry| entry["uri"].as_str().unwrap()).collect();
    assert_eq!(uris.iter().collect::<HashSet<_>>().len(), uris.len(), "{uris:?}");
    assert!(uris.contains(&"help://m365") && uris.iter().any(|uri| uri.starts_with("file://onedrive/")));
    for (service, text) in guides.iter().filter(|(service, _)| *service != "m365-daily") {
        let uri = format!("help://{service}");
        assert!(uris.contains(&&*uri), "{uris:?}");
        assert_eq!(contents(&root, &uri).await["text"], *text);
    }
    let templates = root.send("resources/templates/list", json!({})).await;
    let templates = templates.result()["resourceTemplates"].as_array().unwrap();
    for expected in ["mail://message/{id}", "file://onedrive/{id}", "help://{service}"] {
        assert_eq!(templates.iter().filter(|one| one["uriTemplate"] == expected).count(), 1, "{expected}");
    }
    let asked = json!({"ref": {"type": "ref/resource", "uri": "help://{service}"},
        "argument": {"name": "service", "value": "one"}});
    let completed = root.send("completion/complete", asked).await;
    assert_eq!(completed.result()["completion"]["values"], json!(["onedrive", "onenote"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_drive_sees_the_rest_of_the_list() {
    let cluster = Cluster::embedded().await;
    let root = connect(&cluster, "/mcp", ALICE).await;
    let away = json!({"path": "/v1.0/me/drive/recent*", "status": 404, "times": 1,
        "body": {"error": {"code": "itemNotFound", "message": "No drive."}}});
    cluster.tenant.fault(away).await;
    let uris: Vec<Value> = listed(&root).await.into_iter().map(|entry| entry["uri"].clone()).collect();
    assert_eq!(cluster.tenant.faults_left().await, 0);
    assert!(uris.contains(&json!("help://onenote")) && uris.contains(&json!("help://m365")), "{uris:?}");
    assert!(!uris.iter().any(|uri| uri.as_str().unwrap().starts_with("file:")), "{uris:?}");
}
