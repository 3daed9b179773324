//! OneNote's refusals: numbers instead of words (concepts/onenote-error-codes).

use crate::sim::graph::error::GraphError;

pub(super) fn refused(status: u16, code: &'static str, message: &str) -> GraphError {
    GraphError::new(status, code, message)
}

pub(super) fn bad(code: &'static str, message: &str) -> GraphError {
    refused(400, code, message)
}

/// The token lacks a scope.
pub(super) fn no_scope() -> GraphError {
    refused(
        403,
        "40004",
        "The OAuth token provided does not have the necessary scopes to complete the request.",
    )
}

pub(super) fn no_resource() -> GraphError {
    refused(404, "20102", "The specified resource ID does not exist.")
}

pub(super) fn deleted() -> GraphError {
    refused(404, "20113", "The specified resource was deleted.")
}

pub(super) fn malformed_id() -> GraphError {
    bad("20112", "Invalid Entity ID specified.")
}

/// The section is behind a password.
pub(super) fn locked() -> GraphError {
    refused(403, "10004", "Unable to create a page in this section because it is password protected.")
}

/// No such path below `/me/onenote`.
pub(super) fn no_path() -> GraphError {
    refused(404, "20130", "The URI does not point to a known resource.")
}
