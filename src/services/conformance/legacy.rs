//! Tools that ask the client in the middle of a call, as the suite's legacy scenarios expect.

use super::fixture::{Run, bare, form, sample, sampled, text, with_text};
use crate::tools::outlet::Ask;
use crate::tools::output::ToolOutput;
use crate::tools::tool::Tool;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        with_text("test_sampling", "Asks the client's model.", "prompt", SAMPLING),
        with_text("test_elicitation", "Asks the person.", "message", ELICITATION),
        bare("test_elicitation_sep1034_defaults", "Asks with defaults.", DEFAULTS),
        bare("test_elicitation_sep1330_enums", "Asks with choices.", ENUMS),
        bare("test_streaming_elicitation", "Asks the person, in the era's way.", STREAMING),
    ]
}

const SAMPLING: Run = |context, args| {
    async move {
        let answer = context.ask("completion", sample(text(&args, "prompt"), 100))?;
        Ok(ToolOutput::text(format!("LLM response: {}", sampled(&answer))))
    }
    .boxed()
};
const ELICITATION: Run = |context, args| {
    async move {
        let answer = context.ask("response", form(text(&args, "message"), "response", "string"))?;
        Ok(ToolOutput::text(format!("User response: {}", told(&answer))))
    }
    .boxed()
};
const DEFAULTS: Run = |context, _| {
    async move {
        let answer = context.ask("defaults", ask("Please check the form.", defaults()))?;
        Ok(ToolOutput::text(format!("Elicitation completed: {}", told(&answer))))
    }
    .boxed()
};
const ENUMS: Run = |context, _| {
    async move {
        let answer = context.ask("choices", ask("Please choose.", choices()))?;
        Ok(ToolOutput::text(format!("Elicitation completed: {}", told(&answer))))
    }
    .boxed()
};
const STREAMING: Run = |context, _| {
    async move {
        context.progress(0.0, Some(1.0), None).await;
        let answer = context.ask("confirm", form("Go on?", "ok", "boolean"))?;
        Ok(ToolOutput::text(format!("User response: {}", told(&answer))))
    }
    .boxed()
};

fn ask(message: &str, properties: Value) -> Ask {
    let schema = json!({ "type": "object", "properties": properties, "required": [] });
    Ask::Form { message: message.to_owned(), schema }
}

fn told(answer: &Value) -> String {
    let action = answer.get("action").and_then(Value::as_str).unwrap_or("cancel");
    let content = answer.get("content").cloned().unwrap_or_else(|| json!({}));
    format!("action={action}, content={content}")
}

fn defaults() -> Value {
    json!({
        "name": { "type": "string", "description": "Name", "default": "John Doe" },
        "age": { "type": "integer", "description": "Age", "default": 30 },
        "score": { "type": "number", "description": "Score", "default": 95.5 },
        "status": {
            "type": "string",
            "description": "Status",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": { "type": "boolean", "description": "Verified", "default": true },
    })
}

fn choices() -> Value {
    let titled = |titles: [&str; 3]| -> Value {
        let one = |(n, title): (usize, &str)| json!({ "const": format!("value{}", n + 1), "title": title });
        titles.into_iter().enumerate().map(one).collect()
    };
    json!({
        "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
        "titledSingle": {
            "type": "string",
            "oneOf": titled(["First Option", "Second Option", "Third Option"]),
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": { "type": "string", "enum": ["option1", "option2", "option3"] },
        },
        "titledMulti": {
            "type": "array",
            "items": { "anyOf": titled(["First Choice", "Second Choice", "Third Choice"]) },
        },
    })
}
