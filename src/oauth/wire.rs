//! Answers of the JSON endpoints: OAuth's error shape, no caching, open CORS; and bodies read within a limit.

use crate::ports::store::StoreError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::json;
use std::time::Duration;

/// Wait that we ask for when the store is away.
pub(super) const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Challenge for a token of registration that is missing or wrong (RFC 6750 §3).
pub(super) const BEARER: &str = "Bearer realm=\"registration\", error=\"invalid_token\"";
/// Headers that a browser client may send to these endpoints.
const ALLOWED_HEADERS: &str = "authorization, content-type, accept, dpop, mcp-protocol-version";

/// A refusal in OAuth's JSON (RFC 6749 §5.2, RFC 7591 §3.2.2).
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
    pub(super) retry_after: Option<Duration>,
    /// `WWW-Authenticate`, where the status wants one.
    pub(super) challenge: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { status, error, description, retry_after: None, challenge: None }
    }

    /// A plain 400.
    pub(super) fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    /// The same with `WWW-Authenticate`.
    pub(super) fn challenging(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// Try again later; nothing is lost.
    pub(super) fn unavailable(retry_after: Duration) -> Self {
        let text = "the server cannot answer for the moment; nothing is lost, try again shortly";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", text);
        Self { retry_after: Some(retry_after), ..refusal }
    }

    /// The store failed: logged here, once.
    pub(super) fn store(error: &StoreError) -> Self {
        tracing::warn!(error = %error, "the store failed an OAuth request");
        Self::unavailable(STORE_PAUSE)
    }

    pub(super) fn response(&self) -> HttpResponse {
        let mut response = private_json(self.status);
        if let Some(pause) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds(pause)));
        }
        if let Some(challenge) = self.challenge {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.json(json!({"error": self.error, "error_description": self.description}))
    }
}

/// A wait as `Retry-After` (RFC 9110 §10.2.3): whole seconds, at least one.
pub(super) fn seconds(wait: Duration) -> header::HeaderValue {
    header::HeaderValue::from(wait.as_secs().max(1))
}

/// A JSON answer that nobody may keep.
pub(super) fn private_json(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    open_cors(&mut response);
    response
}

/// Any origin may read it; there are no ambient credentials to abuse.
pub(super) fn open_cors(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, DPoP-Nonce, Retry-After"));
}

/// Answer of a preflight.
pub(super) fn preflight(methods: &'static str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    open_cors(&mut response);
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// 405 with the methods that work (RFC 9110 §15.5.6).
pub(super) fn wrong_method(method: &Method, allowed: &'static str) -> HttpResponse {
    let text = format!("{method} is not possible here");
    let mut response = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", text).response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    response
}

/// 404 in JSON.
pub(super) fn not_found() -> HttpResponse {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address").response()
}

/// A body within the limit of its route, or why there is none.
pub(super) fn within_limit(
    body: Result<web::Bytes, actix_web::Error>,
    error: &'static str,
) -> Result<web::Bytes, Refusal> {
    body.map_err(|cause| match cause.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error, "the request body is too large")
        }
        _ => Refusal::bad(error, "the request body could not be read"),
    })
}

/// Whether the request declares this media type; parameters such as `charset` do not matter.
pub(super) fn has_content_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// Whether the browser says that another site made it send this (Fetch Metadata, `Sec-Fetch-Site`).
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
    site.is_some_and(|site| !site.eq_ignore_ascii_case("same-origin"))
}

/// The service named by the path, if the path names one.
pub(super) fn service_in_path(request: &HttpRequest) -> Option<&str> {
    request.match_info().get("service")
}
