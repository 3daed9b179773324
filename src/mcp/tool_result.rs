//! `tools/call` answers: the one table that maps a failed call to its wire, and the writers of both outcomes.

use super::encode;
use super::error::{INTERNAL_ERROR, INVALID_PARAMS, RpcError};
use super::version::Legacy;
use crate::domain::scope::ScopeSet;
use crate::tools::error::{ErrorDetail, ToolError, ToolErrorKind};
use crate::tools::output::{Block, BlockKind, ToolOutput};
use bytes::Bytes;

/// How a revision writes results.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// The legacy revision; none in the modern era.
    pub(super) legacy: Option<Legacy>,
    /// Closes a result and its envelope.
    pub(super) close: Bytes,
}

impl Form {
    pub(super) fn legacy(version: Legacy) -> Self {
        Self { legacy: Some(version), close: Bytes::from_static(b"}}") }
    }

    pub(super) fn modern(close: Bytes) -> Self {
        Self { legacy: None, close }
    }

    /// `structuredContent` exists.
    fn is_structured(&self) -> bool {
        self.legacy.is_none_or(Legacy::has_structured_output)
    }

    /// Whether clients of the revision know a kind of content.
    pub(super) fn knows(&self, kind: BlockKind) -> bool {
        let Some(version) = self.legacy else { return true };
        match kind {
            BlockKind::Image | BlockKind::Resource => true,
            BlockKind::Audio => version.has_audio(),
            BlockKind::Link => version.has_structured_output(),
        }
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
        ToolErrorKind::Protocol => Failure::Protocol(RpcError::new(INTERNAL_ERROR, error.public.clone())),
        ToolErrorKind::InvalidInput { .. }
        | ToolErrorKind::NotFound
        | ToolErrorKind::RateLimited { .. }
        | ToolErrorKind::UpstreamRejected { .. }
        | ToolErrorKind::MailboxUnavailable { .. }
        | ToolErrorKind::UpstreamUnavailable { .. }
        | ToolErrorKind::Timeout
        | ToolErrorKind::InputRequired { .. }
        | ToolErrorKind::MissingFeature { .. }
        | ToolErrorKind::Detached
        | ToolErrorKind::Internal => Failure::Result,
    }
}

/// A successful answer; the structured part is spliced in as the tool encoded it.
pub(super) fn success(id: &str, output: &ToolOutput, form: &Form) -> Vec<u8> {
    let mut out = encode::open(id, output.size() + output.text.len() / 8 + 256);
    out.extend_from_slice(br#""result":{"content":["#);
    let mut first = true;
    if !output.text.is_empty() || output.blocks.is_empty() {
        text(&mut out, &output.text);
        first = false;
    }
    for block in &output.blocks {
        if !first {
            out.push(b',');
        }
        first = false;
        content(&mut out, block, form);
    }
    out.push(b']');
    if form.is_structured() && output.has_structure() {
        out.extend_from_slice(br#","structuredContent":"#);
        out.extend_from_slice(output.structured.get().as_bytes());
    }
    if output.is_error {
        out.extend_from_slice(br#","isError":true"#);
    }
    out.extend_from_slice(&form.close);
    out
}

/// A failure that the model can act on.
pub(super) fn error(id: &str, error: &ToolError, form: &Form) -> Vec<u8> {
    let mut out = encode::open(id, error.public.len() + error.public.len() / 8 + 384);
    out.extend_from_slice(br#""result":{"content":["#);
    text(&mut out, &error.public);
    out.push(b']');
    if form.is_structured() {
        out.extend_from_slice(br#","structuredContent":{"error":"#);
        // A struct of strings and numbers has no way to fail.
        let _ = serde_json::to_writer(&mut out, &ErrorDetail::of(error));
        out.push(b'}');
    }
    out.extend_from_slice(br#","isError":true"#);
    out.extend_from_slice(&form.close);
    out
}

/// A text block.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(br#"{"type":"text","text":"#);
    encode::string(out, text);
    out.push(b'}');
}

/// A content block, or text in its place where the revision does not know it.
pub(super) fn content(out: &mut Vec<u8>, block: &Block, form: &Form) {
    if form.knows(block.kind) {
        out.extend_from_slice(block.json.as_bytes());
    } else {
        text(out, &block.instead);
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
        let body: Value =
            serde_json::from_slice(&error("7", &failed, &Form::legacy(Legacy::NEWEST))).unwrap();
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
        let body: Value =
            serde_json::from_slice(&success("1", &output, &Form::legacy(Legacy::ASSUMED))).unwrap();
        assert_eq!(body["result"], json!({"content": [{"type": "text", "text": "t"}]}));
    }
}
