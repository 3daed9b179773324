//! Looking for what was said in Teams, and whether people are there, as a user meets it.

use super::support::cluster::Cluster;
use super::support::mcp::{Answer, Mcp};
use super::teams_write::asking;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";
const FIND: &str = "teams_search_messages";
const PRESENCE: &str = "teams_get_presence";

async fn found(client: &Mcp, arguments: Value) -> Vec<Value> {
    items(&client.call(FIND, arguments).await)
}

fn items(answer: &Answer) -> Vec<Value> {
    answer.output()["items"].as_array().unwrap().clone()
}

fn texts(items: &[Value]) -> String {
    items.iter().map(|item| item["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_found_over_all_chats_newest_first() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "Chat.Read").await;
    let answer = alice.call(FIND, json!({"keyword": "sign drawing"})).await;
    let hits = items(&answer);
    assert_eq!((hits.len(), &answer.output()["applied"]["engine"]), (1, &json!("graph_search")));
    assert_eq!(answer.output()["has_more"], false);
    let hit = &hits[0];
    assert_eq!(
        (&hit["chat_name"], &hit["from"]),
        (&json!("Harbor crane team"), &json!("Bob Baker <bob@contoso.example>"))
    );
    let text = hit["text"].as_str().unwrap();
    assert!(text.contains("please sign the drawing") && !text.contains("<c0>"), "{text}");
    // What is found can be read on with.
    let read = json!({"chat_id": hit["chat_id"]});
    let chat = alice.call("teams_get_chat_messages", read).await;
    assert!(items(&chat).iter().any(|item| item["id"] == hit["message_id"]), "{}", chat.text);

    for (arguments, part) in [
        (json!({"keyword": "도면"}), "도면"),
        (json!({"keyword": "견적서를"}), "견적서를"),
        (json!({"keyword": "העגורן"}), "העגורן"),
        (json!({"keyword": "Quotes", "from": "frank@contoso.example"}), "Quotes ' \" and %"),
        (json!({"mentions_me": true}), "please sign"),
        (json!({"has_attachment": true, "from": "Bob Baker"}), "please sign"),
        (json!({"keyword": "\"a < b\""}), "a < b && c > d"),
    ] {
        let hits = found(&alice, arguments.clone()).await;
        assert!(texts(&hits).contains(part), "{arguments}: {hits:?}");
    }
    for nothing in ["' or 1 eq 1 --", "sent>=1900-01-01 OR x", "nonsense🏗word"] {
        assert!(found(&alice, json!({"keyword": nothing})).await.is_empty(), "{nothing}");
    }
    // Pages follow each other without loss or repetition, and times are exact although the index knows days only.
    let (mut all, mut arguments) = (Vec::new(), json!({"keyword": "Crane log entry", "limit": 40}));
    for _ in 0..3 {
        let answer = alice.call(FIND, arguments).await;
        all.extend(items(&answer));
        arguments = json!({"cursor": answer.output()["next_cursor"], "limit": 40});
    }
    let numbers: Vec<&str> =
        all.iter().map(|item| item["text"].as_str().unwrap().rsplit(' ').next().unwrap()).collect();
    assert_eq!(numbers, (1081..=1200).rev().map(|number| number.to_string()).collect::<Vec<_>>());
    let middle = all[10]["sent_utc"].as_str().unwrap();
    let since = found(&alice, json!({"keyword": "Crane log entry", "since": middle})).await;
    assert_eq!(since.len(), 11);
    let short = alice.call(FIND, json!({"keyword": "Crane log entry", "max_chars": 600})).await;
    let count = items(&short).len();
    assert_eq!(short.output()["truncated"], true);
    let next = found(&alice, json!({"cursor": short.output()["next_cursor"], "max_chars": 600})).await;
    assert_eq!(next[0]["message_id"], all[count]["message_id"]);
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_chat_is_searched_with_the_lines_around() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "Chat.Read").await;
    let here = |more: Value| {
        let mut all = json!({"search_scope": "current_chat"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let hits = found(&alice, here(json!({"recipient_name": "Crane log", "keyword": "entry 1100"}))).await;
    assert_eq!(hits.len(), 1, "{hits:?}");
    let around = hits[0]["context"].to_string();
    assert!(around.contains("entry 1099") && around.contains("entry 1101"), "{around}");
    assert_eq!(hits[0]["chat_name"], "Crane log");
    // Only so much is looked at, and the next page goes on from there.
    let far = here(json!({"recipient_name": "Crane log", "keyword": "\"entry 1050\"", "max_results": 100}));
    let answer = alice.call(FIND, far).await;
    assert!(items(&answer).is_empty() && answer.output()["has_more"] == true, "{}", answer.text);
    let further = found(&alice, json!({"cursor": answer.output()["next_cursor"], "max_results": 100})).await;
    assert!(texts(&further).contains("entry 1050"), "{further:?}");

    let crew = |more| {
        here(json!({"recipient_name": "Harbor crane team"}))
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .chain(Value::as_object(&more).unwrap().clone())
            .collect::<serde_json::Map<_, _>>()
    };
    for (more, part) in [
        (json!({"from": "carol"}), "Plain text"),
        (json!({"mentions_me": "true"}), "please sign"),
        (json!({"keyword": "CAROL Chen"}), "please sign"),
        (json!({"has_attachment": false, "keyword": "numbers"}), "Numbers attached"),
    ] {
        let hits = found(&alice, crew(more.clone()).into()).await;
        assert!(hits.len() == 1 && texts(&hits).contains(part), "{more}: {hits:?}");
    }
    let hidden = found(&alice, crew(json!({"keyword": "forward this chat"})).into()).await;
    assert!(hidden.is_empty(), "hidden text is nothing that was said: {hidden:?}");
    let notes = found(&alice, here(json!({"chat_id": "48:notes", "keyword": "badge"}))).await;
    assert_eq!(notes.len(), 1);
    for (more, part) in [
        (json!({}), "chat_id"),
        (json!({"recipient_name": "Crane log", "keyword": "x", "to": "Bob"}), "`to`"),
        (json!({"recipient_name": "Crane log", "from": "Carol"}), "Bob Baker <bob@contoso.example>"),
        (json!({"recipient_name": "Chris Park", "keyword": "x"}), "fits 2 chats"),
    ] {
        let mut wish = here(more);
        wish["keyword"] = json!("x");
        let refused = alice.call(FIND, wish.clone()).await.refusal();
        assert!(refused.contains(part), "{wish}: {refused}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_others_said_among_themselves() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, "Chat.Read"), asking(&cluster, BOB, "Chat.Read"));
    let hits = found(&bob, json!({"keyword": "salary"})).await;
    assert_eq!(hits.len(), 1);
    let refused = alice.call(FIND, json!({"keyword": "salary"})).await;
    assert!(items(&refused).is_empty() && !refused.text.contains("well"), "{}", refused.text);
    let there = json!({"search_scope": "current_chat", "chat_id": hits[0]["chat_id"], "keyword": "salary"});
    assert!(alice.call(FIND, there.clone()).await.refusal().contains("not in this chat"));
    let named = json!({"keyword": "salary", "user_id": BOB});
    let named = alice.call(FIND, named).await;
    assert!(items(&named).is_empty() && named.output()["warnings"].to_string().contains("user_id"));
    let page = alice.call(FIND, json!({"keyword": "Crane log entry", "limit": 1})).await;
    let cursor = json!({"cursor": page.output()["next_cursor"]});
    assert!(bob.call(FIND, cursor).await.refusal().contains("cursor"));
    // Posts of channels are no chats.
    assert!(found(&alice, json!({"keyword": "yard"})).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_searches_and_a_busy_graph_are_told() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "Chat.Read").await;
    for (arguments, part) in [
        (json!({}), "keyword"),
        (json!({"keyword": "\"\" ** '"}), "keyword"),
        (json!({"keyword": "x", "since": "soon"}), "since"),
        (json!({"keyword": "x", "since": "2026-03-02", "before": "2026-03-01"}), "before"),
        (json!({"keyword": "x", "search_scope": "everywhere"}), "search_scope"),
        (json!({"keyword": "x", "chat_id": "48:notes"}), "search_scope"),
        (json!({"keyword": "x", "chat_id": "nonsense", "search_scope": "current_chat"}), "chat_id"),
        (json!({"keyword": "x", "limit": 51}), "limit"),
        (json!({"keyword": "x", "cursor": "c_nothing"}), "cursor"),
    ] {
        let refused = alice.call(FIND, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{arguments}: {refused}");
    }
    let full =
        json!({"path": "/v1.0/search/query", "status": 429, "headers": {"Retry-After": "120"}, "times": 1});
    cluster.tenant.fault(full).await;
    let refused = alice.call(FIND, json!({"keyword": "x"})).await.refusal();
    assert!(refused.contains("limits requests for Teams"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_there_or_not_and_say_so() {
    let cluster = Cluster::embedded().await;
    let scope = "Presence.Read Presence.Read.All User.ReadBasic.All";
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, scope), asking(&cluster, BOB, "Presence.Read"));
    let own = items(&bob.call(PRESENCE, json!({})).await);
    assert_eq!(
        (&own[0]["availability"], &own[0]["activity"], &own[0]["mail"]),
        (&json!("Busy"), &json!("InAMeeting"), &json!(BOB))
    );
    let people = json!({"people": ["bob baker", MINJI, "Dave", "Nora Quiet", BOB]});
    let all = items(&alice.call(PRESENCE, people).await);
    let names: Vec<&str> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Bob Baker", "김민지", "Dave Okafor", "Nora Quiet"]);
    assert_eq!(
        (&all[1]["availability"], &all[1]["note"]),
        (&json!("Away"), &json!("외근 중 \"선석 7번\" 100%"))
    );
    assert_eq!((&all[2]["out_of_office"], &all[2]["note"]), (&json!(true), &json!("Back on Monday 🏗 חזרה")));
    for (people, part) in [
        (json!(["Chris Park"]), "chris.park2@contoso.example"),
        (json!(["Nobody At All"]), "nobody is called"),
        (json!(["  ", "'\"%"]), "people"),
        (json!(vec!["x"; 21]), "people"),
    ] {
        let refused = alice.call(PRESENCE, json!({"people": people})).await.refusal();
        assert!(refused.contains(part), "{people}: {refused}");
    }
    // Others are another permission, and one's own is one as well.
    let refused = bob.call(PRESENCE, json!({"people": [ALICE]})).await;
    assert!(
        refused.status == 403 && refused.header("www-authenticate").contains("Presence.Read.All"),
        "{}",
        refused.text
    );
    let none = asking(&cluster, ALICE, "Chat.Read").await;
    let refused = none.call(PRESENCE, json!({})).await;
    assert!(
        refused.status == 403 && refused.header("www-authenticate").contains("Presence.Read"),
        "{}",
        refused.text
    );
    cluster.assert_wire();
}
