//! What a tool answers, already encoded: fronts splice it into their envelopes without parsing it again.

use super::resource::Contents;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// A successful answer.
#[derive(Clone, Debug)]
pub(crate) struct ToolOutput {
    /// For a person or a model to read; Markdown. Empty when the blocks say it all.
    pub(crate) text: String,
    /// Fits the tool's `outputSchema`; a JSON object without null members. JSON null when the tool has no schema.
    pub(crate) structured: Box<RawValue>,
    /// What follows the text.
    pub(crate) blocks: Vec<Block>,
    /// The answer tells of a failure that the model can act on.
    pub(crate) is_error: bool,
}

impl ToolOutput {
    /// Encodes `structured` once.
    pub(crate) fn new(
        text: impl Into<String>,
        structured: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let structured = serde_json::value::to_raw_value(structured)?;
        Ok(Self { text: text.into(), structured, blocks: Vec::new(), is_error: false })
    }

    /// Encodes `structured` once and lets the text say the same (specification, structured content).
    pub(crate) fn json(structured: &impl Serialize) -> Result<Self, serde_json::Error> {
        let structured = serde_json::value::to_raw_value(structured)?;
        Ok(Self { text: structured.get().to_owned(), structured, blocks: Vec::new(), is_error: false })
    }

    /// An answer of text alone, by a tool without output schema.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), structured: RawValue::NULL.to_owned(), blocks: Vec::new(), is_error: false }
    }

    pub(crate) fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// Whether there is a structured part.
    pub(crate) fn has_structure(&self) -> bool {
        self.structured.get() != "null"
    }

    /// Bytes of everything that goes out.
    pub(crate) fn size(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|b| b.json.len()).sum();
        self.text.len() + self.structured.get().len() + blocks
    }
}

/// Kinds of content besides text, by the revision that brought them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Image,
    Audio,
    /// An embedded resource.
    Resource,
    /// A link to a resource.
    Link,
}

/// One content block, encoded.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    pub(crate) json: String,
    /// Text for clients whose revision does not know the kind.
    pub(crate) instead: String,
}

impl Block {
    /// `data` is base64.
    pub(crate) fn image(data: &str, mime_type: &str) -> Self {
        Self::media(BlockKind::Image, "image", data, mime_type)
    }

    /// `data` is base64.
    pub(crate) fn audio(data: &str, mime_type: &str) -> Self {
        Self::media(BlockKind::Audio, "audio", data, mime_type)
    }

    fn media(kind: BlockKind, name: &str, data: &str, mime_type: &str) -> Self {
        let json = json!({ "type": name, "data": data, "mimeType": mime_type });
        Self { kind, json: json.to_string(), instead: format!("[{name}, {mime_type}]") }
    }

    /// An embedded resource.
    pub(crate) fn resource(contents: &Contents) -> Self {
        let json = json!({ "type": "resource", "resource": contents.json() });
        Self { kind: BlockKind::Resource, json: json.to_string(), instead: contents.uri.clone() }
    }

    /// A link that the client may read as a resource.
    pub(crate) fn link(uri: &str, name: &str, mime_type: Option<&str>) -> Self {
        let json = match mime_type {
            Some(mime_type) => {
                json!({ "type": "resource_link", "uri": uri, "name": name, "mimeType": mime_type })
            }
            None => json!({ "type": "resource_link", "uri": uri, "name": name }),
        };
        Self { kind: BlockKind::Link, json: json.to_string(), instead: format!("{name}: {uri}") }
    }
}
