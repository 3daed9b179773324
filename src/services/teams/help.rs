//! `teams_help`: a guide that needs no chat.

use super::guide;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde_json::json;

/// The tool.
pub(super) struct Help {
    spec: ToolSpec,
}

impl Help {
    pub(super) fn new() -> Self {
        let spec = ToolSpec {
            name: "teams_help",
            title: "Teams Help",
            description: "Explain the Teams tools, with examples.",
            input_schema: json!({"type": "object", "properties": {}}),
            output_schema: json!({"type": "object", "properties": {"help": {"type": "string"}}, "required": ["help"]}),
            annotations: Annotations::READ,
            scopes: &[],
            aliases: &[("user_id", "")],
        };
        Self { spec }
    }
}

#[async_trait]
impl Tool for Help {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, _context: &CallContext, _args: Args) -> Result<ToolOutput, ToolError> {
        ToolOutput::new(guide::HELP, &json!({"help": guide::HELP})).map_err(ToolError::internal)
    }
}
