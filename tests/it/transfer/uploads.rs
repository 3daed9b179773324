//! Tickets.

use super::*;
use crate::support::cluster::{Plan, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn request(mcp: &Mcp, name: &str) -> Value {
    let ticket = mcp.call("request_upload", json!({ "name": name })).await.output().clone();
    assert_eq!((&ticket["status"], &ticket["expires_in_s"]), (&json!("done"), &json!(3600)), "{ticket}");
    ticket
}

fn url(ticket: &Value) -> &str {
    ticket["upload_url"].as_str().unwrap()
}

async fn put(url: &str, bytes: impl Into<reqwest::Body>) -> Response {
    http::client().put(url).header("Content-Type", "application/pdf").body(bytes).send().await.unwrap()
}

/// The same without a length.
async fn put_chunked(url: &str, bytes: Vec<u8>) -> Response {
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(100_000).map(|c| Ok(c.to_vec())).collect();
    put(url, reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))).await
}

/// Says `head`, sends `body`, and hangs up its side; the answer's first line.
async fn raw(url: &str, length: usize, body: &[u8]) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!("PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    if body.len() < length && !body.is_empty() {
        return String::new();
    }
    let mut answer = vec![0; 4096];
    let read = socket.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

async fn content(cluster: &Cluster, user: &str, path: &str) -> Value {
    cluster.tenant.graph(user, &format!("/me/drive/root:/{path}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_from_a_shell_into_a_folder() {
    let mut cluster = Cluster::embedded().await;
    let alice = at(&cluster, "onedrive", ALICE).await;
    let ticket = request(&alice.mcp, "it's 견적.pdf").await;
    let source = ticket["source"].as_str().unwrap().to_owned();
    assert!(source.starts_with("upload:") && url(&ticket).starts_with(&format!("{}/upload/", cluster.url)));
    let line = ticket["curl"].as_str().unwrap();
    assert!(line.contains(r"--upload-file 'it'\''s 견적.pdf' 'http"), "{line}");

    let early = alice.mcp.call("write_file", json!({"file_path": "In/a.pdf", "source": source})).await;
    assert!(early.refusal().contains("nothing was uploaded"), "{}", early.text);
    // More than two pieces of an upload session.
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| (n % 251) as u8).collect();
    let stored = put(url(&ticket), bytes.clone()).await;
    assert_eq!((stored.status().as_u16(), header(&stored, "cache-control")), (201, "no-store"));
    let stored = json(stored).await;
    assert_eq!((&stored["name"], &stored["size"]), (&json!("it's 견적.pdf"), &json!(bytes.len())));
    assert_eq!(put(url(&ticket), "again").await.status(), 410);
    assert_eq!(waiting(&cluster, ALICE).await.len(), 1);

    let shown = json!({"file_path": "In/견적.pdf", "source": source, "dry_run": true});
    let shown = alice.mcp.call("write_file", shown).await.output().clone();
    assert!(shown["preview"].as_str().unwrap().contains("12.0 MB"), "{shown}");
    let done = alice.mcp.call("write_file", json!({"file_path": "In/견적.pdf", "source": source})).await;
    assert_eq!(done.output()["size"], bytes.len());
    let kept = link(&alice.mcp, "In/견적.pdf").await;
    assert!(get(&kept).await.bytes().await.unwrap() == bytes);
    assert!(waiting(&cluster, ALICE).await.is_empty());
    let once = alice.mcp.call("write_file", json!({"file_path": "In/b.pdf", "source": source})).await;
    assert!(once.refusal().contains("unknown ticket"), "{}", once.text);

    // A file that is there is not replaced by it either, and the ticket is then still good.
    let next = request(&alice.mcp, "x.txt").await;
    assert_eq!(put_chunked(url(&next), b"small".to_vec()).await.status(), 201);
    let source = next["source"].clone();
    let taken = json!({"file_path": "In/견적.pdf", "source": source});
    assert!(alice.mcp.call("write_file", taken).await.refusal().contains("is there already"));
    let both = json!({"file_path": "In/c.txt", "source": source, "content": "x"});
    assert!(alice.mcp.call("write_file", both).await.refusal().contains("cannot be combined"));
    let neither = alice.mcp.call("write_file", json!({"file_path": "In/c.txt"})).await;
    assert!(neither.refusal().contains("request_upload"), "{}", neither.text);
    let replaced = json!({"file_path": "In/견적.pdf", "source": source, "overwrite": true});
    assert_eq!(alice.mcp.call("write_file", replaced).await.output()["size"], 5);
    assert_eq!(content(&cluster, ALICE, "In/%EA%B2%AC%EC%A0%81.pdf").await["size"], 5);

    cluster.replicas[0].terminate();
    let log = cluster.replicas[0].stderr_at_end();
    assert!(log.contains("/upload/{ticket}") && log.contains("event=\"upload\""), "{log}");
    assert!(!log.contains(super::ticket(url(&ticket))) && !log.contains("견적"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_sent_in_goes_along_with_a_mail() {
    let cluster = Cluster::embedded().await;
    let (files, mail) = tokio::join!(at(&cluster, "onedrive", ALICE), at(&cluster, "mail-query", ALICE));
    let mut sources = Vec::new();
    for (name, size) in [("first.pdf", 1_000), ("둘째.pdf", 4_000_000)] {
        let ticket = request(&files.mcp, name).await;
        assert_eq!(put(url(&ticket), vec![7; size]).await.status(), 201);
        sources.push(ticket["source"].clone());
    }
    let wish = json!({"to": [BOB], "subject": "Sent in", "body": "see there", "attach": sources});
    let mut dry = wish.clone();
    dry["dry_run"] = json!(true);
    let shown = mail.mcp.call("create_email_draft", dry).await.output().clone();
    assert!(shown["preview"].as_str().unwrap().contains("둘째.pdf (4000000 bytes)"), "{shown}");
    assert_eq!(waiting(&cluster, ALICE).await.len(), 2);
    let draft = mail.mcp.call("create_email_draft", wish.clone()).await.output()["draft_id"].clone();
    let path = format!("/me/messages/{}?$expand=attachments", draft.as_str().unwrap());
    let draft = cluster.tenant.graph(ALICE, &path).await;
    let mut names: Vec<&str> =
        draft["attachments"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["first.pdf", "둘째.pdf"]);
    assert!(waiting(&cluster, ALICE).await.is_empty());
    let again = mail.mcp.call("create_email_draft", wish).await;
    assert!(again.refusal().contains("unknown ticket"), "{}", again.text);

    // The person agrees to exactly the file that was there at the preview.
    let ticket = request(&files.mcp, "agreed.txt").await;
    assert_eq!(put(url(&ticket), "agreed").await.status(), 201);
    let sending = json!({"to": [BOB], "subject": "Agreed", "body": "x", "attach": [ticket["source"]]});
    mail.mcp.confirmed("send_email", sending).await;
    assert!(waiting(&cluster, ALICE).await.is_empty());
    let inbox = "/me/mailFolders/inbox/messages?$top=5&$expand=attachments";
    let got = cluster.tenant.graph(BOB, inbox).await;
    let got = got["value"].as_array().unwrap().iter().find(|row| row["subject"] == "Agreed").unwrap().clone();
    assert_eq!(got["attachments"][0]["name"], "agreed.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_its_users_on_any_replica() {
    let Some(cluster) = Cluster::pair().await else { return };
    let alice = connect(&cluster, cluster.replica_url(0), "onedrive", ALICE).await;
    let mail = connect(&cluster, cluster.replica_url(1), "mail-query", ALICE).await;
    let (bob, his) = (
        connect(&cluster, cluster.replica_url(1), "onedrive", BOB).await,
        connect(&cluster, cluster.replica_url(0), "mail-query", BOB).await,
    );
    let ticket = request(&alice.mcp, "hers.txt").await;
    let there = format!("{}/upload/{}", cluster.replica_url(1), super::ticket(url(&ticket)));
    assert_eq!(put(&there, "hers alone").await.status(), 201);
    assert_eq!(put(url(&ticket), "late").await.status(), 410);
    let source = ticket["source"].clone();
    let foreign = bob.mcp.call("write_file", json!({"file_path": "x.txt", "source": source})).await.refusal();
    let unknown = json!({"file_path": "x.txt", "source": format!("upload:{}", "A".repeat(43))});
    assert_eq!(foreign, bob.mcp.call("write_file", unknown).await.refusal());
    assert!(foreign.contains("unknown ticket"), "{foreign}");
    let attached = json!({"to": [BOB], "subject": "x", "body": "x", "attach": [source]});
    let foreign = his.mcp.call("create_email_draft", attached.clone()).await.refusal();
    assert!(foreign.contains("unknown ticket"), "{foreign}");
    // He could have, with one of his own.
    let own = request(&bob.mcp, "his.txt").await;
    assert_eq!(put(url(&own), "his").await.status(), 201);
    let done = bob.mcp.call("write_file", json!({"file_path": "x.txt", "source": own["source"]})).await;
    assert_eq!(done.output()["size"], 3);
    // And hers is untouched, and used at the other replica.
    assert_eq!(mail.mcp.call("create_email_draft", attached).await.output()["status"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_file_is_refused_and_the_ticket_stays_good() {
    let cluster = Cluster::embedded().await;
    let alice = at(&cluster, "onedrive", ALICE).await;
    let ticket = request(&alice.mcp, "a.bin").await;
    let url = url(&ticket);
    let refused = async |response: Response, status: u16, error: &str| {
        assert_eq!(response.status(), status, "{error}");
        let body = json(response).await;
        assert_eq!(body["error"], error, "{body}");
        assert!(body["error_description"].as_str().unwrap().len() > 10);
    };
    refused(put(url, "").await, 400, "empty").await;
    let plain = || http::client().put(url).body("abc");
    refused(
        plain().header("Content-Type", "multipart/form-data; boundary=x").send().await.unwrap(),
        415,
        "unsupported_media_type",
    )
    .await;
    refused(plain().header("Content-Encoding", "gzip").send().await.unwrap(), 415, "unsupported_encoding")
        .await;
    refused(plain().header("Content-Range", "bytes 0-2/9").send().await.unwrap(), 400, "partial_put").await;
    for method in [reqwest::Method::GET, reqwest::Method::POST] {
        let response = http::client().request(method, url).send().await.unwrap();
        assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "PUT"));
    }
    // Announced as too large, before anything is read; grown too large; and cut off in the middle.
    let there = format!("{}/upload/{}", cluster.replica_url(0), super::ticket(url));
    assert!(raw(&there, (25 << 20) + 1, b"").await.starts_with("HTTP/1.1 413"));
    refused(put_chunked(url, vec![1; (25 << 20) + 1]).await, 413, "too_large").await;
    assert_eq!(raw(&there, 7_000_000, &vec![1; 6_000_000]).await, "");
    http::eventually("the place of the sender who left is given back", || async {
        match put(url, "whole").await.status().as_u16() {
            201 => Some(()),
            409 => None,
            status => panic!("{status}"),
        }
    })
    .await;
    assert_eq!(waiting(&cluster, ALICE).await.len(), 1);

    // A sign-in that has ended takes nothing in.
    let late = request(&alice.mcp, "b.bin").await;
    let form = [("token", alice.tokens.refresh.as_str()), ("client_id", alice.client.id.as_str())];
    http::client().post(format!("{}/revoke", cluster.url)).form(&form).send().await.unwrap();
    let gone = put(late["upload_url"].as_str().unwrap(), "x").await;
    refused(gone, 410, "unknown_ticket").await;

    let bob = at(&cluster, "onedrive", BOB).await;
    for name in ["", "a/b.txt", "..", "CON", "a|b"] {
        let refused = bob.mcp.call("request_upload", json!({ "name": name })).await;
        assert!(refused.refusal().contains("name"), "{name}: {}", refused.text);
    }
    let shown = bob.mcp.call("request_upload", json!({"name": "a.txt", "dry_run": true})).await;
    assert_eq!((&shown.output()["status"], shown.output().get("upload_url")), (&json!("preview"), None));
    assert!(
        bob.mcp
            .call("write_file", json!({"file_path": "x", "source": "mail:1"}))
            .await
            .refusal()
            .contains("request_upload")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_nobody_used_are_swept_and_nothing_else() {
    let settings = [("ENTRADA_OAUTH__ACCESS_TTL_S", "20000")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let mut cluster = Cluster::start(Store::embedded(), plan).await;
    let alice = at(&cluster, "onedrive", ALICE).await;
    let ticket = request(&alice.mcp, "left.txt").await;
    assert_eq!(put(url(&ticket), "left").await.status(), 201);
    for name in ["mine.txt", "upload-mine.txt"] {
        cluster.tenant.put_file(ALICE, &format!("Apps/Entrada/{name}"), b"mine".to_vec()).await;
    }
    assert_eq!(waiting(&cluster, ALICE).await.len(), 3);
    request(&alice.mcp, "x").await;
    assert_eq!(waiting(&cluster, ALICE).await.len(), 3, "it may still be used");
    // Graph shows the same folder as it would in three hours.
    let mut later = cluster.tenant.graph(ALICE, "/me/drive/root:/Apps/Entrada:/children").await;
    for item in later["value"].as_array_mut().unwrap() {
        item["lastModifiedDateTime"] = json!("2020-01-01T00:00:00Z");
    }
    let path = "/v1.0/me/drive/root:/Apps/Entrada:/children";
    cluster.tenant.fault(json!({"path": path, "status": 200, "body": later, "times": 1})).await;
    request(&alice.mcp, "x").await;
    let mut left = waiting(&cluster, ALICE).await;
    left.sort_unstable();
    assert_eq!(left, ["mine.txt", "upload-mine.txt"]);

    // A ticket lives for an hour.
    let ticket = request(&alice.mcp, "old.txt").await;
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "3700");
    cluster.crash_and_restart(0).await;
    assert_eq!(put(url(&ticket), "late").await.status(), 410);
    let late = json!({"file_path": "x.txt", "source": ticket["source"]});
    assert!(alice.mcp.call("write_file", late).await.refusal().contains("unknown ticket"));
}
