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

/// `…/attachments`.
pub(super) fn list(call: &Call<'_>, mailbox: &Mailbox, message: ItemRef) -> Result<Answer, GraphError> {
    let options = Options::read(call, &["$select", "$expand", "$top", "$skip", "$count"])?;
    let select = Select::parse(call.query.get("$select"), &ATTACHMENT, "attachment")?;
    let mail = mailbox.mail(message.message);
    let view = view(call, mailbox, select.clone());
    let mut json = Json::default();
    json.object(|json| {
        json.member("@odata.context", &context(call, mailbox, message.message, ""));
        if options.count {
            json.number("@odata.count", mail.attachments.len() as u64);
        }
        json.key("value").array(|json| {
            let rows = mail
                .attachments
                .iter()
                .enumerate()
                .skip(options.skip)
                .take(options.top.unwrap_or(usize::MAX));
            for (at, attachment) in rows {
                write(json, &view, message.message, &mail, at, attachment, &select);
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
    let at = find(call, mailbox, message, id)?;
    let select = Select::parse(call.query.get("$select"), &ATTACHMENT, "attachment")?;
    let mail = mailbox.mail(message.message);
    let attachment = mail.attachments.get(at).ok_or_else(GraphError::not_found)?;
    let with_item =
        call.query.get("$expand").is_some_and(|e| e.starts_with("microsoft.graph.itemAttachment/item"));
    let view = view(call, mailbox, select.clone());
    let mut json = Json::default();
    json.object(|json| {
        json.member("@odata.context", &context(call, mailbox, message.message, "/$entity"));
        members(json, &view, message.message, &mail, at, attachment, &select);
        if let (true, FileKind::Item(subject, text)) = (with_item, attachment.kind) {
            item(json, subject, text, &view.time(mail.sent));
        }
    });
    Ok(Answer::json(json.finish()))
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
    let kind = match attachment.kind.content_type() {
        Some(kind) => kind,
        None => mime::CONTENT_TYPE,
    };
    Ok(Answer::raw(kind, Bytes::clone(attachment.bytes())))
}

/// All attachments of a message as an array value.
pub(super) fn write_all(json: &mut Json, view: &View<'_>, ix: u32, mail: &Mail, select: &Select) {
    json.array(|json| {
        for (at, attachment) in mail.attachments.iter().enumerate() {
            write(json, view, ix, mail, at, attachment, select);
        }
    });
}

fn find(call: &Call<'_>, mailbox: &Mailbox, message: ItemRef, id: &str) -> Result<usize, GraphError> {
    let found = mailbox.find(call.prefer.ids, id)?;
    match found.attachment {
        Some(at) if found.message == message.message => Ok(usize::from(at)),
        _ => Err(GraphError::not_found()),
    }
}

fn view<'a>(call: &'a Call<'a>, mailbox: &'a Mailbox, select: Select) -> View<'a> {
    View { call, mailbox, select, attachments: None }
}

fn context(call: &Call<'_>, mailbox: &Mailbox, ix: u32, end: &str) -> String {
    let id = mailbox.item_id(call.prefer.ids, ix, None);
    format!("{}/v1.0/$metadata#users('{}')/messages('{id}')/attachments{end}", call.origin, call.oid)
}

fn write(
    json: &mut Json,
    view: &View<'_>,
    ix: u32,
    mail: &Mail,
    at: usize,
    attachment: &Attachment,
    select: &Select,
) {
    json.object(|json| members(json, view, ix, mail, at, attachment, select));
}

fn members(
    json: &mut Json,
    view: &View<'_>,
    ix: u32,
    mail: &Mail,
    at: usize,
    attachment: &Attachment,
    select: &Select,
) {
    let file = !matches!(attachment.kind, FileKind::Item(..) | FileKind::Link(_));
    let kind = if file {
        "#microsoft.graph.fileAttachment"
    } else if matches!(attachment.kind, FileKind::Link(_)) {
        "#microsoft.graph.referenceAttachment"
    } else {
        "#microsoft.graph.itemAttachment"
    };
    json.member("@odata.type", kind);
    if file && let Some(kind) = attachment.kind.content_type() {
        json.member("@odata.mediaContentType", kind);
    }
    for field in &select.fields {
        match *field {
            "id" => json.member(field, &view.mailbox.item_id(view.call.prefer.ids, ix, Some(at))),
            "lastModifiedDateTime" => json.member(field, &view.time(mail.received)),
            "name" => json.member(field, &attachment.name),
            "contentType" => match attachment.kind.content_type() {
                Some(kind) => json.member(field, kind),
                None => json.key(field).raw("null"),
            },
            "size" => json.number(field, attachment.bytes().len() as u64),
            "isInline" => json.flag(field, attachment.content_id.is_some()),
            "contentId" if file => match attachment.content_id {
                Some(id) => json.member(field, id),
                None => json.key(field).raw("null"),
            },
            "contentLocation" if file => json.key(field).raw("null"),
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
