//! Teams that one is in, and their channels.
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::{forbidden, not_found, page, render};
use crate::sim::directory::TENANT_ID;
use crate::sim::seed::teams::{Channel, Seeded, Team};

const CHANNEL: [&str; 9] = [
    "id",
    "createdDateTime",
    "displayName",
    "description",
    "email",
    "tenantId",
    "webUrl",
    "membershipType",
    "isArchived",
];

/// `GET /me/joinedTeams`, which takes no options at all.
pub(super) fn joined(call: &Call<'_>, book: &Seeded) -> Result<Answer, GraphError> {
    if !call.granted(&["Team.ReadBasic.All"]) {
        return Err(forbidden());
    }
    if let Some(name) = call.query.names().next() {
        return Err(GraphError::bad_request(format!("Query option '{name}' is not allowed.")));
    }
    let rows: Vec<&Team> = book.teams.iter().filter(|team| team.has(call.oid)).collect();
    page(call, "teams", &rows, usize::MAX, |team| {
        json!({
            "id": team.id, "createdDateTime": null, "displayName": team.name, "description": team.description,
            "internalId": null, "classification": null, "specialization": null, "visibility": null, "webUrl": null,
            "isArchived": team.archived, "tenantId": TENANT_ID,
        })
    })
}

/// The team behind an id, if the caller is in it.
fn own_team<'a>(call: &Call<'_>, book: &'a Seeded, id: &str) -> Result<&'a Team, GraphError> {
    if uuid::Uuid::try_parse(id).is_err() {
        return Err(GraphError::bad_request("teamId needs to be a valid GUID."));
    }
    let team = book.teams.iter().find(|team| team.id == id).ok_or_else(not_found)?;
    if team.has(call.oid) { Ok(team) } else { Err(forbidden()) }
}

fn sees(call: &Call<'_>, channel: &Channel) -> bool {
    channel.members.is_empty() || channel.members.iter().any(|member| member.oid == call.oid)
}

/// The channel behind an id, if the caller sees it.
pub(super) fn own<'a>(
    call: &Call<'_>,
    book: &'a Seeded,
    team: &str,
    id: &str,
) -> Result<(&'a Team, &'a Channel), GraphError> {
    let team = own_team(call, book, team)?;
    if !(id.starts_with("19:") && id.contains('@')) {
        return Err(GraphError::bad_request("Bad format of conversation ID."));
    }
    let channel = team.channels.iter().find(|channel| channel.id == id).ok_or_else(not_found)?;
    if sees(call, channel) { Ok((team, channel)) } else { Err(forbidden()) }
}

/// The same channel to write in.
pub(super) fn find_mut<'a>(book: &'a mut Seeded, (team, id): &(String, String)) -> Option<&'a mut Channel> {
    let team = book.teams.iter_mut().find(|known| known.id == *team)?;
    team.channels.iter_mut().find(|channel| channel.id == *id)
}

/// `GET /teams/{id}/channels`: private and shared ones are shown to their members.
pub(super) fn list(call: &Call<'_>, book: &Seeded, id: &str) -> Result<Answer, GraphError> {
    if !call.granted(&["Channel.ReadBasic.All"]) {
        return Err(forbidden());
    }
    Options::read(call, &["$select", "$filter", "$expand"])?;
    let team = own_team(call, book, id)?;
    let wanted: Vec<&str> =
        call.query.get("$select").map_or_else(|| CHANNEL.to_vec(), |text| text.split(',').collect());
    if let Some(odd) = wanted.iter().find(|name| !CHANNEL.contains(name)) {
        let text = format!("Could not find a property named '{odd}' on type 'microsoft.graph.channel'.");
        return Err(GraphError::bad_request(text));
    }
    let rows: Vec<&Channel> = team.channels.iter().filter(|channel| sees(call, channel)).collect();
    page(call, &format!("teams('{id}')/channels"), &rows, usize::MAX, |channel| {
        let all = json!({
            "id": channel.id, "createdDateTime": "2024-03-04T09:00:00Z", "displayName": channel.name,
            "description": null, "email": "", "tenantId": TENANT_ID, "membershipType": channel.kind,
            "webUrl": format!("https://teams.microsoft.com/l/channel/{}/x?groupId={id}", render::encoded(&channel.id)),
            "isArchived": channel.archived,
        });
        let Value::Object(mut members) = all else { return Value::Null };
        members.retain(|name, _| name == "id" || wanted.contains(&name.as_str()));
        members.into()
    })
}

/// `GET /teams/{id}/members`, or `…/channels/{id}/members`; a page holds everybody here.
pub(super) fn members(
    call: &Call<'_>,
    book: &Seeded,
    team: &str,
    channel: Option<&str>,
) -> Result<Answer, GraphError> {
    let scope = if channel.is_some() { "ChannelMember.Read.All" } else { "TeamMember.Read.All" };
    if !call.granted(&[scope]) {
        return Err(forbidden());
    }
    Options::read(call, &["$filter", "$select"])?;
    let (of, people) = match channel {
        Some(id) => {
            let (team, channel) = own(call, book, team, id)?;
            (
                format!("teams('{}')/channels('{}')", team.id, render::encoded(&channel.id)),
                channel.people(team),
            )
        }
        None => (format!("teams('{team}')"), own_team(call, book, team)?.members.as_slice()),
    };
    page(call, &format!("{of}/members"), people, usize::MAX, |member| render::member(&of, member))
}
