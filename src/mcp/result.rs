//! Outcomes of work as JSON-RPC answers, in the form of each revision.

use super::catalog::Ready;
use super::encode;
use super::error::{
    self, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, MISSING_CAPABILITY, RESOURCE_NOT_FOUND, RpcError,
    refuse,
};
use super::exchange::Answer;
use super::state::McpState;
use super::tool_result::{self, Failure, Form};
use super::version::Legacy;
use super::work::{Done, Work};
use crate::domain::resource::Endpoint;
use crate::tools::context::Caller;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::Feature;
use crate::tools::prompt::{PromptMessage, Role, Said};
use crate::tools::resource::{Contents, ResourceEntry};
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

/// Who gets the answer, and how it is written.
pub(super) struct Addressee<'a> {
    pub(super) state: &'a McpState,
    pub(super) ready: &'a Ready,
    pub(super) endpoint: Endpoint,
    pub(super) caller: &'a Caller,
    /// Raw JSON.
    pub(super) id: &'a str,
    pub(super) form: &'a Form,
}

/// A result of `members`, in either era.
pub(super) fn result(id: &str, members: &Value, form: &Form) -> Vec<u8> {
    let json = members.to_string();
    let inner = json.strip_suffix('}').unwrap_or_default();
    let mut out = encode::open(id, inner.len() + form.close.len() + 16);
    out.extend_from_slice(br#""result":"#);
    out.extend_from_slice(inner.as_bytes());
    let close: &[u8] = &form.close;
    // The close begins with a comma where it adds members.
    let close = if inner == "{" { close.strip_prefix(b",").unwrap_or(close) } else { close };
    out.extend_from_slice(close);
    out
}

impl Addressee<'_> {
    /// The answer of work that came to an end.
    pub(super) fn done(&self, done: &Done) -> Answer {
        let modern = self.form.legacy.is_none();
        let members = match done {
            Done::Tool(output) => return Answer::Body(tool_result::success(self.id, output, self.form)),
            Done::Prompt { description, messages } => {
                let messages: Vec<Value> = messages.iter().map(|m| message(m, self.form)).collect();
                json!({ "description": description, "messages": messages })
            }
            Done::Read(contents) => {
                let contents: Vec<Value> = contents.iter().map(Contents::json).collect();
                cached(json!({ "contents": contents }), modern)
            }
            Done::List(page) => {
                let items: Vec<Value> = page.items.iter().map(|e| entry(e, self.form.legacy)).collect();
                let mut members = json!({ "resources": items });
                if let Some(next) = &page.next {
                    let cursor = super::cursor::seal(&self.state.cipher, self.caller, &self.ready.name, next);
                    encode::set(&mut members, "nextCursor", Value::from(cursor));
                }
                cached(members, modern)
            }
            Done::Complete { values, total } => {
                json!({ "completion": { "values": values, "total": total, "hasMore": *total > values.len() } })
            }
        };
        Answer::Body(result(self.id, &members, self.form))
    }

    /// The answer of work that failed.
    pub(super) fn failed(&self, work: &Work, error: &ToolError) -> Answer {
        let in_band = |error: &RpcError| error::message(Some(self.id), error);
        let guard = &self.state.guard;
        let at = (&self.ready.name, self.endpoint);
        let result = || match work {
            Work::Tool { .. } => tool_result::error(self.id, error, self.form),
            Work::Prompt { .. } | Work::Read { .. } | Work::List { .. } | Work::Complete(_) => {
                in_band(&self.protocol(work, error))
            }
        };
        if let ToolErrorKind::MissingFeature { feature } = error.kind
            && self.form.legacy.is_none()
        {
            let fault = RpcError::new(MISSING_CAPABILITY, error.public.clone())
                .with_data(json!({ "requiredCapabilities": required(feature) }));
            let response = refuse(StatusCode::BAD_REQUEST, Some(self.id), &fault);
            return Answer::Refused { response, in_band: in_band(&fault) };
        }
        match tool_result::failure(error) {
            Failure::Protocol(error) => Answer::Body(in_band(&error)),
            Failure::Scope(required) => Answer::Refused {
                response: guard.insufficient_scope(at, &required, self.caller),
                in_band: result(),
            },
            Failure::SignIn => {
                Answer::Refused { response: guard.sign_in_required(at, self.caller), in_band: result() }
            }
            Failure::Silent => Answer::Nothing,
            Failure::Result => Answer::Body(result()),
        }
    }

    /// Failures of methods whose results have no room for errors.
    fn protocol(&self, work: &Work, error: &ToolError) -> RpcError {
        let code = match &error.kind {
            ToolErrorKind::NotFound => {
                let Work::Read { uri } = work else {
                    return RpcError::new(INVALID_PARAMS, error.public.clone());
                };
                let legacy = self.form.legacy.is_some();
                let code = if legacy { RESOURCE_NOT_FOUND } else { INVALID_PARAMS };
                return RpcError::new(code, "Resource not found").with_data(json!({ "uri": uri }));
            }
            ToolErrorKind::InvalidInput { .. } => INVALID_PARAMS,
            ToolErrorKind::MissingFeature { .. } => INVALID_REQUEST,
            ToolErrorKind::UnknownTool
            | ToolErrorKind::InsufficientScope { .. }
            | ToolErrorKind::SignInRequired
            | ToolErrorKind::RateLimited { .. }
            | ToolErrorKind::UpstreamRejected { .. }
            | ToolErrorKind::MailboxUnavailable { .. }
            | ToolErrorKind::UpstreamUnavailable { .. }
            | ToolErrorKind::Timeout
            | ToolErrorKind::Cancelled
            | ToolErrorKind::InputRequired { .. }
            | ToolErrorKind::Detached
            | ToolErrorKind::Protocol
            | ToolErrorKind::Internal => INTERNAL_ERROR,
        };
        RpcError::new(code, error.public.clone())
    }
}

/// Caching hints of the modern era: what a user may read is theirs alone and may change at any time.
fn cached(mut members: Value, modern: bool) -> Value {
    if modern {
        encode::set(&mut members, "ttlMs", json!(0));
        encode::set(&mut members, "cacheScope", json!("private"));
    }
    members
}

/// A missing feature as client capabilities spell it.
pub(super) fn required(feature: Feature) -> Value {
    match feature {
        Feature::Form => json!({ "elicitation": {} }),
        Feature::Url => json!({ "elicitation": { "url": {} } }),
        Feature::Sampling => json!({ "sampling": {} }),
        Feature::Roots => json!({ "roots": {} }),
        Feature::Tasks => json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }),
    }
}

fn message(message: &PromptMessage, form: &Form) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content = match &message.said {
        Said::Text(text) => json!({ "type": "text", "text": text }),
        Said::Block(block) if form.knows(block.kind) => serde_json::from_str(&block.json).unwrap_or_default(),
        Said::Block(block) => json!({ "type": "text", "text": block.instead }),
    };
    json!({ "role": role, "content": content })
}

/// A listed resource; `title` is newer than some revisions.
fn entry(entry: &ResourceEntry, legacy: Option<Legacy>) -> Value {
    let mut out = Map::new();
    out.insert("uri".to_owned(), json!(entry.uri));
    out.insert("name".to_owned(), json!(entry.name));
    if legacy.is_none_or(Legacy::has_structured_output) {
        out.insert("title".to_owned(), json!(entry.title));
    }
    out.insert("description".to_owned(), json!(entry.description));
    out.insert("mimeType".to_owned(), json!(entry.mime_type));
    Value::Object(out)
}
