//! `get_email`: one message with its body and the list of its attachments.

use super::args::BodyFormat;
use super::attachment_view::{self, AttachmentItem, AttachmentView, attachment_schema};
use super::body::{self, BodyStyle};
use super::message::message_schema;
use super::message::{Item, LIST_SELECT, MessageView, project};
use super::{Mail, SCOPES, asker, fault};
use crate::graph::encode::{Target, segment};
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// The tool.
pub(super) struct GetEmail {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    id: String,
    #[serde(default)]
    body_format: BodyFormat,
    #[serde(default)]
    headers: bool,
    max_chars: Option<usize>,
    #[serde(default)]
    output_format: OutputFormat,
}

/// The parts of a message that only this tool reads.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rest<'a> {
    #[serde(borrow)]
    attachments: Vec<AttachmentView<'a>>,
    #[serde(borrow)]
    internet_message_headers: Vec<HeaderView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HeaderView<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Serialize)]
struct Letter {
    #[serde(flatten)]
    message: Item,
    attachments: Vec<AttachmentItem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl GetEmail {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        Self { mail, spec: spec() }
    }
}

fn spec() -> ToolSpec {
    let mut output = message_schema();
    if let Some(properties) = output.as_object_mut() {
        // Said by query_email already, or not part of one message.
        let known = [
            "preview",
            "received_utc",
            "has_attachments",
            "importance",
            "folder",
            "external",
            "unread",
            "to",
            "cc",
            "link",
            "unsafe_notes",
            "received_local",
            "thread_id",
            "from",
        ];
        properties.retain(|name, _| !known.contains(&name.as_str()));
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let files = json!({"type": "array", "items": {"type": "object", "properties": attachment_schema()}});
        properties.insert("attachments".to_owned(), files);
        properties.insert("headers".to_owned(), texts);
    }
    ToolSpec {
        name: "get_email",
        title: "Get Email",
        description: "Read one message by its id: the whole body and the list of its attachments.",
        input_schema: json!({"type": "object", "properties": {
            "id": {"type": "string", "description": "id of a message, unchanged"},
            "body_format": {"type": "string", "enum": ["markdown", "text", "html", "none"], "description": "markdown unless given"},
            "headers": {"type": "boolean", "description": "Internet headers too"},
            "max_chars": max_chars_schema("the body"),
            "output_format": output_format_schema(),
        }, "required": ["id"]}),
        output_schema: json!({"type": "object", "properties": output, "required": ["id", "subject", "attachments"]}),
        annotations: Annotations::READ_UNTRUSTED,
        scopes: SCOPES,
        aliases: &[("user_id", "user_id"), ("mailbox", "mailbox"), ("message_id", "id"), ("email_id", "id")],
    }
}

#[async_trait]
impl Tool for GetEmail {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// `GET /me/messages/{id}?$select=…&$expand=attachments($select=…)` (Mail.Read).
    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let frame = self.mail.frame(context).await?;
        let mut select = format!("{LIST_SELECT},ccRecipients,internetMessageHeaders");
        if wish.body_format != BodyFormat::None {
            select.push_str(",body");
        }
        let expand = format!("attachments($select={})", attachment_view::SELECT);
        let target = Target::new(format!("/me/messages/{}", segment(&wish.id)))
            .with("$select", &select)
            .with("$expand", &expand);
        let request = Request::outlook(target).html_bodies();
        let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
        let view: MessageView<'_> = answer.view().map_err(fault)?;
        let rest: Rest<'_> = answer.view().map_err(fault)?;
        let mut item = project(&view, &frame);
        item.unsafe_notes.extend(sender_checks(&rest.internet_message_headers));
        let attachments: Vec<_> = rest.attachments.iter().map(AttachmentItem::of).collect();
        let lines = rest.internet_message_headers.iter().filter(|_| wish.headers);
        let headers = lines.map(|header| format!("{}: {}", &*header.name, &*header.value)).collect();
        let max_chars = wish.max_chars.unwrap_or(self.mail.deps.settings.max_chars);
        let style = BodyStyle { format: wish.body_format, max_chars, fold: false };
        let item = body::render(vec![item], style).await?.pop();
        let Some(message) = item else { return Err(ToolError::internal("a message was lost in conversion")) };
        let letter = Letter { message, attachments, headers, warnings };
        output(|| with_notes(printed(&letter), &letter.warnings, None), &letter, wish.output_format)
    }
}

/// What the receiving server found out about the sender (`Authentication-Results`, RFC 8601).
fn sender_checks(headers: &[HeaderView<'_>]) -> Option<String> {
    let results = headers.iter().find(|header| header.name.eq_ignore_ascii_case("authentication-results"))?;
    let value = results.value.to_ascii_lowercase();
    let failed: Vec<_> = ["spf", "dkim", "dmarc"]
        .into_iter()
        .filter(|check| {
            value.contains(&format!("{check}=fail")) || value.contains(&format!("{check}=softfail"))
        })
        .collect();
    (!failed.is_empty()).then(|| format!("The sender failed these checks: {}.", failed.join(", ")))
}

fn printed(letter: &Letter) -> String {
    let message = &letter.message;
    let mut text =
        format!("# {}\n\n", if message.subject.is_empty() { "(no subject)" } else { &message.subject });
    let _ = writeln!(text, "From: {}\nTo: {}", message.from, message.to.join("; "));
    if !message.cc.is_empty() {
        let _ = writeln!(text, "Cc: {}", message.cc.join("; "));
    }
    let _ = writeln!(text, "Received: {}\nThread: {}", message.received_local, message.thread_id);
    for attachment in &letter.attachments {
        let inline = if attachment.inline { ", inline" } else { "" };
        let _ = writeln!(
            text,
            "Attachment: {} ({}, {} bytes{inline}), attachment_id: {}",
            attachment.name, attachment.content_type, attachment.size, attachment.attachment_id
        );
    }
    for header in &letter.headers {
        let _ = writeln!(text, "{header}");
    }
    for note in &message.unsafe_notes {
        let _ = writeln!(text, "Note: {note}");
    }
    if let Some(body) = &message.body {
        let _ = write!(text, "\n{}\n", body.trim());
    }
    text
}
