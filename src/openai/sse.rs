//! Server-sent events as OpenAI uses them.

use actix_web::body::BodyStream;
use actix_web::http::header;
use actix_web::{HttpResponse, body::MessageBody};
use bytes::Bytes;
use futures_util::stream::Stream;
use serde_json::Value;

/// Keeps a silent stream open; readers skip it.
pub(super) const COMMENT: &[u8] = b": waiting\n\n";

/// One event of data alone.
pub(super) fn data(data: &Value) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// One event with a name.
pub(super) fn event(name: &str, data: &Value) -> Vec<u8> {
    format!("event: {name}\ndata: {data}\n\n").into_bytes()
}

/// A response of events, past buffering proxies.
pub(super) fn response<S>(events: S) -> HttpResponse
where
    S: Stream<Item = Result<Bytes, actix_web::Error>> + 'static,
{
    let body = BodyStream::new(Box::pin(events)).boxed();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .body(body)
}
