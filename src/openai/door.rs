//! What every request passes first: size, Host and Origin, service, bearer, body.

use super::error::ApiError;
use super::state::OpenAiState;
use crate::domain::ids::ServiceName;
use crate::domain::resource::{Endpoint, ROOT};
use crate::edge::body::{self, BodyFault};
use crate::oauth::bearer::{AuthFailure, Bearer};
use crate::tools::tool::Service;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Name of the service that a request is for.
pub(super) fn named(request: &HttpRequest) -> &str {
    request.match_info().get("svc").unwrap_or(ROOT)
}

/// The service and the caller.
pub(super) async fn admit(
    request: &HttpRequest,
    state: &OpenAiState,
) -> Result<(Arc<dyn Service>, Bearer), ApiError> {
    if !state.edge.admits(request.head()) {
        return Err(ApiError::refused(StatusCode::FORBIDDEN, "This Host or Origin is not served here."));
    }
    let Some(service) = state.dispatcher.registry().service(named(request)).cloned() else {
        return Err(ApiError::refused(StatusCode::NOT_FOUND, "There is no such service."));
    };
    let name = &service.info().name;
    let bearer = state.guard.authenticate(request.head(), name).await;
    let bearer = bearer.map_err(|failure| refused(state, &failure, name))?;
    Ok((service, bearer))
}

fn refused(state: &OpenAiState, failure: &AuthFailure, service: &ServiceName) -> ApiError {
    let refusal = state.guard.response(failure, service, Endpoint::V1);
    let message = match failure {
        AuthFailure::Missing => {
            "Send Authorization: Bearer with a token or a personal key of this service as the API key."
                .to_owned()
        }
        AuthFailure::Store(_) => {
            "Keys cannot be checked for the moment; yours is kept. Try again shortly.".to_owned()
        }
        AuthFailure::Ambiguous
        | AuthFailure::Invalid
        | AuthFailure::WrongAudience
        | AuthFailure::Unproven
        | AuthFailure::Unbound
        | AuthFailure::SignIn
        | AuthFailure::Proof(_) => format!("The API key is not accepted: {failure}."),
    };
    ApiError::challenged(&refusal, message)
}

/// The body, a JSON object.
pub(super) async fn object(
    request: &HttpRequest,
    payload: &mut web::Payload,
    state: &OpenAiState,
) -> Result<Map<String, Value>, ApiError> {
    let limit = state.settings.max_body;
    let too_large = || ApiError::refused(StatusCode::PAYLOAD_TOO_LARGE, BodyFault::TooLarge.message());
    if body::declared_length(request.headers()).is_some_and(|length| length > limit) {
        body::discard(payload, limit).await;
        return Err(too_large());
    }
    if !body::is_json(request.headers()) {
        body::discard(payload, limit).await;
        let message = "The body must be application/json, without content coding.";
        return Err(ApiError::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let read = body::read(payload, limit, state.settings.body_timeout).await;
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(BodyFault::TooLarge) => {
            body::discard(payload, limit).await;
            return Err(too_large());
        }
        Err(BodyFault::Broken) => {
            return Err(ApiError::refused(StatusCode::BAD_REQUEST, BodyFault::Broken.message()));
        }
        Err(BodyFault::Slow) => {
            return Err(ApiError::refused(StatusCode::REQUEST_TIMEOUT, BodyFault::Slow.message()));
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ApiError::refused(StatusCode::BAD_REQUEST, "The body must be a JSON object.")),
        Err(error) => {
            let message = format!("We could not parse the JSON body of your request: {error}.");
            Err(ApiError::refused(StatusCode::BAD_REQUEST, message))
        }
    }
}

/// What every answer of the front carries.
pub(super) fn finish(
    answer: Result<HttpResponse, ApiError>,
    request: &HttpRequest,
    state: &OpenAiState,
) -> HttpResponse {
    let mut response = answer.unwrap_or_else(|error| error.response());
    state.edge.decorate(&mut response, request.head());
    state.guard.stamp(&mut response);
    response
}
