//! Streams of MCP sessions: what is said on them, by any replica, and who holds them open here.

use super::events::{Appended, Claim, Claiming};
use super::store::StoreError;
use crate::domain::ids::{SessionId, UserKey};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

/// What the holder of a stream is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEvent {
    /// The stream's log has changed, or may have.
    Wake,
    /// End the stream and tell the client to come back after this many milliseconds.
    Close { retry_ms: u64 },
    /// End the stream: another connection took it over, or its session has ended.
    End,
}

/// Handle of one attached stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(pub(crate) u64);

/// A stream that is opened here.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) session: SessionId,
    /// Its name, as `domain::stream` makes them.
    pub(crate) stream: String,
    pub(crate) user: UserKey,
    pub(crate) sender: mpsc::Sender<StreamEvent>,
}

/// No stream could be attached.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum AttachError {
    #[error("too many open streams")]
    TooMany,
    #[error("the session registry is not available")]
    Unavailable,
}

/// A part of what was said on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Claim that stands.
    pub(crate) epoch: u64,
    /// Messages in order, with their numbers.
    pub(crate) messages: Vec<(u64, Bytes)>,
    /// Something that was said before these is kept no more.
    pub(crate) gap: bool,
    /// Nothing will follow these.
    pub(crate) finished: bool,
}

/// The streams of sessions, on whatever replica they are open.
#[async_trait]
pub(crate) trait SessionRouter: Send + Sync {
    /// Attaches a stream; an older one of the same name is ended, the newest wins.
    async fn attach(&self, attachment: Attachment) -> Result<StreamId, AttachError>;
    /// Forgets a stream, if it is still attached.
    fn detach(&self, session: &SessionId, stream: StreamId);
    /// Takes over a stream from whoever holds it, on any replica.
    async fn claim(
        &self,
        session: &SessionId,
        stream: &str,
        how: Claiming,
    ) -> Result<Option<Claim>, StoreError>;
    /// Says something on a stream, whoever holds it; `None` when the session has ended. `last` ends the stream.
    async fn append(
        &self,
        session: &SessionId,
        stream: &str,
        message: &[u8],
        last: bool,
    ) -> Result<Option<Appended>, StoreError>;
    /// What was said after message number `seq`; `None` when nothing is known of the stream.
    async fn read(&self, session: &SessionId, stream: &str, seq: u64) -> Result<Option<Heard>, StoreError>;
    /// Nothing more will be said on a stream.
    async fn finish(&self, session: &SessionId, stream: &str) -> Result<(), StoreError>;
    /// Notes how far a client whose framing has no event ids has certainly come.
    async fn acknowledge(&self, session: &SessionId, stream: &str, seq: u64) -> Result<(), StoreError>;
    /// The newest number noted.
    async fn acknowledged(&self, session: &SessionId, stream: &str) -> Result<Option<u64>, StoreError>;
    /// Ends every stream of a session that has ended, on every replica.
    async fn close(&self, session: &SessionId);
    /// Number of open streams here.
    async fn open_streams(&self) -> usize;
    /// Ends every stream here with a retry hint; for shutdown.
    async fn drain(&self);
}
