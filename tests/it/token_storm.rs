//! Many clients at once on one code and on one refresh token: exactly one winner, or equal answers.

use super::support::cluster::Cluster;
use super::support::http::eventually;
use super::support::login::{Client, tokens};
use super::support::mcp::Mcp;
use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const STORM: usize = 50;

/// Runs `STORM` calls at once.
async fn storm<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    call: impl Fn(usize) -> F,
) -> Vec<T> {
    let running: Vec<_> = (0..STORM).map(|index| tokio::spawn(call(index))).collect();
    let mut answers = Vec::with_capacity(STORM);
    for task in running {
        answers.push(task.await.unwrap());
    }
    answers
}

/// The same client, half of the time at one replica and half at the other.
fn spread(cluster: &Cluster, client: &Client, index: usize) -> Client {
    client.at(cluster.replica_url(index % cluster.replicas.len()))
}

async fn one_code_yields_one_grant(cluster: &Cluster) {
    let client = Client::register(&cluster.url).await;
    let code = client.code(ALICE).await;
    let answers = storm(|index| {
        let (client, code) = (spread(cluster, &client, index), code.clone());
        async move {
            let response = client.redeem(&code).await;
            let (status, no_store) =
                (response.status().as_u16(), response.headers()["cache-control"].clone());
            (status, no_store, response.json::<Value>().await.unwrap())
        }
    })
    .await;
    let winners = answers.iter().filter(|(status, ..)| *status == 200).count();
    assert_eq!(winners, 1, "{answers:?}");
    for (status, no_store, answer) in answers {
        assert_eq!(no_store, "no-store");
        if status != 200 {
            assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
        }
    }
}

async fn one_refresh_token_yields_equal_answers(cluster: &Cluster) {
    let client = Client::register(&cluster.url).await;
    let login = client.sign_in(ALICE).await;
    let before = cluster.tenant.grants("refresh_token").await;
    let answers = storm(|index| {
        let (client, token) = (spread(cluster, &client, index), login.refresh.clone());
        async move {
            let response = client.refresh(&token).await;
            (response.status().as_u16(), response.text().await.unwrap())
        }
    })
    .await;
    let (status, first) = &answers[0];
    assert_eq!(*status, 200, "{first}");
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    let refreshes = cluster.tenant.grants("refresh_token").await - before;
    assert_eq!(refreshes, 1, "upstream refreshes for {STORM} redemptions of one token");
    let fresh: Value = serde_json::from_str(first).unwrap();
    assert_ne!(fresh["refresh_token"], json!(login.refresh));
    let bearer = fresh["access_token"].as_str().unwrap();
    Mcp::modern(&cluster.url, bearer).call("list_mail_folders", json!({})).await.output();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_is_redeemed_once_on_the_embedded_store() {
    one_code_yields_one_grant(&Cluster::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_is_redeemed_once_over_two_replicas() {
    let Some(cluster) = Cluster::pair().await else { return };
    one_code_yields_one_grant(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_token_is_refreshed_once_on_the_embedded_store() {
    one_refresh_token_yields_equal_answers(&Cluster::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_token_is_refreshed_once_over_two_replicas() {
    let Some(cluster) = Cluster::pair().await else { return };
    one_refresh_token_yields_equal_answers(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_near_its_end_is_refreshed_once_over_two_replicas_and_nobody_waits_for_it() {
    let Some(cluster) = Cluster::pair().await else { return };
    let life = async |seconds: u64| {
        let change = json!({ "access_token_seconds": seconds });
        cluster.tenant.control(reqwest::Method::POST, "options", Some(change)).await;
    };
    life(120).await;
    let login = Client::register(&cluster.url).await.sign_in(ALICE).await;
    life(3600).await;
    let before = cluster.tenant.grants("refresh_token").await;
    let slow = json!({ "path": "*/oauth2/v2.0/token", "delay_ms": 10_000, "times": 1 });
    cluster.tenant.fault(slow).await;
    let calls = async |url: String| {
        let answers = storm(|_| {
            let mcp = Mcp::modern(&url, &login.access);
            async move { mcp.call("list_mail_folders", json!({})).await.output().is_object() }
        });
        assert!(answers.await.into_iter().all(|answered| answered));
    };
    for replica in [0, 1] {
        let mcp = Mcp::modern(cluster.replica_url(replica), &login.access);
        mcp.call("list_mail_folders", json!({})).await.output();
    }
    assert_eq!(cluster.tenant.grants("refresh_token").await, before, "Entra has not even been heard yet");
    calls(cluster.url.clone()).await;
    eventually("the token is refreshed", || async {
        (cluster.tenant.grants("refresh_token").await > before).then_some(())
    })
    .await;
    calls(cluster.url.clone()).await;
    assert_eq!(cluster.tenant.grants("refresh_token").await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_code_kills_what_it_gave() {
    let cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let code = client.code(ALICE).await;
    let login = tokens(client.redeem(&code).await).await;
    let stranger = Client::register_as(&cluster.url, "Somebody else").await;
    assert_eq!(stranger.redeem(&code).await.status(), 400);
    // RFC 6749 §4.1.2: a code that comes back from another client is stolen.
    let answer = Mcp::modern(&cluster.url, &login.access).call("list_mail_folders", json!({})).await;
    assert_eq!(answer.status, 401, "{}", answer.text);
}
