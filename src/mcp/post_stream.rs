//! The answer of a POST, decided lazily: JSON when the work ends before it says anything, else an event stream with
//! the request's messages and then the answer.

use super::encode;
use super::error::{self, RpcError};
use super::exchange::{Answer, Exchange};
use super::flight::Flight;
use actix_web::{HttpResponse, rt};
use bytes::Bytes;
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::DropGuard;

/// Messages that may wait for a slow reader before the work waits for it.
const BACKLOG: usize = 32;
const BEAT: &[u8] = b": keep-alive\n\n";

/// Runs the work and answers. In the modern era the work ends with its connection, in the legacy era it goes on.
pub(super) async fn answer(x: &Exchange<'_>, flight: Flight) -> HttpResponse {
    let (id, modern) = (flight.id.clone(), flight.form.legacy.is_none());
    let guard = modern.then(|| flight.cancel.clone().drop_guard());
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
        Some(message) = messages.recv() => message,
        answer = &mut answer => return x.respond(answer.unwrap_or_else(|_| lost(&id))),
    };
    let heartbeat = x.state.settings.heartbeat;
    let live = Live { first: Some(first), messages, answer, id, heartbeat, ended: false, _guard: guard };
    encode::event_stream().streaming(unfold(live, |mut live| async move {
        live.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), live))
    }))
}

/// The task that ran the work is gone, which only a shutdown does.
fn lost(id: &str) -> Answer {
    Answer::Body(error::message(Some(id), &RpcError::internal()))
}

/// A stream that has begun.
struct Live {
    first: Option<Bytes>,
    messages: mpsc::Receiver<Bytes>,
    answer: oneshot::Receiver<Answer>,
    id: String,
    heartbeat: Duration,
    ended: bool,
    /// Stops the work when the client leaves.
    _guard: Option<DropGuard>,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(event(&first));
        }
        tokio::select! {
            biased;
            Some(message) = self.messages.recv() => Some(event(&message)),
            answer = &mut self.answer => {
                self.ended = true;
                answer.unwrap_or_else(|_| lost(&self.id)).in_band().map(|body| event(&body))
            }
            () = tokio::time::sleep(self.heartbeat) => Some(Bytes::from_static(BEAT)),
        }
    }
}

fn event(json: &[u8]) -> Bytes {
    Bytes::from(encode::event(None, json))
}
