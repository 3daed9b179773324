//! `onenote_copy_page`: a copy of a page in another section.

use super::book::Book;
use super::item::{PageItem, page_schema};
use super::readers::{Place, with_readers};
use super::{ALIASES, Desk, WRITE, asker, checked_id, fault, meaning};
use crate::graph::encode::segment;
use crate::graph::error::GraphError;
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "onenote_copy_page";
const SCOPES: &[&str] = &[WRITE];
/// The pause before the first look; each one doubles. Every look counts against OneNote's budget.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(4);
/// What remains of a call's time for telling the outcome.
const RESERVE: Duration = Duration::from_secs(5);

/// The tool.
pub(super) struct CopyPage {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    page_id: String,
    section_id: Option<String>,
    section_name: Option<String>,
}

/// How far a copy is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Operation<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    resource_id: Text<'a>,
    #[serde(borrow)]
    error: Option<Failure<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure<'a> {
    #[serde(borrow)]
    code: Text<'a>,
}

/// How a copy ended.
enum Outcome {
    Page(String),
    Running,
    Failed(String),
}

#[derive(Serialize)]
struct Done {
    status: &'static str,
    /// Whether OneNote is still at it: then the page has no id yet.
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageItem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl CopyPage {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let properties = json!({
            "page_id": text("Id of the page"),
            "section_id": text("Section that gets the copy"),
            "section_name": text("Its whole name, instead of the id"),
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Copy Page",
            description: "Copy a OneNote page into another section of the user's notebooks.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(properties, true), "required": ["page_id"]}),
            output_schema: confirm::outcome_schema(json!({
                "running": {"type": "boolean"}, "page": {"type": "object", "properties": page_schema()},
                "warnings": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE.open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `GET /me/onenote/operations/{id}` until it is done or the call's time runs out.
    async fn follow(&self, context: &CallContext, id: &str) -> Result<Outcome, GraphError> {
        let mut pause = FIRST;
        loop {
            let left = context.deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE);
            if left <= pause {
                return Ok(Outcome::Running);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            let path = format!("/me/onenote/operations/{}", segment(id));
            let answer = match self.desk.deps.graph.send(asker(context), Request::notes(path)).await {
                Ok(answer) => answer,
                // A look that has to wait says nothing about the copy.
                Err(GraphError::Throttled { .. } | GraphError::Unavailable { .. } | GraphError::TimedOut) => {
                    return Ok(Outcome::Running);
                }
                Err(error) => return Err(error),
            };
            let look: Operation<'_> = answer.view()?;
            match look.status.to_ascii_lowercase().as_str() {
                "completed" => return Ok(Outcome::Page(look.resource_id.to_string())),
                "failed" => {
                    let code = look.error.map(|error| error.code.to_string()).unwrap_or_default();
                    return Ok(Outcome::Failed(code));
                }
                _ => {}
            }
        }
    }
}

fn refused(code: String) -> ToolError {
    let known = meaning(&code);
    let kind = ToolErrorKind::UpstreamRejected { code, status: 409 };
    match known {
        Some((kind, words)) => ToolError::new(kind, words),
        None => ToolError::new(
            kind,
            "OneNote could not copy this page. Try again, or create a page with its text.",
        ),
    }
}

#[async_trait]
impl Tool for CopyPage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// `POST /me/onenote/pages/{id}/copyToSection` (Notes.ReadWrite); 202 and an operation.
    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let id = checked_id("page_id", &wish.page_id)?;
        let section =
            self.desk.section(context, wish.section_id.as_deref(), wish.section_name.as_deref()).await?;
        let text = "`section_id` is missing: the section that gets the copy.";
        let section = section.ok_or_else(|| ToolError::invalid("section_id", text))?;
        let failed = |error| fault(error, WRITE);
        let zone = self.desk.zone(context).await;
        let page = self.desk.page(context, &id, zone).await.map_err(failed)?;
        let into = if section.name.is_empty() { &section.id } else { &section.name };
        let place = Place { notebook: "", section: &section.id };
        let readers = self.desk.readers(context, place).await?;
        let write = Write {
            service: "onenote",
            tool: NAME,
            payload: &json!({ "page": id, "section": section.id }),
            preview: with_readers(
                format!("Copy the page \"{}\" into {into}.", page.title),
                readers.as_deref(),
            ),
            leaves: readers.is_some(),
            recipients: ("section_id", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let path = format!("/me/onenote/pages/{}/copyToSection", segment(&id));
        let body = json!({ "id": section.id }).to_string();
        let request = Request::notes_write(Method::POST, path, Some(body.into()));
        let accepted = self.desk.deps.graph.send(asker(context), request).await.map_err(failed)?;
        let operation = accepted.view::<Operation<'_>>().map_err(failed)?.id.to_string();
        let copy = match self.follow(context, &operation).await.map_err(failed)? {
            Outcome::Failed(code) => return Err(refused(code)),
            Outcome::Page(id) if !id.is_empty() => {
                Some(self.desk.page(context, &id, zone).await.map_err(failed)?)
            }
            Outcome::Page(_) | Outcome::Running => None,
        };
        let text = if let Some(copy) = &copy {
            Book::used(&self.desk, context, copy).await;
            format!(
                "Copied \"{}\" into {}.\npage_id: {}\n{}\n",
                copy.title, copy.section, copy.id, copy.web_url
            )
        } else {
            warnings.push("OneNote is still copying: list the pages of the section in a minute.".to_owned());
            format!("Copying \"{}\" into {into}.\n", page.title)
        };
        let done = Done { status: "done", running: copy.is_none(), page: copy, warnings };
        output(|| with_notes(text, &done.warnings, None), &done, OutputFormat::Text)
    }
}
