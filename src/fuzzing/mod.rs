//! Entry points of the fuzz targets (`tests/fuzz`), one for each parser that meets the network. Each asserts what must hold
//! for every input; what that is stands beside the parser, in the file `fuzzing.rs` of its module.
//!
//! The tests below run the same functions over the committed inputs and over inputs made of them, on a stable compiler.

mod forwarded;
mod schema;
#[cfg(test)]
mod tests;
mod world;

use crate::domain::event_stream::fuzzing as reader;
use crate::domain::token::{Token, TokenKind};
use crate::{adapters, edge, extract, graph, mcp, oauth, openai};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Makes the public functions and the list of them.
macro_rules! targets {
    ($($(#[doc = $doc:literal])+ $name:ident => $check:expr;)+) => {
        $($(#[doc = $doc])+ pub fn $name(data: &[u8]) { $check(data); })+

        /// Every target by its name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),+];

        #[cfg(test)]
        mod each {
            $(#[test]
            fn $name() {
                super::tests::drive(stringify!($name), super::$name);
            })+
        }
    };
}

targets! {
    /// JSON-RPC messages and batches of both eras.
    jsonrpc => mcp::fuzzing::message;
    /// Request headers, one on a line: negotiation, Host and Origin, credentials, proofs, forwarded addresses.
    headers => request_headers;
    /// Redirect URIs, one on a line.
    redirect_uri => oauth::fuzzing::redirect_uris;
    /// Registrations, metadata documents, URLs of metadata documents.
    client_metadata => metadata;
    /// Queries and forms.
    parameters => oauth::fuzzing::parameters;
    /// Bearers, refresh tokens, codes, personal keys.
    bearer => credential;
    /// DPoP proofs, their keys and their targets.
    dpop => oauth::fuzzing::dpop::proof;
    /// Arguments, one on a line, on their way into URLs, literals and queries of Graph.
    graph_url => graph::fuzzing::url;
    /// Answers of Graph: refusals, pages, batches, waits.
    graph_answer => graph::fuzzing::answer;
    /// Tool calls with answers of Graph.
    tool_call => world::tool_call;
    /// Server-sent events, ours and those of others.
    sse => events;
    /// Frames of WebSocket clients.
    websocket => mcp::fuzzing::ws::frames;
    /// Arguments of tools, for every tool.
    arguments => world::arguments;
    /// Bodies of both OpenAI APIs, and the streams that answer them.
    openai_body => openai_body_and_answer;
    /// Streams of a language model.
    model_stream => adapters::fuzzing::model_stream;
    /// Requests in plain Korean and English.
    utterance => world::utterance;
    /// Files of every format, and HTML of mails.
    document => files;
    /// Discovery, token answers, errors, id_tokens and key sets of Entra.
    entra_answer => adapters::fuzzing::entra::answer;
}

fn request_headers(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(at);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    mcp::fuzzing::headers(&map);
    edge::fuzzing::headers(&map);
    oauth::fuzzing::headers(&map);
    forwarded::check(&map);
    mcp::fuzzing::header_text(&String::from_utf8_lossy(data));
    crate::files::fuzzing::name(&String::from_utf8_lossy(data));
}

fn metadata(data: &[u8]) {
    oauth::fuzzing::registration(data);
    oauth::fuzzing::clients::document(data);
    oauth::fuzzing::clients::url(data);
}

fn files(data: &[u8]) {
    extract::fuzzing::file(data);
    extract::fuzzing::html(data);
}

/// A text that is a credential of one kind is none of another kind, and stops being one with any change.
fn credential(data: &[u8]) {
    const KINDS: [TokenKind; 4] =
        [TokenKind::Access, TokenKind::Refresh, TokenKind::Code, TokenKind::Personal];
    let text = String::from_utf8_lossy(data);
    let read: Vec<Token> = KINDS.into_iter().filter_map(|kind| Token::parse(kind, &text)).collect();
    assert!(read.len() <= 1);
    for token in &read {
        assert_eq!((token.expose(), token.kind), (&*text, token.kind));
        let grant = URL_SAFE_NO_PAD.decode(token.grant.as_str());
        assert!(grant.is_ok_and(|bytes| bytes.len() == 16));
        let opens = matches!(token.kind, TokenKind::Access | TokenKind::Personal);
        assert_eq!(Token::parse_bearer(&text).is_some(), opens);
        for at in 0..text.len() {
            let other = if text.as_bytes().get(at) == Some(&b'A') { "B" } else { "A" };
            let mut changed = text.to_string();
            changed.replace_range(at..=at, other);
            assert!(KINDS.into_iter().all(|kind| Token::parse(kind, &changed).is_none()), "{changed}");
        }
        let again = Token::mint(token.kind, &token.grant);
        assert!(Token::parse(token.kind, again.expose()).is_some_and(|read| read.grant == token.grant));
    }
}

/// What we write every reader of ours reads; what others write is read as the standard says.
fn events(data: &[u8]) {
    let Some((cut, rest)) = data.split_first() else { return };
    let cut = usize::from(*cut);
    let is_json = |part: &&[u8]| {
        std::str::from_utf8(part).is_ok() && serde_json::from_slice::<serde::de::IgnoredAny>(part).is_ok()
    };
    let messages: Vec<&[u8]> = rest.split(|byte| *byte == 0).filter(is_json).collect();
    let mut stream = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let id = format!("s-{at}");
        stream.extend(mcp::fuzzing::event((at % 2 == 0).then_some(&id), message));
    }
    let said: Vec<String> =
        messages.iter().map(|message| String::from_utf8_lossy(message).replace(['\r', '\n'], " ")).collect();
    assert_eq!(reader::events(&stream, cut), said);
    let relayed = mcp::fuzzing::relayed(&stream);
    assert!(
        relayed.iter().map(|message| &**message).eq(said.iter().map(|text| text.as_bytes().trim_ascii()))
    );
    reader::broken(rest, cut);
    if let Ok(text) = std::str::from_utf8(rest) {
        assert_eq!(reader::with_place(rest, cut), reader::by_the_standard(text), "{text:?}");
    }
}

fn openai_body_and_answer(data: &[u8]) {
    for stream in openai::fuzzing::body(data) {
        for event in reader::events(&stream, stream.len()) {
            let is_json =
                serde_json::from_str::<serde_json::Value>(&event).is_ok_and(|value| value.is_object());
            assert!(event == "[DONE]" || is_json, "{event}");
        }
    }
}
