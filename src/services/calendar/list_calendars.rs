//! `calendar_list_calendars`: the user's calendars.

use super::{Desk, SCOPES, asker, calendars, fault};
use crate::services::answer::{Answer, Applied, listing_schema};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::mailbox::calendar_schema;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// The tool.
pub(super) struct ListCalendars {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    output_format: OutputFormat,
}

impl ListCalendars {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let item = json!({
            "id": {"type": "string"}, "name": {"type": "string"}, "is_default": {"type": "boolean"},
            "can_edit": {"type": "boolean"}, "owner": {"type": "string"},
        });
        let spec = ToolSpec {
            name: "calendar_list_calendars",
            title: "List Calendars",
            description: "List the user's calendars, shared ones included.",
            input_schema: json!({"type": "object", "properties": {
                "mailbox": calendar_schema(), "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&item),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for ListCalendars {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let mut items = calendars::all(&self.desk.deps.graph, asker(context)).await.map_err(fault)?;
        for calendar in &mut items {
            calendar.id = context.marked(&calendar.id);
        }
        let mut text = format!("{} calendars\n", items.len());
        for calendar in &items {
            let default = if calendar.is_default { " (default)" } else { "" };
            let _ = writeln!(
                text,
                "- **{}**{default} of {}\n  id: {}",
                calendar.name, calendar.owner, calendar.id
            );
        }
        let answer = Answer {
            count: items.len(),
            has_more: false,
            next_cursor: None,
            applied: Applied {
                engine: "list",
                mailbox: context.mailbox.as_ref().map(ToString::to_string),
                scanned: items.len(),
                ..Applied::default()
            },
            truncated: false,
            max_chars: self.desk.deps.settings.max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}
