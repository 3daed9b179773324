//! The request of `/responses`: its items become the messages of a conversation.

use super::super::answering::Wire;
use super::super::body::Members;
use super::super::conversation::Conversation;
use super::super::error::ApiError;
use super::super::handler::Wanted;
use super::wire::{Echo, Response};
use serde_json::{Map, Value, json};

/// Members that mean the same in both APIs and are passed on to a language model.
const SHARED: [&str; 6] = ["temperature", "top_p", "parallel_tool_calls", "user", "service_tier", "metadata"];

/// A checked request.
#[derive(Debug)]
pub(in crate::openai) struct ResponseRequest {
    conversation: Conversation,
    is_streamed: bool,
    echo: Echo,
}

impl Wanted for ResponseRequest {
    const PREFIX: &'static str = "resp_";

    fn read(mut members: Members, service: &str) -> Result<Self, ApiError> {
        members.model(service)?;
        for name in ["previous_response_id", "conversation", "prompt"] {
            if members.take(name).is_some() {
                let message =
                    format!("`{name}` is not known here: nothing is stored, so send the conversation whole.");
                return Err(ApiError::invalid(name, message));
            }
        }
        if members.flag("background")?.unwrap_or_default() {
            let message = "Nothing runs in the background here: leave `background` out.";
            return Err(ApiError::invalid("background", message));
        }
        let instructions = members.text("instructions")?;
        let input = messages(members.take("input"))?;
        let opening = instructions.as_ref().map(|text| json!({ "role": "developer", "content": text }));
        // Places in errors are those of the input, so it is checked without what comes before it.
        let conversation = Conversation::of_messages(input, "input")?;
        let is_streamed = members.flag("stream")?.unwrap_or_default();
        let echo_tools = members.list("tools")?;
        let tools = echo_tools.iter().enumerate().map(|(at, tool)| nested(tool, at));
        let tools = tools.collect::<Result<Vec<_>, _>>()?;
        let echo_choice = members.peek("tool_choice").cloned().unwrap_or_else(|| json!("auto"));
        let choice = members.choice()?;
        let max_tokens = members.count("max_output_tokens")?;
        let format = members.take("text").and_then(|text| text.get("format").cloned());
        let json = match format.as_ref().map(|format| format.get("type").and_then(Value::as_str)) {
            None | Some(Some("text")) => false,
            Some(Some("json_object" | "json_schema")) => true,
            Some(_) => {
                let message = "`text.format.type` is text, json_object or json_schema.";
                return Err(ApiError::invalid("text.format", message));
            }
        };
        let echo = Echo {
            instructions,
            tools: echo_tools,
            choice: echo_choice,
            max_tokens,
            format: format.clone(),
            sampling: ["temperature", "top_p", "parallel_tool_calls", "metadata", "reasoning"]
                .map(|name| (name, members.peek(name).cloned())),
        };
        let mut rest = Map::new();
        for name in SHARED {
            if let Some(value) = members.take(name) {
                rest.insert(name.to_owned(), value);
            }
        }
        if let Some(most) = max_tokens {
            rest.insert("max_completion_tokens".to_owned(), json!(most));
        }
        if let Some(effort) = members.take("reasoning").and_then(|r| r.get("effort").cloned()) {
            rest.insert("reasoning_effort".to_owned(), effort);
        }
        if let Some(format) = format.filter(|_| json) {
            rest.insert("response_format".to_owned(), response_format(format));
        }
        let mut conversation =
            Conversation { choice, json, max_tokens, rest, ..conversation.with_tools(tools)? };
        conversation.messages.splice(0..0, opening);
        Ok(Self { conversation, is_streamed, echo })
    }

    fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    fn wire(&self, id: &str, created: i64, service: &str) -> Box<dyn Wire> {
        Box::new(Response::new(id, created, service, self.echo.clone()))
    }

    fn into_conversation(self) -> Conversation {
        self.conversation
    }
}

/// A format in the form of chat completions, which keeps a schema in a member of its own.
fn response_format(format: Value) -> Value {
    if format.get("type").is_none_or(|kind| kind != "json_schema") {
        return format;
    }
    let mut schema = format;
    if let Some(members) = schema.as_object_mut() {
        members.remove("type");
    }
    json!({ "type": "json_schema", "json_schema": schema })
}

/// A function in the form of chat completions.
fn nested(tool: &Value, at: usize) -> Result<Value, ApiError> {
    let members =
        tool.as_object().filter(|members| members.get("type").is_some_and(|kind| kind == "function"));
    let Some(members) = members else {
        let message =
            "Only functions are taken as tools. The tools of this service are there without being named.";
        return Err(ApiError::invalid(format!("tools[{at}]"), message));
    };
    let function: Map<String, Value> =
        members.iter().filter(|(name, _)| *name != "type").map(|(n, v)| (n.clone(), v.clone())).collect();
    Ok(json!({ "type": "function", "function": function }))
}

