//! What holds for every message that reaches the MCP front, whoever wrote it.

use super::carried::{self, encoded};
use super::catalog::Offers;
use super::classify::{Era, classify};
use super::encode;
use super::error::{self, HEADER_MISMATCH, PARSE_ERROR};
use super::headers;
use super::jsonrpc::{Body, Call, Id, Message, parse, text};
use super::modern::{ladder, mirror};
use super::version::{Legacy, MODERN, VersionHeader};
pub(crate) use super::ws::fuzzing as ws;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

const MAX_DEPTH: usize = 64;
const OFFERS: Offers =
    Offers { resources: true, subscriptions: true, completions: true, logging: true, tasks: true };

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// A body: what is no JSON is called so, ids come back as they were written, both eras decide alike however the message
/// travels.
pub(crate) fn message(data: &[u8]) {
    let body = match parse(data, MAX_DEPTH) {
        Ok(body) => body,
        Err(refused) => {
            let brackets = data.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
            let is_syntax = refused.error.code == PARSE_ERROR;
            assert!(is_syntax || is_json(data), "bad JSON is called bad JSON");
            assert!(!is_syntax || !is_json(data) || brackets > MAX_DEPTH, "good JSON is not");
            assert!(is_json(&error::message(refused.id.map(Id::raw), &refused.error)));
            return;
        }
    };
    assert!(is_json(data));
    let legacy = VersionHeader::Legacy(Legacy::NEWEST);
    let others = [
        VersionHeader::Absent,
        legacy,
        VersionHeader::Modern,
        VersionHeader::Future("v9"),
        VersionHeader::Invalid,
    ];
    for header in others {
        match classify(&body, header) {
            Ok(Era::Modern) => {
                assert!(matches!(&body, Body::Single(Message::Request(..) | Message::Notification(_))));
            }
            Ok(Era::Legacy) => assert!(!matches!(header, VersionHeader::Future(_) | VersionHeader::Modern)),
            Err(refusal) => assert!(is_json(&error::message(None, &refusal))),
        }
    }
    match &body {
        Body::Single(one) => check(one),
        Body::Batch(all) => {
            assert!(!all.is_empty());
            for one in all {
                match one {
                    Ok(message) => check(message),
                    Err(refused) => {
                        assert!(is_json(&error::message(refused.id.map(Id::raw), &refused.error)));
                    }
                }
            }
        }
    }
}

fn check(message: &Message<'_>) {
    if let Some(id) = message.id() {
        let answer = encode::splice(id.raw(), br#""result":{}}"#);
        let Ok(Body::Single(Message::Response(back))) = parse(&answer, MAX_DEPTH) else {
            unreachable!("an answer is a message: {}", String::from_utf8_lossy(&answer))
        };
        assert_eq!((back.id.raw(), back.id.key()), (id.raw(), id.key()));
        match serde_json::from_str::<Value>(id.raw()) {
            Ok(Value::String(text)) => assert_eq!(id.key(), format!("s{text}")),
            Ok(Value::Number(_)) => assert!(id.key().starts_with('n')),
            // Half of a surrogate pair is JSON and no text.
            Ok(_) | Err(_) => assert!(id.raw().starts_with('"')),
        }
    }
    if let Some(call) = message.call() {
        honest_headers(call);
    }
}

/// Headers that repeat what the message says contradict nothing in it.
fn honest_headers(call: &Call<'_>) {
    let mut map = HeaderMap::new();
    let mut set = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            map.insert(name, value);
        }
    };
    let arguments: Value =
        call.params.arguments.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let mirrored = mirror::mirrored(&json!({"type": "object", "properties": {
        "text": {"type": "string", "x-mcp-header": "Text"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "within": {"type": "object", "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}},
    }}));
    for (name, value) in mirror::repeated(&mirrored, &arguments) {
        set(name, &encoded(&value));
    }
    let version = call.meta.protocol_version.and_then(text).unwrap_or_default();
    let params = &call.params;
    let named = [params.name, params.uri, params.task_id];
    let [name, uri, task] = named.map(|raw| raw.and_then(text));
    let name = match call.method.as_ref() {
        "resources/read" => uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => task,
        _ => name,
    };
    set(headers::PROTOCOL_VERSION, &version);
    set(headers::METHOD, &call.method);
    if let Some(name) = &name {
        set(headers::NAME, &encoded(name));
    }
    let is_plain = |text: &str| encoded(text) == text;
    if is_plain(&version)
        && is_plain(&call.method)
        && name.is_some()
        && let Err(fault) = ladder::climb(&map, call, OFFERS)
    {
        assert_ne!(fault.error.code, HEADER_MISMATCH, "{call:?}");
        assert!(version != MODERN || fault.status != 200);
    }
    let is_simple = |value: Option<&Value>| value.is_none_or(|value| !value.is_array() && !value.is_object());
    if ["/text", "/count", "/within/flag"].iter().all(|path| is_simple(arguments.pointer(path))) {
        assert_eq!(mirror::check(&mirrored, &map, &arguments), Ok(()), "{arguments}");
    }
}

/// Negotiation and the headers that occur once.
pub(crate) fn headers(map: &HeaderMap) {
    for name in [headers::SESSION_ID, headers::METHOD, headers::NAME, headers::PROTOCOL_VERSION] {
        if let Ok(Some(value)) = headers::single(map, name) {
            assert_eq!(map.get_all(name).count(), 1);
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t')));
            let _ = VersionHeader::of(Some(value));
            if let Ok(plain) = headers::decoded(value)
                && !value.starts_with("=?")
            {
                assert_eq!(plain, value);
            }
        }
    }
    let (json, events) =
        (headers::accepts(map, "application", "json"), headers::accepts(map, "text", "event-stream"));
    assert_eq!(headers::framing(map).is_some(), json || events);
}

/// Any text survives the form in which headers carry it.
pub(crate) fn header_text(text: &str) {
    let carried = encoded(text);
    assert!(carried.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
    assert_eq!(headers::decoded(&carried).as_deref(), Ok(text));
}

/// A message as an event of ours.
pub(crate) fn event(id: Option<&str>, json: &[u8]) -> Vec<u8> {
    encode::event(id, json)
}

/// The messages that other framings take out of a stream of ours.
pub(crate) fn relayed(stream: &[u8]) -> Vec<Bytes> {
    let mut text = BytesMut::from(stream);
    let mut messages = Vec::new();
    while let Some(event) = carried::take_event(&mut text) {
        messages.extend(carried::data(&event));
    }
    messages
}
