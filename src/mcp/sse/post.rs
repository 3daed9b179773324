//! `/{svc}/messages`: takes a message, answers 202, and leaves the rest to the stream.

use super::super::door;
use super::super::endpoint::read;
use super::super::error::refuse;
use super::super::exchange::Exchange;
use super::super::headers;
use super::super::jsonrpc::{Body, Id, Message, parse};
use super::super::legacy::session;
use super::super::state::McpState;
use super::super::version::VersionHeader;
use crate::domain::resource::Endpoint;
use crate::domain::session::SessionRecord;
use crate::edge::{self, body};
use crate::oauth::bearer::Bearer;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use bytes::Bytes;

/// Serves `/{svc}/messages`.
pub(in crate::mcp) async fn post(
    request: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<McpState>,
) -> HttpResponse {
    let served = Box::pin(admit(&request, &mut payload, &state)).await;
    let mut response = match served {
        Ok(Some(Posted { bearer, session, bytes, is_answered })) => {
            let serving = super::answer(state.clone(), bearer, session, bytes);
            // What expects no answer is in force when it is accepted.
            if is_answered {
                rt::spawn(serving);
            } else {
                Box::pin(serving).await;
            }
            HttpResponse::Accepted().body("Accepted")
        }
        Ok(None) => edge::preflight(request.headers()),
        Err(refusal) => {
            // What took too long to arrive is not waited for again.
            if refusal.status() != StatusCode::REQUEST_TIMEOUT {
                Box::pin(body::discard(&mut payload, state.settings.max_body)).await;
            }
            refusal
        }
    };
    state.edge.decorate(&mut response, request.head());
    state.guard.stamp(&mut response);
    response
}

/// A message that was let in.
struct Posted {
    bearer: Bearer,
    session: SessionRecord,
    bytes: Bytes,
    is_answered: bool,
}

/// The message and whose it is; nothing for a preflight.
async fn admit(
    request: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<McpState>,
) -> Result<Option<Posted>, HttpResponse> {
    let ready = door::service(request, state)?;
    if request.method() == Method::OPTIONS {
        return Ok(None);
    }
    let bearer = door::bearer(request, state, &ready).await?;
    if request.method() != Method::POST {
        return Err(super::super::error::method_not_allowed("POST"));
    }
    if !headers::is_json(request.headers()) {
        let message = "The body must be application/json, without content coding.";
        return Err(door::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let Some(id) = door::query(request, "sessionId") else {
        let message = "The URL needs `sessionId`, as the stream's first event gave it.";
        return Err(door::refused(StatusCode::BAD_REQUEST, message));
    };
    let x = Exchange {
        state,
        ready: &ready,
        endpoint: Endpoint::Sse,
        headers: request.headers(),
        bearer: bearer.clone(),
        framing: super::super::encode::Framing::Json,
        streams: false,
        version: VersionHeader::Absent,
    };
    let found = session::find(&x, &id, None).await?;
    let bytes = read(payload, state).await.map_err(|refusal| refusal.into_response(request))?.freeze();
    let is_answered = match parse(&bytes, state.settings.max_depth) {
        Ok(Body::Single(Message::Notification(_) | Message::Response(_))) => false,
        Ok(Body::Single(Message::Request(..)) | Body::Batch(_)) => true,
        Err(bad) => return Err(refuse(StatusCode::BAD_REQUEST, bad.id.map(Id::raw), &bad.error)),
    };
    Ok(Some(Posted { bearer, session: found, bytes, is_answered }))
}
