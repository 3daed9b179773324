//! Where bytes travel: download addresses, upload sessions and the monitors of copies. None of them takes a token; an
//! `Authorization` header is counted and refused.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;

use super::render::{View, moment};
use super::store::{Node, Who};
use super::write::{Landing, land};
use super::{Desk, Place};
use crate::sim::clock;
use crate::sim::graph::call::{Answer, Call, Query};
use crate::sim::graph::error::GraphError;
use crate::sim::graph::prefer::Prefer;
use crate::sim::state::SimState;

/// Pieces are multiples of this, but for the last.
const STEP: u64 = 320 << 10;
const MAX_PIECE: usize = 60 << 20;
const BLOB_LIFE_S: i64 = 3_600;
const UPLOAD_LIFE_H: i64 = 24;
/// Fixed, like the one of skip tokens.
const KEY: &[u8] = b"simulated tenant: download key, not a secret";
const BEHAVIOR: &str = "@microsoft.graph.conflictBehavior";

/// An upload under way.
#[derive(Debug)]
struct Upload {
    landing: Landing,
    by: Who,
    total: Option<u64>,
    got: BytesMut,
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    uploads: Mutex<HashMap<String, Upload>>,
    /// Outcome of a copy, and whether it was asked for already.
    copies: Mutex<HashMap<String, (Value, bool)>>,
}

impl Transfers {
    /// The monitor of a copy.
    pub(super) fn watch(&self, origin: &str, outcome: Value) -> String {
        let ticket = ticket();
        self.copies.lock().insert(ticket.clone(), (outcome, false));
        format!("{origin}/monitor/{ticket}")
    }
}

/// An address for an hour at which whoever knows it gets the bytes.
pub(super) fn download_url(origin: &str, drive: &str, node: &Node) -> String {
    let text = format!("{drive}\n{}\n{}", node.id, clock::now_secs() + BLOB_LIFE_S);
    let mut raw = mac(text.as_bytes()).to_vec();
    raw.extend(text.as_bytes());
    format!("{origin}/blob/{}", URL_SAFE_NO_PAD.encode(raw))
}

fn mac(text: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new(&[0; 64].into());
    mac.update(KEY);
    mac.update(text);
    mac.finalize().into_bytes().into()
}

pub(in crate::sim::graph) fn ticket() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

impl Desk<'_> {
    pub(super) fn open_upload(&self, place: &Place<'_>) -> Result<Answer, GraphError> {
        let body = super::render::body(self.call)?;
        let item = body.get("item");
        let behavior = item.and_then(|item| item.get(BEHAVIOR)).and_then(Value::as_str);
        let landing = self.landing(place, behavior)?;
        let ticket = ticket();
        let upload = Upload { landing, by: self.me.clone(), total: None, got: BytesMut::new() };
        self.drives.transfers.uploads.lock().insert(ticket.clone(), upload);
        Ok(super::render::answer(
            200,
            &json!({
                "@odata.context": self.context("microsoft.graph.uploadSession"),
                "uploadUrl": format!("{}/upload/{ticket}", self.call.origin),
                "expirationDateTime": expiry(),
                "nextExpectedRanges": ["0-"],
            }),
        ))
    }
}

fn expiry() -> String {
    moment(clock::now() + chrono::Duration::hours(UPLOAD_LIFE_H))
}

/// Mounts the addresses beside Graph's own.
pub(in crate::sim::graph) fn configure(cfg: &mut web::ServiceConfig) {
    let upload = web::resource("/upload/{ticket}")
        .app_data(web::PayloadConfig::new(MAX_PIECE))
        .route(web::put().to(put))
        .route(web::get().to(status))
        .route(web::delete().to(cancel));
    cfg.service(upload)
        .route("/blob/{ticket}", web::get().to(download))
        .route("/monitor/{ticket}", web::get().to(monitor));
}

pub(in crate::sim::graph) fn refuse(status: u16, code: &str, message: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(json!({ "error": { "code": code, "message": message } }))
}

/// A token that came along has left the way it was meant for.
fn leaked(request: &HttpRequest, state: &SimState) -> Option<HttpResponse> {
    if !request.headers().contains_key("authorization") {
        state.counters.mark("drive.transfers");
        return None;
    }
    state.counters.mark("drive.authorization_leaked");
    Some(refuse(401, "unauthenticated", "The caller is not authenticated."))
}

async fn download(
    request: HttpRequest,
    ticket: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    let read = || {
        let raw = URL_SAFE_NO_PAD.decode(ticket.as_bytes()).ok()?;
        let (tag, text) = raw.split_first_chunk::<32>()?;
        let text = (mac(text) == *tag).then(|| String::from_utf8(text.to_vec()).ok())??;
        let mut parts = text.split('\n');
        let (drive, item, until) = (parts.next()?, parts.next()?, parts.next()?);
        if until.parse::<i64>().ok()? < clock::now_secs() {
            return None;
        }
        let all = state.graph.drives.all.read();
        let drive = all.iter().find(|known| known.id == drive)?;
        let node = drive.node(drive.by_id(item)?)?;
        Some((node.content.as_ref()?.bytes(), super::ids::mime(&node.name)))
    };
    match read() {
        Some((bytes, mime)) => HttpResponse::Ok().insert_header(("content-type", mime)).body(bytes),
        None => refuse(404, "itemNotFound", "The resource could not be found."),
    }
}

