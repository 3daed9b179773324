//! `/mcp`: every service behind one connector, as its user meets it.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use super::support::operator::{self, Operator};
use serde_json::{Value, json};
use std::collections::HashSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const ALL: (&str, &str) =
    ("ENTRADA_SERVICES__ENABLED", "m365,m365-daily,m365-search,mail-query,calendar,onenote,onedrive,net");

async fn cluster() -> Cluster {
    let settings: Vec<_> = [ALL].into_iter().chain(operator::SETTINGS).collect();
    Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await
}

/// A client of the bundle at `path`, with the scopes that its challenge names.
async fn connect(cluster: &Cluster, path: &str, user: &str) -> Mcp {
    let resource = format!("{}{path}", cluster.url);
    let login = Client::register(&cluster.url).await.for_resource(&resource).sign_in(user).await;
    let mut client = Mcp::modern(&cluster.url, &login.access);
    client.endpoint = resource;
    client
}

async fn names(client: &Mcp) -> Vec<String> {
    let listed = client.send("tools/list", json!({})).await;
    let tools = listed.result()["tools"].as_array().unwrap().clone();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

async fn search(client: &Mcp, query: &str) -> Vec<Value> {
    client.call("search", json!({"query": query})).await.output()["results"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_only_the_root_finds_the_way() {
    let cluster = cluster().await;
    let get = async |path: &str| http::client().get(format!("{}{path}", cluster.url)).send().await.unwrap();
    let refused = http::client().post(format!("{}/mcp", cluster.url)).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let document = format!("{}/.well-known/oauth-protected-resource/mcp", cluster.url);
    assert!(challenge.contains(&format!("resource_metadata=\"{document}\"")), "{challenge}");
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let metadata: Value = get(path).await.json().await.unwrap();
        assert_eq!(metadata["resource"], format!("{}/mcp", cluster.url), "{path}");
        let scopes: HashSet<&str> =
            metadata["scopes_supported"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        assert!(scopes.is_superset(&HashSet::from(["Mail.Read", "Calendars.ReadWrite"])), "{metadata}");
    }
    assert_eq!(get("/.well-known/oauth-authorization-server/mcp").await.status(), 200);
    assert_eq!(get("/m365/mcp").await.status(), 404, "its place is the root");

    let client = connect(&cluster, "/mcp", ALICE).await;
    let opened = client.send("server/discover", json!({})).await;
    assert!(opened.result()["instructions"].as_str().unwrap().contains("search"));
    let tools = names(&client).await;
    assert_eq!(&tools[..2], ["search", "fetch"]);
    for name in ["query_email", "calendar_list_events", "calendar_create_event", "list_files", "ping_host"] {
        assert!(tools.iter().any(|tool| tool == name), "{name}: {tools:?}");
    }
    assert_eq!(tools.iter().collect::<HashSet<_>>().len(), tools.len(), "a name twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_stands_at_the_root() {
    let cluster = cluster().await;
    let client = connect(&cluster, "/mcp", ALICE).await;
    let legacy = client.opened("2025-11-25").await;
    assert_eq!(legacy.send("tools/list", json!({})).await.result()["tools"][0]["name"], "search");
    let answer = legacy.call("search", json!({"query": "crane"})).await;
    assert!(!answer.output()["results"].as_array().unwrap().is_empty());

    let request = http::client().get(format!("{}/sse", cluster.url)).bearer_auth(&client.bearer);
    let mut stream = request.header("Accept", "text/event-stream").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let opening = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(opening.contains("data: /messages?sessionId="), "{opening}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_search_finds_mail_meetings_files_and_notes_and_fetch_reads_them() {
    let cluster = cluster().await;
    let client = connect(&cluster, "/mcp", ALICE).await;
    let answer = client.call("search", json!({"query": "crane"})).await;
    // OpenAI's contract: the text part is the same JSON.
    let text = answer.result()["content"][0]["text"].as_str().unwrap();
    assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), answer.output());
    let results = answer.output()["results"].as_array().unwrap();
    let kinds: HashSet<&str> =
        results.iter().map(|hit| hit["id"].as_str().unwrap().split(':').next().unwrap()).collect();
    assert_eq!(kinds, HashSet::from(["mail", "event", "file", "note"]), "{results:?}");
    for kind in kinds {
        // One of the files is a hostile archive; the notes can be read.
        let is_fit = |hit: &&Value| {
            hit["id"].as_str().unwrap().starts_with(kind) && (kind != "file" || hit["title"] == "118-02.txt")
        };
        let hit = results.iter().find(is_fit).unwrap();
        let fetched = client.call("fetch", json!({"id": hit["id"]})).await;
        let document = fetched.output();
        assert_eq!(document["id"], hit["id"]);
        assert_eq!(document["title"], hit["title"]);
        assert_eq!(document["url"], hit["url"]);
        assert!(document["url"].as_str().unwrap().starts_with("https://"), "{document}");
        assert_eq!(document["metadata"]["kind"], kind);
        assert!(document["text"].as_str().unwrap().len() > hit["text"].as_str().unwrap().len() / 2);
    }
    assert_eq!(search(&client, "zzz-no-such-word").await, Vec::<Value>::new());
    assert!(client.call("search", json!({"query": "  \"\" "})).await.refusal().contains("query"));
    for id in ["", "mail:", "mail", "elsewhere:1", "mail:not-an-id", "event:not-an-id", "file:x"] {
        let refusal = client.call("fetch", json!({ "id": id })).await;
        assert!(!refusal.refusal().is_empty(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_take_several_services() {
    let cluster = cluster().await;
    let client = connect(&cluster, "/mcp", ALICE).await;
    let listed = client.send("prompts/list", json!({})).await;
    let prompts = listed.result()["prompts"].as_array().unwrap();
    let names: Vec<&str> = prompts.iter().map(|prompt| prompt["name"].as_str().unwrap()).collect();
    assert_eq!(&names[..3], ["daily_brief", "meeting_prep", "reply_in_my_style"]);
    assert!(names.contains(&"mail_attachment_query"), "{names:?}");
    let get = async |name: &str, arguments: Value| {
        client.send("prompts/get", json!({"name": name, "arguments": arguments})).await
    };
    let brief = get("daily_brief", json!({"day": "2027-03-01"})).await;
    let messages = brief.result()["messages"].as_array().unwrap();
    assert!(messages[0]["content"]["text"].as_str().unwrap().contains("Brief me for 2027-03-01"));
    assert_eq!(messages[1]["role"], "assistant");
    assert_eq!(get("meeting_prep", json!({})).await.error_code(), -32602);
    let wanted = json!({
        "ref": {"type": "ref/prompt", "name": "daily_brief"}, "argument": {"name": "day", "value": "to"},
    });
    let completed = client.send("completion/complete", wanted).await;
    assert_eq!(completed.result()["completion"]["values"], json!([]));
    let daily = connect(&cluster, "/m365-daily/mcp", ALICE).await;
    let listed = daily.send("prompts/list", json!({})).await;
    assert!(!listed.text.contains("daily_brief"), "{}", listed.text);
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_somebody_else_found() {
    let cluster = cluster().await;
    let alice = connect(&cluster, "/mcp", ALICE).await;
    let bob = connect(&cluster, "/mcp", BOB).await;
    for hit in search(&alice, "crane").await {
        let refusal = bob.call("fetch", json!({"id": hit["id"]})).await;
        let (told, title) = (refusal.refusal(), hit["title"].as_str().unwrap());
        assert!(!told.contains(title), "{told}");
    }
    // A bearer of one service opens no other, in either direction.
    let mut strayed = alice.with_bearer(&alice.bearer);
    strayed.endpoint = format!("{}/mail-query/mcp", cluster.url);
    assert_eq!(strayed.send("tools/list", json!({})).await.status, 401);
    let mail = connect(&cluster, "/mail-query/mcp", ALICE).await;
    let mut strayed = mail.with_bearer(&mail.bearer);
    strayed.endpoint = format!("{}/mcp", cluster.url);
    assert_eq!(strayed.send("tools/list", json!({})).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn presets_are_short_and_ask_for_no_more_than_they_use() {
    let cluster = cluster().await;
    let research = connect(&cluster, "/m365-search/mcp", ALICE).await;
    assert_eq!(names(&research).await, ["search", "fetch"]);
    assert!(!search(&research, "crane").await.is_empty());
    assert_eq!(
        research.call("query_email", json!({})).await.error_code(),
        -32602,
        "it is not of this preset"
    );
    let url = format!("{}/.well-known/oauth-protected-resource/m365-search/mcp", cluster.url);
    let metadata: Value = http::client().get(url).send().await.unwrap().json().await.unwrap();
    let scopes = metadata["scopes_supported"].to_string();
    assert!(scopes.contains("Mail.Read") && scopes.contains("Notes.Read"), "{scopes}");
    assert!(!scopes.contains("Write") && !scopes.contains("Create"), "{scopes}");

    let daily = connect(&cluster, "/m365-daily/mcp", ALICE).await;
    let listed = daily.send("tools/list", json!({})).await;
    let tools = listed.result()["tools"].as_array().unwrap();
    assert!((8..=18).contains(&tools.len()), "{}", tools.len());
    assert!(listed.result().to_string().len() < 24 << 10, "{}", listed.result().to_string().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_has_switched_off_is_off_in_the_bundle() {
    let mut cluster = cluster().await;
    let operator = Operator::of(&mut cluster, 0);
    let client = connect(&cluster, "/mcp", ALICE).await;
    let mail = search(&client, "crane")
        .await
        .into_iter()
        .find(|hit| hit["id"].as_str().unwrap().starts_with("mail"));
    let mail = mail.unwrap();
    operator.switch("services/mail-query/tools/get_attachment", false).await;
    assert!(!names(&client).await.contains(&"get_attachment".to_owned()));
    operator.switch("services/mail-query", false).await;
    let tools = names(&client).await;
    assert!(!tools.iter().any(|tool| tool.contains("email")), "{tools:?}");
    let found = search(&client, "crane").await;
    assert!(!found.iter().any(|hit| hit["id"].as_str().unwrap().starts_with("mail:")), "{found:?}");
    assert!(!found.is_empty());
    let refusal = client.call("fetch", json!({"id": mail["id"]})).await.refusal();
    assert!(refusal.contains("Search again"), "{refusal}");
    let listed = client.send("resources/list", json!({})).await.result()["resources"].clone();
    let uris: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["uri"].as_str().unwrap()).collect();
    assert!(!uris.iter().any(|uri| uri.contains("mail")) && uris.contains(&"help://calendar"), "{uris:?}");
    operator.switch("services/mail-query", true).await;
    assert!(names(&client).await.contains(&"query_email".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_bearer_searches_what_it_may_and_says_what_it_may_not() {
    let cluster = cluster().await;
    let resource = format!("{}/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let login = client.sign_in(ALICE).await;
    let narrow = [
        ("grant_type", "refresh_token"),
        ("client_id", client.id.as_str()),
        ("refresh_token", login.refresh.as_str()),
        ("scope", "Mail.Read"),
        ("resource", resource.as_str()),
    ];
    let answer = http::client().post(format!("{}/token", cluster.url)).form(&narrow).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let mut narrow = Mcp::modern(&cluster.url, answer["access_token"].as_str().unwrap());
    narrow.endpoint = resource;
    let found = narrow.call("search", json!({"query": "crane"})).await;
    let output = found.output();
    assert!(
        output["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|hit| hit["id"].as_str().unwrap().starts_with("mail:"))
    );
    let notes = output["notes"].to_string();
    assert!(notes.contains("The calendar was not searched") && notes.contains("Calendars.Read"), "{notes}");
    let step_up = narrow.call("calendar_list_events", json!({})).await;
    assert_eq!(step_up.status, 403, "{}", step_up.text);
    assert!(step_up.header("www-authenticate").contains("Calendars.Read"));
}
