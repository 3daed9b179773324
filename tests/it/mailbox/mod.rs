//! Mailboxes and calendars of others: what is shared with a person opens to them, by name and by the ids that come from
//! there, and to nobody else.

mod access;
mod calendars;
mod writing;

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";
const SUPPORT: &str = "support@contoso.example";
const INVOICES: &str = "invoices@contoso.example";
const CLAIM: &str = "Claim 4711: hatch cover leaks";
const READ: &str = "Mail.Read Mail.Read.Shared";
const ALL: &str = "Mail.ReadWrite Mail.Send Mail.ReadWrite.Shared Mail.Send.Shared Files.ReadWrite";

/// A client of the mail service with these scopes.
async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let client = Client::register(&cluster.url).await.with_scope(scope);
    Mcp::modern(&cluster.url, &client.sign_in(user).await.access)
}

/// What lies in a folder of the shared mailbox, as Graph itself tells it.
async fn held(cluster: &Cluster, folder: &str) -> Vec<Value> {
    let target = format!("/users/{SUPPORT}/mailFolders/{folder}/messages?$top=100");
    let all = cluster.tenant.graph_as(ALICE, "Mail.Read.Shared", &target).await;
    all["value"].as_array().unwrap().clone()
}

fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().unwrap()
}

/// The one item about `subject`.
fn about<'a>(answer: &'a Value, subject: &str) -> &'a Value {
    let mut hits = items(answer).iter().filter(|item| item["subject"] == subject);
    hits.next().unwrap_or_else(|| panic!("{subject}: {answer}"))
}

/// What is refused, with the code of the refusal.
async fn refused(client: &Mcp, tool: &str, arguments: Value) -> (String, String) {
    let answer = client.call(tool, arguments).await;
    let code = answer.body["result"]["structuredContent"]["error"]["code"].as_str().unwrap_or_default();
    (code.to_owned(), answer.refusal())
}

