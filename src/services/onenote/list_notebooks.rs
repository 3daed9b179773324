//! `onenote_list_notebooks`: every notebook with its sections.

use super::item::{NotebookItem, NotebookView, section_schema};
use super::{ALIASES, Desk, SCOPES, asker, read_fault};
use crate::graph::encode::Target;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Room, listing_schema};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "onenote_list_notebooks";
const DEFAULT_LIMIT: usize = 50;
/// Notebooks that are looked at for one answer.
const MAX_SCANNED: usize = 1_000;

/// The tool.
pub(super) struct ListNotebooks {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    name: Option<String>,
    include_sections: Option<bool>,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// What a listing asks; kept in cursors.
#[derive(Serialize, Deserialize)]
struct Question {
    /// A target of ours, or Graph's own next link.
    link: String,
    name: Option<String>,
    /// Notebooks of the page at `link` that were answered already.
    skip: usize,
}

impl ListNotebooks {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let spec = ToolSpec {
            name: NAME,
            title: "List Notebooks",
            description: "List the user's OneNote notebooks, with the sections and section groups in each.",
            input_schema: json!({"type": "object", "properties": {
                "name": {"type": "string", "description": "Part of a notebook's name"},
                "include_sections": {"type": "boolean", "description": "Sections of each; yes unless given"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Notebooks per page; 50 unless given"},
                "cursor": {"type": "string", "description": "next_cursor of the page before"},
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&json!({
                "id": text, "name": text, "default": {"type": "boolean"}, "shared": {"type": "boolean"}, "modified": text,
                "web_url": text,
                "sections": {"type": "array", "items": {"type": "object", "properties": section_schema()}},
            })),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn question(&self, context: &CallContext, wish: &Wish) -> Result<Question, ToolError> {
        if let Some(cursor) = &wish.cursor {
            return self.desk.deps.cursors.load(context, NAME, cursor).await;
        }
        let mut target = Target::new("/me/onenote/notebooks")
            .with("$top", "100")
            .with("$select", "id,displayName,isDefault,isShared,links,lastModifiedDateTime");
        if wish.include_sections != Some(false) {
            target = target
                .with("$expand", "sections($select=id,displayName),sectionGroups($select=id,displayName;$expand=sections($select=id,displayName))");
        }
        let name = wish.name.as_deref().map(|name| name.trim().to_lowercase());
        Ok(Question { link: target.build(), name: name.filter(|name| !name.is_empty()), skip: 0 })
    }
}

#[async_trait]
impl Tool for ListNotebooks {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["list_notebooks"]
    }

    /// `GET /me/onenote/notebooks` (Notes.Read).
    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let deps = &self.desk.deps;
        let mut question = self.question(context, &wish).await?;
        let zone = self.desk.zone(context).await;
        let max_chars = wish.max_chars.unwrap_or(deps.settings.max_chars);
        let (mut room, mut scanned) = (Room::new(wish.limit.unwrap_or(DEFAULT_LIMIT), max_chars), 0);
        let more = 'pages: loop {
            let request = Request::notes(question.link.clone());
            let answer = deps.graph.send(asker(context), request).await.map_err(read_fault)?;
            let page: Page<'_, NotebookView<'_>> = answer.view().map_err(read_fault)?;
            for view in page.value.iter().skip(question.skip) {
                let book = NotebookItem::new(view, zone);
                let wanted =
                    question.name.as_ref().is_none_or(|name| book.name.to_lowercase().contains(name));
                let line = book.print();
                if wanted && !room.put(book, &line) {
                    break 'pages true;
                }
                question.skip += 1;
                scanned += 1;
            }
            let Some(next) = page.next_link() else { break false };
            (question.link, question.skip) = (next, 0);
            if room.is_full() || scanned >= MAX_SCANNED {
                break true;
            }
        };
        let next_cursor = if more { Some(deps.cursors.save(context, NAME, &question).await?) } else { None };
        let heading = format!("{} notebooks\n\n", room.items.len());
        let answer = Answer {
            count: room.items.len(),
            has_more: more,
            next_cursor,
            applied: Applied {
                engine: "list",
                query: question.name.clone().unwrap_or_default(),
                post_filters: question.name.is_some().then_some("name").into_iter().collect(),
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        answer.output(heading + &room.text, wish.output_format)
    }
}
