//! Sending: a message appears in its chat at once, for everybody in it.
use std::collections::BTreeSet;

use chrono::{Duration, SubsecRound as _};
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::{NOTES, Teams, forbidden, not_found, person, render};
use crate::sim::clock;
use crate::sim::seed::colleagues::Colleague;
use crate::sim::seed::teams::{Author, Post};

/// Scopes that send messages.
const SEND: [&str; 2] = ["ChatMessage.Send", "Chat.ReadWrite"];
/// Largest message, in bytes.
const MAX: usize = 28 << 10;

/// `POST /chats/{id}/messages`.
pub(super) fn send(teams: &Teams, call: &Call<'_>, id: &str) -> Result<Answer, GraphError> {
    if !call.granted(&SEND) {
        return Err(forbidden());
    }
    let wish: Value = serde_json::from_slice(call.body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))?;
    let content = wish.pointer("/body/content").and_then(Value::as_str).unwrap_or_default();
    if content.is_empty() {
        return Err(GraphError::bad_request("Missing body content"));
    }
    if call.body.len() > MAX {
        return Err(GraphError::new(413, "RequestEntityTooLarge", "The message is too large."));
    }
    let mut book = teams.book.write();
    let author = person(&book, call.oid).cloned().ok_or_else(forbidden)?;
    let mentions = mentions(&wish, content, &book.everybody)?;
    let chat = if id == NOTES {
        book.notes.get_mut(call.oid).ok_or_else(not_found)?
    } else {
        book.chats.iter_mut().find(|chat| chat.id == id).ok_or_else(not_found)?
    };
    if !chat.has(call.oid) {
        return Err(forbidden());
    }
    // Ids are moments: two messages of one millisecond would be one.
    let after = chat.posts.last().map(|post| post.at + Duration::milliseconds(1));
    let now = clock::now().trunc_subsecs(3);
    let mut post =
        Post::new(after.map_or(now, |after| now.max(after)), Author::Person(author), content.to_owned());
    post.html = wish.pointer("/body/contentType").and_then(Value::as_str) == Some("html");
    post.mentions = mentions;
    let mut answer = render::message(id, &post);
    chat.posts.push(post);
    if let Some(members) = answer.as_object_mut() {
        let context =
            format!("{}/v1.0/$metadata#chats('{}')/messages/$entity", call.origin, render::encoded(id));
        members.insert("@odata.context".to_owned(), json!(context));
    }
    Ok(Answer { status: 201, ..Answer::json(answer.to_string().into_bytes()) })
}

/// The people mentioned; each mention stands in the text by its number, and nothing else does.
fn mentions(wish: &Value, content: &str, everybody: &[Colleague]) -> Result<Vec<Colleague>, GraphError> {
    let marked: BTreeSet<&str> = content
        .split("<at id=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(id, _)| id))
        .collect();
    let mut found = Vec::new();
    for mention in wish.get("mentions").and_then(Value::as_array).into_iter().flatten() {
        let id = mention.get("id").and_then(Value::as_u64).unwrap_or(u64::MAX).to_string();
        if !marked.contains(id.as_str()) {
            return Err(GraphError::bad_request(format!(
                "Neither Body nor adaptive card content contains marker for mention with Id '{id}'."
            )));
        }
        let oid = mention.pointer("/mentioned/user/id").and_then(Value::as_str).unwrap_or_default();
        let one = everybody.iter().find(|one| one.oid == oid);
        found.push(one.cloned().ok_or_else(|| GraphError::bad_request("Invalid mentioned user."))?);
    }
    if found.len() != marked.len() {
        return Err(GraphError::bad_request("The body has a marker without a mention."));
    }
    Ok(found)
}
