//! What holds for every body that reaches the OpenAI front, and for every answer that it writes.

use super::answering::{Whole, Wire};
use super::body::Members;
use super::chat::ChatRequest;
use super::conversation::{Call, Conversation};
use super::engine::{Collected, End, Piece, Reason};
use super::error::ApiError;
use super::handler::Wanted;
use super::responses::ResponseRequest;
use super::usage::Usage;
use serde_json::{Map, Value};

const SERVICE: &str = "mail-query";

/// A body: refused with the place of the fault, or a conversation that holds together and an answer in its form.
/// What the answer says is made of what was asked.
///
/// Gives the streams that were written, for readers of events.
pub(crate) fn body(data: &[u8]) -> Vec<Vec<u8>> {
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(data) else { return Vec::new() };
    // Either API, whatever the body was meant for, and with the model that it should have named.
    let named = {
        let mut members = members.clone();
        members.insert("model".to_owned(), Value::from(SERVICE));
        members
    };
    [members, named]
        .into_iter()
        .flat_map(|members| [read::<ChatRequest>(members.clone()), read::<ResponseRequest>(members)])
        .flatten()
        .collect()
}

fn read<W: Wanted>(members: Map<String, Value>) -> Option<Vec<u8>> {
    let wanted = match W::read(Members::new(members), SERVICE) {
        Ok(wanted) => wanted,
        Err(error) => {
            refused(&error);
            return None;
        }
    };
    let wire = wanted.wire("id-1", 1_800_000_000, SERVICE);
    let conversation = wanted.into_conversation();
    holds_together(&conversation);
    Some(stream(wire, &conversation))
}

fn refused(error: &ApiError) {
    let body = error.body();
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    assert!(error.status.is_client_error(), "{body}");
    assert!(!text("/error/message").is_empty() && !text("/error/type").is_empty(), "{body}");
    assert!(text("/error/message").len() < 500, "{body}");
}

fn holds_together(conversation: &Conversation) {
    let open = conversation.open_calls();
    assert!(open.is_empty() || conversation.request().is_none(), "nobody asks while calls are open");
    assert!(conversation.closing_answers().is_empty() || conversation.request().is_none());
    for call in &open {
        // Arguments are an object, or the model is told what they are.
        match call.parsed() {
            Ok(arguments) => assert!(arguments.is_object()),
            Err(message) => assert!(!message.is_empty()),
        }
    }
    for taken in ["model", "messages", "stream", "stream_options", "tools", "tool_choice", "n"] {
        assert!(!conversation.rest.contains_key(taken), "{taken}");
    }
}

/// The answer in one piece and as events, which say the same.
fn stream(mut wire: Box<dyn Wire>, conversation: &Conversation) -> Vec<u8> {
    let words = conversation.last_words().to_owned();
    let calls: Vec<Call> = conversation.open_calls().into_iter().cloned().collect();
    let mut pieces = vec![Piece::Text(words.clone())];
    if !calls.is_empty() {
        pieces.push(Piece::Calls(calls.clone()));
    }
    let reason = if calls.is_empty() { Reason::Stop } else { Reason::ToolCalls };
    let collected = Collected { text: words, calls, ..Collected::default() };
    let whole = Whole { collected, end: End { reason, usage: None }, usage: Usage::default() };
    let mut events = wire.open();
    for piece in &pieces {
        events.extend(wire.piece(piece));
    }
    events.extend(wire.end(&whole));
    events.extend(wire.failed(&ApiError::internal()));
    let object = wire.object(&whole);
    assert!(object.is_object() && object.get("id").is_some_and(|id| id == "id-1"), "{object}");
    events
}
