//! The checks before dispatch, in the order that the specification's error codes imply (mcp.md 5.5).

use super::super::classify::{missing_meta, unsupported};
use super::super::error::{HEADER_MISMATCH, INVALID_PARAMS, RpcError};
use super::super::headers::{self, BadHeader};
use super::super::jsonrpc::{Call, Meta, is_object, text};
use super::super::version::MODERN;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;

/// Methods served per request.
const METHODS: [&str; 5] = ["server/discover", "tools/list", "tools/call", "prompts/list", "prompts/get"];
/// Methods whose `params.name` is repeated in `Mcp-Name`.
const NAMED: [&str; 2] = ["tools/call", "prompts/get"];
const LOG_LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// A refusal and its HTTP status.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) error: RpcError,
}

fn bad(error: RpcError) -> Fault {
    Fault { status: StatusCode::BAD_REQUEST, error }
}

fn mismatch(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    bad(RpcError::new(HEADER_MISMATCH, message))
}

/// Envelope → version header → version → method and name headers → method.
pub(super) fn climb(headers: &HeaderMap, call: &Call<'_>) -> Result<(), Fault> {
    let version = envelope(&call.meta).ok_or_else(|| bad(missing_meta()))?;
    version_header(headers, &version)?;
    if version != MODERN {
        return Err(bad(unsupported(&version)));
    }
    method_header(headers, &call.method, true)?;
    if NAMED.contains(&call.method.as_ref()) {
        name_header(headers, call)?;
    }
    if METHODS.contains(&call.method.as_ref()) {
        return Ok(());
    }
    Err(Fault { status: StatusCode::NOT_FOUND, error: RpcError::method_not_found(&call.method) })
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

/// An unknown log level is a parameter fault; the level itself has no effect here, as no logs are sent.
pub(super) fn log_level(meta: &Meta<'_>) -> Result<(), RpcError> {
    let known = |level: &str| LOG_LEVELS.contains(&level);
    match meta.log_level.map(|raw| text(raw).is_some_and(|t| known(&t))) {
        None | Some(true) => Ok(()),
        Some(false) => Err(RpcError::new(INVALID_PARAMS, "Unknown log level.")),
    }
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

fn name_header(headers: &HeaderMap, call: &Call<'_>) -> Result<(), Fault> {
    let Some(header) = value(headers, headers::NAME)? else {
        return Err(mismatch("The Mcp-Name header is missing."));
    };
    let decoded = headers::decoded(header).map_err(|_| mismatch("The Mcp-Name header does not decode."))?;
    match call.params.name.map(text) {
        Some(Some(name)) if name == decoded => Ok(()),
        Some(Some(_)) => Err(mismatch("The Mcp-Name header differs from `params.name`.")),
        Some(None) | None => Err(bad(RpcError::new(INVALID_PARAMS, "`name` must be a string."))),
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
