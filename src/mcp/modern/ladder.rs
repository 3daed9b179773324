//! The checks before dispatch, in the order that the specification's error codes imply (mcp.md 5.5).

use super::super::catalog::Offers;
use super::super::classify::{missing_meta, unsupported};
use super::super::error::{HEADER_MISMATCH, INVALID_PARAMS, RpcError};
use super::super::headers::{self, BadHeader};
use super::super::jsonrpc::{Call, Meta, is_object, text};
use super::super::version::MODERN;
use crate::tools::outlet::LogLevel;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use serde_json::value::RawValue;

/// Whether the service serves a method in this era.
fn serves(method: &str, offers: Offers) -> bool {
    match method {
        "server/discover"
        | "tools/list"
        | "tools/call"
        | "prompts/list"
        | "prompts/get"
        | "subscriptions/listen" => true,
        "resources/list" | "resources/templates/list" | "resources/read" => offers.resources,
        "completion/complete" => offers.completions,
        "tasks/get" | "tasks/update" | "tasks/cancel" => offers.tasks,
        _ => false,
    }
}

/// The parameter that `Mcp-Name` repeats, with its name.
fn named<'a>(call: &Call<'a>) -> Option<(Option<&'a RawValue>, &'static str)> {
    match call.method.as_ref() {
        "tools/call" | "prompts/get" => Some((call.params.name, "name")),
        "resources/read" => Some((call.params.uri, "uri")),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some((call.params.task_id, "taskId")),
        _ => None,
    }
}

/// A refusal and its HTTP status.
#[derive(Debug, PartialEq)]
pub(in crate::mcp) struct Fault {
    pub(in crate::mcp) status: StatusCode,
    pub(in crate::mcp) error: RpcError,
}

fn bad(error: RpcError) -> Fault {
    Fault { status: StatusCode::BAD_REQUEST, error }
}

fn mismatch(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    bad(RpcError::new(HEADER_MISMATCH, message))
}

/// Envelope → version header → version → method and name headers → method.
pub(in crate::mcp) fn climb(headers: &HeaderMap, call: &Call<'_>, offers: Offers) -> Result<(), Fault> {
    let version = envelope(&call.meta).ok_or_else(|| bad(missing_meta()))?;
    version_header(headers, &version)?;
    if version != MODERN {
        return Err(bad(unsupported(&version)));
    }
    method_header(headers, &call.method, true)?;
    if !serves(&call.method, offers) {
        return Err(Fault { status: StatusCode::NOT_FOUND, error: RpcError::method_not_found(&call.method) });
    }
    match named(call) {
        Some((value, member)) => name_header(headers, value, member),
        None => Ok(()),
    }
}

/// Notifications have no envelope rules; what they do carry must not contradict itself.
pub(super) fn notification(headers: &HeaderMap, call: &Call<'_>) -> Result<(), Fault> {
    if let Some(version) = call.meta.protocol_version.and_then(text) {
        if value(headers, headers::PROTOCOL_VERSION)?.is_some() {
            version_header(headers, &version)?;
        }
        if version != MODERN {
            return Err(bad(unsupported(&version)));
        }
    }
    method_header(headers, &call.method, false)
}

/// The level at which the client wants logs of this request; none unless it says so.
pub(super) fn log_level(meta: &Meta<'_>) -> Result<Option<LogLevel>, RpcError> {
    let Some(raw) = meta.log_level else { return Ok(None) };
    let level = text(raw).and_then(|t| LogLevel::parse(&t));
    level.map(Some).ok_or_else(|| RpcError::new(INVALID_PARAMS, "Unknown log level."))
}

/// The request's version, if the envelope is complete.
fn envelope<'a>(meta: &Meta<'a>) -> Option<std::borrow::Cow<'a, str>> {
    let version = meta.protocol_version.and_then(text)?;
    meta.client_capabilities.is_some_and(is_object).then_some(version)
}

fn version_header(headers: &HeaderMap, version: &str) -> Result<(), Fault> {
    match value(headers, headers::PROTOCOL_VERSION)? {
        Some(header) if header == version => Ok(()),
        Some(_) => Err(mismatch("The MCP-Protocol-Version header differs from the request's `_meta`.")),
        None => Err(mismatch("The MCP-Protocol-Version header is missing.")),
    }
}

fn method_header(headers: &HeaderMap, method: &str, required: bool) -> Result<(), Fault> {
    match value(headers, headers::METHOD)? {
        Some(header) if header == method => Ok(()),
        Some(_) => Err(mismatch("The Mcp-Method header differs from the request's method.")),
        None if required => Err(mismatch("The Mcp-Method header is missing.")),
        None => Ok(()),
    }
}

fn name_header(headers: &HeaderMap, raw: Option<&RawValue>, member: &str) -> Result<(), Fault> {
    let Some(header) = value(headers, headers::NAME)? else {
        return Err(mismatch("The Mcp-Name header is missing."));
    };
    let decoded = headers::decoded(header).map_err(|_| mismatch("The Mcp-Name header does not decode."))?;
    match raw.map(text) {
        Some(Some(name)) if name == decoded => Ok(()),
        Some(Some(_)) => Err(mismatch(format!("The Mcp-Name header differs from `params.{member}`."))),
        Some(None) | None => Err(bad(RpcError::new(INVALID_PARAMS, format!("`{member}` must be a string.")))),
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Fault> {
    headers::single(headers, name).map_err(|fault| {
        mismatch(match fault {
            BadHeader::Repeated => format!("The {name} header is repeated."),
            BadHeader::Characters | BadHeader::Encoding => {
                format!("The {name} header has bytes it may not have.")
            }
        })
    })
}
