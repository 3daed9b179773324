//! Teams and their channels: reading them, and finding a team by what people call it.

use super::chat::{MAX_CHATS, Member, MemberView};
use super::recipient::folded;
use super::{Desk, asker, fault};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Permission to see one's teams.
pub(super) const TEAMS: &[&str] = &["Team.ReadBasic.All"];
/// Permissions to see the channels of one's teams, named by a team.
pub(super) const CHANNELS: &[&str] = &["Team.ReadBasic.All", "Channel.ReadBasic.All"];
/// Permissions to see who is in a team, and who in a channel; an administrator grants them.
pub(super) const TEAM_MEMBERS: &str = "TeamMember.Read.All";
pub(super) const CHANNEL_MEMBERS: &str = "ChannelMember.Read.All";
const MAX_PAGES: usize = 10;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct View<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    membership_type: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    is_archived: Option<bool>,
}

/// A team or a channel as callers get it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct PlaceItem {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    /// Of a channel: standard, private or shared.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub(super) kind: String,
    pub(super) archived: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link: String,
}

/// Properties of a team or channel in an output schema.
pub(super) fn place_schema() -> Value {
    json!({
        "id": {"type": "string"}, "name": {"type": "string"}, "description": {"type": "string"},
        "type": {"type": "string"}, "archived": {"type": "boolean"}, "link": {"type": "string"},
    })
}

async fn places(desk: &Desk, context: &CallContext, target: Target) -> Result<Vec<PlaceItem>, GraphError> {
    let (mut all, mut link) = (Vec::new(), Some(target.build()));
    for _ in 0..MAX_PAGES {
        let Some(next) = link else { break };
        let answer = desk.deps.graph.send(asker(context), Request::teams(next)).await?;
        let page: Page<'_, View<'_>> = answer.view()?;
        all.extend(page.value.iter().map(|view| PlaceItem {
            id: view.id.to_string(),
            name: line(&view.display_name),
            description: line(&view.description),
            kind: view.membership_type.to_string(),
            archived: view.is_archived.unwrap_or_default(),
            link: view.web_url.to_string(),
        }));
        link = page.next_link();
    }
    Ok(all)
}

/// `GET /me/joinedTeams` (Team.ReadBasic.All); it takes no options at all.
pub(super) async fn joined(desk: &Desk, context: &CallContext) -> Result<Vec<PlaceItem>, ToolError> {
    places(desk, context, Target::new("/me/joinedTeams")).await.map_err(|error| fault(error, TEAMS))
}

/// `GET /teams/{id}/channels` (Channel.ReadBasic.All).
pub(super) async fn channels(
    desk: &Desk,
    context: &CallContext,
    team: &PlaceItem,
) -> Result<Vec<PlaceItem>, ToolError> {
    let target = Target::new(format!("/teams/{}/channels", segment(&team.id)))
        .with("$select", "id,displayName,description,membershipType,webUrl,isArchived");
    places(desk, context, target).await.map_err(|error| fault(error, CHANNELS))
}

/// The one channel of the one team that these name (Team.ReadBasic.All, Channel.ReadBasic.All).
pub(super) async fn channel(
    desk: &Desk,
    context: &CallContext,
    team: &str,
    channel: &str,
) -> Result<(PlaceItem, PlaceItem), ToolError> {
    let team = named("team", team, &joined(desk, context).await?)?;
    let channel = named("channel", channel, &channels(desk, context, &team).await?)?;
    Ok((team, channel))
}

/// Everybody else in a team (`GET /teams/{id}/members`, TeamMember.Read.All) or in a channel of it
/// (`…/channels/{id}/members`, ChannelMember.Read.All).
pub(super) async fn members(
    desk: &Desk,
    context: &CallContext,
    team: &PlaceItem,
    channel: Option<&PlaceItem>,
) -> Result<Vec<Member>, ToolError> {
    let (below, scope) = match channel {
        Some(channel) => (format!("/channels/{}", segment(&channel.id)), CHANNEL_MEMBERS),
        None => (String::new(), TEAM_MEMBERS),
    };
    let own = &*context.caller.user.oid;
    let (mut all, mut link) = (Vec::new(), Some(format!("/teams/{}{below}/members", segment(&team.id))));
    while let Some(next) = link.filter(|_| all.len() < MAX_CHATS) {
        let request = Request::teams(next).in_thread(channel.map_or(&team.id, |channel| &channel.id));
        let answer =
            desk.deps.graph.send(asker(context), request).await.map_err(|error| fault(error, &[scope]))?;
        let page: Page<'_, MemberView<'_>> = answer.view().map_err(|error| fault(error, &[scope]))?;
        all.extend(page.value.iter().filter(|view| !view.is(own)).map(Member::of));
        link = page.next_link();
    }
    Ok(all)
}

/// The one of the teams that `wanted` names, by id or name; never a guess among several.
pub(super) fn named(field: &str, wanted: &str, all: &[PlaceItem]) -> Result<PlaceItem, ToolError> {
    let name = folded(wanted);
    let fits = |holds: &dyn Fn(&PlaceItem) -> bool| -> Vec<&PlaceItem> {
        all.iter().filter(|one| holds(one)).collect()
    };
    let whole = fits(&|one| one.id == wanted.trim() || folded(&one.name) == name);
    let found = if whole.is_empty() { fits(&|one| folded(&one.name).contains(&name)) } else { whole };
    if let [one] = found.as_slice() {
        return Ok((*one).clone());
    }
    let listed: Vec<String> = all.iter().map(|one| format!("{} (id {})", one.name, one.id)).collect();
    let listed = listed.join(", ");
    if found.is_empty() {
        let text = format!("`{field}` names none of these: {listed}.");
        return Err(ToolError::new(ToolErrorKind::NotFound, text));
    }
    Err(ToolError::invalid(field, format!("`{field}` fits several of these, so use an id: {listed}.")))
}
