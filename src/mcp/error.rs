//! Errors as JSON-RPC spells them, and the HTTP answers that carry them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde_json::Value;
use std::borrow::Cow;

pub(super) const PARSE_ERROR: i32 = -32700;
pub(super) const INVALID_REQUEST: i32 = -32600;
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;
pub(super) const INTERNAL_ERROR: i32 = -32603;
/// Faults of the legacy transport, by convention of the SDKs; the modern era never sees it.
pub(super) const LEGACY_TRANSPORT: i32 = -32000;
/// "Session not found", by the same convention.
pub(super) const SESSION_NOT_FOUND: i32 = -32001;
/// Resource not found, before 2026-07-28.
pub(super) const RESOURCE_NOT_FOUND: i32 = -32002;
/// `MissingRequiredClientCapability` (2026-07-28).
pub(super) const MISSING_CAPABILITY: i32 = -32021;
/// `HeaderMismatch` (2026-07-28).
pub(super) const HEADER_MISMATCH: i32 = -32020;
/// `UnsupportedProtocolVersion` (2026-07-28).
pub(super) const UNSUPPORTED_VERSION: i32 = -32022;

/// Seconds a client is asked to wait while the store is away.
const STORE_RETRY_S: &str = "2";

/// The `error` member of a JSON-RPC answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RpcError {
    pub(super) code: i32,
    pub(super) message: Cow<'static, str>,
    pub(super) data: Option<Value>,
}

impl RpcError {
    pub(super) fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub(super) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    pub(super) fn method_not_found(method: &str) -> Self {
        let shown: String = method.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(METHOD_NOT_FOUND, format!("Method not found: {shown}"))
    }

    pub(super) fn internal() -> Self {
        Self::new(INTERNAL_ERROR, "Something went wrong on our side. Please try again.")
    }
}

/// A whole error message; `id` is raw JSON, absent when the request's could not be read.
pub(super) fn message(id: Option<&str>, error: &RpcError) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + error.message.len());
    out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
    if let Some(id) = id {
        out.extend_from_slice(br#""id":"#);
        out.extend_from_slice(id.as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(br#""error":{"code":"#);
    out.extend_from_slice(error.code.to_string().as_bytes());
    out.extend_from_slice(br#","message":"#);
    super::encode::string(&mut out, &error.message);
    if let Some(data) = &error.data {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data.to_string().as_bytes());
    }
    out.extend_from_slice(b"}}");
    out
}

/// A refusal by the transport: an HTTP status with a JSON-RPC error as its body.
pub(super) fn refuse(status: StatusCode, id: Option<&str>, error: &RpcError) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(message(id, error))
}

/// The store is away: the session, if there is one, lives on, so this is never a 404.
pub(super) fn unavailable(id: Option<&str>) -> HttpResponse {
    let error =
        RpcError::new(INTERNAL_ERROR, "The server is unavailable for the moment. Please try again shortly.");
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, id, &error);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(STORE_RETRY_S));
    response
}

/// 405 with what the endpoint does offer.
pub(super) fn method_not_allowed(allow: &'static str) -> HttpResponse {
    let error = RpcError::new(INVALID_REQUEST, "This HTTP method is not offered here.");
    let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, None, &error);
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
    response
}
