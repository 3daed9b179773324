//! The set-ups themselves do what the tests on them rely upon.

use crate::support::cluster::Store;

async fn fails_over_and_heals(mut store: Store) {
    for _ in 0..2 {
        let victim = store.kill_master().await;
        store.failed_over(victim).await;
        store.revive(victim).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_fail_over_twice() {
    let Some(store) = Store::sentinel().await else { return };
    fails_over_and_heals(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_fails_over_twice() {
    let Some(store) = Store::cluster().await else { return };
    fails_over_and_heals(store).await;
}
