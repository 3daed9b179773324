//! JSON-RPC messages that arrive without an HTTP request of their own: served exactly as the HTTP endpoint serves
//! them, with headers made from what the framing knows, and answered message by message.

use super::catalog::Ready;
use super::classify::{Era, classify};
use super::encode::Framing;
use super::error::{self, INTERNAL_ERROR, INVALID_REQUEST, RpcError};
use super::exchange::Exchange;
use super::jsonrpc::{Body, Id, Message, parse, text};
use super::modern::mirror;
use super::state::McpState;
use super::version::{MODERN, VersionHeader};
use super::{headers, legacy, modern};
use crate::domain::ids::SessionId;
use crate::domain::resource::Endpoint;
use crate::oauth::bearer::Bearer;
use actix_web::body::MessageBody;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::mpsc;

/// Who says something, and where.
pub(super) struct Speaker<'a> {
    pub(super) state: &'a web::Data<McpState>,
    pub(super) ready: Arc<Ready>,
    pub(super) bearer: Bearer,
    /// The session of the connection, once there is one.
    pub(super) session: Option<SessionId>,
    /// The connection is the session: `initialize` completes it instead of opening one.
    pub(super) adopts: bool,
}

/// What a message changed for its connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The session that `initialize` opened.
    pub(super) opened: Option<SessionId>,
    /// The session is not known any more.
    pub(super) lost: bool,
    /// The bearer does not suffice for anything any more.
    pub(super) signed_out: bool,
}

/// Serves one text and hands the answers to `out` in order. A receiver that is gone stops what is modern, which ends
/// with its connection; what was begun in a session goes on.
pub(super) async fn serve(speaker: Speaker<'_>, bytes: &[u8], out: &mpsc::Sender<Bytes>) -> Outcome {
    let body = match parse(bytes, speaker.state.settings.max_depth) {
        Ok(body) => body,
        Err(bad) => return tell(out, bad.id, &bad.error).await,
    };
    let id = if let Body::Single(message) = &body { message.id() } else { None };
    let era = match classify(&body, VersionHeader::Absent) {
        Ok(era) => era,
        Err(error) => return tell(out, id, &error).await,
    };
    // Notifications and responses are never answered (JSON-RPC 2.0 §4.1).
    let expects = matches!(&body, Body::Single(Message::Request(..)) | Body::Batch(_));
    if let (Era::Modern, Body::Single(Message::Request(id, call))) = (era, &body)
        && encoded(&call.method) != call.method
    {
        // No method is called so, and no header could repeat it.
        return tell(out, Some(*id), &RpcError::method_not_found(&call.method)).await;
    }
    let headers = made_up(&body, era, &speaker);
    let version = if era == Era::Modern { VersionHeader::Modern } else { VersionHeader::Absent };
    let had_session = speaker.session.is_some();
    let x = Exchange {
        state: speaker.state,
        ready: &speaker.ready,
        // In band there is no challenge that could name it.
        endpoint: Endpoint::Mcp,
        headers: &headers,
        bearer: speaker.bearer,
        framing: Framing::Json,
        streams: true,
        version,
    };
    let served = Box::pin(async {
        let response = match era {
            Era::Legacy => Box::pin(legacy::post(&x, body)).await,
            Era::Modern => Box::pin(modern::post(&x, body)).await,
        };
        let opened = response.headers().get(headers::SESSION_ID).and_then(|value| value.to_str().ok());
        let outcome = Outcome {
            opened: opened.map(SessionId::new),
            lost: had_session && era == Era::Legacy && response.status() == StatusCode::NOT_FOUND,
            signed_out: response.status() == StatusCode::UNAUTHORIZED,
        };
        relay(response, (id, expects), out).await;
        outcome
    });
    match era {
        Era::Legacy => served.await,
        Era::Modern => tokio::select! {
            outcome = served => outcome,
            () = out.closed() => Outcome::default(),
        },
    }
}

async fn tell(out: &mpsc::Sender<Bytes>, id: Option<Id<'_>>, error: &RpcError) -> Outcome {
    let _ = out.send(Bytes::from(error::message(id.map(Id::raw), error))).await;
    Outcome::default()
}

