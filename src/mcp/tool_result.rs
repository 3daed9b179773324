//! `tools/call` answers: the one table that maps a failed call to its wire, and the writers of both outcomes.

use super::encode;
use super::error::{INVALID_PARAMS, RpcError};
use crate::domain::scope::ScopeSet;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use serde::Serialize;

/// Closes a legacy result and its envelope.
const LEGACY_CLOSE: &[u8] = b"}}";

/// How a revision writes results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    /// `structuredContent` exists.
    structured: bool,
    close: &'a [u8],
}

impl<'a> Form<'a> {
    pub(super) fn legacy(structured: bool) -> Form<'static> {
        Form { structured, close: LEGACY_CLOSE }
    }

    pub(super) fn modern(close: &'a [u8]) -> Self {
        Self { structured: true, close }
    }
}

/// Where a failed call is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// A JSON-RPC error.
    Protocol(RpcError),
    /// HTTP 403 that asks for more scopes.
    Scope(ScopeSet),
    /// HTTP 401: a new sign-in.
    SignIn,
    /// Nowhere: the client withdrew the request.
    Silent,
    /// A result with `isError`, for the model to act on.
    Result,
}

/// The table.
pub(super) fn failure(error: &ToolError) -> Failure {
    match &error.kind {
        ToolErrorKind::UnknownTool => Failure::Protocol(RpcError::new(INVALID_PARAMS, error.public.clone())),
        ToolErrorKind::InsufficientScope { required } => Failure::Scope(required.clone()),
        ToolErrorKind::SignInRequired => Failure::SignIn,
        ToolErrorKind::Cancelled => Failure::Silent,
        ToolErrorKind::InvalidInput { .. }
        | ToolErrorKind::NotFound
        | ToolErrorKind::RateLimited { .. }
        | ToolErrorKind::UpstreamRejected { .. }
        | ToolErrorKind::UpstreamUnavailable { .. }
        | ToolErrorKind::Timeout
        | ToolErrorKind::Internal => Failure::Result,
    }
}

/// A successful answer; the structured part is spliced in as the tool encoded it.
pub(super) fn success(id: &str, output: &ToolOutput, form: Form<'_>) -> Vec<u8> {
    let structured = output.structured.get();
    let mut out = open(id, &output.text, structured.len());
    if form.structured {
        out.extend_from_slice(br#","structuredContent":"#);
        out.extend_from_slice(structured.as_bytes());
    }
    out.extend_from_slice(form.close);
    out
}

/// A failure that the model can act on.
pub(super) fn error(id: &str, error: &ToolError, form: Form<'_>) -> Vec<u8> {
    let mut out = open(id, &error.public, 128);
    if form.structured {
        out.extend_from_slice(br#","structuredContent":{"error":"#);
        // A struct of strings and numbers has no way to fail.
        let _ = serde_json::to_writer(&mut out, &Detail::of(error));
        out.push(b'}');
    }
    out.extend_from_slice(br#","isError":true"#);
    out.extend_from_slice(form.close);
    out
}

fn open(id: &str, text: &str, room: usize) -> Vec<u8> {
    let mut out = encode::open(id, text.len() + text.len() / 8 + room + 256);
    out.extend_from_slice(br#""result":{"content":[{"type":"text","text":"#);
    encode::string(&mut out, text);
    out.extend_from_slice(b"}]");
    out
}

/// `structuredContent.error`.
#[derive(Serialize)]
struct Detail<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    graph_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl<'a> Detail<'a> {
    fn of(error: &'a ToolError) -> Self {
        let mut detail = Self {
            code: error.code(),
            field: None,
            graph_code: None,
            status: None,
            retryable: false,
            // A client that waits whole seconds must not come back early.
            retry_after_s: error.retry_after().map(|d| d.as_millis().div_ceil(1000) as u64),
            missing_scope: None,
            request_id: error.request_id.as_deref(),
        };
        match &error.kind {
            ToolErrorKind::InvalidInput { field } => detail.field = field.as_deref(),
            ToolErrorKind::UpstreamRejected { code, status } => {
                detail.graph_code = Some(code);
                detail.status = Some(*status);
            }
            ToolErrorKind::InsufficientScope { required } => {
                detail.missing_scope = Some(required.to_string());
            }
            ToolErrorKind::RateLimited { .. }
            | ToolErrorKind::UpstreamUnavailable { .. }
            | ToolErrorKind::Timeout
            | ToolErrorKind::Internal => detail.retryable = true,
            ToolErrorKind::UnknownTool
            | ToolErrorKind::NotFound
            | ToolErrorKind::SignInRequired
            | ToolErrorKind::Cancelled => {}
        }
        detail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::time::Duration;

    #[test]
    fn every_kind_of_failure_has_its_place() {
        let scopes = ScopeSet::parse("Mail.Send");
        for (kind, expected) in [
            (ToolErrorKind::UnknownTool, Failure::Protocol(RpcError::new(INVALID_PARAMS, "m"))),
            (ToolErrorKind::InsufficientScope { required: scopes.clone() }, Failure::Scope(scopes)),
            (ToolErrorKind::SignInRequired, Failure::SignIn),
            (ToolErrorKind::Cancelled, Failure::Silent),
            (ToolErrorKind::InvalidInput { field: None }, Failure::Result),
            (ToolErrorKind::NotFound, Failure::Result),
            (ToolErrorKind::RateLimited { retry_after: Duration::ZERO }, Failure::Result),
            (ToolErrorKind::UpstreamRejected { code: String::new(), status: 400 }, Failure::Result),
            (ToolErrorKind::UpstreamUnavailable { retry_after: None }, Failure::Result),
            (ToolErrorKind::Timeout, Failure::Result),
            (ToolErrorKind::Internal, Failure::Result),
        ] {
            assert_eq!(failure(&ToolError::new(kind, "m")), expected);
        }
    }

    #[test]
    fn a_failed_result_tells_the_model_what_to_do_and_has_no_nulls() {
        let kind = ToolErrorKind::RateLimited { retry_after: Duration::from_millis(1500) };
        let mut failed = ToolError::new(kind, "Wait \"a bit\".\n");
        failed.request_id = Some("r-1".to_owned());
        let body: Value = serde_json::from_slice(&error("7", &failed, Form::legacy(true))).unwrap();
        assert_eq!(
            body,
            json!({"jsonrpc": "2.0", "id": 7, "result": {
                "content": [{"type": "text", "text": "Wait \"a bit\".\n"}],
                "structuredContent": {"error":
                    {"code": "throttled", "retryable": true, "retry_after_s": 2, "request_id": "r-1"}},
                "isError": true,
            }})
        );
    }

    #[test]
    fn older_clients_get_no_structured_part() {
        let output = ToolOutput::new("t", &json!({"a": 1})).unwrap();
        let body: Value = serde_json::from_slice(&success("1", &output, Form::legacy(false))).unwrap();
        assert_eq!(body["result"], json!({"content": [{"type": "text", "text": "t"}]}));
    }
}
