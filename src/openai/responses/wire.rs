//! Response objects and their events. A call that was run here is an item `mcp_call`, OpenAI's word for a call that the
//! server ran; `structured_content` beside its output is ours.

use super::super::answering::{Whole, Wire};
use super::super::conversation::Call;
use super::super::convert::ToolMessage;
use super::super::engine::{Piece, Reason};
use super::super::error::ApiError;
use super::super::members::with;
use super::super::sse;
use super::super::usage::Usage;
use crate::domain::random;
use actix_web::http::StatusCode;
use serde_json::{Value, json};

/// What a response repeats of its request.
#[derive(Clone, Debug)]
pub(super) struct Echo {
    pub(super) instructions: Option<String>,
    pub(super) tools: Vec<Value>,
    pub(super) choice: Value,
    pub(super) max_tokens: Option<u64>,
    /// `text.format`.
    pub(super) format: Option<Value>,
    /// Members that only a language model reads.
    pub(super) sampling: [(&'static str, Option<Value>); 5],
}

/// One response.
pub(super) struct Response {
    id: String,
    created: i64,
    model: String,
    echo: Echo,
    /// Items that are finished.
    items: Vec<Value>,
    /// The message that is being written: its id and text.
    open: Option<(String, String)>,
    sequence: u64,
}

impl Response {
    pub(super) fn new(id: &str, created: i64, model: &str, echo: Echo) -> Self {
        let (id, model) = (id.to_owned(), model.to_owned());
        Self { id, created, model, echo, items: Vec::new(), open: None, sequence: 0 }
    }

    /// The object in a state; `ended` says how it came to its end.
    fn response(&self, status: &str, items: &[Value], ended: Option<(Reason, Usage)>) -> Value {
        let incomplete = match ended.map(|(reason, _)| reason) {
            Some(Reason::Length) => json!({ "reason": "max_output_tokens" }),
            Some(Reason::Filtered) => json!({ "reason": "content_filter" }),
            Some(Reason::Stop | Reason::ToolCalls) | None => Value::Null,
        };
        let text = self.echo.format.clone().unwrap_or_else(|| json!({ "type": "text" }));
        let mut response = json!({
            "id": self.id, "object": "response", "created_at": self.created, "status": status, "error": null,
            "incomplete_details": incomplete, "instructions": self.echo.instructions,
            "max_output_tokens": self.echo.max_tokens, "model": self.model, "output": items,
            "parallel_tool_calls": true, "previous_response_id": null,
            "reasoning": { "effort": null, "summary": null }, "store": false, "temperature": 1.0,
            "text": { "format": text }, "tool_choice": self.echo.choice, "tools": self.echo.tools,
            "top_p": 1.0, "truncation": "disabled", "usage": ended.map(|(_, used)| usage(used)), "metadata": {},
        });
        for (name, value) in &self.echo.sampling {
            if let Some(value) = value {
                response = with(response, json!({ *name: value }));
            }
        }
        response
    }

    fn ended(&self, whole: &Whole, items: &[Value]) -> Value {
        let status = match whole.end.reason {
            Reason::Stop | Reason::ToolCalls => "completed",
            Reason::Length | Reason::Filtered => "incomplete",
        };
        self.response(status, items, Some((whole.end.reason, whole.usage)))
    }

    /// An event, numbered.
    fn event(&mut self, kind: &str, members: Value) -> Vec<u8> {
        let event = json!({ "type": kind, "sequence_number": self.sequence });
        self.sequence += 1;
        sse::event(kind, &with(event, members))
    }

    fn text(&mut self, delta: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let index = self.items.len();
        if self.open.is_none() {
            let id = format!("msg_{}", random::text::<16>());
            let item = with(message(&id, ""), json!({ "status": "in_progress", "content": [] }));
            out.extend(
                self.event("response.output_item.added", json!({ "output_index": index, "item": item })),
            );
            let part = json!({ "item_id": id, "output_index": index, "content_index": 0, "part": part("") });
            out.extend(self.event("response.content_part.added", part));
            self.open = Some((id, String::new()));
        }
        let Some((id, text)) = &mut self.open else { return out };
        text.push_str(delta);
        let id = id.clone();
        let members = json!({ "item_id": id, "output_index": index, "content_index": 0, "delta": delta, "logprobs": [] });
        out.extend(self.event("response.output_text.delta", members));
        out
    }

    /// Ends the message that is being written.
    fn close(&mut self) -> Vec<u8> {
        let Some((id, text)) = self.open.take() else { return Vec::new() };
        let index = self.items.len();
        let at = json!({ "item_id": id, "output_index": index, "content_index": 0 });
        let whole = with(at.clone(), json!({ "text": text, "logprobs": [] }));
        let mut out = self.event("response.output_text.done", whole);
        out.extend(self.event("response.content_part.done", with(at, json!({ "part": part(&text) }))));
        out.extend(self.done(message(&id, &text)));
        out
    }

    /// Says that an item is finished.
    fn done(&mut self, item: Value) -> Vec<u8> {
        let index = self.items.len();
        self.items.push(item.clone());
        self.event("response.output_item.done", json!({ "output_index": index, "item": item }))
    }

    fn ran(&mut self, result: &ToolMessage) -> Vec<u8> {
        let item = ran(result, &self.model);
        let (index, id) = (self.items.len(), format!("mcp_{}", result.tool_call_id));
        let unknown =
            json!({ "status": "in_progress", "output": null, "error": null, "structured_content": null });
        let begun = with(item.clone(), unknown);
        let mut out =
            self.event("response.output_item.added", json!({ "output_index": index, "item": begun }));
        let at = json!({ "output_index": index, "item_id": id });
        out.extend(self.event("response.mcp_call.in_progress", at.clone()));
        let kind = if result.is_error { "response.mcp_call.failed" } else { "response.mcp_call.completed" };
        out.extend(self.event(kind, at));
        out.extend(self.done(item));
        out
    }

    fn called(&mut self, one: &Call) -> Vec<u8> {
        let item = call(one);
        let (index, id) = (self.items.len(), format!("fc_{}", one.id));
        let begun = with(item.clone(), json!({ "status": "in_progress", "arguments": "" }));
        let mut out =
            self.event("response.output_item.added", json!({ "output_index": index, "item": begun }));
        let delta = json!({ "item_id": id, "output_index": index, "delta": one.arguments });
        out.extend(self.event("response.function_call_arguments.delta", delta));
        let whole =
            json!({ "item_id": id, "output_index": index, "name": one.name, "arguments": one.arguments });
        out.extend(self.event("response.function_call_arguments.done", whole));
        out.extend(self.done(item));
        out
    }
}

impl Wire for Response {
    fn object(&self, whole: &Whole) -> Value {
        let collected = &whole.collected;
        let mut items: Vec<Value> = collected.ran.iter().map(|result| ran(result, &self.model)).collect();
        if !collected.text.is_empty() {
            items.push(message(&format!("msg_{}", random::text::<16>()), &collected.text));
        }
        items.extend(collected.calls.iter().map(call));
        self.ended(whole, &items)
    }

    fn open(&mut self) -> Vec<u8> {
        let response = self.response("in_progress", &[], None);
        let mut out = self.event("response.created", json!({ "response": response }));
        out.extend(self.event("response.in_progress", json!({ "response": response })));
        out
    }

    fn piece(&mut self, piece: &Piece) -> Vec<u8> {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Ran(result) => {
                let mut out = self.close();
                out.extend(self.ran(result));
                out
            }
            Piece::Calls(calls) => {
                let mut out = self.close();
                for call in calls {
                    out.extend(self.called(call));
                }
                out
            }
        }
    }

    fn end(&mut self, whole: &Whole) -> Vec<u8> {
        let mut out = self.close();
        let items = std::mem::take(&mut self.items);
        let response = self.ended(whole, &items);
        let kind = match whole.end.reason {
            Reason::Stop | Reason::ToolCalls => "response.completed",
            Reason::Length | Reason::Filtered => "response.incomplete",
        };
        out.extend(self.event(kind, json!({ "response": response })));
        out
    }

    fn failed(&mut self, error: &ApiError) -> Vec<u8> {
        let mut out = self.event("error", error.detail());
        let code = if error.status == StatusCode::TOO_MANY_REQUESTS {
            "rate_limit_exceeded"
        } else {
            "server_error"
        };
        let response = self.response("failed", &self.items, None);
        let response = with(response, json!({ "error": { "code": code, "message": error.text() } }));
        out.extend(self.event("response.failed", json!({ "response": response })));
        out
    }
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn message(id: &str, text: &str) -> Value {
    json!({ "type": "message", "id": id, "status": "completed", "role": "assistant", "content": [part(text)] })
}

fn ran(result: &ToolMessage, service: &str) -> Value {
    let (output, error) = if result.is_error {
        (Value::Null, json!(result.content))
    } else {
        (json!(result.content), Value::Null)
    };
    json!({
        "type": "mcp_call", "id": format!("mcp_{}", result.tool_call_id), "server_label": service,
        "name": result.name, "arguments": result.arguments, "output": output, "error": error,
        "status": if result.is_error { "failed" } else { "completed" },
        "structured_content": result.structured_content,
    })
}

fn call(call: &Call) -> Value {
    json!({
        "type": "function_call", "id": format!("fc_{}", call.id), "call_id": call.id, "name": call.name,
        "arguments": call.arguments, "status": "completed",
    })
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input, "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": usage.output, "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": usage.total(),
    })
}
