//! Tools of the tasks extension.

use super::fixture::{Run, bare, field, form, text, with_schema, with_text};
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::outlet::{Feature, Question};
use crate::tools::output::ToolOutput;
use crate::tools::tool::Tool;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

pub(super) fn tools() -> Vec<Arc<dyn Tool>> {
    let seconds = json!({ "type": "number", "description": "Seconds to take.", "minimum": 0 });
    let label = json!({ "type": "string", "description": "Any text." });
    let slow = json!({
        "type": "object",
        "properties": { "seconds": seconds, "label": label },
        "required": ["seconds"],
    });
    vec![
        with_text("greet", "Greets at once.", "name", GREET),
        with_schema("slow_compute", "Takes its time.", slow, SLOW),
        bare("failing_job", "Fails after a while, as a task.", FAILING),
        bare("protocol_error_job", "Breaks, as a task.", BREAKING),
        with_text("confirm_delete", "Asks before it would delete, as a task.", "filename", CONFIRM),
        bare("multi_input", "Asks two things at once, as a task.", MULTI),
        bare("test_tool_with_task", "Asks first, then goes on as a task.", ASK_THEN_TASK),
    ]
}

const GREET: Run =
    |_, args| async move { Ok(ToolOutput::text(format!("Hello, {}!", text(&args, "name")))) }.boxed();
const SLOW: Run = |context, args| {
    async move {
        context.detach()?;
        let seconds = args.get("seconds").and_then(Value::as_f64).unwrap_or(0.0);
        sleep(Duration::from_secs_f64(seconds.clamp(0.0, 3600.0))).await;
        Ok(ToolOutput::text(format!("Computed {} in {seconds} s.", text(&args, "label"))))
    }
    .boxed()
};
const FAILING: Run = |context, _| {
    async move {
        context.require(Feature::Tasks)?;
        context.detach()?;
        sleep(Duration::from_secs(1)).await;
        Ok(ToolOutput { is_error: true, ..ToolOutput::text("The job failed.") })
    }
    .boxed()
};
const BREAKING: Run = |context, _| {
    async move {
        context.detach()?;
        Err(ToolError::new(ToolErrorKind::Protocol, "The job broke."))
    }
    .boxed()
};
const CONFIRM: Run = |context, args| {
    async move {
        context.detach()?;
        let file = text(&args, "filename");
        let answer = context.ask("confirm", form(&format!("Delete {file}?"), "confirm", "boolean"))?;
        let action = answer.get("action").and_then(Value::as_str).unwrap_or("cancel");
        Ok(ToolOutput::text(format!("Deleting {file}: {action}")))
    }
    .boxed()
};
const MULTI: Run = |context, _| {
    async move {
        context.detach()?;
        let question =
            |key: &str| Question { key: key.to_owned(), ask: form(&format!("Your {key}?"), key, "string") };
        let answers = context.ask_all(vec![question("first"), question("second")])?;
        let told: Vec<_> = answers.iter().zip(["first", "second"]).map(|(a, key)| field(a, key)).collect();
        Ok(ToolOutput::text(told.join(" ")))
    }
    .boxed()
};
const ASK_THEN_TASK: Run = |context, _| {
    async move {
        context.require(Feature::Tasks)?;
        let answer = context.ask("user_name", form("What is your name?", "name", "string"))?;
        context.detach()?;
        Ok(ToolOutput::text(format!("Hello, {}!", field(&answer, "name"))))
    }
    .boxed()
};
