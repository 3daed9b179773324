//! Files that are too large for one request.

use super::super::support::cluster::{Plan, Store};
use super::*;

/// Three pieces of an upload session.
const LARGE: usize = 12 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_in_pieces_and_past_a_host_that_fails() {
    let settings = [("ENTRADA_MCP__MAX_BODY_BYTES", "20000000")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let alice = onedrive(&cluster, ALICE).await;
    let path = "Large/it's 100% #1.txt";
    let line = "All work and no play makes a long file.\n";
    let content = line.repeat(LARGE / line.len());
    let wish = |more: Value| {
        let mut all = json!({"file_path": path, "content": content});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let lost = json!({"path": "/upload/", "method": "PUT", "status": 503, "times": 1, "headers": {"Retry-After": "0"}});
    cluster.tenant.fault(lost).await;
    let made = done(&alice, WRITE, wish(json!({}))).await;
    assert_eq!((&made["size"], &made["path"]), (&json!(content.len()), &json!(path)));
    assert_eq!(cluster.tenant.faults_left().await, 0);
    let read = json!({"file_path": path, "max_chars": 500});
    assert!(alice.call("read_file", read).await.output()["text"].as_str().unwrap().starts_with(line.trim()));

    // The same rules as for small files.
    let there = refused(&alice, WRITE, wish(json!({}))).await;
    assert!(there.contains("is there already") && there.contains(made["etag"].as_str().unwrap()), "{there}");
    let replaced = done(&alice, WRITE, wish(json!({"if_match": made["etag"]}))).await;
    assert_eq!(replaced["id"], made["id"]);
    let stale =
        refused(&alice, WRITE, wish(json!({"if_match": made["etag"], "file_path": made["id"]}))).await;
    assert!(stale.contains("no longer"), "{stale}");
    done(&alice, WRITE, wish(json!({"overwrite": true, "file_path": made["id"]}))).await;
    assert_eq!(info(&alice, path).await["versions"].as_array().unwrap().len(), 3);
    let marks = cluster.tenant.counters().await["marks"].clone();
    assert!(marks["drive.transfers"].as_u64().unwrap() >= 9, "{marks}");
    assert_eq!(marks["drive.authorization_leaked"].as_u64().unwrap_or(0), 0, "uploads see no token");
    cluster.assert_wire();
}
