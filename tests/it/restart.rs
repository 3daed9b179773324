//! A crash costs nobody their login or their session.

use super::hostile::Table;
use super::support::cluster::Cluster;
use super::support::http::eventually;
use super::support::login::{Client, tokens};
use super::support::mcp::Mcp;
use serde_json::json;

const ALICE: &str = "alice@contoso.example";

async fn everything_survives_a_crash(mut cluster: Cluster) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let session = Mcp::legacy(&cluster.url, &login.access, "2025-11-25").await;
    session.call("list_mail_folders", json!({})).await.output();
    for index in 0..cluster.replicas.len() {
        cluster.crash_and_restart(index).await;
    }
    session.call("list_mail_folders", json!({})).await.output();
    let fresh = tokens(client.refresh(&login.refresh).await).await;
    session.call("query_email", json!({})).await.output();
    Mcp::modern(&cluster.url, &fresh.access).call("query_email", json!({})).await.output();
    // The client is still registered: a new sign-in with the old client_id works.
    client.sign_in(ALICE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_sessions_survive_a_crash_on_the_embedded_file() {
    everything_survives_a_crash(Cluster::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_sessions_survive_a_crash_on_redis() {
    let Some(cluster) = Cluster::start_on_redis().await else { return };
    everything_survives_a_crash(cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_a_dead_replica_go_on_at_the_other() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let session = Mcp::legacy(&cluster.url, &login.access, "2025-06-18").await;
    cluster.replicas[0].kill();
    for _ in 0..4 {
        session.call("list_mail_folders", json!({})).await.output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_died_with_its_replica_is_taken_over() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    // The first refresh hangs at Entra, and its replica dies there, holding the lease.
    cluster.tenant.fault(json!({ "path": "*/oauth2/v2.0/token", "delay_ms": 30_000, "times": 1 })).await;
    let (doomed, token) = (client.at(cluster.replica_url(0)), login.refresh.clone());
    let hanging = tokio::spawn(async move { doomed.try_refresh(&token).await });
    eventually("the refresh hangs at Entra", || async {
        (cluster.tenant.faults_left().await == 0).then_some(())
    })
    .await;
    cluster.replicas[0].kill();
    assert!(hanging.await.unwrap().is_err(), "a dead replica answered");
    // A client tries again, as 503 asks it to, until the lease is over.
    let answer = eventually("the other replica takes the refresh over", || async {
        let response = client.refresh(&login.refresh).await;
        assert!(matches!(response.status().as_u16(), 200 | 503), "{}", response.status());
        (response.status() == 200).then_some(response)
    })
    .await;
    let fresh = tokens(answer).await;
    Mcp::modern(&cluster.url, &fresh.access).call("list_mail_folders", json!({})).await.output();
    Table::on("two replicas").held(
        "H56",
        "kill -9 during an upstream refresh",
        "the other takes over; retry 200",
    );
}
