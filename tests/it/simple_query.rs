//! `simple_query`: mail by questions in plain words, under its own name and those of other servers.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";

async fn cluster(settings: &[(&str, &str)]) -> Cluster {
    Cluster::start(Store::embedded(), Plan { settings, ..Plan::default() }).await
}

async fn mcp(cluster: &Cluster, path: &str, user: &str) -> Mcp {
    let resource = format!("{}{path}", cluster.url);
    let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(user).await;
    Mcp::of(&resource, &login.access)
}

async fn mail(cluster: &Cluster, user: &str) -> Mcp {
    mcp(cluster, "/mail-query/mcp", user).await
}

async fn ask(mcp: &Mcp, tool: &str, arguments: Value) -> Value {
    mcp.call(tool, arguments).await.output().clone()
}

fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().unwrap()
}

fn ids(answer: &Value) -> BTreeSet<String> {
    items(answer).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn sum(groups: &Value) -> u64 {
    groups.as_array().unwrap().iter().map(|group| group["count"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_question_is_answered_and_says_how_it_was_understood() {
    let cluster = cluster(&[]).await;
    let alice = mail(&cluster, ALICE).await;
    let found = alice.call("simple_query", json!({"query": "find mail from bob about the crane"})).await;
    let answer = found.output().clone();
    let understood = &answer["understood"];
    assert_eq!(
        (&understood["from"], &understood["keywords"]),
        (&json!(["bob"]), &json!(["crane"])),
        "{understood}"
    );
    assert_eq!((&understood["intent"], &understood["scope"]), (&json!("search"), &json!("all")));
    let query = answer["graph_query"].as_str().unwrap();
    let text = found.body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(query.contains("from:") && query.contains("crane"), "{query}");
    assert!(text.contains("Understood: Search mail") && text.contains(query), "{text}");
    assert!(!items(&answer).is_empty());
    for item in items(&answer) {
        assert!(item["from"].as_str().unwrap().to_lowercase().contains("bob"), "{item}");
    }
    // The same as query_email is asked for.
    let same = json!({"sender_address": "bob", "keyword": "crane", "days_back": 365});
    assert_eq!(ids(&ask(&alice, "query_email", same.clone()).await), ids(&answer));
    assert_eq!(ids(&ask(&alice, "search_messages", same).await), ids(&answer), "its other name");

    // Days are those of the mailbox.
    let resource = format!("{}/mail-query/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let client = client.with_scope("User.Read Mail.Read MailboxSettings.Read");
    let minji = Mcp::of(&resource, &client.sign_in(MINJI).await.access);
    let answer =
        ask(&minji, "simple_query", json!({"query": "최근 30일 안 읽은 메일 보여줘", "limit": 100})).await;
    assert!(
        answer["understood"]["summary"].as_str().unwrap().starts_with("이해한 내용: 메일 목록"),
        "{answer}"
    );
    assert!(
        !items(&answer).is_empty() && items(&answer).iter().all(|item| item["unread"] == true),
        "{answer}"
    );
    let zone = answer["understood"]["time_zone"].as_str().unwrap();
    assert_eq!(zone, "Asia/Seoul", "{answer}");
    let start = answer["understood"]["period"]["start"].as_str().unwrap();
    assert!(
        answer["applied"]["window"]["start"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{start}T00:00:00+09:00"))
    );

    // Page by page.
    let first =
        ask(&alice, "simple_query", json!({"query": "show my mail of the last 60 days", "limit": 3})).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = json!({"query": "show my mail of the last 60 days", "cursor": cursor});
    let second = ask(&alice, "simple_query", next).await;
    assert_eq!(items(&second).len(), 3);
    assert!(ids(&first).is_disjoint(&ids(&second)));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_counted_over_everything_that_is_asked_for() {
    let cluster = cluster(&[]).await;
    let alice = mail(&cluster, ALICE).await;
    let all = ask(
        &alice,
        "query_email",
        json!({"days_back": 60, "limit": 200, "max_chars": 100_000, "output_format": "json"}),
    );
    let all = all.await;
    let count = all["count"].as_u64().unwrap();
    assert!(count > 30 && all["has_more"] == false, "{count}");
    let counted =
        alice.call("simple_query", json!({"query": "How many emails did I get in the last 60 days?"})).await;
    let answer = counted.output();
    assert_eq!((&answer["count"], &answer["has_more"]), (&json!(count), &json!(false)), "{answer}");
    assert!(answer.get("items").is_none() && answer.get("groups").is_none(), "{answer}");
    assert!(counted.text.contains(&format!("{count} messages")), "{}", counted.text);

    let answer = ask(&alice, "simple_query", json!({"query": "최근 60일 메일을 사람별로 분석해줘"})).await;
    assert_eq!(answer["count"], json!(count));
    let groups = &answer["groups"];
    assert_eq!((sum(&groups["by_sender"]), sum(&groups["by_day"])), (count, count), "{groups}");
    let unread = items(&all).iter().filter(|item| item["unread"] == true).count();
    assert_eq!(groups["unread"], json!(unread));
    let days: Vec<&str> =
        groups["by_day"].as_array().unwrap().iter().map(|day| day["name"].as_str().unwrap()).collect();
    assert!(days.is_sorted_by(|a, b| a > b), "{days:?}");
    assert_eq!(items(&answer).len(), 10, "the newest are shown beside it");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_parameters_of_other_servers_are_taken() {
    let cluster = cluster(&[]).await;
    let alice = mail(&cluster, ALICE).await;
    let wide = json!({"query": "What about the crane?", "extracted_keywords": "crane, zzz-no-such-word",
        "extracted_period": "{\"start\": \"2020-01-01\"}", "limit": "50"});
    let with = |name: &str, value: Value| {
        let mut wish = wide.clone();
        wish[name] = value;
        wish
    };
    assert_eq!(ask(&alice, "query_with_llm_params", wide.clone()).await["count"], 0);
    let some = ask(&alice, "query_with_llm_params", with("query_scope", json!("more"))).await;
    assert!(some["count"].as_u64().unwrap() > 1, "{some}");
    assert_eq!(some["understood"]["keywords"], json!(["crane", "zzz-no-such-word"]));
    assert_eq!(some["understood"]["period"], json!({"start": "2020-01-01"}));
    let counted = with("intent", json!("count"));
    let counted = ask(
        &alice,
        "query",
        json!({"query": "x", "extracted_keywords": ["crane"], "intent": "count",
        "extracted_period": counted["extracted_period"]}),
    )
    .await;
    assert_eq!(counted["count"], some["count"], "{counted}");
    let one = json!({"query": "crane", "extracted_period": {"start": "2020-01-01"}, "query_scope": "one"});
    assert_eq!(ask(&alice, "query", one).await["count"], 1);
    // An organisation by its code, or by where it writes from.
    let of =
        ask(&alice, "query_with_llm_params", json!({"query": "mail", "extracted_organization": "TL"})).await;
    assert_eq!((&of["count"], &of["understood"]["organizations"]), (&json!(0), &json!(["TL"])), "{of}");
    let of = json!({"query": "mail", "extracted_organization": "contoso.example", "extracted_period": {"start": "2020-01-01"}});
    assert!(ask(&alice, "query_with_llm_params", of).await["count"].as_u64().unwrap() > 0);
    // They are taken, not listed.
    let tools = alice.send("tools/list", json!({})).await;
    for name in ["\"query\":{\"type\"", "\"simple_query\""] {
        assert!(tools.text.contains(name), "{name}");
    }
    for name in ["query_with_llm_params", "extracted_period", "\"search_messages\""] {
        assert!(!tools.text.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_answered_is_refused_by_name() {
    let cluster = cluster(&[]).await;
    let alice = mail(&cluster, ALICE).await;
    for (arguments, part) in [
        (json!({}), "query"),
        (json!({"query": "  "}), "query"),
        (json!({"query": "hello"}), "which mail is meant"),
        (json!({"query": "delete all mail from Bob"}), "only reads"),
        (json!({"query": "메일 보내줘"}), "only reads"),
        (json!({"query": "x".repeat(2_001)}), "2000 characters"),
        (json!({"query": "mail of next week"}), "future"),
        (json!({"query": "crane", "intent": "guess"}), "intent"),
        (json!({"query": "crane", "query_scope": "some"}), "query_scope"),
        (json!({"query": "crane", "extracted_period": {"start": "soon"}}), "start_date"),
        (json!({"query": "crane", "limit": 0}), "limit"),
        (json!({"query": "crane", "cursor": "made-up"}), "cursor"),
    ] {
        let answer = alice.call("simple_query", arguments.clone()).await;
        let refused = answer.body["result"]["isError"] == true || answer.body["error"]["code"] == -32602;
        assert!(refused && answer.text.contains(part), "{arguments}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_users_question_never_finds_anothers_mail() {
    let cluster = cluster(&[]).await;
    let (alice, bob) = (mail(&cluster, ALICE).await, mail(&cluster, BOB).await);
    let question = json!({"query": "mail of the last 60 days", "limit": 200, "user_id": ALICE});
    let (hers, his) =
        tokio::join!(ask(&alice, "simple_query", question.clone()), ask(&bob, "simple_query", question));
    assert!(!items(&hers).is_empty() && !items(&his).is_empty());
    assert!(ids(&hers).is_disjoint(&ids(&his)));
    assert!(his["warnings"].to_string().contains("user_id"), "{}", his["warnings"]);
    let own = cluster.tenant.graph(BOB, "/me/messages?$top=500&$select=id").await;
    let own: BTreeSet<&str> =
        own["value"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap()).collect();
    assert!(ids(&his).iter().all(|id| own.contains(id.as_str())));
    // Nor does a cursor lead there.
    let first = ask(&alice, "simple_query", json!({"query": "mail of the last 60 days", "limit": 1})).await;
    let stolen = json!({"query": "mail of the last 60 days", "cursor": first["next_cursor"]});
    assert!(bob.call("simple_query", stolen).await.refusal().contains("cursor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_with_two_tools_of_one_name_lists_and_calls_one_of_them() {
    let cluster = cluster(&[("ENTRADA_SERVICES__ENABLED", "m365,iacs,mail-query")]).await;
    let alice = mcp(&cluster, "/mcp", ALICE).await;
    let tools = alice.send("tools/list", json!({})).await.body["result"]["tools"].clone();
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| **name == "simple_query").count(), 1, "{names:?}");
    assert!(names.contains(&"query_with_llm_params"), "the one of iacs is its own: {names:?}");
    let answer = ask(&alice, "simple_query", json!({"query": "emails about the crane"})).await;
    assert_eq!(answer["understood"]["keywords"], json!(["crane"]), "the one of mail-query: {answer}");
    // Each service alone has its own.
    let iacs = mcp(&cluster, "/iacs/mcp", ALICE).await;
    assert!(ask(&iacs, "simple_query", json!({"query": "crane"})).await.get("understood").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_table_of_organisations_replaces_the_built_in_one() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("organizations.toml");
    let table =
        "[[organization]]\ncode = \"HOME\"\nnames = [\"우리회사\"]\ndomains = [\"contoso.example\"]\n";
    std::fs::write(&file, table).unwrap();
    let cluster = cluster(&[("ENTRADA_SERVICES__ORGANIZATIONS_FILE", file.to_str().unwrap())]).await;
    let alice = mail(&cluster, ALICE).await;
    for query in ["mail from HOME", "우리회사에서 온 메일"] {
        let answer = ask(&alice, "simple_query", json!({"query": query})).await;
        assert_eq!(answer["understood"]["from"], json!(["HOME"]), "{answer}");
        assert!(!items(&answer).is_empty());
        assert!(items(&answer).iter().all(|item| item["from"].as_str().unwrap().contains("contoso.example")));
    }
    let answer = ask(&alice, "simple_query", json!({"query": "mail from KR"})).await;
    assert!(answer["understood"].get("organizations").is_none(), "{answer}");
}
