//! `manage_sections_and_pages`: lists of sections and of pages, and new sections.

use super::book::Book;
use super::item::{PageItem, SectionItem, SectionView, page_schema, section_schema};
use super::lists::{Pages, Read, contains};
use super::readers::{Place, with_readers};
use super::{ALIASES, CREATE, Desk, SCOPES, asker, checked_id, fault, read_fault, require};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Room, listing_schema, output, with_notes, with_properties};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{Edge, moment};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

const NAME: &str = "manage_sections_and_pages";
const DEFAULT_LIMIT: usize = 100;
/// Entries that are looked at for one answer.
const MAX_SCANNED: usize = 1_000;
/// Longest name of a section (Graph, 20155).
const MAX_NAME: usize = 50;

/// The tool.
pub(super) struct ManageSectionsAndPages {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    CreateSection,
    ListSections,
    ListPages,
}

#[derive(Deserialize)]
struct Wish {
    action: Action,
    notebook_id: Option<String>,
    section_name: Option<String>,
    section_id: Option<String>,
    page_title: Option<String>,
    modified_since: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    #[serde(default)]
    output_format: OutputFormat,
}

/// What a listing asks; kept in cursors.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    what: What,
    /// Entries before these were answered already.
    skip: usize,
    zone: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum What {
    Sections { name: Option<String>, notebook: Option<String> },
    Pages { pages: Pages, section_name: String },
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Item {
    Section(SectionItem),
    Page(PageItem),
}

impl Item {
    fn id(&self) -> &str {
        match self {
            Self::Section(section) => &section.id,
            Self::Page(page) => &page.id,
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Section(section) => section.print(),
            Self::Page(page) => page.print(),
        }
    }
}

/// A listing, or the one section that was made.
#[derive(Serialize)]
struct Listed {
    status: &'static str,
    #[serde(flatten)]
    answer: Answer<Item>,
}

impl ManageSectionsAndPages {
    /// `reading`: sections are not made.
    pub(super) fn new(desk: Arc<Desk>, reading: bool) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let actions: &[&str] = if reading {
            &["list_sections", "list_pages"]
        } else {
            &["create_section", "list_sections", "list_pages"]
        };
        let properties = json!({
            "action": {"type": "string", "enum": actions, "description": "What to do"},
            "notebook_id": text("Notebook of a new section; only sections of this one"),
            "section_name": text("Name of a new section; part of names to list; section whose pages to list"),
            "section_id": text("Section whose pages to list; all pages unless given"),
            "page_title": text("Part of the titles of pages"),
            "modified_since": text("Day or time, e.g. 2026-03-31: only pages that changed since"),
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Entries per page; 100 unless given"},
            "cursor": text("next_cursor of the page before"),
            "max_chars": max_chars_schema("the whole answer"),
            "output_format": output_format_schema(),
        });
        let mut items = section_schema();
        if let (Some(all), Value::Object(more)) = (items.as_object_mut(), page_schema()) {
            all.extend(more);
        }
        let mut output = with_properties(
            listing_schema(&items),
            json!({
                "status": {"type": "string"}, "preview": {"type": "string"}, "next": {"type": "string"},
                "confirm_token": {"type": "string"}, "expires_in_s": {"type": "integer"},
            }),
        );
        if let Some(members) = output.as_object_mut() {
            members.insert("required".to_owned(), json!(["status"]));
        }
        let properties = if reading { properties } else { confirm::inputs(properties, true) };
        let spec = ToolSpec {
            name: NAME,
            title: "Manage Sections and Pages",
            description: if reading {
                "List sections of OneNote notebooks, or pages of a section or of all, newest first."
            } else {
                "List sections of OneNote notebooks, list pages of a section or of all (newest first), or create a section \
                 in a notebook."
            },
            input_schema: json!({"type": "object", "properties": properties, "required": ["action"]}),
            output_schema: output,
            annotations: if reading { Annotations::READ_UNTRUSTED } else { Annotations::WRITE.open_world() },
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn question(&self, context: &CallContext, wish: &Wish) -> Result<Question, ToolError> {
        if let Some(cursor) = &wish.cursor {
            return self.desk.deps.cursors.load(context, NAME, cursor).await;
        }
        let zone = self.desk.zone(context).await;
        let given = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let what = if wish.action == Action::ListSections {
            let notebook = wish.notebook_id.as_deref().map(|id| checked_id("notebook_id", id)).transpose()?;
            What::Sections { name: given(&wish.section_name), notebook }
        } else {
            let section =
                self.desk.section(context, wish.section_id.as_deref(), wish.section_name.as_deref()).await?;
            let since = wish.modified_since.as_deref();
            let since = since.map(|text| moment("modified_since", text, zone, Edge::Start)).transpose()?;
            let section_name = section.as_ref().map(|section| section.name.clone()).unwrap_or_default();
            let pages = Pages {
                section: section.map(|section| section.id),
                title: given(&wish.page_title).into_iter().collect(),
                since,
            };
            What::Pages { pages, section_name }
        };
        Ok(Question { what, skip: 0, zone: zone.name().to_owned() })
    }

    async fn read(
        &self,
        context: &CallContext,
        question: &Question,
        zone: Tz,
    ) -> Result<Read<Item>, GraphError> {
        match &question.what {
            What::Sections { name, .. } => {
                let filter = name.as_ref().map(|name| contains("displayName", name)).unwrap_or_default();
                let read = self.desk.sections(context, &filter, question.skip, zone).await?;
                Ok(Read { items: read.items.into_iter().map(Item::Section).collect(), more: read.more })
            }
            What::Pages { pages, .. } => {
                let read = self.desk.pages(context, pages, question.skip, zone).await?;
                Ok(Read { items: read.items.into_iter().map(Item::Page).collect(), more: read.more })
            }
        }
    }

    async fn list(
        &self,
        context: &CallContext,
        wish: &Wish,
        warnings: Vec<String>,
    ) -> Result<ToolOutput, ToolError> {
        let mut question = self.question(context, wish).await?;
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let (mut room, mut scanned) = (Room::new(wish.limit.unwrap_or(DEFAULT_LIMIT), max_chars), 0);
        // What is added while pages are read moves the others on.
        let mut seen = HashSet::new();
        let more = 'pages: loop {
            let read = self.read(context, &question, zone).await.map_err(read_fault)?;
            for item in read.items {
                if question.wants(&item) && !seen.contains(item.id()) {
                    let (id, line) = (item.id().to_owned(), item.print());
                    if !room.put(item, &line) {
                        break 'pages true;
                    }
                    seen.insert(id);
                }
                question.skip += 1;
                scanned += 1;
            }
            if !read.more {
                break false;
            }
            if room.is_full() || scanned >= MAX_SCANNED {
                break true;
            }
        };
        self.note(context, &question, &room.items).await;
        let cursors = &self.desk.deps.cursors;
        let next_cursor = if more { Some(cursors.save(context, NAME, &question).await?) } else { None };
        let heading = question.heading(room.items.len());
        let answer = Answer {
            count: room.items.len(),
            has_more: more,
            next_cursor,
            applied: question.applied(scanned),
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        told(answer, heading + &room.text, wish.output_format)
    }

    /// A section whose pages were listed was used.
    async fn note(&self, context: &CallContext, question: &Question, items: &[Item]) {
        let What::Pages { pages: Pages { section: Some(id), .. }, section_name } = &question.what else {
            return;
        };
        let mut section =
            SectionItem { id: id.clone(), name: section_name.clone(), ..SectionItem::default() };
        if let Some(Item::Page(page)) = items.first() {
            section.name.clone_from(&page.section);
            section.notebook_id.clone_from(&page.notebook_id);
        }
        if !section.name.is_empty() {
            Book::used_section(&self.desk, context, &section).await;
        }
    }

    /// `POST /me/onenote/notebooks/{id}/sections` (Notes.Create); 201.
    async fn create(
        &self,
        context: &CallContext,
        args: &Args,
        wish: &Wish,
        warnings: Vec<String>,
    ) -> Result<ToolOutput, ToolError> {
        require(context, CREATE)?;
        let text =
            "`notebook_id` is missing: the notebook that gets the section. onenote_list_notebooks tells it.";
        let notebook = wish.notebook_id.as_deref().ok_or_else(|| ToolError::invalid("notebook_id", text))?;
        let notebook = checked_id("notebook_id", notebook)?;
        let name = checked_name(wish.section_name.as_deref().unwrap_or_default())?;
        let payload = json!({ "notebook": notebook, "displayName": name });
        let readers = self.desk.readers(context, Place { notebook: &notebook, section: "" }).await?;
        let write = Write {
            service: "onenote",
            tool: NAME,
            payload: &payload,
            preview: with_readers(format!("Create the section \"{name}\"."), readers.as_deref()),
            leaves: readers.is_some(),
            recipients: ("notebook_id", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, args, &write).await? {
            return Ok(answer);
        }
        let path = format!("/me/onenote/notebooks/{}/sections", segment(&notebook));
        let body = json!({ "displayName": name }).to_string();
        let request = Request::notes_write(Method::POST, Target::new(path).build(), Some(body.into()));
        let failed = |error| fault(error, CREATE);
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(failed)?;
        let view: SectionView<'_> = answer.view().map_err(failed)?;
        let zone = self.desk.zone(context).await;
        let section = SectionItem::new(&view, zone);
        Book::used_section(&self.desk, context, &section).await;
        let text = format!("Created:\n{}", section.print());
        let applied = Applied { engine: "create", ..Applied::default() };
        let answer = Answer {
            items: vec![Item::Section(section)],
            count: 1,
            has_more: false,
            next_cursor: None,
            applied,
            truncated: false,
            max_chars: self.desk.deps.settings.max_chars,
            warnings,
        };
        told(answer, text, wish.output_format)
    }
}

/// A name that OneNote takes (Graph, 20152 to 20155).
fn checked_name(name: &str) -> Result<&str, ToolError> {
    let name = name.trim();
    let refused = |text: String| Err(ToolError::invalid("section_name", text));
    if name.is_empty() {
        return refused("`section_name` is missing: the name of the new section.".to_owned());
    }
    if name.chars().count() > MAX_NAME {
        return refused(format!("`section_name` has at most {MAX_NAME} characters."));
    }
    if name.chars().any(|c| c.is_control() || "?*\\/:<>|&#\"%~".contains(c)) {
        return refused(
            "`section_name` has none of these characters: ? * \\ / : < > | & # \" % ~".to_owned(),
        );
    }
    Ok(name)
}

fn told(answer: Answer<Item>, text: String, format: OutputFormat) -> Result<ToolOutput, ToolError> {
    let listed = Listed { status: "done", answer };
    let answer = &listed.answer;
    output(|| with_notes(text, &answer.warnings, answer.next_cursor.as_deref()), &listed, format)
}

impl Question {
    fn wants(&self, item: &Item) -> bool {
        match (&self.what, item) {
            (What::Sections { notebook: Some(id), .. }, Item::Section(section)) => section.notebook_id == *id,
            _ => true,
        }
    }

    fn heading(&self, count: usize) -> String {
        match &self.what {
            What::Sections { .. } => format!("{count} sections\n\n"),
            What::Pages { section_name, .. } if !section_name.is_empty() => {
                format!("{count} pages in {section_name}\n\n")
            }
            What::Pages { .. } => format!("{count} pages\n\n"),
        }
    }

    fn applied(&self, scanned: usize) -> Applied {
        let (query, by_notebook) = match &self.what {
            What::Sections { name, notebook } => (
                name.as_ref().map(|name| contains("displayName", name)).unwrap_or_default(),
                notebook.is_some(),
            ),
            What::Pages { pages, .. } => (pages.filter(), false),
        };
        Applied {
            engine: "list",
            query,
            post_filters: by_notebook.then_some("notebook_id").into_iter().collect(),
            scanned,
            time_zone: self.zone.clone(),
            ..Applied::default()
        }
    }
}

#[async_trait]
impl Tool for ManageSectionsAndPages {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        match wish.action {
            Action::CreateSection => self.create(context, &args, &wish, warnings).await,
            Action::ListSections | Action::ListPages => self.list(context, &wish, warnings).await,
        }
    }
}
