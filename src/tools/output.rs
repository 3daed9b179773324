//! What a tool answers, already encoded: fronts splice it into their envelopes without parsing it again.

use serde::Serialize;
use serde_json::value::RawValue;

/// A successful answer.
#[derive(Clone, Debug)]
pub(crate) struct ToolOutput {
    /// For a person or a model to read; Markdown.
    pub(crate) text: String,
    /// Fits the tool's `outputSchema`; a JSON object without null members.
    pub(crate) structured: Box<RawValue>,
}

impl ToolOutput {
    /// Encodes `structured` once.
    pub(crate) fn new(
        text: impl Into<String>,
        structured: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { text: text.into(), structured: serde_json::value::to_raw_value(structured)? })
    }
}
