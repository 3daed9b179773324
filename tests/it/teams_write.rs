//! Sending in Teams as a user meets it: previews, the person's word, messages in other people's chats, refusals.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const SEND: &str = "teams_send_chat_message";
const READ: &str = "teams_get_chat_messages";
const ROOM: &str = "Empty room";
const TEXT: &str = "\"Crane\" 🏗 100% #7 & <b>'quoted'</b> 크레인 עגורן";

async fn teams(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "ChatMessage.Send Team.ReadBasic.All Channel.ReadBasic.All").await
}

pub(crate) async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/teams/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

pub(crate) async fn said(client: &Mcp, chat: Value) -> Vec<Value> {
    client.call(READ, chat).await.output()["items"].as_array().unwrap().clone()
}

async fn room(client: &Mcp) -> Vec<Value> {
    said(client, json!({"recipient_name": ROOM})).await
}

async fn confirmed(client: &Mcp, arguments: Value) -> Value {
    agreed(client, SEND, arguments).await.1
}

/// Calls a tool, and confirms what its preview says: both answers.
pub(crate) async fn agreed(client: &Mcp, tool: &str, mut arguments: Value) -> (String, Value) {
    let held = client.call(tool, arguments.clone()).await.output().clone();
    assert_eq!(held["status"], "confirmation_required", "{held}");
    arguments["confirm_token"] = held["confirm_token"].clone();
    let done = client.call(tool, arguments).await.output().clone();
    assert_eq!(done["status"], "done", "{done}");
    (held["preview"].as_str().unwrap().to_owned(), done)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_once_the_person_agreed_and_reads_as_it_was_written() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB));
    let wish = json!({"recipient_name": "bob BAKER", "content": TEXT});
    let held = alice.call(SEND, wish.clone()).await.output().clone();
    let preview = held["preview"].as_str().unwrap();
    for part in ["Bob Baker", BOB, "[claude]", TEXT] {
        assert!(preview.contains(part), "{preview}");
    }
    let before = said(&bob, json!({"recipient_name": "Alice Anderson"})).await.len();
    let sent = confirmed(&alice, wish).await;
    assert_eq!(sent["chat_name"], "Bob Baker");
    let theirs = said(&bob, json!({"recipient_name": "Alice Anderson", "body_format": "text"})).await;
    assert_eq!(theirs.len(), before + 1);
    let last = theirs.last().unwrap();
    assert_eq!(
        (&last["id"], last["text"].as_str().unwrap()),
        (&sent["message_id"], &*format!("[claude] {TEXT}"))
    );

    // A client that repeats the round with the person's answer, as one does that never saw ours.
    let can = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
    let call = async |more: Value| {
        let arguments = json!({"recipient_name": "bob BAKER", "content": "once"});
        let mut params = json!({"name": SEND, "arguments": arguments, "_meta": can});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        alice.send("tools/call", params).await
    };
    let asked = call(json!({})).await.result().clone();
    let key = asked["inputRequests"].as_object().unwrap().keys().next().unwrap();
    let agreed =
        json!({"requestState": asked["requestState"], "inputResponses": {key: {"action": "accept"}}});
    let sent = call(agreed.clone()).await.output().clone();
    let again = call(agreed).await.output().clone();
    assert_eq!(again["message_id"], sent["message_id"]);
    assert!(again["warnings"][0].as_str().unwrap().contains("not sent again"), "{again}");
    let theirs = said(&bob, json!({"recipient_name": "Alice Anderson", "body_format": "text"})).await;
    assert_eq!(theirs.len(), before + 2);

    // Markdown, mentions and no prefix, in a group.
    let rich = json!({"recipient_name": ROOM, "prefix": "none", "mentions": ["bob"],
        "content": "@Bob Baker: **ready**\n- one\n- two\n\n<at id=\"9\">x</at>"});
    confirmed(&alice, rich).await;
    let seen = room(&bob).await;
    assert_eq!(seen[0]["mentions"], json!(["Bob Baker"]));
    let text = seen[0]["text"].as_str().unwrap();
    assert!(text.starts_with("@Bob Baker: **ready**") && text.contains("- one"), "{text}");

    // One's own notes need nobody's word, and take no part of anybody's chat.
    let note = alice.call(SEND, json!({"content": "a < b", "content_format": "text"})).await.output().clone();
    assert_eq!((&note["status"], &note["chat_id"]), (&json!("done"), &json!("48:notes")));
    assert_eq!(said(&alice, json!({})).await.last().unwrap()["text"], "[claude] a < b");
    assert!(!said(&bob, json!({})).await.iter().any(|item| item["text"].to_string().contains("a < b")));
    let dry = json!({"recipient_name": ROOM, "content": "x", "dry_run": true});
    assert_eq!(alice.call(SEND, dry).await.output()["status"], "preview");
    assert_eq!(room(&bob).await.len(), 1);
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_is_certain_or_nothing_is_sent() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let notes = said(&alice, json!({})).await.len();
    for (name, part) in [
        ("Chris Park", "chris.park2@contoso.example"),
        ("Nobody At All", "No chat"),
        ("Nora Quiet", "No chat"),
        ("' or 1 eq 1 🏗 \u{202e}", "No chat"),
    ] {
        let refused = alice.call(SEND, json!({"recipient_name": name, "content": "x"})).await.refusal();
        assert!(refused.contains(part) && refused.contains("chat_id"), "{name}: {refused}");
    }
    assert_eq!(said(&alice, json!({})).await.len(), notes, "nothing went to the notes instead");
    let one = json!({"recipient_name": "chris.park2@contoso.example", "content": "x"});
    assert_eq!(confirmed(&alice, one).await["chat_name"], "Chris Park");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once_for_its_wish_and_its_owner_at_any_replica() {
    let Some(cluster) = Cluster::pair().await else { return };
    let (alice, bob) = tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB));
    let at = |client: &Mcp, replica: usize| {
        let mut there = client.clone();
        there.endpoint = format!("{}/teams/mcp", cluster.replica_url(replica));
        there
    };
    let mut wish = json!({"recipient_name": ROOM, "content": "once"});
    wish["confirm_token"] = at(&alice, 0).call(SEND, wish.clone()).await.output()["confirm_token"].clone();
    for (name, value) in [("content", "twice"), ("recipient_name", "Crane log"), ("prefix", "none")] {
        let mut changed = wish.clone();
        changed[name] = json!(value);
        assert!(at(&alice, 1).call(SEND, changed).await.refusal().contains("confirm_token"), "{name}");
    }
    assert!(at(&bob, 1).call(SEND, wish.clone()).await.refusal().contains("confirm_token"));
    assert_eq!(at(&alice, 1).call(SEND, wish.clone()).await.output()["status"], "done");
    for replica in [0, 1] {
        assert!(at(&alice, replica).call(SEND, wish.clone()).await.refusal().contains("confirm_token"));
    }
    assert_eq!(room(&bob).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_into_a_chat_of_others_and_operators_bound_whom_one_reaches() {
    let settings =
        [("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example"), ("ENTRADA_TOOLS__WRITES_PER_HOUR", "1")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let (alice, bob) = tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB));
    let list = json!({"filter_by_name": "김민지", "type": "oneOnOne"});
    let private = bob.call("teams_list_chats", list).await.output()["items"][0]["chat_id"].clone();
    for tool in [SEND, "teams_list_members"] {
        let refused = alice.call(tool, json!({"chat_id": private, "content": "x"})).await.refusal();
        assert!(refused.contains("not in this chat"), "{tool}: {refused}");
    }
    let outside = alice.call(SEND, json!({"recipient_name": "Partners", "content": "x"})).await.refusal();
    assert!(outside.contains("partner.example") && outside.contains("recipient_name"), "{outside}");
    confirmed(&alice, json!({"recipient_name": ROOM, "content": "one"})).await;
    let mut second = json!({"recipient_name": ROOM, "content": "two"});
    second["confirm_token"] = alice.call(SEND, second.clone()).await.output()["confirm_token"].clone();
    assert!(alice.call(SEND, second).await.refusal().contains("1 times an hour"));
    assert_eq!(room(&bob).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_asked_to_step_up_and_a_reading_server_sends_nothing() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "Chat.Read").await;
    for (tool, scope) in [
        (SEND, "ChatMessage.Send"),
        ("teams_list_teams", "Team.ReadBasic.All"),
        ("teams_list_channels", "Channel.ReadBasic.All"),
    ] {
        let refused = alice.call(tool, json!({"content": "x", "team": "x"})).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") && challenge.contains(scope), "{challenge}");
    }
    let plan = Plan { settings: &[("ENTRADA_TOOLS__READ_ONLY", "true")], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = asking(&cluster, ALICE, "Chat.Read ChatMessage.Send").await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].to_string();
    assert!(
        tools.contains(READ) && !tools.contains(SEND) && !tools.contains("teams_save_korean_name"),
        "{tools}"
    );
    assert_eq!(alice.call(SEND, json!({"content": "x"})).await.error_code(), -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_told_and_the_message_is_not_sent_again() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB));
    let mut wish = json!({"recipient_name": ROOM, "content": "lost"});
    wish["confirm_token"] = alice.call(SEND, wish.clone()).await.output()["confirm_token"].clone();
    let lost = json!({"method": "POST", "path": "/v1.0/chats/", "status": 503, "after": true, "times": 1});
    cluster.tenant.fault(lost).await;
    let told = alice.call(SEND, wish).await.refusal();
    assert!(told.contains("did not say whether"), "{told}");
    assert_eq!(room(&bob).await.len(), 1);
    // What Graph certainly did not do is repeated in time, or told.
    let full = json!({"method": "POST", "path": "/v1.0/chats/", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(full).await;
    let mut wish = json!({"content": "note"});
    let refused = alice.call(SEND, wish.clone()).await.refusal();
    assert!(refused.contains("limits requests for Teams"), "{refused}");
    wish["chat_id"] = json!("19:0@thread.v2");
    assert!(alice.call(SEND, wish).await.refusal().contains("no such chat"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_wishes_name_the_argument() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    for (arguments, part) in [
        (json!({}), "content"),
        (json!({"content": "  "}), "content"),
        (json!({"content": "가".repeat(9_000)}), "content"),
        (json!({"content": "x", "content_format": "html"}), "content_format"),
        (json!({"content": "x", "chat_id": "'%#/../x"}), "chat_id"),
        (json!({"content": "x", "chat_id": "48:notes", "recipient_name": "Bob Baker"}), "recipient_name"),
        (
            json!({"content": "x", "recipient_name": ROOM, "mentions": ["Carol"]}),
            "Bob Baker <bob@contoso.example>",
        ),
        (json!({"content": "x", "mentions": ["Bob Baker"]}), "mentions"),
        (json!({"content": "x", "prefix": "p".repeat(41)}), "prefix"),
        (json!({"content": "x", "recipient_name": ROOM, "confirm_token": "w_none"}), "confirm_token"),
    ] {
        let refused = alice.call(SEND, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{arguments}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_channels_and_members_are_ones_own() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB));
    let names = async |client: &Mcp, tool: &str, arguments: Value| {
        let answer = client.call(tool, arguments).await;
        let items = answer.output()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mine = names(&alice, "teams_list_teams", json!({})).await;
    assert_eq!(mine, ["Ship Surveys", "영업본부", "Ship Surveys Archive"]);
    assert_eq!(names(&bob, "teams_list_teams", json!({})).await, ["Ship Surveys"]);
    assert_eq!(names(&alice, "teams_list_teams", json!({"name": "archive"})).await, ["Ship Surveys Archive"]);
    let channels = names(&alice, "teams_list_channels", json!({"team": "ship surveys"})).await;
    assert_eq!(channels, ["General", "Cranes", "Board", "Partners", "2019"]);
    let theirs = names(&bob, "teams_list_channels", json!({"team": "Ship"})).await;
    assert_eq!(theirs, ["General", "Cranes", "Partners", "2019"], "the private one is Alice's");
    let all = alice.call("teams_list_channels", json!({"team": "Ship"})).await.refusal();
    assert!(all.contains("fits several") && all.contains("영업본부"), "{all}");
    let none = bob.call("teams_list_channels", json!({"team": "영업본부"})).await.refusal();
    assert!(none.contains("names none") && !none.contains("영업본부 ("), "{none}");
    assert!(alice.call("teams_list_channels", json!({})).await.refusal().contains("team"));
    let crew = names(&bob, "teams_list_members", json!({"recipient_name": "Harbor crane team"})).await;
    assert_eq!(crew, ["Alice Anderson", "Carol Chen", "Dave Okafor"]);
    assert!(bob.call("teams_list_members", json!({})).await.refusal().contains("chat_id"));
}
