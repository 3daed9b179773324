//! `export_email`.

use super::*;

async fn drive(cluster: &Cluster, user: &str) -> Mcp {
    let resource = format!("{}/onedrive/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_become_tables_texts_and_mail_files() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let files = drive(&cluster, ALICE).await;
    let formula = json!({"to": [ALICE], "subject": "=HYPERLINK(\"http://x\",\"y\") 🏗 견적", "body": "a \"quoted\"\nline"});
    alice.confirmed(SEND, formula).await;
    let newest =
        alice.call("query_email", json!({"limit": 3, "start_date": "2020-01-01"})).await.output().clone();
    let ids: Vec<Value> = newest["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    let subject = newest["items"][0]["subject"].as_str().unwrap().to_owned();
    let export = async |more: Value| {
        let mut all = json!({"ids": ids});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        alice.call("export_email", all).await
    };
    let done = async |more: Value| export(more).await.output().clone();
    let read =
        async |path: &Value| files.call("read_file", json!({"file_path": path})).await.output().clone();

    let dry = done(json!({"destination": "onedrive:/Mail/x.csv", "dry_run": true})).await;
    assert!(dry["status"] == "preview" && dry["preview"].as_str().unwrap().contains("3 messages"), "{dry}");
    let table = done(json!({"destination": "onedrive:/Mail #1/100% 견적.csv"})).await;
    assert_eq!((&table["rows"], &table["files"][0]["path"]), (&json!(3), &json!("Mail #1/100% 견적.csv")));
    let text = read(&table["files"][0]["path"]).await["text"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("received,from,to") && text.contains("\"'=HYPERLINK(\"\"http://x\"\""),
        "{text}"
    );
    assert!(text.contains("a \"\"quoted\"\""), "{text}");
    // Another one beside it, and none in its place.
    let second = done(json!({"destination": "onedrive:/Mail #1/100% 견적.csv"})).await;
    assert_ne!(second["files"][0]["path"], table["files"][0]["path"]);

    let json = done(json!({"destination": "onedrive:/Mail", "format": "json"})).await;
    let path = json["files"][0]["path"].as_str().unwrap();
    assert!(path.starts_with("Mail/mail 2") && path.contains(".json"), "{path}");
    let rows: Vec<Value> = serde_json::from_str(read(&json!(path)).await["text"].as_str().unwrap()).unwrap();
    assert_eq!((rows.len(), rows[0]["subject"].as_str().unwrap()), (3, subject.as_str()));
    let md = done(json!({"destination": "onedrive:/Mail/x.md", "format": "md"})).await;
    assert!(read(&md["files"][0]["path"]).await["text"].as_str().unwrap().contains(&format!("# {subject}")));
    let mails = done(json!({"destination": "onedrive:/Mail/eml", "format": "eml"})).await;
    assert_eq!((mails["files"].as_array().unwrap().len(), &mails["rows"]), (3, &json!(3)));
    let mail = read(&mails["files"][0]["path"]).await;
    assert!(mail["text"].as_str().unwrap().contains(&format!("Subject: {subject}")), "{mail}");

    // What follows a page, by its cursor.
    let page =
        alice.call("query_email", json!({"limit": 2, "start_date": "2020-01-01"})).await.output().clone();
    let rest = json!({"cursor": page["next_cursor"], "destination": "onedrive:/Mail/rest.csv"});
    let rest = alice.call("export_email", rest).await.output().clone();
    assert!(rest["rows"].as_u64().unwrap() > 3, "{rest}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_time_is_left_for_is_saved_and_what_nobody_knows_is_told() {
    let settings = [("ENTRADA_TOOLS__DEADLINE_S", "9")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let page =
        alice.call("query_email", json!({"limit": 2, "start_date": "2020-01-01"})).await.output().clone();
    let ids: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    // One message does not come in time: the other one is saved all the same.
    let slow = json!({"path": format!("/v1.0/me/messages/{}", ids[1].trim_end_matches('=')), "delay_ms": 30_000, "times": 1});
    cluster.tenant.fault(slow).await;
    let wish = json!({"ids": ids, "destination": "onedrive:/Mail/x.csv"});
    let done = alice.call("export_email", wish).await.output().clone();
    assert_eq!((&done["rows"], &done["failed"][0]["id"]), (&json!(1), &json!(ids[1])), "{done}");
    assert!(done["failed"][0]["error"].as_str().unwrap().contains("time of this call"), "{done}");
    assert_eq!(done["files"].as_array().unwrap().len(), 1, "{done}");
    // The answer to a write got lost: it may be there, and the way to find out is told.
    for (ids, format) in [(json!(ids), "eml"), (json!([ids[0]]), "md")] {
        let lost = json!({"method": "PUT", "path": "*/content", "status": 503, "after": true, "times": 1});
        cluster.tenant.fault(lost).await;
        let wish = json!({"ids": ids, "format": format, "destination": "onedrive:/Lost"});
        let answer = alice.call("export_email", wish).await;
        assert!(answer.text.contains("did not say whether"), "{}", answer.text);
        assert!(answer.text.contains("onedrive:/Lost (list_files)"), "{}", answer.text);
        if format == "eml" {
            let done = answer.output();
            assert_eq!((&done["rows"], done["unknown"].as_array().unwrap().len()), (&json!(1), 1), "{done}");
            assert!(done.get("failed").is_none(), "{done}");
        } else {
            answer.refusal();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_said() {
    let cluster = Cluster::embedded().await;
    let (alice, bob) = tokio::join!(asking(&cluster, ALICE, ALL), asking(&cluster, BOB, ALL));
    let page =
        alice.call("query_email", json!({"limit": 2, "start_date": "2020-01-01"})).await.output().clone();
    let id = page["items"][0]["id"].clone();
    for (odd, word) in [
        (json!({"ids": [id]}), "destination"),
        (json!({"ids": [id], "destination": "C:\\temp"}), "destination"),
        (json!({"ids": [id], "destination": "linked"}), "destination"),
        (json!({"ids": [id], "destination": "onedrive:/../x"}), "destination"),
        (json!({"destination": "onedrive:/Mail"}), "ids"),
        (json!({"ids": [id], "cursor": page["next_cursor"], "destination": "onedrive:/Mail"}), "cursor"),
        (json!({"cursor": "c_unknown", "destination": "onedrive:/Mail"}), "cursor"),
        (json!({"ids": [id], "format": "pst", "destination": "onedrive:/Mail"}), "format"),
    ] {
        let refused = alice.call("export_email", odd.clone()).await;
        assert!(refused.text.contains(word) && refused.text.contains("rror"), "{odd}: {}", refused.text);
    }
    // Bob has neither Alice's message nor her cursor.
    let theirs = json!({"ids": [id], "destination": "onedrive:/Mail"});
    let nothing = bob.call("export_email", theirs).await.output().clone();
    assert_eq!((&nothing["rows"], nothing["failed"].as_array().unwrap().len()), (&json!(0), 1), "{nothing}");
    let cursor = json!({"cursor": page["next_cursor"], "destination": "onedrive:/Mail"});
    assert!(bob.call("export_email", cursor).await.refusal().contains("cursor"));
    let some = json!({"ids": [id, "AAMkAG-none"], "destination": "onedrive:/Mail", "user_id": BOB});
    let some = alice.call("export_email", some).await.output().clone();
    assert_eq!((&some["rows"], some["failed"].as_array().unwrap().len()), (&json!(1), 1), "{some}");
}
