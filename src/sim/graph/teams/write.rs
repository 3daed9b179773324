//! Sending: a message appears in its chat or channel at once, for everybody in it.
use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::render::Place;
use super::{NOTES, Teams, channels, chats, forbidden, messages, not_found, person};
use crate::sim::clock;
use crate::sim::seed::colleagues::Colleague;
use crate::sim::seed::teams::{Author, Card, Chat, ChatKind, Post, Seeded, chat_id};

/// Scopes that send messages to chats.
const SEND: [&str; 2] = ["ChatMessage.Send", "Chat.ReadWrite"];
/// Largest message, in bytes.
const MAX: usize = 28 << 10;

/// `POST /chats/{id}/messages`.
pub(super) fn send(teams: &Teams, call: &Call<'_>, id: &str) -> Result<Answer, GraphError> {
    if !call.granted(&SEND) {
        return Err(forbidden());
    }
    let mut book = teams.book.write();
    let mut post = draft(call, &book)?;
    let chat = own_mut(&mut book, call.oid, id)?;
    post.at = next(chat.posts.last());
    let answer = messages::one(call, Place::Chat(id), &post, 201);
    chat.posts.push(post);
    Ok(answer)
}

/// The chat behind an id, if the person is in it.
pub(super) fn own_mut<'a>(book: &'a mut Seeded, oid: &str, id: &str) -> Result<&'a mut Chat, GraphError> {
    let chat =
        if id == NOTES { book.notes.get_mut(oid) } else { book.chats.iter_mut().find(|chat| chat.id == id) };
    let chat = chat.ok_or_else(not_found)?;
    if chat.has(oid) { Ok(chat) } else { Err(forbidden()) }
}

/// `POST /teams/{id}/channels/{id}/messages`, or `…/{root}/replies`. What is archived takes no posts.
pub(super) fn post(
    teams: &Teams,
    call: &Call<'_>,
    (team, channel): (&str, &str),
    root: Option<&str>,
) -> Result<Answer, GraphError> {
    if !call.granted(&["ChannelMessage.Send", "Group.ReadWrite.All"]) {
        return Err(forbidden());
    }
    let mut book = teams.book.write();
    let mut post = draft(call, &book)?;
    let (found, place) = channels::own(call, &book, team, channel)?;
    if found.archived || place.archived {
        return Err(GraphError::new(403, "Forbidden", "The team or channel is archived."));
    }
    let spot = (found.id.clone(), place.id.clone());
    let channel = channels::find_mut(&mut book, &spot).ok_or_else(not_found)?;
    let everything = channel.posts.iter().flat_map(|post| std::iter::once(post).chain(&post.replies));
    post.at = next(everything.max_by_key(|post| post.at));
    let place = Place::Channel { team: &spot.0, channel: &spot.1, root };
    let answer = messages::one(call, place, &post, 201);
    match root {
        None => channel.posts.push(post),
        Some(root) => {
            let root = channel.posts.iter_mut().find(|post| post.id() == root).ok_or_else(not_found)?;
            root.replies.push(post);
        }
    }
    Ok(answer)
}

/// `POST /chats`: one between two people is the same whoever asks for it again.
pub(super) fn start(teams: &Teams, call: &Call<'_>) -> Result<Answer, GraphError> {
    if !call.granted(&["Chat.Create", "Chat.ReadWrite"]) {
        return Err(forbidden());
    }
    let wish = body(call)?;
    if wish.get("chatType").and_then(Value::as_str) != Some("oneOnOne") {
        return Err(GraphError::bad_request("This tenant starts chats of the type 'oneOnOne' only."));
    }
    let mut book = teams.book.write();
    let mut members: Vec<Colleague> = Vec::new();
    for member in wish.get("members").and_then(Value::as_array).into_iter().flatten() {
        if member.get("roles").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return Err(GraphError::bad_request("Invalid roles specified for member."));
        }
        let bind = member.get("user@odata.bind").and_then(Value::as_str).unwrap_or_default();
        let id =
            bind.split_once("/users('").and_then(|(_, rest)| rest.strip_suffix("')")).unwrap_or_default();
        let one = book.everybody.iter().find(|one| one.oid == id || one.mail.eq_ignore_ascii_case(id));
        members.push(one.cloned().ok_or_else(not_found)?);
    }
    if members.len() != 2 || !members.iter().any(|one| one.oid == call.oid) {
        return Err(GraphError::bad_request("A oneOnOne chat has two members, one of whom is the caller."));
    }
    let id = chat_id(ChatKind::OneOnOne, &members, "");
    if !book.chats.iter().any(|chat| chat.id == id) {
        let created = clock::now().trunc_subsecs(3);
        let (read, posts) = (std::collections::HashMap::new(), Vec::new());
        let kind = ChatKind::OneOnOne;
        book.chats.push(Chat { id: id.clone(), kind, topic: None, created, members, read, posts });
    }
    let chat = book.chats.iter().find(|chat| chat.id == id).ok_or_else(not_found)?;
    Ok(Answer { status: 201, ..chats::one(call, chat) })
}

