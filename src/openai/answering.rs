//! One answer on its way to the client: in one piece, or as a stream of events. The work runs in a task of its own, so a
//! streamed answer can wait for a slow reader and an idempotent one can outlive its client.

use super::engine::{Collected, End, Job, Piece, Pieces, Reason};
use super::error::ApiError;
use super::idempotency::{Claim, Recorded};
use super::running::Place;
use super::usage::{self, Usage};
use super::{budget, sse};
use actix_web::http::header;
use actix_web::{HttpResponse, rt};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Pieces that may wait for a slow reader.
const AHEAD: usize = 32;
/// Texts beyond this many bytes are counted beside the other work of the thread.
const QUICK: usize = 64 * 1024;

/// How an API writes answers.
pub(super) trait Wire {
    /// The whole answer as one object.
    fn object(&self, whole: &Whole) -> Value;
    /// The events before anything is known.
    fn open(&mut self) -> Vec<u8>;
    fn piece(&mut self, piece: &Piece) -> Vec<u8>;
    /// The events at the end of an answer.
    fn end(&mut self, whole: &Whole) -> Vec<u8>;
    /// The events in place of the rest of an answer that failed on the way.
    fn failed(&mut self, error: &ApiError) -> Vec<u8>;
}

/// A finished answer.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) collected: Collected,
    pub(super) end: End,
    pub(super) usage: Usage,
}

impl Whole {
    /// Of a request that failed on the way, with what it had done by then.
    pub(super) fn broken_off(mut collected: Collected) -> Self {
        const FAILED: &str = "The request failed after these calls; it was not done again.";
        let results = collected.ran.iter().map(|result| format!("{}: {}", result.name, result.content));
        collected.text = [FAILED.to_owned()].into_iter().chain(results).collect::<Vec<_>>().join("\n\n");
        collected.calls.clear();
        Self { collected, end: End { reason: Reason::Stop, usage: None }, usage: Usage::default() }
    }
}

/// Answers a request. `claim` is its idempotency key, held for it.
pub(super) async fn answer(
    job: Job,
    mut wire: Box<dyn Wire>,
    is_streamed: bool,
    claim: Option<Claim>,
) -> Result<HttpResponse, ApiError> {
    let settings = job.state.settings.clone();
    // A claim that is dropped here gives its key back.
    let place = admit(&job).await?;
    let cancel = job.cancel.clone();
    let guard = claim.is_none().then(|| cancel.drop_guard());
    let (sender, pieces) = mpsc::channel(AHEAD);
    let (done, outcome) = oneshot::channel();
    rt::spawn(async move {
        let pieces = Pieces::new(sender, claim.as_ref().map(Claim::mark));
        let worked = AssertUnwindSafe(work(&job, &pieces)).catch_unwind().await;
        let outcome = worked.unwrap_or_else(|_| {
            tracing::error!(service.name = %job.service, "a request panicked");
            Err(ApiError::internal())
        });
        // The client hears the end only after the record is written: who got an answer can always ask again.
        if let Some(claim) = claim {
            claim.settle(outcome.as_ref().map_err(|_| pieces.collected())).await;
        }
        drop((pieces, place));
        let _ = done.send(outcome);
    });
    let mut answer = Answer { pieces, outcome, _guard: guard };
    if !is_streamed {
        while answer.pieces.recv().await.is_some() {}
        let whole = answer.outcome.await.unwrap_or_else(|_| Err(ApiError::internal()))?;
        return Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(wire.object(&whole)));
    }
    // What fails at once has a status of its own.
    let first = match timeout(settings.patience, answer.pieces.recv()).await {
        Ok(Some(piece)) => Some(piece),
        Ok(None) => {
            let whole = answer.outcome.await.unwrap_or_else(|_| Err(ApiError::internal()))?;
            let mut bytes = wire.open();
            bytes.extend(wire.end(&whole));
            return Ok(sse::response(stream::once(async { Ok::<_, actix_web::Error>(Bytes::from(bytes)) })));
        }
        Err(_) => None,
    };
    let mut opening = wire.open();
    opening.extend(first.iter().flat_map(|piece| wire.piece(piece)));
    Ok(sse::response(events(answer, wire, Bytes::from(opening), settings.heartbeat)))
}

