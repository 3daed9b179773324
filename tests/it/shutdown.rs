//! `SIGTERM` under load: whoever was let in gets an answer.

use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const CONNECTIONS: usize = 8;

/// What became of the requests.
#[derive(Default)]
struct Tally {
    answered: AtomicUsize,
    /// Not let in: the listener was closed already, or the server said 503.
    refused: AtomicUsize,
    lost: AtomicUsize,
}

impl Tally {
    /// Counts one outcome; whether the connection goes on.
    fn count(&self, outcome: &reqwest::Result<u16>) -> bool {
        let counter = match outcome {
            Ok(200) => &self.answered,
            Ok(503) => &self.refused,
            Err(error) if error.is_connect() => &self.refused,
            Ok(_) | Err(_) => {
                println!("lost: {outcome:?}");
                &self.lost
            }
        };
        counter.fetch_add(1, Ordering::SeqCst);
        matches!(outcome, Ok(200))
    }
}

/// Sends one call after the other until the server lets nobody in.
async fn load(mcp: Mcp, tally: Arc<Tally>) {
    while tally.count(&mcp.try_call("list_mail_folders", json!({})).await) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_no_accepted_request() {
    let mut cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in("alice@contoso.example").await;
    cluster.tenant.fault(json!({ "path": "/v1.0/", "delay_ms": 200 })).await;
    let tally = Arc::new(Tally::default());
    // Straight to the replica: the balancer would hide what happens to a connection.
    let replica = cluster.replica_url(0).to_owned();
    let mut running = Vec::new();
    for _ in 0..CONNECTIONS {
        // Each has its own connection; a fresh one per request, so that "let in" has one meaning.
        let mcp = Mcp::modern(&replica, &login.access).without_keep_alive();
        running.push(tokio::spawn(load(mcp, Arc::clone(&tally))));
    }
    let counted = Arc::clone(&tally);
    http::eventually("every connection has a call behind it", || async {
        (counted.answered.load(Ordering::SeqCst) >= CONNECTIONS).then_some(())
    })
    .await;
    let before = tally.answered.load(Ordering::SeqCst);
    cluster.replicas[0].terminate();
    for task in running {
        task.await.unwrap();
    }
    assert_eq!(tally.lost.load(Ordering::SeqCst), 0);
    assert_eq!(tally.refused.load(Ordering::SeqCst), CONNECTIONS);
    assert!(tally.answered.load(Ordering::SeqCst) > before, "calls were in flight at the signal");
    let status = cluster.replicas[0].wait_exit();
    assert!(status.success(), "{status}; log:\n{}", cluster.replicas[0].stderr());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_ends_at_once_and_cleanly() {
    let mut cluster = Cluster::embedded().await;
    cluster.replicas[0].terminate();
    let status = cluster.replicas[0].wait_exit();
    assert!(status.success(), "{status}");
}
