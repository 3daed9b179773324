//! Changing what was said: one's own messages, and one's reactions to everybody's.
use chrono::SubsecRound as _;
use serde_json::Value;

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::write::{body, fill, own_mut};
use super::{Teams, forbidden, not_found, person};
use crate::sim::clock;
use crate::sim::seed::teams::{Chat, Post};

/// Scope that changes messages.
const WRITE: [&str; 1] = ["Chat.ReadWrite"];
/// Scopes that react to messages.
const REACT: [&str; 2] = ["ChatMessage.Send", "Chat.ReadWrite"];

/// `PATCH /chats/{id}/messages/{id}`, by the author alone.
pub(super) fn change(teams: &Teams, call: &Call<'_>, chat: &str, id: &str) -> Result<Answer, GraphError> {
    if !call.granted(&WRITE) {
        return Err(forbidden());
    }
    let wish = body(call)?;
    let mut book = teams.book.write();
    let everybody = book.everybody.clone();
    let post = own_post(own_mut(&mut book, call.oid, chat)?, call.oid, id)?;
    fill(post, &wish, &everybody)?;
    post.edited = Some(clock::now().trunc_subsecs(3));
    Ok(Answer::empty(204))
}

/// `POST /users/{id}/chats/{id}/messages/{id}/softDelete`, by the author alone.
pub(super) fn delete(
    teams: &Teams,
    call: &Call<'_>,
    user: &str,
    (chat, id): (&str, &str),
) -> Result<Answer, GraphError> {
    if !call.granted(&WRITE) || user != call.oid {
        return Err(forbidden());
    }
    let mut book = teams.book.write();
    let post = own_post(own_mut(&mut book, call.oid, chat)?, call.oid, id)?;
    *post =
        Post { deleted: Some(clock::now().trunc_subsecs(3)), ..Post::new(post.at, post.author.clone(), "") };
    Ok(Answer::empty(204))
}

/// `POST /chats/{id}/messages/{id}/setReaction`: the same one twice is one.
pub(super) fn react(teams: &Teams, call: &Call<'_>, chat: &str, id: &str) -> Result<Answer, GraphError> {
    if !call.granted(&REACT) {
        return Err(forbidden());
    }
    let wish = body(call)?;
    let what = wish.get("reactionType").and_then(Value::as_str).unwrap_or_default();
    // Teams takes one emoji, whatever it is made of.
    if what.is_empty() || what.chars().count() > 12 || what.chars().any(|c| c.is_ascii_alphanumeric()) {
        return Err(GraphError::bad_request("The reaction type is not supported."));
    }
    let mut book = teams.book.write();
    let author = person(&book, call.oid).cloned().ok_or_else(forbidden)?;
    let chat = own_mut(&mut book, call.oid, chat)?;
    let post = chat.posts.iter_mut().find(|post| post.id() == id).ok_or_else(not_found)?;
    if !post.reactions.iter().any(|(known, by)| known == what && by.oid == author.oid) {
        post.reactions.push((what.to_owned(), author));
    }
    Ok(Answer::empty(204))
}

/// A message that the person wrote and did not delete.
fn own_post<'a>(chat: &'a mut Chat, oid: &str, id: &str) -> Result<&'a mut Post, GraphError> {
    let post = chat.posts.iter_mut().find(|post| post.id() == id).ok_or_else(not_found)?;
    if post.is_by(oid) && post.deleted.is_none() && !post.event { Ok(post) } else { Err(forbidden()) }
}
