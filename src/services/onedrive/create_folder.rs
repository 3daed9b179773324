//! `create_folder`: a folder, and those above it that are missing.

use super::Desk;
use super::change::{BEHAVIOR, Done, SCOPES, conflict, done_schema, failed, is_taken, own};
use super::item::FileItem;
use crate::graph::request::Request;
use crate::services::args::typed;
use crate::services::drive_address::{Address, check_new_name, names};
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

/// Deepest path; each missing level is a request.
const MAX_LEVELS: usize = 20;

/// The tool.
pub(super) struct CreateFolder {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    folder_path: String,
    #[serde(default)]
    parent_path: String,
}

/// What is there of a path.
struct Plan {
    names: Vec<String>,
    /// Names that are there.
    known: usize,
    /// The deepest of them.
    last: Option<FileItem>,
}

impl CreateFolder {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "create_folder",
            title: "Create Folder",
            description: "Make a folder in the user's OneDrive, with the folders above it that are missing. A folder that \
                          is there already is left as it is.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({
                "folder_path": {"type": "string", "description": "Name or path, e.g. Projects/2026/Drawings"},
                "parent_path": {"type": "string", "description": "Path or id of the folder to start from; the root unless given"},
            }), false), "required": ["folder_path"]}),
            output_schema: done_schema(),
            annotations: Annotations::WRITE.idempotent(),
            scopes: SCOPES,
            aliases: &[
                ("user_id", "user_id"),
                ("mailbox", "mailbox"),
                ("path", "folder_path"),
                ("name", "folder_path"),
            ],
        };
        Self { desk, spec }
    }

    /// Looks how far the path is there, from its end on: most often all of it is, or all but the last name.
    async fn plan(&self, context: &CallContext, wish: &Wish) -> Result<Plan, ToolError> {
        let mut all = match own("parent_path", &wish.parent_path)? {
            Address::Path(names) => names,
            Address::Item(id) => {
                let parent = self.desk.lookup(context, &Address::Item(id)).await?;
                names("parent_path", &parent.path)?
            }
            Address::Root | Address::Remote { .. } | Address::Share(_) => Vec::new(),
        };
        all.extend(names("folder_path", &wish.folder_path)?);
        if all.is_empty() || all.len() > MAX_LEVELS {
            let text = format!("`folder_path` must name a folder, at most {MAX_LEVELS} levels deep.");
            return Err(ToolError::invalid("folder_path", text));
        }
        all.iter().try_for_each(|name| check_new_name("folder_path", name))?;
        let mut plan = Plan { names: all, known: 0, last: None };
        for level in (1..=plan.names.len()).rev() {
            if let Some(item) = self.desk.try_lookup(context, &plan.address(level)).await? {
                plan.reach(level, item)?;
                break;
            }
        }
        Ok(plan)
    }

    /// `POST {parent}/children` (Files.ReadWrite), 2 units.
    async fn make(&self, context: &CallContext, plan: &mut Plan) -> Result<Vec<String>, ToolError> {
        let mut created = Vec::new();
        for level in plan.known + 1..=plan.names.len() {
            let parent = plan.last.as_ref().map_or(Address::Root, |folder| Address::of_id(&folder.id));
            let name = plan.names.get(level - 1);
            let body = json!({ "name": name, "folder": {}, BEHAVIOR: "fail" }).to_string();
            let path = parent.graph_path("children");
            let request = Request::files_write(Method::POST, path, Some(body.into()));
            let item = match self.desk.change(context, request).await {
                Ok(item) => {
                    created.push(item.label().to_owned());
                    item
                }
                // Somebody made it meanwhile.
                Err(error) if is_taken(&error) => self.desk.lookup(context, &plan.address(level)).await?,
                Err(error) => return Err(failed(error)),
            };
            plan.reach(level, item)?;
        }
        Ok(created)
    }
}

impl Plan {
    fn reach(&mut self, level: usize, item: FileItem) -> Result<(), ToolError> {
        if !item.is_folder() {
            let text = format!("\"{}\" is a file, so there can be no folder of that name.", item.label());
            return Err(conflict(409, text));
        }
        self.known = level;
        self.last = Some(item);
        Ok(())
    }

    /// The first names of the path.
    fn address(&self, level: usize) -> Address {
        Address::Path(self.names.iter().take(level).cloned().collect())
    }

    fn path(&self) -> String {
        self.names.join("/")
    }
}

#[async_trait]
impl Tool for CreateFolder {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut plan = self.plan(context, &wish).await?;
        let missing = plan.names.len() - plan.known;
        let write = Write {
            service: "onedrive",
            tool: self.spec.name,
            payload: &json!({ "path": plan.path() }),
            preview: match missing {
                0 => format!("The folder {} is there already.", plan.path()),
                _ => format!("Make the folder {} ({missing} of its levels are new).", plan.path()),
            },
            leaves: false,
            recipients: ("folder_path", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let created = self.make(context, &mut plan).await?;
        let said = match created.as_slice() {
            [] => format!("The folder {} is there already.", plan.path()),
            made => format!("Made {}.", made.join(", ")),
        };
        let Some(item) = plan.last else { return Err(ToolError::internal("no folder was reached")) };
        Done::new(item, warnings).having_made(created).output(&said)
    }
}
