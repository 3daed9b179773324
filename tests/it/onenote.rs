//! `/onenote` as its user meets it: over MCP, with a bearer of its own, against the simulated tenant.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use serde_json::{Value, json};
use std::collections::HashSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";
const NOTEBOOKS: &str = "onenote_list_notebooks";
const LISTS: &str = "manage_sections_and_pages";
const PAGE: &str = "manage_page_content";
const SEARCH: &str = "onenote_search";
const RECENT: &str = "get_recent_onenote_items";
const NAMES: &str = "db_onenote_update";
const ODD: &str = "It's 100% \"done\" #7 & <b>bold</b> \u{1f3d7}";

async fn onenote(cluster: &Cluster, user: &str) -> Mcp {
    let resource = format!("{}/onenote/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

fn items(answer: &Answer) -> Vec<Value> {
    answer.output()["items"].as_array().unwrap().clone()
}

async fn listed(client: &Mcp, arguments: Value) -> Vec<Value> {
    items(&client.call(LISTS, arguments).await)
}

async fn pages_of(client: &Mcp, section: &str) -> Vec<Value> {
    listed(client, json!({"action": "list_pages", "section_name": section})).await
}

async fn page_id(client: &Mcp, title: &str) -> String {
    let found = items(&client.call(SEARCH, json!({"text": title})).await);
    let page =
        found.iter().find(|page| page["title"] == title).unwrap_or_else(|| panic!("no {title}: {found:?}"));
    page["id"].as_str().unwrap().to_owned()
}

/// Calls a tool until there are no more pages.
async fn everything(client: &Mcp, tool: &str, mut arguments: Value) -> (Vec<Value>, usize) {
    let (mut all, mut answers) = (Vec::new(), 0);
    loop {
        let answer = client.call(tool, arguments.clone()).await;
        all.extend(items(&answer));
        answers += 1;
        let Some(cursor) = answer.output()["next_cursor"].as_str() else { return (all, answers) };
        arguments["cursor"] = json!(cursor);
        assert!(answers < 60, "paging does not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notebooks_come_with_their_sections_and_links_for_people() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let answer = alice.call(NOTEBOOKS, json!({})).await;
    let books = items(&answer);
    let names: Vec<&str> = books.iter().map(|book| book["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Private", "Work"]);
    let work = &books[1];
    assert_eq!((&work["default"], &work["shared"]), (&json!(true), &json!(true)));
    let sections: Vec<&str> =
        work["sections"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(sections, ["Meetings", "Log", "Locked", "2025"]);
    assert_eq!(work["sections"][3]["group"], "Archive");
    for book in &books {
        let url = book["web_url"].as_str().unwrap();
        assert!(url.starts_with("https://") && !url.contains("/v1.0/"), "{url}");
    }
    assert!(answer.text.contains("section_id"));
    let bare = items(&alice.call("list_notebooks", json!({"name": "PRIV", "include_sections": false})).await);
    assert_eq!((bare.len(), &bare[0]["name"], bare[0].get("sections")), (1, &json!("Private"), None));
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].to_string();
    assert!(
        !tools.contains("\"list_notebooks\"") && !tools.contains("sync_onenote_db"),
        "aliases are not listed"
    );
    let (pieces, answers) = everything(&alice, NOTEBOOKS, json!({"limit": 1})).await;
    assert_eq!((pieces.len(), answers), (2, 2));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_and_pages_are_listed_whole_although_onenote_gives_no_link() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let sections = listed(&alice, json!({"action": "list_sections"})).await;
    assert_eq!(sections.len(), 6);
    let old = sections.iter().find(|one| one["name"] == "2025").unwrap();
    assert_eq!((&old["notebook"], &old["group"]), (&json!("Work"), &json!("Archive")));
    let narrowed =
        json!({"action": "list_sections", "notebook_id": old["notebook_id"], "section_name": "LO"});
    let found = listed(&alice, narrowed).await;
    assert_eq!(found.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), ["Locked", "Log"]);

    let (log, answers) =
        everything(&alice, LISTS, json!({"action": "list_pages", "section_name": "log", "limit": 50})).await;
    assert_eq!((log.len(), answers), (130, 3));
    let titles: HashSet<&str> = log.iter().map(|page| page["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 130);
    assert_eq!(log[0]["title"], "Log entry 130", "newest first");
    let (short, answers) = everything(
        &alice,
        LISTS,
        json!({"action": "list_pages", "section_name": "Log", "limit": 200, "max_chars": 4000}),
    )
    .await;
    assert!(short.len() == 130 && answers > 2, "{answers}");
    let (all, _) = everything(&alice, LISTS, json!({"action": "list_pages", "limit": 200})).await;
    assert_eq!(all.len(), 138, "of all sections");

    let meetings = pages_of(&alice, "Meetings").await;
    let titles: Vec<&str> = meetings.iter().map(|page| page["title"].as_str().unwrap()).collect();
    assert!(titles.contains(&ODD) && titles.contains(&"\u{5de}\u{5e0}\u{5d5}\u{5e3} notes"), "{titles:?}");
    let appendix = meetings.iter().find(|page| page["title"] == "Appendix: numbers").unwrap();
    assert_eq!(
        (&appendix["level"], &appendix["section"], &appendix["notebook"]),
        (&json!(1), &json!("Meetings"), &json!("Work"))
    );
    let odd = json!({"action": "list_pages", "section_name": "Meetings", "page_title": "it's 100% \"DONE\" #7 & <b>"});
    assert_eq!(listed(&alice, odd).await[0]["title"], ODD);
    let quoted = json!({"action": "list_pages", "page_title": "' or title ne '"});
    assert!(listed(&alice, quoted).await.is_empty());
    let since =
        json!({"action": "list_pages", "section_name": "Meetings", "modified_since": appendix["modified"]});
    assert_eq!(listed(&alice, since).await.len(), 3);
    // A title may be missing.
    assert!(pages_of(&alice, "Ideas").await.iter().any(|page| page["title"] == "(untitled)"));
    assert!(pages_of(&alice, "It's #1?").await.is_empty());
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_as_clean_text_with_files_named_and_hidden_words_left_out() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let id = page_id(&alice, "Harbor crane kickoff").await;
    let answer = alice.call(PAGE, json!({"action": "get", "page_id": id})).await;
    let page = answer.output();
    let text = page["content"].as_str().unwrap();
    for part in [
        "Present: **Bob**, Carol & Henrik",
        "## Decisions",
        "Load test on **Friday**",
        "~~red~~",
        "| Hook block",
        "\u{2610} Book the survey",
        "\u{2611} Send the drawing",
        "picture: Crane at pier 3",
        "file: load test #7 100%.pdf",
        "[the drawing](https://contoso.example/crane?a=1&b=2)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(page["files"].as_array().unwrap().len(), 2);
    assert_eq!((&page["section"], &page["notebook"]), (&json!("Meetings"), &json!("Work")));
    assert!(page["web_url"].as_str().unwrap().starts_with("https://contoso-my"), "{page}");

    let odd = page_id(&alice, ODD).await;
    let odd = alice.call(PAGE, json!({"page_id": odd, "body_format": "text"})).await.output().clone();
    assert!(
        odd["content"]
            .as_str()
            .unwrap()
            .contains("100% <b>stay</b>; emoji \u{1f3d7}\u{fe0f}, \u{5e2}\u{5d2}"),
        "{odd}"
    );
    let hidden = page_id(&alice, "Appendix: numbers").await;
    let answer = alice.call(PAGE, json!({"page_id": hidden})).await;
    assert!(!answer.text.contains("eve@evil"), "{}", answer.text);
    assert!(answer.output()["unsafe_notes"][0].as_str().unwrap().contains("hidden"));

    let long = page_id(&alice, "Minutes, long").await;
    let long = alice.call(PAGE, json!({"page_id": long, "max_chars": 1000})).await.output().clone();
    assert_eq!(long["truncated"], true);
    assert!(long["content"].as_str().unwrap().chars().count() < 1100);
    let named = alice.call(PAGE, json!({"page_id": id, "include_ids": true})).await.output().clone();
    let elements = named["elements"].as_array().unwrap();
    let list = elements.iter().find(|one| one["data_id"] == "decisions").unwrap();
    assert!(list["tag"] == "ul" && list["id"].as_str().unwrap().starts_with("ul:{"), "{list}");
    let html = alice.call(PAGE, json!({"page_id": id, "body_format": "html"})).await.output().clone();
    assert!(html["content"].as_str().unwrap().contains("data-absolute-enabled"));

    let minji = onenote(&cluster, MINJI).await;
    let korean = page_id(&minji, "부산항 크레인 회의").await;
    let korean = minji.call(PAGE, json!({"page_id": korean})).await.output().clone();
    assert!(korean["content"].as_str().unwrap().contains("참석: **정지훈**"), "{korean}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_found_by_title_and_by_what_they_say() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let crane = items(&alice.call(SEARCH, json!({"query": "CRANE"})).await);
    assert_eq!((crane.len(), &crane[0]["title"]), (1, &json!("Harbor crane kickoff")));
    let (log, _) = everything(&alice, SEARCH, json!({"text": "log entry", "limit": 100})).await;
    assert_eq!(log.len(), 130);
    let none = items(&alice.call(SEARCH, json!({"text": "crane", "notebook": "private"})).await);
    assert!(none.is_empty());

    let first = alice.call(SEARCH, json!({"text": "hook BLOCK", "scope": "content"})).await;
    let hits = items(&first);
    assert_eq!((hits.len(), &hits[0]["title"]), (1, &json!("Harbor crane kickoff")), "{first:?}");
    assert!(hits[0]["snippet"].as_str().unwrap().contains("Hook block"));
    assert_eq!(
        (&first.output()["applied"]["scanned"], &first.output()["has_more"]),
        (&json!(20), &json!(true))
    );
    let rest = json!({"cursor": first.output()["next_cursor"]});
    assert_eq!(alice.call(SEARCH, rest).await.output()["applied"]["scanned"], 20);

    // An account with too many sections is gone through section by section.
    let fault = json!({"path": "/v1.0/me/onenote/pages?", "status": 400, "times": 1,
        "body": {"error": {"code": "20266", "message": "The number of maximum sections is exceeded for this request."}}});
    let path = fault["path"].as_str().unwrap().trim_end_matches('?').to_owned();
    let mut fault = fault;
    fault["path"] = json!(path);
    cluster.tenant.fault(fault.clone()).await;
    let (found, _) = everything(&alice, SEARCH, json!({"text": "budget"})).await;
    assert_eq!((found.len(), &found[0]["title"]), (1, &json!("Old budget")));
    assert_eq!(cluster.tenant.faults_left().await, 0);
    cluster.tenant.fault(fault).await;
    let refused = alice.call(LISTS, json!({"action": "list_pages"})).await.refusal();
    assert!(refused.contains("section_id"), "{refused}");
    for text in ["", "  ", &"x".repeat(300)] {
        assert!(alice.call(SEARCH, json!({ "text": text })).await.refusal().contains("text"), "{text}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn recents_and_names_are_ones_own_on_every_replica() {
    let Some(cluster) = Cluster::pair().await else { return };
    let (alice, bob) = tokio::join!(onenote(&cluster, ALICE), onenote(&cluster, BOB));
    let at = |client: &Mcp, replica: usize| {
        let mut there = client.clone();
        there.endpoint = format!("{}/onenote/mcp", cluster.replica_url(replica));
        there
    };
    assert!(at(&alice, 0).call(PAGE, json!({})).await.refusal().contains("page_id"), "nothing was used yet");
    let odd = page_id(&at(&alice, 0), ODD).await;
    at(&alice, 0).call(PAGE, json!({"page_id": odd})).await.output();
    pages_of(&at(&alice, 0), "Ideas").await;
    let recents = at(&alice, 1).call(RECENT, json!({})).await.output().clone();
    assert_eq!(recents["pages"][0]["name"], ODD);
    let sections: Vec<&str> =
        recents["sections"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(sections, ["Ideas", "Meetings"]);
    assert_eq!(
        at(&alice, 1).call(RECENT, json!({"section_limit": 1, "page_limit": 0})).await.output()["pages"],
        json!([])
    );
    // Without an id: what was used last, and said so.
    let last = at(&alice, 1).call(PAGE, json!({"action": "get"})).await.output().clone();
    assert_eq!(last["title"], ODD);
    assert!(last["warnings"][0].as_str().unwrap().contains("used last"));

    let log = listed(&alice, json!({"action": "list_sections", "section_name": "log"})).await;
    let keep = json!({"section_id": log[0]["id"], "section_name": "크레인 일지 🏗", "page_id": odd, "page_title": "kept"});
    let kept = at(&alice, 0).call(NAMES, keep).await.output().clone();
    assert_eq!(kept["saved"].as_array().unwrap().len(), 2);
    let by_name = pages_of(&at(&alice, 1), "크레인 일지 🏗").await;
    assert!(by_name[0]["title"].as_str().unwrap().starts_with("Log entry"), "{by_name:?}");
    let compared =
        at(&alice, 1).call("sync_onenote_db", json!({"sync_sections": true, "sync_pages": "yes"})).await;
    assert_eq!(compared.output()["sections"], 6);
    let recents = at(&alice, 0).call(RECENT, json!({"page_limit": 10})).await.output().clone();
    assert_eq!(recents["pages"][0]["name"], ODD, "OneNote's own name again: {recents}");

    // Nobody else has any of it.
    let theirs = at(&bob, 0).call(RECENT, json!({})).await.output().clone();
    assert_eq!((&theirs["pages"], &theirs["sections"]), (&json!([]), &json!([])));
    let refused =
        at(&bob, 1).call(LISTS, json!({"action": "list_pages", "section_name": "크레인 일지 🏗"})).await;
    assert!(refused.refusal().contains("no section"));
    for (arguments, part) in [
        (json!({"section_id": "x", "section_name": "y"}), "section_id"),
        (json!({"section_name": "y"}), "section_id"),
        (json!({"page_id": odd}), "page_title"),
        (json!({"page_id": odd, "page_title": "x".repeat(300)}), "page_title"),
    ] {
        assert!(alice.call(NAMES, arguments.clone()).await.refusal().contains(part), "{arguments}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_another_persons_pages_and_bad_ids_are_told() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(onenote(&cluster, ALICE), onenote(&cluster, BOB));
    let salary = page_id(&bob, "Salary talks").await;
    let refused = alice.call(PAGE, json!({"page_id": salary})).await;
    assert!(refused.refusal().contains("no such"), "{}", refused.text);
    assert!(!refused.text.contains("Nobody but Bob"));
    assert!(items(&alice.call(SEARCH, json!({"text": "salary"})).await).is_empty());
    let section = pages_of(&bob, "Salary").await[0]["section_id"].clone();
    let strayed = alice.call(LISTS, json!({"action": "list_pages", "section_id": section})).await;
    assert!(strayed.refusal().contains("no such"));
    let noted = alice.call(NOTEBOOKS, json!({"user_id": "bob"})).await;
    assert!(noted.output()["warnings"][0].as_str().unwrap().contains("ignored"), "{}", noted.text);
    // A cursor is its owner's.
    let page = alice.call(LISTS, json!({"action": "list_pages", "section_name": "Log", "limit": 5})).await;
    let stolen = json!({"action": "list_pages", "cursor": page.output()["next_cursor"]});
    assert!(bob.call(LISTS, stolen).await.refusal().contains("cursor"));

    let guid = "33f8a242-7c33-4bb2-90c5-8425a68cc5bf";
    for id in [guid, "1-33f8a242-7c33-4bb2-90c5-8425a68cc5bf"] {
        assert!(alice.call(PAGE, json!({"page_id": id})).await.refusal().contains("no such"), "{id}");
    }
    for id in ["..", "1-a/../b", "x?$top=1", "1-%2e", "Meetings", "회의록", "🏗"] {
        assert!(alice.call(PAGE, json!({"page_id": id})).await.refusal().contains("page_id"), "{id}");
    }
    for (arguments, part) in [
        (json!({}), "action"),
        (json!({"action": "rename"}), "action"),
        (json!({"action": "list_pages", "section_name": "No such"}), "no section"),
        (json!({"action": "list_pages", "modified_since": "soon"}), "modified_since"),
        (json!({"action": "list_pages", "cursor": "c_x"}), "cursor"),
        (json!({"action": "list_sections", "notebook_id": "x"}), "notebook_id"),
    ] {
        assert!(alice.call(LISTS, arguments.clone()).await.refusal().contains(part), "{arguments}");
    }
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_failures_of_onenote_are_told_and_others_go_on() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(onenote(&cluster, ALICE), onenote(&cluster, BOB));
    alice.call(NOTEBOOKS, json!({})).await.output();
    // OneNote's own interruption: one more try.
    let broken = json!({"path": "/v1.0/me/onenote/notebooks", "status": 500, "times": 1,
        "body": {"error": {"code": "UnknownError", "message": ""}}});
    cluster.tenant.fault(broken).await;
    alice.call(NOTEBOOKS, json!({})).await.output();
    for (status, code, part) in [
        (403, "30108", "no OneDrive"),
        (403, "40004", "permission"),
        (404, "20102", "no such"),
        (400, "20112", "no such"),
    ] {
        let rule = json!({"path": "/v1.0/me/onenote/notebooks", "status": status, "times": 2,
            "body": {"error": {"code": code, "message": "x"}}});
        cluster.tenant.fault(rule).await;
        assert!(alice.call(NOTEBOOKS, json!({})).await.refusal().contains(part), "{code}");
        cluster.tenant.clear_faults().await;
    }
    cluster.tenant.control(reqwest::Method::POST, "graph/limits", Some(json!({"notes_per_minute": 1}))).await;
    alice.call(NOTEBOOKS, json!({})).await.output();
    let refused = alice.call(NOTEBOOKS, json!({})).await.refusal();
    assert!(refused.contains("limits requests for OneNote. Try again in"), "{refused}");
    // The pause is that person's, and kept without asking again.
    let before = cluster.tenant.counters().await["marks"]["graph.throttled"].clone();
    assert!(alice.call(NOTEBOOKS, json!({})).await.refusal().contains("OneNote"));
    assert_eq!(cluster.tenant.counters().await["marks"]["graph.throttled"], before);
    bob.call(NOTEBOOKS, json!({})).await.output();
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_reads_lists_no_writing_and_still_reads_pages() {
    let settings = [("ENTRADA_TOOLS__READ_ONLY", "true")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let alice = onenote(&cluster, ALICE).await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].as_array().unwrap().clone();
    let names: HashSet<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, HashSet::from([NOTEBOOKS, LISTS, PAGE, SEARCH, RECENT]));
    assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
    let id = page_id(&alice, "Harbor crane kickoff").await;
    assert!(alice.call(PAGE, json!({"page_id": id})).await.text.contains("Load test"));
    for (tool, arguments) in [
        (PAGE, json!({"action": "delete", "page_id": id})),
        (PAGE, json!({"action": "create", "title": "x", "content": "x"})),
        (LISTS, json!({"action": "create_section", "section_name": "x"})),
    ] {
        assert!(alice.call(tool, arguments.clone()).await.refusal().contains("action"), "{arguments}");
    }
    assert_eq!(alice.call("edit_page", json!({"page_id": id, "content": "x"})).await.error_code(), -32602);
    assert_eq!(alice.call("sync_onenote_db", json!({})).await.error_code(), -32602);
    cluster.assert_wire();
}
