//! The master dies, the sentinels name another one, and nobody notices anything but time.

use super::users::{crowd, pair};
use crate::hostile::Table;
use crate::support::cluster::Store;
use crate::support::http::{self, eventually};
use crate::support::login::Client;

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_sessions_go_on_when_sentinels_fail_over() {
    let Some(store) = Store::sentinel().await else { return };
    let mut cluster = pair(store).await;
    let mut people = crowd(&cluster.url, 3).await;
    let killed = cluster.store.kill_master().await;
    // At once, while nobody leads.
    for person in &people {
        person.use_all().await;
    }
    cluster.store.failed_over(killed).await;
    for person in &mut people {
        person.goes_on().await;
    }
    // The way back, this time with a master that hangs.
    cluster.store.revive(killed).await;
    let servers = cluster.store.sentinel_servers();
    servers.settle().await;
    let frozen = servers.master().await;
    servers.servers[frozen].freeze();
    people[0].use_all().await;
    servers.failed_over(frozen).await;
    for person in &mut people {
        person.goes_on().await;
    }
    cluster.store.sentinel_servers().servers[frozen].thaw();
    for person in &mut people {
        person.goes_on().await;
    }
    for replica in &mut cluster.replicas {
        assert!(replica.is_alive());
    }
    Client::register(&cluster.url).await.sign_in(super::users::BOB).await;
    Table::on("two replicas, Sentinel").held(
        "H78",
        "the master is killed, then the next one hangs",
        "503 with Retry-After in between; logins, sessions and refreshes go on without a restart",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_that_are_away_harm_nobody_while_the_master_lives() {
    let Some(store) = Store::sentinel().await else { return };
    let mut cluster = pair(store).await;
    let mut people = crowd(&cluster.url, 1).await;
    for sentinel in &mut cluster.store.sentinel_servers().sentinels {
        sentinel.kill();
    }
    assert!(people[0].use_all().await);
    people[0].refresh().await;
    // Now the master goes as well: nobody says who leads, and that is an outage like any other.
    let servers = cluster.store.sentinel_servers();
    let master = eventually("the master is known", || async {
        for (at, server) in servers.servers.iter().enumerate() {
            if server.info("replication", "role").await.as_deref() == Some("master") {
                return Some(at);
            }
        }
        None
    })
    .await;
    servers.settle_at(master).await;
    servers.servers[master].kill();
    assert!(!people[0].use_all().await);
    let health = format!("{}/health/ready", cluster.url);
    eventually("readiness ends", || async { (http::status(&health).await == Some(503)).then_some(()) }).await;
    for sentinel in &mut cluster.store.sentinel_servers().sentinels {
        sentinel.revive().await;
    }
    cluster.store.failed_over(master).await;
    people[0].goes_on().await;
    eventually("readiness returns", || async { (http::status(&health).await == Some(200)).then_some(()) })
        .await;
}
