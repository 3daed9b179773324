//! Operators' switches become `notifications/tools/list_changed`.

use super::hub::Hub;
use crate::domain::ids::ServiceName;
use crate::tools::outlet::Change;
use crate::tools::switchboard::Switchboard;
use std::sync::Arc;

/// Tells those who listen here of every switch that this replica has applied: a client that asks at once sees the new
/// list. Streams of a service that is switched off stay open, so that their clients hear when it is back.
pub(super) fn follow(board: &Arc<Switchboard>, hub: &Arc<Hub>) {
    let (switches, mut applied) = (Arc::clone(board.switches()), board.applied());
    let hub = Arc::downgrade(hub);
    let mut told = switches.kept();
    tokio::spawn(async move {
        while applied.changed().await.is_ok() {
            let now = switches.kept();
            let Some(hub) = hub.upgrade() else { return };
            for service in now.off.differing(&told.off) {
                let serial = format!("switches {}", now.version);
                hub.tell_here(&ServiceName::new(service), &Change::Tools, serial).await;
            }
            told = now;
        }
    });
}