/// A place for the work, if the caller's bounds allow it.
async fn admit(job: &Job) -> Result<Place, ApiError> {
    let Some(place) = job.state.running.take(&job.caller.user) else {
        let most = job.state.settings.max_running_per_user;
        let message = format!("At most {most} of your requests run at once. Wait for one of them.");
        return Err(ApiError::too_many(message, Duration::from_secs(1)));
    };
    budget::check(job).await?;
    Ok(place)
}

/// Answers again what was answered before.
pub(super) fn again(recorded: Recorded, mut wire: Box<dyn Wire>, is_streamed: bool) -> HttpResponse {
    let whole = recorded.whole();
    if !is_streamed {
        return HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(wire.object(&whole));
    }
    let mut bytes = wire.open();
    for result in &whole.collected.ran {
        bytes.extend(wire.piece(&Piece::Ran(result.clone())));
    }
    if !whole.collected.text.is_empty() {
        bytes.extend(wire.piece(&Piece::Text(whole.collected.text.clone())));
    }
    if !whole.collected.calls.is_empty() {
        bytes.extend(wire.piece(&Piece::Calls(whole.collected.calls.clone())));
    }
    bytes.extend(wire.end(&whole));
    sse::response(stream::once(async { Ok::<_, actix_web::Error>(Bytes::from(bytes)) }))
}

/// What the work says, and what came of it.
struct Answer {
    pieces: mpsc::Receiver<Piece>,
    outcome: oneshot::Receiver<Result<Whole, ApiError>>,
    /// Ends the work with the client.
    _guard: Option<DropGuard>,
}

async fn work(job: &Job, pieces: &Pieces) -> Result<Whole, ApiError> {
    let end = run(job, pieces, &job.cancel).await?;
    let collected = pieces.collected();
    Ok(Whole { usage: count(job, &collected, end).await, collected, end })
}

async fn run(job: &Job, pieces: &Pieces, cancel: &CancellationToken) -> Result<End, ApiError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ApiError::gone()),
        finished = job.run(pieces) => finished,
    }
}

/// Tokens of the request and its answer: what a language model counted, else what was said.
async fn count(job: &Job, collected: &Collected, end: End) -> Usage {
    if let Some(usage) = end.usage {
        return usage;
    }
    let conversation = &job.conversation;
    let size: usize =
        conversation.messages.iter().map(|m| m.to_string().len()).sum::<usize>() + collected.text.len();
    if size < QUICK {
        return Usage {
            input: usage::of_input(conversation),
            output: usage::of_output(&collected.text, &collected.calls),
        };
    }
    let (conversation, text, calls) = (conversation.clone(), collected.text.clone(), collected.calls.clone());
    let counted = tokio::task::spawn_blocking(move || Usage {
        input: usage::of_input(&conversation),
        output: usage::of_output(&text, &calls),
    });
    counted.await.unwrap_or_default()
}

/// What a stream does next.
enum Phase {
    Opening(Bytes),
    Pieces,
    Over,
}

fn events(
    answer: Answer,
    wire: Box<dyn Wire>,
    opening: Bytes,
    heartbeat: Duration,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::unfold((answer, wire, Phase::Opening(opening)), move |(mut answer, mut wire, phase)| async move {
        let (bytes, next) = match phase {
            Phase::Opening(opening) => (opening, Phase::Pieces),
            Phase::Pieces => match timeout(heartbeat, answer.pieces.recv()).await {
                Err(_) => (Bytes::from_static(sse::COMMENT), Phase::Pieces),
                Ok(Some(piece)) => (Bytes::from(wire.piece(&piece)), Phase::Pieces),
                Ok(None) => {
                    let outcome = (&mut answer.outcome).await.unwrap_or_else(|_| Err(ApiError::internal()));
                    let last = match outcome {
                        Ok(whole) => wire.end(&whole),
                        Err(error) => wire.failed(&error),
                    };
                    (Bytes::from(last), Phase::Over)
                }
            },
            Phase::Over => return None,
        };
        Some((Ok(bytes), (answer, wire, next)))
    })
}
