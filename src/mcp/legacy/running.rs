//! Calls in progress, so that `notifications/cancelled` and DELETE can stop them: on this replica by a table, on the
//! others by the bus.

use super::super::hearing::{Hears, follow};
use crate::domain::ids::SessionId;
use crate::ports::store::Store;
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where ends are announced: `{session}` stops all its calls, `{session} {key}` stops one.
const TOPIC: &str = "calls";
/// Life that a look at a session after lost announcements gives it, at least.
const LOOK_TTL: Duration = Duration::from_hours(1);

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
pub(in crate::mcp) struct Running {
    table: Mutex<Table>,
    store: Arc<dyn Store>,
}

/// A call's place in the table, given back when dropped.
pub(in crate::mcp) struct Entry {
    running: Arc<Running>,
    session: SessionId,
    serial: u64,
}

impl Running {
    /// An empty table that hears of the other replicas. Must run inside a runtime.
    pub(in crate::mcp) fn start(store: &Arc<dyn Store>) -> Arc<Self> {
        let running = Arc::new(Self { table: Mutex::default(), store: Arc::clone(store) });
        follow(store.subscribe(TOPIC), &running);
        running
    }

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

    /// Stops the calls of `session` with this request id, wherever they run; unknown and finished ones are ignored.
    pub(super) fn cancel(&self, session: &SessionId, key: &str) {
        if !self.cancel_here(session, Some(key)) {
            self.announce(format!("{session} {key}"));
        }
    }

    /// Stops everything a session runs, on every replica.
    pub(super) fn cancel_all(&self, session: &SessionId) {
        self.cancel_here(session, None);
        self.announce(session.to_string());
    }

    /// Whether there was anything to stop here.
    fn cancel_here(&self, session: &SessionId, key: Option<&str>) -> bool {
        let table = self.table.lock();
        let calls = table.sessions.get(session).into_iter().flatten();
        let mut found = false;
        for call in calls.filter(|call| key.is_none_or(|key| call.key == key)) {
            call.cancel.cancel();
            found = true;
        }
        found
    }

    fn announce(&self, text: String) {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.publish(TOPIC, Bytes::from(text)).await {
                tracing::warn!(%error, "a cancellation did not reach the other replicas");
            }
        });
    }
}

#[async_trait]
impl Hears for Running {
    async fn heard(&self, message: Bytes) {
        let text = String::from_utf8_lossy(&message);
        let (session, key) = text.split_once(' ').map_or((&*text, None), |(s, k)| (s, Some(k)));
        self.cancel_here(&SessionId::new(session), key);
    }

    /// Stops what belongs to sessions that have ended.
    async fn missed(&self) {
        let sessions: Vec<SessionId> = self.table.lock().sessions.keys().cloned().collect();
        for session in sessions {
            if matches!(self.store.session(&session, LOOK_TTL).await, Ok(None)) {
                self.cancel_here(&session, None);
            }
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
    use crate::adapters::embedded::EmbeddedStore;
    use crate::domain::clock::TestClock;

    #[tokio::test]
    async fn a_call_is_cancelled_by_its_own_session_and_id_only_and_leaves_no_trace() {
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::memory(Arc::new(TestClock::at(1))));
        let (running, elsewhere) = (Running::start(&store), Running::start(&store));
        let (one, two) = (SessionId::new("one"), SessionId::new("two"));
        let tokens: [CancellationToken; 4] = std::array::from_fn(|_| CancellationToken::new());
        let entries = [
            running.enter(&one, "n1".to_owned(), tokens[0].clone()),
            running.enter(&one, "n2".to_owned(), tokens[1].clone()),
            running.enter(&two, "n1".to_owned(), tokens[2].clone()),
            running.enter(&one, "s3".to_owned(), tokens[3].clone()),
        ];
        let cancelled = || tokens.each_ref().map(CancellationToken::is_cancelled);
        running.cancel(&one, "n1");
        assert_eq!(cancelled(), [true, false, false, false]);
        elsewhere.cancel(&one, "s3");
        tokens[3].cancelled().await;
        assert_eq!(cancelled(), [true, false, false, true]);
        elsewhere.cancel_all(&two);
        tokens[2].cancelled().await;
        assert_eq!(cancelled(), [true, false, true, true]);
        drop(entries);
        assert!(running.table.lock().sessions.is_empty());
    }
}