/// The headers that an HTTP client would have sent with this body.
fn made_up(body: &Body<'_>, era: Era, speaker: &Speaker<'_>) -> HeaderMap {
    let mut map = HeaderMap::new();
    let mut set = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            map.insert(name, value);
        }
    };
    set("content-type", "application/json");
    set("accept", "application/json, text/event-stream");
    match (era, body) {
        (Era::Legacy, _) => {
            let is_initialize =
                matches!(body, Body::Single(Message::Request(_, call)) if call.method == "initialize");
            if let Some(session) = speaker.session.as_ref().filter(|_| speaker.adopts || !is_initialize) {
                set(headers::SESSION_ID, session.as_str());
            }
        }
        (Era::Modern, Body::Single(Message::Request(_, call) | Message::Notification(call))) => {
            let version = call.meta.protocol_version.and_then(text);
            set(headers::PROTOCOL_VERSION, version.as_deref().unwrap_or(MODERN));
            set(headers::METHOD, &call.method);
            let params = &call.params;
            let name = match call.method.as_ref() {
                "resources/read" => params.uri,
                "tasks/get" | "tasks/update" | "tasks/cancel" => params.task_id,
                _ => params.name,
            };
            let Some(name) = name.and_then(text) else { return map };
            set(headers::NAME, &encoded(&name));
            let mirrored = speaker.ready.mirrored(&name);
            if call.method == "tools/call" && !mirrored.is_empty() {
                let arguments = params.arguments.and_then(|raw| serde_json::from_str(raw.get()).ok());
                for (name, value) in mirror::repeated(mirrored, &arguments.unwrap_or_default()) {
                    set(name, &encoded(&value));
                }
            }
        }
        (Era::Modern, Body::Single(Message::Response(_)) | Body::Batch(_)) => {}
    }
    map
}

/// A value in the form that headers can carry.
pub(super) fn encoded(value: &str) -> String {
    let plain = value.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && value.trim() == value;
    if plain && !value.starts_with("=?") {
        value.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(value))
    }
}

/// Hands on what a response says, as it says it.
async fn relay(response: HttpResponse, (id, expects): (Option<Id<'_>>, bool), out: &mpsc::Sender<Bytes>) {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
    let mut body = Box::pin(response.into_body());
    let mut text = BytesMut::new();
    while let Some(Ok(chunk)) = std::future::poll_fn(|cx| match Pin::as_mut(&mut body).poll_next(cx) {
        Poll::Ready(next) => Poll::Ready(next),
        Poll::Pending => Poll::Pending,
    })
    .await
    {
        text.extend_from_slice(&chunk);
        while is_stream && let Some(event) = take_event(&mut text) {
            if let Some(message) = data(&event) {
                let _ = out.send(message).await;
            }
        }
    }
    if is_stream || text.is_empty() {
        return;
    }
    if status.is_success() || (expects && names(&text, id)) {
        let _ = out.send(text.freeze()).await;
    } else if let Some(id) = id {
        // An HTTP status that carries no JSON-RPC answer still must answer the request.
        let code = if status.is_client_error() { INVALID_REQUEST } else { INTERNAL_ERROR };
        let reason = described(&text).unwrap_or_else(|| "The request was refused.".to_owned());
        let error = RpcError::new(code, reason).with_data(serde_json::json!({ "status": status.as_u16() }));
        let _ = out.send(Bytes::from(error::message(Some(id.raw()), &error))).await;
    }
}

/// Cuts the next whole event off.
pub(super) fn take_event(text: &mut BytesMut) -> Option<BytesMut> {
    let end = text.windows(2).position(|pair| pair == b"\n\n")?;
    Some(text.split_to(end + 2))
}

/// The message of an event, if it has one.
pub(super) fn data(event: &[u8]) -> Option<Bytes> {
    let lines = event.split(|b| *b == b'\n');
    let data = lines.filter_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii);
    let data = data.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(&b' ');
    (!data.is_empty()).then(|| Bytes::from(data))
}

/// Whether a refusal is a JSON-RPC answer to this very request.
fn names(body: &[u8], id: Option<Id<'_>>) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let answered = value.as_ref().filter(|value| value.get("jsonrpc").is_some()).and_then(|v| v.get("id"));
    answered.map(ToString::to_string).as_deref() == id.map(Id::raw) && (answered.is_some() || id.is_none())
}

/// What an OAuth refusal says.
fn described(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let said = value.get("error_description").or_else(|| value.pointer("/error/message"))?;
    said.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_apart_and_give_their_messages() {
        let mut text =
            BytesMut::from(&b"id: a-1\ndata: \n\n: beat\n\nevent: message\ndata: {\"a\":1}\n\ndata: {"[..]);
        let mut messages = Vec::new();
        while let Some(event) = take_event(&mut text) {
            messages.extend(data(&event));
        }
        assert_eq!(messages, [Bytes::from_static(b"{\"a\":1}")]);
        assert_eq!(&text[..], b"data: {");
    }

    #[test]
    fn header_values_survive_the_way_through_their_encoding() {
        for value in ["tools/call", "한국어", " padded ", "=?base64?x?=", "line\nbreak"] {
            let header = encoded(value);
            assert!(header.bytes().all(|b| b.is_ascii_graphic() || b == b' '), "{header}");
            assert_eq!(headers::decoded(&header).unwrap(), value);
        }
    }
}
