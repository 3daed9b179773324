//! Replicas whose clocks are wrong.

use super::super::crowd::Crowd;
use super::{pair, rounds, row};

#[tokio::test(flavor = "multi_thread")]
async fn clocks_of_replicas_differ_by_minutes() {
    let Some(mut cluster) = pair().await else { return };
    let load = Crowd::gather(&mut cluster).await.work();
    load.go_on(rounds()).await;
    // Beyond the grace of a rotated refresh token (60 s), and beyond what id_tokens are granted.
    for (index, ahead) in [(0, "900"), (1, "-900")] {
        cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", ahead);
        cluster.roll(index).await;
        load.go_on(2 * rounds()).await;
    }
    row(load, "clocks of replicas 30 min apart", &cluster.tenant).await;
}
