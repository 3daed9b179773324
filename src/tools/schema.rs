//! Input schemas: coercion and validation of arguments from the schema alone, in one place, and the lint that keeps
//! every schema simple enough for every client (design section 7).

use super::error::ToolError;
use super::tool::{Args, ToolSpec};
use serde_json::Value;

/// Arguments ready for a tool, and what was odd about them.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) args: Args,
    /// For `warnings` of the result: ignored names and the like.
    pub(crate) warnings: Vec<String>,
}

/// Repairs and validates `arguments` (`Null` counts as no arguments).
pub(crate) fn prepare(spec: &ToolSpec, arguments: Value) -> Result<Prepared, ToolError> {
    let _ = spec;
    match arguments {
        Value::Object(args) => Ok(Prepared { args, warnings: Vec::new() }),
        Value::Null => Ok(Prepared { args: Args::new(), warnings: Vec::new() }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ToolError::invalid("arguments", "`arguments` must be a JSON object."))
        }
    }
}
