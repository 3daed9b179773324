//! Calls in progress, so that `notifications/cancelled` and DELETE can stop them and `logging/setLevel` reaches them: on
//! this replica by a table, on the others by the bus.

use super::super::notes::Threshold;
use crate::domain::ids::SessionId;
use crate::ports::hearing::{Hears, follow};
use crate::ports::store::Store;
use crate::tools::outlet::LogLevel;
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where [`Word`]s are said.
const TOPIC: &str = "calls";
/// Life that a look at a session after lost announcements gives it, at least.
const LOOK_TTL: Duration = Duration::from_hours(1);

/// What a session wants of its calls.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Wish {
    /// Stop the call with this `Id::key`, or all without one.
    Stop(Option<String>),
    /// The name of a log level.
    Level(String),
}

/// A wish on the bus.
#[derive(Debug, Serialize, Deserialize)]
struct Word {
    session: String,
    wish: Wish,
}

/// A call as the table keeps it.
#[derive(Debug)]
pub(in crate::mcp) struct Entrant {
    /// `Id::key` of the request.
    pub(in crate::mcp) key: String,
    pub(in crate::mcp) cancel: CancellationToken,
    pub(in crate::mcp) threshold: Threshold,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// Calls with their serial numbers.
    sessions: HashMap<SessionId, Vec<(u64, Entrant)>>,
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

    /// Notes a call; it may be cancelled until the entry is dropped.
    pub(super) fn enter(self: &Arc<Self>, session: &SessionId, call: Entrant) -> Entry {
        let mut table = self.table.lock();
        let serial = table.next;
        table.next += 1;
        table.sessions.entry(session.clone()).or_default().push((serial, call));
        Entry { running: Arc::clone(self), session: session.clone(), serial }
    }

    /// Stops the calls of `session` with this request id, wherever they run; unknown and finished ones are ignored.
    pub(super) fn cancel(&self, session: &SessionId, key: &str) {
        let wish = Wish::Stop(Some(key.to_owned()));
        if !self.grant(session, &wish) {
            self.announce(session, wish);
        }
    }

    /// Stops everything a session runs, on every replica.
    pub(super) fn cancel_all(&self, session: &SessionId) {
        self.grant(session, &Wish::Stop(None));
        self.announce(session, Wish::Stop(None));
    }

    /// Lets log messages of this level and above through, on every replica.
    pub(super) fn set_level(&self, session: &SessionId, level: LogLevel) {
        let wish = Wish::Level(level.as_str().to_owned());
        self.grant(session, &wish);
        self.announce(session, wish);
    }

    /// Whether there was a call here that the wish concerns.
    fn grant(&self, session: &SessionId, wish: &Wish) -> bool {
        let table = self.table.lock();
        let mut found = false;
        for (_, call) in table.sessions.get(session).into_iter().flatten() {
            match wish {
                Wish::Stop(Some(key)) if *key != call.key => continue,
                Wish::Stop(_) => call.cancel.cancel(),
                Wish::Level(level) => LogLevel::parse(level).into_iter().for_each(|l| call.threshold.set(l)),
            }
            found = true;
        }
        found
    }

    fn announce(&self, session: &SessionId, wish: Wish) {
        let store = Arc::clone(&self.store);
        let word = Word { session: session.to_string(), wish };
        tokio::spawn(async move {
            // Words have no way to fail.
            let json = serde_json::to_vec(&word).unwrap_or_default();
            if let Err(error) = store.publish(TOPIC, Bytes::from(json)).await {
                tracing::warn!(%error, "what a session wants of its calls did not reach the other replicas");
            }
        });
    }
}

#[async_trait]
impl Hears for Running {
    async fn heard(&self, message: Bytes) {
        if let Ok(word) = serde_json::from_slice::<Word>(&message) {
            self.grant(&SessionId::new(word.session), &word.wish);
        }
    }

    /// Stops what belongs to sessions that have ended, and takes the level that stands.
    async fn missed(&self) {
        let sessions: Vec<SessionId> = self.table.lock().sessions.keys().cloned().collect();
        for session in sessions {
            let wish = match self.store.session(&session, LOOK_TTL).await {
                Ok(None) => Wish::Stop(None),
                Ok(Some(record)) => match record.log_level {
                    Some(level) => Wish::Level(level),
                    None => continue,
                },
                Err(_) => continue,
            };
            self.grant(&session, &wish);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.running.table.lock();
        if let Some(calls) = table.sessions.get_mut(&self.session) {
            calls.retain(|(serial, _)| *serial != self.serial);
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
    async fn a_call_hears_its_own_session_only_and_leaves_no_trace() {
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::memory(Arc::new(TestClock::at(1))));
        let (running, elsewhere) = (Running::start(&store), Running::start(&store));
        let (one, two) = (SessionId::new("one"), SessionId::new("two"));
        let tokens: [CancellationToken; 4] = std::array::from_fn(|_| CancellationToken::new());
        let thresholds: [Threshold; 4] = std::array::from_fn(|_| Threshold::default());
        let entries: Vec<Entry> = [(&one, "n1"), (&one, "n2"), (&two, "n1"), (&one, "s3")]
            .into_iter()
            .enumerate()
            .map(|(at, (session, key))| {
                let call = Entrant {
                    key: key.to_owned(),
                    cancel: tokens[at].clone(),
                    threshold: thresholds[at].clone(),
                };
                running.enter(session, call)
            })
            .collect();
        let cancelled = || tokens.each_ref().map(CancellationToken::is_cancelled);
        elsewhere.set_level(&one, LogLevel::Error);
        let passing = || thresholds.each_ref().map(|t| t.lets_pass(LogLevel::Error));
        while passing() != [true, true, false, true] {
            tokio::task::yield_now().await;
        }
        assert!(!thresholds[0].lets_pass(LogLevel::Info));
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
