//! Graph's error answers.
use std::borrow::Cow;

use super::ids::BadId;

/// An error in Graph's shape.
#[derive(Debug)]
pub(super) struct GraphError {
    pub(super) status: u16,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl GraphError {
    /// Any error.
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: Cow::Borrowed(code), message: message.into(), headers: Vec::new() }
    }

    /// With one more header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// 400 `BadRequest`.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 400 for a `$filter` that does not parse.
    pub(super) fn bad_filter(message: impl AsRef<str>) -> Self {
        Self::new(
            400,
            "ErrorInvalidUrlQueryFilter",
            format!("The query filter contains one or more invalid nodes. {}", message.as_ref()),
        )
    }

    /// 400 for `$select`, `$orderby`, `$expand` that do not parse.
    pub(super) fn bad_uri(message: impl Into<String>) -> Self {
        Self::new(400, "RequestBroker--ParseUri", message)
    }

    /// 401.
    pub(super) fn bad_token(present: bool) -> Self {
        let message =
            if present { "Access token has expired or is not yet valid." } else { "Access token is empty." };
        Self::new(401, "InvalidAuthenticationToken", message).header(
            "WWW-Authenticate",
            "Bearer realm=\"\", \
                authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                client_id=\"00000003-0000-0000-c000-000000000000\"",
        )
    }

    /// 403 of Exchange.
    pub(super) fn access_denied() -> Self {
        Self::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    /// 403 of the directory.
    pub(super) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// 404 of Exchange.
    pub(super) fn not_found() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    /// A path that Graph does not have.
    pub(super) fn no_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(405, "ErrorMethodNotAllowed", "The HTTP method is not supported for this resource.")
    }

    /// 429 with a wait.
    pub(super) fn throttled(message: &str, wait: u64) -> Self {
        Self::new(429, "ApplicationThrottled", message).header("Retry-After", wait.to_string())
    }
}

impl From<BadId> for GraphError {
    fn from(bad: BadId) -> Self {
        match bad {
            BadId::Malformed => Self::new(400, "ErrorInvalidIdMalformed", "Id is malformed."),
            BadId::Foreign => Self::not_found(),
            BadId::Elsewhere => {
                let message = "Item Id doesn't belong to the current mailbox.";
                Self::new(400, "ErrorInvalidMailboxItemId", message)
            }
        }
    }
}
