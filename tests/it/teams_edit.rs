//! Changing what was said in Teams, and what goes along with a message, as a user meets it.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::mcp::Mcp;
use super::teams_write::{agreed, asking, said};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const EDIT: &str = "teams_edit_message";
const SEND: &str = "teams_send_chat_message";
const ROOM: &str = "Empty room";
const ALL: &str = "Chat.ReadWrite ChatMessage.Send Chat.Create Files.Read User.ReadBasic.All";

async fn room(client: &Mcp) -> Vec<Value> {
    said(client, json!({"recipient_name": ROOM, "body_format": "text"})).await
}

/// A message of Alice's in the room.
async fn message(alice: &Mcp, content: &str) -> Value {
    agreed(alice, SEND, json!({"recipient_name": ROOM, "content": content, "prefix": "none"})).await.1["message_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_changed_reacted_to_and_deleted_after_the_person_agreed() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL));
    let id = message(&alice, "The load test is on Fryday").await;
    let wish = json!({"recipient_name": ROOM, "message_id": id, "action": "edit", "mentions": ["Bob Baker"],
        "content": "@Bob Baker: **Friday** 🏗 크레인 עגורן <b>x</b> \"100%\""});
    let (preview, done) = agreed(&alice, EDIT, wish).await;
    for part in ["Fryday", "**Friday**", "Bob Baker <bob@contoso.example>", ROOM] {
        assert!(preview.contains(part), "{preview}");
    }
    assert_eq!((&done["message_id"], &done["action"]), (&id, &json!("edit")));
    let seen = &room(&bob).await[0];
    assert_eq!((&seen["edited"], &seen["mentions"]), (&json!(true), &json!(["Bob Baker"])));
    assert_eq!(seen["text"], "@Bob Baker: Friday 🏗 크레인 עגורן <b>x</b> \"100%\"");

    let react = json!({"recipient_name": ROOM, "message_id": id, "action": "react", "reaction": "🎉"});
    let (preview, _) = agreed(&bob, EDIT, react.clone()).await;
    assert!(
        preview.contains("🎉") && preview.contains("Friday") && preview.contains("Alice Anderson"),
        "{preview}"
    );
    agreed(&bob, EDIT, react).await;
    assert_eq!(room(&alice).await[0]["reactions"], json!(["🎉 1"]));

    let delete = json!({"recipient_name": ROOM, "message_id": id, "action": "delete"});
    let dry = json!({"recipient_name": ROOM, "message_id": id, "action": "delete", "dry_run": true});
    assert_eq!(alice.call(EDIT, dry).await.output()["status"], "preview");
    assert_eq!(room(&bob).await[0].get("deleted"), None);
    agreed(&alice, EDIT, delete.clone()).await;
    assert_eq!(room(&bob).await[0]["deleted"], true);
    assert!(alice.call(EDIT, delete).await.refusal().contains("was deleted"));
    // One's own notes are changed without a word, and deleted with one.
    let note = alice.call(SEND, json!({"content": "milk"})).await.output()["message_id"].clone();
    let edit = json!({"chat_id": "48:notes", "message_id": note, "action": "edit", "content": "bread"});
    assert_eq!(alice.call(EDIT, edit).await.output()["status"], "done");
    agreed(&alice, EDIT, json!({"chat_id": "48:notes", "message_id": note, "action": "delete"})).await;
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_author_changes_a_message_and_only_as_it_was_shown() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL));
    let minji = asking(&cluster, "minji@contoso.example", ALL).await;
    let id = message(&alice, "first").await;
    for action in ["edit", "delete"] {
        let wish = json!({"recipient_name": ROOM, "message_id": id, "action": action, "content": "x"});
        assert!(bob.call(EDIT, wish).await.refusal().contains("somebody else"), "{action}");
    }
    let chat = said(&alice, json!({"recipient_name": ROOM})).await;
    assert_eq!(chat[0]["text"], "first");
    let rooms = alice.call("teams_list_chats", json!({"filter_by_name": ROOM})).await;
    let chat_id = rooms.output()["items"][0]["chat_id"].clone();
    for action in ["delete", "react"] {
        let wish = json!({"chat_id": chat_id, "message_id": id, "action": action, "reaction": "👍"});
        assert!(minji.call(EDIT, wish).await.refusal().contains("not in this chat"), "{action}");
    }
    // A token is good for the text that was shown, for its owner and once.
    let mut wish = json!({"recipient_name": ROOM, "message_id": id, "action": "edit", "content": "second"});
    wish["confirm_token"] = alice.call(EDIT, wish.clone()).await.output()["confirm_token"].clone();
    agreed(
        &alice,
        EDIT,
        json!({"recipient_name": ROOM, "message_id": id, "action": "edit", "content": "between"}),
    )
    .await;
    assert!(alice.call(EDIT, wish.clone()).await.refusal().contains("changed meanwhile"));
    for (arguments, part) in [
        (json!({"message_id": id, "action": "edit", "content": "x"}), "chat_id"),
        (json!({"recipient_name": ROOM, "message_id": "../1", "action": "delete"}), "message_id"),
        (json!({"recipient_name": ROOM, "message_id": "1", "action": "delete"}), "no such chat"),
        (json!({"recipient_name": ROOM, "message_id": id, "action": "undo"}), "action"),
        (json!({"recipient_name": ROOM, "message_id": id, "action": "edit"}), "content"),
        (
            json!({"recipient_name": ROOM, "message_id": id, "action": "edit", "content": "가".repeat(9_000)}),
            "content",
        ),
        (json!({"recipient_name": ROOM, "message_id": id, "action": "react"}), "reaction"),
        (
            json!({"recipient_name": ROOM, "message_id": id, "action": "react", "reaction": "like"}),
            "reaction",
        ),
        (json!({"recipient_name": ROOM, "action": "delete"}), "message_id"),
    ] {
        let refused = alice.call(EDIT, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{arguments}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_text_keeps_what_is_quoted_and_attached_and_a_word_is_for_the_whole_of_it() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL));
    let first = message(&bob, "When is the load test?").await;
    cluster.tenant.put_file(ALICE, "plan.txt", b"friday".to_vec()).await;
    let answer = json!({"recipient_name": ROOM, "content": "On Fryday", "prefix": "none", "reply_to": first,
        "attach": ["/plan.txt"]});
    let id = agreed(&alice, SEND, answer).await.1["message_id"].clone();
    let before = room(&bob).await.into_iter().find(|one| one["id"] == id).unwrap();
    let wish = json!({"recipient_name": ROOM, "message_id": id, "action": "edit", "content": "On Friday"});
    let (preview, _) = agreed(&alice, EDIT, wish).await;
    assert!(preview.contains("plan.txt") && preview.contains("quoted message"), "{preview}");
    let after = room(&bob).await.into_iter().find(|one| one["id"] == id).unwrap();
    assert!(after["text"].as_str().unwrap().contains("On Friday"), "{after}");
    for (name, value) in before.as_object().unwrap() {
        if !["text", "edited"].contains(&name.as_str()) {
            assert_eq!(after.get(name), Some(value), "{name}: {after}");
        }
    }
    assert!(after.to_string().contains("plan.txt"), "{after}");

    // The word is for the whole text, also where the preview ends, and for when it was written.
    let long = format!("{}a", "word ".repeat(400));
    let id = message(&alice, &long).await;
    let wish = json!({"recipient_name": ROOM, "message_id": id, "action": "delete"});
    for text in [format!("{}b", "word ".repeat(400)), long] {
        let mut wish = wish.clone();
        wish["confirm_token"] = alice.call(EDIT, wish.clone()).await.output()["confirm_token"].clone();
        let edit = json!({"recipient_name": ROOM, "message_id": id, "action": "edit", "content": text});
        agreed(&alice, EDIT, edit).await;
        assert!(alice.call(EDIT, wish).await.refusal().contains("changed meanwhile"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_send_reacts_and_changes_nothing() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "ChatMessage.Send").await;
    let note = alice.call(SEND, json!({"content": "milk"})).await.output()["message_id"].clone();
    let wish = |action: &str| json!({"chat_id": "48:notes", "message_id": note, "action": action, "content": "x", "reaction": "✅"});
    assert_eq!(alice.call(EDIT, wish("react")).await.output()["status"], "done");
    for action in ["edit", "delete"] {
        let refused = alice.call(EDIT, wish(action)).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert!(
            refused.header("www-authenticate").contains("Chat.ReadWrite"),
            "{}",
            refused.header("www-authenticate")
        );
    }
    // A reaction whose answer got lost is given again, since twice is once.
    let lost = json!({"method": "POST", "path": "*/setReaction", "status": 503, "after": true, "times": 1});
    cluster.tenant.fault(lost).await;
    assert_eq!(alice.call(EDIT, wish("react")).await.output()["status"], "done");
    let full = json!({"method": "POST", "path": "*/setReaction", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(full).await;
    assert!(alice.call(EDIT, wish("react")).await.refusal().contains("limits requests for Teams"));
    let plan = Plan { settings: &[("ENTRADA_TOOLS__READ_ONLY", "true")], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = asking(&cluster, ALICE, "Chat.Read").await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].to_string();
    for tool in [EDIT, "teams_send_channel_message"] {
        assert!(!tools.contains(tool), "{tools}");
        assert_eq!(alice.call(tool, json!({})).await.error_code(), -32602);
    }
    assert!(tools.contains("teams_search_messages") && tools.contains("teams_get_presence"), "{tools}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_change_is_told_and_not_repeated() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let id = message(&alice, "first").await;
    let mut wish = json!({"recipient_name": ROOM, "message_id": id, "action": "delete"});
    wish["confirm_token"] = alice.call(EDIT, wish.clone()).await.output()["confirm_token"].clone();
    let lost = json!({"method": "POST", "path": "*/softDelete", "status": 503, "after": true, "times": 1});
    cluster.tenant.fault(lost).await;
    assert!(alice.call(EDIT, wish).await.refusal().contains("did not say whether"));
    assert_eq!(room(&alice).await[0]["deleted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_quotes_and_files_are_shown_and_not_shared() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL));
    let id = message(&alice, "When is the \"load test\" <crane 2>?").await;
    let files = alice_files(&cluster).await;
    let wish = json!({"recipient_name": ROOM, "content": "Friday", "reply_to": id, "attach": [files[0]]});
    let (preview, _) =
        agreed(&bob, SEND, json!({"recipient_name": ROOM, "content": "Friday", "reply_to": id})).await;
    assert!(preview.contains("In answer to Alice Anderson: When is"), "{preview}");
    let (preview, sent) = agreed(&alice, SEND, wish).await;
    assert!(preview.contains("With the file") && preview.contains("share_file"), "{preview}");
    let seen = room(&bob).await;
    assert_eq!(seen.len(), 3);
    let kinds = |item: &Value| -> Vec<String> {
        item["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        (kinds(&seen[1]), kinds(&seen[2])),
        (vec!["quoted message".to_owned()], vec!["quoted message".to_owned(), "file".to_owned()])
    );
    assert_eq!((&seen[2]["id"], &seen[2]["text"]), (&sent["message_id"], &json!("[claude] Friday")));
    for (more, part) in [
        (json!({"reply_to": "x"}), "reply_to"),
        (json!({"reply_to": "1"}), "no such chat"),
        (json!({"attach": ["/none at all.txt"]}), "attach"),
        (json!({"attach": ["/"]}), "attach"),
        (json!({"attach": ["a:b"]}), "attach"),
        (json!({"attach": vec!["a.txt"; 11]}), "attach"),
    ] {
        let mut wish = json!({"recipient_name": ROOM, "content": "x"});
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = alice.call(SEND, wish).await.refusal();
        assert!(refused.contains(part), "{more}: {refused}");
    }
    // Somebody else's file is nobody's to show.
    let refused =
        bob.call(SEND, json!({"recipient_name": ROOM, "content": "x", "attach": [files[1]]})).await.refusal();
    assert!(refused.contains("attach"), "{refused}");
    let narrow = asking(&cluster, ALICE, "ChatMessage.Send").await;
    let refused = narrow.call(SEND, json!({"content": "x", "attach": [files[0]]})).await;
    assert!(
        refused.status == 403 && refused.header("www-authenticate").contains("Files.Read"),
        "{}",
        refused.text
    );
    cluster.assert_wire();
}

/// Path and id of a file of Alice's.
async fn alice_files(cluster: &Cluster) -> [String; 2] {
    let resource = format!("{}/onedrive/mcp", cluster.url);
    let client = super::support::login::Client::register(&cluster.url).await.for_resource(&resource);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(ALICE).await.access);
    mcp.endpoint = resource;
    let listed = mcp.call("list_files", json!({"limit": 100})).await;
    let items = listed.output()["items"].as_array().unwrap().clone();
    let file =
        items.iter().find(|item| item["kind"] == "file").unwrap_or_else(|| panic!("no file in {items:?}"));
    [file["path"].as_str().unwrap().to_owned(), file["id"].as_str().unwrap().to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_a_chat_starts_one_after_the_person_agreed() {
    let settings = [("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let wish = json!({"recipient_name": "nora@contoso.example", "content": "Welcome"});
    let held = alice.call(SEND, wish.clone()).await.output().clone();
    assert!(
        held["preview"]
            .as_str()
            .unwrap()
            .contains("\"Nora Quiet\" (a new chat), read by Nora Quiet <nora@contoso.example>"),
        "{held}"
    );
    assert!(
        alice.call("teams_list_chats", json!({"filter_by_name": "Nora"})).await.output()["items"]
            == json!([])
    );
    let (_, sent) = agreed(&alice, SEND, wish).await;
    let chat = said(&alice, json!({"recipient_name": "Nora Quiet"})).await;
    assert_eq!((chat.len(), &chat[0]["id"]), (1, &sent["message_id"]));
    // The chat is there now: the next one goes into it.
    let (preview, again) =
        agreed(&alice, SEND, json!({"recipient_name": "nora@contoso.example", "content": "2"})).await;
    assert!(preview.contains("(oneOnOne)") && again["chat_id"] == sent["chat_id"], "{preview}");
    // The answer to the first message of a chat that was new got lost: the same once more goes by the chat's id now.
    let frank = json!({"recipient_name": "frank@contoso.example", "content": "Ahoy"});
    let mut wish = frank.clone();
    let held = alice.call(SEND, wish.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains("(a new chat)"), "{held}");
    wish["confirm_token"] = held["confirm_token"].clone();
    let lost = json!({"method": "POST", "path": "*/messages", "status": 503, "after": true, "times": 1});
    cluster.tenant.fault(lost).await;
    assert!(alice.call(SEND, wish).await.refusal().contains("did not say whether"));
    let mut wish = frank;
    wish["confirm_token"] = alice.call(SEND, wish.clone()).await.output()["confirm_token"].clone();
    assert!(alice.call(SEND, wish).await.refusal().contains("did not say whether"));
    assert_eq!(said(&alice, json!({"recipient_name": "frank@contoso.example"})).await.len(), 1);
    for nobody in ["nobody@contoso.example", "' or 1 eq 1@x"] {
        let refused = alice.call(SEND, json!({"recipient_name": nobody, "content": "x"})).await.refusal();
        assert!(refused.contains("No chat"), "{nobody}: {refused}");
    }
    let narrow = asking(&cluster, BOB, "ChatMessage.Send User.ReadBasic.All").await;
    let refused = narrow.call(SEND, json!({"recipient_name": "nora@contoso.example", "content": "x"})).await;
    assert!(
        refused.status == 403 && refused.header("www-authenticate").contains("Chat.Create"),
        "{}",
        refused.text
    );
}
