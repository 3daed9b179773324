//! A message: the view that borrows from Graph's answer, and the flat item that callers get.

use crate::extract::html::{mail_html_to_markdown, mail_html_to_text, teams_html};
use crate::graph::page::Text;
use crate::services::answer::{clipped, line};
use crate::services::time::{local_text, utc_text};
use crate::tools::error::ToolError;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Characters of one message; Teams allows about 28 KB.
const MAX_TEXT: usize = 8_000;

/// A message as Graph sends it, or the preview of one. Every member may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MessageView<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    message_type: Text<'a>,
    pub(super) created_date_time: Option<DateTime<Utc>>,
    last_edited_date_time: Option<DateTime<Utc>>,
    deleted_date_time: Option<DateTime<Utc>>,
    is_deleted: Option<bool>,
    #[serde(borrow)]
    subject: Text<'a>,
    #[serde(borrow)]
    importance: Text<'a>,
    #[serde(borrow)]
    from: Option<FromView<'a>>,
    #[serde(borrow)]
    body: Option<BodyView<'a>>,
    #[serde(borrow)]
    attachments: Vec<CardView<'a>>,
    #[serde(borrow)]
    mentions: Vec<MentionView<'a>>,
    #[serde(borrow)]
    reactions: Vec<ReactionView<'a>>,
    #[serde(borrow)]
    web_url: Text<'a>,
    /// Answers to a post of a channel, where they were asked for.
    #[serde(borrow)]
    pub(super) replies: Vec<MessageView<'a>>,
    /// A link: there are more than these.
    #[serde(borrow, rename = "replies@odata.nextLink")]
    pub(super) more_replies: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FromView<'a> {
    #[serde(borrow)]
    user: Option<IdentityView<'a>>,
    #[serde(borrow)]
    application: Option<IdentityView<'a>>,
    #[serde(borrow)]
    device: Option<IdentityView<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IdentityView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BodyView<'a> {
    #[serde(borrow)]
    content_type: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CardView<'a> {
    #[serde(borrow)]
    content_type: Text<'a>,
    #[serde(borrow)]
    content_url: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MentionView<'a> {
    #[serde(borrow)]
    mention_text: Text<'a>,
    #[serde(borrow)]
    mentioned: Option<FromView<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ReactionView<'a> {
    #[serde(borrow)]
    reaction_type: Text<'a>,
}

impl MessageView<'_> {
    fn from(&self) -> Option<&IdentityView<'_>> {
        let from = self.from.as_ref()?;
        from.user.as_ref().or(from.application.as_ref()).or(from.device.as_ref())
    }

    /// Name of who wrote it; empty when Graph does not tell.
    pub(super) fn author(&self) -> String {
        self.from().map(|from| line(&from.display_name)).unwrap_or_default()
    }

    /// Object id of who wrote it, or nothing.
    pub(super) fn author_id(&self) -> &str {
        self.from.as_ref().and_then(|from| from.user.as_ref()).map_or("", |user| &user.id)
    }

    /// Something that happened to the chat, and not something that was said.
    pub(super) fn is_event(&self) -> bool {
        !matches!(&*self.message_type, "" | "message")
    }

    /// Whether it mentions a person.
    pub(super) fn mentions(&self, oid: &str) -> bool {
        let users = self.mentions.iter().filter_map(|mention| mention.mentioned.as_ref()?.user.as_ref());
        users.into_iter().any(|user| user.id.eq_ignore_ascii_case(oid))
    }

    /// What a change is about: the whole text as it stands, and when it was last written to.
    pub(super) fn version(&self) -> Value {
        let text = self.body.as_ref().map(|body| &*body.content);
        json!({"edited": self.last_edited_date_time, "text": text})
    }

    pub(super) fn has_attachments(&self) -> bool {
        !self.attachments.is_empty()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.deleted_date_time.is_some() || self.is_deleted == Some(true)
    }
}

/// Form of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyFormat {
    #[default]
    Markdown,
    Text,
    Html,
}

/// A text on its way to the reader.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    content: String,
    html: bool,
    gone: bool,
    event: bool,
}

impl Raw {
    pub(super) fn of(view: &MessageView<'_>) -> Self {
        let body = view.body.as_ref();
        Self {
            content: body.map(|body| body.content.to_string()).unwrap_or_default(),
            html: body.is_some_and(|body| body.content_type.eq_ignore_ascii_case("html")),
            gone: view.is_gone(),
            event: view.is_event(),
        }
    }

    /// As plain text of about so many characters.
    pub(super) fn text(&self, max: usize) -> String {
        self.written(BodyFormat::Text, max).0
    }

    /// The text, and the number of hidden parts that were left out.
    fn written(&self, format: BodyFormat, max: usize) -> (String, usize) {
        if self.gone {
            return ("(deleted)".to_owned(), 0);
        }
        if self.event {
            return ("(something happened to the chat, such as a new member or name)".to_owned(), 0);
        }
        let (text, hidden) = match (self.html, format) {
            (false, _) | (true, BodyFormat::Html) => (self.content.clone(), 0),
            (true, BodyFormat::Markdown) => {
                let done = mail_html_to_markdown(&teams_html(&self.content), max);
                (done.text, done.hidden_removed)
            }
            (true, BodyFormat::Text) => {
                let done = mail_html_to_text(&teams_html(&self.content), max);
                (done.text, done.hidden_removed)
            }
        };
        (clipped(text.trim().to_owned(), max), hidden)
    }
}

