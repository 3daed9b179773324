//! Writing mail as a user meets it: drafts, previews, the person's word, other people's inboxes, lost answers, refusals.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";
const EVE: &str = "eve@fabrikam.example";
const CREATE: &str = "create_email_draft";
const UPDATE: &str = "update_email_draft";
const SEND_DRAFT: &str = "send_email_draft";
const SEND: &str = "send_email";
const WRITING: [&str; 4] = [CREATE, UPDATE, SEND_DRAFT, SEND];
const SUBJECT: &str = "\"Crane\" 🏗 100% #7 & <b>'quoted'</b> שלום 크레인";
const BODY: &str = "Hi **Bob**,\nthe *crane* stands.\n\n<script>alert(1)</script>";

/// A client that may write and send.
async fn writer(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "Mail.ReadWrite Mail.Send").await
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let client = Client::register(&cluster.url).await.with_scope(scope);
    Mcp::modern(&cluster.url, &client.sign_in(user).await.access)
}

/// Messages about `subject` in a folder, as Graph itself tells them, newest first.
async fn about(cluster: &Cluster, user: &str, folder: &str, subject: &str) -> Vec<Value> {
    let all = cluster.tenant.graph(user, &format!("/me/mailFolders/{folder}/messages?$top=100")).await;
    let rows = all["value"].as_array().unwrap();
    rows.iter().filter(|row| row["subject"] == subject).cloned().collect()
}

async fn one(cluster: &Cluster, user: &str, folder: &str) -> Value {
    let all = about(cluster, user, folder, SUBJECT).await;
    assert_eq!(all.len(), 1, "{folder} of {user}: {all:?}");
    all[0].clone()
}

async fn none(cluster: &Cluster, user: &str, folder: &str) {
    let all = about(cluster, user, folder, SUBJECT).await;
    assert!(all.is_empty(), "{folder} of {user}: {all:?}");
}

