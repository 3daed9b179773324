//! Replicas that die, and replicas that are replaced.

use super::super::crowd::Crowd;
use super::{pair, rounds, row};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_replica_is_replaced_under_load() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    for index in [0, 1, 0] {
        cluster.crash_and_restart(index).await;
        load.go_on(rounds()).await;
    }
    row(load, "replica killed and replaced", &cluster.tenant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_rolled_under_load() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    for index in [0, 1] {
        cluster.roll(index).await;
        load.go_on(rounds()).await;
    }
    row(load, "rolling restart", &cluster.tenant).await;
}
