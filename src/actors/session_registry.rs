//! SessionRegistry: the open server-to-client streams of this replica, one per session.
//!
//! Existence and owner of a session are the store's business; answers to a request go down their own response. Only
//! attaching, detaching and unsolicited messages pass through the mailbox, where their order matters.

use super::ask::{AskError, Handle};
use super::guardian::Guardian;
use crate::domain::ids::SessionId;
use crate::ports::sessions::{AttachError, SessionRouter, StreamEvent, StreamId};
use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;

const SWEEP_EVERY: Duration = Duration::from_secs(10);
const MAILBOX: usize = 4096;
/// How soon a client may come back after its stream was closed by us.
const RETRY_MS: u64 = 1000;

/// Bounds of the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegistrySettings {
    /// Open streams per process.
    pub(crate) max_streams: usize,
}

#[derive(Message)]
#[rtype(result = "Result<StreamId, AttachError>")]
struct Attach {
    session: SessionId,
    sender: mpsc::Sender<StreamEvent>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Detach {
    session: SessionId,
    stream: StreamId,
}

#[derive(Message)]
#[rtype(result = "bool")]
struct Deliver {
    session: SessionId,
    message: Bytes,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Close {
    session: SessionId,
}

#[derive(Message)]
#[rtype(result = "usize")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Drain;

struct Stream {
    id: StreamId,
    sender: mpsc::Sender<StreamEvent>,
}

impl Stream {
    /// A reader that does not even take the farewell just sees the channel close.
    fn end(self) {
        let _ = self.sender.try_send(StreamEvent::Close { retry_ms: RETRY_MS });
    }
}

struct SessionRegistry {
    streams: HashMap<SessionId, Stream>,
    next: u64,
    settings: RegistrySettings,
}

impl Actor for SessionRegistry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(SWEEP_EVERY, |actor, _| actor.sweep());
    }
}

impl SessionRegistry {
    /// Forgets streams whose reader is gone; a lost `Detach` ends up here.
    fn sweep(&mut self) {
        self.streams.retain(|_, stream| !stream.sender.is_closed());
    }
}

impl Handler<Attach> for SessionRegistry {
    type Result = Result<StreamId, AttachError>;

    fn handle(&mut self, message: Attach, _: &mut Self::Context) -> Self::Result {
        if let Some(older) = self.streams.remove(&message.session) {
            older.end();
        }
        if self.streams.len() >= self.settings.max_streams {
            self.sweep();
        }
        if self.streams.len() >= self.settings.max_streams {
            return Err(AttachError::TooMany);
        }
        self.next += 1;
        let id = StreamId(self.next);
        self.streams.insert(message.session, Stream { id, sender: message.sender });
        Ok(id)
    }
}

impl Handler<Detach> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, message: Detach, _: &mut Self::Context) {
        if self.streams.get(&message.session).is_some_and(|s| s.id == message.stream) {
            self.streams.remove(&message.session);
        }
    }
}

impl Handler<Deliver> for SessionRegistry {
    type Result = bool;

    fn handle(&mut self, message: Deliver, _: &mut Self::Context) -> bool {
        let Some(stream) = self.streams.get(&message.session) else { return false };
        if stream.sender.try_send(StreamEvent::Message(message.message)).is_ok() {
            return true;
        }
        // Full or closed: a reader that does not read is dropped rather than buffered for.
        self.streams.remove(&message.session);
        false
    }
}

impl Handler<Close> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, message: Close, _: &mut Self::Context) {
        if let Some(stream) = self.streams.remove(&message.session) {
            stream.end();
        }
    }
}

impl Handler<Count> for SessionRegistry {
    type Result = MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.streams.len())
    }
}

impl Handler<Drain> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, _: Drain, _: &mut Self::Context) {
        for (_, stream) in self.streams.drain() {
            stream.end();
        }
    }
}

/// The registry behind its port.
pub(crate) struct Streams {
    handle: Handle<SessionRegistry>,
}

impl Streams {
    pub(super) fn start(settings: RegistrySettings, guardian: &mut Guardian) -> Self {
        let fresh = move || SessionRegistry { streams: HashMap::new(), next: 0, settings };
        Self { handle: guardian.start("session_registry", (MAILBOX, Duration::from_secs(2)), fresh) }
    }
}

#[async_trait]
impl SessionRouter for Streams {
    async fn attach(
        &self,
        session: &SessionId,
        sender: mpsc::Sender<StreamEvent>,
    ) -> Result<StreamId, AttachError> {
        let answer = self.handle.ask(Attach { session: session.clone(), sender }).await;
        answer.unwrap_or_else(|error: AskError| {
            tracing::warn!(%error, "the session registry did not answer");
            Err(AttachError::Unavailable)
        })
    }

    fn detach(&self, session: &SessionId, stream: StreamId) {
        // When the mailbox is full the sweep notices the closed channel instead.
        let _ = self.handle.tell(Detach { session: session.clone(), stream });
    }

    async fn deliver(&self, session: &SessionId, message: Bytes) -> bool {
        self.handle.ask(Deliver { session: session.clone(), message }).await.unwrap_or(false)
    }

    fn close(&self, session: &SessionId) {
        let _ = self.handle.tell(Close { session: session.clone() });
    }

    async fn open_streams(&self) -> usize {
        self.handle.ask(Count).await.unwrap_or(0)
    }

    async fn drain(&self) {
        if let Err(error) = self.handle.ask(Drain).await {
            tracing::warn!(%error, "streams were not drained");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn streams(max_streams: usize) -> (Streams, Guardian) {
        let mut guardian = Guardian::new(Arc::new(|| {}));
        (Streams::start(RegistrySettings { max_streams }, &mut guardian), guardian)
    }

    #[actix_rt::test]
    async fn the_newest_stream_of_a_session_wins_and_the_older_one_is_told() {
        let (streams, _guardian) = streams(8);
        let session = SessionId::new("s");
        let (first, mut first_events) = mpsc::channel(4);
        let old = streams.attach(&session, first).await.unwrap();
        let (second, mut second_events) = mpsc::channel(4);
        streams.attach(&session, second).await.unwrap();
        assert_eq!(first_events.recv().await, Some(StreamEvent::Close { retry_ms: RETRY_MS }));
        streams.detach(&session, old);
        assert!(streams.deliver(&session, Bytes::from_static(b"{}")).await);
        assert_eq!(second_events.recv().await, Some(StreamEvent::Message(Bytes::from_static(b"{}"))));
    }

    #[actix_rt::test]
    async fn a_reader_that_does_not_read_is_dropped() {
        let (streams, _guardian) = streams(8);
        let session = SessionId::new("s");
        let (sender, _unread) = mpsc::channel(1);
        streams.attach(&session, sender).await.unwrap();
        assert!(streams.deliver(&session, Bytes::from_static(b"1")).await);
        assert!(!streams.deliver(&session, Bytes::from_static(b"2")).await);
        assert_eq!(streams.open_streams().await, 0);
    }

    #[actix_rt::test]
    async fn the_cap_refuses_and_vanished_readers_make_room() {
        let (streams, _guardian) = streams(1);
        let (sender, reader) = mpsc::channel(1);
        streams.attach(&SessionId::new("a"), sender).await.unwrap();
        let (sender, _reader) = mpsc::channel(1);
        assert_eq!(streams.attach(&SessionId::new("b"), sender.clone()).await, Err(AttachError::TooMany));
        drop(reader);
        streams.attach(&SessionId::new("b"), sender).await.unwrap();
    }
}
