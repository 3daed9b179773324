//! Server-to-client streams of MCP sessions that this replica holds.

use crate::domain::ids::SessionId;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

/// What travels on a stream; the front frames it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEvent {
    /// A JSON-RPC message, already encoded.
    Message(Bytes),
    /// End the stream and tell the client to come back after this many milliseconds.
    Close { retry_ms: u64 },
}

/// Handle of one attached stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(pub(crate) u64);

/// No stream could be attached.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum AttachError {
    #[error("too many open streams")]
    TooMany,
    #[error("the session registry is not available")]
    Unavailable,
}

/// The registry of open streams.
#[async_trait]
pub(crate) trait SessionRouter: Send + Sync {
    /// Attaches the standalone stream of a session; an older one is closed, the newest wins.
    async fn attach(
        &self,
        session: &SessionId,
        sender: mpsc::Sender<StreamEvent>,
    ) -> Result<StreamId, AttachError>;
    /// Forgets a stream, if it is still the attached one.
    fn detach(&self, session: &SessionId, stream: StreamId);
    /// Hands a message to the session's stream; false when none is open here or it does not read.
    async fn deliver(&self, session: &SessionId, message: Bytes) -> bool;
    /// Ends the session's stream.
    fn close(&self, session: &SessionId);
    /// Number of open streams.
    async fn open_streams(&self) -> usize;
    /// Ends every stream with a retry hint; for shutdown.
    async fn drain(&self);
}
