//! A message: the view that borrows from Graph's answer, and the flat item that callers get.

use crate::domain::mailbox::Mailbox;
use crate::graph::page::{Text, instant};
use crate::services::answer::line;
use crate::services::time::{local_text, utc_text};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Properties of every listing.
pub(super) const LIST_SELECT: &str = "id,subject,from,toRecipients,receivedDateTime,isRead,hasAttachments,\
                                      importance,conversationId,bodyPreview,parentFolderId,webLink";
/// A body beyond this is cut before anything looks at it, in bytes.
const MAX_RAW_BODY: usize = 1 << 20;

/// A message as Graph sends it. Every member may be missing: drafts have no sender, searches return fewer members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MessageView<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) subject: Text<'a>,
    #[serde(borrow)]
    pub(super) from: Option<RecipientView<'a>>,
    #[serde(borrow)]
    pub(super) to_recipients: Vec<RecipientView<'a>>,
    #[serde(borrow)]
    pub(super) cc_recipients: Vec<RecipientView<'a>>,
    #[serde(borrow)]
    pub(super) bcc_recipients: Vec<RecipientView<'a>>,
    #[serde(deserialize_with = "instant")]
    pub(super) received_date_time: Option<DateTime<Utc>>,
    pub(super) is_read: Option<bool>,
    pub(super) has_attachments: Option<bool>,
    #[serde(borrow)]
    pub(super) importance: Text<'a>,
    #[serde(borrow)]
    pub(super) conversation_id: Text<'a>,
    #[serde(borrow)]
    pub(super) body_preview: Text<'a>,
    #[serde(borrow)]
    pub(super) parent_folder_id: Text<'a>,
    #[serde(borrow)]
    pub(super) web_link: Text<'a>,
    #[serde(borrow)]
    pub(super) body: Option<BodyView<'a>>,
    #[serde(borrow)]
    pub(super) unique_body: Option<BodyView<'a>>,
    #[serde(borrow)]
    pub(super) attachments: Vec<super::attachment_view::AttachmentView<'a>>,
}

/// A person in a header line.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RecipientView<'a> {
    #[serde(borrow)]
    pub(super) email_address: AddressView<'a>,
}

/// Name and address; either may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddressView<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) address: Text<'a>,
}

/// A body as asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BodyView<'a> {
    #[serde(borrow)]
    pub(super) content_type: Text<'a>,
    #[serde(borrow)]
    pub(super) content: Text<'a>,
}

impl RecipientView<'_> {
    /// `Name <address>`, or whichever there is.
    fn printed(&self) -> String {
        let (name, address) = (line(&self.email_address.name), line(&self.email_address.address));
        match (name.is_empty() || name.eq_ignore_ascii_case(&address), address.is_empty()) {
            (true, _) => address,
            (false, true) => name,
            (false, false) => [&name, " <", &address, ">"].concat(),
        }
    }
}

impl<'a> MessageView<'a> {
    pub(super) fn sender(&self) -> &str {
        self.from.as_ref().map_or("", |from| &from.email_address.address)
    }

    /// Everybody it went to.
    pub(super) fn recipients(&self) -> impl Iterator<Item = &RecipientView<'a>> {
        self.to_recipients.iter().chain(&self.cc_recipients).chain(&self.bcc_recipients)
    }
}

/// A body on its way to the reader.
#[derive(Clone, Debug)]
pub(super) struct RawBody {
    pub(super) content: String,
    pub(super) html: bool,
    /// It was longer.
    pub(super) cut: bool,
}

impl RawBody {
    pub(super) fn of(view: &BodyView<'_>) -> Self {
        let mut end = view.content.len().min(MAX_RAW_BODY);
        while !view.content.is_char_boundary(end) {
            end -= 1;
        }
        let content = view.content.get(..end).unwrap_or_default().to_owned();
        let html = view.content_type.eq_ignore_ascii_case("html");
        Self { cut: content.len() < view.content.len(), content, html }
    }
}

/// A message as callers get it. Absent members are left out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cc: Vec<String>,
    pub(super) received_local: String,
    pub(super) received_utc: String,
    pub(super) unread: bool,
    pub(super) has_attachments: bool,
    pub(super) importance: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) folder: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) thread_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) preview: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link: String,
    /// The sender is outside the user's own domain.
    pub(super) external: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unsafe_notes: Vec<String>,
    #[serde(skip)]
    pub(super) raw: Option<RawBody>,
    #[serde(skip)]
    pub(super) received: DateTime<Utc>,
}

