//! Files that go along with a mail, named by reference: of the own OneDrive (`onedrive:/path`), or of another message
//! (`mail:{message id}/{attachment id}`), or sent in by a ticket (`upload:{ticket}`). The bytes go from Graph to Graph; what a person agreed to is their checksum.

use super::attachment_view::{self, AttachmentItem, Sort};
use super::{Mail, SCOPES, asker, fault, mailbox, write_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::services::{drive, file_text, uploads};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// Most files of one mail.
pub(super) const MAX_FILES: usize = 20;
/// From here on a file goes in pieces; Graph takes smaller ones in no other way than whole.
const IN_PIECES: usize = 3 << 20;

/// A file, read.
struct Enclosure {
    name: String,
    content_type: String,
    bytes: Bytes,
    sha256: String,
}

/// The files of one mail.
#[derive(Default)]
pub(super) struct Enclosures {
    files: Vec<Enclosure>,
    /// Tickets of those that were sent in for it.
    tickets: Vec<String>,
}

/// Input property that names them.
pub(super) fn attach_schema() -> Value {
    json!({
        "type": "array", "items": {"type": "string"}, "maxItems": MAX_FILES,
        "description": "Files: onedrive:/path, mail:{message id}/{attachment id}, upload:{ticket}",
    })
}

/// Reads the files that `attach` names; together they may be as large as one file that is read here.
///
/// # Errors
/// A reference of another form, a file that is not there or too large, or a missing permission for files.
pub(super) async fn fetch(
    mail: &Mail,
    context: &CallContext,
    attach: &[String],
    scopes: &[&'static str],
) -> Result<Enclosures, ToolError> {
    let most = mail.deps.settings.max_attachment_bytes;
    if attach.len() > MAX_FILES {
        return Err(ToolError::invalid("attach", format!("`attach` may name {MAX_FILES} files.")));
    }
    let mut all = Enclosures::default();
    for reference in attach.iter().map(|reference| reference.trim()) {
        let source = if let Some(path) = reference.strip_prefix("onedrive:") {
            drive::require(context, scopes, drive::READ)?;
            drive::read(&mail.deps, context, ("attach", path), most).await?
        } else if let Some(place) = reference.strip_prefix("mail:") {
            of_message(mail, context, place, most).await?
        } else if let Some(ticket) = uploads::ticket(reference) {
            drive::require(context, scopes, drive::WRITE)?;
            all.tickets.push(ticket.to_owned());
            uploads::read(&mail.deps, context, ("attach", ticket), most).await?
        } else {
            let text = format!(
                "`attach`: \"{reference}\" is neither onedrive:/path, mail:{{message id}}/{{attachment id}} nor \
                 upload:{{ticket}}."
            );
            return Err(ToolError::invalid("attach", text));
        };
        if source.bytes.is_empty() {
            return Err(ToolError::invalid("attach", format!("`attach`: \"{}\" is empty.", source.name)));
        }
        let sha256 = file_text::checksum(source.bytes.clone()).await?;
        let drive::Source { name, content_type, bytes } = source;
        all.files.push(Enclosure { name, content_type, bytes, sha256 });
        let total: usize = all.files.iter().map(|file| file.bytes.len()).sum();
        if total > most {
            let text = format!(
                "`attach`: these files have {total} bytes together; a mail may carry {} MB. Share a link to the \
                 larger ones instead.",
                most >> 20
            );
            return Err(ToolError::invalid("attach", text));
        }
    }
    Ok(all)
}

/// An attachment of a message, by id or exact name: `GET …/attachments/{id}/$value` (Mail.Read). A message that is
/// attached goes along as a file.
async fn of_message(
    mail: &Mail,
    context: &CallContext,
    place: &str,
    limit: usize,
) -> Result<drive::Source, ToolError> {
    let Some((message, attachment)) = place.split_once('/') else {
        let text = "`attach`: after mail: come the id of a message, a slash, and the id of its attachment.";
        return Err(ToolError::invalid("attach", text));
    };
    let (context, message) = mailbox::of_id(&mail.deps.graph, context, SCOPES, message).await?;
    let context = &context;
    let items = attachment_view::list(mail, context, message).await?;
    let item = meant(&items, attachment)?;
    let (ending, content_type) = match item.kind {
        Sort::File => ("", item.content_type.clone()),
        Sort::Item => (".eml", "message/rfc822".to_owned()),
        Sort::Reference => {
            let text = format!(
                "`attach`: \"{}\" is a link to a file in OneDrive or SharePoint: attach that file, or write the \
                 link into the text.",
                item.name
            );
            return Err(ToolError::invalid("attach", text));
        }
    };
    file_text::check_size(&item.name, item.size, limit, "Outlook")?;
    let target = Target::new(attachment_view::path(message, &item.attachment_id, "/$value"));
    let answer = mail.deps.graph.send(asker(context), Request::outlook(target).download(limit)).await;
    let bytes = answer.map_err(fault)?.body;
    Ok(drive::Source { name: format!("{}{ending}", item.name), content_type, bytes })
}

/// The attachment with that id, or the only one of that name.
fn meant<'a>(items: &'a [AttachmentItem], wanted: &str) -> Result<&'a AttachmentItem, ToolError> {
    if let Some(item) = items.iter().find(|item| item.attachment_id == wanted) {
        return Ok(item);
    }
    let named = |item: &&AttachmentItem| item.name.to_lowercase() == wanted.trim().to_lowercase();
    let named: Vec<&AttachmentItem> = items.iter().filter(named).collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => {
            let text = "`attach`: that message has no such attachment. get_email lists them with their ids.";
            Err(ToolError::invalid("attach", text))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|item| item.attachment_id.as_str()).collect();
            let text = format!(
                "`attach`: {} attachments of that message have this name. Say which by its id instead of the name: {}.",
                ids.len(),
                ids.join(", ")
            );
            Err(ToolError::invalid("attach", text))
        }
    }
}

