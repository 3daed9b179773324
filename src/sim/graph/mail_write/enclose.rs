//! Attachments of messages: added in one piece or in pieces, and taken away.
use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::super::attachments;
use super::super::call::Answer;
use super::super::drive::{self, range, refuse};
use super::super::error::GraphError;
use super::super::given::{self, member, mistyped};
use super::super::mailbox::Mailbox;
use super::super::routes::mailbox;
use super::super::select::ATTACHMENT;
use super::Desk;
use crate::sim::clock;
use crate::sim::seed::model::{Attachment, Mail};
use crate::sim::state::SimState;

/// Below this a file goes in one request; from here on in pieces (`attachment: createUploadSession`).
const ONE_REQUEST: u64 = 3 << 20;
const MAX_FILE: u64 = 150 << 20;
/// Exchange Online's usual limit on a message.
const MAX_MESSAGE: usize = 35 << 20;
const MAX_PIECE: usize = 4 << 20;

/// A file on its way into a message.
#[derive(Debug)]
struct Upload {
    oid: String,
    message: u32,
    name: String,
    content_type: Option<String>,
    total: u64,
    got: BytesMut,
}

/// Every file on its way.
#[derive(Debug, Default)]
pub(in crate::sim::graph) struct Uploads(Mutex<HashMap<String, Upload>>);

impl Desk<'_> {
    /// `POST …/attachments`.
    pub(super) fn attach(&self, id: &str) -> Result<Answer, GraphError> {
        let members = given::members(self.call.body, &ATTACHMENT, "fileAttachment")?;
        let kind = members.get("@odata.type").and_then(Value::as_str);
        match kind {
            Some("#microsoft.graph.fileAttachment") => {}
            Some("#microsoft.graph.itemAttachment" | "#microsoft.graph.referenceAttachment") => {
                let text = "Only files can be attached in the simulated tenant.";
                return Err(GraphError::new(501, "NotImplemented", text));
            }
            _ => {
                return Err(GraphError::bad_request(
                    "Property type for an attachment is missing or unknown.",
                ));
            }
        }
        if members.get("isInline").and_then(Value::as_bool) == Some(true) {
            let text = "Pictures inside a text cannot be attached in the simulated tenant.";
            return Err(GraphError::new(501, "NotImplemented", text));
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let name = text("name").filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| {
            GraphError::new(400, "ErrorInvalidProperty", "The required property 'name' is missing.")
        })?;
        let bytes = text("contentBytes").ok_or_else(|| mistyped("contentBytes"))?;
        let bytes = STANDARD.decode(bytes).map_err(|_| mistyped("contentBytes"))?;
        if bytes.len() as u64 >= ONE_REQUEST {
            return Err(GraphError::new(413, "RequestEntityTooLarge", "The request is too large."));
        }
        let attachment = Attachment::given(name.to_owned(), text("contentType"), bytes.into());
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        let at = enclose(&mut mailbox, ix, attachment)?;
        attachments::one(self.call, &mailbox, ix, at).map(|answer| Answer { status: 201, ..answer })
    }

    /// `POST …/attachments/createUploadSession`.
    pub(super) fn open_upload(&self, id: &str) -> Result<Answer, GraphError> {
        let given = given::action(self.call.body, &["AttachmentItem"])?;
        let item = given.values().next().ok_or_else(|| mistyped("AttachmentItem"))?;
        let name = member(item, "name").filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| mistyped("name"))?.to_owned();
        if member(item, "attachmentType") != Some("file") {
            return Err(mistyped("attachmentType"));
        }
        let total = item.get("size").and_then(Value::as_u64).ok_or_else(|| mistyped("size"))?;
        if total < ONE_REQUEST {
            let text = "The attachment size is below the minimum of an upload session.";
            return Err(GraphError::new(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", text));
        }
        if total > MAX_FILE {
            return Err(GraphError::new(
                413,
                "ErrorAttachmentSizeLimitExceeded",
                "The attachment is too large.",
            ));
        }
        let message = self.find(&mailbox(self.state, self.call)?.read(), id)?;
        let content_type = member(item, "contentType").map(str::to_owned);
        let oid = self.call.oid.to_owned();
        let upload = Upload { oid, message, name, content_type, total, got: BytesMut::new() };
        let ticket = drive::ticket();
        self.state.enclosing.0.lock().insert(ticket.clone(), upload);
        let body = json!({
            "@odata.context": format!("{}/v1.0/$metadata#microsoft.graph.uploadSession", self.call.origin),
            "uploadUrl": format!("{}/mail-upload/{ticket}", self.call.origin),
            "expirationDateTime": expiry(),
            "nextExpectedRanges": ["0-"],
        });
        Ok(Answer { status: 201, ..Answer::json(body.to_string().into_bytes()) })
    }

    /// `DELETE …/attachments/{id}`.
    pub(super) fn detach(&self, id: &str, attachment: &str) -> Result<Answer, GraphError> {
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        let at = attachments::position(self.call, &mailbox, ix, attachment)?;
        mailbox.change(ix, |mail| {
            if let Some(attachment) = mail.attachments.get_mut(at) {
                attachment.removed = true;
            }
        });
        Ok(Answer::empty(204))
    }
}