/// `bytes first-last/total`.
pub(in crate::sim::graph) fn range(request: &HttpRequest) -> Option<(u64, u64, u64)> {
    let text = request.headers().get("content-range")?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total) = (first.parse().ok()?, last.parse::<u64>().ok()?, total.parse().ok()?);
    (first <= last && last < total).then_some((first, last, total))
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
    let drives = &state.graph.drives;
    let mut uploads = drives.transfers.uploads.lock();
    let Some(upload) = uploads.get_mut(ticket.as_str()) else {
        return refuse(404, "itemNotFound", "The upload session was not found");
    };
    let bad = |message: &str| refuse(400, "invalidRequest", message);
    let Some((first, last, total)) = range(&request) else {
        return bad("Invalid Content-Range header value");
    };
    if body.len() as u64 != last - first + 1 {
        return bad("The Content-Range header length does not match the provided number of bytes.");
    }
    if body.len() >= MAX_PIECE || (last + 1 < total && !(last - first + 1).is_multiple_of(STEP)) {
        return bad("The fragment size must be a multiple of 320 KiB and less than 60 MiB.");
    }
    if upload.total.is_some_and(|known| known != total) {
        return bad("The total length does not match that of earlier fragments.");
    }
    upload.total = Some(total);
    let have = upload.got.len() as u64;
    if first != have {
        let why = if first < have { "fragmentOverlap" } else { "fragmentOrderMismatch" };
        return HttpResponse::RangeNotSatisfiable().json(json!({ "error": {
            "code": "invalidRange", "message": "Optimistic concurrency failure during fragmented upload",
            "innererror": { "code": why },
        }}));
    }
    upload.got.extend_from_slice(&body);
    let have = upload.got.len() as u64;
    if have < total {
        return HttpResponse::Accepted()
            .json(json!({ "expirationDateTime": expiry(), "nextExpectedRanges": [format!("{have}-")] }));
    }
    let Some(done) = uploads.remove(ticket.as_str()) else { return bad("The upload session was not found") };
    drop(uploads);
    let mut all = drives.all.write();
    match land(&mut all, &done.landing, done.got.freeze(), &done.by) {
        Ok((at, new)) => {
            let origin = state.url.clone();
            let item = all.get(done.landing.drive).and_then(|drive| {
                let call = plain(&origin, &done.by.oid);
                Some(View::new(&call).ok()?.item(drive, at))
            });
            let status = if new { StatusCode::CREATED } else { StatusCode::OK };
            HttpResponse::build(status).json(item.unwrap_or_default())
        }
        Err(error) => refuse(error.status, &error.code, &error.message),
    }
}

/// A request of no options, by which the finished item is shown.
fn plain<'a>(origin: &'a str, oid: &'a str) -> Call<'a> {
    Call {
        method: "GET",
        path: Vec::new(),
        raw_path: "",
        query: Query::default(),
        prefer: Prefer::default(),
        origin,
        oid,
        delegated: false,
        scopes: &[],
        body: &[],
        if_match: None,
        eventual: false,
    }
}

async fn status(request: HttpRequest, ticket: web::Path<String>, state: web::Data<SimState>) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    match state.graph.drives.transfers.uploads.lock().get(ticket.as_str()) {
        Some(upload) => HttpResponse::Ok().json(json!({
            "expirationDateTime": expiry(), "nextExpectedRanges": [format!("{}-", upload.got.len())],
        })),
        None => refuse(404, "itemNotFound", "The upload session was not found"),
    }
}

async fn cancel(request: HttpRequest, ticket: web::Path<String>, state: web::Data<SimState>) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    match state.graph.drives.transfers.uploads.lock().remove(ticket.as_str()) {
        Some(_) => HttpResponse::NoContent().finish(),
        None => refuse(404, "itemNotFound", "The upload session was not found"),
    }
}

/// The first look finds the copy under way, the next ones its outcome.
async fn monitor(
    request: HttpRequest,
    ticket: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    if let Some(refusal) = leaked(&request, &state) {
        return refusal;
    }
    match state.graph.drives.transfers.copies.lock().get_mut(ticket.as_str()) {
        Some((_, seen)) if !*seen => {
            *seen = true;
            HttpResponse::Accepted()
                .json(json!({ "operation": "ItemCopy", "percentageComplete": 27.8, "status": "inProgress" }))
        }
        Some((outcome, _)) => HttpResponse::Ok().json(outcome),
        None => refuse(404, "itemNotFound", "The monitor was not found"),
    }
}
