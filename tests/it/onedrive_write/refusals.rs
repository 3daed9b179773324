//! What is not done: to the files of others, without permission, when Graph is in trouble, for wrong arguments.

use super::super::support::cluster::{Plan, Store};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_the_files_of_others() {
    let cluster = Cluster::embedded().await;
    let scopes = "Files.ReadWrite Files.Read.All";
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, scopes), asking(&cluster, BOB, scopes));
    let secret = info(&bob, "Private/Salary talks.txt").await;
    let shared = alice.call("list_files", json!({"view": "shared"})).await.output()["items"][0].clone();
    let drive = shared["id"].as_str().unwrap().split(':').next().unwrap().to_owned();
    let before = text(&bob, "Private/Salary talks.txt").await;
    let id = secret["id"].as_str().unwrap();
    for file in [id.to_owned(), format!("{drive}:{id}"), secret["web_url"].as_str().unwrap().to_owned()] {
        for (tool, more) in [
            (WRITE, json!({"content": "x", "overwrite": true})),
            (MOVE, json!({"new_name": "x.txt"})),
            (MOVE, json!({"new_name": "x.txt", "copy": true})),
            (DELETE, json!({})),
            (SHARE, json!({"scope": "anonymous"})),
        ] {
            let mut arguments = more;
            arguments["file_path"] = json!(file);
            let answer = alice.call(tool, arguments.clone()).await;
            assert!(
                !answer.refusal().is_empty() && !answer.text.contains("Salary"),
                "{tool}: {}",
                answer.text
            );
        }
    }
    // A folder of Bob's is no place to go to either.
    let folder = info(&bob, "Private").await["id"].clone();
    for (tool, arguments) in [
        (FOLDER, json!({"folder_path": "x", "parent_path": folder})),
        (MOVE, json!({"file_path": "notes.txt", "new_folder": folder})),
        (CHANGES, json!({"folder": folder})),
    ] {
        refused(&alice, tool, arguments).await;
    }
    // What has the same name is Alice's own, whomever `user_id` names; and a word of Alice's is not Bob's.
    write(&alice, "Private/Salary talks.txt", "Alice's own").await;
    let named = json!({"file_path": "Private/mine.txt", "content": "x", "user_id": BOB});
    assert!(done(&alice, WRITE, named).await["warnings"][0].as_str().unwrap().contains("user_id"));
    assert_eq!(text(&bob, "Private/Salary talks.txt").await, before);
    assert!(!names(&bob, "Private").await.contains(&"mine.txt".to_owned()));
    let held = alice.call(DELETE, json!({"file_path": "notes.txt"})).await.output().clone();
    let stolen = json!({"file_path": "notes.txt", "confirm_token": held["confirm_token"]});
    refused(&bob, DELETE, stolen).await;
    assert!(names(&alice, "").await.contains(&"notes.txt".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_asked_to_step_up_and_a_reading_server_writes_nothing() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, "Files.Read").await;
    let wish = json!({"file_path": "x.txt", "folder_path": "x", "content": "x", "new_name": "y"});
    for tool in WRITING {
        let answer = alice.call(tool, wish.clone()).await;
        assert_eq!(answer.status, 403, "{tool}: {}", answer.text);
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.contains("insufficient_scope") && challenge.contains("Files.ReadWrite"),
            "{challenge}"
        );
    }
    alice.call(CHANGES, json!({})).await.output();

    let settings = [("ENTRADA_TOOLS__READ_ONLY", "true")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let alice = asking(&cluster, ALICE, "Files.ReadWrite Files.Read").await;
    let tools = alice.send("tools/list", json!({})).await.result()["tools"].clone();
    let listed: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(listed.contains(&CHANGES) && listed.contains(&"read_file"), "{listed:?}");
    for tool in WRITING {
        assert!(!listed.contains(&tool), "{tool}");
        assert_eq!(alice.call(tool, wish.clone()).await.error_code(), -32602, "{tool}");
    }
    assert!(!names(&alice, "").await.contains(&"x.txt".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_are_waited_for_and_an_unknown_outcome_is_told() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let throttled =
        json!({"error": {"code": "activityLimitReached", "message": "The request has been throttled"}});
    let fault = |path: &str, status: u16| {
        json!({"path": path, "method": "PUT", "status": status, "times": 1,
        "headers": {"Retry-After": "1"}, "body": throttled})
    };
    cluster.tenant.fault(fault("*/content", 429)).await;
    write(&alice, "one.txt", "one").await;
    assert_eq!(cluster.tenant.faults_left().await, 0);
    // Whether the file is there now nobody knows: a second PUT would find it in its own way.
    cluster.tenant.fault(fault("*/content", 503)).await;
    let words = refused(&alice, WRITE, json!({"file_path": "two.txt", "content": "two"})).await;
    assert!(words.contains("did not say whether"), "{words}");
    // Replacing once more does no harm.
    cluster.tenant.fault(fault("*/content", 503)).await;
    done(&alice, WRITE, json!({"file_path": "one.txt", "content": "two", "overwrite": true})).await;
    assert_eq!((cluster.tenant.faults_left().await, text(&alice, "one.txt").await.trim()), (0, "two"));
    // A monitor that fails once says nothing about the copy.
    let mut look = fault("/monitor/", 503);
    look["method"] = json!("GET");
    cluster.tenant.fault(look).await;
    done(&alice, MOVE, json!({"file_path": "one.txt", "new_name": "copy.txt", "copy": true})).await;
    assert_eq!(text(&alice, "copy.txt").await.trim(), "two");
    let full = json!({"error": {"code": "quotaLimitReached", "message": "Insufficient Space Available"}});
    cluster.tenant.fault(json!({"path": "*/content", "status": 507, "times": 1, "body": full})).await;
    let words = refused(&alice, WRITE, json!({"file_path": "three.txt", "content": "x"})).await;
    assert!(words.contains("full"), "{words}");
    let locked = json!({"file_path": "Documents/open elsewhere.txt", "content": "x", "overwrite": true});
    assert!(refused(&alice, WRITE, locked).await.contains("open for editing"));
    assert!(text(&alice, "Documents/open elsewhere.txt").await.contains("Record number"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_wishes_name_the_argument() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let before = names(&alice, "").await;
    for (tool, arguments, part) in [
        (WRITE, json!({"content": "x"}), "file_path"),
        (WRITE, json!({"file_path": "x.txt"}), "content"),
        (WRITE, json!({"file_path": "/", "content": "x"}), "file_path"),
        (WRITE, json!({"file_path": "a/../b.txt", "content": "x"}), "file_path"),
        (WRITE, json!({"file_path": "a:b.txt", "content": "x"}), "file_path"),
        (WRITE, json!({"file_path": "x".repeat(256), "content": "x"}), "file_path"),
        (WRITE, json!({"file_path": "a/".repeat(250) + "x", "content": "x"}), "file_path"),
        (
            WRITE,
            json!({"file_path": "01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "content": "x", "overwrite": true}),
            "no such",
        ),
        (WRITE, json!({"file_path": "x.txt", "content": "%%", "encoding": "base64"}), "content"),
        (WRITE, json!({"file_path": "x.txt", "content": "x", "encoding": "rot13"}), "encoding"),
        (
            WRITE,
            json!({"file_path": "x.txt", "content": "x", "content_type": "text\r\nx: y"}),
            "content_type",
        ),
        (WRITE, json!({"file_path": "notes.txt", "content": "x", "if_match": "a\r\nb"}), "if_match"),
        (WRITE, json!({"file_path": "notes.txt", "content": "x", "if_match": "*"}), "overwrite=true"),
        (WRITE, json!({"file_path": "notes.txt", "content": "x", "if_match": "e".repeat(400)}), "if_match"),
        (WRITE, json!({"file_path": "b!x:01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "content": "x"}), "file_path"),
        (WRITE, json!({"file_path": "CON", "content": "x"}), "name"),
        (FOLDER, json!({}), "folder_path"),
        (FOLDER, json!({"folder_path": "/"}), "folder_path"),
        (FOLDER, json!({"folder_path": "a/../b"}), "folder_path"),
        (FOLDER, json!({"folder_path": "d/".repeat(30)}), "folder_path"),
        (FOLDER, json!({"folder_path": "x", "parent_path": "notes.txt"}), "is a file"),
        (FOLDER, json!({"folder_path": "x", "parent_path": "01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"}), "no such"),
    ] {
        let words = refused(&alice, tool, arguments.clone()).await;
        assert!(words.contains(part), "{tool} {arguments}: {words}");
    }
    // A file that is gone is not written anew under a version it had.
    let missing = json!({"file_path": "never.txt", "content": "x", "if_match": "\"{A},1\""});
    assert!(refused(&alice, WRITE, missing).await.contains("no such"));
    assert_eq!(names(&alice, "").await, before);
}
