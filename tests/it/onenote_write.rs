//! Writing in OneNote as a user meets it: new sections and pages, additions, replacements after the person's word, copies.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const LISTS: &str = "manage_sections_and_pages";
const PAGE: &str = "manage_page_content";
const EDIT: &str = "edit_page";
const COPY: &str = "onenote_copy_page";
const TITLE: &str = "It's 50% & <i>\"new\"</i> #8 \u{1f3d7}";
const TEXT: &str = "**Bold** & ~~gone~~ `code < 1`\n\n- one\n- two\n\n- [ ] open\n- [x] closed\n\n\
    |Item|Price|\n|-|-|\n|Hook|1,200 €|\n\n크레인 עגורן \u{1f3d7} 100% 'quoted' \"double\"";

async fn onenote(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "Notes.Create Notes.ReadWrite").await
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/onenote/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

async fn read(client: &Mcp, id: &Value) -> Value {
    client.call(PAGE, json!({"page_id": id, "include_ids": true})).await.output().clone()
}

async fn text(client: &Mcp, id: &Value) -> String {
    read(client, id).await["content"].as_str().unwrap().to_owned()
}

async fn create(client: &Mcp, section: &str, title: &str, content: &str) -> Value {
    let wish = json!({"action": "create", "section_name": section, "title": title, "content": content});
    client.call(PAGE, wish).await.output().clone()
}

/// The answer once the person has agreed to what the preview shows.
async fn agreed(client: &Mcp, tool: &str, mut wish: Value) -> Answer {
    let held = client.call(tool, wish.clone()).await.output().clone();
    assert_eq!(held["status"], "confirmation_required", "{held}");
    wish["confirm_token"] = held["confirm_token"].clone();
    client.call(tool, wish).await
}

