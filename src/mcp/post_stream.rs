//! The answer of a POST, decided lazily: JSON when the work ends soon and before it says anything, else an event stream
//! with the request's messages and then the answer.

use super::encode;
use super::error::{self, RpcError};
use super::exchange::{Answer, Exchange};
use super::flight::Flight;
use super::legacy::outbox::Outbox;
use super::tether::Tether;
use actix_web::{HttpResponse, rt};
use bytes::Bytes;
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Messages that may wait for a slow reader before the work waits for it.
const BACKLOG: usize = 32;
const BEAT: &[u8] = b": keep-alive\n\n";

/// Runs the work and answers. In the modern era the work ends with its connection; in the legacy era it goes on, and
/// what is said on a session's stream is kept for a client that comes back.
pub(super) async fn answer(x: &Exchange<'_>, flight: Flight) -> HttpResponse {
    let (id, modern) = (flight.id.clone(), flight.form.legacy.is_none());
    let guard = modern.then(|| flight.cancel.clone().drop_guard());
    let outbox = flight.terms.session.as_ref().map(|session| Outbox::new(x.state, session, &flight.id));
    let cancel = flight.cancel.clone();
    let (sender, mut messages) = mpsc::channel(BACKLOG);
    let (finish, mut answer) = oneshot::channel();
    let out = x.streams.then_some(sender);
    rt::spawn(async move {
        let answer = flight.fly(out).await;
        // A client that left does not hear the answer.
        let _ = finish.send(answer);
    });
    let first = tokio::select! {
        biased;
        Some(message) = messages.recv() => Some(message),
        answer = &mut answer => return x.respond(answer.unwrap_or_else(|_| lost(&id))),
        () = tokio::time::sleep(x.state.settings.patience), if x.streams => None,
    };
    // From here on it is a stream, which ends when its bearer is revoked.
    let tether = match x.state.tethers.tie_running(&x.bearer).await {
        Ok(tether) => tether,
        Err(failure) => {
            cancel.cancel();
            return x.state.guard.response(&failure, &x.ready.name, x.endpoint);
        }
    };
    let heartbeat = x.state.settings.heartbeat;
    let said = Said { first, messages, answer, id };
    let source = match outbox {
        Some(outbox) => {
            let (frames, receiver) = mpsc::channel(BACKLOG);
            rt::spawn(keep(said, outbox, frames, (tether, cancel)));
            Source::Kept(receiver)
        }
        None => Source::Direct(Box::new((said, tether))),
    };
    let live = Live { source, heartbeat, _guard: guard };
    encode::event_stream().streaming(unfold(live, |mut live| async move {
        live.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), live))
    }))
}

/// The task that ran the work is gone, which only a shutdown does.
fn lost(id: &str) -> Answer {
    Answer::Body(error::message(Some(id), &RpcError::internal()))
}

/// What the work says: messages, then the answer.
struct Said {
    first: Option<Bytes>,
    messages: mpsc::Receiver<Bytes>,
    answer: oneshot::Receiver<Answer>,
    id: String,
}

/// One thing that was said.
enum Word {
    Message(Bytes),
    /// The answer, or none for a withdrawn request.
    Last(Option<Vec<u8>>),
}

impl Said {
    async fn next(&mut self) -> Word {
        if let Some(first) = self.first.take() {
            return Word::Message(first);
        }
        tokio::select! {
            biased;
            Some(message) = self.messages.recv() => Word::Message(message),
            answer = &mut self.answer => Word::Last(answer.unwrap_or_else(|_| lost(&self.id)).in_band()),
        }
    }
}

/// Keeps everything that is said, whether or not the client still reads it, until the bearer is revoked: then the work
/// is stopped, and nobody hears more of it.
async fn keep(
    said: Said,
    outbox: Outbox,
    frames: mpsc::Sender<Bytes>,
    (tether, cancel): (Tether, CancellationToken),
) {
    tokio::select! {
        () = write_down(said, &outbox, frames) => {}
        () = outbox.keep_hold() => {}
        () = tether.revoked() => cancel.cancel(),
    }
    outbox.end().await;
}

async fn write_down(mut said: Said, outbox: &Outbox, frames: mpsc::Sender<Bytes>) {
    let opening = outbox.opening().await;
    let mut frames = Some(frames);
    let mut pass = async |frame: Option<Bytes>, hang_up: bool| {
        // The client that left, or that resumed elsewhere, gets the rest from the log.
        let gone = match (&frames, frame) {
            (Some(frames), Some(frame)) => !frame.is_empty() && frames.send(frame).await.is_err(),
            (_, None) | (None, _) => true,
        };
        if gone || hang_up {
            frames = None;
        }
    };
    pass(Some(opening), false).await;
    loop {
        match said.next().await {
            Word::Message(message) if message.is_empty() => pass(Some(message), true).await,
            Word::Message(message) => pass(outbox.say(&message, false).await, false).await,
            Word::Last(Some(body)) => return pass(outbox.say(&body, true).await, true).await,
            Word::Last(None) => return,
        }
    }
}

/// Where the frames of a stream come from.
enum Source {
    /// The work itself.
    Direct(Box<(Said, Tether)>),
    /// [`keep`].
    Kept(mpsc::Receiver<Bytes>),
    Ended,
}

/// A stream that has begun.
struct Live {
    source: Source,
    heartbeat: Duration,
    /// Stops the work when the client leaves.
    _guard: Option<DropGuard>,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        let beat = tokio::time::sleep(self.heartbeat);
        let next = async {
            match &mut self.source {
                Source::Direct(direct) => {
                    let (said, tether) = &mut **direct;
                    tokio::select! {
                        biased;
                        () = tether.revoked() => (None, true),
                        word = said.next() => match word {
                            Word::Message(message) => (Some(event(&message)), false),
                            Word::Last(body) => (body.map(|body| event(&body)), true),
                        },
                    }
                }
                Source::Kept(frames) => (frames.recv().await, false),
                Source::Ended => (None, true),
            }
        };
        tokio::select! {
            biased;
            (frame, ended) = next => {
                if ended {
                    self.source = Source::Ended;
                }
                frame
            }
            () = beat => Some(Bytes::from_static(BEAT)),
        }
    }
}

fn event(json: &[u8]) -> Bytes {
    Bytes::from(encode::event(None, json))
}
