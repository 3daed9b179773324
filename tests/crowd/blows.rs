//! What befalls a Redis that fails over, step by step, with everybody at work between the steps.

use super::Load;
use crate::support::cluster::Store;

/// The master dies in the middle of its work, a replica takes over, the dead one comes back as a replica.
pub(crate) async fn master_is_killed(store: &mut Store, load: &Load, answers: u64) {
    let killed = store.crash_master().await;
    store.failed_over(killed).await;
    load.go_on(answers).await;
    store.revive(killed).await;
    load.go_on(answers).await;
}

/// The master hangs until another one leads, then wakes and is made a replica: what it is still asked by then is thrown away.
pub(crate) async fn master_hangs(store: &mut Store, load: &Load, answers: u64) {
    let servers = store.sentinel_servers();
    let hanging = servers.master().await;
    servers.servers[hanging].freeze();
    servers.failed_over(hanging).await;
    load.go_on(answers).await;
    servers.servers[hanging].thaw();
    load.go_on(answers).await;
    servers.whole().await;
}

/// So many slots of a cluster go to the next master, keys in small batches.
pub(crate) async fn slots_move(store: &mut Store, load: &Load, (slots, answers): (usize, u64)) {
    let servers = store.cluster_servers();
    for slot in servers.some_slots_with_keys(slots).await {
        servers.reshard_to_next(slot).await;
    }
    load.go_on(answers).await;
}
