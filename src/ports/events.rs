//! What an open stream lives on: the log of a session's messages, which is the truth, and the bus, which only says
//! that there is something new.
//!
//! A message is appended first and announced afterwards; whoever holds the stream, on whatever replica, reads the log
//! from its own cursor. So a stream whose producer is elsewhere and a stream that is resumed are the same thing.

use super::store::StoreError;
use crate::domain::ids::{GrantId, SessionId};
use crate::domain::secret::Sealed;
use crate::domain::token::TokenRef;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::broadcast;

/// Bounds of one stream's log; beyond them the oldest entries go. The newest entry always stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLimits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// Life of the log after its last use.
    pub(crate) ttl: Duration,
}

/// Which log: a session and a stream of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogName<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) stream: &'a str,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Number of the entry. Numbers of one stream only ever grow, even after its log was forgotten.
    pub(crate) seq: u64,
    /// Claim that stands; another writer's when it is not the caller's.
    pub(crate) epoch: u64,
}

/// A stream's new holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Fencing number: a holder that sees a greater one has lost the stream.
    pub(crate) epoch: u64,
    /// Newest entry, or the number before the first one.
    pub(crate) last: u64,
}

/// How a stream is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claiming {
    /// Start the log where there is none.
    OrCreate,
    /// Only what exists.
    Existing,
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPage {
    pub(crate) epoch: u64,
    /// Entries in order, following the number asked for.
    pub(crate) events: Vec<(u64, Sealed)>,
    /// Entries are missing between the number asked for and what is kept, or the number was never given out.
    pub(crate) gap: bool,
    /// The page holds the log's end and nothing will follow it.
    pub(crate) finished: bool,
}

/// The logs of a session's streams. They end with the session.
#[async_trait]
pub(crate) trait EventLog: Send + Sync {
    /// Adds an entry, `last` being the final one; `None` when the session has ended.
    async fn append(
        &self,
        log: LogName<'_>,
        payload: &Sealed,
        limits: &LogLimits,
        last: bool,
    ) -> Result<Option<Appended>, StoreError>;
    /// Takes the stream over from whoever holds it; `None` when there is no session or no log to take.
    async fn claim(
        &self,
        log: LogName<'_>,
        how: Claiming,
        ttl: Duration,
    ) -> Result<Option<Claim>, StoreError>;
    /// Entries after `seq`, at most `max`, and renews the log's life; `None` when there is no log.
    async fn after(
        &self,
        log: LogName<'_>,
        seq: u64,
        max: usize,
        ttl: Duration,
    ) -> Result<Option<LogPage>, StoreError>;
    /// Nothing more will come.
    async fn finish(&self, log: LogName<'_>) -> Result<(), StoreError>;
    /// Notes how far a reader without event ids has certainly come.
    async fn acknowledge(&self, log: LogName<'_>, seq: u64) -> Result<(), StoreError>;
    /// The newest number noted, if any.
    async fn acknowledged(&self, log: LogName<'_>) -> Result<Option<u64>, StoreError>;
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Message(Bytes),
    /// Messages may have been missed: look at the truth.
    Resync,
}

/// Announcements to all replicas, this one included. Lossy by design.
#[async_trait]
pub(crate) trait Bus: Send + Sync {
    async fn publish(&self, topic: &'static str, message: Bytes) -> Result<(), StoreError>;
    /// Everything published under `topic` from now on. A receiver that lags must look at the truth.
    fn subscribe(&self, topic: &'static str) -> broadcast::Receiver<Note>;
}

/// Where the store announces what it has revoked.
pub(crate) const REVOKED: &str = "revoked";

/// A grant that has ended, or one bearer of it.
///
/// # Shape
/// `{grant}` or `{grant} {hash of the bearer}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) grant: GrantId,
    /// Hash of the one bearer; none for all of the grant.
    bearer: Option<String>,
}

impl Revocation {
    pub(crate) fn of_grant(grant: &GrantId) -> Self {
        Self { grant: grant.clone(), bearer: None }
    }

    pub(crate) fn of_bearer(bearer: &TokenRef) -> Self {
        Self { grant: bearer.grant.clone(), bearer: Some(bearer.hash.to_text()) }
    }

    /// As it goes over the bus.
    pub(crate) fn written(&self) -> String {
        match &self.bearer {
            None => self.grant.to_string(),
            Some(hash) => format!("{} {hash}", self.grant),
        }
    }

    /// Reads what [`Self::written`] made; nothing else is sent under this topic.
    pub(crate) fn read(message: &[u8]) -> Self {
        let text = String::from_utf8_lossy(message);
        let (grant, bearer) =
            text.split_once(' ').map_or((&*text, None), |(grant, hash)| (grant, Some(hash)));
        Self { grant: GrantId::new(grant), bearer: bearer.map(str::to_owned) }
    }

    /// Whether it ends this bearer of its grant.
    pub(crate) fn means(&self, bearer: &TokenRef) -> bool {
        self.grant == bearer.grant && self.bearer.as_ref().is_none_or(|hash| *hash == bearer.hash.to_text())
    }
}
