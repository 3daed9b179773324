//! Tools that answer at once: every kind of content, an error, progress, logs, announcements, schemas.

use super::fixture::{Run, bare, with_schema};
use super::{PNG, WAV, resources};
use crate::tools::outlet::{Change, Feature, LogLevel};
use crate::tools::output::{Block, ToolOutput};
use crate::tools::resource::Contents;
use crate::tools::tool::Tool;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Pause between notifications, as the suite asks for.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        bare("test_simple_text", "Answers a text.", SIMPLE),
        bare("test_image_content", "Answers a picture.", IMAGE),
        bare("test_audio_content", "Answers a recording.", AUDIO),
        bare("test_embedded_resource", "Answers an embedded resource.", EMBEDDED),
        bare("test_multiple_content_types", "Answers text, picture and resource.", MIXED),
        bare("test_tool_with_logging", "Logs three times.", LOGS),
        bare("test_error_handling", "Always fails.", FAILS),
        bare("test_tool_with_progress", "Tells its progress.", PROGRESS),
        with_schema("json_schema_2020_12_tool", "Has a rich JSON Schema.", rich_schema(), RICH),
        bare("test_reconnection", "Answers after its stream was closed.", RECONNECTION),
        with_schema("test_custom_header", "Repeats an argument in a header.", header_schema(), HEADER),
        bare("test_trigger_tool_change", "Announces a changed list of tools.", TOOLS_CHANGED),
        bare("test_trigger_prompt_change", "Announces a changed list of prompts.", PROMPTS_CHANGED),
        bare("test_trigger_resource_change", "Announces a changed resource.", RESOURCE_CHANGED),
        bare("test_missing_capability", "Needs sampling.", NEEDS_SAMPLING),
        bare("test_logging_tool", "Logs once.", LOGS_ONCE),
    ]
}

const SIMPLE: Run =
    |_, _| async { Ok(ToolOutput::text("This is a simple text response for testing.")) }.boxed();
const IMAGE: Run = |_, _| async { Ok(ToolOutput::text("").with(Block::image(PNG, "image/png"))) }.boxed();
const AUDIO: Run = |_, _| async { Ok(ToolOutput::text("").with(Block::audio(WAV, "audio/wav"))) }.boxed();
const EMBEDDED: Run = |_, _| {
    async {
        let text = "This is an embedded resource content.";
        let contents = Contents::text("test://embedded-resource", "text/plain", text);
        Ok(ToolOutput::text("").with(Block::resource(&contents)))
    }
    .boxed()
};
const MIXED: Run = |_, _| {
    async {
        let json = json!({ "test": "data", "value": 123 }).to_string();
        let contents = Contents::text("test://mixed-content-resource", "application/json", json);
        let output = ToolOutput::text("Multiple content types test:").with(Block::image(PNG, "image/png"));
        Ok(output.with(Block::resource(&contents)))
    }
    .boxed()
};
const LOGS: Run = |context, _| {
    async move {
        context.log(LogLevel::Info, "Tool execution started").await;
        sleep(PAUSE).await;
        context.log(LogLevel::Info, "Tool processing data").await;
        sleep(PAUSE).await;
        context.log(LogLevel::Info, "Tool execution completed").await;
        Ok(ToolOutput::text("Tool with logging executed successfully"))
    }
    .boxed()
};
const FAILS: Run = |_, _| {
    async {
        let text = "This tool intentionally returns an error for testing";
        Ok(ToolOutput { is_error: true, ..ToolOutput::text(text) })
    }
    .boxed()
};
const PROGRESS: Run = |context, _| {
    async move {
        for progress in [0.0, 50.0, 100.0] {
            let message = format!("Completed step {progress} of 100");
            context.progress(progress, Some(100.0), Some(&message)).await;
            sleep(PAUSE).await;
        }
        Ok(ToolOutput::text("Tool with progress executed successfully"))
    }
    .boxed()
};
const RICH: Run =
    |_, args| async move { Ok(ToolOutput::text(format!("Received {} arguments.", args.len()))) }.boxed();
const RECONNECTION: Run = |context, _| {
    async move {
        context.release().await;
        sleep(PAUSE).await;
        Ok(ToolOutput::text("Reconnection test completed successfully."))
    }
    .boxed()
};
const HEADER: Run = |_, args| {
    async move {
        let region = args.get("region").and_then(Value::as_str).unwrap_or("anywhere");
        Ok(ToolOutput::text(format!("Region: {region}")))
    }
    .boxed()
};
const TOOLS_CHANGED: Run = |context, _| {
    async move {
        context.announce(Change::Tools).await;
        Ok(ToolOutput::text("Announced."))
    }
    .boxed()
};
const PROMPTS_CHANGED: Run = |context, _| {
    async move {
        context.announce(Change::Prompts).await;
        Ok(ToolOutput::text("Announced."))
    }
    .boxed()
};
/// Not the suite's: it has no scenario in which a subscribed resource changes.
const RESOURCE_CHANGED: Run = |context, _| {
    async move {
        context.announce(Change::Resource(resources::WATCHED.to_owned())).await;
        Ok(ToolOutput::text("Announced."))
    }
    .boxed()
};
const NEEDS_SAMPLING: Run = |context, _| {
    async move {
        context.require(Feature::Sampling)?;
        Ok(ToolOutput::text("The client declared sampling."))
    }
    .boxed()
};
const LOGS_ONCE: Run = |context, _| {
    async move {
        context.log(LogLevel::Info, "A log message").await;
        Ok(ToolOutput::text("Logged, if the client wanted it."))
    }
    .boxed()
};

fn header_schema() -> Value {
    let region = json!({ "type": "string", "description": "A region.", "x-mcp-header": "Region" });
    json!({ "type": "object", "properties": { "region": region }, "required": ["region"] })
}

fn rich_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
