//! Files of mail as a user meets them: attached by reference, found and kept in OneDrive, messages exported; and what is
//! refused.

mod export;
mod find;

use super::documents::hwp;
use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const CREATE: &str = "create_email_draft";
const UPDATE: &str = "update_email_draft";
const SEND_DRAFT: &str = "send_email_draft";
const SEND: &str = "send_email";
const ALL: &str = "Mail.ReadWrite Mail.Send Files.ReadWrite";
const SUBJECT: &str = "Files #1 100% '🚢' 견적";

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let client = Client::register(&cluster.url).await.with_scope(scope);
    Mcp::modern(&cluster.url, &client.sign_in(user).await.access)
}

/// The newest message about [`SUBJECT`] in a folder with its files, as Graph itself tells them.
async fn newest(cluster: &Cluster, user: &str, folder: &str) -> Value {
    let path = format!("/me/mailFolders/{folder}/messages?$top=100&$expand=attachments");
    let all = cluster.tenant.graph(user, &path).await;
    let hit = all["value"].as_array().unwrap().iter().find(|row| row["subject"] == SUBJECT);
    hit.unwrap_or_else(|| panic!("nothing in {folder} of {user}")).clone()
}

fn files(message: &Value) -> Vec<(&str, u64)> {
    let all = message["attachments"].as_array().unwrap();
    all.iter().map(|file| (file["name"].as_str().unwrap(), file["size"].as_u64().unwrap())).collect()
}

