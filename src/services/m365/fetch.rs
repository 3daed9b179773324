//! `fetch`: the whole of what `search` found, as ChatGPT's connectors expect it (`id`, `title`, `text`, `url`,
//! `metadata`; the text part is the same JSON).

use super::search::titled;
use super::sources::{Sources, text_of};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The tool.
pub(super) struct Fetch {
    sources: Arc<Sources>,
    spec: ToolSpec,
}

#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    title: String,
    text: String,
    url: &'a str,
    /// Texts by name, as the protocol of ChatGPT's connectors has it.
    metadata: Map<String, Value>,
}

impl Fetch {
    pub(super) fn new(sources: &Arc<Sources>) -> Self {
        let spec = ToolSpec {
            name: "fetch",
            title: "Read a Search Result",
            description: "Read the whole of a result of search: a message, an event, or the text of a file or note.",
            input_schema: json!({"type": "object", "properties": {
                "id": {"type": "string", "description": "id of a result of search"},
            }, "required": ["id"]}),
            output_schema: json!({"type": "object", "properties": {
                "id": {"type": "string"}, "title": {"type": "string"}, "text": {"type": "string"},
                "url": {"type": "string"}, "metadata": {"type": "object"},
            }, "required": ["id", "title", "text", "url"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: &[],
            aliases: &[],
        };
        Self { sources: Arc::clone(sources), spec }
    }
}

#[async_trait]
impl Tool for Fetch {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let id = args.get("id").and_then(Value::as_str).unwrap_or_default();
        let (source, own) = self.sources.of_id(id).ok_or_else(|| {
            let text =
                "`id` must be the id of a result of search, such as `mail:…`. Search again to get one.";
            ToolError::new(ToolErrorKind::InvalidInput { field: Some("id".to_owned()) }, text)
        })?;
        let kind = source.kind;
        let (output, answer) = source.read(context, own).await?;
        let about = kind.about.iter().filter(|member| !text_of(&answer, member).is_empty());
        let mut metadata: Map<String, Value> =
            about.map(|member| ((*member).to_owned(), json!(text_of(&answer, member)))).collect();
        metadata.insert("kind".to_owned(), json!(kind.name));
        let document = Document {
            id,
            title: titled(text_of(&answer, kind.title)),
            text: output.text,
            url: text_of(&answer, kind.url),
            metadata,
        };
        ToolOutput::json(&document).map_err(ToolError::internal)
    }
}
