//! Limits hold for all replicas together: Graph's per mailbox, and ours at the OAuth endpoints.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http::{self, eventually};
use super::support::login::{Client, REDIRECT};
use super::support::mcp::Mcp;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";
const FOLDERS: &str = "list_mail_folders";

/// Two replicas before a tenant that takes its time.
async fn pair(graph_delay_ms: &str) -> Option<Cluster> {
    let tenant_arguments = ["--graph-delay-ms", graph_delay_ms];
    let plan = Plan { replicas: 2, tenant_arguments: &tenant_arguments, ..Plan::default() };
    Some(Cluster::start(Store::redis()?, plan).await)
}

/// What the tenant counted per mailbox.
async fn usage(cluster: &Cluster) -> Vec<Value> {
    let limits = cluster.tenant.control(Method::GET, "graph/limits", None).await;
    limits["usage"].as_array().unwrap().clone()
}

/// The sum of a figure over all mailboxes.
async fn total(cluster: &Cluster, figure: &str) -> u64 {
    usage(cluster).await.iter().map(|lane| lane[figure].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_calls_over_two_replicas_ask_a_mailbox_four_things_at_a_time() {
    let Some(cluster) = pair("100").await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let alice = Mcp::modern(&cluster.url, &login.access);
    let calls = (0..40).map(async |_| alice.call(FOLDERS, json!({})).await.output()["items"].is_array());
    assert!(join_all(calls).await.into_iter().all(|listed| listed));
    let lanes = usage(&cluster).await;
    for lane in &lanes {
        assert!(lane["throttled"] == 0 && lane["max_concurrent"].as_u64().unwrap() <= 4, "{lane}");
    }
    assert!(lanes.iter().any(|lane| lane["max_concurrent"] == 4), "the places are used: {lanes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_slow_holds_nobody_else_up() {
    let Some(cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
    let (alice, bob) = (Mcp::modern(&cluster.url, &alice.access), Mcp::modern(&cluster.url, &bob.access));
    let newest = cluster.tenant.graph(ALICE, "/me/messages?$top=1&$select=id").await;
    let id = newest["value"][0]["id"].as_str().unwrap().to_owned();
    cluster.tenant.fault(json!({ "path": "/v1.0/me/messages/*", "delay_ms": 6000 })).await;
    let done = Arc::new(AtomicUsize::new(0));
    let queue: Vec<_> = (0..8)
        .map(|_| {
            let (alice, id, done) = (alice.clone(), id.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                alice.call("get_email", json!({ "id": id })).await.output();
                done.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    let calls = (0..12).map(async |_| bob.call(FOLDERS, json!({})).await.output().clone());
    join_all(calls).await;
    assert_eq!(done.load(Ordering::SeqCst), 0, "Bob was answered while all of Alice's calls were under way");
    for call in queue {
        call.await.unwrap();
    }
    assert_eq!(total(&cluster, "throttled").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graph_told_one_replica_holds_the_others_back_as_well() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let (alice, bob) = (client.sign_in(ALICE).await, client.sign_in(BOB).await);
    let ask = async |cluster: &Cluster, replica: usize| {
        let answer = Mcp::modern(cluster.replica_url(replica), &alice.access).call(FOLDERS, json!({})).await;
        (answer.result()["isError"] == true).then(|| answer.refusal())
    };
    for replica in [0, 1] {
        assert_eq!(ask(&cluster, replica).await, None);
    }
    let rule = json!({
        "path": "/v1.0/me/mailFolders", "status": 429, "times": 1, "headers": { "Retry-After": "900" },
        "body": { "error": { "code": "ApplicationThrottled", "message": "Application is over its request limit." } },
    });
    cluster.tenant.fault(rule).await;
    assert!(ask(&cluster, 0).await.is_some_and(|refusal| refusal.contains("Try again in")));
    // The announcement takes a moment.
    eventually("the other replica holds back", || ask(&cluster, 1)).await;
    let before = total(&cluster, "requests_in_window").await;
    for replica in [0, 1, 0, 1] {
        assert!(ask(&cluster, replica).await.is_some());
    }
    // A replica that has just started knows it from the store.
    cluster.crash_and_restart(1).await;
    assert!(ask(&cluster, 1).await.is_some_and(|refusal| refusal.contains("Try again in")));
    assert_eq!(total(&cluster, "requests_in_window").await, before, "nothing was sent meanwhile");
    for replica in [0, 1] {
        Mcp::modern(cluster.replica_url(replica), &bob.access).call(FOLDERS, json!({})).await.output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_a_replica_that_was_killed_come_back() {
    let Some(mut cluster) = pair("2000").await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let doomed = Mcp::modern(cluster.replica_url(0), &login.access);
    let survivor = Mcp::modern(cluster.replica_url(1), &login.access);
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let doomed = doomed.clone();
            tokio::spawn(async move { doomed.try_call(FOLDERS, json!({})).await })
        })
        .collect();
    eventually("the mailbox is full", || async {
        usage(&cluster).await.iter().any(|lane| lane["running"] == 4).then_some(())
    })
    .await;
    cluster.replicas[0].kill();
    for call in calls {
        assert!(call.await.unwrap().is_err(), "the connection ended with the replica");
    }
    survivor.call(FOLDERS, json!({})).await.output();
    assert_eq!(total(&cluster, "throttled").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_peer_has_one_budget_at_all_replicas_whatever_it_says_of_itself() {
    let Some(cluster) = Cluster::pair().await else { return };
    let mut admitted = 0;
    let refused = loop {
        let url = cluster.replica_url(admitted % 2);
        let body = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
        let request = http::client().post(format!("{url}/register")).json(&body);
        let invented = format!("203.0.113.{admitted}, 198.51.100.{admitted}");
        let request =
            request.header("X-Forwarded-For", &invented).header("Forwarded", format!("for={invented}"));
        let response = request.header("X-Real-IP", &invented).send().await.unwrap();
        if response.status() != 201 {
            break response;
        }
        admitted += 1;
        assert!(admitted < 200, "200 registrations in a row");
    };
    assert_eq!(refused.status(), 429);
    // Thirty at once, and those that come on while they are counted; two budgets would be sixty.
    assert!((30..60).contains(&admitted), "{admitted}");
}
