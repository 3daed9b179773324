//! How a tool call fails. Two texts always: a public one that says what happened and what to do next, and a source
//! for the log.

use super::outlet::{Feature, Question};
use crate::domain::scope::ScopeSet;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What kind of failure; each front maps every kind to its wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolErrorKind {
    /// No tool of that name in the service. A protocol error.
    UnknownTool,
    /// Arguments that do not fit; `field` names the culprit.
    InvalidInput {
        field: Option<String>,
    },
    /// The thing asked for does not exist, or is not the caller's.
    NotFound,
    /// The bearer lacks scopes; carries all that the tool needs.
    InsufficientScope {
        required: ScopeSet,
    },
    /// The Microsoft sign-in has ended; the person must sign in again.
    SignInRequired,
    /// Graph limits; wait this long.
    RateLimited {
        retry_after: Duration,
    },
    /// Graph refused: its error code.
    UpstreamRejected {
        code: String,
        status: u16,
    },
    /// There is no such mailbox, or it does not open to the caller: Graph's error code.
    MailboxUnavailable {
        code: String,
        status: u16,
    },
    /// Graph, Entra or the store cannot answer now.
    UpstreamUnavailable {
        retry_after: Option<Duration>,
    },
    Timeout,
    Cancelled,
    /// The call cannot go on before the client answers; the front asks and calls again.
    InputRequired {
        questions: Vec<Question>,
    },
    /// The client lacks what the call cannot do without.
    MissingFeature {
        feature: Feature,
    },
    /// The call wants to go on as a task.
    Detached,
    /// The request itself failed: an error of the protocol, not a result for the model.
    #[cfg_attr(
        not(any(test, feature = "conformance")),
        expect(dead_code, reason = "today a fixture alone breaks this way")
    )]
    Protocol,
    /// Our fault. The public text never says more than that.
    Internal,
}

/// A failed tool call.
#[derive(Debug)]
pub(crate) struct ToolError {
    pub(crate) kind: ToolErrorKind,
    /// For the person and the model: what happened, what to do next. No secrets, no internals.
    pub(crate) public: String,
    /// Graph's `request-id`, for support.
    pub(crate) request_id: Option<String>,
    /// For the log.
    pub(crate) source: Option<String>,
}

impl ToolError {
    pub(crate) fn new(kind: ToolErrorKind, public: impl Into<String>) -> Self {
        Self { kind, public: public.into(), request_id: None, source: None }
    }

    pub(crate) fn invalid(field: &str, public: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::InvalidInput { field: Some(field.to_owned()) }, public)
    }

    pub(crate) fn internal(source: impl fmt::Display) -> Self {
        Self::new(ToolErrorKind::Internal, "Something went wrong on our side. Please try again.")
            .with_source(source)
    }

    pub(crate) fn with_source(mut self, source: impl fmt::Display) -> Self {
        self.source = Some(source.to_string());
        self
    }

    /// Stable code for `structuredContent.error.code`.
    pub(crate) fn code(&self) -> &'static str {
        match &self.kind {
            ToolErrorKind::UnknownTool => "unknown_tool",
            ToolErrorKind::InvalidInput { .. } => "invalid_input",
            ToolErrorKind::NotFound => "not_found",
            ToolErrorKind::InsufficientScope { .. } => "missing_permission",
            ToolErrorKind::SignInRequired => "auth_expired",
            ToolErrorKind::RateLimited { .. } => "throttled",
            ToolErrorKind::UpstreamRejected { .. } => "graph_rejected",
            ToolErrorKind::MailboxUnavailable { .. } => "mailbox_unavailable",
            ToolErrorKind::UpstreamUnavailable { .. } => "unavailable",
            ToolErrorKind::Timeout => "timeout",
            ToolErrorKind::Cancelled => "cancelled",
            ToolErrorKind::InputRequired { .. } => "input_required",
            ToolErrorKind::MissingFeature { .. } => "missing_client_capability",
            ToolErrorKind::Detached => "detached",
            ToolErrorKind::Protocol => "protocol",
            ToolErrorKind::Internal => "internal",
        }
    }

    /// How long to wait before a retry can work.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            ToolErrorKind::RateLimited { retry_after } => Some(*retry_after),
            ToolErrorKind::UpstreamUnavailable { retry_after } => *retry_after,
            ToolErrorKind::UnknownTool
            | ToolErrorKind::InvalidInput { .. }
            | ToolErrorKind::NotFound
            | ToolErrorKind::InsufficientScope { .. }
            | ToolErrorKind::SignInRequired
            | ToolErrorKind::UpstreamRejected { .. }
            | ToolErrorKind::MailboxUnavailable { .. }
            | ToolErrorKind::Timeout
            | ToolErrorKind::Cancelled
            | ToolErrorKind::InputRequired { .. }
            | ToolErrorKind::MissingFeature { .. }
            | ToolErrorKind::Detached
            | ToolErrorKind::Protocol
            | ToolErrorKind::Internal => None,
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.public)
    }
}

/// A failure as models and programs read it: `structuredContent.error` of a failed MCP result, and its like elsewhere.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorDetail<'a> {
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

impl<'a> ErrorDetail<'a> {
    pub(crate) fn of(error: &'a ToolError) -> Self {
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
            ToolErrorKind::UpstreamRejected { code, status }
            | ToolErrorKind::MailboxUnavailable { code, status } => {
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
            | ToolErrorKind::InputRequired { .. }
            | ToolErrorKind::MissingFeature { .. }
            | ToolErrorKind::Detached
            | ToolErrorKind::Protocol
            | ToolErrorKind::Cancelled => {}
        }
        detail
    }
}
