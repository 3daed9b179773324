//! `manage_page_content`: one page read, made or deleted.

use super::book::{Book, recent};
use super::content::{self, BodyFormat, PageContent, Style};
use super::item::{PageItem, PageView, page_schema};
use super::markup::{checked_title, document};
use super::readers::{Place, with_readers};
use super::{ALIASES, CREATE, Desk, SCOPES, WRITE, asker, checked_id, fault, markup, read_fault, require};
use crate::graph::encode::segment;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::markup::BodyForm;
use crate::services::time::{instant, local_text};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "manage_page_content";

/// The tool.
pub(super) struct ManagePageContent {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Get,
    Create,
    Delete,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    action: Action,
    page_id: Option<String>,
    section_id: Option<String>,
    section_name: Option<String>,
    title: Option<String>,
    content: Option<String>,
    content_format: BodyForm,
    body_format: BodyFormat,
    include_ids: bool,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// A page that was read.
#[derive(Serialize)]
struct Told {
    status: &'static str,
    #[serde(flatten)]
    content: PageContent,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A page that was made or is gone.
#[derive(Serialize)]
struct Done {
    status: &'static str,
    #[serde(flatten)]
    page: PageItem,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Done {
    fn output(&self, said: &str, format: OutputFormat) -> Result<ToolOutput, ToolError> {
        let text = format!("{said}\npage_id: {}\n{}\n", self.page.id, self.page.web_url);
        output(|| with_notes(text, &self.warnings, None), self, format)
    }
}

/// Properties of what a tool tells of a page and its content.
fn told_schema() -> Value {
    let text = json!({"type": "string"});
    let list =
        |properties: Value| json!({"type": "array", "items": {"type": "object", "properties": properties}});
    let texts = json!({"type": "array", "items": text});
    let mut properties = page_schema();
    if let Some(all) = properties.as_object_mut() {
        let more = [
            ("content", text.clone()),
            ("files", list(json!({"kind": text, "name": text, "type": text}))),
            ("elements", list(json!({"id": text, "tag": text, "data_id": text, "text": text}))),
            ("truncated", json!({"type": "boolean"})),
            ("unsafe_notes", texts.clone()),
            ("warnings", texts),
        ];
        all.extend(more.map(|(name, schema)| (name.to_owned(), schema)));
    }
    properties
}

impl ManagePageContent {
    /// `reading`: pages are neither made nor deleted.
    pub(super) fn new(desk: Arc<Desk>, reading: bool) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let actions: &[&str] = if reading { &["get"] } else { &["get", "create", "delete"] };
        let mut properties = json!({
            "action": {"type": "string", "enum": actions, "description": "What to do; get unless given"},
            "page_id": text("Id of the page to get or delete; get without it reads the page used last"),
            "body_format": {"type": "string", "enum": ["markdown", "text", "html"], "description": "What a page is read as; markdown unless given"},
            "include_ids": {"type": "boolean", "description": "Also the elements of the page with the ids that edit_page takes"},
            "max_chars": max_chars_schema("the page's text"),
            "output_format": output_format_schema(),
        });
        let writing = json!({
            "section_id": text("Section of a new page; the section used last unless given"),
            "section_name": text("Its whole name, instead of the id"),
            "title": text("Title of a new page"),
            "content": text("What a new page says"),
            "content_format": {"type": "string", "enum": ["markdown", "html", "text"], "description": "What content is; markdown unless given"},
        });
        if let (false, Some(all), Value::Object(more)) = (reading, properties.as_object_mut(), writing) {
            all.extend(more);
        }
        let (properties, output_schema) = if reading {
            (properties, confirm::written_schema(told_schema()))
        } else {
            (confirm::inputs(properties, true), confirm::outcome_schema(told_schema()))
        };
        let spec = ToolSpec {
            name: NAME,
            title: "Manage Page Content",
            description: if reading {
                "Read a OneNote page as Markdown, text or HTML, with its pictures and files named."
            } else {
                "Read a OneNote page as Markdown, text or HTML; create a page in a section; or delete one for good, after a \
                 confirmation."
            },
            input_schema: json!({"type": "object", "properties": properties}),
            output_schema,
            annotations: if reading {
                Annotations::READ_UNTRUSTED
            } else {
                Annotations::WRITE.destructive().open_world()
            },
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn get(
        &self,
        context: &CallContext,
        wish: Wish,
        mut warnings: Vec<String>,
    ) -> Result<ToolOutput, ToolError> {
        let id = if let Some(id) = &wish.page_id {
            checked_id("page_id", id)?
        } else {
            let book = Book::of(&self.desk, context).await?;
            let text = "`page_id` is missing. List or search pages, and use an id from there.";
            let last = recent(&book.pages, 1).first().map(|(id, _)| (*id).to_owned());
            warnings.push("No page_id was given: this is the page that was used last.".to_owned());
            last.ok_or_else(|| ToolError::invalid("page_id", text))?
        };
        let zone = self.desk.zone(context).await;
        let (page, html) = futures_util::future::try_join(
            self.desk.page(context, &id, zone),
            self.desk.html(context, &id, wish.include_ids),
        )
        .await
        .map_err(read_fault)?;
        Book::used(&self.desk, context, &page).await;
        let style = Style {
            format: wish.body_format,
            max_chars: wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars),
            elements: wish.include_ids,
        };
        let content = content::read(page, html, style).await?;
        let told = Told { status: "done", content, warnings };
        output(|| with_notes(told.print(), &told.warnings, None), &told, wish.output_format)
    }

