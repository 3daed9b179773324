//! `help` and `query_email_help`: guides that need no mailbox.

use super::guide;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Lists the tools, or explains one.
pub(super) struct Help {
    spec: ToolSpec,
    tools: Vec<(&'static str, &'static str)>,
}

/// Explains `query_email`.
pub(super) struct QueryEmailHelp {
    spec: ToolSpec,
}

const GUIDE_TOOL: (&str, &str) = ("query_email_help", "Explain the filters of query_email, with examples.");
const HELP_TOOL: (&str, &str) = ("help", "List the mail tools, or explain one of them.");

fn schema() -> Value {
    json!({"type": "object", "properties": {"help": {"type": "string"}}, "required": ["help"]})
}

fn answer(text: &str) -> Result<ToolOutput, ToolError> {
    ToolOutput::new(text, &json!({"help": text})).map_err(ToolError::internal)
}

impl Help {
    /// For the given tools and itself.
    pub(super) fn new(listed: &[(&'static str, &'static str)]) -> Self {
        let mut tools = listed.to_vec();
        tools.extend([HELP_TOOL, GUIDE_TOOL]);
        let spec = ToolSpec {
            name: HELP_TOOL.0,
            title: "Mail Help",
            description: HELP_TOOL.1,
            input_schema: json!({"type": "object", "properties": {
                "tool_name": {"type": "string", "description": "The tool to explain; all unless given"},
            }}),
            output_schema: schema(),
            annotations: Annotations::READ,
            scopes: &[],
            aliases: &[("user_id", "")],
        };
        Self { spec, tools }
    }
}

#[async_trait]
impl Tool for Help {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, _context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        match args.get("tool_name").and_then(Value::as_str) {
            Some("query_email") => answer(guide::QUERY_GUIDE),
            wanted => {
                let is_meant =
                    |name: &str| wanted.is_none_or(|wanted| wanted.trim().eq_ignore_ascii_case(name));
                let mut text = String::new();
                for (name, description) in self.tools.iter().filter(|(name, _)| is_meant(name)) {
                    let _ = writeln!(text, "- **{name}**: {description}");
                }
                if text.is_empty() {
                    let text = "`tool_name` is no tool of this service. Leave it out to see all of them.";
                    return Err(ToolError::invalid("tool_name", text));
                }
                answer(text.trim_end())
            }
        }
    }
}

impl QueryEmailHelp {
    pub(super) fn new() -> Self {
        let spec = ToolSpec {
            name: GUIDE_TOOL.0,
            title: "Query Email Help",
            description: GUIDE_TOOL.1,
            input_schema: json!({"type": "object", "properties": {}}),
            output_schema: schema(),
            annotations: Annotations::READ,
            scopes: &[],
            aliases: &[("user_id", "")],
        };
        Self { spec }
    }
}

#[async_trait]
impl Tool for QueryEmailHelp {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, _context: &CallContext, _args: Args) -> Result<ToolOutput, ToolError> {
        answer(guide::QUERY_GUIDE)
    }
}
