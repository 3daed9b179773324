//! `attachmentManager`.

use super::*;

async fn manage(client: &Mcp, arguments: Value) -> Value {
    client.call("attachmentManager", arguments).await.output().clone()
}

fn names(found: &Value) -> Vec<&str> {
    found["matches"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_found_read_and_kept() {
    let cluster = Cluster::embedded().await;
    let alice = asking(&cluster, ALICE, ALL).await;
    let all = manage(&alice, json!({"limit": 100, "start_date": "2020-01-01"})).await;
    assert!(
        all["count"].as_u64().unwrap() > 3 && all["windows_tried"].as_array().unwrap().len() == 1,
        "{all}"
    );
    assert!(!names(&all).contains(&"logo.png"), "pictures inside a text are no files: {all}");
    let quotes = json!({"filename_keywords": ["NDA FINAL", "nothing like it"], "start_date": "2020-01-01"});
    let quotes = manage(&alice, quotes).await;
    assert!(
        !names(&quotes).is_empty() && names(&quotes).iter().all(|name| name.starts_with("NDA final")),
        "{quotes}"
    );
    let exact =
        json!({"filename_keywords": ["NDA FINAL"], "case_sensitive": true, "start_date": "2020-01-01"});
    let nothing = manage(&alice, exact).await;
    assert_eq!((&nothing["count"], &nothing["matches"]), (&json!(0), &json!([])));

    let first = &quotes["matches"][0];
    let sender =
        first["from"].as_str().unwrap().rsplit_once('<').map_or("", |(_, rest)| rest.trim_end_matches('>'));
    for (filter, value) in [
        ("sender_filter", sender),
        ("sender_filter", &sender[..4]),
        ("subject_filter", first["subject"].as_str().unwrap()),
    ] {
        let found = manage(&alice, json!({filter: value, "start_date": "2020-01-01", "limit": 100})).await;
        assert!(names(&found).contains(&first["name"].as_str().unwrap()), "{filter} {value}: {found}");
        let none = manage(&alice, json!({filter: "nobody-and-nothing", "start_date": "2020-01-01"})).await;
        assert_eq!(none["count"], 0, "{filter}: {none}");
    }
    let few = manage(&alice, json!({"limit": 1, "start_date": "2020-01-01"})).await;
    assert_eq!((&few["count"], &few["has_more"]), (&json!(1), &json!(true)));

    let keep = json!({
        "filename_keywords": ["NDA final"], "start_date": "2020-01-01", "extract_text": true, "save_enabled": true,
        "save_paths": ["Mail #1/견적 100%", "onedrive:/Second"],
    });
    let mut dry = keep.clone();
    dry["dry_run"] = json!(true);
    let dry = manage(&alice, dry).await;
    assert!(dry["status"] == "preview" && dry["preview"].as_str().unwrap().contains("NDA final"), "{dry}");
    let kept = manage(&alice, keep.clone()).await;
    let one = &kept["matches"][0];
    assert!(one["text"].as_str().is_some_and(|text| !text.is_empty()), "{one}");
    let path = format!("Mail #1/견적 100%/{}", one["name"].as_str().unwrap());
    assert_eq!(one["saved_to"], json!([path, format!("Second/{}", one["name"].as_str().unwrap())]));
    assert_eq!(kept["saved"].as_u64().unwrap(), kept["count"].as_u64().unwrap() * 2);
    // Nothing is overwritten: the second copy has a number.
    let again = manage(&alice, keep).await;
    assert_ne!(again["matches"][0]["saved_to"][0], one["saved_to"][0], "{again}");
    // What was saved is what was attached.
    let resource = format!("{}/onedrive/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let mut drive = Mcp::modern(&cluster.url, &client.sign_in(ALICE).await.access);
    drive.endpoint = resource;
    let saved = drive.call("read_file", json!({"file_path": path})).await.output().clone();
    let read = json!({"message_id": one["message_id"], "attachment_id": one["attachment_id"]});
    assert_eq!(saved["sha256"], alice.call("get_attachment", read).await.output()["sha256"]);
    // Nobody else's mail, whatever is asked.
    let bob = asking(&cluster, BOB, ALL).await;
    let theirs = manage(&bob, json!({"user_id": ALICE, "start_date": "2020-01-01", "limit": 100})).await;
    let ids: Vec<&Value> = all["matches"].as_array().unwrap().iter().map(|one| &one["message_id"]).collect();
    assert!(theirs["matches"].as_array().unwrap().iter().all(|one| !ids.contains(&&one["message_id"])));
    assert!(theirs["warnings"][0].as_str().unwrap().contains("user_id"), "{theirs}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn korean_names_written_in_pieces_are_found_and_odd_wishes_are_refused() {
    let cluster = Cluster::embedded().await;
    let minji = asking(&cluster, "minji@contoso.example", ALL).await;
    let every = manage(&minji, json!({"start_date": "2020-01-01", "limit": 100})).await;
    let pieces =
        names(&every).into_iter().find(|name| name.chars().any(|c| ('\u{1100}'..='\u{11FF}').contains(&c)));
    let whole =
        manage(&minji, json!({"filename_keywords": ["계약"], "start_date": "2020-01-01", "limit": 100}))
            .await;
    assert!(!names(&whole).is_empty(), "{every}");
    let pieces = pieces.expect("a Mac's file");
    let report = json!({"filename_keywords": ["보고서"], "start_date": "2020-01-01", "limit": 100});
    let found = manage(&minji, report).await;
    assert!(names(&found).contains(&pieces), "{pieces}: {found}");
    // Back by quarters, until something is found or the year is over.
    let none = manage(&minji, json!({"filename_keywords": ["nothing like it"]})).await;
    assert_eq!(none["windows_tried"].as_array().unwrap().len(), 4, "{none}");
    for (odd, word) in [
        (json!({"save_enabled": true}), "save_paths"),
        (json!({"save_enabled": true, "save_paths": ["../x"]}), "save_paths"),
        (json!({"save_enabled": true, "save_paths": ["a|b"]}), "save_paths"),
        (json!({"start_date": "2026-02-30"}), "start_date"),
        (json!({"start_date": "2026-02-02", "end_date": "2026-02-01"}), "end_date"),
    ] {
        let refused = minji.call("attachmentManager", odd.clone()).await.refusal();
        assert!(refused.contains(word), "{odd}: {refused}");
    }
    let ignored = manage(&minji, json!({"save_paths": ["Mail"]})).await;
    assert!(
        ignored["warnings"][0].as_str().unwrap().contains("save_enabled") && ignored["saved"] == 0,
        "{ignored}"
    );
}
