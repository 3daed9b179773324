//! The event stream that answers one POST of a session, kept so that the client can resume it elsewhere.

use super::super::encode;
use super::session;
use crate::domain::ids::SessionId;
use crate::domain::session::SessionRecord;
use crate::domain::stream::{event_id, fresh};
use crate::ports::events::Claiming;
use crate::ports::sessions::SessionRouter;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How soon a client comes back after its connection broke.
const RETRY_MS: u64 = 1_000;

/// Keeps what is said on one request's stream and frames it. Whoever runs the request says everything here, whether
/// or not the client is still connected; what a client missed it gets by GET with `Last-Event-ID`.
pub(in crate::mcp) struct Outbox {
    router: Arc<dyn SessionRouter>,
    session: SessionId,
    stream: String,
    primes: bool,
    /// Messages are kept in the order in which they are said.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Our own claim, where there is one.
    epoch: u64,
    /// The client resumed the stream by GET, which speaks from then on.
    taken_over: bool,
    ended: bool,
}

impl Outbox {
    pub(in crate::mcp) fn new(router: &Arc<dyn SessionRouter>, record: &SessionRecord) -> Self {
        Self {
            router: Arc::clone(router),
            session: record.id.clone(),
            stream: fresh(&record.id),
            primes: session::version(record).primes_streams(),
            state: Mutex::default(),
        }
    }

    /// What the connection sends first; empty where the version has nothing of the kind. Says where to resume even
    /// if nothing was said before the connection breaks.
    pub(in crate::mcp) async fn opening(&self) -> Bytes {
        if !self.primes {
            return Bytes::new();
        }
        let mut state = self.state.lock().await;
        let Ok(Some(claim)) = self.router.claim(&self.session, &self.stream, Claiming::OrCreate).await else {
            return Bytes::new();
        };
        state.epoch = claim.epoch;
        let id = event_id(&self.stream, claim.last);
        Bytes::from(format!("id: {id}\nretry: {RETRY_MS}\ndata: \n\n"))
    }

    /// Says something; `last` is the final answer. The frame is for the connection of the POST, and `None` once the
    /// client resumed elsewhere: then that connection just ends.
    pub(in crate::mcp) async fn say(&self, json: &[u8], last: bool) -> Option<Bytes> {
        let mut state = self.state.lock().await;
        state.ended |= last;
        match self.router.append(&self.session, &self.stream, json, last).await {
            Ok(Some(appended)) => {
                state.taken_over |= appended.epoch > state.epoch;
                let id = event_id(&self.stream, appended.seq);
                (!state.taken_over).then(|| Bytes::from(encode::event(Some(&id), json)))
            }
            // A session that has ended keeps nothing, and a store that is away costs the resumption, not the answer.
            Ok(None) => Some(Bytes::from(encode::event(None, json))),
            Err(error) => {
                tracing::warn!(%error, "a message was not kept for resumption");
                Some(Bytes::from(encode::event(None, json)))
            }
        }
    }

    /// Ends the stream without an answer, as for a request that its client cancelled.
    pub(in crate::mcp) async fn end(&self) {
        let mut state = self.state.lock().await;
        if !std::mem::replace(&mut state.ended, true) {
            // Whoever resumed it meanwhile is released; otherwise the log ends with its session.
            let _ = self.router.finish(&self.session, &self.stream).await;
        }
    }
}
