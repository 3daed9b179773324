//! A chat: the view that borrows from Graph's answer, the item that callers get, and reading a person's chats.

use super::names::{Names, has_hangul};
use super::{Desk, NOTES, asker, message};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::services::time::{local_text, utc_text};
use crate::tools::context::CallContext;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Chats that are read for one answer.
pub(super) const MAX_CHATS: usize = 1_000;
/// Names of a chat without a topic are joined up to here.
const NAMED: usize = 5;
const PREVIEW_CHARS: usize = 200;

/// A chat as Graph sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ChatView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    topic: Text<'a>,
    #[serde(borrow)]
    chat_type: Text<'a>,
    created_date_time: Option<DateTime<Utc>>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    members: Vec<MemberView<'a>>,
    #[serde(borrow)]
    last_message_preview: Option<message::MessageView<'a>>,
    viewpoint: Option<Viewpoint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Viewpoint {
    last_message_read_date_time: Option<DateTime<Utc>>,
}

/// A member as Graph sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MemberView<'a> {
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
}

impl MemberView<'_> {
    pub(super) fn is(&self, oid: &str) -> bool {
        self.user_id.eq_ignore_ascii_case(oid)
    }
}

/// Somebody in a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mail: String,
}

impl Member {
    pub(super) fn of(view: &MemberView<'_>) -> Self {
        Self { id: view.user_id.to_string(), name: line(&view.display_name), mail: view.email.to_string() }
    }

    /// `Name <address>`, or whichever there is.
    pub(super) fn printed(&self) -> String {
        match (self.name.is_empty(), self.mail.is_empty()) {
            (false, false) => format!("{} <{}>", self.name, self.mail),
            (true, _) => self.mail.clone(),
            (false, true) => self.name.clone(),
        }
    }
}

/// A chat as callers get it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ChatItem {
    pub(super) chat_id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) korean_name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The others.
    pub(super) members: Vec<String>,
    pub(super) unread: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) last_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) last_at_utc: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) last_from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) last_message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link: String,
    #[serde(skip)]
    pub(super) people: Vec<Member>,
    /// When something was said last.
    #[serde(skip)]
    pub(super) at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub(super) created: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub(super) preview: Option<message::Raw>,
}

/// Properties of a chat in an output schema.
pub(super) fn chat_schema() -> Value {
    json!({
        "chat_id": {"type": "string"}, "name": {"type": "string"}, "korean_name": {"type": "string"},
        "type": {"type": "string"}, "members": {"type": "array", "items": {"type": "string"}},
        "unread": {"type": "boolean"}, "last_at": {"type": "string"}, "last_at_utc": {"type": "string"},
        "last_from": {"type": "string"}, "last_message": {"type": "string"}, "link": {"type": "string"},
    })
}

impl ChatItem {
    fn of(view: &ChatView<'_>, own: &str, names: &Names) -> Self {
        let people: Vec<Member> =
            view.members.iter().filter(|member| !member.is(own)).map(Member::of).collect();
        let last = view.last_message_preview.as_ref();
        let at = last.and_then(|last| last.created_date_time);
        let read = view.viewpoint.as_ref().and_then(|viewpoint| viewpoint.last_message_read_date_time);
        let mine = last.is_some_and(|last| last.author_id().eq_ignore_ascii_case(own));
        Self {
            chat_id: view.id.to_string(),
            name: named(&line(&view.topic), &people),
            korean_name: names.get(&view.id).unwrap_or_default().to_owned(),
            kind: view.chat_type.to_string(),
            members: people.iter().map(Member::printed).collect(),
            unread: !mine && at.is_some_and(|at| read.is_none_or(|read| read < at)),
            last_from: last.map(message::MessageView::author).unwrap_or_default(),
            link: view.web_url.to_string(),
            preview: last.map(message::Raw::of),
            created: view.created_date_time,
            at,
            people,
            ..Self::default()
        }
    }

    /// The chat with oneself, which no list of Graph's holds.
    pub(super) fn notes() -> Self {
        Self {
            chat_id: NOTES.to_owned(),
            name: "Notes to self".to_owned(),
            kind: "notes".to_owned(),
            ..Self::default()
        }
    }

    /// A chat with one person that is not there yet: it has no id.
    pub(super) fn with(person: Member) -> Self {
        let (name, kind) = (person.name.clone(), "oneOnOne".to_owned());
        Self { name, kind, members: vec![person.printed()], people: vec![person], ..Self::default() }
    }

    /// With what was said last as text, and when on the user's clock.
    pub(super) fn shown(mut self, zone: Tz) -> Self {
        if let Some(at) = self.at {
            self.last_at = local_text(at, zone);
            self.last_at_utc = utc_text(at);
        }
        if let Some(preview) = self.preview.take() {
            self.last_message = line(&preview.text(PREVIEW_CHARS));
        }
        self
    }

    /// What was said last was said after the period asked for: only the moment inside it is told.
    pub(super) fn forget_last(&mut self, at: Option<DateTime<Utc>>) {
        self.at = at;
        self.preview = None;
        self.last_from.clear();
    }

