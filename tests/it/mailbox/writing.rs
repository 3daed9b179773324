//! Writing and sending from a shared mailbox: what is made there stays there, and goes out in its name.

use super::*;

const WISH: &str = "Claim 4711: next steps";

/// The one message about `subject` in a folder of the shared mailbox.
async fn one(cluster: &Cluster, folder: &str, subject: &str) -> Value {
    let all = held(cluster, folder).await;
    let mut hits = all.iter().filter(|row| row["subject"] == subject);
    let hit = hits.next().unwrap_or_else(|| panic!("{subject} in {folder}: {all:?}")).clone();
    assert!(hits.next().is_none(), "{subject} twice in {folder}");
    hit
}

async fn claim(client: &Mcp) -> Value {
    let found = json!({"mailbox": SUPPORT, "subject_contains": "Claim 4711", "order": "oldest"});
    items(client.call("query_email", found).await.output())[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_written_there_with_files_and_sent_in_its_name() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let claim = claim(&alice).await;
    cluster.tenant.put_file(ALICE, "large.bin", vec![7; 4 << 20]).await;
    let file = format!("mail:{}/claim-4711.pdf", claim["id"].as_str().unwrap());
    let wish = json!({"mailbox": SUPPORT, "to": [BOB], "subject": WISH, "body": "See the **report**.",
        "attach": [file, "onedrive:/large.bin"]});
    let made = alice.call("create_email_draft", wish).await.output().clone();
    let id = &made["draft_id"];
    assert!(made["preview"].as_str().unwrap().contains("in support@contoso.example"), "{made}");
    let draft = one(&cluster, "drafts", WISH).await;
    assert_eq!((&draft["id"], draft["hasAttachments"] == true), (&json!(bare(id)), true), "{draft}");
    assert_eq!(draft["from"]["emailAddress"]["address"], SUPPORT);
    let own = cluster.tenant.graph(ALICE, "/me/mailFolders/drafts/messages?$top=100").await;
    assert!(!own.to_string().contains(WISH), "nothing in her own mailbox");

    let letter = alice.call("get_email", json!({ "id": id })).await.output().clone();
    let files = letter["attachments"].as_array().unwrap();
    assert_eq!(files.len(), 2, "{letter}");
    let large = files.iter().find(|file| file["name"] == "large.bin").unwrap();
    let change =
        json!({"draft_id": id, "remove_attachment_ids": [large["attachment_id"]], "importance": "high"});
    let changed = alice.call("update_email_draft", change).await.output().clone();
    assert_eq!(&changed["draft_id"], id);
    assert!(!changed["preview"].as_str().unwrap().contains("large.bin"), "{changed}");

    let held = alice.call("send_email_draft", json!({ "draft_id": id })).await.output().clone();
    assert_eq!(held["status"], "confirmation_required");
    assert!(
        held["preview"].as_str().unwrap().starts_with("In the mailbox support@contoso.example:"),
        "{held}"
    );
    let sent = json!({"draft_id": id, "confirm_token": held["confirm_token"]});
    let sent = alice.call("send_email_draft", sent).await.output().clone();
    assert_eq!((&sent["status"], &sent["sent_id"]), (&json!("done"), id));
    let sent = one(&cluster, "sentitems", WISH).await;
    assert_eq!((&sent["importance"], &sent["id"]), (&json!("high"), &json!(bare(id))));
    let inbox = cluster.tenant.graph(BOB, "/me/mailFolders/inbox/messages?$top=100").await;
    let got = inbox["value"].as_array().unwrap().iter().find(|row| row["subject"] == WISH).unwrap().clone();
    assert_eq!(got["from"]["emailAddress"]["address"], SUPPORT, "{got}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent_from_there_once_and_only_after_a_word_for_that_mailbox() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let wish = json!({"to": [BOB], "subject": WISH, "body": "x"});
    let mut from_there = wish.clone();
    from_there["mailbox"] = json!(SUPPORT);
    let held = alice.call("send_email", from_there.clone()).await.output().clone();
    assert_eq!(held["status"], "confirmation_required", "{held}");
    // The word was for the shared mailbox: it is none for one's own.
    let mut own = wish.clone();
    own["confirm_token"] = held["confirm_token"].clone();
    assert!(refused(&alice, "send_email", own).await.1.contains("other arguments"));
    let mut agreed = from_there.clone();
    agreed["confirm_token"] = held["confirm_token"].clone();
    let sent = alice.call("send_email", agreed).await.output().clone();
    assert_eq!(bare(&sent["sent_id"]), one(&cluster, "sentitems", WISH).await["id"].as_str().unwrap());
    // The same once more is told, and not sent.
    let again = alice.call("send_email", from_there).await.output().clone();
    assert_eq!((&again["status"], &again["sent_id"]), (&json!("done"), &sent["sent_id"]));
    one(&cluster, "sentitems", WISH).await;
    // From one's own mailbox it is another mail.
    let mine = alice.confirmed("send_email", wish).await;
    assert!(!mine["sent_id"].as_str().unwrap().contains(':'), "{mine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_forwards_stay_in_the_mailbox_of_what_they_answer() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let claim = claim(&alice).await;
    for (kind, to, subject) in [
        ("reply", json!([]), format!("RE: {CLAIM}")),
        ("reply_all", json!([MINJI]), format!("RE: {CLAIM}")),
        ("forward", json!([BOB]), format!("FW: {CLAIM}")),
    ] {
        let wish = json!({"kind": kind, "message_id": claim["id"], "to": to, "body": "We look into it."});
        let made = alice.call("create_email_draft", wish).await.output().clone();
        assert_eq!(made["subject"], json!(subject), "{made}");
        let held = held(&cluster, "drafts").await;
        let draft = held.iter().find(|row| row["id"] == bare(&made["draft_id"])).unwrap();
        let html = draft["body"]["content"].as_str().unwrap();
        assert!(html.contains("We look into it.") && html.contains("hold 3 leaks"), "{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_sorted_saved_and_removed_by_ids_that_lead_there() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let all = alice.call("query_email", json!({ "mailbox": SUPPORT })).await.output().clone();
    let (crane, spares) =
        (about(&all, "How do I reset the crane controller?"), about(&all, "Spare parts list"));
    let ids = json!([crane["id"], spares["id"]]);
    let wish = json!({"ids": ids, "mark": "read", "categories": ["Claims"], "move_to": "New claims", "create_folder": true});
    let done = alice.call("organize_email", wish).await.output().clone();
    assert_eq!((&done["done"], &done["results"][0]["id"]), (&json!(2), &crane["id"]), "{done}");
    let moved = json!({"mailbox": SUPPORT, "folder": "New claims"});
    let moved = alice.call("query_email", moved).await.output().clone();
    assert!(moved["count"] == 2 && items(&moved).iter().all(|item| item["unread"] == false), "{moved}");
    let own = alice.call("list_mail_folders", json!({})).await.output().clone();
    assert!(!own.to_string().contains("New claims"), "made there and not here");

    let saved = json!({"ids": [crane["id"]], "format": "eml", "destination": "onedrive:/Claims"});
    let saved = alice.call("export_email", saved).await.output().clone();
    assert!(saved["files"][0]["path"].as_str().unwrap().starts_with("Claims/"), "{saved}");
    let page = json!({"mailbox": SUPPORT, "limit": 1});
    let page = alice.call("query_email", page).await.output().clone();
    let rest =
        json!({"cursor": page["next_cursor"], "format": "json", "destination": "onedrive:/Claims/rest.json"});
    let rest = alice.call("export_email", rest).await.output().clone();
    assert!(rest["rows"].as_u64().unwrap() + 1 == all["count"].as_u64().unwrap(), "{rest}");

    let held = alice.call("delete_email", json!({ "ids": ids })).await.output().clone();
    let preview = held["preview"].as_str().unwrap();
    assert!(preview.contains(SUPPORT) && preview.contains("Spare parts list"), "{preview}");
    let gone = json!({"ids": ids, "confirm_token": held["confirm_token"]});
    assert_eq!(alice.call("delete_email", gone).await.output()["done"], 2);
    one(&cluster, "deleteditems", "Spare parts list").await;
    let forever = json!({"ids": [spares["id"]], "permanent": true});
    alice.confirmed("delete_email", forever).await;
    let (code, text) = refused(&alice, "get_email", json!({"id": spares["id"]})).await;
    assert_eq!(code, "not_found", "{text}");
    let (_, text) = refused(&alice, "delete_email", json!({"ids": [spares["id"]]})).await;
    assert!(text.contains(spares["id"].as_str().unwrap()), "told as it was given: {text}");
}
