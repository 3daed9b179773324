//! The checks that every framing beside the HTTP endpoint begins with, in the same order: Host and Origin, service,
//! bearer.

use super::catalog::Ready;
use super::error::{INVALID_REQUEST, RpcError, refuse};
use super::state::McpState;
use crate::domain::resource::Endpoint;
use crate::oauth::bearer::Bearer;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use std::sync::Arc;

/// Seconds after which a place may have become free.
const PLACE_RETRY_S: &str = "10";

/// The service asked for, if this caller may ask at all.
pub(super) fn service(request: &HttpRequest, state: &McpState) -> Result<Arc<Ready>, HttpResponse> {
    if !state.edge.admits(request.head()) {
        return Err(refused(StatusCode::FORBIDDEN, "This Host or Origin is not served here."));
    }
    let name = super::named(request);
    state.catalog.service(name).ok_or_else(|| refused(StatusCode::NOT_FOUND, "There is no such service."))
}

/// The bearer of the request, or the challenge.
pub(super) async fn bearer(
    request: &HttpRequest,
    state: &McpState,
    ready: &Ready,
) -> Result<Bearer, HttpResponse> {
    let authenticated = state.guard.authenticate(request.head(), &ready.name).await;
    let endpoint = Endpoint::of_path(request.path());
    authenticated.map_err(|failure| state.guard.response(&failure, &ready.name, endpoint))
}

/// A refusal with a JSON-RPC body.
pub(super) fn refused(status: StatusCode, message: &'static str) -> HttpResponse {
    refuse(status, None, &RpcError::new(INVALID_REQUEST, message))
}

/// 429: the caller has too much open.
pub(super) fn too_many(message: &'static str) -> HttpResponse {
    let mut response = refused(StatusCode::TOO_MANY_REQUESTS, message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(PLACE_RETRY_S));
    response
}

/// A parameter of the query.
pub(super) fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
