//! The standalone GET stream of a session: server-to-client messages that belong to no request.

use super::super::encode;
use super::super::error::{INVALID_REQUEST, RpcError, method_not_allowed, refuse, unavailable};
use super::super::exchange::Exchange;
use super::super::headers;
use super::super::version::Legacy;
use super::session;
use crate::domain::ids::SessionId;
use crate::domain::random;
use crate::ports::sessions::{AttachError, SessionRouter, StreamEvent, StreamId};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// Messages that may wait for a slow reader before the registry sees it as gone.
const BACKLOG: usize = 64;
/// How soon a client comes back after a stream ended by itself.
const RETRY_MS: u64 = 1_000;
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
    // Events of a stream that is gone cannot be replayed; a fresh stream serves the client better than an error,
    // which makes several of them give up.
    if !matches!(headers::single(x.headers, headers::LAST_EVENT_ID), Ok(id) if id.is_none_or(is_event_id)) {
        let error = RpcError::new(INVALID_REQUEST, "Last-Event-ID is not one of ours.");
        return refuse(StatusCode::BAD_REQUEST, None, &error);
    }
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let stream = match x.state.router.attach(&record.id, sender).await {
        Ok(stream) => stream,
        // The one refusal that clients take as "no stream" rather than "no server".
        Err(AttachError::TooMany) => return method_not_allowed("POST, DELETE"),
        Err(AttachError::Unavailable) => return unavailable(None),
    };
    let attached = Attached { router: Arc::clone(&x.state.router), session: record.id.clone(), stream };
    let life = x.bearer.expires_at.since(x.state.clock.now());
    let live = Live::new(attached, receiver, session::version(&record), x.state.settings.heartbeat, life);
    encode::event_stream().streaming(live.into_stream())
}

/// `{stream}-{number}`, as [`Live`] makes them.
fn is_event_id(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(stream, number)| {
        !stream.is_empty()
            && text.len() <= 64
            && stream.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && number.parse::<u64>().is_ok()
    })
}

/// The stream's place in the registry; a vanished client drops the body and with it this.
struct Attached {
    router: Arc<dyn SessionRouter>,
    session: SessionId,
    stream: StreamId,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.router.detach(&self.session, self.stream);
    }
}

/// An open stream.
struct Live {
    _attached: Attached,
    receiver: mpsc::Receiver<StreamEvent>,
    heartbeat: Duration,
    /// When the bearer that opened the stream expires.
    ends_at: Option<Instant>,
    /// First part of event ids, for versions whose clients resume.
    name: Option<String>,
    sent: u64,
    opened: bool,
    ended: bool,
}

impl Live {
    fn new(
        attached: Attached,
        receiver: mpsc::Receiver<StreamEvent>,
        version: Legacy,
        heartbeat: Duration,
        life: Duration,
    ) -> Self {
        Self {
            _attached: attached,
            receiver,
            heartbeat,
            ends_at: Instant::now().checked_add(life),
            name: version.primes_streams().then(random::text::<6>),
            sent: 0,
            opened: false,
            ended: false,
        }
    }

    fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        unfold(self, |mut live| async move { live.next().await.map(|bytes| (Ok(bytes), live)) })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if !self.opened {
            self.opened = true;
            return Some(self.opening());
        }
        let (beat, ends_at) = (sleep(self.heartbeat), self.ends_at);
        tokio::select! {
            biased;
            event = self.receiver.recv() => event.map(|e| self.frame(e)),
            () = expiry(ends_at) => None,
            () = beat => Some(Bytes::from_static(BEAT)),
        }
    }

    /// Something to send at once, so that intermediaries pass the headers on; where the version has it, an event
    /// with an id and no data from which the client can resume (2025-11-25, SSE polling).
    fn opening(&self) -> Bytes {
        match &self.name {
            Some(name) => Bytes::from(format!("id: {name}-0\nretry: {RETRY_MS}\ndata: \n\n")),
            None => Bytes::from_static(BEAT),
        }
    }

    fn frame(&mut self, event: StreamEvent) -> Bytes {
        match event {
            StreamEvent::Message(json) => {
                self.sent += 1;
                let id = self.name.as_ref().map(|name| format!("{name}-{}", self.sent));
                Bytes::from(encode::event(id.as_deref(), &json))
            }
            StreamEvent::Close { retry_ms } => {
                self.ended = true;
                Bytes::from(format!("retry: {retry_ms}\n\n"))
            }
        }
    }
}

async fn expiry(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_told_from_other_text() {
        for good in ["abcDEF12-0", "a-b_c-42"] {
            assert!(is_event_id(good), "{good}");
        }
        for bad in ["", "abc", "abc-", "-1", "abc-x", "a b-1", "abc-18446744073709551616"] {
            assert!(!is_event_id(bad), "{bad}");
        }
    }
}