async fn titles(client: &Mcp, section: &str) -> Vec<String> {
    let listed = client.call(LISTS, json!({"action": "list_pages", "section_name": section})).await;
    let items = listed.output()["items"].as_array().unwrap();
    items.iter().map(|page| page["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_and_a_page_are_made_and_read_as_they_were_written() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let books =
        alice.call("onenote_list_notebooks", json!({"name": "Private"})).await.output()["items"].clone();
    let wish =
        json!({"action": "create_section", "notebook_id": books[0]["id"], "section_name": "크레인 it's 🏗"});
    let mut dry = wish.clone();
    dry["dry_run"] = json!(true);
    assert_eq!(alice.call(LISTS, dry).await.output()["status"], "preview");
    let made = alice.call(LISTS, wish.clone()).await.output().clone();
    assert_eq!((&made["status"], &made["items"][0]["name"]), (&json!("done"), &json!("크레인 it's 🏗")));
    assert!(alice.call(LISTS, wish).await.refusal().contains("already"));
    for (name, part) in
        [("", "section_name"), (&*"x".repeat(51), "50"), ("a#b", "characters"), ("a%b", "characters")]
    {
        let wish = json!({"action": "create_section", "notebook_id": books[0]["id"], "section_name": name});
        assert!(alice.call(LISTS, wish).await.refusal().contains(part), "{name}");
    }

    // The section made last is where a page goes that names none.
    let wish = json!({"action": "create", "title": TITLE, "content": TEXT});
    let page = alice.call(PAGE, wish).await.output().clone();
    assert_eq!((&page["title"], &page["section"]), (&json!(TITLE), &json!("크레인 it's 🏗")));
    assert!(page["warnings"][0].as_str().unwrap().contains("used last"));
    let told = read(&alice, &page["id"]).await;
    let content = told["content"].as_str().unwrap();
    assert_eq!(told["title"], TITLE);
    for part in [
        "**Bold** & ~~gone~~ `code < 1`",
        "- one",
        "\u{2610} open",
        "\u{2611} closed",
        "| **Item** |",
        "| Hook |",
        "크레인 עגורן \u{1f3d7} 100% 'quoted' \"double\"",
    ] {
        assert!(content.contains(part), "{part}: {content}");
    }
    let hostile =
        "<p onclick=\"x\">fine</p><script>bad()</script><iframe src=\"https://evil.example\"></iframe>";
    let wish = json!({"action": "create", "section_name": "Ideas", "title": "h", "content": hostile, "content_format": "html"});
    let safe = alice.call(PAGE, wish).await.output().clone();
    let html = alice.call(PAGE, json!({"page_id": safe["id"], "body_format": "html"})).await.output().clone();
    let html = html["content"].as_str().unwrap();
    assert!(html.contains(">fine</p>") && !html.contains("evil") && !html.contains("bad()"), "{html}");
    for (wish, part) in [
        (json!({"action": "create", "section_name": "Ideas"}), "title"),
        (json!({"action": "create", "section_id": "x y", "title": "x"}), "section_id"),
        (json!({"action": "create", "section_name": "Ideas", "title": "x".repeat(300)}), "title"),
    ] {
        assert!(alice.call(PAGE, wish.clone()).await.refusal().contains(part), "{wish}");
    }
    let locked = json!({"action": "create", "section_name": "Locked", "title": "x"});
    assert!(agreed(&alice, PAGE, locked).await.refusal().contains("password"));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_is_done_at_once_and_where_it_was_meant() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let page = create(&alice, "Ideas", "Edit me", "first\n\nsecond thing\n\n- a\n- b").await;
    let id = &page["id"];
    let edit = async |arguments: Value| {
        let mut all = json!({"page_id": id});
        all.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        alice.call(EDIT, all).await
    };
    assert_eq!(edit(json!({"content": "last"})).await.output()["status"], "done");
    edit(json!({"content": "top", "action": "prepend"})).await.output();
    edit(
        json!({"content": "between", "action": "insert", "position": "before", "find_text": "SECOND thing"}),
    )
    .await
    .output();
    edit(json!({"content": "- c", "target": list_id(&alice, id).await})).await.output();
    let beside = edit(json!({"content": "beside", "find_text": "first"})).await.output().clone();
    assert!(beside["warnings"][0].as_str().unwrap().contains("after"), "{beside}");
    let now = text(&alice, id).await;
    let places: Vec<usize> =
        ["top", "first", "beside", "between", "second thing", "- a", "- b", "- c", "last"]
            .iter()
            .map(|part| now.find(part).unwrap_or_else(|| panic!("no {part}: {now}")))
            .collect();
    assert!(places.is_sorted(), "{now}");

    // The title is one, and a change of it needs a word.
    let wish = json!({"page_id": id, "target": "title", "action": "replace", "content": TITLE});
    alice.confirmed(EDIT, wish).await;
    assert_eq!(read(&alice, id).await["title"], TITLE);
    for (wish, part) in [
        (json!({}), "content"),
        (json!({"content": "x", "find_text": "nowhere at all"}), "find_text"),
        (json!({"content": "x", "find_text": "s"}), "places"),
        (json!({"content": "x", "find_text": "x", "target": "body"}), "exclude"),
        (json!({"content": "x", "target": "p:{none}{1}"}), "include_ids"),
        (json!({"content": "x", "target": "#none"}), "target"),
        (json!({"content": "x", "target": "title"}), "title"),
        (json!({"content": "x", "action": "replace"}), "target"),
        (json!({"content": "x", "action": "insert"}), "target"),
        (json!({"content": "x", "action": "rename"}), "action"),
        (json!({"content": "x".repeat(300_000)}), "content"),
    ] {
        assert!(edit(wish.clone()).await.refusal().contains(part), "{wish}");
    }
    assert_eq!(text(&alice, id).await, now);
    cluster.assert_wire();
}

async fn list_id(client: &Mcp, id: &Value) -> Value {
    let page = read(client, id).await;
    let elements = page["elements"].as_array().unwrap();
    elements.iter().find(|one| one["tag"] == "ul").unwrap()["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_something_away_waits_for_a_word_about_exactly_that() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(onenote(&cluster, ALICE), onenote(&cluster, BOB));
    let page = create(&alice, "Ideas", "Replace me", "keep\n\nold words").await;
    let id = &page["id"];
    let wish =
        json!({"page_id": id, "action": "replace", "find_text": "old words", "content": "**new** words"});
    let held = alice.call(EDIT, wish.clone()).await.output().clone();
    let preview = held["preview"].as_str().unwrap();
    assert!(
        preview.contains("old words") && preview.contains("**new** words") && preview.contains("Replace me"),
        "{preview}"
    );
    let with = |token: &Value, wish: &Value| {
        let mut wish = wish.clone();
        wish["confirm_token"] = token.clone();
        wish
    };
    let mut other = wish.clone();
    other["content"] = json!("something else");
    assert!(alice.call(EDIT, with(&held["confirm_token"], &other)).await.refusal().contains("confirm_token"));
    assert!(bob.call(EDIT, with(&held["confirm_token"], &wish)).await.refusal().contains("no such"));
    // Something else on the page changed meanwhile, and with it every id: agreed is agreed.
    alice.call(EDIT, json!({"page_id": id, "content": "added meanwhile"})).await.output();
    assert_eq!(alice.call(EDIT, with(&held["confirm_token"], &wish)).await.output()["status"], "done");
    assert!(
        alice.call(EDIT, with(&held["confirm_token"], &wish)).await.refusal().contains("find_text"),
        "it is gone"
    );
    let now = text(&alice, id).await;
    assert!(now.contains("keep") && now.contains("**new** words") && !now.contains("old words"), "{now}");

    // The words that were shown are no longer there: another word is needed.
    let wish = json!({"page_id": id, "action": "replace", "find_text": "keep", "content": "x"});
    let held = alice.call(EDIT, wish.clone()).await.output().clone();
    let more = json!({"page_id": id, "action": "replace", "find_text": "keep", "content": "keep and more"});
    alice.confirmed(EDIT, more).await;
    assert!(alice.call(EDIT, with(&held["confirm_token"], &wish)).await.refusal().contains("confirm_token"));

    let clean = json!({"page_id": id, "action": "clean", "content": "fresh start"});
    let done = alice.confirmed(EDIT, clean).await;
    assert!(done["changed"].as_str().unwrap().contains("whole page"), "{done}");
    assert_eq!(text(&alice, id).await.trim(), "fresh start");
    assert_eq!(read(&alice, id).await["title"], "Replace me");
    let bare = json!({"page_id": id, "action": "clean", "keep_title": false});
    alice.confirmed(EDIT, bare.clone()).await;
    assert_eq!(read(&alice, id).await["title"], "Untitled page");

    let delete = json!({"action": "delete", "page_id": id});
    assert!(
        alice.call(PAGE, json!({"action": "delete"})).await.refusal().contains("page_id"),
        "never guessed"
    );
    assert!(bob.call(PAGE, delete.clone()).await.refusal().contains("no such"));
    let mut dry = delete.clone();
    dry["dry_run"] = json!(true);
    assert_eq!(alice.call(PAGE, dry).await.output()["status"], "preview");
    alice.confirmed(PAGE, delete.clone()).await;
    assert!(alice.call(PAGE, delete).await.refusal().contains("no such"));
    assert!(!titles(&alice, "Ideas").await.contains(&"Untitled page".to_owned()));
    let recents = alice.call("get_recent_onenote_items", json!({"page_limit": 20})).await.output().clone();
    assert!(recents["pages"].as_array().unwrap().iter().all(|page| page["id"] != *id), "{recents}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_copied_once_onenote_is_done_with_it() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(onenote(&cluster, ALICE), onenote(&cluster, BOB));
    let page = create(&alice, "Ideas", TITLE, "copied text").await;
    let wish = json!({"page_id": page["id"], "section_name": "2025"});
    let done = alice.confirmed(COPY, wish.clone()).await;
    let copy = &done["page"];
    assert_eq!(
        (&done["running"], &copy["title"], &copy["section"]),
        (&json!(false), &json!(TITLE), &json!("2025"))
    );
    assert_ne!(copy["id"], page["id"]);
    assert!(text(&alice, &copy["id"]).await.contains("copied text"));
    assert!(titles(&alice, "2025").await.contains(&TITLE.to_owned()));
    for (wish, part) in [
        (json!({"page_id": page["id"]}), "section_id"),
        (json!({"page_id": page["id"], "section_name": "Nowhere"}), "no section"),
        (json!({"page_id": "x", "section_name": "2025"}), "page_id"),
    ] {
        assert!(alice.call(COPY, wish.clone()).await.refusal().contains(part), "{wish}");
    }
    assert!(
        bob.call(COPY, json!({"page_id": page["id"], "section_name": "Salary"}))
            .await
            .refusal()
            .contains("no such")
    );
    let failed = json!({"path": "/v1.0/me/onenote/operations/", "status": 200, "times": 1,
        "body": {"id": "copy-1", "status": "failed", "error": {"code": "30102", "message": "full"}}});
    cluster.tenant.fault(failed).await;
    assert!(agreed(&alice, COPY, wish).await.refusal().contains("full"));
    let locked = json!({"page_id": page["id"], "section_name": "Locked"});
    assert!(agreed(&alice, COPY, locked).await.refusal().contains("password"));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_that_only_reads_is_asked_for_more_and_a_lost_answer_is_not_repeated() {
    let cluster = Cluster::embedded().await;
    let reader = asking(&cluster, ALICE, "").await;
    let found = reader.call("onenote_search", json!({"text": "kickoff"})).await.output()["items"][0].clone();
    for (tool, arguments, scope) in [
        (PAGE, json!({"action": "create", "section_name": "Ideas", "title": "x"}), "Notes.Create"),
        (PAGE, json!({"action": "delete", "page_id": found["id"]}), "Notes.ReadWrite"),
        (LISTS, json!({"action": "create_section", "section_name": "x"}), "Notes.Create"),
        (EDIT, json!({"page_id": found["id"], "content": "x"}), "Notes.ReadWrite"),
        (COPY, json!({"page_id": found["id"], "section_name": "2025"}), "Notes.ReadWrite"),
    ] {
        let answer = reader.call(tool, arguments).await;
        assert_eq!(answer.status, 403, "{tool}: {}", answer.text);
        assert!(answer.header("www-authenticate").contains(scope), "{tool}");
    }
    // What changes and copies pages may also make them.
    let writer = asking(&cluster, ALICE, "Notes.ReadWrite").await;
    let page = create(&writer, "Ideas", "Once", "first").await;
    let lost = json!({"path": "/v1.0/me/onenote/pages/*/content", "method": "PATCH", "status": 504, "times": 1, "after": true});
    cluster.tenant.fault(lost).await;
    let refused = writer.call(EDIT, json!({"page_id": page["id"], "content": "only once"})).await.refusal();
    assert!(refused.contains("did not say"), "{refused}");
    assert_eq!(text(&writer, &page["id"]).await.matches("only once").count(), 1);
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_parts_that_are_alike_the_word_is_about_one_and_pictures_are_named() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let page = create(&alice, "Ideas", "Twins", "same words\n\nbetween\n\nsame words").await;
    let elements = read(&alice, &page["id"]).await["elements"].clone();
    let twins: Vec<&Value> = elements
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["text"] == "same words" && one["tag"] == "p")
        .collect();
    assert_eq!(twins.len(), 2, "{elements}");
    let wish = |twin: &Value| json!({"page_id": page["id"], "action": "replace", "target": twin["id"], "content": "changed"});
    let held = alice.call(EDIT, wish(twins[0])).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains("number 1 of 2"), "{held}");
    let mut other = wish(twins[1]);
    other["confirm_token"] = held["confirm_token"].clone();
    assert!(alice.call(EDIT, other).await.refusal().contains("confirm_token"));
    alice.confirmed(EDIT, wish(twins[1])).await;
    let now = text(&alice, &page["id"]).await;
    let (first, last) = (now.find("same words").unwrap(), now.find("changed").unwrap());
    assert!(first < now.find("between").unwrap() && last > first, "{now}");

    let found = alice.call("onenote_search", json!({"text": "Harbor crane kickoff"})).await.output().clone();
    let clean = json!({"page_id": found["items"][0]["id"], "action": "clean"});
    let held = alice.call(EDIT, clean).await.output().clone();
    let preview = held["preview"].as_str().unwrap();
    assert!(preview.contains("the picture \"Crane at pier 3\""), "{preview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_people_see_waits_for_a_word() {
    let cluster = Cluster::embedded().await;
    let alice = onenote(&cluster, ALICE).await;
    let books = alice.call("onenote_list_notebooks", json!({})).await.output()["items"].clone();
    let work = books.as_array().unwrap().iter().find(|book| book["name"] == "Work").unwrap();
    assert_eq!(work["shared"], true);
    let create =
        json!({"action": "create", "section_name": "Meetings", "title": "Seen", "content": "by all"});
    let section = json!({"action": "create_section", "notebook_id": work["id"], "section_name": "Plans"});
    for (tool, wish) in [(PAGE, create), (LISTS, section)] {
        let held = alice.call(tool, wish.clone()).await.output().clone();
        assert_eq!(held["status"], "confirmation_required", "{tool}: {held}");
        assert!(held["preview"].as_str().unwrap().contains("\"Work\" is shared"), "{held}");
        assert_eq!(agreed(&alice, tool, wish).await.output()["status"], "done");
    }
    let found =
        alice.call(LISTS, json!({"action": "list_pages", "section_name": "Meetings"})).await.output().clone();
    let page =
        found["items"].as_array().unwrap().iter().find(|page| page["title"] == "Seen").unwrap().clone();
    let add = json!({"page_id": page["id"], "content": "and more"});
    let held = alice.call(EDIT, add.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains("other people see this"), "{held}");
    assert!(!text(&alice, &page["id"]).await.contains("and more"), "nothing was done yet");
    alice.confirmed(EDIT, add).await;
    assert!(text(&alice, &page["id"]).await.contains("and more"));
    // In the user's own notebook nobody is asked.
    let ideas =
        alice.call(LISTS, json!({"action": "list_pages", "section_name": "Ideas"})).await.output().clone();
    let add = json!({"page_id": ideas["items"][0]["id"], "content": "alone"});
    assert_eq!(alice.call(EDIT, add).await.output()["status"], "done");
}
