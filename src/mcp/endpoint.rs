//! The HTTP endpoint of every service. Checks in the order of mcp.md 1.12: size → Host and Origin → route →
//! authentication → method and negotiation → body → era; the eras do the rest.

use super::catalog::Ready;
use super::classify::{Era, classify, legacy as legacy_version};
use super::error::{INVALID_REQUEST, RpcError, method_not_allowed, refuse};
use super::exchange::Exchange;
use super::jsonrpc::{Id, parse};
use super::state::McpState;
use super::version::VersionHeader;
use super::{door, encode, headers, legacy, modern};
use crate::domain::resource::Endpoint;
use crate::edge;
use crate::edge::body::{self, BodyFault};
use crate::oauth::bearer::Bearer;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::BytesMut;
use std::sync::Arc;

/// Methods of a service's endpoint.
const ALLOW: &str = "GET, POST, DELETE, OPTIONS";

/// Serves any request to a service.
pub(super) async fn serve(
    request: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<McpState>,
) -> HttpResponse {
    let served = Box::pin(admit(&request, &mut payload, &state));
    let mut response = match served.await {
        Ok(mut response) => {
            edge::decorate(&mut response, request.headers().get(header::ORIGIN));
            response
        }
        Err(refusal) => {
            if refusal.discards {
                Box::pin(body::discard(&mut payload, state.settings.max_body)).await;
            }
            refusal.into_response(&request)
        }
    };
    state.guard.stamp(&mut response);
    response
}

/// A refusal before the body was read.
pub(super) struct Refusal {
    response: HttpResponse,
    /// The page that asked may see it.
    readable: bool,
    /// The rest of the body is worth waiting for.
    discards: bool,
}

impl Refusal {
    fn hidden(status: StatusCode, message: &'static str) -> Self {
        let response = refuse(status, None, &RpcError::new(INVALID_REQUEST, message));
        Self { response, readable: false, discards: true }
    }

    pub(super) fn into_response(mut self, request: &HttpRequest) -> HttpResponse {
        if self.readable {
            edge::decorate(&mut self.response, request.headers().get(header::ORIGIN));
        }
        self.response
    }
}

impl From<HttpResponse> for Refusal {
    fn from(response: HttpResponse) -> Self {
        Self { response, readable: true, discards: true }
    }
}

async fn admit(
    request: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<McpState>,
) -> Result<HttpResponse, Refusal> {
    if body::declared_length(request.headers()).is_some_and(|n| n > state.settings.max_body) {
        return Err(Refusal::hidden(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large."));
    }
    if !state.edge.admits(request.head()) {
        return Err(Refusal::hidden(StatusCode::FORBIDDEN, "This Host or Origin is not served here."));
    }
    let Some(ready) = state.catalog.service(super::named(request)) else {
        return Err(Refusal::hidden(StatusCode::NOT_FOUND, "There is no such service."));
    };
    if request.method() == Method::OPTIONS {
        return Ok(edge::preflight(request.headers()));
    }
    let bearer = door::bearer(request, state, &ready).await?;
    match *request.method() {
        Method::POST => post(request, payload, state, &ready, bearer).await,
        Method::GET | Method::DELETE => sessions(request, state, &ready, bearer).await,
        _ => Err(method_not_allowed(ALLOW).into()),
    }
}

/// The version header; one that cannot be read counts as invalid.
fn version(request: &HttpRequest) -> VersionHeader<'_> {
    headers::single(request.headers(), headers::PROTOCOL_VERSION)
        .map_or(VersionHeader::Invalid, VersionHeader::of)
}

/// GET and DELETE, which only sessions have.
async fn sessions(
    request: &HttpRequest,
    state: &web::Data<McpState>,
    ready: &Arc<Ready>,
    bearer: Bearer,
) -> Result<HttpResponse, Refusal> {
    let version = version(request);
    if matches!(version, VersionHeader::Modern | VersionHeader::Future(_)) {
        return Err(method_not_allowed("POST").into());
    }
    legacy_version(version).map_err(|error| refuse(StatusCode::BAD_REQUEST, None, &error))?;
    let framing = encode::Framing::Json;
    let (headers, endpoint) = (request.headers(), Endpoint::of_path(request.path()));
    let x = Exchange { state, ready, endpoint, headers, bearer, framing, streams: false, version };
    if request.method() == Method::GET {
        Ok(legacy::stream::open(&x).await)
    } else {
        Ok(legacy::session::delete(&x).await)
    }
}

async fn post(
    request: &HttpRequest,
    payload: &mut web::Payload,
    state: &web::Data<McpState>,
    ready: &Arc<Ready>,
    bearer: Bearer,
) -> Result<HttpResponse, Refusal> {
    let refused =
        |status, message: &'static str| refuse(status, None, &RpcError::new(INVALID_REQUEST, message));
    let Some(framing) = headers::framing(request.headers()) else {
        let message = "Accept must allow application/json or text/event-stream.";
        return Err(refused(StatusCode::NOT_ACCEPTABLE, message).into());
    };
    if !headers::is_json(request.headers()) {
        let message = "The body must be application/json, without content coding.";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into());
    }
    let bytes = read(payload, state).await?;
    let body = match parse(&bytes, state.settings.max_depth) {
        Ok(body) => body,
        Err(bad) => return Ok(refuse(StatusCode::BAD_REQUEST, bad.id.map(Id::raw), &bad.error)),
    };
    let version = version(request);
    let era = match classify(&body, version) {
        Ok(era) => era,
        Err(error) => {
            let id = if let super::jsonrpc::Body::Single(m) = &body { m.id() } else { None };
            return Ok(refuse(StatusCode::BAD_REQUEST, id.map(Id::raw), &error));
        }
    };
    let streams = headers::accepts(request.headers(), "text", "event-stream");
    let (headers, endpoint) = (request.headers(), Endpoint::of_path(request.path()));
    let x = Exchange { state, ready, endpoint, headers, bearer, framing, streams, version };
    Ok(match era {
        Era::Legacy => Box::pin(legacy::post(&x, body)).await,
        Era::Modern => Box::pin(modern::post(&x, body)).await,
    })
}

/// Reads a body within its bounds of size and time.
pub(super) async fn read(payload: &mut web::Payload, state: &McpState) -> Result<BytesMut, Refusal> {
    let (limit, time) = (state.settings.max_body, state.settings.body_timeout);
    body::read(payload, limit, time).await.map_err(|fault| {
        let status = match fault {
            BodyFault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyFault::Broken => StatusCode::BAD_REQUEST,
            BodyFault::Slow => StatusCode::REQUEST_TIMEOUT,
        };
        Refusal { discards: fault != BodyFault::Slow, ..Refusal::hidden(status, fault.message()) }
    })
}
