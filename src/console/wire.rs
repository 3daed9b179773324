//! The shape of refusals, the one of the OAuth endpoints: `{"error":"…","error_description":"…"}`; nothing is cached.

use crate::domain::clock::Timestamp;
use crate::ports::store::StoreError;
use actix_web::error::{JsonPayloadError, QueryPayloadError};
use actix_web::http::{StatusCode, header};
use actix_web::{Error, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use serde_json::json;

/// Seconds that an operator waits before trying again.
const RETRY_S: &str = "5";

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConsoleError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Invalid(String),
    #[error("the store cannot answer for the moment; try again shortly")]
    Store(#[from] StoreError),
}

impl ResponseError for ConsoleError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let code = match self {
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid_request",
            Self::Store(cause) => {
                tracing::warn!(error = %cause, "the store failed an operator's request");
                "temporarily_unavailable"
            }
        };
        let mut response = private(self.status_code());
        if matches!(self, Self::Store(_)) {
            response.insert_header((header::RETRY_AFTER, RETRY_S));
        }
        response.json(json!({ "error": code, "error_description": self.to_string() }))
    }
}

/// What handlers answer.
pub(super) type Answer = Result<HttpResponse, ConsoleError>;

/// 200 with `body`.
pub(super) fn found(body: &impl Serialize) -> HttpResponse {
    private(StatusCode::OK).json(body)
}

/// 401; the caller adds the challenge.
pub(super) fn unauthorized() -> HttpResponse {
    let text = "send Authorization: Bearer with the token of ENTRADA_ADMIN_TOKEN";
    private(StatusCode::UNAUTHORIZED).json(json!({ "error": "invalid_token", "error_description": text }))
}

/// 404 for everything else.
pub(super) async fn nothing_here() -> Answer {
    Err(ConsoleError::NotFound("address or method"))
}

/// 400 for a body that cannot be read; serde's own text may quote it, and says what is wrong.
pub(super) fn bad_body(error: JsonPayloadError, _: &HttpRequest) -> Error {
    ConsoleError::Invalid(format!("the body: {error}")).into()
}

/// 400 for a query that cannot be read.
pub(super) fn bad_query(error: QueryPayloadError, _: &HttpRequest) -> Error {
    ConsoleError::Invalid(format!("the query: {error}")).into()
}

/// A moment as operators read it (RFC 3339, UTC).
pub(super) fn moment(at: Timestamp) -> String {
    let time = DateTime::from_timestamp_millis(at.as_millis()).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn private(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}
