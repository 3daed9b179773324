//! `db_onenote_update`: names that are kept for the user, given one by one or taken from OneNote anew.

use super::book::{Book, MAX_NAME, put, recent};
use super::lists::Pages;
use super::{ALIASES, Desk, SCOPES, checked_id, read_fault};
use crate::graph::error::GraphError;
use crate::services::answer::{line, with_notes};
use crate::services::args::typed;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Sections whose pages are looked at in one call: each costs a request of OneNote's budget.
const MAX_SECTIONS: usize = 20;
/// Sections that are listed for one call.
const MAX_LISTED: usize = 500;

/// The tool.
pub(super) struct DbOnenoteUpdate {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    section_id: Option<String>,
    section_name: Option<String>,
    notebook_id: Option<String>,
    notebook_name: Option<String>,
    page_id: Option<String>,
    page_title: Option<String>,
    sync_sections: Option<bool>,
    sync_pages: Option<bool>,
}

#[derive(Clone, Serialize)]
struct Saved {
    kind: &'static str,
    id: String,
    name: String,
}

/// What was kept, and what a comparison with OneNote found.
#[derive(Default, Serialize)]
struct Report {
    saved: Vec<Saved>,
    sections: usize,
    pages: usize,
    removed: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl DbOnenoteUpdate {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let flag = |what: &str| json!({"type": "boolean", "description": what});
        let plain = json!({"type": "string"});
        let spec = ToolSpec {
            name: "db_onenote_update",
            title: "Update OneNote Names",
            description: "Keep names of OneNote notebooks, sections and pages for this user; a kept section name works as \
                          section_name. Without any name, the kept ones are compared with OneNote anew. Nothing is changed \
                          in OneNote.",
            input_schema: json!({"type": "object", "properties": {
                "section_id": text("Section to keep a name for"),
                "section_name": text("That name"),
                "notebook_id": text("Notebook to keep a name for"),
                "notebook_name": text("That name"),
                "page_id": text("Page to keep a name for"),
                "page_title": text("That name"),
                "sync_sections": flag("Compare the sections; yes unless given"),
                "sync_pages": flag("Compare the pages; yes unless given"),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "saved": {"type": "array", "items": {"type": "object", "properties": {"kind": plain, "id": plain, "name": plain}}},
                "sections": {"type": "integer"}, "pages": {"type": "integer"}, "removed": {"type": "integer"},
                "warnings": {"type": "array", "items": plain},
            }, "required": ["saved"]}),
            annotations: Annotations::WRITE.idempotent(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn save(&self, context: &CallContext, all: Vec<Saved>) -> Result<Vec<Saved>, ToolError> {
        let section = all.iter().find(|one| one.kind == "section").map(|one| one.id.clone());
        let book = all.iter().find(|one| one.kind == "notebook").map(|one| one.id.clone());
        let (section, book) = (section.unwrap_or_default(), book.unwrap_or_default());
        Book::change(&self.desk, context, |kept| {
            for one in &all {
                match one.kind {
                    "notebook" => put(&mut kept.notebooks, &one.id, &one.name, "", 0),
                    "section" => put(&mut kept.sections, &one.id, &one.name, &book, 0),
                    _ => put(&mut kept.pages, &one.id, &one.name, &section, 0),
                }
            }
        })
        .await?;
        Ok(all)
    }

    /// Takes the names from OneNote; what is no longer there is forgotten.
    async fn sync(&self, context: &CallContext, wish: &Wish, report: &mut Report) -> Result<(), ToolError> {
        let zone = self.desk.zone(context).await;
        let listed = self.all_sections(context, zone).await.map_err(read_fault)?;
        if listed.len() >= MAX_LISTED {
            report.warnings.push(format!("Only the first {MAX_LISTED} sections were compared."));
        }
        let complete = listed.len() < MAX_LISTED;
        if wish.sync_sections != Some(false) {
            let there: HashSet<&str> = listed.iter().map(|(id, _, _)| id.as_str()).collect();
            report.removed += Book::change(&self.desk, context, |book| {
                let before = book.sections.len();
                book.sections.retain(|id, _| !complete || there.contains(id.as_str()));
                let removed = before - book.sections.len();
                for (id, name, parent) in &listed {
                    put(&mut book.sections, id, name, parent, 0);
                }
                removed
            })
            .await?;
            report.sections = listed.len();
        }
        if wish.sync_pages != Some(false) {
            self.sync_pages(context, zone, report).await?;
        }
        Ok(())
    }

    async fn all_sections(
        &self,
        context: &CallContext,
        zone: Tz,
    ) -> Result<Vec<(String, String, String)>, GraphError> {
        let (mut all, mut skip) = (Vec::new(), 0);
        loop {
            let read = self.desk.sections(context, "", skip, zone).await?;
            skip += read.items.len();
            all.extend(read.items.into_iter().map(|one| (one.id, one.name, one.notebook_id)));
            if !read.more || all.len() >= MAX_LISTED {
                all.truncate(MAX_LISTED);
                return Ok(all);
            }
        }
    }

    /// The newest pages of the sections that were used last, or that kept pages are in.
    async fn sync_pages(
        &self,
        context: &CallContext,
        zone: Tz,
        report: &mut Report,
    ) -> Result<(), ToolError> {
        let book = Book::of(&self.desk, context).await?;
        let mut sections: Vec<String> =
            recent(&book.sections, MAX_SECTIONS).into_iter().map(|(id, _)| id.to_owned()).collect();
        for kept in book.pages.values().filter(|kept| !kept.parent.is_empty()) {
            if !sections.contains(&kept.parent) {
                sections.push(kept.parent.clone());
            }
        }
        if sections.is_empty() {
            sections.extend(book.sections.keys().take(MAX_SECTIONS).cloned());
        }
        if sections.len() > MAX_SECTIONS {
            let text =
                format!("Pages of {MAX_SECTIONS} sections were compared, of {} in use.", sections.len());
            report.warnings.push(text);
            sections.truncate(MAX_SECTIONS);
        }
        let total = sections.len() as f64;
        let mut found: HashMap<String, (String, String)> = HashMap::new();
        let mut whole: HashSet<String> = HashSet::new();
        for (at, section) in sections.into_iter().enumerate() {
            context.progress(at as f64, Some(total), Some("Comparing pages")).await;
            let wanted = Pages { section: Some(section.clone()), ..Pages::default() };
            let read = match self.desk.pages(context, &wanted, 0, zone).await {
                Ok(read) => read,
                // The section is gone, and its pages with it.
                Err(GraphError::Refused { status: 404, .. }) => {
                    whole.insert(section);
                    continue;
                }
                Err(error @ GraphError::Throttled { .. }) => {
                    report.warnings.push(read_fault(error).public);
                    break;
                }
                Err(error) => return Err(read_fault(error)),
            };
            if !read.more {
                whole.insert(section.clone());
            }
            found.extend(read.items.into_iter().map(|page| (page.id, (page.title, section.clone()))));
        }
        report.pages = found.len();
        report.removed += Book::change(&self.desk, context, |book| {
            let before = book.pages.len();
            book.pages.retain(|id, kept| found.contains_key(id) || !whole.contains(&kept.parent));
            let removed = before - book.pages.len();
            for (id, (title, section)) in &found {
                put(&mut book.pages, id, title, section, 0);
            }
            removed
        })
        .await?;
        Ok(())
    }
}

impl Wish {
    /// The names to keep.
    fn given(&self) -> Result<Vec<Saved>, ToolError> {
        let all = [
            ("notebook", "notebook_id", &self.notebook_id, "notebook_name", &self.notebook_name),
            ("section", "section_id", &self.section_id, "section_name", &self.section_name),
            ("page", "page_id", &self.page_id, "page_title", &self.page_title),
        ];
        let mut saved = Vec::new();
        for (kind, id_field, id, name_field, name) in all {
            let (id, name) = match (id, name) {
                (None, None) => continue,
                (Some(id), Some(name)) => (checked_id(id_field, id)?, line(name)),
                (None, Some(_)) => {
                    let text = format!("`{id_field}` is missing: what `{name_field}` is for.");
                    return Err(ToolError::invalid(id_field, text));
                }
                (Some(_), None) => {
                    let text = format!("`{name_field}` is missing: the name to keep for `{id_field}`.");
                    return Err(ToolError::invalid(name_field, text));
                }
            };
            if name.is_empty() || name.chars().count() > MAX_NAME {
                let text = format!("`{name_field}` has 1 to {MAX_NAME} characters.");
                return Err(ToolError::invalid(name_field, text));
            }
            saved.push(Saved { kind, id, name });
        }
        Ok(saved)
    }
}

#[async_trait]
impl Tool for DbOnenoteUpdate {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["sync_onenote_db"]
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut report = Report { warnings, ..Report::default() };
        let given = wish.given()?;
        let mut text = String::new();
        if given.is_empty() {
            self.sync(context, &wish, &mut report).await?;
            let Report { sections, pages, removed, .. } = &report;
            let _ = writeln!(
                text,
                "Compared {sections} sections and {pages} pages; {removed} are no longer there."
            );
        } else {
            report.saved = self.save(context, given).await?;
        }
        for saved in &report.saved {
            let _ = writeln!(text, "Saved: {} {} = {}", saved.kind, saved.id, saved.name);
        }
        ToolOutput::new(with_notes(text, &report.warnings, None), &report).map_err(ToolError::internal)
    }
}
