//! `teams_list_teams` and `teams_list_channels`: where the user belongs to.

use super::recipient::folded;
use super::team::{self, CHANNELS, PlaceItem, TEAMS, place_schema};
use super::{ALIASES, Desk, listing_schema};
use crate::services::answer::{Answer, Applied};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// Lists teams.
pub(super) struct ListTeams {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

/// Lists the channels of a team.
pub(super) struct ListChannels {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    team: String,
    name: Option<String>,
    output_format: OutputFormat,
}

fn spec(
    (name, title, description): (&'static str, &'static str, &'static str),
    input_schema: Value,
    scopes: &'static [&'static str],
) -> ToolSpec {
    ToolSpec {
        name,
        title,
        description,
        input_schema,
        output_schema: listing_schema(&place_schema()),
        annotations: Annotations::READ_UNTRUSTED,
        scopes,
        aliases: ALIASES,
    }
}

impl ListTeams {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let input = json!({"type": "object", "properties": {
            "name": {"type": "string", "description": "Part of a team's name"},
            "output_format": output_format_schema(),
        }});
        let about = ("teams_list_teams", "List Teams", "List the teams that the user is a member of.");
        Self { desk, spec: spec(about, input, TEAMS) }
    }
}

impl ListChannels {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let input = json!({"type": "object", "properties": {
            "team": {"type": "string", "description": "Name or id of a team"},
            "name": {"type": "string", "description": "Part of a channel's name"},
            "output_format": output_format_schema(),
        }, "required": ["team"]});
        let about =
            ("teams_list_channels", "List Channels", "List the channels of a team that the user can see.");
        Self { desk, spec: spec(about, input, CHANNELS) }
    }
}

/// The answer of both.
fn listed(
    desk: &Desk,
    of: &str,
    all: Vec<PlaceItem>,
    wish: Wish,
    warnings: Vec<String>,
) -> Result<ToolOutput, ToolError> {
    let scanned = all.len();
    let wanted = wish.name.as_deref().map(folded);
    let items: Vec<PlaceItem> = all
        .into_iter()
        .filter(|one| wanted.as_ref().is_none_or(|wanted| folded(&one.name).contains(wanted)))
        .collect();
    let mut text = format!("{} {of}\n", items.len());
    for one in &items {
        let kind = if one.kind.is_empty() { String::new() } else { format!(" · {}", one.kind) };
        let archived = if one.archived { " · archived" } else { "" };
        let _ = writeln!(text, "- **{}**{kind}{archived} {}\n  id: {}", one.name, one.description, one.id);
    }
    let answer = Answer {
        count: items.len(),
        has_more: false,
        next_cursor: None,
        applied: Applied {
            engine: "list",
            post_filters: if wish.name.is_some() { vec!["name"] } else { Vec::new() },
            query: wish.name.unwrap_or_default(),
            scanned,
            ..Applied::default()
        },
        truncated: false,
        max_chars: desk.deps.settings.max_chars,
        items,
        warnings,
    };
    answer.output(text, wish.output_format)
}

#[async_trait]
impl Tool for ListTeams {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let all = team::joined(&self.desk, context).await?;
        listed(&self.desk, "teams", all, wish, warnings)
    }
}

#[async_trait]
impl Tool for ListChannels {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let team = team::named("team", &wish.team, &team::joined(&self.desk, context).await?)?;
        let all = team::channels(&self.desk, context, &team).await?;
        listed(&self.desk, &format!("channels of {}", team.name), all, wish, warnings)
    }
}
