//! Messages of a chat: newest first, by one of two moments, and never the other way round.
use serde_json::json;

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::filter::{clauses, not_allowed};
use super::render::Place;
use super::{not_found, page, page_size, render};
use crate::sim::seed::teams::{Chat, Post};

/// Scopes that show messages.
pub(super) const READ: [&str; 2] = ["Chat.Read", "Chat.ReadWrite"];
const CREATED: &str = "createdDateTime";
const MODIFIED: &str = "lastModifiedDateTime";
/// Page when none is asked for.
const PAGE: usize = 20;

/// `GET /chats/{id}/messages`.
pub(super) fn list(call: &Call<'_>, chat: &Chat) -> Result<Answer, GraphError> {
    let size = page_size(call, &["$top", "$filter", "$orderby", "$skiptoken"], PAGE)?;
    let order = order(call)?;
    let mut rows: Vec<&Post> = chat.posts.iter().collect();
    rows.sort_by_key(|post| {
        std::cmp::Reverse(if order == Some(MODIFIED) { post.modified() } else { post.at })
    });
    if let Some(filter) = call.query.get("$filter") {
        narrow(&mut rows, filter, order)?;
    }
    let place = Place::Chat(&chat.id);
    page(call, &place.context(), &rows, size, |post| render::message(place, post))
}

fn order(call: &Call<'_>) -> Result<Option<&'static str>, GraphError> {
    let Some(text) = call.query.get("$orderby").map(str::trim) else { return Ok(None) };
    let (name, direction) = text.split_once(' ').unwrap_or((text, "asc"));
    match (name, direction.trim()) {
        (CREATED, "desc") => Ok(Some(CREATED)),
        (MODIFIED, "desc") => Ok(Some(MODIFIED)),
        (CREATED | MODIFIED, _) => Err(GraphError::bad_request(format!(
            "QueryOptions to order by '{name}' in 'Ascending' direction is not supported."
        ))),
        _ => Err(GraphError::bad_request(format!("QueryOptions to order by '{name}' is not supported."))),
    }
}

/// Created: before a moment only; modified: before or after. Without the same `$orderby`, a filter by creation is
/// not applied and nothing says so (seen at Graph: withcoral/coral#1990).
fn narrow(rows: &mut Vec<&Post>, filter: &str, order: Option<&'static str>) -> Result<(), GraphError> {
    for clause in clauses(filter)? {
        match (clause.property, clause.op) {
            (CREATED, "lt") | (MODIFIED, "lt" | "gt") => {}
            (CREATED | MODIFIED, _) => return Err(not_allowed(&clause)),
            _ => return Err(GraphError::bad_request("Invalid filter clause")),
        }
        let bound = clause.moment()?;
        match order {
            None if clause.property == CREATED => {}
            Some(order) if order != clause.property => {
                return Err(GraphError::bad_request("The $filter property must be the one of $orderby."));
            }
            _ => rows.retain(|post| {
                let at = if clause.property == CREATED { post.at } else { post.modified() };
                if clause.op == "lt" { at < bound } else { at > bound }
            }),
        }
    }
    Ok(())
}

/// `GET /chats/{id}/messages/{id}`.
pub(super) fn get(call: &Call<'_>, chat: &Chat, id: &str) -> Result<Answer, GraphError> {
    Options::read(call, &[])?;
    let post = chat.posts.iter().find(|post| post.id() == id).ok_or_else(not_found)?;
    Ok(one(call, Place::Chat(&chat.id), post, 200))
}

/// One message as an answer.
pub(super) fn one(call: &Call<'_>, place: Place<'_>, post: &Post, status: u16) -> Answer {
    let mut body = render::message(place, post);
    if let Some(members) = body.as_object_mut() {
        let context = format!("{}/v1.0/$metadata#{}/$entity", call.origin, place.context());
        members.insert("@odata.context".to_owned(), json!(context));
    }
    Answer { status, ..Answer::json(body.to_string().into_bytes()) }
}
