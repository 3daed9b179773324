//! `get_attachment`: text out of an attachment; what has no text is named, not dumped.

use super::args::BodyFormat;
use super::attachment_view::{self, AttachmentItem, AttachmentView, Sort};
use super::body::{BodyStyle, readable};
use super::message::{MessageView, RawBody, project};
use super::{Mail, SCOPES, asker, fault};
use crate::extract::{ExtractError, ExtractOptions, ExtractedText};
use crate::graph::encode::{Target, segment};
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{clipped, line, output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

const MAX_PAGES: usize = 5;

/// The tool.
pub(super) struct GetAttachment {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    message_id: String,
    attachment_id: Option<String>,
    name: Option<String>,
    pages: Option<String>,
    sheet: Option<String>,
    max_chars: Option<usize>,
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
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    truncated: bool,
    /// Why there is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_text: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl GetAttachment {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        Self { mail, spec: spec() }
    }

    /// `GET /me/messages/{id}/attachments?$select=…` (Mail.Read); never with contents.
    async fn list(&self, context: &CallContext, message: &str) -> Result<Vec<AttachmentItem>, ToolError> {
        let target = Target::new(format!("/me/messages/{}/attachments", segment(message)))
            .with("$select", attachment_view::SELECT);
        let (mut out, mut link) = (Vec::new(), target.build());
        for _ in 0..MAX_PAGES {
            let answer =
                self.mail.deps.graph.send(asker(context), Request::next(link)).await.map_err(fault)?;
            let page: Page<'_, AttachmentView<'_>> = answer.view().map_err(fault)?;
            out.extend(page.value.iter().map(AttachmentItem::of));
            match page.next_link() {
                Some(next) => link = next,
                None => break,
            }
        }
        Ok(out)
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
        if item.size > limit as u64 {
            return Err(too_large(item, limit));
        }
        let path = format!("{}/$value", path(&wish.message_id, &item.attachment_id));
        let request = Request::outlook(Target::new(path)).download(limit);
        let bytes = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?.body;
        found.sha256 = Some(checksum(bytes.clone()).await?);
        let options = ExtractOptions {
            max_chars: self.max_chars(wish),
            pages: wish.pages.as_deref().map(page_range).transpose()?,
            sheet: wish.sheet.clone(),
        };
        self.text(item, bytes, options, found).await
    }

    async fn text(
        &self,
        item: &AttachmentItem,
        bytes: Bytes,
        options: ExtractOptions,
        found: &mut Found,
    ) -> Result<(), ToolError> {
        let max = options.max_chars;
        match self.mail.deps.extractor.text(&item.name, &item.content_type, bytes, options).await {
            Ok(ExtractedText { text, pages, sheets, truncated, notes, .. }) => {
                found.pages = pages;
                found.sheets = sheets.into_iter().map(|sheet| sheet.name).collect();
                found.truncated = truncated || text.chars().count() > max;
                found.text = Some(clipped(text, max));
                found.notes = notes;
                Ok(())
            }
            Err(error) => no_text(error, found),
        }
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
        let target = Target::new(path(&wish.message_id, &item.attachment_id))
            .with("$expand", "microsoft.graph.itemAttachment/item");
        let request = Request::outlook(target).html_bodies();
        let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
        let outer: Outer<'_> = answer.view().map_err(fault)?;
        let frame = self.mail.frame(context).await?;
        let inner = project(&outer.item, &frame);
        let max_chars = self.max_chars(wish);
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
        found.truncated = text.chars().count() > max_chars;
        found.text = Some(clipped(text, max_chars));
        if hidden > 0 {
            found.notes.push(format!("{hidden} hidden text parts were left out."));
        }
        Ok(())
    }

    fn max_chars(&self, wish: &Wish) -> usize {
        wish.max_chars.unwrap_or(self.mail.deps.settings.max_chars)
    }
}

fn path(message: &str, attachment: &str) -> String {
    format!("/me/messages/{}/attachments/{}", segment(message), segment(attachment))
}

/// SHA-256 in hexadecimal, away from the async workers: 25 MB take a tenth of a second.
async fn checksum(bytes: Bytes) -> Result<String, ToolError> {
    let digest = tokio::task::spawn_blocking(move || hex(&bytes)).await;
    digest.map_err(|_| ToolError::internal("the checksum of a file failed"))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn too_large(item: &AttachmentItem, limit: usize) -> ToolError {
    let text = format!(
        "\"{}\" has {} bytes; files up to {} MB are read here. Open it in Outlook instead.",
        item.name,
        item.size,
        limit >> 20
    );
    ToolError::new(ToolErrorKind::UpstreamRejected { code: "too_large".to_owned(), status: 413 }, text)
}

/// `3`, `2-5`: pages counted from 1.
fn page_range(text: &str) -> Result<(u32, u32), ToolError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first >= 1 && first <= last => Ok((first, last)),
        _ => {
            Err(ToolError::invalid("pages", "`pages` must be a page or a range such as 2-5, counted from 1."))
        }
    }
}

