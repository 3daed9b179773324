//! Chats: the list, one, and its members.
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::filter::{clauses, not_allowed};
use super::render;
use super::{forbidden, page, page_size};
use crate::sim::seed::teams::{Chat, ChatKind, Seeded};

/// Scopes that show chats and who is in them.
pub(super) const READ_BASIC: [&str; 3] = ["Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"];
/// Scopes that show what was said last.
const PREVIEW: [&str; 2] = ["Chat.Read", "Chat.ReadWrite"];
/// The one property that chats are sorted by.
const BY_PREVIEW: &str = "lastMessagePreview/createdDateTime";
/// Page when none is asked for.
const PAGE: usize = 20;

/// `GET /me/chats`. There is no `$select`, and the chat with oneself is not in it.
pub(super) fn list(call: &Call<'_>, book: &Seeded) -> Result<Answer, GraphError> {
    if !call.granted(&READ_BASIC) {
        return Err(forbidden());
    }
    let size = page_size(call, &["$top", "$filter", "$orderby", "$expand", "$skiptoken"], PAGE)?;
    let expand = Expand::read(call)?;
    let mut rows: Vec<&Chat> = book.chats.iter().filter(|chat| chat.has(call.oid)).collect();
    let order = call.query.get("$orderby").map(str::trim);
    match order {
        None => {}
        Some(order) if order == format!("{BY_PREVIEW} desc") => {
            rows.sort_by_key(|chat| std::cmp::Reverse(chat.posts.last().map(|post| post.at)));
        }
        Some(other) => {
            return Err(GraphError::bad_request(format!(
                "QueryOptions to order by '{other}' is not supported."
            )));
        }
    }
    if let Some(filter) = call.query.get("$filter") {
        narrow(&mut rows, filter, order.is_some())?;
    }
    page(call, "chats", &rows, size, |chat| entity(call, chat, expand))
}

fn narrow(rows: &mut Vec<&Chat>, filter: &str, ordered: bool) -> Result<(), GraphError> {
    for clause in clauses(filter)? {
        match (clause.property, clause.op) {
            ("chatType", "eq") => {
                let wanted = clause.text()?;
                rows.retain(|chat| word(chat.kind) == wanted);
            }
            ("topic", "eq") => {
                let wanted = clause.text()?;
                rows.retain(|chat| chat.topic.as_deref() == Some(wanted.as_str()));
            }
            (BY_PREVIEW, "gt" | "ge" | "lt" | "le") => {
                if !ordered {
                    return Err(GraphError::bad_request(
                        "A $filter on lastMessagePreview needs the same property in $orderby.",
                    ));
                }
                let bound = clause.moment()?;
                let holds = |at: DateTime<Utc>| match clause.op {
                    "gt" => at > bound,
                    "ge" => at >= bound,
                    "lt" => at < bound,
                    _ => at <= bound,
                };
                rows.retain(|chat| chat.posts.last().is_some_and(|post| holds(post.at)));
            }
            _ => return Err(not_allowed(&clause)),
        }
    }
    Ok(())
}

/// `GET /chats/{id}`.
pub(super) fn get(call: &Call<'_>, chat: &Chat) -> Result<Answer, GraphError> {
    Options::read(call, &["$expand"])?;
    Ok(whole(call, chat, Expand::read(call)?))
}

/// A chat as an answer, without what only `$expand` shows.
pub(super) fn one(call: &Call<'_>, chat: &Chat) -> Answer {
    whole(call, chat, Expand::default())
}

fn whole(call: &Call<'_>, chat: &Chat, expand: Expand) -> Answer {
    let mut body = entity(call, chat, expand);
    if let Some(members) = body.as_object_mut() {
        let context = format!("{}/v1.0/$metadata#chats/$entity", call.origin);
        members.insert("@odata.context".to_owned(), json!(context));
    }
    Answer::json(body.to_string().into_bytes())
}

/// `GET /chats/{id}/members`; all of them, without paging.
pub(super) fn members(call: &Call<'_>, chat: &Chat) -> Result<Answer, GraphError> {
    Options::read(call, &[])?;
    let context = format!("chats('{}')/members", chat.id);
    page(call, &context, &chat.members, usize::MAX, |member| render::member(&chat.id, member))
}

/// What `$expand` adds.
#[derive(Clone, Copy, Default)]
struct Expand {
    members: bool,
    preview: bool,
}

impl Expand {
    fn read(call: &Call<'_>) -> Result<Self, GraphError> {
        let mut expand = Self::default();
        for name in call.query.get("$expand").into_iter().flat_map(|text| text.split(',')) {
            match name.trim() {
                "members" => expand.members = true,
                "lastMessagePreview" if call.granted(&PREVIEW) => expand.preview = true,
                "lastMessagePreview" => return Err(forbidden()),
                other => {
                    return Err(GraphError::bad_request(format!(
                        "Could not find a property named '{other}' on type 'microsoft.graph.chat'."
                    )));
                }
            }
        }
        Ok(expand)
    }
}

fn word(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::OneOnOne => "oneOnOne",
        ChatKind::Group => "group",
        ChatKind::Meeting => "meeting",
    }
}

fn entity(call: &Call<'_>, chat: &Chat, expand: Expand) -> Value {
    let last = chat.posts.last();
    let seen = chat.read.get(call.oid).copied().or(last.map(|post| post.at)).unwrap_or(chat.created);
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("id", json!(chat.id));
    put("topic", json!(chat.topic));
    put("createdDateTime", json!(render::time(chat.created)));
    put(
        "lastUpdatedDateTime",
        json!(render::time(chat.posts.iter().map(|p| p.at).max().unwrap_or(chat.created))),
    );
    put("chatType", json!(word(chat.kind)));
    put("webUrl", json!(render::link(chat)));
    put("tenantId", json!(crate::sim::directory::TENANT_ID));
    put(
        "onlineMeetingInfo",
        match chat.kind {
            ChatKind::Meeting => json!({
                "calendarEventId": null,
                "joinWebUrl": format!("https://teams.microsoft.com/l/meetup-join/{}/0", render::encoded(&chat.id)),
                "organizer": { "id": chat.members.first().map(|m| m.oid.as_str()), "displayName": null, "userIdentityType": "aadUser" },
            }),
            ChatKind::OneOnOne | ChatKind::Group => Value::Null,
        },
    );
    put("viewpoint", json!({ "isHidden": false, "lastMessageReadDateTime": render::time(seen) }));
    if expand.members {
        put("members", chat.members.iter().map(|member| render::member(&chat.id, member)).collect());
    }
    if expand.preview {
        put("lastMessagePreview", last.map_or(Value::Null, render::preview));
    }
    body.into()
}
