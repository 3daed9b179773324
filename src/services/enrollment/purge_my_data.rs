//! `purge_my_data`: removes what is kept for the caller.

use super::{ALIASES, Desk, SCOPES};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::keepsakes::KINDS;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "purge_my_data";

/// The tool.
pub(super) struct PurgeMyData {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Serialize)]
struct Done {
    status: &'static str,
    /// Kinds of records that were there.
    removed: Vec<&'static str>,
    note: &'static str,
}

impl PurgeMyData {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let spec = ToolSpec {
            name: NAME,
            title: "Purge My Data",
            description: "Remove what this server keeps for the signed-in user: names of chats, notes and panels, what was used last, \
                          profile, activity. Nothing in Microsoft 365 is touched. The person is asked first.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({}), true)}),
            output_schema: confirm::outcome_schema(json!({
                "removed": {"type": "array", "items": text}, "note": text,
            })),
            annotations: Annotations::WRITE.destructive().idempotent(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for PurgeMyData {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        self.desk.notes(context, &args).await?;
        let write = Write {
            service: "enrollment",
            tool: NAME,
            payload: &json!({ "purge": KINDS }),
            preview: "Remove everything that this server keeps for you: Korean names of chats, names of notes and what was \
                      used last, your profile, and the list of your activity. Mail, files and notes stay as they are."
                .to_owned(),
            leaves: true,
            recipients: ("confirm_token", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let mut removed = Vec::new();
        for kind in KINDS {
            if self.desk.deps.keepsakes.forget(&context.caller.user, kind).await? {
                removed.push(kind);
            }
        }
        let note = "Cursors end by themselves, within 15 minutes, those of changes within a week. Connections go on: \
                    disconnect_account ends them.";
        let text = format!(
            "Removed: {}.\n{note}\n",
            if removed.is_empty() { "nothing".to_owned() } else { removed.join(", ") }
        );
        ToolOutput::new(text, &Done { status: "done", removed, note }).map_err(ToolError::internal)
    }
}
