//! The same done to many messages: their ids, and what became of each.

use super::write_fault;
use crate::graph::error::GraphError;
use crate::services::answer::{output, with_notes};
use crate::services::args::OutputFormat;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// A file is not begun this short before the end of the call.
pub(super) const RESERVE: Duration = Duration::from_secs(5);
/// Most messages of one call.
pub(super) const MAX_IDS: usize = 50;

/// What became of one message.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Done<'a> {
    status: &'static str,
    #[serde(rename = "done")]
    succeeded: usize,
    failed: usize,
    results: &'a [Row],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Whether the time of the call is over for whatever takes longer than a moment.
pub(super) fn is_late(context: &CallContext) -> bool {
    context.deadline.saturating_duration_since(Instant::now()) < RESERVE
}

/// Input property for the ids.
pub(super) fn ids_schema() -> Value {
    json!({
        "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_IDS,
        "description": "ids, unchanged",
    })
}

/// Output properties of a tool that does something to many messages.
pub(super) fn results_schema() -> Value {
    json!({
        "done": {"type": "integer"}, "failed": {"type": "integer"},
        "results": {"type": "array", "items": {"type": "object"}},
    })
}

/// The ids, each once.
pub(super) fn ids(given: &[String]) -> Result<Vec<String>, ToolError> {
    let mut ids: Vec<String> = Vec::new();
    for id in given.iter().map(|id| id.trim()).filter(|id| !id.is_empty()) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if ids.is_empty() {
        return Err(ToolError::invalid("ids", "`ids` needs at least one id of a message, unchanged."));
    }
    Ok(ids)
}

impl Row {
    pub(super) fn of(id: String, outcome: Result<Value, GraphError>) -> Self {
        let error = outcome.err().map(|error| write_fault(error).public);
        Self { id, ok: error.is_none(), error }
    }

    /// A message after two steps: the first failure counts.
    pub(super) fn then(self, next: Option<Self>) -> Self {
        if self.ok { next.unwrap_or(self) } else { self }
    }

    pub(super) fn is_ok(&self) -> bool {
        self.ok
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// The answer; what failed is said for each.
pub(super) fn told(
    context: &CallContext,
    what: &str,
    mut rows: Vec<Row>,
    warnings: Vec<String>,
) -> Result<ToolOutput, ToolError> {
    for row in &mut rows {
        row.id = context.marked(&row.id);
    }
    let rows = rows.as_slice();
    let failed = rows.iter().filter(|row| !row.ok).count();
    let done = Done { status: "done", succeeded: rows.len() - failed, failed, results: rows, warnings };
    let mut text = format!("{what}: {} of {} messages.\n", done.succeeded, rows.len());
    for row in rows {
        if let Some(error) = &row.error {
            let _ = writeln!(text, "- {}: {error}", row.id);
        }
    }
    output(|| with_notes(text, &done.warnings, None), &done, OutputFormat::Text)
}
