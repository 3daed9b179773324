//! GET: the stream of a session that belongs to no request, and any stream of the session resumed.

use super::super::encode;
use super::super::error::{INVALID_REQUEST, RpcError, method_not_allowed, refuse, unavailable};
use super::super::exchange::Exchange;
use super::super::feed::{Fed, Feed, OpenError, Wanted};
use super::super::headers;
use super::super::tether::Tether;
use super::outbox::Mark;
use super::session;
use crate::domain::ids::SessionId;
use crate::domain::session::SessionRecord;
use crate::domain::stream::{belongs, event_id, parse_event_id, standalone};
use crate::ports::events::Claiming;
use crate::ports::sessions::AttachError;
use crate::ports::store::Store;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How soon a client comes back after a stream ended by itself.
const RETRY_MS: u64 = 1_000;
/// Between two looks at a session whose stream is silent, in heartbeats; each renews the session's life.
const BEATS_PER_LOOK: u32 = 4;
const BEAT: &[u8] = b": keep-alive\n\n";

/// Serves a GET.
pub(in crate::mcp) async fn open(x: &Exchange<'_>) -> HttpResponse {
    if !headers::accepts(x.headers, "text", "event-stream") {
        let error = RpcError::new(INVALID_REQUEST, "Accept must allow text/event-stream.");
        return refuse(StatusCode::NOT_ACCEPTABLE, None, &error);
    }
    let presented = match session::presented(x, None) {
        Ok(Some(id)) => id,
        Ok(None) => return session::required(None),
        Err(refusal) => return refusal,
    };
    let record = match session::find(x, presented, None).await {
        Ok(record) => record,
        Err(refusal) => return refusal,
    };
    let Ok(last) = last_event(x, &record) else {
        let error = RpcError::new(INVALID_REQUEST, "Last-Event-ID is not one of this session's.");
        return refuse(StatusCode::BAD_REQUEST, None, &error);
    };
    let feed = match feed(x, &record, last).await {
        Ok(Some(feed)) => feed,
        Ok(None) => return session::not_found(None),
        // The one refusal that clients take as "no stream" rather than "no server".
        Err(OpenError::Attach(AttachError::TooMany)) => return method_not_allowed("POST, DELETE"),
        Err(OpenError::Attach(AttachError::Unavailable)) => return unavailable(None),
        Err(OpenError::Store(error)) => return session::store_failed(&error, None),
    };
    if feed.stream() == standalone(&record.id) {
        x.state.hub.follow(&record.id, &record.service, feed.epoch());
    }
    let tether = match x.state.tethers.tie(&x.bearer).await {
        Ok(tether) => tether,
        Err(failure) => return x.state.guard.response(&failure, &x.ready.name, x.endpoint),
    };
    // A stream that answers a request is looked after: its replica may have died.
    let mark =
        (feed.stream() != standalone(&record.id)).then(|| Mark::new(x.state, &record.id, feed.stream()));
    let shape = Shape {
        primes: session::version(&record).primes_streams(),
        numbers: true,
        heartbeat: x.state.settings.heartbeat,
        tether,
        opening: None,
    };
    let keep =
        Keep { store: Arc::clone(&x.state.store), session: record.id, ttl: x.state.settings.session_ttl };
    encode::event_stream().streaming(Live::new(feed, keep, shape).of_request(mark).into_stream())
}

/// Stream and number of `Last-Event-ID`, or that it is malformed or another session's.
fn last_event(x: &Exchange<'_>, record: &SessionRecord) -> Result<Option<(String, u64)>, ()> {
    let Some(text) = headers::single(x.headers, headers::LAST_EVENT_ID).map_err(drop)? else {
        return Ok(None);
    };
    let (stream, seq) = parse_event_id(text).ok_or(())?;
    if belongs(&record.id, stream) { Ok(Some((stream.to_owned(), seq))) } else { Err(()) }
}