/// A file without text is an answer; a hostile, damaged or unlucky one is an error.
fn no_text(error: ExtractError, found: &mut Found) -> Result<(), ToolError> {
    let public = format!("No text: {error}.");
    let code = match error {
        ExtractError::Encrypted => "encrypted",
        ExtractError::NoTextLayer => "no_text_layer",
        ExtractError::Unsupported { .. } => "unsupported",
        ExtractError::NoSuchPage { pages } => {
            return Err(ToolError::invalid("pages", format!("The document has {pages} pages.")));
        }
        ExtractError::NoSuchSheet { sheets } => {
            let names: Vec<_> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
            return Err(ToolError::invalid(
                "sheet",
                format!("There is no such sheet. Sheets: {}.", names.join(", ")),
            ));
        }
        ExtractError::Busy => {
            let kind = ToolErrorKind::RateLimited { retry_after: Duration::from_secs(5) };
            return Err(ToolError::new(kind, "Too many files are being read. Try again in 5 seconds."));
        }
        ExtractError::TimedOut => {
            return Err(ToolError::new(
                ToolErrorKind::Timeout,
                "Reading the file took too long. Ask for a few `pages` or one `sheet`.",
            ));
        }
        ExtractError::TooLarge { .. } => return Err(refused("too_large", public)),
        ExtractError::Bomb { .. } => return Err(refused("refused_archive", public)),
        ExtractError::Malformed { .. } => return Err(refused("malformed", public)),
        ExtractError::WorkerFailed => return Err(refused("unreadable", public)),
    };
    found.no_text = Some(code);
    found.notes.push(public);
    Ok(())
}

fn refused(code: &str, public: String) -> ToolError {
    ToolError::new(ToolErrorKind::UpstreamRejected { code: code.to_owned(), status: 422 }, public)
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

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.mail.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let items = self.list(context, &wish.message_id).await?;
        let item = pick(&items, &wish)?;
        let mut found = Found {
            name: item.name.clone(),
            content_type: item.content_type.clone(),
            size: item.size,
            warnings,
            ..Found::default()
        };
        match item.kind {
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
                found.no_text = Some("cloud_file");
                found
                    .notes
                    .push("This is a link to a file in OneDrive or SharePoint; open it there.".to_owned());
            }
        }
        output(|| with_notes(printed(&found), &found.warnings, None), &found, wish.output_format)
    }
}

fn printed(found: &Found) -> String {
    let mut text = format!("# {}\n{}, {} bytes", found.name, found.content_type, found.size);
    if let Some(pages) = found.pages {
        let _ = write!(text, ", {pages} pages");
    }
    if !found.sheets.is_empty() {
        let _ = write!(text, ", sheets: {}", found.sheets.join(", "));
    }
    text.push('\n');
    for note in &found.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    if let Some(body) = &found.text {
        let _ = write!(text, "\n{body}\n");
    }
    if found.truncated {
        text.push_str("\nText was left out: ask for `pages` or `sheet`, or raise `max_chars`.\n");
    }
    text
}

fn spec() -> ToolSpec {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    ToolSpec {
        name: "get_attachment",
        title: "Get Attachment",
        description: "Read the text of an attachment (pdf, docx, xlsx, pptx, html, csv, txt, attached messages). Other \
                      files are named with type, size and checksum. Without name and attachment_id the only one is read.",
        input_schema: json!({"type": "object", "properties": {
            "message_id": {"type": "string", "description": "id of the message"},
            "attachment_id": {"type": "string", "description": "attachment_id from get_email"},
            "name": {"type": "string", "description": "File name or part of it, instead of attachment_id"},
            "pages": {"type": "string", "description": "Page or range such as 2-5; all unless given"},
            "sheet": {"type": "string", "description": "Name of a sheet; all visible ones unless given"},
            "max_chars": max_chars_schema("text"),
            "output_format": output_format_schema(),
        }, "required": ["message_id"]}),
        output_schema: json!({"type": "object", "properties": {
            "name": {"type": "string"}, "type": {"type": "string"}, "size": {"type": "integer"},
            "kind": {"type": "string"}, "sha256": {"type": "string"}, "pages": {"type": "integer"},
            "sheets": texts, "text": {"type": "string"}, "truncated": {"type": "boolean"},
            "no_text": {"type": "string"}, "notes": texts, "warnings": texts,
        }, "required": ["name", "type", "size", "kind", "truncated"]}),
        annotations: Annotations::READ_UNTRUSTED,
        scopes: SCOPES,
        aliases: &[
            ("user_id", "user_id"),
            ("mailbox", "mailbox"),
            ("id", "message_id"),
            ("filename", "name"),
            ("mode", ""),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_a_number_or_a_range() {
        assert_eq!(page_range("3").unwrap(), (3, 3));
        assert_eq!(page_range("2 - 5").unwrap(), (2, 5));
        for odd in ["0", "5-2", "a", "", "1-", "-3"] {
            assert!(page_range(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_bomb_is_an_error_and_an_unknown_format_an_answer() {
        let mut found = Found::default();
        let bomb = no_text(ExtractError::Bomb { reason: "ratio".to_owned() }, &mut found).unwrap_err();
        assert_eq!(bomb.code(), "graph_rejected");
        no_text(ExtractError::NoTextLayer, &mut found).unwrap();
        assert_eq!(found.no_text, Some("no_text_layer"));
    }
}
