//! The legacy era, 2024-11-05 to 2025-11-25: opened with `initialize`, served in sessions that any replica knows.

#[cfg_attr(not(test), expect(dead_code, reason = "called by whoever answers a POST with an event stream"))]
pub(super) mod outbox;
pub(super) mod running;
pub(super) mod session;
pub(super) mod stream;

mod methods;

use super::encode;
use super::error::{INVALID_REQUEST, RpcError, message, refuse};
use super::exchange::{Answer, Exchange};
use super::jsonrpc::{Body, Id, Message, Refused};
use super::version::{Legacy, VersionHeader};
use crate::domain::session::SessionRecord;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use futures_util::future::join_all;

/// The session a request belongs to, when it has one, and the version it is answered in.
struct Scope {
    session: Option<SessionRecord>,
    version: Legacy,
}

/// Serves a POST.
pub(super) async fn post(x: &Exchange<'_>, body: Body<'_>) -> HttpResponse {
    if let Body::Single(Message::Request(id, call)) = &body
        && call.method == "initialize"
    {
        return session::initialize(x, *id, call).await;
    }
    let scope = match scope(x, &body).await {
        Ok(scope) => scope,
        Err(refusal) => return refusal,
    };
    match body {
        Body::Single(Message::Request(id, call)) => {
            x.respond(methods::request(x, &scope, id, &call, false).await)
        }
        Body::Single(note @ Message::Notification(_)) => {
            match methods::notification(x, &scope, &note).await {
                Ok(()) => HttpResponse::Accepted().finish(),
                Err(error) => session::store_failed(&error, None),
            }
        }
        // Nothing of ours is waiting for an answer, and late answers are normal.
        Body::Single(Message::Response) => HttpResponse::Accepted().finish(),
        Body::Batch(items) => batch(x, &scope, items).await,
    }
}

/// Session rules (2025-11-25, session management): no id is 400 unless nothing in the body needs a session; an id that
/// is not the caller's is 404.
async fn scope(x: &Exchange<'_>, body: &Body<'_>) -> Result<Scope, HttpResponse> {
    let id = match body {
        Body::Single(message) => message.id(),
        Body::Batch(_) => None,
    };
    if let Some(presented) = session::presented(x, id)? {
        let session = session::find(x, presented, id).await?;
        return Ok(Scope { version: session::version(&session), session: Some(session) });
    }
    let free = match body {
        Body::Single(message) => methods::needs_no_session(message),
        Body::Batch(items) => items.iter().flatten().all(methods::needs_no_session),
    };
    if !(free && x.state.settings.lenient_sessions) {
        return Err(session::required(id));
    }
    let version = if let VersionHeader::Legacy(version) = x.version { version } else { Legacy::ASSUMED };
    Ok(Scope { session: None, version })
}

/// An array of messages, where the version has them.
async fn batch(
    x: &Exchange<'_>,
    scope: &Scope,
    items: Vec<Result<Message<'_>, Refused<'_>>>,
) -> HttpResponse {
    if let Some(reason) = batch_fault(scope.version, &items) {
        return refuse(StatusCode::BAD_REQUEST, None, &RpcError::new(INVALID_REQUEST, reason));
    }
    // One after the other, so that `initialized` or a cancellation counts before what follows it; then all requests
    // side by side.
    let mut requests = Vec::new();
    for item in &items {
        match item {
            Ok(note @ Message::Notification(_)) => {
                if let Err(error) = methods::notification(x, scope, note).await {
                    return session::store_failed(&error, None);
                }
            }
            Ok(Message::Response) => {}
            Ok(Message::Request(..)) | Err(_) => requests.push(item),
        }
    }
    if requests.is_empty() {
        return HttpResponse::Accepted().finish();
    }
    let answers = join_all(requests.into_iter().map(|item| batch_member(x, scope, item))).await;
    let bodies: Vec<Vec<u8>> = answers.into_iter().flatten().collect();
    if bodies.is_empty() {
        return encode::respond_nothing(x.framing);
    }
    let mut out = vec![b'['];
    out.extend_from_slice(&bodies.join(&b','));
    out.push(b']');
    encode::respond(x.framing, out)
}

/// Why an array is no batch.
fn batch_fault(version: Legacy, items: &[Result<Message<'_>, Refused<'_>>]) -> Option<&'static str> {
    if !version.allows_batches() {
        return Some("This protocol version has no batches.");
    }
    let is_request = |m: &&Message<'_>| matches!(m, Message::Request(..));
    let messages = || items.iter().flatten();
    if messages().any(|m| m.call().is_some_and(|c| c.method == "initialize")) {
        return Some("`initialize` must not be part of a batch.");
    }
    let responses = messages().any(|m| matches!(m, Message::Response));
    (responses && messages().any(|m| is_request(&m)))
        .then_some("A batch holds requests or responses, not both.")
}

async fn batch_member(
    x: &Exchange<'_>,
    scope: &Scope,
    item: &Result<Message<'_>, Refused<'_>>,
) -> Option<Vec<u8>> {
    match item {
        Ok(Message::Request(id, call)) => match methods::request(x, scope, *id, call, true).await {
            Answer::Body(body) => Some(body),
            Answer::Challenge(_) | Answer::Nothing => None,
        },
        Ok(Message::Notification(_) | Message::Response) => None,
        Err(refused) => Some(message(refused.id.map(Id::raw), &refused.error)),
    }
}
