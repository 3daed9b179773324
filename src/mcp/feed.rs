//! Reading a session's stream as it grows: from its log, by cursor, on whatever replica the client happens to be.
//!
//! What waits for a slow reader waits in the log, which is bounded, and not here.

use crate::domain::ids::{SessionId, UserKey};
use crate::ports::events::Claiming;
use crate::ports::sessions::{AttachError, Attachment, Heard, SessionRouter, StreamEvent, StreamId};
use crate::ports::store::StoreError;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Wake-ups that may wait; one says as much as many.
const WAKES: usize = 4;
/// Pause before a store that failed is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// No stream was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Attach(#[from] AttachError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose stream, and which.
pub(super) struct Wanted<'a> {
    pub(super) session: &'a SessionId,
    pub(super) user: &'a UserKey,
    pub(super) stream: String,
    pub(super) how: Claiming,
    /// Number of the last message that the client has; none to begin with what comes next.
    pub(super) after: Option<u64>,
}

/// What came of reading on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fed {
    Message(u64, Bytes),
    /// This replica stops: come back to another one after this many milliseconds.
    Leave {
        retry_ms: u64,
    },
    /// The last message was read, the session ended, or a newer connection has the stream.
    Over,
}

/// The stream's place in the registry, given back when dropped.
struct Place {
    router: Arc<dyn SessionRouter>,
    session: SessionId,
    stream: StreamId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.router.detach(&self.session, self.stream);
    }
}

/// An open stream.
pub(super) struct Feed {
    place: Place,
    stream: String,
    wakes: mpsc::Receiver<StreamEvent>,
    epoch: u64,
    /// Number of the last message handed out.
    cursor: u64,
    ready: VecDeque<(u64, Bytes)>,
    /// The log may hold more than was read.
    stale: bool,
    /// Nothing follows what is ready.
    finished: bool,
    /// The first page has gaps: what follows the client's last message is kept no more.
    gap: bool,
}

impl Feed {
    /// Takes the stream over; `None` when there is no such stream or its session has ended.
    pub(super) async fn open(
        router: &Arc<dyn SessionRouter>,
        wanted: Wanted<'_>,
    ) -> Result<Option<Self>, OpenError> {
        let (sender, wakes) = mpsc::channel(WAKES);
        let attachment = Attachment {
            session: wanted.session.clone(),
            stream: wanted.stream.clone(),
            user: wanted.user.clone(),
            sender,
        };
        let id = router.attach(attachment).await?;
        let place = Place { router: Arc::clone(router), session: wanted.session.clone(), stream: id };
        let Some(claim) = router.claim(wanted.session, &wanted.stream, wanted.how).await? else {
            return Ok(None);
        };
        let mut feed = Self {
            place,
            stream: wanted.stream,
            wakes,
            epoch: claim.epoch,
            cursor: wanted.after.unwrap_or(claim.last),
            ready: VecDeque::new(),
            stale: false,
            finished: false,
            gap: false,
        };
        feed.fill().await?;
        if feed.gap && wanted.how == Claiming::OrCreate {
            // What lies between is lost; the stream goes on from here.
            feed.ready.clear();
            (feed.cursor, feed.gap, feed.stale) = (claim.last, false, true);
        }
        Ok(Some(feed))
    }

    /// The claim under which the stream was opened.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// There is nothing to hand out, now or later.
    pub(super) fn is_exhausted(&self) -> bool {
        self.gap || (self.finished && self.ready.is_empty())
    }

    /// Looks into the log even if nobody says that it has grown.
    pub(super) fn refresh(&mut self) {
        self.stale = true;
    }

    /// The next message, once there is one. May be dropped at any point and called again.
    pub(super) async fn next(&mut self) -> Fed {
        loop {
            if let Some((seq, message)) = self.ready.pop_front() {
                self.cursor = seq;
                return Fed::Message(seq, message);
            }
            if self.finished {
                return Fed::Over;
            }
            if self.stale {
                if let Err(error) = self.fill().await {
                    tracing::debug!(%error, "a stream waits for the store");
                    sleep(PAUSE).await;
                }
                continue;
            }
            match self.wakes.recv().await {
                Some(StreamEvent::Wake) => self.stale = true,
                Some(StreamEvent::Close { retry_ms }) => return Fed::Leave { retry_ms },
                Some(StreamEvent::End) | None => return Fed::Over,
            }
        }
    }

    /// Reads a page of the log.
    async fn fill(&mut self) -> Result<(), StoreError> {
        let heard = self.place.router.read(&self.place.session, &self.stream, self.cursor).await?;
        match heard {
            Some(Heard { epoch, messages, gap, finished }) if epoch == self.epoch => {
                // A full page may not be all there is; an empty one is.
                self.stale = !messages.is_empty() && !finished;
                self.finished = finished;
                self.gap = gap;
                self.ready.extend(messages);
            }
            Some(_) | None => self.finished = true,
        }
        Ok(())
    }
}
