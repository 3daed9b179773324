//! Bodies of writes read into messages.
use std::borrow::Cow;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::super::error::GraphError;
use super::super::given::{self, flag, member, mistyped, text, word};
use super::super::select::MESSAGE;
use crate::sim::directory::Directory;
use crate::sim::seed::model::{Body, Contact, Flag, Importance, Mail};

/// Most people that Exchange sends one message to.
const MAX_PEOPLE: usize = 500;
const MAX_SUBJECT: usize = 255;
/// What can be written of a message that is no draft.
const OF_RECEIVED: [&str; 5] = ["categories", "flag", "importance", "inferenceClassification", "isRead"];

/// The members of a message in a body.
pub(super) fn message(body: &[u8]) -> Result<Map<String, Value>, GraphError> {
    given::members(body, &MESSAGE, "message")
}

/// The members of a message inside the body of an action.
pub(super) fn nested(value: &Value) -> Result<&Map<String, Value>, GraphError> {
    let members = value.as_object().ok_or_else(|| mistyped("message"))?;
    given::check(members, &MESSAGE, "message")?;
    Ok(members)
}

/// A draft before anything is known of it.
pub(super) fn blank(owner: &Contact, folder: usize, now: DateTime<Utc>) -> Mail {
    let (message, conversation) = uuid::Uuid::new_v4().as_u64_pair();
    Mail {
        subject: Cow::Borrowed(""),
        from: Some(owner.clone()),
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        sent: now,
        received: now,
        folder,
        read: true,
        draft: true,
        focused: true,
        importance: Importance::Normal,
        flag: Flag::None,
        categories: Vec::new(),
        conversation,
        place: 0,
        message,
        body: Body::Text { full: String::new(), unique: String::new() },
        attachments: Vec::new(),
        headers: Vec::new(),
        preview: OnceLock::new(),
        revision: 0,
        modified: None,
    }
}

/// Writes members into a message.
pub(super) fn apply(
    mail: &mut Mail,
    given: &Map<String, Value>,
    directory: &Directory,
) -> Result<(), GraphError> {
    for (name, value) in given.iter().filter(|(name, _)| !name.contains('@')) {
        if !mail.draft && !OF_RECEIVED.contains(&name.as_str()) {
            let message = format!("The property '{name}' can be set only for draft messages.");
            return Err(GraphError::new(400, "ErrorInvalidPropertySet", message));
        }
        match name.as_str() {
            "subject" => {
                mail.subject = Cow::Owned(text(name, value)?.chars().take(MAX_SUBJECT).collect());
            }
            "body" => mail.body = body(value)?,
            "toRecipients" => mail.to = people(name, value, directory)?,
            "ccRecipients" => mail.cc = people(name, value, directory)?,
            "bccRecipients" => mail.bcc = people(name, value, directory)?,
            "replyTo" => mail.reply_to = people(name, value, directory)?,
            "from" | "sender" => mail.from = Some(given::recipient(value, directory)?),
            "isRead" => mail.read = flag(name, value)?,
            "importance" => {
                mail.importance = match word(name, value, &["low", "normal", "high"])? {
                    "low" => Importance::Low,
                    "high" => Importance::High,
                    _ => Importance::Normal,
                }
            }
            "inferenceClassification" => {
                mail.focused = word(name, value, &["focused", "other"])? == "focused";
            }
            "flag" => {
                let status = value.get("flagStatus").ok_or_else(|| mistyped(name))?;
                mail.flag = match word("flagStatus", status, &["notFlagged", "flagged", "complete"])? {
                    "flagged" => Flag::Due(0),
                    "complete" => Flag::Complete,
                    _ => Flag::None,
                }
            }
            "categories" => {
                let all = value.as_array().ok_or_else(|| mistyped(name))?;
                let one = |value: &Value| text(name, value).map(Cow::Owned);
                mail.categories = all.iter().map(one).collect::<Result<_, _>>()?;
            }
            "isDeliveryReceiptRequested" | "isReadReceiptRequested" => {
                flag(name, value)?;
            }
            _ => {
                let message = format!("The property '{name}' cannot be set in the simulated tenant.");
                return Err(GraphError::new(501, "NotImplemented", message));
            }
        }
    }
    Ok(())
}

/// People of a field.
pub(super) fn people(name: &str, value: &Value, directory: &Directory) -> Result<Vec<Contact>, GraphError> {
    let all = value.as_array().ok_or_else(|| mistyped(name))?;
    if all.len() > MAX_PEOPLE {
        return Err(GraphError::new(400, "ErrorTooManyRecipients", "Too many recipients."));
    }
    all.iter().map(|one| given::recipient(one, directory)).collect()
}

/// Exchange keeps HTML as a whole document, without what runs.
fn body(value: &Value) -> Result<Body, GraphError> {
    let content = member(value, "content").ok_or_else(|| mistyped("body"))?.to_owned();
    let kind = value.get("contentType").map_or(Ok("text"), |kind| {
        let lower = kind.as_str().map(str::to_ascii_lowercase);
        word("contentType", &lower.into(), &["text", "html"])
    })?;
    if kind == "text" {
        return Ok(Body::Text { unique: content.clone(), full: content });
    }
    let full = if content.to_ascii_lowercase().contains("<html") { content } else { document(&content) };
    Ok(Body::Html { unique: full.clone(), full })
}

/// A whole document around what its body holds.
pub(super) fn document(inner: &str) -> String {
    format!(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; \
         charset=utf-8\"></head><body>{inner}</body></html>"
    )
}
