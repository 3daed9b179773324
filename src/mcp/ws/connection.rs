//! One WebSocket connection, from its first message to its close.
//!
//! Answers wait in a bounded queue; a client that does not read is dropped. What could not be said to a client with a
//! session is kept on the session's stream and said to the next connection. How far the client has come is known from
//! its pongs, which return the number of the last message that was sent before the ping.

use super::super::carried::{self, Outcome, Speaker};
use super::super::classify::{Era, classify};
use super::super::feed::{Fed, Feed, Wanted};
use super::super::jsonrpc::{Body, Message, parse};
use super::super::legacy::stream::Keep;
use super::super::place::Place;
use super::super::state::McpState;
use super::super::tether::Over;
use super::super::version::VersionHeader;
use super::hello::{Greeting, STRANGER, greet};
use super::{find, place};
use crate::domain::ids::{ServiceName, SessionId};
use crate::domain::stream::standalone;
use crate::oauth::bearer::{AuthFailure, Bearer};
use crate::ports::events::Claiming;
use crate::ports::sessions::StreamEvent;
use actix_web::http::StatusCode;
use actix_web::{rt, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session};
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};

/// Answers that may wait for a slow reader.
const QUEUE: usize = 64;
/// Requests of one connection that may run at once; further ones wait in its socket.
const RUNNING: usize = 32;
/// A client takes a message within this time, or it does not read.
const TAKE: Duration = Duration::from_secs(10);
/// A connection without messages is closed after this long; pings do not count.
const IDLE: Duration = Duration::from_hours(1);
/// Heartbeats without any sign of life before the client counts as gone.
const SILENT_BEATS: u32 = 2;
/// Heartbeats between two renewals of the session.
const BEATS_PER_LOOK: u32 = 4;

/// Not authenticated in time or at all, or not any more: sign in and come back.
const UNAUTHENTICATED: CloseCode = CloseCode::Other(4401);
/// The session asked for does not exist: come back without it.
const NO_SESSION: CloseCode = CloseCode::Other(4404);
/// The session has ended, or an operator switched its service off.
const GONE: (CloseCode, &str) = (NO_SESSION, "this session or service is not there any more");
/// Nothing was said for long.
const SILENT: CloseCode = CloseCode::Other(4408);
/// Another connection took the session over.
const TAKEN_OVER: CloseCode = CloseCode::Other(4409);

/// A connection that was upgraded.
pub(super) struct Connection {
    pub(super) state: web::Data<McpState>,
    pub(super) service: ServiceName,
    pub(super) socket: Session,
    pub(super) place: Place,
    pub(super) session: Option<SessionId>,
}