/// The stream asked for. One that is gone cannot be replayed; the session's own stream, from now on, serves the client
/// better than an error, which makes several of them give up.
async fn feed(
    x: &Exchange<'_>,
    record: &SessionRecord,
    last: Option<(String, u64)>,
) -> Result<Option<Feed>, OpenError> {
    let own = standalone(&record.id);
    let wanted = |stream, how, after| Wanted { session: &record.id, user: &record.user, stream, how, after };
    let after = match last {
        None => None,
        Some((stream, seq)) if stream == own => Some(seq),
        Some((stream, seq)) => {
            let resumed = Feed::open(&x.state.router, wanted(stream, Claiming::Existing, Some(seq))).await?;
            if let Some(feed) = resumed.filter(|feed| !feed.is_exhausted()) {
                return Ok(Some(feed));
            }
            None
        }
    };
    Feed::open(&x.state.router, wanted(own, Claiming::OrCreate, after)).await
}

/// How a stream looks.
pub(in crate::mcp) struct Shape {
    /// Opens with an event that has an id and no data, and says when to come back (2025-11-25).
    pub(in crate::mcp) primes: bool,
    /// Events have ids.
    pub(in crate::mcp) numbers: bool,
    pub(in crate::mcp) heartbeat: Duration,
    /// To the bearer that opened the stream.
    pub(in crate::mcp) tether: Tether,
    /// What comes first instead of a comment.
    pub(in crate::mcp) opening: Option<Bytes>,
}

/// Keeps the session of an open stream alive.
pub(in crate::mcp) struct Keep {
    pub(in crate::mcp) store: Arc<dyn Store>,
    pub(in crate::mcp) session: SessionId,
    pub(in crate::mcp) ttl: Duration,
}

impl Keep {
    /// Renews its life; false when it has ended.
    pub(in crate::mcp) async fn is_alive(&self) -> bool {
        !matches!(self.store.session(&self.session, self.ttl).await, Ok(None))
    }
}

/// An open stream on its way out.
pub(in crate::mcp) struct Live {
    feed: Feed,
    keep: Keep,
    shape: Shape,
    /// The request that the stream answers.
    mark: Option<Mark>,
    beats: u32,
    opened: bool,
    ended: bool,
}

impl Live {
    pub(in crate::mcp) fn new(feed: Feed, keep: Keep, shape: Shape) -> Self {
        Self { feed, keep, shape, mark: None, beats: 0, opened: false, ended: false }
    }

    /// Says which request the stream answers.
    fn of_request(self, mark: Option<Mark>) -> Self {
        Self { mark, ..self }
    }

    pub(in crate::mcp) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        unfold(self, |mut live| async move { live.next().await.map(|bytes| (Ok(bytes), live)) })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if !self.opened {
            self.opened = true;
            self.look_after().await;
            return Some(self.opening());
        }
        let beat = sleep(self.shape.heartbeat);
        tokio::select! {
            biased;
            _ = self.shape.tether.over() => None,
            fed = self.feed.next() => self.frame(fed),
            () = beat => self.beat().await,
        }
    }

    /// A comment, which a vanished client does not take; now and then also a look at the session.
    async fn beat(&mut self) -> Option<Bytes> {
        self.beats += 1;
        if self.beats.is_multiple_of(BEATS_PER_LOOK) {
            if !self.keep.is_alive().await {
                return None;
            }
            self.feed.refresh();
        }
        self.look_after().await;
        Some(Bytes::from_static(BEAT))
    }

    async fn look_after(&self) {
        if let Some(mark) = &self.mark
            && let Err(error) = mark.answer_if_abandoned().await
        {
            tracing::debug!(%error, "whether a request is still worked on is asked at the next beat");
        }
    }

    /// Something to send at once, so that intermediaries pass the headers on; where the version has it, an event
    /// with an id and no data from which the client can resume (2025-11-25, SSE polling).
    fn opening(&mut self) -> Bytes {
        if let Some(opening) = self.shape.opening.take() {
            return opening;
        }
        if !self.shape.primes {
            return Bytes::from_static(BEAT);
        }
        let id = event_id(self.feed.stream(), self.feed.cursor());
        Bytes::from(format!("id: {id}\nretry: {RETRY_MS}\ndata: \n\n"))
    }

    fn frame(&mut self, fed: Fed) -> Option<Bytes> {
        match fed {
            Fed::Message(seq, json) => {
                let id = self.shape.numbers.then(|| event_id(self.feed.stream(), seq));
                Some(Bytes::from(encode::event(id.as_deref(), &json)))
            }
            Fed::Leave { retry_ms } => {
                self.ended = true;
                self.shape.primes.then(|| Bytes::from(format!("retry: {retry_ms}\n\n")))
            }
            Fed::Over => None,
        }
    }
}