    /// Whether any of its names contains a text in lower case.
    pub(super) fn mentions(&self, wanted: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(wanted);
        has(&self.name)
            || has(&self.korean_name)
            || self.people.iter().any(|one| has(&one.name) || has(&one.mail))
    }

    /// Nobody can call it by a Korean name yet.
    pub(super) fn lacks_korean_name(&self) -> bool {
        self.korean_name.is_empty() && !has_hangul(&self.name)
    }

    /// Kind and people, to tell chats of one name apart.
    pub(super) fn told(&self) -> String {
        let korean =
            if self.korean_name.is_empty() { String::new() } else { format!(" ({})", self.korean_name) };
        format!(
            "\"{}\"{korean}, {} with {}, chat_id {}",
            self.name,
            self.kind,
            self.some_members(),
            self.chat_id
        )
    }

    fn some_members(&self) -> String {
        let shown: Vec<&str> = self.members.iter().take(NAMED).map(String::as_str).collect();
        match self.members.len().saturating_sub(NAMED) {
            0 if shown.is_empty() => "nobody else".to_owned(),
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// The chat as Markdown, with its number.
    pub(super) fn print(&self, number: usize) -> String {
        let korean =
            if self.korean_name.is_empty() { String::new() } else { format!(" ({})", self.korean_name) };
        let unread = if self.unread { " · unread" } else { "" };
        let when = self.last_at.get(..16).unwrap_or("no messages").replace('T', " ");
        let mut out = format!("{number}. **{}**{korean} · {} · {when}{unread}\n", self.name, self.kind);
        if self.kind != "oneOnOne" {
            let _ = writeln!(out, "   with {}", self.some_members());
        }
        if !self.last_message.is_empty() {
            let from =
                if self.last_from.is_empty() { String::new() } else { format!("{}: ", self.last_from) };
            let _ = writeln!(out, "   {from}{}", self.last_message);
        }
        let _ = writeln!(out, "   chat_id: {}", self.chat_id);
        out
    }
}

/// The topic, or the people.
fn named(topic: &str, people: &[Member]) -> String {
    if !topic.is_empty() {
        return topic.to_owned();
    }
    let names: Vec<&str> = people
        .iter()
        .take(NAMED)
        .map(|one| if one.name.is_empty() { one.mail.as_str() } else { one.name.as_str() })
        .collect();
    match people.len().saturating_sub(NAMED) {
        0 if names.is_empty() => "(nobody else)".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Chats, newest first, until there are `enough` or all of them; true when there are more than are read.
///
/// `GET /me/chats?$expand=members,lastMessagePreview&$top=50&$orderby=lastMessagePreview/createdDateTime desc`
/// (Chat.Read). Graph knows no `$select` here, and shows the chat with oneself to nobody.
pub(super) async fn read(
    desk: &Desk,
    context: &CallContext,
    names: &Names,
    enough: impl Fn(&[ChatItem]) -> bool,
) -> Result<(Vec<ChatItem>, bool), GraphError> {
    let target = Target::new("/me/chats")
        .with("$expand", "members,lastMessagePreview")
        .with("$top", "50")
        .with("$orderby", "lastMessagePreview/createdDateTime desc");
    let own = &*context.caller.user.oid;
    let (mut chats, mut link): (Vec<ChatItem>, _) = (Vec::new(), Some(target.build()));
    while let Some(next) = link {
        if chats.len() >= MAX_CHATS {
            return Ok((chats, true));
        }
        let answer = desk.deps.graph.send(asker(context), Request::teams(next)).await?;
        let page: Page<'_, ChatView<'_>> = answer.view()?;
        for view in &page.value {
            // A chat moves up when something is said between two pages, and then comes twice.
            if !chats.iter().any(|known| known.chat_id == *view.id) {
                chats.push(ChatItem::of(view, own, names));
            }
        }
        link = page.next_link();
        if enough(&chats) {
            return Ok((chats, link.is_some()));
        }
    }
    Ok((chats, false))
}

/// `GET /chats/{id}?$expand=members` (Chat.Read).
pub(super) async fn one(desk: &Desk, context: &CallContext, id: &str) -> Result<ChatItem, GraphError> {
    let target = Target::new(format!("/chats/{}", segment(id))).with("$expand", "members");
    let answer = desk.deps.graph.send(asker(context), Request::teams(target.build()).in_thread(id)).await?;
    let view: ChatView<'_> = answer.view()?;
    Ok(ChatItem::of(&view, &context.caller.user.oid, &Names::default()))
}

/// Everybody else in a chat: `GET /chats/{id}/members` (Chat.Read).
pub(super) async fn members(desk: &Desk, context: &CallContext, id: &str) -> Result<Vec<Member>, GraphError> {
    let own = &*context.caller.user.oid;
    let (mut all, mut link) = (Vec::new(), Some(format!("/chats/{}/members", segment(id))));
    while let Some(next) = link.filter(|_| all.len() < MAX_CHATS) {
        let answer = desk.deps.graph.send(asker(context), Request::teams(next).in_thread(id)).await?;
        let page: Page<'_, MemberView<'_>> = answer.view()?;
        let others = page.value.iter().filter(|view| !view.is(own));
        all.extend(others.map(Member::of));
        link = page.next_link();
    }
    Ok(all)
}
