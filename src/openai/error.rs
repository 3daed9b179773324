//! Failures as OpenAI spells them: `{"error": {"message", "type", "param", "code"}}` under the status that makes the
//! official packages raise the right exception.

use crate::tools::error::{ToolError, ToolErrorKind};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

/// A request that is not answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    kind: &'static str,
    code: Option<Cow<'static, str>>,
    /// Where in the body the fault is, e.g. `messages[3].content`.
    param: Option<String>,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    /// What the bearer check adds.
    challenge: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let (code, param, retry_after, challenge) = (None, None, None, Vec::new());
        Self { status, kind, code, param, message: message.into(), retry_after, challenge }
    }

    fn coded(self, code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    fn waiting(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// 400: the member `param` does not fit.
    pub(super) fn invalid(param: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, INVALID, message);
        Self { param: Some(param.into()), ..error }
    }

    /// A refusal of the whole request, by the status alone.
    pub(super) fn refused(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, INVALID, message)
    }

    /// 404, in the words that clients look for.
    pub(super) fn unknown_model(model: &str, service: &str) -> Self {
        let model: String = model.chars().filter(|c| !c.is_control()).take(64).collect();
        let message =
            format!("The model `{model}` does not exist here. This URL serves the model `{service}`.");
        let error = Self::new(StatusCode::NOT_FOUND, INVALID, message).coded("model_not_found");
        Self { param: Some("model".to_owned()), ..error }
    }

    /// What the bearer check answered, in OpenAI's words; its challenges are kept, since they tell where to sign in.
    pub(super) fn challenged(refusal: &HttpResponse, message: impl Into<Cow<'static, str>>) -> Self {
        let status = refusal.status();
        let (kind, code) = match status {
            StatusCode::UNAUTHORIZED => (INVALID, "invalid_api_key"),
            StatusCode::FORBIDDEN => (INVALID, "insufficient_scope"),
            _ => (SERVER, "temporarily_unavailable"),
        };
        let kept = [header::WWW_AUTHENTICATE, header::RETRY_AFTER];
        let of = |headers: &HeaderMap, name: &HeaderName| -> Vec<(HeaderName, HeaderValue)> {
            headers.get_all(name).map(|value| (name.clone(), value.clone())).collect()
        };
        let challenge = kept.iter().flat_map(|name| of(refusal.headers(), name)).collect();
        Self { challenge, ..Self::new(status, kind, message).coded(code) }
    }

    /// 429: the caller's own bounds.
    pub(super) fn too_many(message: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "requests", message);
        error.coded("rate_limit_exceeded").waiting(wait)
    }

    /// 429 that no waiting of a moment mends.
    pub(super) fn quota(message: impl Into<Cow<'static, str>>, wait: Duration) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", message);
        error.coded("insufficient_quota").waiting(wait)
    }

    /// 409, which the official packages try again by themselves.
    pub(super) fn in_progress() -> Self {
        let message =
            "A request with this Idempotency-Key is still running. Ask again in a moment for its answer.";
        let error = Self::new(StatusCode::CONFLICT, INVALID, message);
        error.coded("idempotency_key_in_use").waiting(Duration::from_secs(1))
    }

    /// 503: a part that the answer depends on is away.
    pub(super) fn unavailable(message: impl Into<Cow<'static, str>>, wait: Option<Duration>) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, message);
        let wait = wait.unwrap_or(Duration::from_secs(5));
        error.coded("temporarily_unavailable").waiting(wait)
    }

    /// 502 or 504: the language model behind us failed.
    pub(super) fn upstream(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, SERVER, message).coded("upstream_error")
    }

    /// The code, where the language model behind us named one.
    pub(super) fn with_code(self, code: Option<&'static str>) -> Self {
        match code {
            Some(code) => self.coded(code),
            None => self,
        }
    }

    pub(super) fn internal() -> Self {
        let message = "The server failed to answer. The failure is in its log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, SERVER, message)
    }

    /// Nobody is there to be answered (nginx's 499).
    pub(super) fn gone() -> Self {
        let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        Self::refused(status, "The client has left.")
    }

    /// What it says.
    pub(super) fn text(&self) -> String {
        self.message.clone().into_owned()
    }

    /// A failed call that is no result for anybody to act on; none: the model can.
    pub(super) fn of_tool(error: &ToolError) -> Option<Self> {
        match &error.kind {
            ToolErrorKind::UnknownTool => Some(Self::invalid("tool_choice", error.public.clone())),
            ToolErrorKind::Cancelled => Some(Self::gone()),
            ToolErrorKind::Protocol => Some(Self::internal()),
            ToolErrorKind::InvalidInput { .. }
            | ToolErrorKind::NotFound
            | ToolErrorKind::InsufficientScope { .. }
            | ToolErrorKind::SignInRequired
            | ToolErrorKind::RateLimited { .. }
            | ToolErrorKind::UpstreamRejected { .. }
            | ToolErrorKind::MailboxUnavailable { .. }
            | ToolErrorKind::UpstreamUnavailable { .. }
            | ToolErrorKind::Timeout
            | ToolErrorKind::InputRequired { .. }
            | ToolErrorKind::MissingFeature { .. }
            | ToolErrorKind::Detached
            | ToolErrorKind::Internal => None,
        }
    }

    /// The error object. `param` and `code` are always there, as OpenAI has them.
    pub(super) fn body(&self) -> Value {
        json!({ "error": {
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        }})
    }

    /// Its members, as an event of a stream has them.
    pub(super) fn detail(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "param": self.param })
    }

    /// The answer.
    pub(super) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(wait) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, wait.as_millis().div_ceil(1000).max(1).to_string()));
        }
        for (name, value) in &self.challenge {
            response.append_header((name.clone(), value.clone()));
        }
        response.json(self.body())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_all_four_members_and_says_where() {
        let error = ApiError::invalid("n", "Only one answer is made.");
        let expected = json!({"error": {
            "message": "Only one answer is made.", "type": "invalid_request_error", "param": "n", "code": null,
        }});
        assert_eq!(error.body(), expected);
        let full = ApiError::too_many("Wait.", Duration::from_millis(1200)).response();
        assert_eq!(
            (full.status().as_u16(), full.headers().get("retry-after").unwrap().to_str().unwrap()),
            (429, "2")
        );
    }

    #[test]
    fn a_challenge_keeps_where_to_sign_in() {
        let refusal = HttpResponse::Unauthorized()
            .append_header((header::WWW_AUTHENTICATE, "Bearer a"))
            .append_header((header::WWW_AUTHENTICATE, "DPoP b"))
            .finish();
        let response = ApiError::challenged(&refusal, "no").response();
        assert_eq!(response.headers().get_all(header::WWW_AUTHENTICATE).count(), 2);
    }

    #[test]
    fn model_names_from_the_wire_are_cut_and_cleaned() {
        let body = ApiError::unknown_model(&format!("a\n{}", "x".repeat(500)), "calendar").body().to_string();
        assert!(body.len() < 300 && !body.contains("\\n"), "{body}");
    }
}