/// What projection needs beside the message.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) zone: Tz,
    /// The user's mail domain, in lower case; empty when unknown.
    pub(super) own_domain: String,
    /// The mailbox that it lies in, when not the user's own.
    pub(super) mailbox: Option<Mailbox>,
    /// Name of the folder that was asked for.
    pub(super) folder: Option<String>,
}

impl Frame {
    /// An id as callers get it, see [`Mailbox::marked`].
    pub(super) fn marked(&self, id: &str) -> String {
        self.mailbox.as_ref().map_or_else(|| id.to_owned(), |mailbox| mailbox.marked(id))
    }

    /// The domain of a user name such as `alice@contoso.example`.
    pub(super) fn domain_of(username: &str) -> String {
        username.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase()).unwrap_or_default()
    }
}

/// The flat item of a message.
pub(super) fn project(view: &MessageView<'_>, frame: &Frame) -> Item {
    let received = view.received_date_time.unwrap_or_default();
    let domain = Frame::domain_of(view.sender());
    Item {
        id: frame.marked(&view.id),
        subject: line(&view.subject),
        from: view.from.as_ref().map(RecipientView::printed).unwrap_or_default(),
        to: view.to_recipients.iter().map(RecipientView::printed).collect(),
        cc: view.cc_recipients.iter().map(RecipientView::printed).collect(),
        received_local: local_text(received, frame.zone),
        received_utc: utc_text(received),
        unread: view.is_read == Some(false),
        has_attachments: view.has_attachments == Some(true),
        importance: if view.importance.is_empty() {
            "normal".to_owned()
        } else {
            view.importance.to_string()
        },
        folder: frame.folder.clone().unwrap_or_else(|| frame.marked(&view.parent_folder_id)),
        thread_id: frame.marked(&view.conversation_id),
        preview: line(&view.body_preview),
        body: None,
        link: view.web_link.to_string(),
        external: !domain.is_empty() && !frame.own_domain.is_empty() && domain != frame.own_domain,
        unsafe_notes: Vec::new(),
        raw: view.body.as_ref().map(RawBody::of),
        received,
    }
}

impl Item {
    /// The item as Markdown, with its number.
    pub(super) fn print(&self, number: usize, out: &mut String) {
        let mut marks = String::new();
        for (set, mark) in [
            (self.unread, "unread"),
            (self.has_attachments, "attachments"),
            (self.importance == "high", "high importance"),
            (self.external, "external"),
        ] {
            if set {
                marks.push_str(" · ");
                marks.push_str(mark);
            }
        }
        let when = self.received_local.get(..16).unwrap_or(&self.received_local).replace('T', " ");
        let subject = if self.subject.is_empty() { "(no subject)" } else { &self.subject };
        let _ = writeln!(out, "{number}. {when} · **{subject}**{marks}");
        let _ = writeln!(out, "   from {} to {}", or_dash(&self.from), or_dash(&self.to.join("; ")));
        let _ = writeln!(out, "   id: {}", self.id);
        match &self.body {
            Some(body) => {
                let _ = writeln!(out, "\n{}\n", body.trim());
            }
            None if self.preview.is_empty() => {}
            None => {
                let _ = writeln!(out, "   {}", self.preview);
            }
        }
        for note in &self.unsafe_notes {
            let _ = writeln!(out, "   note: {note}");
        }
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// Properties of a message in an output schema.
pub(super) fn message_schema() -> Value {
    json!({
        "id": {"type": "string"}, "subject": {"type": "string"}, "from": {"type": "string"},
        "to": {"type": "array", "items": {"type": "string"}},
        "cc": {"type": "array", "items": {"type": "string"}},
        "received_local": {"type": "string"}, "received_utc": {"type": "string"},
        "unread": {"type": "boolean"}, "has_attachments": {"type": "boolean"}, "importance": {"type": "string"},
        "folder": {"type": "string"}, "thread_id": {"type": "string"}, "preview": {"type": "string"},
        "body": {"type": "string"}, "link": {"type": "string"}, "external": {"type": "boolean"},
        "unsafe_notes": {"type": "array", "items": {"type": "string"}},
    })
}
