//! `list_mail_folders`: the tree of mail folders with counts.

use super::folders::{self, FolderItem, TreeRequest};
use super::{Mail, SCOPES, asker, fault};
use crate::services::answer::{Answer, Applied, listing_schema};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::mailbox::mailbox_schema;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) const NAME: &str = "list_mail_folders";

/// The tool.
pub(super) struct ListMailFolders {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    parent: Option<String>,
    include_hidden: bool,
    depth: Option<usize>,
    output_format: OutputFormat,
}

impl ListMailFolders {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let item = json!({
            "id": {"type": "string"}, "name": {"type": "string"}, "path": {"type": "string"},
            "depth": {"type": "integer"}, "total": {"type": "integer"}, "unread": {"type": "integer"},
        });
        let spec = ToolSpec {
            name: NAME,
            title: "List Mail Folders",
            description: "List the mail folders as a tree, with the numbers of messages and unread ones.",
            input_schema: json!({"type": "object", "properties": {
                "mailbox": mailbox_schema(),
                "parent": {"type": "string", "description": "Folder to start below; the top unless given"},
                "include_hidden": {"type": "boolean", "description": "Hidden folders too"},
                "depth": {"type": "integer", "minimum": 1, "maximum": 10, "description": "Levels; 3 unless given"},
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&item),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { mail, spec }
    }
}

#[async_trait]
impl Tool for ListMailFolders {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let graph = &self.mail.deps.graph;
        let parent = match &wish.parent {
            Some(name) => Some(folders::find(graph, asker(context), name).await?),
            None => None,
        };
        let request = TreeRequest {
            parent: parent.as_ref().map(|folder| folder.id.as_str()),
            hidden: wish.include_hidden,
            depth: wish.depth.unwrap_or(3),
        };
        let (mut items, cut) = folders::tree(graph, asker(context), request).await.map_err(fault)?;
        for folder in &mut items {
            folder.id = context.marked(&folder.id);
        }
        if cut {
            warnings.push("There are more folders; start below one with `parent`.".to_owned());
        }
        let text = printed(&items);
        let answer = Answer {
            count: items.len(),
            has_more: cut,
            next_cursor: None,
            applied: Applied {
                engine: "list",
                mailbox: context.mailbox.as_ref().map(ToString::to_string),
                folder: parent.map(|folder| folder.name),
                scanned: items.len(),
                ..Applied::default()
            },
            truncated: cut,
            max_chars: self.mail.deps.settings.max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}

fn printed(items: &[FolderItem]) -> String {
    let mut text = format!("{} folders\n", items.len());
    for folder in items {
        let indent = "  ".repeat(folder.depth);
        let _ =
            writeln!(text, "{indent}- {} ({} messages, {} unread)", folder.name, folder.total, folder.unread);
    }
    text
}
