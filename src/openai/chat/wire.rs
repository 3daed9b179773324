//! Chat completion objects and chunks. `tool_results` beside the standard members tells which calls were run here and
//! what they returned; clients that do not know it skip it.

use super::super::answering::{Whole, Wire};
use super::super::conversation::Call;
use super::super::engine::{Piece, Reason};
use super::super::error::ApiError;
use super::super::members::with;
use super::super::sse;
use super::super::usage::Usage;
use serde_json::{Value, json};

/// One completion.
pub(super) struct Completion {
    id: String,
    created: i64,
    model: String,
    includes_usage: bool,
    /// Results told so far in a stream.
    told: usize,
}

impl Completion {
    pub(super) fn new(id: &str, created: i64, model: &str, includes_usage: bool) -> Self {
        Self { id: id.to_owned(), created, model: model.to_owned(), includes_usage, told: 0 }
    }

    fn frame(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices,
        })
    }

    fn chunk(&self, delta: Value, reason: Option<Reason>) -> Vec<u8> {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason.map(word) });
        let chunk = self.frame("chat.completion.chunk", json!([choice]));
        // All chunks but the last one have it as null (OpenAI, stream_options).
        let usage = if self.includes_usage { json!({ "usage": null }) } else { json!({}) };
        sse::data(&with(chunk, usage))
    }
}

impl Wire for Completion {
    fn object(&self, whole: &Whole) -> Value {
        let collected = &whole.collected;
        let has_text = !collected.text.is_empty() || collected.calls.is_empty();
        let content = if has_text { json!(collected.text) } else { Value::Null };
        let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
        if !collected.calls.is_empty() {
            message =
                with(message, json!({ "tool_calls": collected.calls.iter().map(call).collect::<Vec<_>>() }));
        }
        if !collected.ran.is_empty() {
            message = with(message, json!({ "tool_results": collected.ran }));
        }
        let choice = json!({
            "index": 0, "message": message, "logprobs": null, "finish_reason": word(whole.end.reason),
        });
        with(self.frame("chat.completion", json!([choice])), json!({ "usage": usage(whole.usage) }))
    }

    fn open(&mut self) -> Vec<u8> {
        self.chunk(json!({ "role": "assistant", "content": "" }), None)
    }

    fn piece(&mut self, piece: &Piece) -> Vec<u8> {
        let delta = match piece {
            Piece::Text(text) => json!({ "content": text }),
            Piece::Ran(result) => {
                // The official packages put lists of deltas together by index.
                let value = with(json!(result), json!({ "index": self.told }));
                self.told += 1;
                json!({ "tool_results": [value] })
            }
            Piece::Calls(calls) => {
                let indexed = calls.iter().enumerate();
                let indexed = indexed.map(|(index, one)| with(call(one), json!({ "index": index })));
                json!({ "tool_calls": indexed.collect::<Vec<_>>() })
            }
        };
        self.chunk(delta, None)
    }

    fn end(&mut self, whole: &Whole) -> Vec<u8> {
        let mut out = self.chunk(json!({}), Some(whole.end.reason));
        if self.includes_usage {
            let last = self.frame("chat.completion.chunk", json!([]));
            out.extend(sse::data(&with(last, json!({ "usage": usage(whole.usage) }))));
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        out
    }

    fn failed(&mut self, error: &ApiError) -> Vec<u8> {
        // Clients raise an error for it; an end marker would tell them that all is well.
        sse::data(&error.body())
    }
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Stop => "stop",
        Reason::ToolCalls => "tool_calls",
        Reason::Length => "length",
        Reason::Filtered => "content_filter",
    }
}

fn call(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.total(),
    })
}
