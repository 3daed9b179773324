//! Downloads.

use super::*;
use crate::support::cluster::{Plan, Store};
use futures_util::future::join_all;
use std::io::{Cursor, Read};

/// Bytes of the only place where the tenant could have told of a token that left the way it was meant for.
async fn leaks(cluster: &Cluster) -> u64 {
    cluster.tenant.counters().await["marks"]["drive.authorization_leaked"].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_gives_the_file_once_and_looking_at_it_does_not_count() {
    let mut cluster = Cluster::embedded().await;
    // Text that a browser would take for a page, and more than one chunk of it.
    let content = "<script>alert(1)</script>".repeat(40_000).into_bytes();
    cluster.tenant.put_file(ALICE, "%EA%B2%AC%EC%A0%81%20%231.html", content.clone()).await;
    let alice = at(&cluster, "onedrive", ALICE).await;
    let url = link(&alice.mcp, "견적 #1.html").await;
    assert!(url.starts_with(&format!("{}/download/", cluster.url)), "{url}");
    assert_eq!(ticket(&url).len(), 43);

    for _ in 0..2 {
        let looked = http::client().head(&url).send().await.unwrap();
        assert_eq!(looked.status(), 200);
        assert!(header(&looked, "content-disposition").starts_with("attachment; "));
        assert_eq!(looked.bytes().await.unwrap().len(), 0);
    }
    for (name, value) in [
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Purpose", "preview"),
        ("X-Moz", "prefetch"),
        ("User-Agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
        ("User-Agent", "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/"),
    ] {
        let early = http::client().get(&url).header(name, value).send().await.unwrap();
        assert_eq!(early.status(), 503, "{name}: {value}");
        assert_eq!(early.bytes().await.unwrap().len(), 0);
    }
    for method in [reqwest::Method::POST, reqwest::Method::PUT, reqwest::Method::DELETE] {
        assert_eq!(http::client().request(method, &url).send().await.unwrap().status(), 405);
    }

    let file = get(&url).await;
    assert_eq!(file.status(), 200);
    for (name, value) in [
        (
            "content-disposition",
            "attachment; filename=\"__ #1.html\"; filename*=UTF-8''%EA%B2%AC%EC%A0%81%20#1.html",
        ),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "sandbox"),
        ("accept-ranges", "none"),
        ("content-length", &content.len().to_string()),
    ] {
        assert_eq!(header(&file, name), value, "{name}");
    }
    assert!(file.bytes().await.unwrap() == content);

    // Used, never made, and no ticket at all are one and the same.
    let used = get(&url).await;
    assert_eq!((used.status().as_u16(), header(&used, "cache-control")), (410, "no-store"));
    let page = used.text().await.unwrap();
    assert!(page.contains("ask for a new link"), "{page}");
    let other = format!("{}/download/{}", cluster.url, "A".repeat(43));
    for url in [&other, &format!("{}/download/x", cluster.url), &format!("{}/download/%00%ff", cluster.url)] {
        let unknown = get(url).await;
        assert_eq!(unknown.status(), 410, "{url}");
        assert_eq!(unknown.text().await.unwrap(), page, "{url}");
    }
    assert_eq!(http::client().head(&url).send().await.unwrap().status(), 410);
    let korean = http::client().get(&url).header("Accept-Language", "ko").send().await.unwrap();
    assert!(korean.text().await.unwrap().contains("새 링크"));

    assert_eq!(leaks(&cluster).await, 0);
    cluster.replicas[0].terminate();
    let log = cluster.replicas[0].stderr_at_end();
    assert!(log.contains("/download/{ticket}") && log.contains("event=\"download\""), "{log}");
    assert!(!log.contains(ticket(&url)) && !log.contains("견적"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_come_at_once_one_gets_the_file_on_any_replica() {
    let Some(cluster) = Cluster::pair().await else { return };
    cluster.tenant.put_file(ALICE, "one.txt", b"only once".to_vec()).await;
    let alice = connect(&cluster, cluster.replica_url(0), "onedrive", ALICE).await;
    let url = link(&alice.mcp, "one.txt").await;
    assert!(url.starts_with(&cluster.url));
    let there = |replica: usize| format!("{}/download/{}", cluster.replica_url(replica), ticket(&url));
    assert_eq!(http::client().head(there(1)).send().await.unwrap().status(), 200);
    let all = join_all((0..12).map(|number| {
        let url = there(number % 2);
        async move { get(&url).await }
    }));
    let mut got = Vec::new();
    for response in all.await {
        match response.status().as_u16() {
            200 => got.push(response.text().await.unwrap()),
            status => assert_eq!(status, 410),
        }
    }
    assert_eq!(got, ["only once"]);
    for replica in 0..2 {
        assert_eq!(get(&there(replica)).await.status(), 410);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_the_sign_in_that_made_it_and_survives_what_passes() {
    let cluster = Cluster::embedded().await;
    cluster.tenant.put_file(ALICE, "a.txt", b"a".to_vec()).await;
    let (alice, again) = (at(&cluster, "onedrive", ALICE).await, at(&cluster, "onedrive", ALICE).await);
    let (ends, stays) = (link(&alice.mcp, "a.txt").await, link(&again.mcp, "a.txt").await);
    let form = [("token", alice.tokens.refresh.as_str()), ("client_id", alice.client.id.as_str())];
    let revoked = http::client().post(format!("{}/revoke", cluster.url)).form(&form).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(http::client().head(&ends).send().await.unwrap().status(), 410);
    assert_eq!(get(&ends).await.status(), 410);

    cluster.tenant.put_file(BOB, "b.txt", b"b".to_vec()).await;
    let busy = json!({"path": "/blob/", "status": 503, "headers": {"Retry-After": "0"}, "times": 1});
    let fresh = link(&at(&cluster, "onedrive", BOB).await.mcp, "b.txt").await;
    cluster.tenant.fault(busy).await;
    assert_eq!(get(&fresh).await.status(), 200, "a short pause is waited for");

    // Access tokens that ended meanwhile are renewed as for any call; a removed file is as good as a used link.
    let carol = at(&cluster, "onedrive", BOB).await;
    let url = link(&carol.mcp, "b.txt").await;
    cluster.tenant.expire_tokens().await;
    assert_eq!(get(&url).await.status(), 200);
    let removed = link(&carol.mcp, "b.txt").await;
    let missing = json!({"path": "/v1.0/me/drive/items/", "status": 404, "times": 1,
        "body": {"error": {"code": "itemNotFound", "message": "gone"}}});
    cluster.tenant.fault(missing).await;
    assert_eq!(get(&removed).await.status(), 410);

    // Graph cannot answer: the link says so and stays good.
    let long = json!({"Retry-After": "600"});
    cluster.tenant.fault(json!({"path": "/v1.0/me/drive", "status": 429, "headers": long, "times": 1})).await;
    let later = get(&stays).await;
    assert_eq!(later.status(), 503);
    assert!(header(&later, "retry-after").parse::<u64>().unwrap() > 60);
    assert!(later.text().await.unwrap().contains("was not used up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_and_exports_come_as_files() {
    let cluster = Cluster::embedded().await;
    let alice = at(&cluster, "mail-query", ALICE).await;
    let path = "/me/messages?$filter=hasAttachments eq true&$top=50&$expand=attachments";
    let all = cluster.tenant.graph(ALICE, path).await;
    let mut seen = 0;
    for message in all["value"].as_array().unwrap().iter().take(20) {
        for file in message["attachments"].as_array().unwrap() {
            let is_file = file["@odata.type"] == "#microsoft.graph.fileAttachment";
            if !is_file || seen == 3 {
                continue;
            }
            let wish = json!({"message_id": message["id"], "attachment_id": file["id"], "mode": "link"});
            let answer = alice.mcp.call("get_attachment", wish).await;
            let found = answer.output();
            assert!(found.get("text").is_none() && found["name"] == file["name"], "{found}");
            let response = get(found["link"].as_str().unwrap()).await;
            assert_eq!(response.status(), 200);
            assert_eq!(header(&response, "content-type"), file["contentType"].as_str().unwrap());
            let bytes = response.bytes().await.unwrap();
            assert_eq!(bytes.len() as u64, file["size"].as_u64().unwrap(), "{}", file["name"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 3);

    let some = cluster.tenant.graph(ALICE, "/me/messages?$top=3&$select=id,subject").await;
    let rows = some["value"].as_array().unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let subjects = rows.iter().map(|row| row["subject"].as_str().unwrap());
    let export = async |ids: &[&str], format: &str| {
        let wish = json!({"ids": ids, "format": format, "destination": "link"});
        let done = alice.mcp.call("export_email", wish).await.output().clone();
        assert_eq!((&done["rows"], done.get("files")), (&json!(ids.len()), None), "{done}");
        get(done["link"].as_str().unwrap()).await
    };
    let table = export(&ids, "csv").await;
    assert!(header(&table, "content-disposition").ends_with(".csv\""), "{:?}", table.headers());
    assert_eq!(header(&table, "content-type"), "text/csv");
    let table = String::from_utf8(table.bytes().await.unwrap().to_vec()).unwrap();
    assert!(table.starts_with('\u{feff}') && table.lines().next().unwrap().contains("subject"));
    for subject in subjects {
        assert!(table.contains(&subject.replace('"', "\"\"")), "{subject}");
    }
    let one = export(&ids[..1], "eml").await;
    assert_eq!(header(&one, "content-type"), "message/rfc822");
    let one = one.text().await.unwrap();
    assert!(one.contains("Subject:"), "{one}");
    let many = export(&ids, "eml").await;
    assert_eq!(header(&many, "content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(Cursor::new(many.bytes().await.unwrap().to_vec())).unwrap();
    assert_eq!(archive.len(), 3);
    for index in 0..3 {
        let mut text = String::new();
        archive.by_index(index).unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains("Subject:"), "{text}");
    }
    // Nothing of it went into the drive, and it takes no permission there.
    assert!(waiting(&cluster, ALICE).await.is_empty());
    let refused = alice.mcp.call("export_email", json!({"ids": ids, "destination": "elsewhere"})).await;
    assert!(refused.refusal().contains("link"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_for_ten_minutes_and_guessing_is_bounded() {
    let mut cluster = Cluster::embedded().await;
    cluster.tenant.put_file(ALICE, "a.txt", b"a".to_vec()).await;
    let url = link(&at(&cluster, "onedrive", ALICE).await.mcp, "a.txt").await;
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "540");
    cluster.crash_and_restart(0).await;
    assert_eq!(http::client().head(&url).send().await.unwrap().status(), 200);
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "660");
    cluster.crash_and_restart(0).await;
    assert_eq!(get(&url).await.status(), 410);

    let settings = [("ENTRADA_LIMITS__OTHER_PER_MINUTE", "3")];
    let cluster = Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await;
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(get(&format!("{}/download/{number}", cluster.url)).await.status().as_u16());
    }
    assert_eq!(statuses, [410, 410, 410, 429, 429]);
    assert_eq!(
        http::client().put(format!("{}/upload/x", cluster.url)).body("x").send().await.unwrap().status(),
        429
    );
}