    /// `POST /me/onenote/sections/{id}/pages` (Notes.Create); 201.
    async fn create(
        &self,
        context: &CallContext,
        args: &Args,
        wish: Wish,
        mut warnings: Vec<String>,
    ) -> Result<ToolOutput, ToolError> {
        require(context, CREATE)?;
        let title = checked_title(wish.title.as_deref().unwrap_or_default())?;
        let content = wish.content.unwrap_or_default();
        if title.is_empty() && content.trim().is_empty() {
            return Err(ToolError::invalid(
                "title",
                "`title` and `content` are both missing: an empty page says nothing.",
            ));
        }
        let section =
            self.desk.section(context, wish.section_id.as_deref(), wish.section_name.as_deref()).await?;
        let (section, name) = if let Some(section) = section {
            (section.id, section.name)
        } else {
            let book = Book::of(&self.desk, context).await?;
            let last =
                recent(&book.sections, 1).first().map(|(id, kept)| ((*id).to_owned(), kept.name.clone()));
            let text = "`section_id` is missing: onenote_list_notebooks tells the sections.";
            let last = last.ok_or_else(|| ToolError::invalid("section_id", text))?;
            warnings.push(format!("No section was given: this is the one used last, {}.", last.1));
            last
        };
        let html = markup::html("content", content, wish.content_format).await?;
        let zone = self.desk.zone(context).await;
        let preview = format!(
            "Create the page \"{title}\" in {}.",
            if name.is_empty() { "the section" } else { &name }
        );
        let readers = self.desk.readers(context, Place { notebook: "", section: &section }).await?;
        let write = Write {
            service: "onenote",
            tool: NAME,
            payload: &json!({ "section": section, "title": title, "html": html }),
            preview: with_readers(preview, readers.as_deref()),
            leaves: readers.is_some(),
            recipients: ("section_id", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, args, &write).await? {
            return Ok(answer);
        }
        let created = local_text(instant(self.desk.deps.clock.now()), zone);
        let body = document(&title, &html, &created);
        let path = format!("/me/onenote/sections/{}/pages", segment(&section));
        let request = Request::notes_write(Method::POST, path, Some(body.into()))
            .holding("text/html; charset=utf-8".to_owned());
        let failed = |error| fault(error, CREATE);
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(failed)?;
        let view: PageView<'_> = answer.view().map_err(failed)?;
        let mut page = PageItem::new(&view, zone);
        if page.section_id.is_empty() {
            (page.section_id, page.section) = (section, name);
        }
        Book::used(&self.desk, context, &page).await;
        let said = format!("Created the page \"{}\" in {}.", page.title, page.section);
        Done { status: "done", page, warnings }.output(&said, wish.output_format)
    }

    /// `DELETE /me/onenote/pages/{id}` (Notes.ReadWrite); 204. OneNote's own bin is out of reach from here.
    async fn delete(
        &self,
        context: &CallContext,
        args: &Args,
        wish: Wish,
        warnings: Vec<String>,
    ) -> Result<ToolOutput, ToolError> {
        require(context, WRITE)?;
        let text = "`page_id` is missing: which page to delete is never guessed.";
        let id = wish.page_id.as_deref().ok_or_else(|| ToolError::invalid("page_id", text))?;
        let id = checked_id("page_id", id)?;
        let zone = self.desk.zone(context).await;
        let page = self.desk.page(context, &id, zone).await.map_err(read_fault)?;
        let place = Place { notebook: &page.notebook_id, section: &page.section_id };
        let readers = self.desk.readers(context, place).await?;
        let preview = format!(
            "Delete the page \"{}\" in {} (changed {}). It cannot be brought back from here.",
            page.title, page.section, page.modified
        );
        let write = Write {
            service: "onenote",
            tool: NAME,
            // Agreed was to this version: another one needs another word.
            payload: &json!({ "delete": page.id, "version": page.version }),
            preview: with_readers(preview, readers.as_deref()),
            leaves: true,
            recipients: ("page_id", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, args, &write).await? {
            return Ok(answer);
        }
        let path = format!("/me/onenote/pages/{}", segment(&id));
        let request = Request::notes_write(Method::DELETE, path, None);
        self.desk.deps.graph.send(asker(context), request).await.map_err(|error| fault(error, WRITE))?;
        Book::forget(&self.desk, context, &id).await;
        let said = format!("Deleted the page \"{}\".", page.title);
        Done { status: "done", page, warnings }.output(&said, wish.output_format)
    }
}

impl Told {
    fn print(&self) -> String {
        let PageContent { page, content, files, elements, unsafe_notes, .. } = &self.content;
        let mut out = format!("# {}\n", page.title);
        let place =
            [&page.notebook, &page.section].map(String::as_str).into_iter().filter(|name| !name.is_empty());
        let _ = writeln!(out, "{} · changed {}\n", place.collect::<Vec<_>>().join(" / "), page.modified);
        out.push_str(content);
        out.push('\n');
        for file in files {
            let _ = write!(out, "\n{}", file.print());
        }
        for element in elements {
            let _ = write!(out, "\n{}", element.print());
        }
        for note in unsafe_notes {
            let _ = write!(out, "\nNote: {note}");
        }
        let _ = writeln!(out, "\npage_id: {}\n{}", page.id, page.web_url);
        out
    }
}

#[async_trait]
impl Tool for ManagePageContent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        match wish.action {
            Action::Get => self.get(context, wish, warnings).await,
            Action::Create => self.create(context, &args, wish, warnings).await,
            Action::Delete => self.delete(context, &args, wish, warnings).await,
        }
    }
}
