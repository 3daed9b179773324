//! The registry behind its port: logs in the store, announcements over the bus, holders in the actor.

use super::super::ActorDeps;
use super::super::ask::{AskError, Handle};
use super::super::guardian::Guardian;
use super::{Attach, Close, Count, Detach, Drain, MAILBOX, RegistrySettings, SessionRegistry, Wake, WakeAll};
use crate::domain::cipher::Cipher;
use crate::domain::ids::SessionId;
use crate::ports::events::{Appended, Claim, Claiming, LogLimits, LogName, Note};
use crate::ports::sessions::{AttachError, Attachment, Heard, SessionRouter, StreamId};
use crate::ports::store::{Store, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Where streams are announced: `{session}` has ended, `{session} {stream}` has changed.
const TOPIC: &str = "streams";
/// Bounds of what is kept of a stream.
const KEPT_EVENTS: usize = 512;
const KEPT_BYTES: usize = 1 << 20;
/// Messages read at once.
const PAGE: usize = 32;

/// The streams of all sessions, as this replica sees them.
pub(crate) struct Streams {
    handle: Handle<SessionRegistry>,
    store: Arc<dyn Store>,
    cipher: Cipher,
    limits: LogLimits,
}

impl Streams {
    pub(in crate::actors) fn start(deps: &ActorDeps, guardian: &mut Guardian) -> Self {
        Self::with(deps.registry, deps.store.clone(), deps.cipher.clone(), guardian)
    }

    pub(super) fn with(
        settings: RegistrySettings,
        store: Arc<dyn Store>,
        cipher: Cipher,
        guardian: &mut Guardian,
    ) -> Self {
        let fresh = move || SessionRegistry::new(settings);
        let handle = guardian.start("session_registry", (MAILBOX, Duration::from_secs(2)), fresh);
        tokio::spawn(listen(store.subscribe(TOPIC), handle.clone()));
        let limits = LogLimits { events: KEPT_EVENTS, bytes: KEPT_BYTES, ttl: settings.session_ttl };
        Self { handle, store, cipher, limits }
    }

    /// A registry of its own, and what keeps it alive.
    #[cfg(test)]
    pub(crate) fn alone(
        settings: RegistrySettings,
        store: Arc<dyn Store>,
        cipher: Cipher,
    ) -> (Self, Box<dyn std::any::Any>) {
        let mut guardian = Guardian::new(Arc::new(|| {}));
        let streams = Self::with(settings, store, cipher, &mut guardian);
        (streams, Box::new(guardian))
    }

    /// Wakes the holder, wherever it is. The log has the message already, so a failure only delays it.
    async fn announce(&self, session: &SessionId, stream: &str) {
        let text = if stream.is_empty() { session.to_string() } else { format!("{session} {stream}") };
        if let Err(error) = self.store.publish(TOPIC, Bytes::from(text)).await {
            tracing::warn!(%error, "a stream was not announced");
        }
    }
}

/// Binds what is kept to its place.
fn context(log: LogName<'_>) -> String {
    format!("stream|{}|{}", log.session, log.stream)
}

/// Hands announcements to the actor, until the bus is gone.
async fn listen(mut notes: broadcast::Receiver<Note>, handle: Handle<SessionRegistry>) {
    loop {
        let told = match notes.recv().await {
            Ok(Note::Message(message)) => {
                let text = String::from_utf8_lossy(&message);
                match text.split_once(' ') {
                    Some((session, stream)) => {
                        let wake = Wake { session: SessionId::new(session), stream: stream.to_owned() };
                        handle.ask(wake).await
                    }
                    None => handle.ask(Close(SessionId::new(&*text))).await,
                }
            }
            Ok(Note::Resync) | Err(RecvError::Lagged(_)) => handle.ask(WakeAll).await,
            Err(RecvError::Closed) => return,
        };
        if let Err(error) = told {
            tracing::warn!(%error, "an announcement did not reach the session registry");
        }
    }
}

#[async_trait]
impl SessionRouter for Streams {
    async fn attach(&self, attachment: Attachment) -> Result<StreamId, AttachError> {
        let answer = self.handle.ask(Attach(attachment)).await;
        answer.unwrap_or_else(|error: AskError| {
            tracing::warn!(%error, "the session registry did not answer");
            Err(AttachError::Unavailable)
        })
    }

    fn detach(&self, session: &SessionId, stream: StreamId) {
        // When the mailbox is full the sweep notices the closed channel instead.
        let _ = self.handle.tell(Detach { session: session.clone(), stream });
    }

    async fn claim(
        &self,
        session: &SessionId,
        stream: &str,
        how: Claiming,
    ) -> Result<Option<Claim>, StoreError> {
        let claim = self.store.claim(LogName { session, stream }, how, self.limits.ttl).await?;
        if claim.is_some_and(|claim| claim.epoch > 1) {
            self.announce(session, stream).await;
        }
        Ok(claim)
    }

    async fn append(
        &self,
        session: &SessionId,
        stream: &str,
        message: &[u8],
        last: bool,
    ) -> Result<Option<Appended>, StoreError> {
        let log = LogName { session, stream };
        let sealed = self.cipher.seal(&context(log), message);
        let appended = self.store.append(log, &sealed, &self.limits, last).await?;
        // A stream that nobody ever claimed is written by its own response.
        if appended.is_some_and(|appended| appended.epoch > 0) {
            self.announce(session, stream).await;
        }
        Ok(appended)
    }

    async fn read(&self, session: &SessionId, stream: &str, seq: u64) -> Result<Option<Heard>, StoreError> {
        let log = LogName { session, stream };
        let Some(page) = self.store.after(log, seq, PAGE, self.limits.ttl).await? else { return Ok(None) };
        let corrupt = |error: crate::domain::cipher::OpenError| StoreError::Corrupt {
            record: "stream",
            reason: error.to_string(),
        };
        let open = |(seq, sealed)| {
            let plain = self.cipher.open(&context(log), &sealed).map_err(corrupt)?;
            Ok::<_, StoreError>((seq, Bytes::from(plain)))
        };
        let messages = page.events.into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(Some(Heard { epoch: page.epoch, messages, gap: page.gap, finished: page.finished }))
    }

    async fn finish(&self, session: &SessionId, stream: &str) -> Result<(), StoreError> {
        self.store.finish(LogName { session, stream }).await?;
        self.announce(session, stream).await;
        Ok(())
    }

    async fn acknowledge(&self, session: &SessionId, stream: &str, seq: u64) -> Result<(), StoreError> {
        self.store.acknowledge(LogName { session, stream }, seq).await
    }

    async fn acknowledged(&self, session: &SessionId, stream: &str) -> Result<Option<u64>, StoreError> {
        self.store.acknowledged(LogName { session, stream }).await
    }

    async fn close(&self, session: &SessionId) {
        self.announce(session, "").await;
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
impl Streams {
    /// Puts a message on a session's own stream; false when the session has ended.
    pub(crate) async fn deliver(&self, session: &SessionId, message: Bytes) -> bool {
        self.append(session, &crate::domain::stream::standalone(session), &message, false)
            .await
            .unwrap()
            .is_some()
    }
}
