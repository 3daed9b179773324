//! `get_attachment`: text out of an attachment; what has no text is named, not dumped.

use super::args::BodyFormat;
use super::attachment_view::{self, AttachmentItem, Sort};
use super::body::{BodyStyle, readable};
use super::carrier::Wanted;
use super::message::{MessageView, RawBody, project};
use super::{Mail, SCOPES, asker, fault};
use crate::graph::encode::Target;
use crate::graph::request::Request;
use crate::services::answer::{clipped, line, output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::file_text::{self, FileText, Named, Part};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use crate::tools::transfer::Offered;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// The tool.
pub(super) struct GetAttachment {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Text,
    /// A one-time address to download it from, without reading it.
    Link,
}

#[derive(Deserialize)]
struct Wish {
    message_id: String,
    attachment_id: Option<String>,
    name: Option<String>,
    #[serde(default)]
    mode: Mode,
    #[serde(flatten)]
    part: Part,
    #[serde(default)]
    output_format: OutputFormat,
}

/// `structuredContent`.
#[derive(Default, Serialize)]
struct Found {
    name: String,
    #[serde(rename = "type")]
    content_type: String,
    size: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(flatten)]
    text: FileText,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Found {
    fn printed(&self) -> String {
        let mut text =
            self.text.printed(&format!("# {}\n{}, {} bytes", self.name, self.content_type, self.size));
        if let Some(link) = &self.link {
            let _ = writeln!(text, "Download: {link}");
        }
        text
    }
}

impl GetAttachment {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        Self { mail, spec: spec() }
    }

    /// A link to the bytes. A message that is attached goes out as the file that it is.
    async fn link(
        &self,
        context: &CallContext,
        message: &str,
        (item, found): (&AttachmentItem, &mut Found),
    ) -> Result<(), ToolError> {
        let attachment = item.attachment_id.clone();
        let what = json!(Wanted::Attachment { message: message.to_owned(), attachment });
        let (name, content_type) = match item.kind {
            Sort::Item => (format!("{}.eml", item.name), "message/rfc822"),
            Sort::File | Sort::Reference => (item.name.clone(), item.content_type.as_str()),
        };
        let offered = Offered { service: "mail-query", name: &name, content_type, what };
        let link = self.mail.deps.transfers.link(context, offered).await?;
        found.text.notes.push(format!("The link works once, within {} minutes.", link.expires_in_s / 60));
        found.link = Some(link.url);
        Ok(())
    }

    /// `GET …/attachments/{id}/$value` (Mail.Read), bounded while it streams.
    async fn file(
        &self,
        context: &CallContext,
        wish: &Wish,
        item: &AttachmentItem,
        found: &mut Found,
    ) -> Result<(), ToolError> {
        let limit = self.mail.deps.settings.max_attachment_bytes;
        file_text::check_size(&item.name, item.size, limit, "Outlook")?;
        let path = attachment_view::path(&wish.message_id, &item.attachment_id, "/$value");
        let request = Request::outlook(Target::new(path)).download(limit);
        let bytes = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?.body;
        let named = Named { name: &item.name, content_type: &item.content_type };
        found.text = file_text::read(&self.mail.deps, named, bytes, &wish.part).await?;
        Ok(())
    }

    /// `GET …/attachments/{id}?$expand=microsoft.graph.itemAttachment/item` (Mail.Read): a message in a message.
    async fn item(
        &self,
        context: &CallContext,
        wish: &Wish,
        item: &AttachmentItem,
        found: &mut Found,
    ) -> Result<(), ToolError> {
        #[derive(Deserialize)]
        struct Outer<'a> {
            #[serde(borrow, default)]
            item: MessageView<'a>,
        }
        let target = Target::new(attachment_view::path(&wish.message_id, &item.attachment_id, ""))
            .with("$expand", "microsoft.graph.itemAttachment/item");
        let request = Request::outlook(target).html_bodies();
        let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
        let outer: Outer<'_> = answer.view().map_err(fault)?;
        let frame = self.mail.frame(context).await?;
        let inner = project(&outer.item, &frame);
        let max_chars = wish.part.max_chars(&self.mail.deps);
        let body = outer.item.body.as_ref().map(RawBody::of);
        let style = BodyStyle { format: BodyFormat::Markdown, max_chars, fold: false };
        let body = tokio::task::spawn_blocking(move || body.map(|raw| readable(&raw, style)))
            .await
            .map_err(|_| ToolError::internal("the conversion of a body failed"))?;
        let (body, hidden) = body.unwrap_or_default();
        // A forwarded draft or an event has no sender or no time: what is absent is left out, not made up.
        let received = if outer.item.received_date_time.is_some() { &*inner.received_local } else { "" };
        let to = inner.to.join("; ");
        let head =
            [("Subject", &*inner.subject), ("From", &*inner.from), ("To", &*to), ("Received", received)];
        let mut text = String::new();
        for (name, value) in head.into_iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(text, "{name}: {value}");
        }
        let _ = write!(text, "\n{body}");
        found.text.truncated = text.chars().count() > max_chars;
        found.text.text = Some(clipped(text, max_chars));
        if hidden > 0 {
            found.text.notes.push(format!("{hidden} hidden text parts were left out."));
        }
        Ok(())
    }
}

