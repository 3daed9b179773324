//! What is told of changes.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_since_a_day_or_the_last_look() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let changes = async |arguments: Value| alice.call(CHANGES, arguments).await.output().clone();
    let told = |answer: &Value| -> Vec<(String, String)> {
        let items = answer["items"].as_array().unwrap().clone();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> = items.iter().map(|item| (text(item, "change"), text(item, "path"))).collect();
        all.sort();
        all
    };
    let pair = |change: &str, path: &str| (change.to_owned(), path.to_owned());
    let from = changes(json!({})).await;
    assert_eq!((&from["count"], &from["has_more"]), (&json!(0), &json!(false)));
    let cursor = from["next_cursor"].clone();

    write(&alice, "Log/it's 100%.txt", "one").await;
    done(&alice, WRITE, json!({"file_path": "notes.txt", "content": "changed", "overwrite": true})).await;
    confirmed(&alice, DELETE, json!({"file_path": "Documents/items.csv"})).await;
    let seen = changes(json!({"since_cursor": cursor})).await;
    let expected = [
        pair("added", "Log"),
        pair("added", "Log/it's 100%.txt"),
        pair("changed", "notes.txt"),
        pair("removed", "Documents/items.csv"),
    ];
    assert_eq!(told(&seen), expected, "{seen}");
    let later = seen["next_cursor"].clone();
    assert!(told(&changes(json!({"since_cursor": later})).await).is_empty());

    // In pages nothing is lost and nothing comes twice.
    let (mut all, mut cursor) = (Vec::new(), cursor);
    for more in [true, true, true, false] {
        let page = changes(json!({"since_cursor": cursor, "limit": 1})).await;
        assert_eq!((page["count"].as_u64(), &page["has_more"]), (Some(1), &json!(more)), "{page}");
        all.extend(told(&page));
        cursor = page["next_cursor"].clone();
    }
    all.sort();
    assert_eq!(all, expected);
    // One folder alone, from a cursor of its own.
    let from = changes(json!({"folder": "Log"})).await["next_cursor"].clone();
    write(&alice, "Log/Deep/second.txt", "two").await;
    write(&alice, "elsewhere.txt", "three").await;
    let inside = changes(json!({"since_cursor": from})).await;
    assert_eq!(told(&inside), [pair("added", "Log/Deep"), pair("added", "Log/Deep/second.txt")]);
    // Since a day: what the seed made long ago stays out.
    let old = changes(json!({"since": "1990-01-01", "limit": 200})).await;
    assert_eq!((old["count"].as_u64(), &old["has_more"]), (Some(200), &json!(true)));

    for (arguments, part) in [
        (json!({"since": "soon"}), "since"),
        (json!({"since": "2190-01-01"}), "since"),
        (json!({"since_cursor": "c_unknown"}), "since_cursor"),
        (json!({"folder": "notes.txt"}), "folder"),
        (json!({"folder": "Nowhere"}), "no such"),
        (json!({"limit": 0}), "limit"),
    ] {
        let words = refused(&alice, CHANGES, arguments.clone()).await;
        assert!(words.contains(part), "{arguments}: {words}");
    }
    let bob = onedrive(&cluster, BOB).await;
    assert!(refused(&bob, CHANGES, json!({"since_cursor": later})).await.contains("since_cursor"));
    let gone = json!({"error": {"code": "resyncRequired", "message": "Resync"}});
    cluster.tenant.fault(json!({"path": "*/root/delta", "status": 410, "times": 1, "body": gone})).await;
    assert!(refused(&alice, CHANGES, json!({"since_cursor": later})).await.contains("later day"));
}
