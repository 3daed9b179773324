//! A tool as a name, a schema and a function.

use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::outlet::Ask;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a fixture does.
pub(super) type Run = for<'a> fn(&'a CallContext, Args) -> BoxFuture<'a, Result<ToolOutput, ToolError>>;

struct Fixture {
    spec: ToolSpec,
    run: Run,
}

#[async_trait]
impl Tool for Fixture {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        (self.run)(context, args).await
    }
}

/// A tool with a schema.
pub(super) fn with_schema(
    name: &'static str,
    description: &'static str,
    schema: Value,
    run: Run,
) -> Arc<dyn Tool> {
    let spec = ToolSpec {
        name,
        title: name,
        description,
        input_schema: schema,
        output_schema: Value::Null,
        annotations: Annotations::READ,
        scopes: &[],
        aliases: &[],
    };
    Arc::new(Fixture { spec, run })
}

/// A tool without arguments.
pub(super) fn bare(name: &'static str, description: &'static str, run: Run) -> Arc<dyn Tool> {
    with_schema(name, description, json!({ "type": "object", "properties": {} }), run)
}

/// A tool with one required text argument.
pub(super) fn with_text(
    name: &'static str,
    description: &'static str,
    argument: &'static str,
    run: Run,
) -> Arc<dyn Tool> {
    let schema = json!({
        "type": "object",
        "properties": { argument: { "type": "string", "description": "Any text." } },
        "required": [argument],
    });
    with_schema(name, description, schema, run)
}

/// A text argument, empty when absent.
pub(super) fn text<'a>(args: &'a Args, name: &str) -> &'a str {
    args.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A form of one required field.
pub(super) fn form(message: &str, field: &str, kind: &str) -> Ask {
    let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
    Ask::Form { message: message.to_owned(), schema }
}

/// A question to the client's model.
pub(super) fn sample(prompt: &str, max_tokens: u32) -> Ask {
    Ask::Sample(json!({
        "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }],
        "maxTokens": max_tokens,
    }))
}

/// The field of an accepted form.
pub(super) fn field<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer.get("content").and_then(|c| c.get(name)).and_then(Value::as_str).unwrap_or("(nothing)")
}

/// The text of a sampling result.
pub(super) fn sampled(answer: &Value) -> &str {
    answer.get("content").and_then(|c| c.get("text")).and_then(Value::as_str).unwrap_or("(nothing)")
}
