//! A Redis whose master dies or hangs while people work: Sentinel and Cluster put a replica in its place. Nobody waits for
//! replication before the blow, so what counts here is that the product does.

use super::super::crowd::{Crowd, Load, SETTINGS};
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

/// The master dies, a replica takes over, the dead one comes back as a replica; then the same with the next master.
async fn fails_over(store: Store, name: &str) {
    let (mut cluster, load) = at_work(store).await;
    for _ in 0..2 {
        let killed = cluster.store.crash_master().await;
        cluster.store.failed_over(killed).await;
        load.go_on(rounds()).await;
        cluster.store.revive(killed).await;
        load.go_on(rounds()).await;
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

/// The master hangs until another one leads, then wakes and is made a replica: what it is still asked by then is thrown away.
#[tokio::test(flavor = "multi_thread")]
async fn sentinels_replace_a_master_that_hangs_under_load() {
    let Some(store) = Store::sentinel().await else { return };
    let (mut cluster, load) = at_work(store).await;
    for _ in 0..2 {
        let servers = cluster.store.sentinel_servers();
        let hanging = servers.master().await;
        servers.servers[hanging].freeze();
        servers.failed_over(hanging).await;
        load.go_on(rounds()).await;
        servers.servers[hanging].thaw();
        load.go_on(rounds()).await;
        servers.whole().await;
    }
    row(load, "Sentinel: master hangs, replica promoted", &cluster.tenant).await;
}

/// Slots go to the next master, keys in small batches, and then some to a node that the product has never heard of.
#[tokio::test(flavor = "multi_thread")]
async fn slots_of_a_cluster_move_under_load() {
    let Some(store) = Store::cluster().await else { return };
    let (mut cluster, load) = at_work(store).await;
    let servers = cluster.store.cluster_servers();
    for slot in servers.some_slots_with_keys(SLOTS).await {
        servers.reshard_to_next(slot).await;
    }
    load.go_on(rounds()).await;
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
