//! `/teams` as its user meets it: over MCP, with a bearer of its own, against the simulated tenant.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";
const LIST: &str = "teams_list_chats";
const READ: &str = "teams_get_chat_messages";
const SAVE: &str = "teams_save_korean_name";
const BY_DATE: &str = "teams_get_chats_by_date";
const PEOPLE: &str = "teams_find_people";
const CREW: &str = "Harbor crane team";
const ODD: &str = "🏗 \"Crane\" 100% & <b>more</b> מנוף";

async fn teams(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "").await
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/teams/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

fn items(answer: &Answer) -> Vec<Value> {
    answer.output()["items"].as_array().unwrap().clone()
}

async fn chats(client: &Mcp, arguments: Value) -> Vec<Value> {
    items(&client.call(LIST, arguments).await)
}

async fn messages(client: &Mcp, arguments: Value) -> Vec<Value> {
    items(&client.call(READ, arguments).await)
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

fn find<'a>(items: &'a [Value], name: &str) -> &'a Value {
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {items:?}"))
}

fn texts(items: &[Value]) -> String {
    items.iter().map(|item| item["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Calls a tool until there are no more pages; every item once.
async fn everything(client: &Mcp, tool: &str, mut arguments: Value) -> (Vec<Value>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    loop {
        let answer = client.call(tool, arguments.clone()).await;
        let page = answer.output();
        pages += 1;
        all.push(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { return (all.concat(), pages) };
        assert_eq!(page["has_more"], true);
        arguments["cursor"] = json!(cursor);
        assert!(pages < 100, "paging does not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_are_listed_newest_first_with_people_last_words_and_what_is_unread() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let answer = alice.call(LIST, json!({})).await;
    let shown = items(&answer);
    assert_eq!(shown.len(), 50);
    let times: Vec<&str> = shown.iter().map(|chat| chat["last_at_utc"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let crew = find(&shown, CREW);
    assert_eq!((crew["type"].as_str(), crew["members"].as_array().unwrap().len()), (Some("group"), 3));
    let bob = find(&shown, "Bob Baker");
    assert_eq!((bob["type"].as_str(), bob["unread"].as_bool()), (Some("oneOnOne"), Some(false)));
    assert_eq!(bob["members"], json!(["Bob Baker <bob@contoso.example>"]));
    assert!(bob["last_message"].as_str().unwrap().starts_with("Look 🙂"), "{bob}");
    assert!(find(&shown, ODD)["last_message"].as_str().unwrap().contains("Quotes ' \" and % stay"));
    let needs = answer.output()["needs_korean_name"].as_array().unwrap();
    assert!(needs.contains(&json!("Bob Baker")) && !needs.contains(&json!("영업본부")), "{needs:?}");

    let bobs = teams(&cluster, BOB).await;
    let unread = chats(&bobs, json!({"unread_only": "true"})).await;
    assert_eq!(names(&unread), ["Alice Anderson"], "{unread:?}");
    let by_name = chats(&alice, json!({"filter_by_name": "CAROL@contoso", "type": "oneOnOne"})).await;
    assert_eq!(names(&by_name), ["Carol Chen"]);
    let sorted = chats(&alice, json!({"sort_by": "name", "filter_by_name": "o"})).await;
    let lower: Vec<String> = names(&sorted).iter().map(|name| name.to_lowercase()).collect();
    assert!(lower.is_sorted() && lower.len() > 5, "{lower:?}");
    assert!(chats(&alice, json!({"filter_by_name": "' or 1 eq 1"})).await.is_empty());
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_chats_follow_each_other_without_loss_or_repetition() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let whole = chats(&alice, json!({"limit": 200})).await;
    assert!(whole.len() > 60, "{}", whole.len());
    let ids = |items: &[Value]| -> Vec<String> {
        items.iter().map(|item| item["chat_id"].as_str().unwrap().to_owned()).collect()
    };
    let (pieces, pages) = everything(&alice, LIST, json!({"limit": 17})).await;
    assert_eq!((ids(&pieces), pages), (ids(&whole), 4));
    let (pieces, pages) = everything(&alice, LIST, json!({"limit": 200, "max_chars": 2000})).await;
    assert_eq!(ids(&pieces), ids(&whole));
    assert!(pages > 4, "{pages}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_clean_text_with_mentions_files_and_marks() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let bob = messages(&alice, json!({"recipient_name": "bob baker"})).await;
    let sent: Vec<&str> = bob.iter().map(|item| item["sent_utc"].as_str().unwrap()).collect();
    assert!(sent.is_sorted() && bob.len() == 4, "oldest first: {sent:?}");
    let code = bob[0]["text"].as_str().unwrap();
    assert!(code.contains("```") && code.contains("make crane && echo \"done\""), "{code}");
    assert_eq!((&bob[0]["reactions"], &bob[0]["mine"]), (&json!(["👍 1"]), &json!(false)));
    assert_eq!((&bob[1]["edited"], &bob[1]["mine"]), (&json!(true), &json!(true)));
    assert_eq!(bob[1]["text"], "The load test is on **Friday**");
    assert_eq!((&bob[2]["deleted"], &bob[2]["text"]), (&json!(true), &json!("(deleted)")));
    let picture = bob[3]["text"].as_str().unwrap();
    assert!(picture.contains("🙂") && picture.contains("picture: crane.png"), "{picture}");

    let crew = alice.call(READ, json!({"recipient_name": CREW})).await;
    let said = items(&crew);
    assert_eq!(said.len(), 4, "events are left out: {said:?}");
    assert_eq!(said[0]["mentions"], json!(["Alice Anderson", "Carol Chen"]));
    assert_eq!(said[0]["importance"], "urgent");
    assert!(
        said[0]["text"].as_str().unwrap().starts_with("@Alice Anderson and @Carol Chen: please"),
        "{}",
        said[0]
    );
    assert_eq!(said[0]["files"][0]["name"], "도면 #7 100%.pdf");
    assert_eq!((&said[1]["from"], &said[1]["files"][0]["type"]), (&json!("Build Bot"), &json!("card")));
    assert_eq!(said[2]["text"], "Numbers attached.");
    assert!(said[2]["unsafe_notes"].to_string().contains("hidden"), "{}", said[2]);
    assert_eq!(said[3]["text"], "Plain text: a < b && c > d");
    assert!(!crew.text.contains("eve@evil.example"));
    let all = messages(&alice, json!({"recipient_name": CREW, "include_system": true})).await;
    assert_eq!(all.iter().filter(|item| item["system"] == true).count(), 2, "{all:?}");

    let html =
        messages(&alice, json!({"recipient_name": "Bob Baker", "body_format": "html", "limit": 4})).await;
    assert!(html[1]["text"].as_str().unwrap().contains("<strong>"), "{html:?}");
    let notes = alice.call(READ, json!({})).await;
    assert_eq!(notes.output()["chat_id"], "48:notes");
    assert!(texts(&items(&notes)).contains("Note to self"));
    assert!(messages(&alice, json!({"recipient_name": "Empty room"})).await.is_empty());
    let hebrew = messages(&alice, json!({"recipient_name": "יעל לוי"})).await;
    assert!(texts(&hebrew).contains("העגורן"), "{hebrew:?}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_chat_is_read_in_pages_within_the_limits_of_teams() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let number = |item: &Value| -> usize {
        item["text"].as_str().unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (mut expected, mut arguments) = (1200, json!({"recipient_name": "Crane log", "limit": 150}));
    for _ in 0..3 {
        let answer = alice.call(READ, arguments).await;
        let page = items(&answer);
        let numbers: Vec<usize> = page.iter().map(number).collect();
        assert_eq!(numbers, (expected - 149..=expected).collect::<Vec<_>>());
        expected -= 150;
        arguments = json!({"cursor": answer.output()["next_cursor"], "limit": 150});
    }
    let short = alice.call(READ, json!({"recipient_name": "Crane log", "max_chars": 600})).await;
    assert_eq!(short.output()["truncated"], true);
    let first = items(&short);
    let older = json!({"cursor": short.output()["next_cursor"], "max_chars": 600});
    let older = messages(&alice, older).await;
    assert_eq!(number(older.last().unwrap()) + 1, number(&first[0]));
    // A bounded period ends by itself.
    let middle = first[0]["sent_utc"].as_str().unwrap();
    let bounded = json!({"recipient_name": "Crane log", "since": middle, "limit": 200});
    let bounded = alice.call(READ, bounded).await;
    assert_eq!(bounded.output()["has_more"], false);
    assert_eq!(items(&bounded), first);
    let before = messages(&alice, json!({"recipient_name": "Crane log", "before": middle, "limit": 1})).await;
    assert_eq!(number(&before[0]) + 1, number(&first[0]));
    let marks = cluster.tenant.counters().await["marks"].clone();
    // On a busy machine two requests may arrive closer together than they left.
    assert!(marks["graph.throttled"].as_u64().unwrap_or(0) < 3, "{marks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn korean_names_are_ones_own_on_every_replica_and_find_their_chat() {
    let Some(cluster) = Cluster::pair().await else { return };
    let at = |client: &Mcp, replica: usize| {
        let mut there = client.clone();
        there.endpoint = format!("{}/teams/mcp", cluster.replica_url(replica));
        there
    };
    let (alice, bob) = tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB));
    let pairs = json!({"names": [
        {"topic_en": "bob BAKER", "topic_kr": " 밥  베이커 "}, {"topic_en": CREW, "topic_kr": "크레인 팀 🏗"},
        {"topic_en": "Chris Park", "topic_kr": "박"}, {"topic_en": "Nobody", "topic_kr": "아무개"},
        {"topic_en": "Carol Chen"},
    ]});
    let report = at(&alice, 0).call(SAVE, pairs).await.output().clone();
    assert_eq!(report["saved"].as_array().unwrap().len(), 2, "{report}");
    let failed = report["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 3, "{report}");
    assert!(failed[0]["reason"].as_str().unwrap().contains("chris.park2@contoso.example"), "{report}");

    let listed = chats(&at(&alice, 1), json!({"filter_by_name": "베이커"})).await;
    assert_eq!((names(&listed), &listed[0]["korean_name"]), (vec!["Bob Baker"], &json!("밥 베이커")));
    let read = at(&alice, 1).call(READ, json!({"recipient_name": "밥 베이커"})).await;
    assert_eq!(read.output()["chat_name"], "Bob Baker");
    // The other one in the chat has other names, and none of Alice's.
    let theirs = chats(&at(&bob, 1), json!({"filter_by_name": CREW})).await;
    assert!(theirs[0].get("korean_name").is_none(), "{theirs:?}");
    assert!(bob.call(READ, json!({"recipient_name": "크레인 팀"})).await.refusal().contains("No chat"));
    let id = theirs[0]["chat_id"].clone();
    bob.call(SAVE, json!({"chat_id": id, "topic_kr": "밥의 크레인"})).await.output();
    let mine = chats(&at(&alice, 0), json!({"filter_by_name": CREW})).await;
    assert_eq!(mine[0]["korean_name"], "크레인 팀 🏗");
    assert_eq!(
        at(&alice, 1).call(LIST, json!({"limit": 200})).await.output()["needs_korean_name"]
            .to_string()
            .matches("Bob Baker\"")
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_fits_several_or_none_is_refused_with_a_choice() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let several = alice.call(READ, json!({"recipient_name": "Chris Park"})).await.refusal();
    for part in ["fits 2 chats", "chris.park@contoso.example", "chris.park2@contoso.example", "chat_id 19:"] {
        assert!(several.contains(part), "{several}");
    }
    let one = messages(&alice, json!({"recipient_name": "chris.park2@contoso.example"})).await;
    assert!(texts(&one).contains("Crane 2 is down"), "{one:?}");
    let none = alice.call(READ, json!({"recipient_name": "Zoe \"'%\u{202e} Quinn"})).await.refusal();
    assert!(none.contains("No chat") && none.contains(CREW), "{none}");
    let quoted = alice.call(READ, json!({"recipient_name": ODD})).await;
    assert_eq!(quoted.output()["chat_name"], ODD);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_another_persons_chat() {
    let cluster = Cluster::embedded().await;
    let (alice, bob, minji) =
        tokio::join!(teams(&cluster, ALICE), teams(&cluster, BOB), teams(&cluster, MINJI));
    let private = chats(&bob, json!({"filter_by_name": "김민지", "type": "oneOnOne"})).await;
    let id = private[0]["chat_id"].clone();
    assert!(texts(&messages(&minji, json!({"chat_id": id})).await).contains("salary"));
    let refused = alice.call(READ, json!({"chat_id": id})).await;
    assert!(
        refused.refusal().contains("not in this chat") && !refused.text.contains("salary"),
        "{}",
        refused.text
    );
    let all = alice.call(LIST, json!({"limit": 200})).await;
    assert!(!all.text.contains("salary") && !all.text.contains(id.as_str().unwrap()));
    assert!(
        alice.call(SAVE, json!({"chat_id": id, "topic_kr": "비밀"})).await.refusal().contains("no such chat")
    );

    let secret = chats(&alice, json!({"filter_by_name": "영업본부"})).await[0]["chat_id"].clone();
    assert!(bob.call(READ, json!({"chat_id": secret})).await.refusal().contains("not in this chat"));
    // Notes have the same id for everybody and are each one's own.
    let notes = texts(&messages(&bob, json!({"chat_id": "48:notes"})).await);
    assert!(notes.contains("Bob renews") && !notes.contains("Alice"), "{notes}");
    // A cursor is its owner's and its tool's.
    let page = alice.call(READ, json!({"recipient_name": "Crane log", "limit": 1})).await;
    let cursor = json!({"cursor": page.output()["next_cursor"]});
    assert!(bob.call(READ, cursor.clone()).await.refusal().contains("cursor"));
    assert!(alice.call(LIST, cursor).await.refusal().contains("cursor"));
    // `user_id` selects nobody.
    let named = bob.call(READ, json!({"chat_id": "48:notes", "user_id": ALICE})).await;
    assert!(named.output()["warnings"].to_string().contains("user_id"), "{}", named.text);
    assert!(!texts(&items(&named)).contains("Alice"));

    let mail = Client::register(&cluster.url).await.sign_in(ALICE).await;
    assert_eq!(alice.with_bearer(&mail.access).call(LIST, json!({})).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_shows_where_something_was_said_in_it() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let week = alice.call(BY_DATE, json!({})).await;
    let recent = items(&week);
    assert!(names(&recent).contains(&CREW) && !names(&recent).iter().any(|name| name.starts_with("Project")));
    let carol = items(&alice.call(BY_DATE, json!({"days": 3650, "user_name_filter": "Carol"})).await);
    assert!(carol.len() > 50, "{}", carol.len());
    // The log went on until a few days ago, so an earlier day has to be looked for inside it.
    let log = messages(&alice, json!({"recipient_name": "Crane log", "limit": 200})).await;
    let at = log[0]["sent_utc"].as_str().unwrap();
    let until = log[5]["sent_utc"].as_str().unwrap();
    let within = json!({"start_date": at, "end_date": until, "user_name_filter": "Crane log"});
    let within = items(&alice.call(BY_DATE, within).await);
    assert_eq!(
        (names(&within), within[0]["last_at_utc"].as_str()),
        (vec!["Crane log"], log[4]["sent_utc"].as_str())
    );
    let long_ago = json!({"start_date": "2020-01-01", "end_date": "2020-02-01"});
    assert!(items(&alice.call(BY_DATE, long_ago).await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_nearby_first_and_in_the_directory_where_that_is_granted() {
    let cluster = Cluster::embedded().await;
    let near = teams(&cluster, ALICE).await;
    let found = async |client: &Mcp, text: &str| items(&client.call(PEOPLE, json!({"text": text})).await);
    assert_eq!(found(&near, "carol").await[0]["mail"], "carol@contoso.example");
    assert_eq!(found(&near, "Chris Park").await.len(), 2);
    for text in ["O'Neil", "정지훈", "יעל", "Frank \"Ferry\" Müller"] {
        assert_eq!(found(&near, text).await.len(), 1, "{text}");
    }
    let far = near.call(PEOPLE, json!({"text": "Nora"})).await;
    assert!(items(&far).is_empty() && far.output()["warnings"].to_string().contains("User.ReadBasic.All"));
    let wide = asking(&cluster, ALICE, "User.ReadBasic.All").await;
    let nora = wide.call(PEOPLE, json!({"text": "Nora"})).await;
    assert_eq!(
        (&nora.output()["applied"]["engine"], &items(&nora)[0]["name"]),
        (&json!("directory"), &json!("Nora Quiet"))
    );
    for text in ["zzz' or 1 eq 1", "\" OR \"mail:alice", "🏗 nobody"] {
        assert!(found(&wide, text).await.is_empty(), "{text}");
    }
    assert!(near.call(PEOPLE, json!({"text": "🏗 \"'%"})).await.refusal().contains("text"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_name_the_argument() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    for (tool, arguments, part) in [
        (LIST, json!({"sort_by": "colour"}), "sort_by"),
        (LIST, json!({"limit": 0}), "limit"),
        (LIST, json!({"cursor": "c_unknown"}), "cursor"),
        (LIST, json!({"type": "secret"}), "type"),
        (READ, json!({"chat_id": "'%#/../x"}), "chat_id"),
        (READ, json!({"chat_id": "19:🏗@thread.v2"}), "chat_id"),
        (READ, json!({"chat_id": "19:0@thread.v2"}), "no such chat"),
        (READ, json!({"chat_id": "48:notes", "recipient_name": "Bob Baker"}), "recipient_name"),
        (READ, json!({"since": "soon"}), "since"),
        (READ, json!({"since": "2026-03-02", "before": "2026-03-01T00:00"}), "before"),
        (READ, json!({"body_format": "pdf"}), "body_format"),
        (BY_DATE, json!({"start_date": "2026-03-05", "end_date": "2026-03-01"}), "end_date"),
        (BY_DATE, json!({"start_date": "2199-01-01"}), "start_date"),
        (BY_DATE, json!({"days": 0}), "days"),
        (SAVE, json!({}), "names"),
        (SAVE, json!({"topic_en": "Bob Baker"}), "topic_kr"),
        (SAVE, json!({"topic_kr": "밥"}), "topic_en"),
        (SAVE, json!({"topic_en": "Bob Baker", "topic_kr": "가".repeat(101)}), "longer than 100"),
        (SAVE, json!({"chat_id": "nonsense", "topic_kr": "밥"}), "chat_id"),
        (PEOPLE, json!({}), "text"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
    let help = alice.call("teams_help", json!({})).await;
    assert!(help.output()["help"].as_str().unwrap().contains(BY_DATE));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graph_cannot_do_now_is_told_with_what_to_do_next() {
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    let throttled = json!({"path": "/v1.0/me/chats", "status": 429, "headers": {"Retry-After": "120"}, "times": 1,
        "body": {"error": {"code": "TooManyRequests", "message": "x"}}});
    cluster.tenant.fault(throttled).await;
    let refused = alice.call(LIST, json!({})).await.refusal();
    assert!(refused.contains("limits requests for Teams") && refused.contains("12"), "{refused}");
    let cluster = Cluster::embedded().await;
    let alice = teams(&cluster, ALICE).await;
    // One chat that is throttled stops no other.
    let one = json!({"path": "/v1.0/chats/48", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(one).await;
    assert!(alice.call(READ, json!({})).await.refusal().contains("limits requests for Teams"));
    assert!(!messages(&alice, json!({"recipient_name": "Bob Baker"})).await.is_empty());
    // A moment's trouble is waited out, a longer one is told.
    cluster.tenant.fault(json!({"path": "/v1.0/me/chats", "status": 503, "times": 1})).await;
    assert!(!chats(&alice, json!({"limit": 1})).await.is_empty());
    for (status, part) in [(500, "unavailable"), (403, "license")] {
        let body = json!("<html>gateway</html>");
        cluster.tenant.fault(json!({"path": "/v1.0/me/chats", "status": status, "body": body})).await;
        let refused = alice.call(LIST, json!({})).await.refusal();
        assert!(refused.contains(part), "{status}: {refused}");
        cluster.tenant.clear_faults().await;
    }
    // A page link that Graph has forgotten.
    let gone = json!({"path": "/v1.0/me/chats", "status": 410, "body": {"error": {"code": "SyncStateNotFound", "message": "x"}}});
    cluster.tenant.fault(gone).await;
    assert!(alice.call(LIST, json!({})).await.refusal().contains("cursor"));
}