fn wish(to: &[&str]) -> Value {
    json!({"to": to, "subject": SUBJECT, "body": BODY})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_written_changed_and_sent_as_it_was_shown() {
    let cluster = Cluster::embedded().await;
    let alice = writer(&cluster, ALICE).await;
    // Wrong types are repaired, as everywhere.
    let mut given = wish(&["Bob Baker <bob@contoso.example>"]);
    given["cc"] = json!("minji@contoso.example");
    given["importance"] = json!("High");
    let dry = json!({"to": [BOB], "subject": SUBJECT, "body": BODY, "dry_run": "yes"});
    let dry = alice.call(CREATE, dry).await.output().clone();
    assert!(dry["status"] == "preview" && dry["preview"].as_str().unwrap().contains(SUBJECT), "{dry}");
    none(&cluster, ALICE, "drafts").await;
    let made = alice.call(CREATE, given).await.output().clone();
    assert_eq!((&made["status"], &made["to"], &made["cc"]), (&json!("done"), &json!([BOB]), &json!([MINJI])));
    let draft = one(&cluster, ALICE, "drafts").await;
    let html = draft["body"]["content"].as_str().unwrap();
    assert!(html.contains("Hi <strong>Bob</strong>,<br>") && !html.contains("script"), "{html}");
    assert_eq!((&draft["id"], &draft["importance"]), (&made["draft_id"], &json!("high")));
    none(&cluster, BOB, "inbox").await;

    let id = made["draft_id"].clone();
    let change = json!({"draft_id": id, "to": [BOB, EVE], "cc": [], "body": "Plain & simple\nשלום", "body_format": "text"});
    let dry =
        alice.call(UPDATE, json!({"draft_id": id, "body": "x", "dry_run": true})).await.output().clone();
    assert_eq!(dry["status"], "preview");
    let changed = alice.call(UPDATE, change).await.output().clone();
    assert_eq!((&changed["to"], changed.get("cc")), (&json!([BOB, EVE]), None), "{changed}");
    let shown = changed["preview"].as_str().unwrap();
    assert!(
        shown.contains("eve@fabrikam.example (external)") && shown.contains("Plain & simple\nשלום"),
        "{shown}"
    );

    let held = alice.call(SEND_DRAFT, json!({"draft_id": id})).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains("Plain & simple"), "{held}");
    // Whoever changes it afterwards takes the agreement with it.
    alice.call(UPDATE, json!({"draft_id": id, "bcc": [MINJI]})).await.output();
    let stale = json!({"draft_id": id, "confirm_token": held["confirm_token"]});
    assert!(alice.call(SEND_DRAFT, stale).await.refusal().contains("confirm_token"));
    none(&cluster, BOB, "inbox").await;
    let sent = alice.confirmed(SEND_DRAFT, json!({"draft_id": id})).await;
    assert_eq!(sent["sent_id"], id, "the id stays the message's own");
    none(&cluster, ALICE, "drafts").await;
    assert_eq!(one(&cluster, ALICE, "sentitems").await["id"], id);
    let theirs = one(&cluster, BOB, "inbox").await;
    assert_eq!((&theirs["bccRecipients"], &theirs["importance"]), (&json!([]), &json!("high")));
    one(&cluster, MINJI, "inbox").await;
    for (tool, more) in [(UPDATE, json!({"subject": "x"})), (SEND_DRAFT, json!({"confirm_token": "w_x"}))] {
        let mut arguments = more;
        arguments["draft_id"] = theirs["id"].clone();
        let refused = writer(&cluster, BOB).await.call(tool, arguments).await.refusal();
        assert!(refused.contains("draft_id"), "{tool}: {refused}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_where_they_belong_and_keep_the_history() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(writer(&cluster, ALICE), writer(&cluster, BOB));
    let mut first = wish(&[BOB]);
    first["cc"] = json!([MINJI, EVE]);
    alice.confirmed(SEND, first).await;
    let received = one(&cluster, BOB, "inbox").await["id"].clone();
    let answer = |kind: &str, body: &str| json!({"kind": kind, "message_id": received, "body": body});
    let dry = {
        let mut dry = answer("reply", "Fine");
        dry["dry_run"] = json!(true);
        bob.call(CREATE, dry).await.output().clone()
    };
    assert!(dry["preview"].as_str().unwrap().contains(ALICE), "{dry}");
    let reply = bob.call(CREATE, answer("reply", "Fine, **thanks**.")).await.output().clone();
    assert_eq!((&reply["to"], reply.get("cc")), (&json!([ALICE]), None), "{reply}");
    let all = bob.call(CREATE, answer("reply_all", "To all")).await.output().clone();
    assert_eq!((&all["to"], &all["cc"]), (&json!([ALICE]), &json!([MINJI, EVE])), "{all}");
    let mut more = answer("reply", "With Minji");
    more["cc"] = json!([MINJI]);
    assert_eq!(bob.call(CREATE, more).await.output()["cc"], json!([MINJI]));
    let mut forward = answer("forward", "FYI");
    assert!(bob.call(CREATE, forward.clone()).await.refusal().contains("`to`"));
    forward["to"] = json!([MINJI]);
    let forward = bob.call(CREATE, forward).await.output().clone();
    assert!(forward["subject"].as_str().unwrap().starts_with("FW: "), "{forward}");

    let id = reply["draft_id"].clone();
    let shown = |draft: &Value| draft["preview"].as_str().unwrap().to_owned();
    assert!(shown(&reply).contains("Fine, thanks.") && shown(&reply).contains("the crane stands"), "{reply}");
    let changed = bob.call(UPDATE, json!({"draft_id": id, "body": "Better: **no**."})).await.output().clone();
    assert!(!shown(&changed).contains("Fine") && shown(&changed).contains("the crane stands"), "{changed}");
    bob.confirmed(SEND_DRAFT, json!({"draft_id": id})).await;
    let thread = about(&cluster, ALICE, "inbox", &format!("RE: {SUBJECT}")).await;
    assert_eq!(thread.len(), 1);
    let html = thread[0]["body"]["content"].as_str().unwrap();
    assert!(html.contains("<strong>no</strong>") && html.contains("the <em>crane</em> stands"), "{html}");
    assert_eq!(thread[0]["conversationId"], one(&cluster, ALICE, "sentitems").await["conversationId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_repeated_sends_once() {
    let cluster = Cluster::embedded().await;
    let alice = writer(&cluster, ALICE).await;
    let mut given = wish(&[BOB]);
    given["confirm_token"] = alice.call(SEND, given.clone()).await.output()["confirm_token"].clone();
    let first = alice.call(SEND, given.clone()).await.output().clone();
    for arguments in [given, wish(&[BOB])] {
        let again = alice.call(SEND, arguments).await.output().clone();
        assert_eq!((&again["status"], &again["sent_id"]), (&json!("done"), &first["sent_id"]));
        assert!(again["warnings"][0].as_str().unwrap().contains("not sent again"), "{again}");
    }
    one(&cluster, BOB, "inbox").await;
    let draft = json!({"draft_id": first["sent_id"]});
    assert!(alice.call(SEND_DRAFT, draft).await.refusal().contains("sent or received"));

    // A modern client that repeats the round with the person's answer.
    let call = async |more: Value| {
        let can = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
        let mut params = json!({"name": SEND, "arguments": wish(&[MINJI]), "_meta": can});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        alice.send("tools/call", params).await
    };
    let asked = call(json!({})).await.result().clone();
    let (key, question) = asked["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert!(question["params"]["message"].as_str().unwrap().contains(MINJI), "{question}");
    let said = |action: &str| json!({"requestState": asked["requestState"], "inputResponses": {key: {"action": action}}});
    assert_eq!(call(said("decline")).await.output()["status"], "declined");
    none(&cluster, MINJI, "inbox").await;
    let sent = call(said("accept")).await.output().clone();
    assert_eq!(call(said("accept")).await.output()["sent_id"], sent["sent_id"]);
    one(&cluster, MINJI, "inbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_microsoft_sends_nothing_twice() {
    let cluster = Cluster::embedded().await;
    let alice = writer(&cluster, ALICE).await;
    let sending = "/v1.0/me/messages/*/send";
    // It was sent, and the answer got lost: the message itself tells.
    cluster.tenant.fault(json!({"path": sending, "reset": true, "after": true, "times": 1})).await;
    alice.confirmed(SEND, wish(&[BOB])).await;
    one(&cluster, BOB, "inbox").await;
    // Throttled: not executed, so it is sent again by us.
    let wait = json!({"path": sending, "status": 429, "headers": {"Retry-After": "0"}, "times": 2});
    cluster.tenant.fault(wait).await;
    alice.confirmed(SEND, wish(&[MINJI])).await;
    one(&cluster, MINJI, "inbox").await;
    // Nobody knows: no second try, neither by us nor by the caller.
    cluster.tenant.fault(json!({"path": sending, "status": 503, "times": 1})).await;
    let other = json!({"to": [BOB], "subject": "Unknown", "body": "x"});
    let held = alice.call(SEND, other.clone()).await.output()["confirm_token"].clone();
    let mut agreed = other.clone();
    agreed["confirm_token"] = held;
    let unknown = alice.call(SEND, agreed).await.refusal();
    assert!(unknown.contains("did not say whether") && unknown.contains("id: "), "{unknown}");
    let mut again = other.clone();
    again["confirm_token"] = alice.call(SEND, other).await.output()["confirm_token"].clone();
    assert!(alice.call(SEND, again).await.refusal().contains("Sent Items"));
    assert_eq!(about(&cluster, ALICE, "drafts", "Unknown").await.len(), 1);
    assert!(about(&cluster, BOB, "inbox", "Unknown").await.is_empty());
    assert_eq!(cluster.tenant.faults_left().await, 0);
    // Refused: it stays a draft that can be sent later.
    cluster.tenant.fault(json!({"path": sending, "status": 400, "times": 1, "body": {"error": {"code": "ErrorExceededMessageLimit", "message": "Too many."}}})).await;
    let third = json!({"to": [BOB], "subject": "Refused", "body": "x"});
    let mut agreed = third.clone();
    agreed["confirm_token"] = alice.call(SEND, third).await.output()["confirm_token"].clone();
    let refused = alice.call(SEND, agreed).await.refusal();
    let id = refused.rsplit("draft_id: ").next().unwrap().trim().to_owned();
    alice.confirmed(SEND_DRAFT, json!({"draft_id": id})).await;
    assert_eq!(about(&cluster, BOB, "inbox", "Refused").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_sends_and_a_token_is_its_owners() {
    let Some(cluster) = Cluster::pair().await else { return };
    let (alice, bob) = tokio::join!(writer(&cluster, ALICE), writer(&cluster, BOB));
    let at = |client: &Mcp, replica: usize| {
        let mut there = client.clone();
        there.endpoint = format!("{}/mail-query/mcp", cluster.replica_url(replica));
        there
    };
    let draft = alice.call(CREATE, wish(&[MINJI])).await.output()["draft_id"].clone();
    let token = async |replica: usize| {
        let held = at(&alice, replica).call(SEND_DRAFT, json!({"draft_id": draft})).await.output().clone();
        json!({"draft_id": draft, "confirm_token": held["confirm_token"]})
    };
    let (here, there) = (token(0).await, token(1).await);
    let stolen = bob.call(SEND_DRAFT, here.clone()).await.refusal();
    assert!(stolen.contains("no such item"), "{stolen}");
    let (first, second) = (at(&alice, 0), at(&alice, 1));
    tokio::join!(first.call(SEND_DRAFT, here), second.call(SEND_DRAFT, there));
    one(&cluster, MINJI, "inbox").await;
    // For the same mail of his own, Bob's is another one.
    let mut given = wish(&[MINJI]);
    given["confirm_token"] = alice.call(SEND, given.clone()).await.output()["confirm_token"].clone();
    assert!(at(&bob, 1).call(SEND, given).await.refusal().contains("confirm_token"));
    one(&cluster, MINJI, "inbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_asked_to_step_up_and_a_reading_server_writes_nothing() {
    let cluster = Cluster::embedded().await;
    let mut held = asking(&cluster, ALICE, "Mail.Read").await;
    for (tool, scope) in [(CREATE, "Mail.ReadWrite"), (SEND, "Mail.Send"), (SEND_DRAFT, "Mail.Send")] {
        let refused = held.call(tool, wish(&[BOB])).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") && challenge.contains(scope), "{challenge}");
    }
    // Who may write may not send.
    held = asking(&cluster, ALICE, "Mail.ReadWrite").await;
    assert_eq!(held.call(SEND, wish(&[BOB])).await.status, 403);
    held.call(CREATE, wish(&[BOB])).await.output();
    none(&cluster, BOB, "inbox").await;

    let settings = [("ENTRADA_TOOLS__READ_ONLY", "true")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let metadata = format!("{}/.well-known/oauth-protected-resource/mail-query/mcp", cluster.url);
    let metadata: Value = http::client().get(metadata).send().await.unwrap().json().await.unwrap();
    let scopes = metadata["scopes_supported"].to_string();
    assert!(!scopes.contains("Mail.ReadWrite") && !scopes.contains("Mail.Send"), "{metadata}");
    let alice = asking(&cluster, ALICE, "Mail.Read").await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].to_string();
    let said = alice.send("server/discover", json!({})).await.result()["instructions"].to_string();
    assert!(said.contains("query_email") && !said.contains("draft"), "{said}");
    for tool in WRITING {
        assert!(!tools.contains(&format!("\"{tool}\"")), "{tools}");
        assert_eq!(alice.call(tool, wish(&[BOB])).await.error_code(), -32602, "{tool}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_anothers_mail_and_operators_bound_whom_one_reaches() {
    let settings =
        [("ENTRADA_TOOLS__RECIPIENT_DOMAINS", "contoso.example"), ("ENTRADA_TOOLS__WRITES_PER_HOUR", "1")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let wide = "Mail.ReadWrite Mail.Send Mail.ReadWrite.Shared Mail.Send.Shared";
    let (alice, bob) = tokio::join!(writer(&cluster, ALICE), asking(&cluster, BOB, wide));
    let draft = alice.call(CREATE, wish(&[BOB])).await.output()["draft_id"].clone();
    let inbox =
        cluster.tenant.graph(ALICE, "/me/mailFolders/inbox/messages?$top=1").await["value"][0]["id"].clone();
    for (tool, arguments) in [
        (UPDATE, json!({"draft_id": draft, "subject": "Bob was here"})),
        (UPDATE, json!({"draft_id": draft, "subject": "Bob was here", "user_id": ALICE, "mailbox": ALICE})),
        (SEND_DRAFT, json!({"draft_id": draft})),
        (CREATE, json!({"kind": "reply", "message_id": inbox, "body": "x"})),
        (CREATE, json!({"kind": "forward", "message_id": inbox, "to": [BOB], "mailbox": ALICE})),
        (CREATE, json!({"kind": "forward", "message_id": inbox, "to": [BOB]})),
    ] {
        let refused = bob.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains("no such item") || refused.contains("mailbox"), "{arguments}: {refused}");
    }
    assert_eq!(one(&cluster, ALICE, "drafts").await["id"], draft);

    // Automatic replies go to whoever writes.
    let setter = asking(&cluster, ALICE, "MailboxSettings.ReadWrite").await;
    let replies = |audience: &str| json!({"auto_reply": "on", "internal_message": "x", "external_message": "x", "external_audience": audience});
    let refused = setter.call("mailbox_settings", replies("all")).await.refusal();
    assert!(refused.contains("external_audience"), "{refused}");
    setter.confirmed("mailbox_settings", replies("none")).await;

    for (tool, arguments) in [
        (SEND, wish(&[BOB, EVE])),
        (CREATE, wish(&[EVE])),
        (UPDATE, json!({"draft_id": draft, "bcc": [EVE]})),
        (SEND, json!({"to": [BOB], "bcc": ["x@sub.contoso.example"], "subject": "x", "body": "x"})),
    ] {
        let outside = alice.call(tool, arguments.clone()).await.refusal();
        assert!(outside.contains("contoso.example") && outside.contains("does not write to"), "{outside}");
    }
    alice.confirmed(SEND, wish(&[BOB])).await;
    let second = json!({"draft_id": draft});
    let held = alice.call(SEND_DRAFT, second.clone()).await.output()["confirm_token"].clone();
    let refused = alice.call(SEND_DRAFT, json!({"draft_id": draft, "confirm_token": held})).await.refusal();
    assert!(refused.contains("1 times an hour"), "{refused}");
    one(&cluster, BOB, "inbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_wishes_name_the_argument_and_write_nothing() {
    let cluster = Cluster::embedded().await;
    let alice = writer(&cluster, ALICE).await;
    let empty = alice.call(CREATE, json!({"subject": SUBJECT})).await.output()["draft_id"].clone();
    let inbox =
        cluster.tenant.graph(ALICE, "/me/mailFolders/inbox/messages?$top=1").await["value"][0]["id"].clone();
    let long = "x".repeat(300);
    for (tool, arguments, part) in [
        (SEND, json!({"subject": "x", "body": "x"}), "to"),
        (SEND, json!({"to": [], "subject": "x", "body": "x"}), "to"),
        (SEND, json!({"to": [BOB], "body": "x"}), "subject"),
        (SEND, json!({"to": ["Bob"], "subject": "x", "body": "x"}), "to"),
        (SEND, json!({"to": ["bob"], "subject": "x", "body": "x"}), "to"),
        (SEND, json!({"to": [format!("{BOB}\r\nBcc: {EVE}")], "subject": "x", "body": "x"}), "to"),
        (SEND, json!({"to": [format!("{BOB}; {EVE}")], "subject": "x", "body": "x"}), "to"),
        (SEND, json!({"to": [BOB], "cc": ["@x.example"], "subject": "x", "body": "x"}), "cc"),
        (SEND, json!({"to": [BOB], "bcc": ["a b@x.example"], "subject": "x", "body": "x"}), "bcc"),
        (SEND, json!({"to": [BOB], "subject": format!("x\r\nBcc: {EVE}"), "body": "x"}), "subject"),
        (SEND, json!({"to": [BOB], "subject": long, "body": "x"}), "subject"),
        (SEND, json!({"to": [BOB], "subject": "x", "body": "x", "body_format": "rtf"}), "body_format"),
        (
            SEND,
            json!({"to": [BOB], "subject": "x", "body": "<div>".repeat(600), "body_format": "html"}),
            "body",
        ),
        (SEND, json!({"to": [BOB], "subject": "x", "body": "x", "confirm_token": "w_none"}), "confirm_token"),
        (CREATE, json!({"to": [BOB], "importance": "urgent"}), "importance"),
        (CREATE, json!({"kind": "reply", "body": "x"}), "message_id"),
        (CREATE, json!({"kind": "answer", "body": "x"}), "kind"),
        (CREATE, json!({"message_id": inbox, "body": "x"}), "message_id"),
        (CREATE, json!({"kind": "reply", "message_id": "'%#/../x", "body": "x"}), "id"),
        (CREATE, json!({"kind": "forward", "message_id": inbox, "to": [], "body": "x"}), "to"),
        (UPDATE, json!({"draft_id": empty}), "Nothing would change"),
        (UPDATE, json!({"draft_id": inbox, "subject": "mine"}), "draft_id"),
        (UPDATE, json!({"draft_id": "nonsense", "subject": "mine"}), "id"),
        (UPDATE, json!({"subject": "mine"}), "draft_id"),
        (SEND_DRAFT, json!({"draft_id": empty}), "goes to nobody"),
        (SEND_DRAFT, json!({"draft_id": inbox}), "draft_id"),
        (SEND_DRAFT, json!({"draft_id": "../../sendMail"}), "id"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
    assert_eq!(one(&cluster, ALICE, "drafts").await["toRecipients"], json!([]));
    none(&cluster, ALICE, "sentitems").await;
}
