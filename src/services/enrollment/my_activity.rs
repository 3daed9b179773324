//! `my_activity`: what writing tools did for the caller lately.

use super::{ALIASES, Desk, SCOPES};
use crate::domain::clock::Timestamp;
use crate::services::answer::with_notes;
use crate::services::args::typed;
use crate::services::time::{Edge, instant, local_text, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const DEFAULT_LIMIT: usize = 50;

/// The tool.
pub(super) struct MyActivity {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    since: Option<String>,
    tool: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Item {
    at: String,
    service: String,
    tool: String,
    client_id: String,
    outcome: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    target_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    request_id: String,
}

#[derive(Serialize)]
struct Listed {
    items: Vec<Item>,
    count: usize,
    has_more: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl MyActivity {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let spec = ToolSpec {
            name: "my_activity",
            title: "My Activity",
            description: "List what tools that write did for the user lately, newest first: which tool, how it ended, by which \
                          client. Contents are not kept, and reading is not listed.",
            input_schema: json!({"type": "object", "properties": {
                "since": {"type": "string", "description": "Day or time, e.g. 2026-03-31"},
                "tool": {"type": "string", "description": "Only calls of this tool"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Calls; 50 unless given"},
            }}),
            output_schema: json!({"type": "object", "properties": {
                "items": {"type": "array", "items": {"type": "object", "properties": {
                    "at": text, "service": text, "tool": text, "client_id": text, "outcome": text, "target_id": text,
                    "request_id": text,
                }}},
                "count": {"type": "integer"}, "has_more": {"type": "boolean"},
                "warnings": {"type": "array", "items": text},
            }, "required": ["items", "count", "has_more"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for MyActivity {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let zone = self.desk.zone(context).await;
        let since = wish.since.as_deref().map(|text| moment("since", text, zone, Edge::Start)).transpose()?;
        let since = since.map_or(i64::MIN, |at| at.timestamp_millis());
        let tool = wish.tool.as_deref().map(str::trim);
        let rows = self.desk.deps.activity.of(&context.caller.user).await?;
        let mut fitting = rows
            .into_iter()
            .rev()
            .filter(|row| row.at_ms >= since && tool.is_none_or(|tool| row.tool == tool));
        let items: Vec<Item> = fitting
            .by_ref()
            .take(wish.limit.unwrap_or(DEFAULT_LIMIT))
            .map(|row| Item {
                at: local_text(instant(Timestamp::from_millis(row.at_ms)), zone),
                service: row.service,
                tool: row.tool,
                client_id: row.client,
                outcome: row.outcome,
                target_id: row.target_id,
                request_id: row.request_id,
            })
            .collect();
        let mut text = format!("{} calls\n", items.len());
        for item in &items {
            let _ = writeln!(text, "- {} · {} · {} {}", item.at, item.tool, item.outcome, item.target_id);
        }
        let listed = Listed { count: items.len(), items, has_more: fitting.next().is_some(), warnings };
        ToolOutput::new(with_notes(text, &listed.warnings, None), &listed).map_err(ToolError::internal)
    }
}
