//! Operators' switches become `notifications/tools/list_changed`.

use super::hub::Hub;
use crate::tools::outlet::Change;
use crate::tools::registry::ToolRegistry;
use crate::tools::switchboard::Switchboard;
use std::sync::Arc;

/// Tells those who listen here of every switch that this replica has applied: a client that asks at once sees the new
/// list. Streams of a service that is switched off stay open, so that their clients hear when it is back.
pub(super) fn follow(board: &Arc<Switchboard>, registry: &ToolRegistry, hub: &Arc<Hub>) {
    let (switches, mut applied) = (Arc::clone(board.switches()), board.applied());
    let registry = registry.clone();
    let hub = Arc::downgrade(hub);
    let mut told = switches.kept();
    tokio::spawn(async move {
        while applied.changed().await.is_ok() {
            let now = switches.kept();
            let Some(hub) = hub.upgrade() else { return };
            for service in registry.changed(&now.off, &told.off) {
                let serial = format!("switches {}", now.version);
                hub.tell_here(service, &Change::Tools, serial).await;
            }
            told = now;
        }
    });
}
