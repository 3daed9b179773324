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

/// `GET /teams/{id}/channels`: private and shared ones are shown to their members.
pub(super) fn list(call: &Call<'_>, book: &Seeded, id: &str) -> Result<Answer, GraphError> {
    if !call.granted(&["Channel.ReadBasic.All"]) {
        return Err(forbidden());
    }
    Options::read(call, &["$select", "$filter", "$expand"])?;
    if uuid::Uuid::try_parse(id).is_err() {
        return Err(GraphError::bad_request("teamId needs to be a valid GUID."));
    }
    let team = book.teams.iter().find(|team| team.id == id).ok_or_else(not_found)?;
    if !team.has(call.oid) {
        return Err(forbidden());
    }
    let wanted: Vec<&str> =
        call.query.get("$select").map_or_else(|| CHANNEL.to_vec(), |text| text.split(',').collect());
    if let Some(odd) = wanted.iter().find(|name| !CHANNEL.contains(name)) {
        let text = format!("Could not find a property named '{odd}' on type 'microsoft.graph.channel'.");
        return Err(GraphError::bad_request(text));
    }
    let sees = |channel: &&Channel| {
        channel.members.is_empty() || channel.members.iter().any(|member| member.oid == call.oid)
    };
    let rows: Vec<&Channel> = team.channels.iter().filter(sees).collect();
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
