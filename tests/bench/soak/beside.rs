//! A further product and a crowd of its own on a Redis that fails over. Its replicas live from the beginning to the end.

use crate::crowd::{Crowd, Load, SETTINGS};
use crate::support::cluster::{Cluster, Plan, Store};
use std::time::Duration;

/// Time between two requests of a client: the main crowd is where the load is.
const PACE: Duration = Duration::from_secs(1);
/// Answers that everybody gets between two steps of a fault.
const ANSWERS: u64 = 2;
/// Slots that are moved at a time.
const SLOTS: usize = 12;

/// Two replicas on this store, and everybody at work.
pub(crate) struct Beside {
    pub(crate) cluster: Cluster,
    pub(crate) load: Load,
}

impl Beside {
    pub(crate) async fn start(store: Store) -> Self {
        let plan = Plan { replicas: 2, settings: &SETTINGS, ..Plan::default() };
        let mut cluster = Cluster::start(store, plan).await;
        let mut crowd = Crowd::gather(&mut cluster).await;
        crowd.pace = PACE;
        Self { cluster, load: crowd.work() }
    }

    /// The master dies in the middle of its work, another one leads, the dead one comes back and follows.
    pub(crate) async fn master_is_killed(&mut self) {
        let killed = self.cluster.store.crash_master().await;
        self.cluster.store.failed_over(killed).await;
        self.load.go_on(ANSWERS).await;
        self.cluster.store.revive(killed).await;
        self.load.go_on(ANSWERS).await;
    }

    /// The master hangs until the sentinels have another one, then wakes and follows it.
    pub(crate) async fn master_hangs(&mut self) {
        let servers = self.cluster.store.sentinel_servers();
        let hanging = servers.master().await;
        servers.servers[hanging].freeze();
        servers.failed_over(hanging).await;
        self.load.go_on(ANSWERS).await;
        servers.servers[hanging].thaw();
        self.load.go_on(ANSWERS).await;
        servers.whole().await;
    }

    /// Some slots of a cluster go to the next master.
    pub(crate) async fn slots_move(&mut self) {
        let servers = self.cluster.store.cluster_servers();
        for slot in servers.some_slots_with_keys(SLOTS).await {
            servers.reshard_to_next(slot).await;
        }
        self.load.go_on(ANSWERS).await;
    }
}
