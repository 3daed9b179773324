//! The event stream that answers one POST of a session, kept so that the client can resume it elsewhere.

use super::super::encode;
use super::super::error::{INTERNAL_ERROR, RpcError, message};
use super::super::hold::{self, Hold};
use super::super::state::McpState;
use super::session;
use crate::domain::cipher::Cipher;
use crate::domain::ids::SessionId;
use crate::domain::session::SessionRecord;
use crate::domain::stream::{BEYOND, event_id, fresh};
use crate::ports::events::Claiming;
use crate::ports::sessions::SessionRouter;
use crate::ports::store::{Store, StoreError};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a request may take at most.
const MARK_LIFE: Duration = Duration::from_hours(1);
/// How soon a client comes back after its connection broke.
const RETRY_MS: u64 = 1_000;

/// Keeps what is said on one request's stream and frames it. Whoever runs the request says everything here, whether
/// or not the client is still connected; what a client missed it gets by GET with `Last-Event-ID`.
pub(in crate::mcp) struct Outbox {
    router: Arc<dyn SessionRouter>,
    session: SessionId,
    stream: String,
    /// The request's id, raw JSON.
    request: String,
    primes: bool,
    mark: Mark,
    hold: Hold,
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
    /// For the request `id` (raw JSON).
    pub(in crate::mcp) fn new(state: &McpState, record: &SessionRecord, id: &str) -> Self {
        let stream = fresh(&record.id);
        let mark = Mark::new(state, &record.id, &stream);
        Self {
            router: Arc::clone(&state.router),
            session: record.id.clone(),
            primes: session::version(record).primes_streams(),
            hold: Hold::new(&state.store, mark.name()),
            request: id.to_owned(),
            mark,
            stream,
            state: Mutex::default(),
        }
    }

    /// Lets other replicas see that the request is being worked on; never ends.
    pub(in crate::mcp) async fn keep_hold(&self) {
        self.hold.keep().await;
    }

    /// What the connection sends first; empty where the version has nothing of the kind. Says where to resume even
    /// if nothing was said before the connection breaks.
    pub(in crate::mcp) async fn opening(&self) -> Bytes {
        if let Err(error) = self.leave_mark().await {
            tracing::warn!(%error, "nobody will answer this request should this replica die");
        }
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

    async fn leave_mark(&self) -> Result<(), StoreError> {
        self.hold.take().await?;
        self.mark.leave(&self.request).await
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

    /// Ends the stream, which has its answer, or none where the client cancelled the request.
    pub(in crate::mcp) async fn end(&self) {
        let mut state = self.state.lock().await;
        if !std::mem::replace(&mut state.ended, true) {
            // Whoever resumed it meanwhile is released; otherwise the log ends with its session.
            let _ = self.router.finish(&self.session, &self.stream).await;
        }
        self.hold.release().await;
    }
}

/// What is known of the request that a stream answers, on whatever replica that is worked on.
pub(in crate::mcp) struct Mark {
    store: Arc<dyn Store>,
    router: Arc<dyn SessionRouter>,
    cipher: Cipher,
    session: SessionId,
    stream: String,
}

impl Mark {
    pub(in crate::mcp) fn new(state: &McpState, session: &SessionId, stream: &str) -> Self {
        Self {
            store: Arc::clone(&state.store),
            router: Arc::clone(&state.router),
            cipher: state.cipher.clone(),
            session: session.clone(),
            stream: stream.to_owned(),
        }
    }

    fn name(&self) -> String {
        format!("request|{}|{}", self.session, self.stream)
    }

    /// Notes the request's id.
    async fn leave(&self, request: &str) -> Result<(), StoreError> {
        let name = self.name();
        let sealed = self.cipher.seal(&name, request.as_bytes());
        self.store.swap_shared(&name, 0, &sealed, MARK_LIFE).await.map(drop)
    }

    /// Answers the request with an error when the replica that worked on it is gone: a client that resumed its stream
    /// would wait for ever.
    pub(in crate::mcp) async fn answer_if_abandoned(&self) -> Result<(), StoreError> {
        let name = self.name();
        let Some(kept) = self.store.shared(&name).await? else { return Ok(()) };
        if !hold::inherit(self.store.as_ref(), &name).await? {
            return Ok(());
        }
        let heard = self.router.read(&self.session, &self.stream, BEYOND).await?;
        if heard.is_none_or(|heard| heard.finished) {
            return Ok(());
        }
        let request = self.cipher.open(&name, &kept.sealed).ok();
        let Some(request) = request.and_then(|plain| String::from_utf8(plain).ok()) else { return Ok(()) };
        let gone = "The server that worked on this request stopped before it was done. Please send it again.";
        let answer = message(Some(&request), &RpcError::new(INTERNAL_ERROR, gone));
        self.router.append(&self.session, &self.stream, &answer, true).await.map(drop)
    }
}
