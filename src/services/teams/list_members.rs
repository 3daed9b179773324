//! `teams_list_members`: who is in a chat, all of them.

use super::chat;
use super::{ALIASES, Desk, SCOPES, checked_chat_id, listing_schema, read_fault, recipient};
use crate::services::answer::{Answer, Applied};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// The tool.
pub(super) struct ListMembers {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    chat_id: Option<String>,
    recipient_name: Option<String>,
    output_format: OutputFormat,
}

#[derive(Serialize)]
struct MemberItem {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mail: String,
}

impl ListMembers {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "teams_list_members",
            title: "List Members",
            description: "List everybody else in a Teams chat, with their addresses.",
            input_schema: json!({"type": "object", "properties": {
                "chat_id": {"type": "string", "description": "Id of a chat, unchanged"},
                "recipient_name": {"type": "string", "description": "Name of the chat, instead of chat_id"},
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "mail": {"type": "string"},
            })),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for ListMembers {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let id = match (&wish.chat_id, &wish.recipient_name) {
            (Some(id), None) => checked_chat_id(id)?.to_owned(),
            (None, Some(name)) => recipient::chat_named(&self.desk, context, name).await?.chat_id,
            (None, None) | (Some(_), Some(_)) => {
                return Err(ToolError::invalid("chat_id", "Give either `chat_id` or `recipient_name`."));
            }
        };
        let people = chat::members(&self.desk, context, &id).await.map_err(read_fault)?;
        let mut text = format!("{} others\n", people.len());
        for one in &people {
            let _ = writeln!(text, "- {}", one.printed());
        }
        let items: Vec<MemberItem> =
            people.into_iter().map(|one| MemberItem { id: one.id, name: one.name, mail: one.mail }).collect();
        let answer = Answer {
            count: items.len(),
            has_more: false,
            next_cursor: None,
            applied: Applied { engine: "members", scanned: items.len(), ..Applied::default() },
            truncated: false,
            max_chars: self.desk.deps.settings.max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}
