//! A Redis whose master dies or hangs while people work: Sentinel and Cluster put a replica in its place. Nobody waits for
//! replication before the blow, so what counts here is that the product does.

use super::super::crowd::{Crowd, Load, SETTINGS, blows};
use super::super::support::cluster::{Cluster, Plan, Store};
use super::{rounds, row};

/// So many slots are moved at a time.
const SLOTS: usize = 40;

/// Two replicas of the product on this store, and everybody at work.
async fn at_work(store: Store) -> (Cluster, Load) {
    let plan = Plan { replicas: 2, settings: &SETTINGS, ..Plan::default() };
    let mut cluster = Cluster::start(store, plan).await;
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    (cluster, load)
}

/// The master dies, and then the next one.
async fn fails_over(store: Store, name: &str) {
    let (mut cluster, load) = at_work(store).await;
    for _ in 0..2 {
        blows::master_is_killed(&mut cluster.store, &load, rounds()).await;
    }
    row(load, name, &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_fail_over_under_load() {
    let Some(store) = Store::sentinel().await else { return };
    fails_over(store, "Sentinel: master killed, replica promoted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_fails_over_under_load() {
    let Some(store) = Store::cluster().await else { return };
    fails_over(store, "Cluster: master killed, replica promoted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_replace_a_master_that_hangs_under_load() {
    let Some(store) = Store::sentinel().await else { return };
    let (mut cluster, load) = at_work(store).await;
    for _ in 0..2 {
        blows::master_hangs(&mut cluster.store, &load, rounds()).await;
    }
    row(load, "Sentinel: master hangs, replica promoted", &cluster.tenant).await;
}

/// Slots go to the next master, and then some to a node that the product has never heard of.
#[tokio::test(flavor = "multi_thread")]
async fn slots_of_a_cluster_move_under_load() {
    let Some(store) = Store::cluster().await else { return };
    let (mut cluster, load) = at_work(store).await;
    blows::slots_move(&mut cluster.store, &load, (SLOTS, rounds())).await;
    let servers = cluster.store.cluster_servers();
    let newcomer = servers.add_master().await;
    for slot in servers.some_slots_with_keys(SLOTS).await {
        let from = servers.master_of(slot).await;
        if from != newcomer {
            servers.reshard(slot, from, newcomer).await;
        }
    }
    load.go_on(rounds()).await;
    row(load, "Cluster: slots moved, a master added", &cluster.tenant).await;
}
