//! What is worth nothing any more when some time has passed: the parts of H32 and H44 that wait. The clock of the replica
//! is put forward, so nobody waits here.

use super::{ALICE, Table, outcome, page};
use crate::support::browser::Browser;
use crate::support::cluster::Cluster;
use crate::support::login::Client;
use reqwest::Url;

/// Starts the replica again, so many seconds after the time that it is.
async fn at(cluster: &mut Cluster, seconds: u32) {
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", &seconds.to_string());
    cluster.crash_and_restart(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h32_old() {
    let mut cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let callback = format!("{}/callback", cluster.url);
    let mut seen = Vec::new();
    for (began, comes) in [(0, 9 * 60), (10 * 60, 20 * 60 + 1)] {
        at(&mut cluster, began).await;
        let mut browser = Browser::new(ALICE);
        let back = browser.walk(&client.authorize_url("s"), &callback).await;
        at(&mut cluster, comes).await;
        let answer = browser.get(Url::parse(&back).unwrap()).await;
        seen.push(match answer.headers().get("location") {
            Some(to) if to.to_str().unwrap().contains("code=") => "a code".to_owned(),
            Some(to) => panic!("{to:?}"),
            None => page(&answer),
        });
    }
    assert_eq!(seen, ["a code", "400 page"]);
    Table("embedded").held("H32", "state nine minutes old; older than ten", seen.join("; "));
}

#[tokio::test(flavor = "multi_thread")]
async fn h44_old() {
    let mut cluster = Cluster::embedded().await;
    let client = Client::register(&cluster.url).await;
    let mut seen = Vec::new();
    for (began, comes) in [(0, 30), (100, 161)] {
        at(&mut cluster, began).await;
        let code = client.code(ALICE).await;
        at(&mut cluster, comes).await;
        seen.push(outcome(client.redeem(&code).await).await);
    }
    assert_eq!(seen, ["200", "400 invalid_grant"]);
    Table("embedded").held("H44", "code half a minute old; older than a minute", seen.join("; "));
}