/// Puts a file into a message; where it stands there.
fn enclose(mailbox: &mut Mailbox, ix: u32, attachment: Attachment) -> Result<usize, GraphError> {
    let size = |mail: &Mail| mail.files().map(|(_, file)| file.bytes().len()).sum::<usize>();
    // In transport every three bytes become four.
    if (size(&mailbox.mail(ix)) + attachment.bytes().len()) / 3 * 4 > MAX_MESSAGE {
        let text = "The message exceeds the maximum supported size.";
        return Err(GraphError::new(413, "ErrorMessageSizeExceeded", text));
    }
    mailbox.change(ix, |mail| mail.attachments.push(attachment));
    Ok(mailbox.mail(ix).attachments.len().saturating_sub(1))
}

fn expiry() -> String {
    (clock::now() + chrono::Duration::hours(3)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Mounts the addresses beside Graph's own, as Outlook's are.
pub(in crate::sim::graph) fn configure(cfg: &mut web::ServiceConfig) {
    let upload = web::resource("/mail-upload/{ticket}")
        .app_data(web::PayloadConfig::new(MAX_PIECE * 2))
        .route(web::put().to(put))
        .route(web::get().to(status))
        .route(web::delete().to(cancel));
    cfg.service(upload);
}

/// The address is the permission; a token that comes along has left the way it was meant for.
fn leaked(request: &HttpRequest, state: &SimState) -> Option<HttpResponse> {
    if !request.headers().contains_key("authorization") {
        state.counters.mark("mail.transfers");
        return None;
    }
    state.counters.mark("mail.authorization_leaked");
    Some(refuse(401, "unauthenticated", "The caller is not authenticated."))
}

fn missing() -> HttpResponse {
    refuse(404, "ErrorItemNotFound", "The upload session was not found.")
}

/// How far it is, in the form of Outlook: a bare number.
fn so_far(upload: &Upload) -> Value {
    json!({ "expirationDateTime": expiry(), "nextExpectedRanges": [upload.got.len().to_string()] })
}

async fn put(
    request: HttpRequest,
    ticket: web::Path<String>,
    body: Bytes,
    state: web::Data<SimState>,
) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    let mut uploads = state.graph.enclosing.0.lock();
    let Some(upload) = uploads.get_mut(ticket.as_str()) else { return missing() };
    let Some((first, last, total)) = range(&request) else {
        return refuse(400, "ErrorInvalidRequest", "The Content-Range header is missing or malformed.");
    };
    if body.len() as u64 != last - first + 1 || total != upload.total || body.len() > MAX_PIECE {
        return refuse(400, "ErrorInvalidRequest", "The range does not fit the content or the session.");
    }
    if first != upload.got.len() as u64 {
        return refuse(416, "ErrorInvalidRange", "The range is not the one that is expected next.");
    }
    upload.got.extend_from_slice(&body);
    if (upload.got.len() as u64) < upload.total {
        return HttpResponse::Ok().json(so_far(upload));
    }
    let Some(done) = uploads.remove(ticket.as_str()) else { return missing() };
    drop(uploads);
    let Some(mailbox) = state.graph.mailbox(&done.oid) else { return missing() };
    let mut mailbox = mailbox.write();
    if !mailbox.holds(done.message) {
        return missing();
    }
    let file = Attachment::given(done.name, done.content_type.as_deref(), done.got.freeze());
    match enclose(&mut mailbox, done.message, file) {
        Ok(at) => {
            let id = mailbox.item_id(super::super::ids::IdKind::Mutable, done.message, Some(at));
            let place = format!("{}/api/v2.0/Users('{}')/Attachments('{id}')", state.url, done.oid);
            HttpResponse::build(StatusCode::CREATED).insert_header(("location", place)).finish()
        }
        Err(error) => refuse(error.status, &error.code, &error.message),
    }
}

async fn status(request: HttpRequest, ticket: web::Path<String>, state: web::Data<SimState>) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    match state.graph.enclosing.0.lock().get(ticket.as_str()) {
        Some(upload) => HttpResponse::Ok().json(so_far(upload)),
        None => missing(),
    }
}

async fn cancel(request: HttpRequest, ticket: web::Path<String>, state: web::Data<SimState>) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    match state.graph.enclosing.0.lock().remove(ticket.as_str()) {
        Some(_) => HttpResponse::NoContent().finish(),
        None => missing(),
    }
}
