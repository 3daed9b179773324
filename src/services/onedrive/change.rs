//! What the writing tools share: which files may be changed, sending a change, and what a conflict means.
//!
//! A change names the version that was read (`If-Match`), so that nobody's work is lost; Graph answers 412 when there is
//! a newer one, and 409 when a name is taken.

use super::item::{FileItem, Frame, ItemView, item_schema};
use super::{Desk, asker, fault};
use crate::graph::error::{Fault, GraphError};
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::OutputFormat;
pub(super) use crate::services::drive::BEHAVIOR;
use crate::services::drive_address::Address;
use crate::tools::confirm;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use serde::Serialize;
use serde_json::{Value, json};

/// Permission of every tool that changes files.
pub(super) const SCOPES: &[&str] = &[SCOPE];
const SCOPE: &str = "Files.ReadWrite";

/// An item after a change; `structuredContent` of the writing tools.
#[derive(Serialize)]
pub(super) struct Done {
    status: &'static str,
    #[serde(flatten)]
    pub(super) item: FileItem,
    /// Folders that were made, in the order they were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) created: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
}

impl Done {
    pub(super) fn new(item: FileItem, warnings: Vec<String>) -> Self {
        Self { status: "done", item, created: Vec::new(), warnings }
    }

    /// Names the folders that were made.
    pub(super) fn having_made(self, created: Vec<String>) -> Self {
        Self { created, ..self }
    }

    /// Both parts; `said` is what happened.
    pub(super) fn output(&self, said: &str) -> Result<ToolOutput, ToolError> {
        let text = format!("{said}\nid: {}\netag: {}\n{}\n", self.item.id, self.item.etag, self.item.web_url);
        output(|| with_notes(text, &self.warnings, None), self, OutputFormat::Text)
    }
}

/// Output schema of the writing tools.
pub(super) fn done_schema() -> Value {
    let mut properties = item_schema();
    if let Some(all) = properties.as_object_mut() {
        let texts = json!({"type": "array", "items": {"type": "string"}});
        all.insert("created".to_owned(), texts.clone());
        all.insert("warnings".to_owned(), texts);
    }
    confirm::outcome_schema(properties)
}

/// The item itself; whatever it is about, it cannot be the root.
pub(super) fn below_root(field: &str, text: &str) -> Result<Address, ToolError> {
    let address = own(field, text)?;
    if address == Address::Root {
        let text = format!("`{field}` must name a file or folder: the drive itself cannot be changed.");
        return Err(ToolError::invalid(field, text));
    }
    Ok(address)
}

/// Something of the own drive; files of others are not changed here.
pub(super) fn own(field: &str, text: &str) -> Result<Address, ToolError> {
    match Address::parse(field, text)? {
        Address::Remote { .. } | Address::Share(_) => {
            let text =
                format!("`{field}`: only files of the own drive can be changed here; others only read.");
            Err(ToolError::invalid(field, text))
        }
        own @ (Address::Root | Address::Path(_) | Address::Item(_)) => Ok(own),
    }
}

/// A failure of a change.
pub(super) fn failed(error: GraphError) -> ToolError {
    fault(error, SCOPE)
}

/// Whether a name is taken (409), and not a version outdated (412).
pub(super) fn is_taken(error: &GraphError) -> bool {
    matches!(error, GraphError::Refused { fault: Fault::Conflict, status: 409, .. })
}

/// Whether the item is no longer in the version that was named.
pub(super) fn is_outdated(error: &GraphError) -> bool {
    matches!(error, GraphError::Refused { status: 412, .. })
}

/// A conflict that the caller can settle.
pub(super) fn conflict(status: u16, text: String) -> ToolError {
    let code = if status == 412 { "resourceModified" } else { "nameAlreadyExists" };
    ToolError::new(ToolErrorKind::UpstreamRejected { code: code.to_owned(), status }, text)
}

impl Desk {
    /// The item at an address that may not be there.
    pub(super) async fn try_lookup(
        &self,
        context: &CallContext,
        address: &Address,
    ) -> Result<Option<FileItem>, ToolError> {
        let zone = self.zone(context).await;
        match self.find(context, address, zone).await {
            Ok(item) => Ok(Some(item)),
            Err(GraphError::Refused { fault: Fault::NotFound, .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Sends a change that answers with the item.
    pub(super) async fn change(
        &self,
        context: &CallContext,
        request: Request,
    ) -> Result<FileItem, GraphError> {
        let zone = self.zone(context).await;
        let answer = self.deps.graph.send(asker(context), request).await?;
        let view: ItemView<'_> = answer.view()?;
        Ok(FileItem::new(&view, Frame { zone, own_drive: None }))
    }
}
