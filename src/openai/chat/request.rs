//! The request of `/chat/completions`.

use super::super::answering::Wire;
use super::super::body::Members;
use super::super::conversation::Conversation;
use super::super::error::ApiError;
use super::super::handler::Wanted;
use super::wire::Completion;
use serde_json::Value;

/// A checked request.
#[derive(Debug)]
pub(in crate::openai) struct ChatRequest {
    conversation: Conversation,
    is_streamed: bool,
    /// `stream_options.include_usage`.
    includes_usage: bool,
}

impl Wanted for ChatRequest {
    const PREFIX: &'static str = "chatcmpl-";

    fn read(mut members: Members, service: &str) -> Result<Self, ApiError> {
        members.model(service)?;
        let Some(messages) = members.take("messages") else {
            return Err(ApiError::invalid("messages", "`messages` is missing."));
        };
        let Value::Array(messages) = messages else {
            return Err(ApiError::invalid("messages", "`messages` is a list of messages."));
        };
        let conversation = Conversation::of_messages(messages, "messages")?;
        if members.count("n")?.is_some_and(|n| n > 1) {
            return Err(ApiError::invalid(
                "n",
                "One answer is made for each request: leave `n` out or set it to 1.",
            ));
        }
        for (old, new) in [("functions", "tools"), ("function_call", "tool_choice")] {
            if members.take(old).is_some() {
                return Err(ApiError::invalid(old, format!("`{old}` has been replaced: use `{new}`.")));
            }
        }
        let is_streamed = members.flag("stream")?.unwrap_or_default();
        let options = members.take("stream_options");
        if options.is_some() && !is_streamed {
            let message = "`stream_options` goes with `stream`: true.";
            return Err(ApiError::invalid("stream_options", message));
        }
        let includes_usage = match options.as_ref().and_then(|o| o.get("include_usage")) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                let message = "`include_usage` is true or false.";
                return Err(ApiError::invalid("stream_options.include_usage", message));
            }
        };
        let tools = members.list("tools")?;
        let choice = members.choice()?;
        let newer = members.count("max_completion_tokens")?;
        let older = members.count("max_tokens")?;
        for (name, bound) in [("max_completion_tokens", newer), ("max_tokens", older)] {
            // Servers differ in which of the names they know: a model gets the client's.
            if let Some(bound) = bound {
                members.put(name, Value::from(bound));
            }
        }
        let json = match members.take("response_format") {
            None => false,
            Some(format) => {
                let json = is_json(&format)?;
                members.put("response_format", format);
                json
            }
        };
        let conversation = Conversation {
            choice,
            json,
            max_tokens: newer.or(older),
            rest: members.rest(),
            ..conversation.with_tools(tools)?
        };
        Ok(Self { conversation, is_streamed, includes_usage })
    }

    fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    fn wire(&self, id: &str, created: i64, service: &str) -> Box<dyn Wire> {
        Box::new(Completion::new(id, created, service, self.includes_usage))
    }

    fn into_conversation(self) -> Conversation {
        self.conversation
    }
}

/// Whether a response format asks for JSON.
fn is_json(format: &Value) -> Result<bool, ApiError> {
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(false),
        Some("json_object" | "json_schema") => Ok(true),
        Some(_) | None => {
            let message = "`response_format.type` is text, json_object or json_schema.";
            Err(ApiError::invalid("response_format", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::conversation::Choice;
    use super::*;
    use serde_json::json;

    fn read(change: Value) -> Result<ChatRequest, Value> {
        let mut body = json!({"model": "calendar", "messages": [{"role": "user", "content": "hi"}]});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let members = Members::new(body.as_object().unwrap().clone());
        ChatRequest::read(members, "calendar").map_err(|error| error.body()["error"]["param"].clone())
    }

    #[test]
    fn what_is_not_ours_is_kept_for_a_model() {
        let wanted =
            read(json!({"temperature": 0.5, "user": "x", "response_format": {"type": "json_object"},
            "parallel_tool_calls": false, "stream": true, "stream_options": {"include_usage": true},
            "max_tokens": 5, "max_completion_tokens": 7, "tool_choice": "required"}));
        let wanted = wanted.unwrap();
        assert!(wanted.is_streamed && wanted.includes_usage && wanted.conversation.json);
        assert_eq!(wanted.conversation.max_tokens, Some(7));
        assert_eq!(wanted.conversation.choice, Choice::Required);
        let rest = Value::Object(wanted.conversation.rest);
        let expected = json!({"temperature": 0.5, "user": "x", "parallel_tool_calls": false,
            "response_format": {"type": "json_object"}, "max_completion_tokens": 7, "max_tokens": 5});
        assert_eq!(rest, expected);
    }

    #[test]
    fn faults_are_named() {
        for (change, place) in [
            (json!({"model": "gpt-4o"}), "model"),
            (json!({"model": null}), "model"),
            (json!({"messages": []}), "messages"),
            (json!({"messages": "hi"}), "messages"),
            (json!({"n": 2}), "n"),
            (json!({"n": "one"}), "n"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"stream_options": {"include_usage": true}}), "stream_options"),
            (json!({"stream": true, "stream_options": {"include_usage": 1}}), "stream_options.include_usage"),
            (json!({"tools": {}}), "tools"),
            (json!({"tools": [{"type": "function"}]}), "tools[0].function.name"),
            (json!({"tool_choice": "sometimes"}), "tool_choice"),
            (json!({"functions": []}), "functions"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"response_format": {"type": "xml"}}), "response_format"),
        ] {
            assert_eq!(read(change.clone()).unwrap_err(), place, "{change}");
        }
    }
}
