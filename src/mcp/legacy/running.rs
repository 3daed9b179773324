//! Calls in progress on this replica, so that `notifications/cancelled` and DELETE can stop them.

use crate::domain::ids::SessionId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct Call {
    serial: u64,
    /// `Id::key` of the request.
    key: String,
    cancel: CancellationToken,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    sessions: HashMap<SessionId, Vec<Call>>,
}

/// The table of running calls. The lock is held for a few map operations, never across an await.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Running {
    table: Mutex<Table>,
}

/// A call's place in the table, given back when dropped.
#[derive(Debug)]
pub(in crate::mcp) struct Entry {
    running: Arc<Running>,
    session: SessionId,
    serial: u64,
}

impl Running {
    /// Notes a call; its request id may be cancelled until the entry is dropped.
    pub(super) fn enter(
        self: &Arc<Self>,
        session: &SessionId,
        key: String,
        cancel: CancellationToken,
    ) -> Entry {
        let mut table = self.table.lock();
        let serial = table.next;
        table.next += 1;
        table.sessions.entry(session.clone()).or_default().push(Call { serial, key, cancel });
        Entry { running: Arc::clone(self), session: session.clone(), serial }
    }

    /// Stops the calls of `session` with this request id; unknown and finished ones are ignored.
    pub(super) fn cancel(&self, session: &SessionId, key: &str) {
        let table = self.table.lock();
        for call in table.sessions.get(session).into_iter().flatten().filter(|c| c.key == key) {
            call.cancel.cancel();
        }
    }

    /// Stops everything a session runs here.
    pub(super) fn cancel_all(&self, session: &SessionId) {
        let table = self.table.lock();
        for call in table.sessions.get(session).into_iter().flatten() {
            call.cancel.cancel();
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.running.table.lock();
        if let Some(calls) = table.sessions.get_mut(&self.session) {
            calls.retain(|c| c.serial != self.serial);
            if calls.is_empty() {
                table.sessions.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_cancelled_by_its_own_session_and_id_only_and_leaves_no_trace() {
        let running = Arc::new(Running::default());
        let (one, two) = (SessionId::new("one"), SessionId::new("two"));
        let tokens: [CancellationToken; 3] = std::array::from_fn(|_| CancellationToken::new());
        let entries = [
            running.enter(&one, "n1".to_owned(), tokens[0].clone()),
            running.enter(&one, "n2".to_owned(), tokens[1].clone()),
            running.enter(&two, "n1".to_owned(), tokens[2].clone()),
        ];
        running.cancel(&one, "n1");
        assert_eq!(tokens.each_ref().map(CancellationToken::is_cancelled), [true, false, false]);
        running.cancel_all(&two);
        assert_eq!(tokens.each_ref().map(CancellationToken::is_cancelled), [true, false, true]);
        drop(entries);
        assert!(running.table.lock().sessions.is_empty());
    }
}
