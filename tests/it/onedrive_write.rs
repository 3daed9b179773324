//! Changing files as a user meets it: new folders and files, conflicts, moves, copies, removal, links, what changed since.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};

mod changes;
mod large;
mod refusals;
mod sharing;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const FOLDER: &str = "create_folder";
const WRITE: &str = "write_file";
const MOVE: &str = "move_or_rename";
const DELETE: &str = "delete_file";
const SHARE: &str = "share_file";
const CHANGES: &str = "file_changes";
const WRITING: [&str; 5] = [FOLDER, WRITE, MOVE, DELETE, SHARE];
/// Names that break what does not encode them.
const ODD: [&str; 6] = [
    "it's 100% #7.txt",
    "a+b&c=d;e.txt",
    "계약서 초안.txt",
    "50%25 off.txt",
    "\u{1f6a2} ships.txt",
    "x!'(1)'.txt",
];

/// A client that may write.
async fn onedrive(cluster: &Cluster, user: &str) -> Mcp {
    asking(cluster, user, "Files.ReadWrite").await
}

async fn asking(cluster: &Cluster, user: &str, scope: &str) -> Mcp {
    let resource = format!("{}/onedrive/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource).with_scope(scope);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

async fn done(client: &Mcp, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments).await.output().clone();
    assert_eq!(answer["status"], "done", "{tool}: {answer}");
    answer
}

/// Calls, shows nobody the preview, and confirms it.
async fn confirmed(client: &Mcp, tool: &str, mut arguments: Value) -> Value {
    let held = client.call(tool, arguments.clone()).await.output().clone();
    assert_eq!(held["status"], "confirmation_required", "{held}");
    arguments["confirm_token"] = held["confirm_token"].clone();
    done(client, tool, arguments).await
}

async fn write(client: &Mcp, path: &str, content: &str) -> Value {
    done(client, WRITE, json!({"file_path": path, "content": content})).await
}

async fn text(client: &Mcp, path: &str) -> String {
    let answer = client.call("read_file", json!({"file_path": path})).await;
    answer.output()["text"].as_str().unwrap_or_else(|| panic!("no text: {}", answer.text)).to_owned()
}

async fn names(client: &Mcp, folder: &str) -> Vec<String> {
    let answer = client.call("list_files", json!({"folder_path": folder})).await;
    let items = answer.output()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn info(client: &Mcp, path: &str) -> Value {
    client
        .call("get_file_info", json!({"file_path": path, "include": "versions,permissions"}))
        .await
        .output()
        .clone()
}

async fn refused(client: &Mcp, tool: &str, arguments: Value) -> String {
    client.call(tool, arguments).await.refusal()
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_and_files_are_made_whatever_their_names() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let path = "New/it's #1 100%/내부";
    let dry = alice.call(FOLDER, json!({"folder_path": path, "dry_run": true})).await.output().clone();
    assert!(
        dry["status"] == "preview" && dry["preview"].as_str().unwrap().contains("3 of its levels"),
        "{dry}"
    );
    assert!(!names(&alice, "").await.contains(&"New".to_owned()), "a dry run makes nothing");

    let made = done(&alice, FOLDER, json!({"folder_path": path})).await;
    assert_eq!(made["created"], json!(["New", "New/it's #1 100%", path]));
    assert_eq!((&made["path"], &made["kind"]), (&json!(path), &json!("folder")));
    let again = done(&alice, FOLDER, json!({"folder_path": path})).await;
    assert_eq!((&again["id"], again.get("created")), (&made["id"], None));
    // Below a folder that is named by its id.
    let below = json!({"folder_path": "deep/er", "parent_path": made["id"]});
    assert_eq!(done(&alice, FOLDER, below).await["path"], format!("{path}/deep/er"));

    for name in ODD {
        let content = format!("first line of {name}\nsecond \"line\" \\ 100%\n");
        let written = write(&alice, &format!("{path}/{name}"), &content).await;
        assert_eq!((&written["name"], &written["path"]), (&json!(name), &json!(format!("{path}/{name}"))));
        assert_eq!(text(&alice, &format!("{path}/{name}")).await.trim(), content.trim());
        assert_eq!(text(&alice, written["id"].as_str().unwrap()).await.trim(), content.trim());
    }
    assert_eq!(names(&alice, path).await.len(), ODD.len() + 1);
    // Folders on the way are made, and bytes go as base64.
    let picture = json!({"file_path": "Pictures/dot.png", "content": "iVBORw0KGgo=", "encoding": "base64",
        "content_type": "image/png"});
    let picture = done(&alice, WRITE, picture).await;
    assert_eq!((&picture["size"], &picture["type"]), (&json!(8), &json!("image/png")));
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_unless_the_caller_says_so() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let path = "Plans/it's 100% #7.txt";
    let first = write(&alice, path, "one").await;
    let (id, old) = (first["id"].as_str().unwrap(), first["etag"].as_str().unwrap());

    let wish = |more: Value| {
        let mut all = json!({"file_path": path, "content": "two"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for arguments in [wish(json!({})), wish(json!({"overwrite": false})), wish(json!({"file_path": id}))] {
        let answer = alice.call(WRITE, arguments).await;
        let error = &answer.result()["structuredContent"]["error"];
        assert_eq!(
            (&error["graph_code"], &error["status"]),
            (&json!("nameAlreadyExists"), &json!(409)),
            "{error}"
        );
        let words = answer.refusal();
        assert!(
            words.contains(old) && words.contains("overwrite=true") && words.contains("if_match"),
            "{words}"
        );
    }
    assert_eq!(text(&alice, path).await.trim(), "one");

    let second = done(&alice, WRITE, wish(json!({"if_match": old}))).await;
    assert_eq!((&second["id"], text(&alice, path).await.trim()), (&first["id"], "two"));
    let new = second["etag"].as_str().unwrap();
    assert_ne!(new, old);
    // The version that was read is gone: somebody's work would be lost.
    for arguments in [
        wish(json!({"if_match": old, "content": "three"})),
        wish(json!({"if_match": old, "overwrite": true, "content": "three"})),
        wish(json!({"if_match": old, "file_path": id, "content": "three"})),
    ] {
        let answer = alice.call(WRITE, arguments).await;
        assert_eq!(answer.result()["structuredContent"]["error"]["status"], 412, "{}", answer.text);
        let words = answer.refusal();
        assert!(words.contains(new) && words.contains("no longer"), "{words}");
    }
    assert_eq!(text(&alice, path).await.trim(), "two");
    // Models lose the quotes around an etag.
    let bare = new.trim_matches('"');
    done(&alice, WRITE, wish(json!({"if_match": bare, "content": "three"}))).await;
    done(&alice, WRITE, wish(json!({"overwrite": "yes", "content": "four", "file_path": id}))).await;
    assert_eq!(text(&alice, path).await.trim(), "four");
    assert_eq!(
        info(&alice, path).await["versions"].as_array().unwrap().len(),
        4,
        "what was replaced is kept"
    );

    let folder = refused(&alice, WRITE, json!({"file_path": "Plans", "content": "x"})).await;
    assert!(folder.contains("folder"), "{folder}");
    let file = refused(&alice, FOLDER, json!({"folder_path": format!("{path}/below")})).await;
    assert!(file.contains("is a file"), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_move_are_renamed_and_copied() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    write(&alice, "Draft.txt", "text").await;
    let plan = json!({"file_path": "Draft.txt", "new_name": "it's 100% #1.txt", "dry_run": true});
    let dry = alice.call(MOVE, plan).await.output().clone();
    assert_eq!(dry["preview"], "Rename Draft.txt as it's 100% #1.txt.");

    let named = done(&alice, MOVE, json!({"file_path": "Draft.txt", "new_name": "it's 100% #1.txt"})).await;
    assert_eq!(named["path"], "it's 100% #1.txt");
    done(&alice, FOLDER, json!({"folder_path": "Old/Deep"})).await;
    let moved = json!({"file_path": named["id"], "new_folder": "Old/Deep", "new_name": "final.txt"});
    let moved = done(&alice, MOVE, moved).await;
    assert_eq!((&moved["path"], &moved["id"]), (&json!("Old/Deep/final.txt"), &named["id"]));
    let back = done(&alice, MOVE, json!({"file_path": "Old/Deep/final.txt", "new_folder": "/"})).await;
    assert_eq!(back["path"], "final.txt");

    let copy = done(&alice, MOVE, json!({"file_path": "final.txt", "new_folder": "Old", "copy": true})).await;
    assert_eq!(copy["path"], "Old/final.txt");
    assert_ne!(copy["id"], back["id"]);
    let second = json!({"file_path": "final.txt", "new_name": "final 2.txt", "copy": "true"});
    assert_eq!(done(&alice, MOVE, second).await["path"], "final 2.txt");
    for path in ["final.txt", "Old/final.txt", "final 2.txt"] {
        assert_eq!(text(&alice, path).await.trim(), "text", "{path}");
    }

    let before = names(&alice, "").await;
    for (arguments, part) in [
        (json!({"file_path": "final.txt", "new_folder": "Old"}), "is there already"),
        (json!({"file_path": "final.txt", "new_folder": "Old", "copy": true}), "is there already"),
        (json!({"file_path": "final.txt", "new_name": "notes.txt"}), "is there already"),
        (json!({"file_path": "final.txt", "new_folder": "notes.txt"}), "new_folder"),
        (json!({"file_path": "final.txt", "new_folder": "Nowhere"}), "no such"),
        (json!({"file_path": "Old", "new_folder": "Old/Deep"}), "new_folder"),
        (json!({"file_path": "Old", "new_folder": "Old"}), "new_folder"),
        (json!({"file_path": "final.txt"}), "new_name"),
        (json!({"file_path": "final.txt", "new_name": "a/b.txt"}), "new_folder"),
        (json!({"file_path": "final.txt", "new_name": "a:b.txt"}), "new_name"),
        (json!({"file_path": "/", "new_name": "x"}), "file_path"),
        (json!({"file_path": "nothing.txt", "new_name": "x"}), "no such"),
    ] {
        let words = refused(&alice, MOVE, arguments.clone()).await;
        assert!(words.contains(part), "{arguments}: {words}");
    }
    assert_eq!(names(&alice, "").await, before);
    let marks = cluster.tenant.counters().await["marks"].clone();
    assert_eq!(marks["drive.authorization_leaked"].as_u64().unwrap_or(0), 0, "monitors see no token");
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_is_agreed_to_and_means_the_version_that_was_shown() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let path = "Trash/it's 100% #1.txt";
    write(&alice, path, "one").await;
    let wish = json!({"file_path": path});
    let held = alice.call(DELETE, wish.clone()).await.output().clone();
    assert!(held["preview"].as_str().unwrap().contains(path), "{held}");
    assert_eq!(text(&alice, path).await.trim(), "one", "nothing was done yet");
    // Changed since the person saw it: the word does not hold any more.
    done(&alice, WRITE, json!({"file_path": path, "content": "two", "overwrite": true})).await;
    let stale = json!({"file_path": path, "confirm_token": held["confirm_token"]});
    assert!(refused(&alice, DELETE, stale).await.contains("confirm_token"));
    assert_eq!(text(&alice, path).await.trim(), "two");

    let gone = confirmed(&alice, DELETE, wish.clone()).await;
    assert_eq!(gone["path"], path);
    assert!(refused(&alice, DELETE, wish).await.contains("no such"));
    assert!(names(&alice, "Trash").await.is_empty());
    confirmed(&alice, DELETE, json!({"file_path": "Trash"})).await;
    assert!(!names(&alice, "").await.contains(&"Trash".to_owned()));
    for (arguments, part) in [
        (json!({"file_path": "/"}), "file_path"),
        (json!({"file_path": "notes.txt", "confirm_token": "w_none"}), "confirm_token"),
        (json!({}), "file_path"),
    ] {
        let words = refused(&alice, DELETE, arguments.clone()).await;
        assert!(words.contains(part), "{arguments}: {words}");
    }
    assert!(names(&alice, "").await.contains(&"notes.txt".to_owned()));
}
