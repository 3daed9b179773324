//! A disk that is full, under the embedded store.

use super::super::crowd::{Crowd, SETTINGS};
use super::super::support::cluster::{Cluster, Plan, Store};
use super::{rounds, tally};

/// Files cannot grow any more: what a full disk answers to a write, without mounting one. `EFBIG` comes with a signal
/// that ends who does not ignore it.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_time_and_nothing_else() {
    let plan = Plan { settings: &SETTINGS, prelude: "trap '' XFSZ", ..Plan::default() };
    let mut cluster = Cluster::start(Store::embedded(), plan).await;
    let mut crowd = Crowd::gather(&mut cluster).await;
    for name in ["disk full", "disk full, then killed"] {
        let load = crowd.work();
        load.go_on(rounds()).await;
        cluster.replicas[0].limit_files(Some(1));
        load.trouble(12).await;
        if name == "disk full, then killed" {
            // Whatever was confirmed is on the disk.
            cluster.crash_and_restart(0).await;
        } else {
            cluster.replicas[0].limit_files(None);
        }
        load.go_on(rounds()).await;
        let (idle, figures) = tally(load, name, &cluster.tenant).await;
        figures.assert_clean(name);
        crowd = idle;
    }
}
