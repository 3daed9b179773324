//! Who may: the permission of the sign-in, and Microsoft's word on the mailbox.

use super::*;
use crate::support::cluster::{Plan, Store};
use crate::support::http;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_asked_for_and_then_there() {
    let cluster = Cluster::embedded().await;
    // Few need them, so nobody is asked for them unasked.
    for path in ["mail-query/mcp", "calendar/mcp", "mcp"] {
        let url = format!("{}/.well-known/oauth-protected-resource/{path}", cluster.url);
        let metadata: Value = http::client().get(url).send().await.unwrap().json().await.unwrap();
        let published = metadata["scopes_supported"].to_string();
        for scope in
            ["Mail.Read.Shared", "Mail.ReadWrite.Shared", "Mail.Send.Shared", "Calendars.ReadWrite.Shared"]
        {
            assert!(!published.contains(scope), "{path}: {published}");
        }
    }
    let client = Client::register(&cluster.url).await.with_scope("Mail.ReadWrite Mail.Send");
    let mut alice = Mcp::modern(&cluster.url, &client.sign_in(ALICE).await.access);
    let send = json!({"mailbox": SUPPORT, "to": [BOB], "subject": "s", "body": "b"});
    for (tool, arguments, wanted) in [
        ("query_email", json!({ "mailbox": SUPPORT }), "Mail.Read.Shared"),
        ("get_email", json!({"id": format!("{SUPPORT}:AAkALg")}), "Mail.Read.Shared"),
        ("create_email_draft", json!({"mailbox": SUPPORT, "subject": "s"}), "Mail.ReadWrite.Shared"),
        ("send_email", send, "Mail.Send.Shared"),
        (
            "create_email_draft",
            json!({"subject": "s", "attach": [format!("mail:{SUPPORT}:AAkALg/file.txt")]}),
            "Mail.Read.Shared",
        ),
    ] {
        let answer = alice.call(tool, arguments).await;
        assert_eq!(answer.status, 403, "{tool}: {}", answer.text);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") && challenge.contains(wanted), "{challenge}");
        // What the challenge names is enough to go on with.
        let scope = challenge.split("scope=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let wider = client.with_scope(scope).sign_in(ALICE).await.access;
        let again = alice.with_bearer(&wider);
        assert_eq!(again.call("query_email", json!({ "limit": 1 })).await.status, 200, "{scope}");
        if tool == "query_email" {
            let found = again.call(tool, json!({ "mailbox": SUPPORT })).await;
            assert!(found.output()["count"].as_u64().unwrap() > 2, "{}", found.text);
        }
    }
    alice = asking(&cluster, ALICE, ALL).await;
    let draft = alice.call("create_email_draft", json!({"mailbox": SUPPORT, "subject": "s"})).await;
    assert!(!bare(&draft.output()["draft_id"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_what_is_missing() {
    let cluster = Cluster::embedded().await;
    let (alice, bob, minji) =
        tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL), asking(&cluster, MINJI, ALL),);
    let denied = async |client: &Mcp, tool: &str, arguments: Value, words: &str| {
        let (code, text) = refused(client, tool, arguments.clone()).await;
        assert!(code == "mailbox_unavailable" && text.contains(words), "{tool} {arguments}: {code} {text}");
    };
    let open = "does not open";
    denied(&bob, "query_email", json!({ "mailbox": SUPPORT }), open).await;
    denied(&bob, "query_email", json!({ "mailbox": ALICE }), open).await;
    denied(&bob, "list_mail_folders", json!({ "mailbox": SUPPORT }), open).await;
    denied(&bob, "create_email_draft", json!({"mailbox": SUPPORT, "subject": "x"}), open).await;
    denied(&alice, "query_email", json!({ "mailbox": "nobody@contoso.example" }), "no such mailbox").await;
    denied(&alice, "query_email", json!({ "mailbox": BOB }), open).await;
    // Minji only reads there.
    let found = minji.call("query_email", json!({ "mailbox": SUPPORT })).await.output().clone();
    let id = &items(&found)[0]["id"];
    denied(&minji, "create_email_draft", json!({"mailbox": SUPPORT, "subject": "x"}), open).await;
    let failed = minji.call("organize_email", json!({"ids": [id], "mark": "read"})).await.output().clone();
    assert_eq!((&failed["failed"], &failed["results"][0]["id"]), (&json!(1), id), "{failed}");
    assert!(failed["results"][0]["error"].as_str().unwrap().contains(open), "{failed}");
    // Alice writes in the mailbox of invoices, and may not send from there.
    let wish = json!({"mailbox": INVOICES, "to": [BOB], "subject": "Reminder", "body": "Please pay."});
    let offered = alice.call("send_email", wish.clone()).await.output().clone();
    let mut agreed = wish;
    agreed["confirm_token"] = offered["confirm_token"].clone();
    denied(&alice, "send_email", agreed, "may not send from this mailbox").await;
    let kept = alice.call("query_email", json!({"mailbox": INVOICES, "folder": "drafts"})).await;
    assert_eq!(about(kept.output(), "Reminder")["subject"], "Reminder");
    assert!(!cluster.tenant.subjects(BOB).await.contains(&"Reminder".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_got_from_a_shared_mailbox_is_of_no_use_to_others() {
    let cluster = Cluster::embedded().await;
    let (alice, bob, minji) =
        tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL), asking(&cluster, MINJI, ALL),);
    let found = json!({"mailbox": SUPPORT, "subject_contains": "Claim 4711", "limit": 1});
    let found = alice.call("query_email", found).await.output().clone();
    let (claim, cursor) = (items(&found)[0].clone(), found["next_cursor"].clone());
    let look = alice.call("mail_changes", json!({ "mailbox": SUPPORT })).await.output().clone();
    let wish = json!({"mailbox": SUPPORT, "to": [BOB], "subject": "Agreed", "body": "x"});
    let token = alice.call("send_email", wish.clone()).await.output()["confirm_token"].clone();
    let mut agreed = wish;
    agreed["confirm_token"] = token;
    let removal = json!({"ids": [claim["id"]]});
    let gone = alice.call("delete_email", removal.clone()).await.output()["confirm_token"].clone();
    let mut removal = removal;
    removal["confirm_token"] = gone;
    let telling = claim["preview"].as_str().unwrap();
    for (tool, arguments) in [
        ("query_email", json!({ "cursor": cursor })),
        ("mail_changes", json!({"since_cursor": look["since_cursor"]})),
        ("get_email", json!({"id": claim["id"]})),
        ("get_email_thread", json!({"thread_id": claim["thread_id"]})),
        ("get_attachment", json!({"message_id": claim["id"]})),
        ("query_email", json!({"folder": claim["folder"]})),
        (
            "create_email_draft",
            json!({"attach": [format!("mail:{}/photos.txt", claim["id"].as_str().unwrap())]}),
        ),
        ("create_email_draft", json!({"kind": "reply", "message_id": claim["id"], "body": "x"})),
        ("send_email", agreed.clone()),
        ("delete_email", removal.clone()),
    ] {
        let answer = bob.call(tool, arguments.clone()).await;
        answer.refusal();
        assert!(
            !answer.text.contains(telling) && !answer.text.contains("starboard"),
            "{tool}: {}",
            answer.text
        );
    }
    // Minji may read there herself; what Alice was given is still not hers.
    assert_eq!(minji.call("get_email", json!({"id": claim["id"]})).await.output()["id"], claim["id"]);
    for (tool, arguments) in [
        ("query_email", json!({ "cursor": cursor })),
        ("mail_changes", json!({"since_cursor": look["since_cursor"]})),
        ("send_email", agreed),
        ("delete_email", removal),
    ] {
        let (code, text) = refused(&minji, tool, arguments).await;
        assert!(code == "invalid_input" && text.contains("unknown"), "{tool}: {text}");
    }
    assert!(held(&cluster, "sentitems").await.iter().all(|row| row["subject"] != "Agreed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_asked_four_things_at_a_time_whoever_asks() {
    let plan = Plan { tenant_arguments: &["--graph-delay-ms", "250"], ..Plan::default() };
    let cluster = Cluster::start(Store::embedded(), plan).await;
    let (alice, minji) = tokio::join!(asking(&cluster, ALICE, READ), asking(&cluster, MINJI, READ));
    let calls = (0..8).map(async |number| {
        let who = if number % 2 == 0 { &alice } else { &minji };
        who.call("query_email", json!({ "mailbox": SUPPORT })).await.output()["count"].clone()
    });
    for count in futures_util::future::join_all(calls).await {
        assert!(count.as_u64().unwrap() > 2, "{count}");
    }
    let limits = cluster.tenant.control(reqwest::Method::GET, "graph/limits", None).await;
    let oid = "5a9e0000-3b7d-4c15-8e42-6f0a2d9b0004";
    let lane = limits["usage"].as_array().unwrap().iter().find(|lane| lane["mailbox"] == oid).unwrap();
    assert!(lane["max_concurrent"].as_u64().unwrap() <= 4 && lane["throttled"] == 0, "{limits}");
}
