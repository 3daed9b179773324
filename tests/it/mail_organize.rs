//! Putting mail in order as a user meets it: marks, moves, removal, what changed since the last look.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const ORGANIZE: &str = "organize_email";
const DELETE: &str = "delete_email";
const CHANGES: &str = "mail_changes";
const SETTINGS: &str = "mailbox_settings";
const FOLDER: &str = "\"Crane\" 🏗 100% / שלום";

/// A client that may write.
async fn writer(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "Mail.ReadWrite Mail.Send").await
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let client = Client::register(&cluster.url).await.with_scope(scope);
    Mcp::modern(&cluster.url, &client.sign_in(user).await.access)
}

/// Messages of a folder, as Graph itself tells them, newest first.
async fn listed(cluster: &Cluster, user: &str, folder: &str) -> Vec<Value> {
    let all = cluster.tenant.graph(user, &format!("/me/mailFolders/{folder}/messages?$top=1000")).await;
    all["value"].as_array().unwrap().clone()
}

async fn ids(cluster: &Cluster, user: &str, count: usize) -> Vec<String> {
    let rows = listed(cluster, user, "inbox").await;
    assert!(rows.len() >= count, "{}", rows.len());
    rows.iter().take(count).map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn message(cluster: &Cluster, user: &str, id: &str) -> Value {
    cluster.tenant.graph(user, &format!("/me/messages/{id}")).await
}

fn failed(result: &Value) -> Vec<&str> {
    let rows = result["results"].as_array().unwrap().iter();
    rows.filter(|row| row["ok"] == false).map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_are_marked_and_moved_in_few_requests() {
    let plan = Plan { tenant_arguments: &["--messages", "80"], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = writer(&cluster, ALICE).await;
    let ids = ids(&cluster, ALICE, 50).await;
    let wish = json!({"ids": ids, "mark": "read", "flag": "flagged", "categories": ["Blue category", "크레인"],
        "importance": "Low", "move_to": FOLDER, "create_folder": "yes"});
    let mut dry = wish.clone();
    dry["dry_run"] = json!(true);
    let dry = alice.call(ORGANIZE, dry).await.output().clone();
    assert!(dry["preview"].as_str().unwrap().contains("(a new folder)"), "{dry}");
    let batches = async || cluster.tenant.counters().await["routes"]["POST /v1.0/$batch"].clone();
    let before = batches().await;
    let done = alice.call(ORGANIZE, wish.clone()).await.output().clone();
    assert_eq!((&done["done"], &done["failed"]), (&json!(50), &json!(0)), "{done}");
    assert_ne!(before, batches().await);
    for id in [&ids[0], &ids[49]] {
        let now = message(&cluster, ALICE, id).await;
        assert_eq!((&now["isRead"], &now["flag"]["flagStatus"]), (&json!(true), &json!("flagged")));
        assert_eq!(
            (&now["categories"], &now["importance"]),
            (&json!(["Blue category", "크레인"]), &json!("low"))
        );
    }
    let tree = alice.call("list_mail_folders", json!({})).await.output()["items"].clone();
    let made: Vec<&Value> =
        tree.as_array().unwrap().iter().filter(|folder| folder["name"] == FOLDER).collect();
    assert_eq!((made.len(), &made[0]["total"]), (1, &json!(50)), "{tree}");

    // Once more changes nothing, and the folder is found by its name.
    assert_eq!(alice.call(ORGANIZE, wish).await.output()["failed"], 0);
    let back =
        json!({"ids": [ids[0]], "move_to": "inbox", "mark": "unread", "flag": "none", "categories": []});
    assert_eq!(alice.call(ORGANIZE, back).await.output()["done"], 1);
    let now = message(&cluster, ALICE, &ids[0]).await;
    assert_eq!((&now["isRead"], &now["categories"]), (&json!(false), &json!([])));

    // Of several, those that are there are changed.
    let some =
        json!({"ids": [ids[1], "nonsense", ids[2], "'%#/../x"], "mark": "unread", "move_to": "archive"});
    let done = alice.call(ORGANIZE, some).await.output().clone();
    assert_eq!(failed(&done), ["nonsense", "'%#/../x"], "{done}");
    assert_eq!(message(&cluster, ALICE, &ids[2]).await["isRead"], false);
    assert_eq!(
        listed(&cluster, ALICE, "archive").await.iter().filter(|row| row["id"] == ids[2].as_str()).count(),
        1
    );
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_parts_go_again() {
    let cluster = Cluster::embedded().await;
    let alice = writer(&cluster, ALICE).await;
    let ids = ids(&cluster, ALICE, 3).await;
    let wait = json!({"path": "/v1.0/$batch", "status": 429, "headers": {"Retry-After": "0"}, "times": 2});
    cluster.tenant.fault(wait).await;
    let lost = json!({"path": "/v1.0/$batch", "reset": true, "after": true, "times": 1});
    cluster.tenant.fault(lost).await;
    let done = alice.call(ORGANIZE, json!({"ids": ids, "move_to": "archive"})).await.output().clone();
    assert_eq!((&done["done"], cluster.tenant.faults_left().await), (&json!(3), 0), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_removed_after_a_word_and_as_a_whole() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(writer(&cluster, ALICE), writer(&cluster, BOB));
    let ids = ids(&cluster, ALICE, 4).await;
    let subject = message(&cluster, ALICE, &ids[0]).await["subject"].as_str().unwrap().to_owned();
    let wish = json!({"ids": [ids[0], ids[1]]});
    let held = alice.call(DELETE, wish.clone()).await.output().clone();
    let shown = held["preview"].as_str().unwrap();
    assert!(shown.contains("Deleted Items") && shown.contains(subject.trim()), "{shown}");
    // The token is for these, for this way, and for Alice.
    let with = |ids: &[&String], permanent: bool| json!({"ids": ids, "permanent": permanent, "confirm_token": held["confirm_token"]});
    for other in [with(&[&ids[0], &ids[2]], false), with(&[&ids[0], &ids[1]], true)] {
        assert!(alice.call(DELETE, other).await.refusal().contains("confirm_token"));
    }
    assert!(bob.call(DELETE, with(&[&ids[0], &ids[1]], false)).await.refusal().contains("no such item"));
    let done = alice.call(DELETE, with(&[&ids[0], &ids[1]], false)).await.output().clone();
    assert_eq!(done["done"], 2);
    let trash = listed(&cluster, ALICE, "deleteditems").await;
    assert!(trash.iter().any(|row| row["id"] == ids[0].as_str()), "it can be brought back");
    // With one id that leads nowhere nothing is removed.
    let some = json!({"ids": [ids[2], "nonsense"], "permanent": true});
    assert!(alice.call(DELETE, some).await.refusal().contains("nothing was removed: nonsense"));
    let gone = alice.confirmed(DELETE, json!({"ids": [ids[2]], "permanent": true})).await;
    assert_eq!(gone["done"], 1);
    assert!(alice.call("get_email", json!({"id": ids[2]})).await.refusal().contains("no such item"));
    assert_eq!(message(&cluster, ALICE, &ids[3]).await["id"], ids[3].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_from_the_last_look_on() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(writer(&cluster, ALICE), writer(&cluster, BOB));
    let ids = ids(&cluster, ALICE, 2).await;
    let first = alice.call(CHANGES, json!({})).await.output().clone();
    assert_eq!((&first["added"], &first["removed"]), (&json!([]), &json!([])), "{first}");
    let since =
        async |cursor: &Value| alice.call(CHANGES, json!({"since_cursor": cursor})).await.output().clone();
    let quiet = since(&first["since_cursor"]).await;
    assert_eq!((&quiet["added"], &quiet["updated"], &quiet["removed"]), (&json!([]), &json!([]), &json!([])));
    let subject = "Look 🏗 here";
    bob.confirmed("send_email", json!({"to": [ALICE], "subject": subject, "body": "x"})).await;
    alice.call(ORGANIZE, json!({"ids": [ids[0]], "importance": "high"})).await.output();
    alice.call(ORGANIZE, json!({"ids": [ids[1]], "move_to": "archive"})).await.output();
    let told = since(&quiet["since_cursor"]).await;
    assert_eq!(
        (told["added"].as_array().unwrap().len(), &told["added"][0]["subject"]),
        (1, &json!(subject)),
        "{told}"
    );
    assert_eq!((&told["updated"][0]["id"], &told["removed"]), (&json!(ids[0]), &json!([ids[1]])));
    assert_eq!(since(&told["since_cursor"]).await["added"], json!([]));
    // The same look once more tells the same.
    assert_eq!(since(&quiet["since_cursor"]).await["added"], told["added"]);
    let foreign = bob.call(CHANGES, json!({"since_cursor": told["since_cursor"]})).await.refusal();
    assert!(foreign.contains("since_cursor"), "{foreign}");
    for (bad, part) in [
        (json!({"since_cursor": "c_none"}), "since_cursor"),
        (json!({"folder": "No such folder"}), "No such folder"),
        (json!({"mailbox": "bob"}), "mailbox"),
    ] {
        let refused = alice.call(CHANGES, bad).await.refusal();
        assert!(refused.contains(part), "{refused}");
    }
    cluster
        .tenant
        .fault(json!({"path": "/v1.0/me/mailFolders/*/messages/delta", "status": 410, "times": 1,
        "body": {"error": {"code": "SyncStateNotFound", "message": "gone"}}}))
        .await;
    let old = alice.call(CHANGES, json!({"since_cursor": told["since_cursor"]})).await.refusal();
    assert!(old.contains("begin anew"), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_orders_anothers_mail_and_bad_wishes_name_the_argument() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(writer(&cluster, ALICE), writer(&cluster, BOB));
    let own = ids(&cluster, ALICE, 2).await;
    let before = message(&cluster, ALICE, &own[0]).await;
    let wish = json!({"ids": own, "mark": "unread", "importance": "high", "move_to": "archive"});
    let stolen = bob.call(ORGANIZE, wish).await.output().clone();
    assert_eq!((failed(&stolen).len(), &stolen["done"]), (2, &json!(0)), "{stolen}");
    assert!(
        bob.call(DELETE, json!({"ids": own, "permanent": true})).await.refusal().contains("no such item")
    );
    let folder = listed(&cluster, ALICE, "inbox").await[0]["parentFolderId"].clone();
    let theirs = ids(&cluster, BOB, 1).await;
    let astray = bob.call(ORGANIZE, json!({"ids": theirs, "move_to": folder})).await.output().clone();
    assert_eq!(failed(&astray).len(), 1, "into a folder of Alice's: {astray}");
    assert_eq!(message(&cluster, ALICE, &own[0]).await, before);

    let many: Vec<String> = (0..51).map(|n| format!("id{n}")).collect();
    for (tool, arguments, part) in [
        (ORGANIZE, json!({"mark": "read"}), "ids"),
        (ORGANIZE, json!({"ids": [], "mark": "read"}), "ids"),
        (ORGANIZE, json!({"ids": many, "mark": "read"}), "ids"),
        (ORGANIZE, json!({"ids": own}), "Nothing would change"),
        (ORGANIZE, json!({"ids": own, "mark": "seen"}), "mark"),
        (ORGANIZE, json!({"ids": own, "flag": "red"}), "flag"),
        (ORGANIZE, json!({"ids": own, "categories": ["a\r\nb"]}), "categories"),
        (ORGANIZE, json!({"ids": own, "move_to": "No such folder"}), "No such folder"),
        (ORGANIZE, json!({"ids": own, "move_to": "a\nb", "create_folder": true}), "move_to"),
        (ORGANIZE, json!({"ids": own, "move_to": "Deleted Items"}), "delete_email"),
        (ORGANIZE, json!({"ids": own, "mark": "read", "mailbox": "bob"}), "mailbox"),
        (DELETE, json!({"ids": []}), "ids"),
        (DELETE, json!({"ids": many}), "ids"),
        (DELETE, json!({"ids": ["nonsense"]}), "nothing was removed"),
        (DELETE, json!({"ids": own, "confirm_token": "w_none"}), "confirm_token"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
    let reader = asking(&cluster, ALICE, "Mail.Read").await;
    for tool in [ORGANIZE, DELETE] {
        let refused = reader.call(tool, json!({"ids": own, "mark": "read"})).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert!(refused.header("www-authenticate").contains("Mail.ReadWrite"));
    }
    assert_eq!(message(&cluster, ALICE, &own[0]).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_replies_are_read_and_set_after_a_word() {
    let cluster = Cluster::embedded().await;
    let scope = "MailboxSettings.ReadWrite";
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, scope), asking(&cluster, BOB, scope));
    let read = async |client: &Mcp| client.call(SETTINGS, json!({})).await.output().clone();
    let before = read(&alice).await;
    assert_eq!(
        (&before["auto_reply"], &before["time_zone"]),
        (&json!("off"), &json!("W. Europe Standard Time"))
    );
    let wish = json!({"auto_reply": "scheduled", "start": "2030-07-01", "end": "2030-07-05", "external_audience": "contacts",
        "internal_message": "Away <script>x</script>, call **Bob** 🏗", "external_message": "\u{5d0}way & back"});
    let mut dry = wish.clone();
    dry["dry_run"] = json!(true);
    assert!(alice.call(SETTINGS, dry).await.output()["preview"].as_str().unwrap().contains("call Bob 🏗"));
    let held = alice.call(SETTINGS, wish.clone()).await.output().clone();
    let mut stolen = wish.clone();
    stolen["confirm_token"] = held["confirm_token"].clone();
    assert!(bob.call(SETTINGS, stolen).await.refusal().contains("confirm_token"));
    assert_eq!(read(&alice).await, before);
    let set = alice.confirmed(SETTINGS, wish).await;
    assert_eq!(
        (&set["start"], &set["end"]),
        (&json!("2030-07-01T00:00:00+02:00"), &json!("2030-07-06T00:00:00+02:00"))
    );
    assert_eq!(
        (&set["external_audience"], &set["external_message"]),
        (&json!("contacts"), &json!("\u{5d0}way & back"))
    );
    assert!(!set["internal_message"].as_str().unwrap().contains("script"), "{set}");
    assert_eq!(read(&bob).await["auto_reply"], "off");
    assert_eq!(alice.call(SETTINGS, json!({"auto_reply": "off"})).await.output()["auto_reply"], "off");
    for (bad, part) in [
        (json!({"auto_reply": "maybe"}), "auto_reply"),
        (json!({"auto_reply": "scheduled", "start": "2030-07-01"}), "end"),
        (json!({"auto_reply": "scheduled", "start": "2030-07-05", "end": "2030-07-01"}), "end"),
        (json!({"auto_reply": "on", "start": "2030-07-05"}), "start"),
        (json!({"internal_message": "x"}), "auto_reply"),
        (json!({"mailbox": BOB}), "mailbox"),
    ] {
        let refused = alice.call(SETTINGS, bad.clone()).await.refusal();
        assert!(refused.contains(part), "{bad}: {refused}");
    }
    let reader = asking(&cluster, ALICE, "Mail.Read").await.call(SETTINGS, json!({})).await;
    assert_eq!(reader.status, 403);
    assert!(reader.header("www-authenticate").contains(scope));
}
