//! URIs of resources that hold an id of Graph's, for every service that has such resources.

use crate::tools::error::{ToolError, ToolErrorKind};
use percent_encoding::percent_decode_str;

/// Longest id in a URI.
const MAX_ID: usize = 1024;

/// Unknown, foreign and malformed URIs are one and the same.
pub(super) fn gone() -> ToolError {
    ToolError::new(ToolErrorKind::NotFound, "There is no such resource.")
}

/// The id behind a percent-encoded path segment.
pub(super) fn decoded(segment: &str) -> Result<String, ToolError> {
    let id = percent_decode_str(segment).decode_utf8().map_err(|_| gone())?;
    if id.is_empty() || id.len() > MAX_ID || segment.contains('/') || id.chars().any(char::is_control) {
        return Err(gone());
    }
    Ok(id.into_owned())
}

/// What Graph does not find, or takes for no id, does not exist, nor what lies in a mailbox that does not open.
pub(super) fn missing(error: ToolError) -> ToolError {
    use ToolErrorKind::{MailboxUnavailable, UpstreamRejected};
    if matches!(error.kind, UpstreamRejected { status: 400 | 404, .. } | MailboxUnavailable { .. }) {
        gone()
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::encode::segment;

    #[test]
    fn ids_come_out_of_their_segment_whole_or_not_at_all() {
        assert_eq!(decoded(&segment("AA/b+c==")).unwrap(), "AA/b+c==");
        for bad in ["", "a/b", "..%00", "%ff", &"x".repeat(2000)] {
            assert_eq!(decoded(bad).unwrap_err().kind, ToolErrorKind::NotFound, "{bad}");
        }
    }
}
