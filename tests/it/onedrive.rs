//! `/onedrive` as its user meets it: over MCP, with a bearer of its own, against the simulated tenant.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::{Answer, Mcp};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const MINJI: &str = "minji@contoso.example";

async fn onedrive_with(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/onedrive/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

/// A client that asks for nothing gets what reading takes.
async fn onedrive(cluster: &Cluster, user: &str) -> Mcp {
    onedrive_with(cluster, user, "").await
}

async fn list(client: &Mcp, arguments: Value) -> Vec<Value> {
    client.call("list_files", arguments).await.output()["items"].as_array().unwrap().clone()
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

fn find<'a>(items: &'a [Value], name: &str) -> &'a Value {
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {items:?}"))
}

async fn read(client: &Mcp, path: &str) -> Value {
    client.call("read_file", json!({"file_path": path})).await.output().clone()
}

fn text(answer: &Answer) -> &str {
    answer.result()["content"][0]["text"].as_str().unwrap()
}

/// How often the tenant saw `what` of the transfers.
async fn transfers(cluster: &Cluster, what: &str) -> u64 {
    cluster.tenant.counters().await["marks"][format!("drive.{what}")].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_listed_and_documents_read() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let root = list(&alice, json!({})).await;
    let documents = find(&root, "Documents");
    assert_eq!((&documents["kind"], &documents["path"]), (&json!("folder"), &json!("Documents")));
    assert_eq!(find(&root, "notes.txt")["kind"], "file");

    let inside = alice.call("list_files", json!({"folder_path": "Documents"})).await;
    let items = inside.output()["items"].as_array().unwrap().clone();
    assert!(names(&items).is_sorted_by_key(|name| name.to_lowercase()), "{:?}", names(&items));
    let budget = find(&items, "Budget 2026.xlsx");
    assert_eq!(budget["path"], "Documents/Budget 2026.xlsx");
    assert!(text(&inside).contains("**Documents/Budget 2026.xlsx**"), "{}", text(&inside));
    // The same folder by its id, as JSON alone, filtered.
    let by_id = json!({"folder_path": documents["id"], "type": "csv", "output_format": "json"});
    let tables = list(&alice, by_id).await;
    assert_eq!(names(&tables), ["items.csv", "measuring log.csv"]);
    let recent = json!({"folder_path": "Documents", "modified_since": "2126-01-01"});
    assert!(list(&alice, recent).await.is_empty());

    for (path, part) in [
        ("notes.txt", "answer Grace"),
        ("/Documents/Budget 2026.xlsx", "Bob Baker"),
        ("Documents/Steering committee.pptx", ""),
        ("Documents/NDA Lakeshore.docx", "survey drone"),
        ("Documents/Purchase order 4500012877.pdf", "42,000.00"),
        (budget["id"].as_str().unwrap(), "Round"),
    ] {
        let got = read(&alice, path).await;
        let found = got["text"].as_str().unwrap_or_else(|| panic!("no text: {got}")).to_lowercase();
        assert!(found.contains(&part.to_lowercase()), "{path}: {found}");
        assert_eq!(got["sha256"].as_str().unwrap().len(), 64);
        assert!(!got["etag"].as_str().unwrap().is_empty());
    }
    let sheet = json!({"file_path": "Documents/Budget 2026.xlsx", "mode": "table", "sheet": "Calendar"});
    let sheet = alice.call("read_file", sheet).await.output().clone();
    assert!(!sheet["text"].as_str().unwrap().contains("Bob Baker"), "{sheet}");
    assert!(transfers(&cluster, "transfers").await >= 7);
    assert_eq!(transfers(&cluster, "authorization_leaked").await, 0, "the token stays with Graph");

    let info = json!({"file_path": "Documents/items.csv", "include": "versions, permissions"});
    let info = alice.call("get_file_info", info).await;
    let shown = info.output();
    assert_eq!(shown["versions"].as_array().unwrap().len(), 1);
    assert_eq!(shown["permissions"][0]["roles"], json!(["owner"]));
    assert!(!info.text.contains("/blob/"), "no download address is given away: {}", info.text);
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_need_care_lead_to_their_files() {
    let cluster = Cluster::embedded().await;
    let (alice, minji) = tokio::join!(onedrive(&cluster, ALICE), onedrive(&cluster, MINJI));
    let odd = list(&alice, json!({"folder_path": "Odd names"})).await;
    assert_eq!(odd.len(), 7, "{odd:?}");
    let mut seen = BTreeSet::new();
    for item in &odd {
        let (by_path, by_id) = tokio::join!(
            read(&alice, item["path"].as_str().unwrap()),
            read(&alice, item["id"].as_str().unwrap())
        );
        assert_eq!(by_path, by_id, "{item}");
        assert_eq!(by_path["name"], item["name"]);
        seen.insert(by_path["sha256"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), odd.len(), "every name leads to a file of its own");
    for (search, name) in [
        ("it's", "it's here.txt"),
        ("100%", "report#1 100%.docx"),
        ("\u{1f6a2}", "\u{1f6a2} ships \u{2693}.md"),
    ] {
        let found = list(&alice, json!({"search": search})).await;
        assert!(names(&found).contains(&name), "{search}: {found:?}");
    }
    assert!(list(&alice, json!({"search": "') or true or ('"})).await.is_empty());
    let korean = read(&minji, "계약/부산항 크레인 계약서.docx").await;
    assert_eq!(korean["path"], "계약/부산항 크레인 계약서.docx");
    assert!(korean["text"].as_str().unwrap().contains("계약"), "{korean}");
    let legacy = read(&minji, "계약/품목.csv").await;
    assert!(legacy["text"].as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c)), "{legacy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_folders_come_in_pages_and_empty_ones_are_empty() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let empty = alice.call("list_files", json!({"folder_path": "Nothing here"})).await;
    assert_eq!((&empty.output()["count"], &empty.output()["has_more"]), (&json!(0), &json!(false)));

    for (limit, max_chars) in [(150, 100_000), (200, 3_000)] {
        let mut arguments = json!({"folder_path": "Archive", "limit": limit, "max_chars": max_chars});
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let answer = alice.call("list_files", arguments).await;
            let page = answer.output();
            assert!(text(&answer).chars().count() <= max_chars + 300, "{}", text(&answer).len());
            seen.extend(names(page["items"].as_array().unwrap()).into_iter().map(ToOwned::to_owned));
            pages += 1;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            assert_eq!(page["has_more"], true);
            arguments = json!({"cursor": cursor, "limit": limit, "max_chars": max_chars});
            if pages == 12 && max_chars < 10_000 {
                break;
            }
        }
        assert!(seen.is_sorted() && pages > 6, "{pages}");
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "nothing comes twice");
        if max_chars > 10_000 {
            assert_eq!(seen.len(), 1_200);
        } else {
            let expected: Vec<String> = (1..=seen.len()).map(|n| format!("record {n:04}.txt")).collect();
            assert_eq!(seen, expected, "nothing is left out");
        }
    }
    let rare = json!({"folder_path": "Archive", "type": "pdf"});
    let rare = alice.call("list_files", rare).await;
    assert_eq!((&rare.output()["count"], &rare.output()["has_more"]), (&json!(0), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_files_of_others_unless_they_were_shared() {
    let cluster = Cluster::embedded().await;
    let everything = "Files.Read Files.Read.All Files.ReadWrite";
    let (alice, bob) =
        tokio::join!(onedrive_with(&cluster, ALICE, everything), onedrive_with(&cluster, BOB, everything));
    let private = list(&bob, json!({"folder_path": "Private"})).await;
    let secret = find(&private, "Salary talks.txt");
    let id = secret["id"].as_str().unwrap();
    assert!(read(&bob, id).await["text"].as_str().unwrap().contains("Nobody but Bob"));

    let shared = list(&alice, json!({"view": "shared"})).await;
    let prices = find(&shared, "Valve prices.xlsx");
    let away = prices["id"].as_str().unwrap();
    let drive = away.split(':').next().unwrap();
    assert!(read(&alice, away).await["text"].as_str().unwrap().contains("Actuator"));
    assert!(!names(&shared).contains(&"Salary talks.txt") && !names(&shared).contains(&"notes.txt"));

    for path in [
        id.to_owned(),
        format!("{drive}:{id}"),
        secret["path"].as_str().unwrap().to_owned(),
        secret["web_url"].as_str().unwrap().to_owned(),
    ] {
        for tool in ["read_file", "get_file_info"] {
            let answer = alice.call(tool, json!({"file_path": path})).await;
            answer.refusal();
            assert!(
                !answer.text.contains("Nobody but Bob") && !answer.text.contains("Salary"),
                "{}",
                answer.text
            );
        }
    }
    for arguments in [
        json!({"folder_path": find(&list(&bob, json!({})).await, "Private")["id"]}),
        json!({"folder_path": "Private"}),
        json!({"drive": drive, "type": "folder"}),
    ] {
        let answer = alice.call("list_files", arguments.clone()).await;
        answer.refusal();
        assert!(!answer.text.contains("Salary"), "{arguments}: {}", answer.text);
    }
    assert!(list(&alice, json!({"search": "Salary"})).await.is_empty());
    assert!(list(&alice, json!({"view": "shared", "search": "Salary"})).await.is_empty());
    // A cursor is its owner's, and its tool's.
    let page = bob.call("list_files", json!({"limit": 1})).await;
    let cursor = page.output()["next_cursor"].as_str().unwrap();
    for cursor in [cursor, "c_unknown", "x"] {
        assert!(alice.call("list_files", json!({"cursor": cursor})).await.refusal().contains("cursor"));
    }
    bob.call("list_files", json!({"cursor": cursor})).await.output();
    let noted = alice.call("list_files", json!({"user_id": BOB})).await;
    assert!(names(noted.output()["items"].as_array().unwrap()).contains(&"notes.txt"), "her own files");
    assert!(noted.output()["warnings"][0].as_str().unwrap().contains("user_id"));

    let mail = Client::register(&cluster.url).await.sign_in(ALICE).await;
    assert_eq!(alice.with_bearer(&mail.access).call("list_files", json!({})).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_others_and_links_need_a_further_permission() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    for (arguments, scope) in
        [(json!({"view": "shared"}), "Files.Read.All"), (json!({"drive": "b!whatever"}), "Files.Read.All")]
    {
        let answer = alice.call("list_files", arguments).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") && challenge.contains(scope), "{challenge}");
    }
    let link = json!({"file_path": "https://contoso-my.sharepoint.example/x"});
    let answer = alice.call("read_file", link).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(answer.header("www-authenticate").contains("Files.ReadWrite"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_links_and_small_files_go_out_as_they_are() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let of = async |path: &str, mode: &str| {
        alice.call("read_file", json!({"file_path": path, "mode": mode})).await
    };
    let image = of("Documents/berth plan.png", "image").await;
    let block = &image.result()["content"][1];
    assert_eq!((&block["type"], &block["mimeType"]), (&json!("image"), &json!("image/png")));
    assert!(block["data"].as_str().unwrap().starts_with("iVBOR"));
    let link = of("Documents/recording.mp4", "link").await;
    assert_eq!(link.result()["content"][1]["type"], "resource_link", "{}", link.text);
    let file = of("notes.txt", "resource").await;
    assert!(!file.result()["content"][1]["resource"]["blob"].as_str().unwrap().is_empty());
    let unread = read(&alice, "Documents/berth plan.png").await;
    assert_eq!(unread["no_text"], "unsupported");

    for (path, mode, part) in [
        ("Documents/recording.mp4", "text", "OneDrive"),
        ("Documents/recording.mp4", "resource", "mode link"),
        ("notes.txt", "image", "mode"),
        ("notes.txt", "table", "mode"),
        ("Documents/damaged.pdf", "text", ""),
        ("Projects/Harbor crane/contract.docx", "text", ""),
        ("Documents", "text", "list_files"),
    ] {
        let refused = of(path, mode).await.refusal();
        assert!(refused.contains(part), "{path}: {refused}");
    }
    let empty = read(&alice, "Documents/empty.txt").await;
    assert_eq!((&empty["size"], &empty["truncated"]), (&json!(0), &json!(false)));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_name_the_argument_and_wrong_types_are_mended() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    for (tool, arguments, part) in [
        ("list_files", json!({"folder_path": "../x"}), "folder_path"),
        ("list_files", json!({"folder_path": "a:b"}), "folder_path"),
        ("list_files", json!({"folder_path": "No such folder"}), "no such"),
        ("list_files", json!({"folder_path": "notes.txt"}), ""),
        ("list_files", json!({"modified_since": "soon"}), "modified_since"),
        ("list_files", json!({"limit": 0}), "limit"),
        ("list_files", json!({"view": "everything"}), "view"),
        ("list_files", json!({"search": "x".repeat(300)}), "search"),
        ("read_file", json!({}), "file_path"),
        ("read_file", json!({"file_path": "Documents/../../messages"}), "file_path"),
        ("read_file", json!({"file_path": "01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"}), "no such"),
        ("read_file", json!({"file_path": "nothing.txt"}), "no such"),
        ("read_file", json!({"file_path": "notes.txt", "pages": "5-2"}), "pages"),
        ("read_file", json!({"file_path": "Documents/Budget 2026.xlsx", "sheet": "Nope"}), "Calendar"),
        ("get_file_info", json!({"file_path": "notes.txt", "include": ["owners"]}), "include"),
    ] {
        let refused = alice.call(tool, arguments.clone()).await.refusal();
        assert!(refused.contains(part), "{tool} {arguments}: {refused}");
    }
    let mended = json!({"folder_path": "null", "limit": "2", "cursor": "", "search": "null"});
    assert_eq!(list(&alice, mended).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_and_outages_are_waited_for_or_told() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let wait = json!({ "Retry-After": "1" });
    let body =
        json!({ "error": { "code": "activityLimitReached", "message": "The request has been throttled" } });
    for (path, status) in [("/v1.0/me/drive", 429), ("/blob/", 503), ("/blob/", 429)] {
        cluster
            .tenant
            .fault(json!({"path": path, "status": status, "times": 1, "headers": wait, "body": body}))
            .await;
        assert!(read(&alice, "notes.txt").await["text"].as_str().unwrap().contains("Grace"));
        assert_eq!(cluster.tenant.faults_left().await, 0, "{path} {status}");
    }
    // A wait that is longer than the call may last is told at once.
    let long = json!({ "Retry-After": "90" });
    cluster.tenant.fault(json!({"path": "/blob/", "status": 429, "times": 1, "headers": long})).await;
    let refused = alice.call("read_file", json!({"file_path": "notes.txt"})).await.refusal();
    assert!(refused.contains("90 seconds"), "{refused}");
    cluster.tenant.fault(json!({"path": "/blob/", "status": 404, "times": 1})).await;
    alice.call("read_file", json!({"file_path": "notes.txt"})).await.refusal();
    cluster.tenant.fault(json!({"path": "/v1.0/me/drive", "status": 500})).await;
    let refused = alice.call("list_files", json!({})).await.refusal();
    assert!(refused.contains("unavailable"), "{refused}");
    cluster.tenant.clear_faults().await;
    assert!(!list(&alice, json!({})).await.is_empty());
    // A token that is refused is renewed once.
    cluster.tenant.expire_tokens().await;
    assert!(!list(&alice, json!({})).await.is_empty());
}
