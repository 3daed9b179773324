//! A further product and a crowd of its own on a Redis that fails over. Its replicas live from the beginning to the end.

use crate::crowd::{Crowd, Load, SETTINGS, blows};
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

    /// Another one leads, and the dead one comes back and follows.
    pub(crate) async fn master_is_killed(&mut self) {
        blows::master_is_killed(&mut self.cluster.store, &self.load, ANSWERS).await;
    }

    /// It wakes when another one leads, and follows it.
    pub(crate) async fn master_hangs(&mut self) {
        blows::master_hangs(&mut self.cluster.store, &self.load, ANSWERS).await;
    }

    /// Some slots of a cluster go to the next master.
    pub(crate) async fn slots_move(&mut self) {
        blows::slots_move(&mut self.cluster.store, &self.load, (SLOTS, ANSWERS)).await;
    }
}
