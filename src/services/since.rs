//! Tools that tell what changed since the last look: their cursors end, and so do Graph's delta links.

use crate::graph::error::{Fault, GraphError};
use crate::tools::error::{ToolError, ToolErrorKind};

/// A kept look, or `gone` when the cursor is unknown or too old.
pub(super) fn kept<T>(look: Result<T, ToolError>, gone: impl FnOnce() -> ToolError) -> Result<T, ToolError> {
    let is_old = |error: &ToolError| matches!(error.kind, ToolErrorKind::InvalidInput { .. });
    look.map_err(|error| if is_old(&error) { gone() } else { error })
}

/// A failure of a round of changes: `gone` when Graph has forgotten what is too old, else the service's own words.
pub(super) fn failed(
    error: GraphError,
    gone: impl FnOnce() -> ToolError,
    fault: impl FnOnce(GraphError) -> ToolError,
) -> ToolError {
    if matches!(error, GraphError::Refused { fault: Fault::Restart, .. }) { gone() } else { fault(error) }
}