/// The JSON of a request.
pub(super) fn body(call: &Call<'_>) -> Result<Value, GraphError> {
    serde_json::from_slice(call.body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))
}

/// Ids are moments: two messages of one millisecond would be one.
fn next(last: Option<&Post>) -> DateTime<Utc> {
    let now = clock::now().trunc_subsecs(3);
    last.map_or(now, |last| now.max(last.at + Duration::milliseconds(1)))
}

/// The message that a request describes, by the caller.
fn draft(call: &Call<'_>, book: &Seeded) -> Result<Post, GraphError> {
    let wish = body(call)?;
    if call.body.len() > MAX {
        return Err(GraphError::new(413, "RequestEntityTooLarge", "The message is too large."));
    }
    let author = person(book, call.oid).cloned().ok_or_else(forbidden)?;
    let mut post = Post::new(clock::now(), Author::Person(author), "");
    fill(&mut post, &wish, &book.everybody)?;
    post.subject = wish.get("subject").and_then(Value::as_str).map(|text| Cow::Owned(text.to_owned()));
    Ok(post)
}

/// Writes body, mentions and cards of a wish into a message.
pub(super) fn fill(post: &mut Post, wish: &Value, everybody: &[Colleague]) -> Result<(), GraphError> {
    let content = wish.pointer("/body/content").and_then(Value::as_str).unwrap_or_default();
    if content.is_empty() {
        return Err(GraphError::bad_request("Missing body content"));
    }
    post.mentions = mentions(wish, content, everybody)?;
    post.cards = cards(wish, content)?;
    post.body = Cow::Owned(content.to_owned());
    post.html = wish.pointer("/body/contentType").and_then(Value::as_str) == Some("html");
    Ok(())
}

/// Ids of the elements of a name in the text.
fn marked<'a>(content: &'a str, element: &str) -> BTreeSet<&'a str> {
    let start = format!("<{element} id=\"");
    content.split(&start).skip(1).filter_map(|rest| rest.split_once('"').map(|(id, _)| id)).collect()
}

/// The people mentioned; each mention stands in the text by its number, and nothing else does.
fn mentions(wish: &Value, content: &str, everybody: &[Colleague]) -> Result<Vec<Colleague>, GraphError> {
    let marked = marked(content, "at");
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

/// Files and quoted messages; each stands in the text by its id.
fn cards(wish: &Value, content: &str) -> Result<Vec<Card>, GraphError> {
    let marked = marked(content, "attachment");
    let mut found = Vec::new();
    for card in wish.get("attachments").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| card.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("id").filter(|id| marked.contains(id.as_str()));
        let id = id.ok_or_else(|| GraphError::bad_request("The body has no marker for an attachment."))?;
        let content_type = text("contentType").unwrap_or_default();
        let quoted = text("content").and_then(|content| serde_json::from_str::<Value>(&content).ok());
        let fits = match content_type.as_str() {
            "reference" => {
                uuid::Uuid::try_parse(&id).is_ok()
                    && text("contentUrl").is_some_and(|url| url.starts_with("http"))
                    && text("name").is_some()
            }
            "messageReference" => quoted.is_some_and(|quoted| quoted.get("messageId") == Some(&json!(id))),
            _ => false,
        };
        if !fits {
            return Err(GraphError::bad_request(format!("Invalid attachment '{id}'.")));
        }
        found.push(Card {
            id: Some(id),
            content_type: Cow::Owned(content_type),
            name: text("name").map(Cow::Owned),
            url: text("contentUrl"),
            content: text("content"),
        });
    }
    if found.len() != marked.len() {
        return Err(GraphError::bad_request("The body has a marker without an attachment."));
    }
    Ok(found)
}
