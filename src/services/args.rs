//! Arguments that tools of every service have, and the way from arguments to values.

use crate::tools::error::ToolError;
use crate::tools::tool::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Input property that bounds the characters of what is named by `of`.
pub(super) fn max_chars_schema(of: &str) -> Value {
    let description = format!("Characters of {of}; 24000 unless given");
    json!({"type": "integer", "minimum": 500, "maximum": 100_000, "description": description})
}

/// Input property for the form of the answer, see [`OutputFormat`].
pub(super) fn output_format_schema() -> Value {
    json!({"type": "string", "enum": ["text", "json"], "description": "json: without prose"})
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OutputFormat {
    #[default]
    Text,
    Json,
}

/// Arguments as a typed value. They fit the schema already, so a mismatch is ours.
pub(super) fn typed<T: DeserializeOwned>(args: &Args) -> Result<T, ToolError> {
    T::deserialize(args).map_err(ToolError::internal)
}

/// Whether an argument that the schema does not list was given and means yes.
pub(super) fn is_set(args: &Args, name: &str) -> bool {
    match args.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => {
            !matches!(text.to_ascii_lowercase().as_str(), "false" | "no" | "n" | "0")
        }
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
    }
}
