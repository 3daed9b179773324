//! `request_upload`: a ticket by which a person, or a program of theirs, sends a file that no model could carry.

use super::Desk;
use super::change::SCOPES;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::drive_address::check_new_name;
use crate::services::time::instant;
use crate::services::uploads;
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The tool.
pub(super) struct RequestUpload {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    name: String,
}

/// `structuredContent`.
#[derive(Serialize)]
struct Done {
    status: &'static str,
    source: String,
    upload_url: String,
    curl: String,
    expires_in_s: u64,
    max_bytes: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl RequestUpload {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "request_upload",
            title: "Request Upload",
            description: "Get a ticket to send one local file in without pasting it: the person, or a shell, PUTs the file to \
                          upload_url; then pass `source` to write_file, or in `attach` of a mail. One file, one hour, one use.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({
                "name": {"type": "string", "description": "Name of the file, e.g. report.pdf"},
            }), false), "required": ["name"]}),
            output_schema: confirm::written_schema(json!({
                "source": {"type": "string"}, "upload_url": {"type": "string"}, "curl": {"type": "string"},
                "expires_in_s": {"type": "integer"}, "max_bytes": {"type": "integer"},
                "warnings": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE,
            scopes: SCOPES,
            aliases: &[("user_id", "user_id"), ("mailbox", "mailbox"), ("filename", "name")],
        };
        Self { desk, spec }
    }
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[async_trait]
impl Tool for RequestUpload {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let name = wish.name.trim();
        if name.is_empty() || name.contains('/') {
            return Err(ToolError::invalid(
                "name",
                "`name` must be the name of a file, without folders, such as report.pdf.",
            ));
        }
        check_new_name("name", name)?;
        let write = Write {
            service: "onedrive",
            tool: self.spec.name,
            payload: &json!({ "name": name }),
            preview: format!("Make a ticket to send \"{name}\" in."),
            leaves: false,
            recipients: ("name", &[]),
        };
        let deps = &self.desk.deps;
        if let Some(answer) = deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        uploads::sweep(deps, context, instant(deps.clock.now())).await;
        let ticket = deps.transfers.ticket(context, ("onedrive", name)).await?;
        let done = Done {
            status: "done",
            curl: format!("curl --fail-with-body --upload-file {} {}", quoted(name), quoted(&ticket.url)),
            source: ticket.reference,
            upload_url: ticket.url,
            expires_in_s: ticket.expires_in_s,
            max_bytes: deps.settings.max_attachment_bytes,
            warnings,
        };
        let text = format!(
            "Send \"{name}\" (up to {} MB) within {} minutes, by `PUT`:\n\n    {}\n\nWhoever has this address can send one \
             file. When it is there, use source \"{}\".\n",
            done.max_bytes >> 20,
            done.expires_in_s / 60,
            done.curl,
            done.source
        );
        output(|| with_notes(text, &done.warnings, None), &done, OutputFormat::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_word_of_the_shell() {
        assert_eq!(quoted("it's; rm -rf $HOME"), r"'it'\''s; rm -rf $HOME'");
    }
}
