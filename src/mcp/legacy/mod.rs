//! The legacy era, 2024-11-05 to 2025-11-25: opened with `initialize`, served in sessions that any replica knows.

pub(super) mod outbox;
pub(super) mod questions;
pub(super) mod running;
pub(super) mod session;
pub(super) mod stream;

pub(super) mod methods;

use super::catalog::Ready;
use super::error::{INVALID_REQUEST, RpcError, message, refuse};
use super::exchange::Exchange;
use super::jsonrpc::{Body, Id, Message, Refused};
use super::state::McpState;
use super::version::{Legacy, VersionHeader};
use super::{encode, post_stream};
use crate::domain::resource::Endpoint;
use crate::domain::session::SessionRecord;
use crate::oauth::bearer::Bearer;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, rt, web};
use futures_util::future::join_all;
use methods::Step;
use std::sync::Arc;

/// Who speaks: the session, when there is one, its version, and what every message of it needs.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) state: web::Data<McpState>,
    pub(super) ready: Arc<Ready>,
    pub(super) endpoint: Endpoint,
    pub(super) bearer: Bearer,
    pub(super) session: Option<SessionRecord>,
    pub(super) version: Legacy,
    /// The client takes messages before an answer, so it can be told and asked things.
    pub(super) streams: bool,
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
        Body::Single(Message::Request(id, call)) => match methods::request(&scope, id, &call).await {
            Step::Ready(answer) => x.respond(answer),
            Step::Flight(flight) => post_stream::answer(x, *flight).await,
        },
        Body::Single(Message::Notification(call)) => match methods::notification(&scope, &call).await {
            Ok(()) => HttpResponse::Accepted().finish(),
            Err(error) => session::store_failed(&error, None),
        },
        // Late answers are normal: nothing may wait for this one any more.
        Body::Single(Message::Response(response)) => {
            if let Some(session) = &scope.session {
                scope.state.pending.answer(&session.id, &session.user, &response).await;
            }
            HttpResponse::Accepted().finish()
        }
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
        return Ok(with(x, session::version(&session), Some(session)));
    }
    let free = match body {
        Body::Single(message) => methods::needs_no_session(message),
        Body::Batch(items) => items.iter().flatten().all(methods::needs_no_session),
    };
    if !(free && x.state.settings.lenient_sessions) {
        return Err(session::required(id));
    }
    let version = if let VersionHeader::Legacy(version) = x.version { version } else { Legacy::ASSUMED };
    Ok(with(x, version, None))
}

fn with(x: &Exchange<'_>, version: Legacy, session: Option<SessionRecord>) -> Scope {
    Scope {
        state: x.state.clone(),
        ready: Arc::clone(x.ready),
        endpoint: x.endpoint,
        bearer: x.bearer.clone(),
        session,
        version,
        streams: x.streams,
    }
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
            Ok(Message::Notification(call)) => {
                if let Err(error) = methods::notification(scope, call).await {
                    return session::store_failed(&error, None);
                }
            }
            Ok(Message::Response(response)) => {
                if let Some(session) = &scope.session {
                    scope.state.pending.answer(&session.id, &session.user, response).await;
                }
            }
            Ok(Message::Request(..)) | Err(_) => requests.push(item),
        }
    }
    if requests.is_empty() {
        return HttpResponse::Accepted().finish();
    }
    // One body for all answers leaves no room for messages before them.
    let scope = &Scope { streams: false, ..scope.clone() };
    let answers = join_all(requests.into_iter().map(|item| batch_member(scope, item))).await;
    let bodies: Vec<Vec<u8>> = answers.into_iter().flatten().collect();
    if bodies.is_empty() {
        return encode::respond_nothing(x.streams);
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
    let responses = messages().any(|m| matches!(m, Message::Response(_)));
    (responses && messages().any(|m| is_request(&m)))
        .then_some("A batch holds requests or responses, not both.")
}

async fn batch_member(scope: &Scope, item: &Result<Message<'_>, Refused<'_>>) -> Option<Vec<u8>> {
    match item {
        Ok(Message::Request(id, call)) => match methods::request(scope, *id, call).await {
            Step::Ready(answer) => answer.in_band(),
            Step::Flight(flight) => rt::spawn(flight.fly(None)).await.ok()?.in_band(),
        },
        Ok(Message::Notification(_) | Message::Response(_)) => None,
        Err(refused) => Some(message(refused.id.map(Id::raw), &refused.error)),
    }
}
