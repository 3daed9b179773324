//! `move_or_rename`: another name, another folder, or both; or a copy there.

use super::change::{Done, SCOPES, below_root, conflict, done_schema, failed, is_outdated, is_taken, own};
use super::item::FileItem;
use super::{ALIASES, Desk, asker};
use crate::graph::error::GraphError;
use crate::graph::monitor::Work;
use crate::graph::request::Request;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::services::drive_address::{Address, check_new_name};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The tool.
pub(super) struct MoveOrRename {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    file_path: String,
    new_name: Option<String>,
    new_folder: Option<String>,
    #[serde(default)]
    copy: bool,
}

/// What is to be done, read and checked.
struct Plan {
    item: FileItem,
    name: Option<String>,
    folder: Option<FileItem>,
    copy: bool,
}

impl MoveOrRename {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "move_or_rename",
            title: "Move or Rename",
            description: "Give a file or folder of the user's OneDrive another name, another folder, or both; or copy it \
                          there. Nothing is replaced: a name that is taken is refused.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({
                "file_path": {"type": "string", "description": "Path or id of the file or folder"},
                "new_name": {"type": "string", "description": "New name, with its ending"},
                "new_folder": {"type": "string", "description": "Path or id of the folder to move to; / for the root"},
                "copy": {"type": "boolean", "description": "Leave the original where it is; no unless given"},
            }), false), "required": ["file_path"]}),
            output_schema: done_schema(),
            annotations: Annotations::WRITE,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn plan(&self, context: &CallContext, wish: &Wish) -> Result<Plan, ToolError> {
        if wish.new_name.is_none() && wish.new_folder.is_none() {
            return Err(ToolError::invalid("new_name", "Give `new_name`, `new_folder`, or both."));
        }
        let name = wish.new_name.as_deref().map(str::trim).map(str::to_owned);
        if let Some(name) = &name {
            check_new_name("new_name", name)?;
            if name.contains('/') {
                let text = "`new_name` is a name without folders; use `new_folder` for those.";
                return Err(ToolError::invalid("new_name", text));
            }
        }
        let item = self.desk.lookup(context, &below_root("file_path", &wish.file_path)?).await?;
        let folder = match &wish.new_folder {
            Some(text) => Some(self.folder(context, text, &item).await?),
            None => None,
        };
        Ok(Plan { item, name, folder, copy: wish.copy })
    }

    async fn folder(
        &self,
        context: &CallContext,
        text: &str,
        item: &FileItem,
    ) -> Result<FileItem, ToolError> {
        let folder = self.desk.lookup(context, &own("new_folder", text)?).await?;
        let label = folder.label();
        if !folder.is_folder() {
            return Err(ToolError::invalid(
                "new_folder",
                format!("`new_folder`: \"{label}\" is a file, not a folder."),
            ));
        }
        if folder.id == item.id || folder.path.starts_with(&format!("{}/", item.path)) {
            let text = format!("`new_folder`: \"{label}\" is within what is moved.");
            return Err(ToolError::invalid("new_folder", text));
        }
        Ok(folder)
    }

    /// `PATCH /me/drive/items/{id}` (Files.ReadWrite), 2 units.
    async fn shift(&self, context: &CallContext, plan: &Plan) -> Result<FileItem, GraphError> {
        let body = plan.body(None).to_string();
        let path = Address::of_id(&plan.item.id).graph_path("");
        let request = Request::files_write(Method::PATCH, path, Some(body.into())).if_match(&plan.item.etag);
        self.desk.change(context, request).await
    }

    /// `POST /me/drive/items/{id}/copy` (Files.ReadWrite), 2 units, which Graph goes on with by itself.
    async fn copy(&self, context: &CallContext, plan: &Plan) -> Result<Option<FileItem>, ToolError> {
        let drive = match plan.folder {
            Some(_) => Some(self.desk.own_drive(context).await.map_err(failed)?),
            None => None,
        };
        let body = plan.body(drive.as_deref()).to_string();
        let path = Address::of_id(&plan.item.id).graph_path("copy");
        let request = Request::files_write(Method::POST, path, Some(body.into())).monitored();
        match self.desk.deps.graph.work(asker(context), request).await.map_err(|error| plan.refused(error))? {
            Work::Done(Some(id)) => self.desk.try_lookup(context, &Address::of_id(&id)).await,
            Work::Done(None) | Work::Running => Ok(None),
            Work::Failed(code) if code == "nameAlreadyExists" => Err(plan.taken()),
            Work::Failed(code) => {
                let text = "Microsoft 365 could not make the copy. Look into the folder before trying again.";
                Err(ToolError::new(ToolErrorKind::UpstreamRejected { code, status: 200 }, text))
            }
        }
    }
}

impl Plan {
    /// `{"name": …, "parentReference": {"id": …}}`
    fn body(&self, drive: Option<&str>) -> Value {
        let mut body = Map::new();
        body.extend(self.name.clone().map(|name| ("name".to_owned(), name.into())));
        if let Some(folder) = &self.folder {
            let mut parent = json!({ "id": folder.id });
            if let (Some(members), Some(drive)) = (parent.as_object_mut(), drive) {
                members.insert("driveId".to_owned(), drive.into());
            }
            body.insert("parentReference".to_owned(), parent);
        }
        Value::Object(body)
    }

    fn preview(&self) -> String {
        let verb = match (self.copy, &self.folder) {
            (true, _) => "Copy",
            (false, Some(_)) => "Move",
            (false, None) => "Rename",
        };
        let place = match &self.folder {
            Some(folder) if folder.path.is_empty() => " to the root".to_owned(),
            Some(folder) => format!(" to {}", folder.path),
            None => String::new(),
        };
        let name = self.name.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
        format!("{verb} {}{place}{name}.", self.item.label())
    }

    fn taken(&self) -> ToolError {
        let name = self.name.as_ref().unwrap_or(&self.item.name);
        let text =
            format!("\"{name}\" is there already. Nothing was moved or replaced: choose another `new_name`.");
        conflict(409, text)
    }

    fn refused(&self, error: GraphError) -> ToolError {
        if is_taken(&error) {
            return self.taken();
        }
        if is_outdated(&error) {
            let text = format!(
                "\"{}\" was changed meanwhile, so nothing was moved. Look at it and call again.",
                self.item.label()
            );
            return conflict(412, text);
        }
        failed(error)
    }
}

#[async_trait]
impl Tool for MoveOrRename {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let plan = self.plan(context, &typed(&args)?).await?;
        let write = Write {
            service: "onedrive",
            tool: self.spec.name,
            payload: &json!({ "id": plan.item.id, "copy": plan.copy, "change": plan.body(None) }),
            preview: plan.preview(),
            leaves: false,
            recipients: ("file_path", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        if !plan.copy {
            let moved = self.shift(context, &plan).await.map_err(|error| plan.refused(error))?;
            let said = format!("{} is now {}.", plan.item.label(), moved.label());
            return Done::new(moved, warnings).output(&said);
        }
        if let Some(made) = self.copy(context, &plan).await? {
            let said = format!("Copied {} to {}.", plan.item.label(), made.label());
            return Done::new(made, warnings).output(&said);
        }
        let text = "Microsoft 365 is still making the copy. List the folder in a while to see it.";
        output(|| text.to_owned(), &json!({ "status": "done", "warnings": [text] }), OutputFormat::Text)
    }
}
