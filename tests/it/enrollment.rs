//! `/enrollment` as its user meets it: the own account, and nobody else's.

use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

async fn connect(cluster: &Cluster, service: &str, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/{service}/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

async fn enrollment(cluster: &Cluster, user: &str) -> Mcp {
    connect(cluster, "enrollment", user, "").await
}

async fn output(client: &Mcp, tool: &str, arguments: Value) -> Value {
    client.call(tool, arguments).await.output().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sees_ones_own_account_and_never_another_persons() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(enrollment(&cluster, ALICE), enrollment(&cluster, BOB));
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    assert_eq!(mail.call("list_mail_folders", json!({})).await.status, 200);
    let me = output(&alice, "whoami", json!({})).await;
    assert_eq!((&me["name"], &me["user_principal_name"]), (&json!("Alice Anderson"), &json!(ALICE)));
    let status = output(&alice, "get_account_status", json!({"user_id": "alice"})).await;
    assert_eq!(
        (&status["account"], &status["status"], &status["connections"]),
        (&json!(ALICE), &json!("active"), &json!(2))
    );
    let listed = output(&alice, "list_active_accounts", json!({})).await;
    let services: Vec<&str> = listed["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["service"].as_str().unwrap())
        .collect();
    assert!(
        services.len() == 2 && services.contains(&"mail-query") && services.contains(&"enrollment"),
        "{services:?}"
    );
    let his = bob.call("list_active_accounts", json!({"user_id": "alice"})).await;
    assert_eq!((&his.output()["account"], &his.output()["count"]), (&json!(BOB), &json!(1)));
    assert!(his.output()["warnings"][0].as_str().unwrap().contains("ignored"));
    assert!(!his.text.contains("Alice") && !his.text.contains(ALICE), "{}", his.text);
    let text = alice.call("list_active_accounts", json!({})).await.text;
    assert!(!text.contains("dcr_at_") && !text.contains("dcr_rt_"), "no credential: {text}");

    let all = output(&alice, "list_permissions", json!({"service": "mail-query"})).await;
    let row =
        |tool: &str| all["items"].as_array().unwrap().iter().find(|row| row["tool"] == tool).unwrap().clone();
    assert_eq!(
        (&row("query_email")["granted"], &row("query_email")["writes"]),
        (&json!(true), &json!(false))
    );
    assert_eq!((&row("send_email")["granted"], &row("send_email")["writes"]), (&json!(false), &json!(true)));
    let none = output(&alice, "list_permissions", json!({"service": "calendar"})).await;
    assert!(none["items"].as_array().unwrap().iter().all(|row| row["granted"] == false), "{none}");
    assert!(alice.call("list_permissions", json!({"service": "x"})).await.refusal().contains("mail-query"));

    let ways = output(
        &alice,
        "start_authentication",
        json!({"services": ["mail-query"], "extra_scopes": ["Mail.Send"]}),
    )
    .await;
    let way = &ways["items"][0];
    assert_eq!((&way["missing"], &way["connected"]), (&json!("Mail.Send"), &json!(true)));
    assert_eq!(way["connect_url"], format!("{}/mail-query/mcp", cluster.url));
    assert!(
        way["authorize_url"].as_str().unwrap().starts_with(&format!("{}/authorize?resource=", cluster.url))
    );
    for (arguments, part) in [
        (json!({"services": ["nowhere"]}), "services"),
        (json!({"extra_scopes": ["Directory.ReadWrite.All"]}), "extra_scopes"),
    ] {
        assert!(alice.call("start_authentication", arguments).await.refusal().contains(part));
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_ones_own_and_no_secret_is_taken() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(enrollment(&cluster, ALICE), enrollment(&cluster, BOB));
    let wish = json!({"user_name": "앨리스 \"A\" 🏗 & <b>", "time_zone": "Korea Standard Time", "language": "ko-KR",
        "default_services": ["mail-query", "onenote"], "use_env_vars": true});
    let made = output(&alice, "register_account", wish).await;
    assert_eq!(
        (&made["profile"]["time_zone"], &made["person"]["name"]),
        (&json!("Asia/Seoul"), &json!("Alice Anderson"))
    );
    let later = output(&alice, "register_account", json!({"language": "de"})).await;
    assert_eq!(
        (&later["profile"]["language"], &later["profile"]["user_name"]),
        (&json!("de"), &json!("앨리스 \"A\" 🏗 & <b>"))
    );
    assert_eq!(output(&alice, "get_account_status", json!({})).await["registered"], true);
    assert_eq!(output(&bob, "get_account_status", json!({})).await["registered"], false);
    for (arguments, part) in [
        (json!({"oauth_client_secret": "s3cret-s3cret"}), "oauth_client_secret"),
        (json!({"oauth_client_id": "x", "oauth_tenant_id": "y"}), "oauth_client_id"),
        (json!({"time_zone": "Mars/Base"}), "time_zone"),
        (json!({"language": "k o"}), "language"),
        (json!({"default_services": ["nowhere"]}), "default_services"),
        (json!({"user_name": "x".repeat(101)}), "user_name"),
    ] {
        let refused = alice.call("register_account", arguments).await;
        assert!(refused.refusal().contains(part), "{part}: {}", refused.text);
        assert!(!refused.text.contains("s3cret"), "{}", refused.text);
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tools_changed_is_listed_for_its_owner_and_purged_at_a_word() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(enrollment(&cluster, ALICE), enrollment(&cluster, BOB));
    let notes = connect(&cluster, "onenote", ALICE, "Notes.Create Notes.ReadWrite").await;
    let wish = json!({"action": "create", "section_name": "Ideas", "title": "Top secret title", "content": "secret words"});
    let page = output(&notes, "manage_page_content", wish).await;
    let preview = notes.call("manage_page_content", json!({"action": "delete", "page_id": page["id"]})).await;
    assert_eq!(preview.output()["status"], "confirmation_required");
    let refused = notes
        .call("edit_page", json!({"page_id": "1-33f8a242-7c33-4bb2-90c5-8425a68cc5bf", "content": "x"}))
        .await;
    refused.refusal();
    // Rows are written beside the call.
    let rows = http::eventually("three rows are kept", || async {
        let listed = output(&alice, "my_activity", json!({})).await;
        (listed["count"] == 3).then_some(listed)
    })
    .await;
    let mut outcomes: Vec<&str> =
        rows["items"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["confirmation_required", "done", "not_found"]);
    assert!(rows.to_string().contains(page["id"].as_str().unwrap()));
    assert!(!rows.to_string().contains("secret"), "{rows}");
    let one = output(&alice, "my_activity", json!({"tool": "edit_page", "limit": 1})).await;
    assert_eq!((&one["count"], &one["items"][0]["service"]), (&json!(1), &json!("onenote")));
    assert_eq!(output(&alice, "my_activity", json!({"since": "2199-01-01"})).await["count"], 0);
    assert!(alice.call("my_activity", json!({"since": "soon"})).await.refusal().contains("since"));
    assert_eq!(output(&bob, "my_activity", json!({})).await["count"], 0);

    output(&alice, "register_account", json!({"language": "en"})).await;
    output(&bob, "register_account", json!({"language": "en"})).await;
    let purged = alice.confirmed("purge_my_data", json!({})).await;
    assert_eq!(purged["removed"], json!(["onenote-book", "profile", "activity"]), "{purged}");
    assert_eq!(output(&alice, "my_activity", json!({})).await["count"], 0);
    assert_eq!(output(&alice, "get_account_status", json!({})).await["registered"], false);
    assert_eq!(output(&bob, "get_account_status", json!({})).await["registered"], true);
    let recents = output(&notes, "get_recent_onenote_items", json!({})).await;
    assert_eq!(recents["pages"], json!([]));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_ends_all_of_ones_own_connections_and_no_other() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(enrollment(&cluster, ALICE), enrollment(&cluster, BOB));
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let held = output(&alice, "disconnect_account", json!({})).await;
    assert!(held["preview"].as_str().unwrap().contains("mail-query"), "{held}");
    // A token is its owner's, and about exactly these connections.
    let stolen = json!({"confirm_token": held["confirm_token"]});
    assert!(bob.call("disconnect_account", stolen.clone()).await.refusal().contains("confirm_token"));
    let _third = connect(&cluster, "calendar", ALICE, "").await;
    assert!(alice.call("disconnect_account", stolen).await.refusal().contains("confirm_token"));
    let dry = output(&alice, "disconnect_account", json!({"dry_run": true})).await;
    assert_eq!(dry["status"], "preview");
    let done = alice.confirmed("disconnect_account", json!({})).await;
    assert_eq!(done["ended"], 3);
    for ended in [&alice, &mail] {
        assert_eq!(ended.send("tools/list", json!({})).await.status, 401);
    }
    assert_eq!(output(&bob, "whoami", json!({})).await["name"], "Bob Baker");
    cluster.assert_wire();
}
