//! `teams_list_members`: who is in a chat, a team or a channel, all of them.

use super::chat::{self, Member};
use super::team::{self, CHANNEL_MEMBERS, CHANNELS, TEAM_MEMBERS, TEAMS};
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

const NAME: &str = "teams_list_members";

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
    team: Option<String>,
    channel: Option<String>,
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
            name: NAME,
            title: "List Members",
            description: "List everybody else in a Teams chat, a team or a channel, with their addresses.",
            input_schema: json!({"type": "object", "properties": {
                "chat_id": {"type": "string", "description": "Id of a chat, unchanged"},
                "recipient_name": {"type": "string", "description": "Name of the chat, instead of chat_id"},
                "team": {"type": "string", "description": "Name or id of a team, instead of a chat"},
                "channel": {"type": "string", "description": "Name or id of a channel of the team"},
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

    /// Everybody else in the team or the channel.
    async fn of_team(
        &self,
        context: &CallContext,
        team: &str,
        channel: Option<&str>,
    ) -> Result<Vec<Member>, ToolError> {
        let Some(channel) = channel else {
            context.caller.require(NAME, &[TEAMS, &[TEAM_MEMBERS]].concat())?;
            let team = team::named("team", team, &team::joined(&self.desk, context).await?)?;
            return team::members(&self.desk, context, &team, None).await;
        };
        context.caller.require(NAME, &[CHANNELS, &[CHANNEL_MEMBERS]].concat())?;
        let (team, channel) = team::channel(&self.desk, context, team, channel).await?;
        team::members(&self.desk, context, &team, Some(&channel)).await
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
        let of_chat = async |id: &str| chat::members(&self.desk, context, id).await.map_err(read_fault);
        let people = match (&wish.chat_id, &wish.recipient_name, &wish.team, &wish.channel) {
            (Some(id), None, None, None) => of_chat(checked_chat_id(id)?).await?,
            (None, Some(name), None, None) => {
                of_chat(&recipient::chat_named(&self.desk, context, name).await?.chat_id).await?
            }
            (None, None, Some(team), channel) => self.of_team(context, team, channel.as_deref()).await?,
            _ => {
                let text =
                    "Give one of `chat_id`, `recipient_name` and `team`, and `channel` with `team` alone.";
                return Err(ToolError::invalid("chat_id", text));
            }
        };
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
