//! `delete_file`: a file or folder into the recycle bin, after somebody agreed.

use super::change::{Done, SCOPES, below_root, conflict, done_schema, failed, is_outdated};
use super::item::bytes;
use super::{ALIASES, Desk, asker};
use crate::graph::request::Request;
use crate::services::args::typed;
use crate::services::drive_address::Address;
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The tool.
pub(super) struct DeleteFile {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    file_path: String,
}

impl DeleteFile {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "delete_file",
            title: "Delete File",
            description: "Move a file, or a folder with all that is in it, to the recycle bin of the user's OneDrive. The \
                          person is asked first.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({
                "file_path": {"type": "string", "description": "Path or id of the file or folder"},
            }), true), "required": ["file_path"]}),
            output_schema: done_schema(),
            annotations: Annotations::WRITE.destructive().idempotent(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for DeleteFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let address = below_root("file_path", &wish.file_path)?;
        let item = self.desk.lookup(context, &address).await?;
        let what = match item.children {
            Some(count) => format!("the folder {} with its {count} entries", item.label()),
            None => format!("{} ({}, changed {})", item.label(), bytes(item.size), item.modified),
        };
        let write = Write {
            service: "onedrive",
            tool: self.spec.name,
            // Agreed was to this version: another one needs another word.
            payload: &json!({ "id": item.id, "etag": item.etag }),
            preview: format!("Delete {what}. It goes to the recycle bin of OneDrive."),
            leaves: true,
            recipients: ("file_path", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        // `DELETE /me/drive/items/{id}` (Files.ReadWrite), 2 units; 204.
        let path = Address::of_id(&item.id).graph_path("");
        let request = Request::files_write(Method::DELETE, path, None).if_match(&item.etag);
        if let Err(error) = self.desk.deps.graph.send(asker(context), request).await {
            if is_outdated(&error) {
                let text = format!(
                    "\"{}\" was changed meanwhile, so it was not deleted. Look at it and call again.",
                    item.label()
                );
                return Err(conflict(412, text));
            }
            return Err(failed(error));
        }
        let said = format!("Deleted {what}; it is in the recycle bin.");
        Done::new(item, warnings).output(&said)
    }
}
