//! One authenticated request on its way through a protocol era, and how a tool call's outcome becomes its answer.

use super::catalog::Ready;
use super::encode::{self, Framing};
use super::error::{self, INVALID_PARAMS, RpcError};
use super::jsonrpc::{Id, Params, is_null, text};
use super::state::McpState;
use super::tool_result::{self, Failure, Form};
use super::version::VersionHeader;
use crate::oauth::bearer::Bearer;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What every step of one request needs.
pub(super) struct Exchange<'a> {
    pub(super) state: &'a McpState,
    pub(super) ready: &'a Ready,
    pub(super) headers: &'a HeaderMap,
    pub(super) bearer: Bearer,
    pub(super) framing: Framing,
    pub(super) version: VersionHeader<'a>,
}

/// The answer to one JSON-RPC request.
pub(super) enum Answer {
    /// A JSON-RPC response, in band.
    Body(Vec<u8>),
    /// An OAuth challenge instead of a response.
    Challenge(HttpResponse),
    /// The client withdrew the request.
    Nothing,
}

impl Answer {
    pub(super) fn error(id: Id<'_>, error: &RpcError) -> Self {
        Self::Body(error::message(Some(id.raw()), error))
    }
}

/// `tools/call` parameters.
pub(super) struct ToolCall<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) arguments: Value,
}

impl<'a> ToolCall<'a> {
    pub(super) fn read(params: &Params<'a>) -> Result<Self, RpcError> {
        let bad = |message: &'static str| RpcError::new(INVALID_PARAMS, message);
        let name = params.name.and_then(text).ok_or_else(|| bad("`name` must be a string."))?;
        let parse = |raw: &RawValue| serde_json::from_str(raw.get());
        let arguments =
            params.arguments.map(parse).transpose().map_err(|_| bad("`arguments` cannot be read."))?;
        Ok(Self { name, arguments: arguments.unwrap_or_default() })
    }
}

/// Lists here fit one page, so there is no cursor that we ever gave out.
pub(super) fn check_cursor(params: &Params<'_>) -> Result<(), RpcError> {
    match params.cursor {
        Some(raw) if !is_null(raw) => Err(RpcError::new(INVALID_PARAMS, "Unknown cursor.")),
        Some(_) | None => Ok(()),
    }
}

/// `prompts/get`: no service has prompts, so every name is unknown.
pub(super) fn unknown_prompt(params: &Params<'_>) -> RpcError {
    match params.name.and_then(text) {
        Some(name) => {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            RpcError::new(INVALID_PARAMS, format!("Unknown prompt: {shown}"))
        }
        None => RpcError::new(INVALID_PARAMS, "`name` must be a string."),
    }
}

impl Exchange<'_> {
    /// The HTTP response that carries `answer`.
    pub(super) fn respond(&self, answer: Answer) -> HttpResponse {
        match answer {
            Answer::Body(body) => encode::respond(self.framing, body),
            Answer::Challenge(response) => response,
            Answer::Nothing => encode::respond_nothing(self.framing),
        }
    }

    /// Turns a call's outcome into its answer. In a batch there is one HTTP status for many requests, so
    /// challenges become results there.
    pub(super) fn outcome(
        &self,
        id: Id<'_>,
        result: &Result<ToolOutput, ToolError>,
        form: Form<'_>,
        batch: bool,
    ) -> Answer {
        let failed = match result {
            Ok(output) => return Answer::Body(tool_result::success(id.raw(), output, form)),
            Err(failed) => failed,
        };
        let guard = &self.state.guard;
        match tool_result::failure(failed) {
            Failure::Protocol(error) => Answer::error(id, &error),
            Failure::Scope(required) if !batch => Answer::Challenge(guard.insufficient_scope(
                &self.ready.name,
                &required,
                &self.bearer.caller.scopes,
            )),
            Failure::SignIn if !batch => Answer::Challenge(guard.sign_in_required(&self.ready.name)),
            Failure::Silent => Answer::Nothing,
            Failure::Scope(_) | Failure::SignIn | Failure::Result => {
                Answer::Body(tool_result::error(id.raw(), failed, form))
            }
        }
    }
}
