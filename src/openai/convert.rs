//! Conversion only: tools to functions, results to messages of role `tool`. Runs nothing and asks nobody.

use super::conversation::Call;
use crate::tools::error::{ErrorDetail, ToolError};
use crate::tools::output::ToolOutput;
use crate::tools::tool::ToolSpec;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A tool as a function. Strict where its arguments can be said in OpenAI's strict subset: then a model cannot leave the
/// schema.
pub(super) fn function(spec: &ToolSpec) -> Value {
    let (parameters, is_strict) = parameters(spec);
    json!({ "type": "function", "function": {
        "name": spec.name, "description": spec.description, "parameters": parameters, "strict": is_strict,
    }})
}

/// The same in the flat form of `/responses`.
pub(super) fn flat_function(spec: &ToolSpec) -> Value {
    let (parameters, is_strict) = parameters(spec);
    json!({
        "type": "function", "name": spec.name, "description": spec.description, "parameters": parameters,
        "strict": is_strict,
    })
}

fn parameters(spec: &ToolSpec) -> (Value, bool) {
    strict(&spec.input_schema).map_or_else(|| (plain(&spec.input_schema), false), |schema| (schema, true))
}

/// The schema without MCP's own annotations.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !name.starts_with("x-mcp-"));
            Value::Object(kept.map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// The schema in OpenAI's strict subset: every property is required, optional ones may be null, and no others are
/// allowed. None where that says something else, such as an object of any members.
fn strict(schema: &Value) -> Option<Value> {
    let mut out = plain(schema);
    tighten(&mut out).then_some(out)
}

/// Makes a schema strict in place; false where it cannot be.
fn tighten(schema: &mut Value) -> bool {
    let Some(members) = schema.as_object_mut() else { return false };
    match members.get("type").and_then(Value::as_str) {
        Some("object") => tighten_object(members),
        Some("array") => members.get_mut("items").is_some_and(tighten),
        Some("string" | "integer" | "number" | "boolean") => true,
        Some(_) | None => false,
    }
}

fn tighten_object(members: &mut Map<String, Value>) -> bool {
    // Members of any name cannot be said strictly.
    if members.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false)) {
        return false;
    }
    let required: Vec<Value> = members.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) else { return false };
    for (name, property) in properties.iter_mut() {
        if !tighten(property) {
            return false;
        }
        if !required.iter().any(|needed| needed == name) {
            make_nullable(property);
        }
    }
    let all: Value = properties.keys().cloned().collect();
    members.insert("required".to_owned(), all);
    members.insert("additionalProperties".to_owned(), Value::Bool(false));
    true
}

fn make_nullable(property: &mut Value) {
    let Some(members) = property.as_object_mut() else { return };
    if let Some(kind) = members.get("type").cloned() {
        members.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(values) = members.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
}

/// A call that was run here, with its result: one message of role `tool`, which says beside the text what an MCP client
/// gets as structured content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ToolMessage {
    role: Arc<str>,
    pub(super) tool_call_id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) structured_content: Option<Box<RawValue>>,
    pub(super) is_error: bool,
}

impl ToolMessage {
    /// Of a tool that answered: the text, and what follows it, in one content.
    pub(super) fn of_output(call: &Call, output: ToolOutput) -> Self {
        let mut content = output.text;
        for block in &output.blocks {
            if !content.is_empty() {
                content.push_str("\n\n");
            }
            content.push_str(&block.instead);
        }
        let has_structure = output.structured.get() != "null";
        Self::new(call, content, has_structure.then_some(output.structured), output.is_error)
    }

    /// Of a tool that failed in a way that can be acted on.
    pub(super) fn of_error(call: &Call, error: &ToolError) -> Self {
        let detail = json!({ "error": ErrorDetail::of(error) });
        let structured = serde_json::value::to_raw_value(&detail).ok();
        Self::new(call, error.public.clone(), structured, true)
    }

    /// Of a call that was not run.
    pub(super) fn refused(call: &Call, message: String) -> Self {
        Self::new(call, message, None, true)
    }

    fn new(call: &Call, content: String, structured: Option<Box<RawValue>>, is_error: bool) -> Self {
        Self {
            role: Arc::from("tool"),
            tool_call_id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            content,
            structured_content: structured,
            is_error,
        }
    }

