//! `get_file_info`: what is known of a file or folder, its versions, and who can open it.

use super::item::{FileItem, bytes, item_schema};
use super::permission::{Identities, Permission, permission_schema};
use super::{ALIASES, Desk, SCOPES, asker, fault};
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::drive_address::Address;
use crate::services::time::local_text;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::DateTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// The tool.
pub(super) struct GetFileInfo {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum More {
    Versions,
    Permissions,
}

#[derive(Deserialize)]
struct Wish {
    file_path: String,
    #[serde(default)]
    include: Vec<More>,
    #[serde(default)]
    output_format: OutputFormat,
}

/// `structuredContent`.
#[derive(Serialize)]
struct Info {
    #[serde(flatten)]
    item: FileItem,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<Version>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<Permission>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// An earlier or the current content.
#[derive(Serialize)]
struct Version {
    id: String,
    modified: String,
    size: u64,
    by: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VersionView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    last_modified_date_time: Text<'a>,
    size: i64,
    #[serde(borrow)]
    last_modified_by: Option<Identities<'a>>,
}

impl GetFileInfo {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let mut properties = item_schema();
        if let Some(all) = properties.as_object_mut() {
            let list = |item| json!({"type": "array", "items": {"type": "object", "properties": item}});
            let version = json!({"id": text, "modified": text, "size": {"type": "integer"}, "by": text});
            all.insert("versions".to_owned(), list(version));
            all.insert("permissions".to_owned(), list(permission_schema()));
            all.insert("warnings".to_owned(), json!({"type": "array", "items": text}));
        }
        let spec = ToolSpec {
            name: "get_file_info",
            title: "Get File Info",
            description: "Size, times, etag and address of a file or folder; with `include` its versions and who can \
                          open it.",
            input_schema: json!({"type": "object", "properties": {
                "file_path": {"type": "string", "description": "Path such as Documents/notes.txt, id, or sharing link"},
                "include": {
                    "type": "array", "items": {"type": "string", "enum": ["versions", "permissions"]},
                    "description": "What else to tell",
                },
                "output_format": output_format_schema(),
            }, "required": ["file_path"]}),
            output_schema: json!({
                "type": "object", "properties": properties, "required": ["id", "name", "kind", "size"],
            }),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `GET {item}/versions` (Files.Read), 2 units.
    async fn versions(&self, context: &CallContext, item: &FileItem) -> Result<Vec<Version>, ToolError> {
        let zone = self.desk.zone(context).await;
        let address = Address::of_id(&item.id);
        let failed = |error| fault(error, address.scope());
        let request = Request::files(address.graph_path("versions")).costing(2);
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(failed)?;
        let page: Page<'_, VersionView<'_>> = answer.view().map_err(failed)?;
        Ok(page.value.iter().map(|view| version(view, zone)).collect())
    }
}

fn version(view: &VersionView<'_>, zone: Tz) -> Version {
    let modified = DateTime::parse_from_rfc3339(&view.last_modified_date_time);
    Version {
        id: view.id.to_string(),
        modified: modified.map(|at| local_text(at.to_utc(), zone)).unwrap_or_default(),
        size: u64::try_from(view.size).unwrap_or(0),
        by: view.last_modified_by.as_ref().map(Identities::name).unwrap_or_default(),
    }
}

#[async_trait]
impl Tool for GetFileInfo {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let address = Address::parse("file_path", &wish.file_path)?;
        let item = self.desk.lookup(context, &address).await?;
        let mut info = Info { item, versions: None, permissions: None, warnings };
        if wish.include.contains(&More::Versions) && !info.item.is_folder() {
            info.versions = Some(self.versions(context, &info.item).await?);
        }
        if wish.include.contains(&More::Permissions) {
            info.permissions = Some(self.desk.permissions(context, &info.item).await?);
        }
        output(|| with_notes(printed(&info), &info.warnings, None), &info, wish.output_format)
    }
}

fn printed(info: &Info) -> String {
    let item = &info.item;
    let mut text = format!(
        "# {}\n{}, {}, changed {}\nid: {}\netag: {}\n{}\n",
        item.label(),
        item.kind,
        bytes(item.size),
        item.modified,
        item.id,
        item.etag,
        item.web_url
    );
    for version in info.versions.iter().flatten() {
        let _ = writeln!(
            text,
            "- version {} of {}, {} by {}",
            version.id,
            version.modified,
            bytes(version.size),
            version.by
        );
    }
    for permission in info.permissions.iter().flatten() {
        let _ = writeln!(
            text,
            "- {}: {} (id {})",
            permission.roles.join(", "),
            permission.label(),
            permission.id
        );
    }
    text
}
