//! Answers as bytes. The hot path writes text straight into one buffer and splices in what is encoded already.

use actix_web::HttpResponse;
use actix_web::http::header;

/// How the one answer of a POST travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Json,
    /// For clients that accept nothing but `text/event-stream`: one event, then the end.
    EventStream,
}

/// Opens a response up to where `"result":` or `"error":` goes. `id` is raw JSON.
pub(super) fn open(id: &str, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(room + id.len() + 32);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.as_bytes());
    out.push(b',');
    out
}

/// A response whose tail (`"result":{…}}`) was encoded before.
pub(super) fn splice(id: &str, tail: &[u8]) -> Vec<u8> {
    let mut out = open(id, tail.len());
    out.extend_from_slice(tail);
    out
}

/// A notification.
pub(super) fn notification(method: &str, params: &serde_json::Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// A request of ours; `id` is raw JSON.
pub(super) fn request(id: &str, method: &str, params: &serde_json::Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// Sets a member of an object.
pub(super) fn set(object: &mut serde_json::Value, name: &str, value: impl Into<serde_json::Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// A JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory has no way to fail.
    let _ = serde_json::to_writer(out, text);
}

/// The HTTP 200 that carries `body`.
pub(super) fn respond(framing: Framing, body: Vec<u8>) -> HttpResponse {
    match framing {
        Framing::Json => {
            HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(body)
        }
        Framing::EventStream => event_stream().body(event(None, &body)),
    }
}

/// Nothing to say to a request that its own client cancelled: a stream without events for who takes one.
pub(super) fn respond_nothing(streams: bool) -> HttpResponse {
    if streams { event_stream().finish() } else { HttpResponse::Accepted().finish() }
}

/// Headers of every event stream; no proxy may hold or repack it.
pub(super) fn event_stream() -> actix_web::HttpResponseBuilder {
    let mut builder = HttpResponse::Ok();
    builder
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"));
    builder
}

/// One JSON message as an event, its JSON on a single line.
pub(super) fn event(id: Option<&str>, json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + 48);
    if let Some(id) = id {
        out.extend_from_slice(b"id: ");
        out.extend_from_slice(id.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"event: message\ndata: ");
    // Line breaks in valid JSON are only ever white space between tokens.
    out.extend(json.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }));
    out.extend_from_slice(b"\n\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_data_line_whatever_the_json_looks_like() {
        let text = String::from_utf8(event(Some("s-1"), b"{\r\n \"a\": \"b\\n\"}")).unwrap();
        assert_eq!(text, "id: s-1\nevent: message\ndata: {   \"a\": \"b\\n\"}\n\n");
    }

    #[test]
    fn a_spliced_answer_keeps_the_id_as_it_was_written() {
        let text = String::from_utf8(splice(r#""a\u0041""#, br#""result":{}}"#)).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":"a\u0041","result":{}}"#);
    }
}
