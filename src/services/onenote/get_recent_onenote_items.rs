//! `get_recent_onenote_items`: the sections and pages that were used last, through this server.

use super::book::{Book, Kept, recent};
use super::{ALIASES, Desk, SCOPES};
use crate::domain::clock::Timestamp;
use crate::services::answer::with_notes;
use crate::services::args::typed;
use crate::services::time::{instant, local_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const DEFAULT_LIMIT: usize = 3;

/// The tool.
pub(super) struct GetRecentOnenoteItems {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    section_limit: Option<usize>,
    page_limit: Option<usize>,
}

#[derive(Serialize)]
struct Item {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent_id: String,
    used: String,
}

#[derive(Serialize)]
struct Recents {
    sections: Vec<Item>,
    pages: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl GetRecentOnenoteItems {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let limit = |what: &str| json!({"type": "integer", "minimum": 0, "maximum": 50, "description": what});
        let text = json!({"type": "string"});
        let list = json!({"type": "array", "items": {"type": "object", "properties": {
            "id": text, "name": text, "parent_id": text, "used": text,
        }}});
        let spec = ToolSpec {
            name: "get_recent_onenote_items",
            title: "Recent OneNote Items",
            description: "List the OneNote sections and pages that this user read or wrote last through this server.",
            input_schema: json!({"type": "object", "properties": {
                "section_limit": limit("Sections; 3 unless given"),
                "page_limit": limit("Pages; 3 unless given"),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "sections": list, "pages": list, "warnings": {"type": "array", "items": text},
            }, "required": ["sections", "pages"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

fn item((id, kept): &(&str, &Kept), zone: Tz) -> Item {
    Item {
        id: (*id).to_owned(),
        name: kept.name.clone(),
        parent_id: kept.parent.clone(),
        used: local_text(instant(Timestamp::from_millis(kept.used_ms)), zone),
    }
}

#[async_trait]
impl Tool for GetRecentOnenoteItems {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let book = Book::of(&self.desk, context).await?;
        let zone = self.desk.zone(context).await;
        let (sections, pages) = (
            recent(&book.sections, wish.section_limit.unwrap_or(DEFAULT_LIMIT)),
            recent(&book.pages, wish.page_limit.unwrap_or(DEFAULT_LIMIT)),
        );
        let recents = Recents {
            sections: sections.iter().map(|one| item(one, zone)).collect(),
            pages: pages.iter().map(|one| item(one, zone)).collect(),
            warnings,
        };
        let mut text = String::new();
        for (heading, items) in [("Sections", &recents.sections), ("Pages", &recents.pages)] {
            let _ = writeln!(text, "{heading}:");
            for item in items {
                let _ = writeln!(text, "- {} · {}\n  id: {}", item.name, item.used, item.id);
            }
        }
        ToolOutput::new(with_notes(text, &recents.warnings, None), &recents).map_err(ToolError::internal)
    }
}