/// An id without the mailbox in front of it.
fn bare(id: &Value) -> &str {
    id.as_str().unwrap().strip_prefix("support@contoso.example:").unwrap_or_else(|| panic!("{id}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_mailbox_is_read_and_its_ids_lead_back_to_it() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, READ).await;
    let first = alice.call("query_email", json!({"mailbox": "Support@Contoso.example", "limit": 2})).await;
    let first = first.output().clone();
    assert_eq!((&first["count"], &first["applied"]["mailbox"]), (&json!(2), &json!(SUPPORT)), "{first}");
    // The rest comes by the cursor alone, which says whose it is.
    let mut subjects: Vec<Value> = items(&first).iter().map(|item| item["subject"].clone()).collect();
    let mut cursor = first["next_cursor"].clone();
    while cursor.is_string() {
        assert!(bare(&cursor).starts_with("c_"), "{cursor}");
        let page = alice.call("query_email", json!({ "cursor": cursor })).await.output().clone();
        subjects.extend(items(&page).iter().map(|item| item["subject"].clone()));
        cursor = page["next_cursor"].clone();
    }
    let target =
        format!("/users/{SUPPORT}/messages?$top=100&$orderby=receivedDateTime%20desc&$select=subject");
    let truth = cluster.tenant.graph_as(ALICE, "Mail.Read.Shared", &target).await;
    let truth: Vec<Value> =
        truth["value"].as_array().unwrap().iter().map(|row| row["subject"].clone()).collect();
    assert_eq!(subjects, truth);

    let found = json!({"mailbox": SUPPORT, "subject_contains": "Claim 4711", "order": "oldest"});
    let found = alice.call("query_email", found).await.output().clone();
    let claim = items(&found)[0].clone();
    assert!(claim["subject"] == CLAIM && claim["has_attachments"] == true, "{claim}");
    let (id, thread) = (&claim["id"], &claim["thread_id"]);
    assert!(
        !bare(id).is_empty() && !bare(thread).is_empty() && !bare(&claim["folder"]).is_empty(),
        "{claim}"
    );

    // Whatever comes next needs no `mailbox`.
    let letter = alice.call("get_email", json!({ "id": id })).await.output().clone();
    assert_eq!((&letter["id"], &letter["subject"]), (id, &json!(CLAIM)));
    let file = letter["attachments"].as_array().unwrap().iter().find(|file| file["name"] == "photos.txt");
    let wanted = json!({"message_id": id, "attachment_id": file.unwrap()["attachment_id"]});
    let read = alice.call("get_attachment", wanted).await.output().clone();
    assert_eq!(read["text"], "hold 3, starboard side");
    for wanted in [json!({ "thread_id": thread }), json!({ "id": id })] {
        let thread = alice.call("get_email_thread", wanted).await.output().clone();
        assert_eq!((&thread["count"], &thread["applied"]["mailbox"]), (&json!(3), &json!(SUPPORT)));
        assert!(items(&thread).iter().all(|item| !bare(&item["id"]).is_empty()));
    }
    let uri = format!("mail://message/{}", id.as_str().unwrap());
    let resource = alice.send("resources/read", json!({ "uri": uri })).await;
    assert!(resource.result()["contents"][0]["text"].as_str().unwrap().contains(CLAIM), "{}", resource.text);

    let folders = alice.call("list_mail_folders", json!({ "mailbox": SUPPORT })).await.output().clone();
    let northsea = items(&folders).iter().find(|folder| folder["path"] == "Claims/Northsea").unwrap();
    let total = held(&cluster, bare(&northsea["id"])).await.len();
    assert_eq!(northsea["total"], json!(total));
    for wish in [
        json!({"folder": northsea["id"]}),
        json!({"folder": "Claims/Northsea", "mailbox": SUPPORT}),
        json!({"folder": northsea["id"], "mailbox": SUPPORT}),
    ] {
        let inside = alice.call("query_email", wish.clone()).await.output().clone();
        assert_eq!(inside["count"], json!(total), "{wish}");
        about(&inside, CLAIM);
    }
    let below = alice.call("list_mail_folders", json!({"parent": northsea["id"]})).await.output().clone();
    assert_eq!((&below["count"], &below["applied"]["mailbox"]), (&json!(0), &json!(SUPPORT)));

    let files = json!({"mailbox": SUPPORT, "filename_keywords": ["spares"], "extract_text": true});
    let files = alice.call("attachmentManager", files).await.output().clone();
    let spares = &files["matches"][0];
    assert!(spares["text"].as_str().unwrap().contains("seal") && !bare(&spares["message_id"]).is_empty());

    // One's own mail is another thing, under whichever of one's names.
    for own in ["alice@contoso.example", "Alice", "me"] {
        let wish = json!({"mailbox": own, "days_back": 365, "limit": 200});
        let mine = alice.call("query_email", wish).await.output().clone();
        assert!(mine["applied"].get("mailbox").is_none() && mine["count"].as_u64().unwrap() > 20, "{own}");
        assert!(items(&mine).iter().all(|item| !item["id"].as_str().unwrap().contains(':')));
        assert!(items(&mine).iter().all(|item| item["subject"] != "Spare parts list"), "{own}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_about_one_mailbox_that_is_an_address() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let found = alice.call("query_email", json!({"mailbox": SUPPORT, "limit": 1})).await.output().clone();
    let (id, cursor) = (items(&found)[0]["id"].clone(), found["next_cursor"].clone());
    let mine = alice.call("query_email", json!({"limit": 1})).await.output().clone();
    let (own, own_cursor) = (items(&mine)[0]["id"].clone(), mine["next_cursor"].clone());
    for name in [
        "support",
        "../users/x",
        "support@contoso",
        "a/b@contoso.example",
        "Support <support@contoso.example>",
    ] {
        let (code, text) = refused(&alice, "query_email", json!({ "mailbox": name })).await;
        assert!(code == "invalid_input" && text.contains("`mailbox` takes"), "{name}: {text}");
    }
    for (tool, arguments, field) in [
        ("organize_email", json!({"ids": [id, own], "mark": "read"}), "`ids`"),
        ("delete_email", json!({"ids": [own, id]}), "`ids`"),
        ("get_email", json!({"id": id, "mailbox": INVOICES}), "`mailbox`"),
        ("get_email", json!({"id": id, "mailbox": ALICE}), "`mailbox`"),
        ("query_email", json!({"cursor": cursor, "mailbox": ALICE}), "`mailbox`"),
        ("query_email", json!({"cursor": own_cursor, "mailbox": SUPPORT}), "`mailbox`"),
    ] {
        let (code, text) = refused(&alice, tool, arguments.clone()).await;
        assert!(code == "invalid_input" && text.contains("one mailbox"), "{arguments}: {text}");
        assert!(text.contains(field) && text.contains("contoso.example"), "{arguments}: {text}");
    }
    // An id that lost its mailbox is told as what it is, and works where the mailbox is named.
    let lost = json!({"id": bare(&id)});
    let (code, text) = refused(&alice, "get_email", lost).await;
    assert!(code == "not_found" && text.contains("another mailbox") && text.contains("`mailbox`"), "{text}");
    let named = alice.call("get_email", json!({"id": bare(&id), "mailbox": SUPPORT})).await;
    assert_eq!(named.output()["id"], id);
    let (_, text) = refused(&alice, "query_email", json!({"cursor": bare(&cursor)})).await;
    assert!(text.contains("unknown or expired"), "a cursor is its mailbox's: {text}");
    let ranked = json!({"mailbox": SUPPORT, "keyword": "claim", "order": "relevance"});
    let (code, text) = refused(&alice, "query_email", ranked).await;
    assert!(code == "invalid_input" && text.contains("`order"), "{text}");
    // Settings are one's own alone.
    let settings = Client::register(&cluster.url).await.with_scope("MailboxSettings.ReadWrite");
    let settings = alice.with_bearer(&settings.sign_in(ALICE).await.access);
    let (code, text) = refused(&settings, "mailbox_settings", json!({ "mailbox": SUPPORT })).await;
    assert!(code == "invalid_input" && text.contains("own mailbox"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_in_a_shared_mailbox_are_told_since_the_last_look() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let look = alice.call("mail_changes", json!({ "mailbox": SUPPORT })).await.output().clone();
    let bob = asking(&cluster, BOB, "Mail.ReadWrite Mail.Send").await;
    let wish = json!({"to": [SUPPORT], "subject": "A new claim", "body": "Hold 5."});
    bob.confirmed("send_email", wish).await;
    let since = json!({"since_cursor": look["since_cursor"]});
    let told = alice.call("mail_changes", since).await.output().clone();
    assert_eq!(told["added"][0]["subject"], "A new claim", "{told}");
    let id = &told["added"][0]["id"];
    assert_eq!(alice.call("get_email", json!({ "id": id })).await.output()["subject"], "A new claim");
    alice.confirmed("delete_email", json!({"ids": [id]})).await;
    let since = json!({"since_cursor": told["since_cursor"]});
    let told = alice.call("mail_changes", since).await.output().clone();
    assert_eq!(told["removed"], json!([id]), "{told}");
}
