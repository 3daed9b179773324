//! Answers as bytes. The hot path writes text straight into one buffer and splices in what is encoded already.

use actix_web::HttpResponse;
use actix_web::http::header;
use std::io::Write as _;

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

/// A JSON string (RFC 8259 §7). Answers are long texts that need few escapes, so eight bytes are looked at together.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, tail) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, tail)) = tail.split_first() else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            // Writing to memory has no way to fail.
            control => drop(write!(out, "\\u{control:04x}")),
        }
        rest = tail;
    }
    out.push(b'"');
}

/// How many bytes at the beginning need no escape.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let skipped = 8 * words.iter().take_while(|word| is_plain(u64::from_le_bytes(**word))).count();
    let rest = bytes.get(skipped..).unwrap_or_default();
    let found = rest.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\'));
    skipped + found.unwrap_or(rest.len())
}

/// Whether none of eight bytes needs an escape. Subtracting carries into the highest bit of a byte that is below what is
/// subtracted; what else it may hit is looked at once more.
const fn is_plain(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    const fn below(word: u64, bound: u8) -> u64 {
        word.wrapping_sub(ONES * bound as u64) & !word & HIGH
    }
    let quotes = below(word ^ (ONES * b'"' as u64), 1);
    let backslashes = below(word ^ (ONES * b'\\' as u64), 1);
    below(word, 0x20) | quotes | backslashes == 0
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
    fn a_string_is_what_a_parser_reads_back() {
        let mut text = String::new();
        for c in '\0'..='\u{2100}' {
            let at = text.len() % 11;
            text.push(c);
            text.push_str(&"plain 가나"[..[0, 1, 2, 3, 4, 5, 6, 9, 12, 12, 12][at]]);
        }
        text.push_str("\"\\end\u{1f600}");
        for start in
            (0..text.len()).filter(|start| text.is_char_boundary(*start)).step_by(97).chain([text.len()])
        {
            let mut out = Vec::new();
            string(&mut out, &text[start..]);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text[start..]);
        }
        let mut out = Vec::new();
        string(&mut out, "a\"b\\c\nd\re\tf\u{8}g\u{1f}/\u{7f}é");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"b\\\\c\\nd\\re\\tf\\u0008g\\u001f/\u{7f}é\"");
    }

    #[test]
    fn a_spliced_answer_keeps_the_id_as_it_was_written() {
        let text = String::from_utf8(splice(r#""a\u0041""#, br#""result":{}}"#)).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":"a\u0041","result":{}}"#);
    }
}