/// A file or card below a message.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CardItem {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
}

/// A message as callers get it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct MessageItem {
    pub(super) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) from: String,
    pub(super) mine: bool,
    pub(super) sent_local: String,
    pub(super) sent_utc: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) subject: String,
    pub(super) text: String,
    #[serde(skip_serializing_if = "is_false")]
    edited: bool,
    #[serde(skip_serializing_if = "is_false")]
    deleted: bool,
    /// An event of the chat.
    #[serde(skip_serializing_if = "is_false")]
    system: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    importance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<CardItem>,
    /// `👍 2`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unsafe_notes: Vec<String>,
    #[serde(skip)]
    raw: Option<Raw>,
    #[serde(skip)]
    pub(super) at: DateTime<Utc>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Properties of a message in an output schema.
pub(super) fn message_schema() -> Value {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "id": {"type": "string"}, "from": {"type": "string"}, "mine": {"type": "boolean"},
        "sent_local": {"type": "string"}, "sent_utc": {"type": "string"}, "subject": {"type": "string"},
        "text": {"type": "string"}, "edited": {"type": "boolean"}, "deleted": {"type": "boolean"},
        "system": {"type": "boolean"}, "importance": {"type": "string"}, "mentions": texts,
        "files": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "type": {"type": "string"}, "url": {"type": "string"}}}},
        "reactions": texts, "link": {"type": "string"}, "unsafe_notes": texts,
    })
}

impl MessageItem {
    pub(super) fn of(view: &MessageView<'_>, own: &str, zone: Tz) -> Self {
        let at = view.created_date_time.unwrap_or_default();
        let mut reactions: BTreeMap<&str, usize> = BTreeMap::new();
        for reaction in &view.reactions {
            *reactions.entry(&reaction.reaction_type).or_default() += 1;
        }
        Self {
            id: view.id.to_string(),
            from: view.author(),
            mine: view.author_id().eq_ignore_ascii_case(own),
            sent_local: local_text(at, zone),
            sent_utc: utc_text(at),
            subject: line(&view.subject),
            text: String::new(),
            edited: view.last_edited_date_time.is_some(),
            deleted: view.is_gone(),
            system: view.is_event(),
            importance: Some(view.importance.to_string()).filter(|word| word != "normal").unwrap_or_default(),
            mentions: view.mentions.iter().map(|mention| line(&mention.mention_text)).collect(),
            files: view.attachments.iter().map(card).collect(),
            reactions: reactions.into_iter().map(|(what, times)| format!("{} {times}", line(what))).collect(),
            link: view.web_url.to_string(),
            unsafe_notes: Vec::new(),
            raw: Some(Raw::of(view)),
            at,
        }
    }

    /// The message as Markdown.
    pub(super) fn print(&self) -> String {
        let mut marks = String::new();
        for (set, mark) in [
            (self.edited && !self.deleted, " · edited"),
            (self.importance == "urgent", " · urgent"),
            (self.importance == "high", " · important"),
        ] {
            if set {
                marks.push_str(mark);
            }
        }
        let when = self.sent_local.get(..16).unwrap_or(&self.sent_local).replace('T', " ");
        let from = match (self.from.is_empty(), self.mine) {
            (true, _) => "(Teams)",
            (false, true) => "me",
            (false, false) => &self.from,
        };
        let mut out = format!("**{from}** · {when}{marks} · id {}\n", self.id);
        if !self.text.is_empty() {
            let _ = writeln!(out, "{}", self.text);
        }
        for file in &self.files {
            let _ = writeln!(out, "- {} ({}) {}", file.name, file.kind, file.url);
        }
        if !self.reactions.is_empty() {
            let _ = writeln!(out, "- reactions: {}", self.reactions.join(", "));
        }
        for note in &self.unsafe_notes {
            let _ = writeln!(out, "- note: {note}");
        }
        out.push('\n');
        out
    }
}

fn card(view: &CardView<'_>) -> CardItem {
    let kind = match &*view.content_type {
        "reference" => "file",
        "messageReference" => "quoted message",
        other if other.starts_with("application/vnd.microsoft.card") => "card",
        other => other,
    };
    let name = line(&view.name);
    CardItem {
        name: if name.is_empty() { format!("({kind})") } else { name },
        kind: kind.to_owned(),
        url: view.content_url.to_string(),
    }
}

/// Fills `text` of every item, away from the async workers.
pub(super) async fn render(
    items: Vec<MessageItem>,
    format: BodyFormat,
) -> Result<Vec<MessageItem>, ToolError> {
    let all = move || {
        items
            .into_iter()
            .map(|mut item| {
                let (text, hidden) =
                    item.raw.take().map(|raw| raw.written(format, MAX_TEXT)).unwrap_or_default();
                if hidden > 0 {
                    item.unsafe_notes.push(format!("{hidden} hidden text parts were left out."));
                }
                item.text = text;
                item
            })
            .collect()
    };
    tokio::task::spawn_blocking(all)
        .await
        .map_err(|_| ToolError::internal("the conversion of a message failed"))
}
