//! What holds for every byte that a WebSocket client sends (RFC 6455 §5): a connection reads the messages that were sent,
//! or ends.

use super::connection::beside;
use super::hello;
use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::test::TestRequest;
use actix_web::web;
use actix_ws::AggregatedMessage;
use bytes::Bytes;
use futures_util::stream::{self, LocalBoxStream, StreamExt};

const LIMIT: usize = 64 * 1024;
const MAX_DEPTH: usize = 64;
const TEXT: u8 = 1;
const CONTINUATION: u8 = 0;
const PING: u8 = 9;

/// Bytes of a client; the first one says how they are cut into pieces, and whether they are frames already or texts that
/// are put into frames here.
pub(crate) fn frames(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let cut = usize::from(how >> 1).max(1);
    if how & 1 == 0 {
        for message in received(rest, cut) {
            read(&message);
        }
        return;
    }
    let sent: Vec<&[u8]> =
        rest.split(|byte| *byte == 0).filter(|text| std::str::from_utf8(text).is_ok()).collect();
    let mut wire = Vec::new();
    for (at, text) in sent.iter().enumerate() {
        let (head, tail) = text.split_at(text.len() * at % (text.len() + 1));
        frame(&mut wire, TEXT, false, head);
        frame(&mut wire, PING, true, b"?");
        frame(&mut wire, CONTINUATION, true, tail);
    }
    let received = received(&wire, cut);
    assert!(received.iter().map(String::as_bytes).eq(sent.iter().copied()), "{received:?}");
    for message in &received {
        read(message);
    }
}

/// A masked frame, as clients send it.
fn frame(wire: &mut Vec<u8>, opcode: u8, is_last: bool, payload: &[u8]) {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    wire.push(opcode | if is_last { 0x80 } else { 0 });
    match u16::try_from(payload.len()) {
        Ok(short @ ..126) => wire.push(0x80 | short.to_be_bytes()[1]),
        Ok(long) => {
            wire.push(0x80 | 0x7e);
            wire.extend(long.to_be_bytes());
        }
        Err(_) => {
            wire.push(0x80 | 0x7f);
            wire.extend((payload.len() as u64).to_be_bytes());
        }
    }
    wire.extend(MASK);
    wire.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// The texts that the connection would see before it ends.
fn received(wire: &[u8], cut: usize) -> Vec<String> {
    let request = TestRequest::get()
        .insert_header(("upgrade", "websocket"))
        .insert_header(("connection", "upgrade"))
        .insert_header(("sec-websocket-version", "13"))
        .insert_header(("sec-websocket-key", "x3JJHMbDL1EzLkh9GBhXDw=="))
        .to_http_request();
    let pieces: Vec<Result<Bytes, PayloadError>> =
        wire.chunks(cut).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return Vec::new() };
    runtime.block_on(async move {
        let pieces: LocalBoxStream<'static, _> = stream::iter(pieces).boxed_local();
        let mut payload = Payload::Stream { payload: pieces };
        let Ok(payload) = web::Payload::from_request(&request, &mut payload).await else { return Vec::new() };
        let Ok((_response, _session, messages)) = actix_ws::handle(&request, payload) else {
            unreachable!("the handshake is a good one")
        };
        let mut messages =
            messages.max_frame_size(LIMIT).aggregate_continuations().max_continuation_size(LIMIT);
        let mut texts = Vec::new();
        while let Some(Ok(message)) = messages.recv().await {
            match message {
                AggregatedMessage::Text(text) => texts.push(text.to_string()),
                AggregatedMessage::Ping(bytes) | AggregatedMessage::Pong(bytes) => {
                    assert!(bytes.len() <= 125);
                }
                AggregatedMessage::Binary(_) | AggregatedMessage::Close(_) => break,
            }
        }
        texts
    })
}

/// What the connection makes of a text.
fn read(text: &str) {
    assert!(text.len() <= LIMIT);
    let _ = beside(text.as_bytes(), MAX_DEPTH);
    if let Some(hello) = hello::read(text)
        && let Some(answer) = hello::answer(&hello)
    {
        assert!(
            super::super::jsonrpc::parse(&answer, usize::MAX).is_ok(),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}
