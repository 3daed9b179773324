//! `entrada tools URL`: what a service can do, with the arguments of each tool.

use super::service::{Service, Where, members};
use super::{EXIT_CODES, clean};
use crate::cli::{CommandError, say};
use crate::config::Sources;
use clap::Args;
use serde_json::{Value, json};

/// More pages than any service has.
const MAX_PAGES: usize = 50;

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct ToolsArguments {
    #[command(flatten)]
    place: Where,
    /// Prints the list as the service gives it.
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) async fn run(arguments: ToolsArguments, sources: &Sources) -> Result<(), CommandError> {
    let mut service = arguments.place.open(sources)?;
    let tools = all(&mut service).await?;
    if arguments.json {
        return Ok(say(&format!("{:#}", Value::Array(tools)))?);
    }
    for tool in &tools {
        say(&described(tool))?;
    }
    Ok(())
}

/// The list, page by page.
async fn all(service: &mut Service) -> Result<Vec<Value>, CommandError> {
    let (mut tools, mut cursor) = (Vec::new(), json!({}));
    for _ in 0..MAX_PAGES {
        let mut page = service.ask("tools/list", None, cursor).await?;
        if let Some(Value::Array(some)) = page.get_mut("tools").map(Value::take) {
            tools.extend(some);
        }
        match page.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = json!({ "cursor": next }),
            None => break,
        }
    }
    Ok(tools)
}

/// A tool in a few lines: name, what it does, its arguments. An asterisk stands for what has to be given.
fn described(tool: &Value) -> String {
    let text = |value: &Value, name: &str| clean(value.get(name).and_then(Value::as_str).unwrap_or_default());
    let mut lines =
        vec![text(tool, "name"), format!("    {}", text(tool, "description").replace('\n', "\n    "))];
    let schema = tool.get("inputSchema").cloned().unwrap_or_default();
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, argument) in members(schema.get("properties")) {
        let star = if required.iter().any(|one| *one == *name) { "*" } else { "" };
        let kind = match argument.get("enum").and_then(Value::as_array) {
            Some(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
            None => text(&argument, "type"),
        };
        let what = text(&argument, "description").replace('\n', " ");
        lines.push(format!("    {}{star} ({}) {what}", clean(&name), clean(&kind)).trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_told_with_its_arguments() {
        let tool = json!({
            "name": "get\u{1b}_email", "description": "Reads one.\nAnd more.",
            "inputSchema": {"type": "object", "required": ["id"], "properties": {
                "format": {"enum": ["text", "html"], "description": "Which."},
                "id": {"type": "string"},
            }},
        });
        let expected =
            "get_email\n    Reads one.\n    And more.\n    format (text|html) Which.\n    id* (string)";
        assert_eq!(described(&tool), expected);
        assert_eq!(described(&json!({})), "\n    ");
    }
}