/// The input as messages of chat completions.
fn messages(input: Option<Value>) -> Result<Vec<Value>, ApiError> {
    let items = match input {
        None => return Err(ApiError::invalid("input", "`input` is missing.")),
        Some(Value::String(text)) => return Ok(vec![json!({ "role": "user", "content": text })]),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(ApiError::invalid("input", "`input` is a text or a list of items.")),
    };
    let mut messages: Vec<Value> = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        add(&mut messages, &item, &format!("input[{at}]"))?;
    }
    Ok(messages)
}

fn add(messages: &mut Vec<Value>, item: &Value, place: &str) -> Result<(), ApiError> {
    let text = |name: &str| {
        let found = item.get(name).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| ApiError::invalid(format!("{place}.{name}"), format!("`{name}` is missing.")))
    };
    match item.get("type").and_then(Value::as_str) {
        None | Some("message") => {
            let content = content(item.get("content"), &format!("{place}.content"))?;
            messages.push(json!({ "role": text("role")?, "content": content }));
        }
        Some("function_call") => {
            let call = json!({ "id": text("call_id")?, "type": "function",
                "function": { "name": text("name")?, "arguments": text("arguments")? } });
            // Calls of one turn stand one after the other.
            let open = messages.last_mut().and_then(|message| message.get_mut("tool_calls"));
            match open.and_then(Value::as_array_mut) {
                Some(calls) => calls.push(call),
                None => messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] })),
            }
        }
        Some("function_call_output") => {
            let output = content(item.get("output"), &format!("{place}.output"))?;
            messages.push(json!({ "role": "tool", "tool_call_id": text("call_id")?, "content": output }));
        }
        // What we said of our own work, and what a model thought, come back with the conversation.
        Some("mcp_call" | "mcp_list_tools" | "reasoning") => {}
        Some(_) => {
            let message = "Items are messages, function_call and function_call_output.";
            return Err(ApiError::invalid(format!("{place}.type"), message));
        }
    }
    Ok(())
}

/// A content in the form of chat completions.
fn content(content: Option<&Value>, place: &str) -> Result<Value, ApiError> {
    let Some(Value::Array(parts)) = content else { return Ok(content.cloned().unwrap_or_default()) };
    let part = |(at, part): (usize, &Value)| match part.get("type").and_then(Value::as_str) {
        Some("input_text" | "output_text" | "text") => {
            Ok(json!({ "type": "text", "text": part.get("text") }))
        }
        Some("refusal") => Ok(json!({ "type": "text", "text": part.get("refusal") })),
        Some("input_image") => {
            let url = part.get("image_url").and_then(Value::as_str).ok_or_else(|| {
                ApiError::invalid(format!("{place}[{at}].image_url"), "A picture is given by its URL.")
            })?;
            Ok(json!({ "type": "image_url", "image_url": { "url": url } }))
        }
        Some(_) | None => {
            let message = "Parts are input_text, output_text, refusal and input_image.";
            Err(ApiError::invalid(format!("{place}[{at}].type"), message))
        }
    };
    parts.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: Value) -> Result<ResponseRequest, Value> {
        let mut body = json!({"model": "calendar", "input": "hi"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let members = Members::new(body.as_object().unwrap().clone());
        ResponseRequest::read(members, "calendar").map_err(|error| error.body()["error"]["param"].clone())
    }

    #[test]
    fn items_become_messages() {
        let wanted = read(json!({"instructions": "be brief", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "one"},
        ]}));
        let conversation = wanted.unwrap().conversation;
        let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
        assert_eq!(
            Value::Array(conversation.messages.clone()),
            json!([
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": null, "tool_calls": [call("1", "f"), call("2", "g")]},
                {"role": "tool", "tool_call_id": "1", "content": "one"},
            ])
        );
        assert_eq!(conversation.open_calls()[0].id, "2");
    }

    #[test]
    fn functions_and_formats_take_the_form_of_chat_completions() {
        let wanted =
            read(json!({"tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}, "temperature": 0.1,
            "reasoning": {"effort": "low"}, "store": true}));
        let conversation = wanted.unwrap().conversation;
        assert!(conversation.json && conversation.has_tool("f"));
        let expected = json!({"temperature": 0.1, "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}});
        assert_eq!(Value::Object(conversation.rest), expected);
    }

    #[test]
    fn faults_are_named() {
        for (change, place) in [
            (json!({"model": "gpt-5"}), "model"),
            (json!({"input": null}), "input"),
            (json!({"input": []}), "input"),
            (json!({"input": 5}), "input"),
            (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
            (json!({"background": true}), "background"),
            (json!({"tools": [{"type": "web_search"}]}), "tools[0]"),
            (json!({"text": {"format": {"type": "xml"}}}), "text.format"),
            (json!({"max_output_tokens": -1}), "max_output_tokens"),
            (json!({"input": [{"type": "item_reference", "id": "x"}]}), "input[0].type"),
            (json!({"input": [{"type": "function_call_output", "output": "x"}]}), "input[0].call_id"),
            (
                json!({"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]}),
                "input[0].tool_call_id",
            ),
            (
                json!({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
                "input[0].content[0].type",
            ),
        ] {
            assert_eq!(read(change.clone()).unwrap_err(), place, "{change}");
        }
    }
}
