//! What is away comes back, and nobody has to sign in again for it.

use super::hostile::Table;
use super::support::cluster::Cluster;
use super::support::http::{self, eventually};
use super::support::login::{Client, tokens};
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";

/// 503 with a usable Retry-After.
fn assert_unavailable(response: &reqwest::Response) {
    assert_eq!(response.status(), 503);
    let wait = response.headers().get("retry-after").expect("Retry-After").to_str().unwrap();
    assert!(wait.parse::<u32>().is_ok_and(|seconds| seconds > 0), "Retry-After: {wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_survives_an_outage_of_entra() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    cluster.tenant.break_tokens(503).await;
    for _ in 0..3 {
        assert_unavailable(&client.refresh(&login.refresh).await);
    }
    // What is still valid goes on working.
    Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await.output();
    cluster.tenant.clear_faults().await;
    let fresh = eventually("the refresh works again", || async {
        let response = client.refresh(&login.refresh).await;
        (response.status() == 200).then_some(response)
    })
    .await;
    let fresh = tokens(fresh).await;
    Mcp::modern(&cluster.url, &fresh.access).call("list_mail_folders", json!({})).await.output();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_graph_is_a_result_that_says_so() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let mcp = Mcp::modern(&cluster.url, &login.access);
    cluster.tenant.fault(json!({ "path": "/v1.0/me/", "status": 503 })).await;
    let refusal = mcp.call("query_email", json!({})).await.refusal();
    assert!(!refusal.is_empty());
    cluster.tenant.clear_faults().await;
    eventually("mail is readable again", || async {
        let answer = mcp.call("query_email", json!({})).await;
        (answer.result()["isError"] != true).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_mailbox_is_waited_for() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let rule = json!({
        "path": "/v1.0/me/m", "status": 429, "times": 1, "headers": { "Retry-After": "1" },
        "body": { "error": { "code": "ApplicationThrottled", "message": "Application is over its MailboxConcurrency limit." } },
    });
    cluster.tenant.fault(rule).await;
    Mcp::modern(&cluster.url, &login.access).call("query_email", json!({})).await.output();
    assert_eq!(cluster.tenant.counters().await["faulted"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_token_that_ended_early_is_refreshed_once_and_retried() {
    let cluster = Cluster::embedded().await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    let mcp = Mcp::modern(&cluster.url, &login.access);
    mcp.call("list_mail_folders", json!({})).await.output();
    let before = cluster.tenant.grants("refresh_token").await;
    cluster.tenant.expire_tokens().await;
    mcp.call("list_mail_folders", json!({})).await.output();
    assert_eq!(cluster.tenant.grants("refresh_token").await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_microsoft_session_asks_for_a_new_sign_in() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    cluster.tenant.revoke(ALICE).await;
    let response = client.refresh(&login.refresh).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_answer_is_503_and_nobody_is_signed_out() {
    let Some(mut cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let base = cluster.url.clone();
    let session = Mcp::legacy(&base, &login.access, "2025-11-25").await;
    let modern = Mcp::modern(&base, &login.access);
    cluster.redis().kill();
    let health = format!("{base}/health/ready");
    eventually("readiness ends", || async { (http::status(&health).await == Some(503)).then_some(()) }).await;
    for answer in [
        session.call("list_mail_folders", json!({})).await,
        modern.call("list_mail_folders", json!({})).await,
        session.send("tools/list", json!({})).await,
    ] {
        assert_eq!(answer.status, 503, "never 401 or 404: {}", answer.text);
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_unavailable(&client.refresh(&login.refresh).await);
    assert_eq!(http::status(&format!("{base}/health/live")).await, Some(200));
    for replica in &mut cluster.replicas {
        assert!(replica.is_alive());
    }
    // Redis comes back empty here, so this shows the recovery of the server, not of the data.
    cluster.redis().restart();
    eventually("readiness returns", || async { (http::status(&health).await == Some(200)).then_some(()) })
        .await;
    let login = Client::register(&base).await.sign_in(ALICE).await;
    Mcp::legacy(&base, &login.access, "2025-11-25").await.call("list_mail_folders", json!({})).await.output();
    Table::on("two replicas").held(
        "H78",
        "Redis dies during TK and MCP, and comes back",
        "503 with Retry-After; recovery without restart",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_is_an_outage_like_any_other() {
    let Some(cluster) = Cluster::pair().await else { return };
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let modern = Mcp::modern(&cluster.url, &login.access);
    let redis = redis::Client::open(cluster.store.url()).unwrap();
    let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
    let mut replica_of = async |host: &str, port: &str| {
        let () = redis::cmd("REPLICAOF").arg(host).arg(port).query_async(&mut connection).await.unwrap();
    };
    // As after a failover that left a replica behind: it reads, and its master is nowhere.
    replica_of("127.0.0.1", "1").await;
    let health = format!("{}/health/ready", cluster.url);
    eventually("readiness ends", || async { (http::status(&health).await == Some(503)).then_some(()) }).await;
    assert_unavailable(&client.refresh(&login.refresh).await);
    let page = http::client().get(client.authorize_url("s")).send().await.unwrap();
    assert_eq!(page.status(), 503);
    let called = modern.call("list_mail_folders", json!({})).await;
    assert!(matches!(called.status, 200 | 503), "never 401: {}", called.text);
    replica_of("NO", "ONE").await;
    eventually("readiness returns", || async { (http::status(&health).await == Some(200)).then_some(()) })
        .await;
    // Nothing was lost: the same login goes on.
    let fresh = tokens(client.refresh(&login.refresh).await).await;
    Mcp::modern(&cluster.url, &fresh.access).call("list_mail_folders", json!({})).await.output();
    Table::on("two replicas").held(
        "H78",
        "Redis takes no writes, and takes them again",
        "503 with Retry-After; the same login goes on",
    );
}
