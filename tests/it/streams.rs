//! The standalone event stream of a legacy session: opened, replaced, ended, and drained.

use super::support::cluster::Cluster;
use super::support::http::GUARD;
use super::support::login::Client;
use super::support::mcp::Mcp;
use futures_util::StreamExt;
use serde_json::json;

const ALICE: &str = "alice@contoso.example";

/// Everything that a stream sends until the server ends it; an error when the connection broke instead.
async fn until_end(response: reqwest::Response) -> reqwest::Result<String> {
    let mut text = String::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = tokio::time::timeout(GUARD, stream.next()).await.expect("the stream never ends") {
        text.push_str(&String::from_utf8_lossy(&chunk?));
    }
    Ok(text)
}

async fn session(cluster: &Cluster) -> Mcp {
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    Mcp::legacy(&cluster.url, &login.access, "2025-11-25").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_lives_until_its_session_ends() {
    let cluster = Cluster::embedded().await;
    let session = session(&cluster).await;
    let stream = session.open_stream().await;
    assert_eq!(stream.status(), 200);
    assert!(stream.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    session.call("list_mail_folders", json!({})).await.output();
    assert!(matches!(session.end_session().await, 200 | 204));
    until_end(stream).await.unwrap();
    assert_eq!(session.open_stream().await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_stream_of_a_session_wins() {
    let cluster = Cluster::embedded().await;
    let session = session(&cluster).await;
    let first = session.open_stream().await;
    let second = session.open_stream().await;
    assert_eq!(second.status(), 200);
    until_end(first).await.unwrap();
    session.end_session().await;
    until_end(second).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_at_one_replica_is_gone_at_both() {
    let Some(cluster) = Cluster::pair().await else { return };
    let session = session(&cluster).await;
    // Round robin: one call at each replica.
    for _ in 0..2 {
        session.call("list_mail_folders", json!({})).await.output();
    }
    session.end_session().await;
    for _ in 0..2 {
        assert_eq!(session.open_stream().await.status(), 404);
        assert_eq!(session.send("tools/list", json!({})).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_streams_with_a_hint_to_come_back() {
    let mut cluster = Cluster::embedded().await;
    let session = session(&cluster).await;
    let stream = session.open_stream().await;
    cluster.replicas[0].terminate();
    let text = until_end(stream).await.unwrap();
    assert!(text.lines().any(|line| line.starts_with("retry:")), "{text:?}");
    let status = cluster.replicas[0].wait_exit();
    assert!(status.success(), "{status}");
}