/// Why a connection ends; `None` when there is nobody left to tell.
type End = Option<(CloseCode, &'static str)>;

/// What running requests report to their connection.
struct Reports {
    answers: mpsc::Sender<Bytes>,
    outcomes: mpsc::Sender<Outcome>,
}

impl Connection {
    /// Serves until either side ends it.
    pub(super) async fn run(
        mut self,
        mut messages: AggregatedMessageStream,
        bearer: Option<Bearer>,
        asked: Option<String>,
    ) {
        let greeted = match bearer {
            Some(bearer) => Ok(bearer),
            None => self.greet(&mut messages, asked).await,
        };
        let end = match greeted {
            Ok(bearer) => Box::pin(self.talk(messages, bearer)).await,
            Err(end) => end,
        };
        if let Some((code, why)) = end {
            let reason = CloseReason { code, description: Some(why.to_owned()) };
            let _ = timeout(TAKE, self.socket.close(Some(reason))).await;
        }
    }

    /// Waits for `authenticate`.
    async fn greet(
        &mut self,
        messages: &mut AggregatedMessageStream,
        asked: Option<String>,
    ) -> Result<Bearer, End> {
        let first = async {
            loop {
                match messages.recv().await {
                    Some(Ok(AggregatedMessage::Text(text))) => return Some(text),
                    Some(Ok(AggregatedMessage::Ping(_) | AggregatedMessage::Pong(_))) => {}
                    Some(Ok(AggregatedMessage::Binary(_) | AggregatedMessage::Close(_)) | Err(_)) | None => {
                        return None;
                    }
                }
            }
        };
        let Ok(Some(text)) = timeout(self.state.settings.ws_greeting, first).await else {
            return Err(Some((UNAUTHENTICATED, STRANGER)));
        };
        match greet(&self.state, &self.service, &text).await {
            Greeting::Stranger(why) => Err(Some((UNAUTHENTICATED, why))),
            Greeting::Unavailable => Err(Some((CloseCode::Again, "try again shortly"))),
            Greeting::Known { bearer, answer, session } => {
                if let Some(id) = session.or(asked) {
                    match find(&self.state, &self.service, &bearer, &id).await {
                        Ok(session) => self.session = Some(session),
                        Err(refusal) if refusal.status() == StatusCode::NOT_FOUND => {
                            return Err(Some((NO_SESSION, "there is no such session")));
                        }
                        Err(_) => return Err(Some((CloseCode::Again, "try again shortly"))),
                    }
                }
                // From here on it counts among the streams of its user.
                let Ok(place) = place(&self.state, bearer.caller.user.clone()).await else {
                    return Err(Some((CloseCode::Again, "too many connections are open")));
                };
                self.place = place;
                if let Some(answer) = answer {
                    self.say(&Bytes::from(answer)).await?;
                }
                Ok(*bearer)
            }
        }
    }

    /// The conversation.
    async fn talk(&mut self, mut messages: AggregatedMessageStream, bearer: Bearer) -> End {
        let (answers, mut waiting) = mpsc::channel::<Bytes>(QUEUE);
        let (outcomes, mut done) = mpsc::channel::<Outcome>(RUNNING);
        let reports = Reports { answers, outcomes };
        let tether = match self.state.tethers.tie(&bearer).await {
            Ok(tether) => tether,
            Err(AuthFailure::Store(_)) => return Some((CloseCode::Again, "try again shortly")),
            Err(_) => return Some((UNAUTHENTICATED, "the token is not valid any more")),
        };
        let mut feed = None;
        if let Some(session) = self.session.clone() {
            feed = self.follow(&session, &bearer, true).await;
        }
        let beat = self.state.settings.heartbeat;
        let mut beats = interval_at(Instant::now() + beat, beat);
        let (mut silent, mut count, mut running, mut acknowledged) = (0_u32, 0_u32, 0_usize, 0_u64);
        let mut idle_at = Instant::now() + IDLE;
        let end = loop {
            tokio::select! {
                biased;
                over = tether.over() => break Some((UNAUTHENTICATED, match over {
                    Over::Expired => "the token has expired",
                    Over::Revoked => "the sign-in was revoked",
                })),
                event = self.place.events.recv() => match event {
                    Some(StreamEvent::Wake) => {}
                    Some(StreamEvent::Close { .. } | StreamEvent::End) | None => {
                        break Some((CloseCode::Away, "this server stops; connect again"));
                    }
                },
                Some(outcome) = done.recv() => {
                    running = running.saturating_sub(1);
                    if let Some(end) = verdict(&outcome) { break Some(end) }
                }
                Some(answer) = waiting.recv() => {
                    if let Err(end) = self.say(&answer).await {
                        self.keep(&answer).await;
                        break end;
                    }
                }
                fed = next(&mut feed) => match fed {
                    Fed::Message(seq, message) => {
                        if let Err(end) = self.say(&message).await { break end }
                        if self.ping(seq).await.is_err() { break None }
                    }
                    Fed::Leave { .. } => break Some((CloseCode::Away, "this server stops; connect again")),
                    Fed::Over => break Some((TAKEN_OVER, "the session has ended or is connected elsewhere")),
                },
                message = messages.recv(), if running < RUNNING => {
                    silent = 0;
                    match message {
                        Some(Ok(AggregatedMessage::Text(text))) => {
                            idle_at = Instant::now() + IDLE;
                            // Every request is verified, whatever was announced (mcp.md 3.3.9).
                            match self.state.guard.holds(&bearer.token).await {
                                Ok(true) => {}
                                Ok(false) => break Some((UNAUTHENTICATED, "the sign-in was revoked")),
                                Err(_) => break Some((CloseCode::Again, "try again shortly")),
                            }
                            let bytes = text.into_bytes();
                            if let Some(era) = beside(&bytes, self.state.settings.max_depth) {
                                running += 1;
                                self.begin((bytes, era), &bearer, &reports);
                            } else {
                                let had = self.session.is_some();
                                match self.settle(&bytes, &bearer).await {
                                    Ok(outcome) => if let Some(end) = verdict(&outcome) { break Some(end) },
                                    Err(end) => break end,
                                }
                                if let (false, Some(session)) = (had, self.session.clone()) {
                                    feed = self.follow(&session, &bearer, false).await;
                                }
                            }
                        }
                        Some(Ok(AggregatedMessage::Ping(bytes))) => {
                            if self.socket.pong(&bytes).await.is_err() { break None }
                        }
                        Some(Ok(AggregatedMessage::Pong(bytes))) => {
                            if let Some(seq) = number(&bytes).filter(|seq| *seq > acknowledged) {
                                acknowledged = seq;
                                self.acknowledge(seq).await;
                            }
                        }
                        Some(Ok(AggregatedMessage::Binary(_))) => {
                            break Some((CloseCode::Unsupported, "messages are text"));
                        }
                        Some(Ok(AggregatedMessage::Close(_))) => break Some((CloseCode::Normal, "")),
                        Some(Err(ProtocolError::Overflow)) => {
                            break Some((CloseCode::Size, "the message is too large"));
                        }
                        Some(Err(ProtocolError::Io(_))) | None => break None,
                        Some(Err(_)) => break Some((CloseCode::Protocol, "not RFC 6455")),
                    }
                }
                _ = beats.tick() => {
                    (silent, count) = (silent + 1, count + 1);
                    if silent > SILENT_BEATS { break None }
                    if Instant::now() > idle_at { break Some((SILENT, "nothing was said for an hour")) }
                    if self.ping(acknowledged).await.is_err() { break None }
                    if count.is_multiple_of(BEATS_PER_LOOK) && let Some(end) = self.look(&mut feed).await {
                        break Some(end);
                    }
                }
            }
        };
        waiting.close();
        while let Some(answer) = waiting.recv().await {
            self.keep(&answer).await;
        }
        end
    }

    /// Opens the session's own stream; for a session that is resumed from where its client certainly was.
    async fn follow(&self, session: &SessionId, bearer: &Bearer, resumes: bool) -> Option<Feed> {
        let stream = standalone(session);
        let router = &self.state.router;
        let after = if resumes { router.acknowledged(session, &stream).await.ok().flatten() } else { None };
        let user = &bearer.caller.user;
        let wanted = Wanted { session, user, stream: stream.clone(), how: Claiming::OrCreate, after };
        let feed = Feed::open(router, wanted).await.ok().flatten()?;
        self.state.hub.follow(session, &self.service, feed.epoch());
        if after.is_none() {
            self.acknowledge(feed.cursor()).await;
        }
        Some(feed)
    }

    async fn acknowledge(&self, seq: u64) {
        let Some(session) = &self.session else { return };
        if let Err(error) = self.state.router.acknowledge(session, &standalone(session), seq).await {
            tracing::debug!(%error, "a client's place was not noted");
        }
    }

    fn speaker<'a>(&self, state: &'a web::Data<McpState>, bearer: &Bearer) -> Option<Speaker<'a>> {
        let ready = state.catalog.service(self.service.as_str())?;
        Some(Speaker { state, ready, bearer: bearer.clone(), session: self.session.clone(), adopts: false })
    }

    /// Runs a request beside the connection.
    fn begin(&self, (bytes, era): (Bytes, Era), bearer: &Bearer, reports: &Reports) {
        let (state, service) = (self.state.clone(), self.service.clone());
        let (bearer, session) = (bearer.clone(), self.session.clone());
        let (answers, outcomes) = (reports.answers.clone(), reports.outcomes.clone());
        rt::spawn(Box::pin(async move {
            let Some(ready) = state.catalog.service(service.as_str()) else {
                let _ = outcomes.send(Outcome { lost: true, ..Outcome::default() }).await;
                return;
            };
            let (sender, mut said) = mpsc::channel(QUEUE);
            let speaker = Speaker { state: &state, ready, bearer, session: session.clone(), adopts: false };
            let serving = async {
                let outcome = carried::serve(speaker, &bytes, &sender).await;
                drop(sender);
                let _ = outcomes.send(outcome).await;
            };
            let (state, session) = (&state, session.as_ref());
            let saying = async move {
                loop {
                    let message = tokio::select! {
                        message = said.recv() => message,
                        // What is modern ends with its connection.
                        () = answers.closed(), if era == Era::Modern => None,
                    };
                    let Some(message) = message else { return };
                    if let Err(unsaid) = answers.send(message).await
                        && era == Era::Legacy
                    {
                        keep(state, session, &unsaid.0).await;
                    }
                }
            };
            futures_util::join!(Box::pin(serving), saying);
        }));
    }

    /// Serves what must be done before the next message: `initialize`, notifications, responses.
    async fn settle(&mut self, bytes: &[u8], bearer: &Bearer) -> Result<Outcome, End> {
        let (sender, mut said) = mpsc::channel(QUEUE);
        let state = self.state.clone();
        let Some(speaker) = self.speaker(&state, bearer) else { return Err(Some(GONE)) };
        let outcome = Box::pin(carried::serve(speaker, bytes, &sender)).await;
        drop(sender);
        if self.session.is_none() {
            self.session.clone_from(&outcome.opened);
        }
        while let Some(message) = said.recv().await {
            let message = match &outcome.opened {
                Some(session) => with_session(&message, session),
                None => message,
            };
            self.say(&message).await?;
        }
        Ok(outcome)
    }

    /// Renews the session; says why the connection ends when that is gone.
    async fn look(&self, feed: &mut Option<Feed>) -> End {
        let session = self.session.clone()?;
        let ttl = self.state.settings.session_ttl;
        if !(Keep { store: self.state.store.clone(), session, ttl }).is_alive().await {
            return Some((NO_SESSION, "the session has ended"));
        }
        if let Some(feed) = feed {
            feed.refresh();
        }
        None
    }

    async fn say(&mut self, message: &Bytes) -> Result<(), End> {
        let text = String::from_utf8_lossy(message).into_owned();
        match timeout(TAKE, self.socket.text(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }

    async fn ping(&mut self, seq: u64) -> Result<(), ()> {
        match timeout(TAKE, self.socket.ping(&seq.to_be_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(()),
        }
    }

    async fn keep(&self, message: &[u8]) {
        keep(&self.state, self.session.as_ref(), message).await;
    }
}

/// Keeps what could not be said for the session's next connection.
async fn keep(state: &McpState, session: Option<&SessionId>, message: &[u8]) {
    let Some(session) = session else { return };
    if let Err(error) = state.router.append(session, &standalone(session), message, false).await {
        tracing::warn!(%error, "an answer was lost");
    }
}

/// What an outcome means for the connection.
fn verdict(outcome: &Outcome) -> Option<(CloseCode, &'static str)> {
    if outcome.lost {
        return Some(GONE);
    }
    outcome.signed_out.then_some((UNAUTHENTICATED, "sign in again"))
}

/// The era of a text that runs beside others: requests other than `initialize`. All else is served in order.
pub(super) fn beside(bytes: &[u8], max_depth: usize) -> Option<Era> {
    let body = parse(bytes, max_depth).ok()?;
    let is_request = match &body {
        Body::Single(Message::Request(_, call)) => call.method != "initialize",
        Body::Batch(_) => true,
        Body::Single(Message::Notification(_) | Message::Response(_)) => false,
    };
    is_request.then(|| classify(&body, VersionHeader::Absent).unwrap_or(Era::Legacy))
}

/// Tells the id of a new session in `_meta`, since there is no response header to carry it.
fn with_session(answer: &Bytes, session: &SessionId) -> Bytes {
    const RESULT: &str = r#""result":{"#;
    let text = String::from_utf8_lossy(answer);
    let meta = format!(r#"{RESULT}"_meta":{{"io.entrada/sessionId":"{session}"}},"#);
    Bytes::from(text.replacen(RESULT, &meta, 1))
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

async fn next(feed: &mut Option<Feed>) -> Fed {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
