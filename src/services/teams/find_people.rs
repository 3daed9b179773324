//! `teams_find_people`: people by name or address, first among those the user has to do with.

use super::person::{self, DIRECTORY, SCOPES};
use super::{ALIASES, Desk, fault, listing_schema};
use crate::graph::encode::kql_phrase;
use crate::services::answer::{Answer, Applied};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const DEFAULT_LIMIT: usize = 10;
const MAX_TEXT: usize = 200;

/// The tool.
pub(super) struct FindPeople {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    text: String,
    limit: Option<usize>,
    #[serde(default)]
    output_format: OutputFormat,
}

impl FindPeople {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "teams_find_people",
            title: "Find People",
            description: "Find people by name or address: first those the user has to do with, then the whole \
                          organization where that is permitted.",
            input_schema: json!({"type": "object", "properties": {
                "text": {"type": "string", "description": "Name, part of a name, or address"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Most people; 10 unless given"},
                "output_format": output_format_schema(),
            }, "required": ["text"]}),
            output_schema: listing_schema(&json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "mail": {"type": "string"},
                "title": {"type": "string"},
            })),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for FindPeople {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let text: String = wish.text.chars().take(MAX_TEXT).collect();
        let Some(phrase) = kql_phrase(&text) else {
            return Err(ToolError::invalid("text", "`text` must hold a name or an address."));
        };
        let top = wish.limit.unwrap_or(DEFAULT_LIMIT).to_string();
        let mut engine = "people";
        let mut items =
            person::known(&self.desk, context, &phrase, &top).await.map_err(|error| fault(error, SCOPES))?;
        if items.is_empty() && context.caller.scopes.allows(DIRECTORY) {
            engine = "directory";
            items = person::everybody(&self.desk, context, &text, &top)
                .await
                .map_err(|error| fault(error, &[DIRECTORY]))?;
        } else if items.is_empty() {
            warnings.push(format!(
                "Only people whom the user has to do with were searched. The permission {DIRECTORY} opens the whole \
                 organization."
            ));
        }
        let mut text = format!("{} people\n", items.len());
        for person in &items {
            let _ =
                writeln!(text, "- **{}** {} {}\n  id: {}", person.name, person.mail, person.title, person.id);
        }
        let answer = Answer {
            count: items.len(),
            has_more: false,
            next_cursor: None,
            applied: Applied { engine, query: phrase, scanned: items.len(), ..Applied::default() },
            truncated: false,
            max_chars: self.desk.deps.settings.max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}
