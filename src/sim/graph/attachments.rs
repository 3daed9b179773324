//! Attachments: files with bytes, nested items, and links.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::call::{Answer, Call};
use super::error::GraphError;
use super::ids::ItemRef;
use super::json::Json;
use super::mailbox::Mailbox;
use super::mime;
use super::options::Options;
use super::render::View;
use super::select::{ATTACHMENT, Select};
use crate::sim::seed::files::FileKind;
use crate::sim::seed::model::{Attachment, Mail};

/// One attachment to write.
struct Part<'a> {
    view: &'a View<'a>,
    select: &'a Select,
    mail: &'a Mail,
    ix: u32,
    at: usize,
    attachment: &'a Attachment,
    /// `$expand=microsoft.graph.itemAttachment/item`.
    with_item: bool,
}

/// `…/attachments`.
pub(super) fn list(call: &Call<'_>, mailbox: &Mailbox, message: ItemRef) -> Result<Answer, GraphError> {
    let options = Options::read(call, &["$select", "$expand", "$top", "$skip", "$count"])?;
    let select = Select::parse(call.query.get("$select"), &ATTACHMENT, "attachment")?;
    let (mail, ix, with_item) = (&*mailbox.mail(message.message), message.message, expands_item(call));
    let view = &View { call, mailbox, select: select.clone(), attachments: None };
    let mut json = Json::default();
    json.object(|json| {
        json.member("@odata.context", &context(call, mailbox, ix, ""));
        if options.count {
            json.number("@odata.count", mail.files().count() as u64);
        }
        json.key("value").array(|json| {
            let rows = mail.files().skip(options.skip).take(options.top.unwrap_or(usize::MAX));
            for (at, attachment) in rows {
                let part = Part { view, select: &select, mail, ix, at, attachment, with_item };
                json.object(|json| part.members(json));
            }
        });
    });
    Ok(Answer::json(json.finish()))
}

/// `…/attachments/{id}`.
pub(super) fn get(
    call: &Call<'_>,
    mailbox: &Mailbox,
    message: ItemRef,
    id: &str,
) -> Result<Answer, GraphError> {
    Options::read(call, &["$select", "$expand"])?;
    one(call, mailbox, message.message, find(call, mailbox, message, id)?)
}

/// The attachment at a place of a message.
pub(super) fn one(call: &Call<'_>, mailbox: &Mailbox, ix: u32, at: usize) -> Result<Answer, GraphError> {
    let select = Select::parse(call.query.get("$select"), &ATTACHMENT, "attachment")?;
    let (mail, with_item) = (&*mailbox.mail(ix), expands_item(call));
    let attachment = mail.attachments.get(at).ok_or_else(GraphError::not_found)?;
    let view = &View { call, mailbox, select: select.clone(), attachments: None };
    let mut json = Json::default();
    json.object(|json| {
        json.member("@odata.context", &context(call, mailbox, ix, "/$entity"));
        Part { view, select: &select, mail, ix, at, attachment, with_item }.members(json);
    });
    Ok(Answer::json(json.finish()))
}

fn expands_item(call: &Call<'_>) -> bool {
    call.query.get("$expand").is_some_and(|e| e.starts_with("microsoft.graph.itemAttachment/item"))
}

/// `…/attachments/{id}/$value`.
pub(super) fn value(
    call: &Call<'_>,
    mailbox: &Mailbox,
    message: ItemRef,
    id: &str,
) -> Result<Answer, GraphError> {
    Options::read(call, &[])?;
    let at = find(call, mailbox, message, id)?;
    let mail = mailbox.mail(message.message);
    let attachment = mail.attachments.get(at).ok_or_else(GraphError::not_found)?;
    if matches!(attachment.kind, FileKind::Link(_)) {
        return Err(GraphError::new(
            405,
            "ErrorInvalidRequest",
            "The $value of a reference attachment cannot be read.",
        ));
    }
    let kind = match attachment.content_type() {
        Some(kind) => kind,
        None => mime::CONTENT_TYPE,
    };
    Ok(Answer::raw(kind, Bytes::clone(attachment.bytes())))
}

/// All attachments of a message as an array value.
pub(super) fn write_all(json: &mut Json, view: &View<'_>, ix: u32, mail: &Mail, select: &Select) {
    json.array(|json| {
        for (at, attachment) in mail.files() {
            let part = Part { view, select, mail, ix, at, attachment, with_item: false };
            json.object(|json| part.members(json));
        }
    });
}

fn find(call: &Call<'_>, mailbox: &Mailbox, message: ItemRef, id: &str) -> Result<usize, GraphError> {
    position(call, mailbox, message.message, id)
}

/// Where an attachment stands in its message.
pub(super) fn position(
    call: &Call<'_>,
    mailbox: &Mailbox,
    message: u32,
    id: &str,
) -> Result<usize, GraphError> {
    let found = mailbox.find(call.prefer.ids, id)?;
    let at = found.attachment.filter(|_| found.message == message).map(usize::from);
    at.filter(|at| mailbox.mail(message).files().any(|(place, _)| place == *at))
        .ok_or_else(GraphError::not_found)
}

fn context(call: &Call<'_>, mailbox: &Mailbox, ix: u32, end: &str) -> String {
    let id = mailbox.item_id(call.prefer.ids, ix, None);
    format!("{}/v1.0/$metadata#users('{}')/messages('{id}')/attachments{end}", call.origin, call.oid)
}

impl Part<'_> {
    fn members(&self, json: &mut Json) {
        let kind = self.attachment.kind;
        let file = !matches!(kind, FileKind::Item(..) | FileKind::Link(_));
        let odata_type = if file {
            "#microsoft.graph.fileAttachment"
        } else if matches!(kind, FileKind::Link(_)) {
            "#microsoft.graph.referenceAttachment"
        } else {
            "#microsoft.graph.itemAttachment"
        };
        json.member("@odata.type", odata_type);
        if file && let Some(kind) = self.attachment.content_type() {
            json.member("@odata.mediaContentType", kind);
        }
        for field in &self.select.fields {
            self.field(json, field, file);
        }
        if let (true, FileKind::Item(subject, text)) = (self.with_item, kind) {
            item(json, subject, text, &self.view.time(self.mail.sent));
        }
    }

    fn field(&self, json: &mut Json, field: &str, file: bool) {
        let or_null = |json: &mut Json, value: Option<&str>| match value {
            Some(value) => json.member(field, value),
            None => json.key(field).raw("null"),
        };
        let attachment = self.attachment;
        match field {
            "id" => json
                .member(field, &self.view.mailbox.item_id(self.view.call.prefer.ids, self.ix, Some(self.at))),
            "lastModifiedDateTime" => json.member(field, &self.view.time(self.mail.received)),
            "name" => json.member(field, &attachment.name),
            "contentType" => or_null(json, attachment.content_type()),
            "size" => json.number(field, attachment.bytes().len() as u64),
            "isInline" => json.flag(field, attachment.content_id.is_some()),
            "contentId" if file => or_null(json, attachment.content_id),
            "contentLocation" if file => or_null(json, None),
            "contentBytes" if file => json.member(field, &STANDARD.encode(attachment.bytes())),
            _ => {}
        }
    }
}

fn item(json: &mut Json, subject: &str, text: &str, sent: &str) {
    json.key("item").object(|json| {
        json.member("@odata.type", "#microsoft.graph.message");
        json.member("subject", subject);
        json.member("sentDateTime", sent);
        json.flag("isRead", true);
        json.key("body").object(|json| {
            json.member("contentType", "text");
            json.member("content", text);
        });
    });
}