    /// As a language model gets it, of at most about so many bytes.
    pub(super) fn message(&self, most: usize) -> Value {
        let cut = (most..self.content.len()).find(|at| self.content.is_char_boundary(*at));
        let content = match cut.and_then(|at| self.content.get(..at)) {
            Some(begin) => format!("{begin}\n[The rest is left out: ask for less, or for the next part.]"),
            None => self.content.clone(),
        };
        json!({ "role": "tool", "tool_call_id": self.tool_call_id, "content": content })
    }

    /// The result as JSON text, for who asked for JSON.
    pub(super) fn as_json(&self) -> String {
        self.structured_content
            .as_ref()
            .map_or_else(|| json!({ "text": self.content }).to_string(), |json| json.get().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::error::ToolErrorKind;
    use crate::tools::output::Block;
    use crate::tools::tool::Annotations;

    fn spec(input_schema: Value) -> ToolSpec {
        ToolSpec {
            name: "find",
            title: "Find",
            description: "Finds things.",
            input_schema,
            output_schema: Value::Null,
            annotations: Annotations::READ,
            scopes: &[],
            aliases: &[],
        }
    }

    fn call() -> Call {
        Call { id: "call_1".to_owned(), name: "find".to_owned(), arguments: r#"{"q":"a"}"#.to_owned() }
    }

    #[test]
    fn a_simple_tool_is_a_strict_function() {
        let schema = json!({"type": "object", "properties": {
            "q": {"type": "string", "x-mcp-header": "Q"},
            "order": {"type": "string", "enum": ["a", "b"]},
            "people": {"type": "array", "items": {"type": "string"}},
        }, "required": ["q"]});
        let expected = json!({"type": "object", "properties": {
            "q": {"type": "string"},
            "order": {"type": ["string", "null"], "enum": ["a", "b", null]},
            "people": {"type": ["array", "null"], "items": {"type": "string"}},
        }, "required": ["q", "order", "people"], "additionalProperties": false});
        assert_eq!(
            function(&spec(schema.clone())),
            json!({"type": "function", "function": {
                "name": "find", "description": "Finds things.", "parameters": expected, "strict": true,
            }})
        );
        assert_eq!(flat_function(&spec(schema))["parameters"], expected);
    }

    #[test]
    fn what_strictness_cannot_say_stays_as_it_is() {
        for schema in [
            json!({"type": "object", "properties": {"fields": {"type": "object"}}}),
            json!({"type": "object", "properties": {"all": {"type": "array"}}}),
            json!({"type": "object", "properties": {}, "additionalProperties": true}),
        ] {
            let function = function(&spec(schema.clone()));
            assert_eq!(function["function"]["strict"], false, "{schema}");
            assert_eq!(function["function"]["parameters"], schema);
        }
    }

    #[test]
    fn a_result_is_one_message_with_its_structure_beside_the_text() {
        let output = ToolOutput::new("two", &json!({"count": 2})).unwrap();
        let output = output.with(Block::image("aGk=", "image/png"));
        let message = ToolMessage::of_output(&call(), output);
        assert_eq!(
            serde_json::to_value(&message).unwrap(),
            json!({
                "role": "tool", "tool_call_id": "call_1", "name": "find", "arguments": "{\"q\":\"a\"}",
                "content": "two\n\n[image, image/png]", "structured_content": {"count": 2}, "is_error": false,
            })
        );
        assert_eq!(message.as_json(), r#"{"count":2}"#);
        let written = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<ToolMessage>(&written).unwrap().content, message.content);
    }

    #[test]
    fn a_failure_says_what_an_mcp_client_would_read() {
        let failed = ToolError::new(ToolErrorKind::NotFound, "No such message.");
        let message = serde_json::to_value(ToolMessage::of_error(&call(), &failed)).unwrap();
        assert_eq!((&message["content"], &message["is_error"]), (&json!("No such message."), &json!(true)));
        assert_eq!(
            message["structured_content"],
            json!({"error": {"code": "not_found", "retryable": false}})
        );
    }

    #[test]
    fn a_result_of_text_alone_is_json_when_json_is_asked_for() {
        let message = ToolMessage::of_output(&call(), ToolOutput::text("hi"));
        assert_eq!(message.as_json(), r#"{"text":"hi"}"#);
        assert!(message.structured_content.is_none());
    }
}