/// The attachment that is meant; without a hint only a single one can be.
fn pick<'a>(items: &'a [AttachmentItem], wish: &Wish) -> Result<&'a AttachmentItem, ToolError> {
    let hit = match (&wish.attachment_id, &wish.name) {
        (Some(id), _) => items.iter().find(|item| item.attachment_id == *id),
        (None, Some(name)) => {
            let wanted = line(name).to_lowercase();
            let exact = items.iter().find(|item| item.name.to_lowercase() == wanted);
            exact.or_else(|| items.iter().find(|item| item.name.to_lowercase().contains(&wanted)))
        }
        (None, None) => {
            let mut files = items.iter().filter(|item| !item.inline);
            files.next().filter(|_| files.next().is_none())
        }
    };
    hit.ok_or_else(|| {
        let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
        let text = if names.is_empty() {
            "This message has no attachments.".to_owned()
        } else {
            format!("Say which attachment by `name` or `attachment_id`. Attachments: {}.", names.join(", "))
        };
        ToolError::new(ToolErrorKind::NotFound, text)
    })
}

#[async_trait]
impl Tool for GetAttachment {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let items = attachment_view::list(&self.mail, context, &wish.message_id).await?;
        let item = pick(&items, &wish)?;
        let mut found = Found {
            name: item.name.clone(),
            content_type: item.content_type.clone(),
            size: item.size,
            warnings,
            ..Found::default()
        };
        match item.kind {
            Sort::File | Sort::Item if wish.mode == Mode::Link => {
                found.kind = if item.kind == Sort::File { "file" } else { "item" };
                self.link(context, &wish.message_id, (item, &mut found)).await?;
            }
            Sort::File => {
                found.kind = "file";
                self.file(context, &wish, item, &mut found).await?;
            }
            Sort::Item => {
                found.kind = "item";
                self.item(context, &wish, item, &mut found).await?;
            }
            Sort::Reference => {
                found.kind = "reference";
                found.text.no_text = Some("cloud_file");
                let note = "This is a link to a file in OneDrive or SharePoint; open it there.";
                found.text.notes.push(note.to_owned());
            }
        }
        output(|| with_notes(found.printed(), &found.warnings, None), &found, wish.output_format)
    }
}

fn spec() -> ToolSpec {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    ToolSpec {
        name: "get_attachment",
        title: "Get Attachment",
        description: "Read the text of an attachment: pdf, docx, xlsx, xls, pptx, hwp, hwpx, OpenDocument, rtf, eml, msg, \
                      html, csv, txt, attached messages. Others are named with type, size and checksum. Without name \
                      and attachment_id the only one is read.",
        input_schema: json!({"type": "object", "properties": {
            "message_id": {"type": "string", "description": "id of the message"},
            "attachment_id": {"type": "string", "description": "attachment_id from get_email"},
            "name": {"type": "string", "description": "Part of the file name, instead"},
            "mode": {"type": "string", "enum": ["text", "link"], "description": "link: one-time download"},
            "pages": {"type": "string", "description": "Such as 2-5; all unless given"},
            "sheet": {"type": "string", "description": "Name of a sheet; all visible ones unless given"},
            "max_chars": max_chars_schema("text"),
            "output_format": output_format_schema(),
        }, "required": ["message_id"]}),
        output_schema: json!({"type": "object", "properties": {
            "name": {"type": "string"}, "type": {"type": "string"}, "size": {"type": "integer"},
            "kind": {"type": "string"}, "link": {"type": "string"}, "sha256": {"type": "string"}, "pages": {"type": "integer"},
            "sheets": texts, "text": {"type": "string"}, "truncated": {"type": "boolean"},
            "no_text": {"type": "string"}, "notes": texts,
        }, "required": ["name", "type", "size", "kind", "truncated"]}),
        annotations: Annotations::READ_UNTRUSTED,
        scopes: SCOPES,
        aliases: &[
            ("user_id", "user_id"),
            ("mailbox", "mailbox"),
            ("id", "message_id"),
            ("filename", "name"),
        ],
    }
}