fn wish(attach: &[&str]) -> Value {
    json!({"to": [BOB], "subject": SUBJECT, "body": "see the files", "attach": attach})
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_along_by_reference_and_the_word_is_about_exactly_them() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL));
    let put = async |bytes: Vec<u8>| {
        cluster
            .tenant
            .put_file(ALICE, "Out/%EA%B2%AC%EC%A0%81%20%231%20100%25%20'%F0%9F%9A%A2'.hwp", bytes)
            .await;
    };
    put(hwp(0, "첫 견적")).await;
    let large = "large line\n".repeat(600_000);
    cluster.tenant.put_file(ALICE, "Out/large.txt", large.clone().into_bytes()).await;
    let given = wish(&["onedrive:/Out/견적 #1 100% '🚢'.hwp", " onedrive:Out/large.txt"]);
    let held = alice.call(SEND, given.clone()).await.output().clone();
    let shown = held["preview"].as_str().unwrap();
    assert!(shown.contains("견적 #1 100% '🚢'.hwp") && shown.contains(&large.len().to_string()), "{shown}");
    // Another file under the same name is another mail.
    put(hwp(0, "다른 견적")).await;
    let mut agreed = given.clone();
    agreed["confirm_token"] = held["confirm_token"].clone();
    assert!(alice.call(SEND, agreed).await.refusal().contains("confirm_token"));
    let lost = json!({"path": "/mail-upload/", "method": "PUT", "status": 503, "times": 1, "headers": {"Retry-After": "0"}});
    cluster.tenant.fault(lost).await;
    alice.confirmed(SEND, given.clone()).await;
    assert_eq!(cluster.tenant.faults_left().await, 0);
    let received = newest(&cluster, BOB, "inbox").await;
    let got = files(&received);
    assert_eq!(
        (got.len(), got[0].0, got[1]),
        (2, "견적 #1 100% '🚢'.hwp", ("large.txt", large.len() as u64))
    );
    // The same mail with the same files is sent once.
    let again = alice.call(SEND, given).await.output().clone();
    assert!(again["warnings"][0].as_str().unwrap().contains("not sent again"), "{again}");
    let read = json!({"message_id": received["id"], "name": got[0].0});
    assert_eq!(bob.call("get_attachment", read).await.output()["text"], "다른 견적");
    let marks = cluster.tenant.counters().await["marks"].clone();
    assert!(marks["mail.transfers"].as_u64().unwrap() >= 3, "{marks}");
    assert_eq!(marks["mail.authorization_leaked"].as_u64().unwrap_or(0), 0, "uploads see no token");

    // Bob passes one of them on, by id; Alice's message is not his.
    let attachment = &received["attachments"][0];
    let reference =
        format!("mail:{}/{}", received["id"].as_str().unwrap(), attachment["id"].as_str().unwrap());
    let draft = bob
        .call(CREATE, json!({"to": [ALICE], "subject": SUBJECT, "body": "x", "attach": [reference]}))
        .await;
    assert!(draft.output()["preview"].as_str().unwrap().contains("견적 #1 100% '🚢'.hwp"), "{}", draft.text);
    assert_eq!(files(&newest(&cluster, BOB, "drafts").await), [got[0]]);
    let theirs = alice.call(CREATE, json!({"subject": SUBJECT, "body": "x", "attach": [reference]})).await;
    assert!(!theirs.refusal().contains("견적"), "{}", theirs.text);
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_draft_are_added_and_removed_and_it_is_sent_as_it_was_shown() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    cluster.tenant.put_file(ALICE, "a.txt", b"first".to_vec()).await;
    cluster.tenant.put_file(ALICE, "b.txt", b"second".to_vec()).await;
    let dry =
        json!({"to": [BOB], "subject": SUBJECT, "body": "x", "attach": ["onedrive:/a.txt"], "dry_run": true});
    let dry = alice.call(CREATE, dry).await.output().clone();
    assert!(dry["preview"].as_str().unwrap().contains("a.txt (5 bytes)"), "{dry}");
    let made = alice.call(CREATE, wish(&["onedrive:/a.txt"])).await.output().clone();
    let id = made["draft_id"].clone();
    let draft = newest(&cluster, ALICE, "drafts").await;
    assert_eq!(files(&draft), [("a.txt", 5)]);
    let first = draft["attachments"][0]["id"].clone();
    let change = json!({"draft_id": id, "attach": ["onedrive:/b.txt"], "remove_attachment_ids": [first]});
    let mut preview = change.clone();
    preview["dry_run"] = json!(true);
    let preview = alice.call(UPDATE, preview).await.output()["preview"].as_str().unwrap().to_owned();
    assert!(preview.contains("attach b.txt (6 bytes)") && preview.contains("remove a.txt"), "{preview}");
    let held = alice.call(SEND_DRAFT, json!({"draft_id": id})).await.output().clone();
    alice.call(UPDATE, change).await.output();
    assert_eq!(files(&newest(&cluster, ALICE, "drafts").await), [("b.txt", 6)]);
    let stale = json!({"draft_id": id, "confirm_token": held["confirm_token"]});
    assert!(alice.call(SEND_DRAFT, stale).await.refusal().contains("confirm_token"));
    let gone = json!({"draft_id": id, "remove_attachment_ids": [first]});
    assert!(alice.call(UPDATE, gone).await.refusal().contains("remove_attachment_ids"));
    alice.confirmed(SEND_DRAFT, json!({"draft_id": id})).await;
    assert_eq!(files(&newest(&cluster, BOB, "inbox").await), [("b.txt", 6)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_failed_halfway_is_repeated_without_attaching_twice() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    cluster.tenant.put_file(ALICE, "a.txt", b"first".to_vec()).await;
    cluster.tenant.put_file(ALICE, "large.bin", vec![7; 4 << 20]).await;
    let made = alice.call(CREATE, wish(&[])).await.output().clone();
    let change = json!({"draft_id": made["draft_id"], "attach": ["onedrive:/a.txt", "onedrive:/large.bin"]});
    let full = json!({"path": "*/createUploadSession", "status": 413, "times": 1,
        "body": {"error": {"code": "ErrorMessageSizeExceeded", "message": "m"}}});
    cluster.tenant.fault(full).await;
    let refused = alice.call(UPDATE, change.clone()).await.refusal();
    assert!(refused.contains("large.bin"), "{refused}");
    assert_eq!(files(&newest(&cluster, ALICE, "drafts").await), [("a.txt", 5)]);
    let done = alice.call(UPDATE, change.clone()).await.output().clone();
    assert!(done["warnings"][0].as_str().unwrap().contains("a.txt\" is attached already"), "{done}");
    let draft = newest(&cluster, ALICE, "drafts").await;
    assert_eq!(files(&draft), [("a.txt", 5), ("large.bin", 4 << 20)]);
    // Once more changes nothing; another content under the same name is another file.
    alice.call(UPDATE, change).await.output();
    assert_eq!(files(&newest(&cluster, ALICE, "drafts").await).len(), 2);
    cluster.tenant.put_file(ALICE, "a.txt", b"third".to_vec()).await;
    let more = json!({"draft_id": made["draft_id"], "attach": ["onedrive:/a.txt"]});
    alice.call(UPDATE, more).await.output();
    let draft = newest(&cluster, ALICE, "drafts").await;
    assert_eq!(files(&draft), [("a.txt", 5), ("large.bin", 4 << 20), ("a.txt", 5)]);

    // Two of one name: which of them is meant has to be said.
    let id = made["draft_id"].as_str().unwrap();
    let refused = alice.call(CREATE, wish(&[&format!("mail:{id}/A.TXT")])).await.refusal();
    let ids: Vec<&str> = [0, 2].map(|at: usize| draft["attachments"][at]["id"].as_str().unwrap()).to_vec();
    assert!(refused.contains("2 attachments") && ids.iter().all(|id| refused.contains(id)), "{refused}");
    alice.call(CREATE, wish(&[&format!("mail:{id}/{}", ids[1])])).await.output();
    // An id that is given twice is removed once.
    let twice = json!({"draft_id": id, "remove_attachment_ids": [ids[0], ids[0]]});
    let done = alice.call(UPDATE, twice).await.output().clone();
    assert!(done.get("warnings").is_none(), "{done}");
    let draft = cluster.tenant.graph(ALICE, &format!("/me/messages/{id}?$expand=attachments")).await;
    assert_eq!(files(&draft), [("large.bin", 4 << 20), ("a.txt", 5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_attached_is_said_and_nothing_is_left_behind() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    cluster.tenant.put_file(ALICE, "empty.txt", Vec::new()).await;
    cluster.tenant.put_file(ALICE, "large.txt", vec![b'x'; 26_300_000]).await;
    cluster.tenant.put_file(ALICE, "half.txt", vec![b'x'; 13_500_000]).await;
    let inbox = cluster.tenant.graph(ALICE, "/me/mailFolders/inbox/messages?$top=1").await;
    let message = inbox["value"][0]["id"].as_str().unwrap().to_owned();
    let bare = format!("mail:{message}");
    let none = format!("mail:{message}/none");
    for (attach, word) in [
        (vec!["notes.txt"], "neither onedrive:/path"),
        (vec!["upload:u_123"], "unknown ticket"),
        (vec!["https://contoso.example/x"], "neither onedrive:/path"),
        (vec!["onedrive:/../secret.txt"], "no . or .."),
        (vec!["onedrive:https://contoso-my.sharepoint.example/x"], "own OneDrive"),
        (vec!["onedrive:/"], "own OneDrive"),
        (vec!["onedrive:/Documents"], "folder"),
        (vec!["onedrive:/none.txt"], "no such file"),
        (vec!["onedrive:/empty.txt"], "empty"),
        (vec!["onedrive:/large.txt"], "bytes"),
        (vec!["onedrive:/half.txt", "onedrive:/half.txt"], "together"),
        (vec![bare.as_str()], "slash"),
        (vec![none.as_str()], "no such attachment"),
        (vec!["mail:../me/x"], ""),
    ] {
        for tool in [CREATE, SEND] {
            let refused = alice.call(tool, wish(&attach)).await.refusal();
            assert!(refused.contains(word), "{tool} {attach:?}: {refused}");
        }
    }
    let many = alice.call(CREATE, wish(&["onedrive:/half.txt"; 21])).await;
    assert!(many.text.contains("attach"), "{}", many.text);
    // Microsoft refuses the second file: half a draft would only confuse.
    cluster.tenant.put_file(ALICE, "small.txt", b"x".to_vec()).await;
    let refused =
        json!({"path": "/v1.0/me/messages/*/attachments", "method": "POST", "status": 413, "times": 1});
    cluster.tenant.fault(refused).await;
    let failed = alice.call(CREATE, wish(&["onedrive:/small.txt"])).await.refusal();
    assert!(failed.contains("small.txt"), "{failed}");
    let drafts = cluster.tenant.graph(ALICE, "/me/mailFolders/drafts/messages?$top=100").await;
    assert!(!drafts.to_string().contains(SUBJECT), "{drafts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_need_permissions_of_their_own_and_a_reading_server_keeps_nothing() {
    let cluster = Cluster::embedded().await;
    let mail = asking(&cluster, ALICE, "Mail.ReadWrite Mail.Send").await;
    let message = "m";
    for (tool, arguments, scope) in [
        (CREATE, wish(&["onedrive:/notes.txt"]), "Files.Read"),
        (SEND, wish(&["onedrive:/notes.txt"]), "Files.Read"),
        ("attachmentManager", json!({"save_enabled": true, "save_paths": ["Mail"]}), "Files.ReadWrite"),
        ("export_email", json!({"ids": [message], "destination": "onedrive:/Mail"}), "Files.ReadWrite"),
    ] {
        let refused = mail.call(tool, arguments).await;
        assert_eq!(refused.status, 403, "{tool}: {}", refused.text);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") && challenge.contains(scope), "{challenge}");
    }
    mail.call("attachmentManager", json!({})).await.output();

    let settings = [("ENTRADA_TOOLS__READ_ONLY", "true")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = asking(&cluster, ALICE, "Mail.Read").await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].to_string();
    assert!(tools.contains("attachmentManager") && !tools.contains("save_paths"), "{tools}");
    assert!(!tools.contains("export_email"), "{tools}");
    let found = alice.call("attachmentManager", json!({})).await.output().clone();
    assert!(found["count"].as_u64().unwrap() > 0, "{found}");
    let save = json!({"save_enabled": true, "save_paths": ["Mail"]});
    assert!(alice.call("attachmentManager", save).await.refusal().contains("only reads"));
}