impl Enclosures {
    /// Those that the draft does not have yet, by name and content, and the names of those that it has: a call that
    /// failed halfway is repeated without attaching anything twice (`GET …/attachments/{id}/$value` for each file of the
    /// same name, Mail.Read). What is to be `removed` does not count.
    pub(super) async fn missing_in(
        self,
        mail: &Mail,
        context: &CallContext,
        draft: &str,
        removed: &[String],
    ) -> Result<(Self, Vec<String>), ToolError> {
        if self.is_empty() {
            return Ok((self, Vec::new()));
        }
        let mut there = attachment_view::list(mail, context, draft).await?;
        there.retain(|item| item.kind == Sort::File && !removed.contains(&item.attachment_id));
        let (mut missing, mut known) = (Self { files: Vec::new(), tickets: self.tickets }, Vec::new());
        for file in self.files {
            let name = line(&file.name);
            let mut is_there = false;
            for item in there.iter().filter(|item| item.name == name) {
                let target = Target::new(attachment_view::path(draft, &item.attachment_id, "/$value"));
                let request = Request::outlook(target).download(mail.deps.settings.max_attachment_bytes);
                let bytes = mail.deps.graph.send(asker(context), request).await.map_err(write_fault)?.body;
                is_there |= file_text::checksum(bytes).await? == file.sha256;
            }
            if is_there {
                known.push(name);
            } else {
                missing.files.push(file);
            }
        }
        Ok((missing, known))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// For a preview.
    pub(super) fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| format!("{} ({} bytes)", file.name, file.bytes.len())).collect()
    }

    /// What a confirmation binds to: exactly these files.
    pub(super) fn payload(&self) -> Value {
        let one =
            |file: &Enclosure| json!({"name": file.name, "size": file.bytes.len(), "sha256": file.sha256});
        self.files.iter().map(one).collect()
    }

    /// Puts them into a draft (Mail.ReadWrite): `POST …/attachments`, or `POST …/attachments/createUploadSession` and
    /// the pieces. Those that were sent in for it are removed from where they waited.
    pub(super) async fn put(&self, mail: &Mail, context: &CallContext, draft: &str) -> Result<(), ToolError> {
        let path = format!("/me/messages/{}/attachments", segment(draft));
        let graph = &mail.deps.graph;
        for file in &self.files {
            let kind =
                if file.content_type.is_empty() { "application/octet-stream" } else { &file.content_type };
            let outcome = if file.bytes.len() < IN_PIECES {
                let body = json!({
                    "@odata.type": "#microsoft.graph.fileAttachment", "name": file.name, "contentType": kind,
                    "contentBytes": STANDARD.encode(&file.bytes),
                });
                let body = Bytes::from(body.to_string());
                graph.send(asker(context), Request::write(Method::POST, Target::new(&path), Some(body))).await
            } else {
                let item = json!({"AttachmentItem": {
                    "attachmentType": "file", "name": file.name, "contentType": kind, "size": file.bytes.len(),
                }});
                let target = Target::new(format!("{path}/createUploadSession"));
                // A second session harms nobody: the first one ends by itself.
                let open =
                    Request::write(Method::POST, target, Some(Bytes::from(item.to_string()))).repeatable();
                graph.upload(asker(context), open, file.bytes.clone()).await
            };
            outcome.map_err(|error| {
                let mut error = write_fault(error);
                error.public = format!("\"{}\" could not be attached. {}", file.name, error.public);
                error
            })?;
        }
        for ticket in &self.tickets {
            uploads::discard(&mail.deps, context, ticket).await;
        }
        Ok(())
    }
}
