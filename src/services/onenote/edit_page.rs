//! `edit_page`: something added to a page, or parts of it replaced.
//!
//! Adding is done at once, unless other people see the notebook. Replacing takes away what was there, so somebody has to agree first: to this text in exchange for
//! that one, whatever ids OneNote gives to the elements meanwhile.

use super::book::Book;
use super::elements::{self, Found};
use super::item::{PageItem, page_schema};
use super::markup::{checked_title, escaped};
use super::readers::{Place, with_readers};
use super::{ALIASES, Desk, WRITE, asker, checked_id, content, fault, markup};
use crate::extract::html::NoteElements;
use crate::graph::encode::segment;
use crate::graph::request::Request;
use crate::services::answer::{clipped, line, output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::markup::BodyForm;
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const NAME: &str = "edit_page";
const SCOPES: &[&str] = &[WRITE];
/// Characters of an old or new text in a preview.
const SHOWN: usize = 500;
/// Pictures and files that a preview names.
const FILES: usize = 20;
/// What a page is called whose title was taken away.
const UNTITLED: &str = "Untitled page";

/// The tool.
pub(super) struct EditPage {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Append,
    Prepend,
    Insert,
    Replace,
    Clean,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Position {
    Before,
    #[default]
    After,
}

impl Position {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

#[derive(Deserialize)]
struct Wish {
    page_id: String,
    #[serde(default)]
    action: Action,
    content: Option<String>,
    #[serde(default)]
    content_format: BodyForm,
    target: Option<String>,
    find_text: Option<String>,
    #[serde(default)]
    position: Position,
    keep_title: Option<bool>,
}

/// What will be done.
struct Plan {
    /// As OneNote wants it.
    commands: Vec<Value>,
    /// Where, in words.
    place: String,
    /// What is taken away; none where something is only added.
    old: Option<String>,
    /// Pictures and files that go with it, in words.
    files: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Done {
    status: &'static str,
    #[serde(flatten)]
    page: PageItem,
    changed: String,
    /// Characters that were written.
    characters: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl EditPage {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let words = |all: &[&str], what: &str| json!({"type": "string", "enum": all, "description": what});
        let properties = json!({
            "page_id": text("Id of the page"),
            "action": words(&["append", "prepend", "insert", "replace", "clean"],
                "append (unless given) or prepend to the page or a list, insert beside an element, replace one, or clean: remove everything"),
            "content": text("What to write; a new title where target is title"),
            "content_format": words(&["markdown", "html", "text"], "What content is; markdown unless given"),
            "target": text("body (unless given), title, #data-id, or an element's id from manage_page_content with include_ids"),
            "find_text": text("Instead of target: words of the one element that is meant"),
            "position": words(&["before", "after"], "Side of the element for insert; after unless given"),
            "keep_title": {"type": "boolean", "description": "With clean: whether the title stays; yes unless given"},
        });
        let mut told = page_schema();
        if let Some(all) = told.as_object_mut() {
            all.insert("changed".to_owned(), json!({"type": "string"}));
            all.insert("characters".to_owned(), json!({"type": "integer"}));
            all.insert("warnings".to_owned(), json!({"type": "array", "items": {"type": "string"}}));
        }
        let spec = ToolSpec {
            name: NAME,
            title: "Edit Page",
            description: "Add text to a OneNote page, or replace or remove parts of it after a confirmation; in shared notebooks every change is confirmed.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(properties, true), "required": ["page_id"]}),
            output_schema: confirm::outcome_schema(told),
            annotations: Annotations::WRITE.destructive().open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn elements(&self, context: &CallContext, id: &str) -> Result<NoteElements, ToolError> {
        let html = self.desk.html(context, id, true).await.map_err(|error| fault(error, WRITE))?;
        content::elements(html).await
    }

    async fn plan(&self, context: &CallContext, wish: &Wish, page: &PageItem) -> Result<Plan, ToolError> {
        let target = wish.target.as_deref().map(str::trim).filter(|target| !target.is_empty());
        if target.is_some() && wish.find_text.is_some() {
            let text = "`target` and `find_text` exclude each other. Give one of them.";
            return Err(ToolError::invalid("find_text", text));
        }
        let html = match &wish.content {
            Some(content) => markup::html("content", content.clone(), wish.content_format).await?,
            None if wish.action == Action::Clean => String::new(),
            None => return Err(ToolError::invalid("content", "`content` is missing: what to write.")),
        };
        match (wish.action, target, &wish.find_text) {
            (Action::Replace, Some("title"), _) => title(wish, page),
            (_, Some("title"), _) => {
                Err(ToolError::invalid("action", "The title can only be replaced: use action replace."))
            }
            (Action::Clean, None | Some("body"), None) => {
                Ok(clean(wish, &self.elements(context, &page.id).await?, &html))
            }
            (Action::Clean, _, _) => {
                let text = "clean empties the whole page: leave `target` and `find_text` out, or use action replace.";
                Err(ToolError::invalid("target", text))
            }
            (Action::Replace, None | Some("body"), None) => {
                let text = "`target` is missing: name the element to replace, or use action clean for the whole page.";
                Err(ToolError::invalid("target", text))
            }
            (Action::Insert, None | Some("body"), None) => {
                let text = "`target` is missing: name the element to insert beside, or use action append.";
                Err(ToolError::invalid("target", text))
            }
            (Action::Append | Action::Prepend, None | Some("body"), None) => {
                let action = if wish.action == Action::Append { "append" } else { "prepend" };
                Ok(Plan::adding(json!({"target": "body", "action": action, "content": html}), "the page"))
            }
            (action, Some(target), _) => {
                let found = elements::by_target(&self.elements(context, &page.id).await?, target)?;
                at_element(action, wish.position, &found, html)
            }
            (action, None, Some(words)) => {
                let found = elements::by_text(&self.elements(context, &page.id).await?, words)?;
                at_element(action, wish.position, &found, html)
            }
        }
    }
}

impl Plan {
    fn adding(command: Value, place: &str) -> Self {
        Self {
            commands: vec![command],
            place: place.to_owned(),
            old: None,
            files: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

fn shown(text: &str) -> String {
    clipped(text.trim().to_owned(), SHOWN)
}

/// What goes beside the text.
fn lost(files: &[String]) -> String {
    let more = files.len().saturating_sub(FILES);
    let told = files.iter().take(FILES).cloned().collect::<Vec<_>>().join(", ");
    match (files.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("\n\nWith it goes: {told}."),
        (false, more) => format!("\n\nWith it goes: {told}, and {more} more."),
    }
}

fn title(wish: &Wish, page: &PageItem) -> Result<Plan, ToolError> {
    let title = checked_title(wish.content.as_deref().unwrap_or_default())?;
    if title.is_empty() {
        return Err(ToolError::invalid("content", "`content` is missing: the new title."));
    }
    Ok(Plan {
        commands: vec![json!({"target": "title", "action": "replace", "content": escaped(&title)})],
        place: "the title".to_owned(),
        old: Some(page.title.clone()),
        files: Vec::new(),
        warnings: Vec::new(),
    })
}

fn clean(wish: &Wish, all: &NoteElements, html: &str) -> Plan {
    let (inside, stays) = elements::contents(all);
    let gone = |one: &Found| json!({"target": one.id, "action": "replace", "content": ""});
    let mut commands: Vec<Value> = inside.iter().map(gone).collect();
    if !html.is_empty() {
        commands.push(json!({"target": "body", "action": "append", "content": html}));
    }
    if wish.keep_title == Some(false) {
        commands.push(json!({"target": "title", "action": "replace", "content": UNTITLED}));
    }
    let stays =
        stays.then(|| "Pictures and files that stand by themselves cannot be removed from here.".to_owned());
    Plan {
        commands,
        place: format!("the whole page ({} parts)", inside.len()),
        old: Some(all.text().to_owned()),
        files: inside.iter().flat_map(|one| one.files.iter().cloned()).collect(),
        warnings: stays.into_iter().collect(),
    }
}

/// A change beside, in, or instead of an element.
fn at_element(action: Action, position: Position, found: &Found, html: String) -> Result<Plan, ToolError> {
    let text = line(&clipped(found.text.clone(), 60));
    let place = format!("the {} \"{text}\"{}", found.tag, found.ordinal());
    // What goes into a list are its items.
    let inner = |html: String| {
        let items = html.trim().strip_prefix("<ul>").and_then(|rest| rest.strip_suffix("</ul>"));
        items.filter(|_| found.is_list()).map_or_else(|| html.clone(), str::to_owned)
    };
    let command = |action: &str, position: Position, html: String| json!({"target": found.id, "action": action, "position": position.word(), "content": html});
    let refused = || {
        let text =
            "`target` is a box that the page is made of. Name an element in it, or use append, or clean.";
        Err(ToolError::invalid("target", text))
    };
    match action {
        Action::Insert | Action::Replace if found.is_box => refused(),
        Action::Insert => Ok(Plan::adding(command("insert", position, html), &place)),
        Action::Append | Action::Prepend if found.takes_children() => {
            let side = if action == Action::Append { Position::After } else { Position::Before };
            Ok(Plan::adding(command("append", side, inner(html)), &place))
        }
        Action::Append | Action::Prepend if found.is_box => refused(),
        Action::Append | Action::Prepend => {
            let side = if action == Action::Append { Position::After } else { Position::Before };
            let warning = format!("Nothing can be put into {place}: it was written {} it.", side.word());
            let plan = Plan::adding(command("insert", side, html), &place);
            Ok(Plan { warnings: vec![warning], ..plan })
        }
        Action::Replace | Action::Clean => {
            let command = json!({"target": found.id, "action": "replace", "content": html});
            let plan = Plan::adding(command, &place);
            Ok(Plan { old: Some(found.text.clone()), files: found.files.clone(), ..plan })
        }
    }
}

#[async_trait]
impl Tool for EditPage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// `PATCH /me/onenote/pages/{id}/content` (Notes.ReadWrite); 204, seconds before the change can be read.
    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let id = checked_id("page_id", &wish.page_id)?;
        let zone = self.desk.zone(context).await;
        let failed = |error| fault(error, WRITE);
        let page = self.desk.page(context, &id, zone).await.map_err(failed)?;
        let plan = self.plan(context, &wish, &page).await?;
        if plan.commands.is_empty() {
            return Err(ToolError::invalid("action", "The page is empty: there is nothing to remove."));
        }
        let new = wish.content.as_deref().unwrap_or_default();
        let preview = match &plan.old {
            Some(old) => format!(
                "On the page \"{}\" in {}, {} is replaced.\n\nNow:\n{}{}\n\nThen:\n{}",
                page.title,
                page.section,
                plan.place,
                shown(old),
                lost(&plan.files),
                if new.is_empty() { "(nothing)".to_owned() } else { shown(new) },
            ),
            None => format!(
                "On the page \"{}\" in {}, to {} is added:\n\n{}",
                page.title,
                page.section,
                plan.place,
                shown(new)
            ),
        };
        let place = Place { notebook: &page.notebook_id, section: &page.section_id };
        let readers = self.desk.readers(context, place).await?;
        let write = Write {
            service: "onenote",
            tool: NAME,
            payload: &json!({
                "page": page.id, "place": plan.place, "old": plan.old, "files": plan.files, "new": new, "format": args.get("content_format"),
                "keep_title": wish.keep_title,
            }),
            preview: with_readers(preview, readers.as_deref()),
            leaves: plan.old.is_some() || readers.is_some(),
            recipients: ("page_id", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let path = format!("/me/onenote/pages/{}/content", segment(&page.id));
        let body = Value::from(plan.commands).to_string();
        let request = Request::notes_write(Method::PATCH, path, Some(body.into()));
        self.desk.deps.graph.send(asker(context), request).await.map_err(failed)?;
        Book::used(&self.desk, context, &page).await;
        warnings.extend(plan.warnings);
        let done =
            Done { status: "done", page, changed: plan.place, characters: new.chars().count(), warnings };
        let text = format!(
            "Changed {} on the page \"{}\". OneNote shows it after some seconds.\npage_id: {}\n",
            done.changed, done.page.title, done.page.id
        );
        output(|| with_notes(text, &done.warnings, None), &done, OutputFormat::Text)
    }
}
