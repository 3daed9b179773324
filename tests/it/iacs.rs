//! `/iacs`, the panels of the classification societies: off until named, each person's own, and read by `query_email`.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const ENABLED: (&str, &str) = ("ENTRADA_SERVICES__ENABLED", "mail-query,iacs");
const LONG_AGO: &str = "2020-01-01";

async fn cluster() -> Cluster {
    Cluster::start(Store::embedded(), Plan { settings: &[ENABLED], ..Plan::default() }).await
}

async fn iacs(cluster: &Cluster, user: &str) -> Mcp {
    let resource = format!("{}/iacs/mcp", cluster.url);
    let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(user).await;
    Mcp::of(&resource, &login.access)
}

/// Messages by sender, from Graph itself.
async fn senders(cluster: &Cluster, user: &str) -> BTreeMap<String, Vec<String>> {
    let answer = cluster.tenant.graph(user, "/me/messages?$top=500&$select=id,subject,from").await;
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in answer["value"].as_array().unwrap() {
        let sender = message["from"]["emailAddress"]["address"].as_str().unwrap_or_default().to_lowercase();
        all.entry(sender).or_default().push(message["subject"].as_str().unwrap_or_default().to_owned());
    }
    all.remove(user);
    all.remove("");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_is_noted_and_its_agendas_and_responses_are_found() {
    let cluster = cluster().await;
    let alice = iacs(&cluster, ALICE).await;
    let senders = senders(&cluster, ALICE).await;
    let (chair, sent) = senders.iter().max_by_key(|(_, subjects)| subjects.len()).unwrap();
    let refusal = alice.call("search_agenda", json!({})).await.refusal();
    assert!(refusal.contains("panel_name") && refusal.contains("insert_default_value"), "{refusal}");
    let info = json!({"panel_name": "SDTP", "chair_address": format!("The Chair <{chair}>"), "kr_panel_member": "김민지"});
    for _ in 0..2 {
        let noted = alice.call("insert_info", info.clone()).await.output().clone();
        assert_eq!((&noted["panel_name"], &noted["panels"]), (&json!("sdtp"), &json!(1)), "{noted}");
    }
    assert_eq!(
        alice.call("insert_default_value", json!({"panel_name": "sdtp"})).await.output()["panel_name"],
        "sdtp"
    );
    let found = alice.call("search_agenda", json!({"start_date": LONG_AGO})).await.output().clone();
    assert_eq!((&found["chairs"], &found["members"]), (&json!([chair]), &json!(["김민지"])));
    assert_eq!(found["count"].as_u64().unwrap(), sent.len() as u64, "{found}");
    let items = found["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["from"].as_str().unwrap().to_lowercase().contains(chair.as_str())));

    // A word of a subject stands for a code.
    let code = senders.values().flatten().flat_map(|subject| subject.split_whitespace());
    let code = code.filter(|word| word.len() >= 7 && word.chars().all(|c| c.is_ascii_alphanumeric()));
    let code = code.max_by_key(|word| word.len()).unwrap();
    let wrote = |who: &&String| senders[*who].iter().any(|subject| subject.contains(code));
    let author = senders.keys().find(wrote).unwrap();
    let awaited = json!({"agenda_code": code, "send_address": [author, "nobody@contoso.example"]});
    let answer = alice.call("search_responses", awaited).await.output().clone();
    assert_eq!(answer["missing"], json!(["nobody@contoso.example"]), "{answer}");
    assert_eq!(answer["responses"][0]["sender"], json!(author), "{answer}");
    assert!(answer["responses"][0]["latest"]["subject"].as_str().unwrap().contains(code), "{answer}");

    // What one person noted is nobody else's.
    let bob = iacs(&cluster, BOB).await;
    for arguments in [json!({}), json!({"panel_name": "sdtp"})] {
        let refusal = bob.call("search_agenda", arguments).await.refusal();
        assert!(refusal.contains("panel_name") && !refusal.contains(chair.as_str()), "{refusal}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_taken_apart_is_a_search() {
    let cluster = cluster().await;
    let alice = iacs(&cluster, ALICE).await;
    let ask = async |arguments: Value| alice.call("query_with_llm_params", arguments).await;
    let period = json!({ "start": LONG_AGO });
    let listed = ask(json!({"query": "What about the crane?", "extracted_keywords": "[\"crane\"]",
        "extracted_period": period, "limit": "50"}))
    .await;
    let items = listed.output()["items"].as_array().unwrap().clone();
    assert!(items.len() > 1, "{}", listed.text);
    let counted =
        ask(json!({"query": "How many?", "extracted_keywords": ["crane"], "extracted_period": period,
        "intent": "count"}))
        .await
        .output()
        .clone();
    assert_eq!(counted["count"].as_u64().unwrap(), items.len() as u64, "{counted}");
    for part in ["by_day", "by_sender"] {
        let sum: u64 = counted[part].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(sum, items.len() as u64, "{counted}");
    }
    let one = ask(json!({"query": "crane", "extracted_period": period, "query_scope": "one"})).await;
    assert_eq!(one.output()["count"], 1);
    // With one word instead of all of them there is more.
    let wide = json!({"query": "x", "extracted_keywords": ["crane", "zzz-no-such-word"], "extracted_period": period});
    assert_eq!(ask(wide.clone()).await.output()["count"], 0);
    let mut some = wide;
    some["query_scope"] = json!("more");
    assert!(ask(some).await.output()["count"].as_u64().unwrap() > 0);
    // An organisation is found by where it writes from.
    let (domain, _) = senders(&cluster, ALICE).await.into_iter().next().unwrap();
    let domain = domain.split_once('@').unwrap().1.to_owned();
    let of =
        ask(json!({"query": "mail", "extracted_organization": domain, "extracted_period": period})).await;
    for item in of.output()["items"].as_array().unwrap() {
        assert!(item.to_string().to_lowercase().contains(&domain), "{item}");
    }
    assert_eq!(ask(json!({"query": "mail", "extracted_organization": "TL"})).await.output()["count"], 0);
    let simple = alice.call("simple_query", json!({"query": "crane"})).await;
    assert!(simple.output()["count"].as_u64().unwrap() > 0);
    for (tool, arguments, part) in [
        ("query_with_llm_params", json!({"query": " "}), "query"),
        ("query_with_llm_params", json!({"query": "x", "intent": "guess"}), "intent"),
        ("query_with_llm_params", json!({"query": "x", "extracted_period": {"start": "soon"}}), "start_date"),
        ("simple_query", json!({"query": ""}), "query"),
        ("search_responses", json!({"agenda_code": "PL250"}), "agenda_code"),
        ("search_responses", json!({"agenda_code": "PL25016", "send_address": ["Bob"]}), "send_address"),
        (
            "insert_info",
            json!({"panel_name": "x", "chair_address": "nobody", "kr_panel_member": "y"}),
            "chair_address",
        ),
        (
            "insert_info",
            json!({"panel_name": "x".repeat(61), "chair_address": BOB, "kr_panel_member": "y"}),
            "panel_name",
        ),
        ("insert_default_value", json!({"panel_name": "unknown"}), "panel_name"),
    ] {
        let answer = alice.call(tool, arguments.clone()).await;
        assert!(answer.text.contains(part), "{tool} {arguments}: {}", answer.text);
        assert!(
            answer.body["result"]["isError"] == true || answer.body["error"]["code"] == -32602,
            "{}",
            answer.text
        );
    }
    let prompts = alice.send("prompts/list", json!({})).await;
    for name in [
        "setup_panel",
        "agenda_search_data",
        "response_search_data",
        "data_management",
        "agenda_followup",
        "iacsgraph_query",
    ] {
        assert!(prompts.text.contains(&format!("\"{name}\"")), "{name}: {}", prompts.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_off_unless_it_is_enabled() {
    let cluster = Cluster::embedded().await;
    let answer = http::client().post(format!("{}/iacs/mcp", cluster.url)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}
