//! `export_email`: messages as a table, as text, as JSON, or as the mail files they are, put into OneDrive or behind a
//! one-time link. Their contents go from Graph to Graph, or to a person, and never through a model.

mod bundle;
mod forms;
mod linked;

use super::bulk;
use super::message::{Frame, Item, MessageView, RawBody, project};
use super::{ALIASES, Mail, SCOPES, asker, fault, query_email};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::{line, output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::drive::{self, Saved};
use crate::services::time::{instant, local_text};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use crate::tools::transfer::LINK_LIFE;
use async_trait::async_trait;
use bytes::Bytes;
use chrono_tz::Tz;
use futures_util::{StreamExt, stream};
pub(super) use linked::ExportWanted;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "export_email";
/// Most messages of one call.
pub(super) const MAX_MESSAGES: usize = 200;
/// Messages asked for at a time; a mailbox answers four.
const AT_ONCE: usize = 3;
const SELECT: &str = "id,subject,from,toRecipients,ccRecipients,receivedDateTime,isRead,hasAttachments,importance,\
                      conversationId,parentFolderId,webLink,body";

/// The tool.
#[derive(Clone)]
pub(super) struct ExportEmail {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

/// What the messages become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    #[default]
    Csv,
    /// One file per message.
    Eml,
    Md,
    Json,
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    ids: Vec<String>,
    cursor: Option<String>,
    #[serde(default)]
    format: Form,
    destination: String,
}

/// Where the export goes.
struct Place {
    folder: Vec<String>,
    /// Name of the one file; one is made unless given.
    name: Option<String>,
}

#[derive(Serialize)]
struct FileMade {
    path: String,
    link: String,
}

#[derive(Serialize)]
struct Failed {
    id: String,
    error: String,
}

/// `structuredContent`.
#[derive(Serialize)]
struct Done {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileMade>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    rows: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
    /// Nobody knows whether these were saved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<Failed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::Eml => ".eml",
            Self::Md => ".md",
            Self::Json => ".json",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Eml => "message/rfc822",
            Self::Md => "text/markdown",
            Self::Json => "application/json",
        }
    }
}

impl Place {
    /// `onedrive:/folder`, or `onedrive:/folder/name.csv` when everything becomes one file.
    fn of(text: &str, form: Form, one_file: bool) -> Result<Self, ToolError> {
        let Some(path) = text.trim().strip_prefix("onedrive:") else {
            let text = "`destination` must be link, or onedrive:/ and a folder or file, such as onedrive:/Mail/export.csv.";
            return Err(ToolError::invalid("destination", text));
        };
        let mut folder = drive::folder("destination", path)?;
        let named = folder.last().is_some_and(|last| last.to_lowercase().ends_with(form.ending()));
        let name = if named && one_file { folder.pop() } else { None };
        Ok(Self { folder, name })
    }
}

impl ExportEmail {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let spec = ToolSpec {
            name: NAME,
            title: "Export Email",
            description: "Save messages to OneDrive or for download: as one csv, md or json, or each as eml.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({
                "ids": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_MESSAGES, "description": "ids, unchanged"},
                "cursor": {"type": "string", "description": "Instead of ids: next_cursor of query_email"},
                "format": {"type": "string", "enum": ["csv", "eml", "md", "json"], "description": "csv unless given"},
                "destination": {"type": "string", "description": "onedrive:/folder, onedrive:/folder/name.csv, or link (one-time download)"},
            }), false), "required": ["destination"]}),
            output_schema: confirm::written_schema(json!({
                "files": {"type": "array", "items": {"type": "object"}}, "link": {"type": "string"}, "rows": {"type": "integer"},
                "failed": {"type": "array", "items": {"type": "object"}},
            })),
            annotations: Annotations::WRITE,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { mail, spec }
    }

    /// The messages that are meant, each once, and whether there are more.
    async fn ids(&self, context: &CallContext, wish: &Wish) -> Result<(Vec<String>, bool), ToolError> {
        match (&wish.cursor, wish.ids.is_empty()) {
            (Some(_), false) => {
                Err(ToolError::invalid("cursor", "`cursor` and `ids` cannot be combined: give one of them."))
            }
            (None, _) => Ok((bulk::ids(&wish.ids)?, false)),
            (Some(cursor), true) => query_email::rest(&self.mail, context, cursor, MAX_MESSAGES).await,
        }
    }

    /// `GET /me/messages/{id}?$select=…` (Mail.Read).
    async fn message(&self, context: &CallContext, id: &str, frame: &Frame) -> Result<Item, ToolError> {
        let target = Target::new(format!("/me/messages/{}", segment(id))).with("$select", SELECT);
        let request = Request::outlook(target).html_bodies();
        let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
        let view: MessageView<'_> = answer.view().map_err(fault)?;
        let mut item = project(&view, frame);
        item.raw = view.body.as_ref().map(RawBody::of);
        Ok(item)
    }

    /// `GET /me/messages/{id}/$value` (Mail.Read): the message as it travels, and a name for it.
    async fn whole(
        &self,
        context: &CallContext,
        id: &str,
        frame: &Frame,
    ) -> Result<(String, Bytes), ToolError> {
        let path = format!("/me/messages/{}", segment(id));
        let target = Target::new(&path).with("$select", "id,subject,from,receivedDateTime");
        let answer =
            self.mail.deps.graph.send(asker(context), Request::outlook(target)).await.map_err(fault)?;
        let view: MessageView<'_> = answer.view().map_err(fault)?;
        let item = project(&view, frame);
        let limit = self.mail.deps.settings.max_attachment_bytes;
        let request = Request::outlook(Target::new(format!("{path}/$value"))).download(limit);
        let bytes = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?.body;
        let day = item.received_local.get(..10).unwrap_or_default();
        let subject: String = item.subject.chars().take(80).collect();
        Ok((format!("{day} {subject}.eml"), bytes))
    }

    /// Reads messages for a table or text, in their order; what cannot be read is given to `fail`.
    async fn items(
        &self,
        context: &CallContext,
        ids: &[String],
        mut fail: impl FnMut(&str, ToolError) -> Result<(), ToolError> + Send,
    ) -> Result<(Vec<Item>, Frame), ToolError> {
        let frame = self.mail.frame(context).await?;
        let shared = &frame;
        // What was read by then is written, whatever is missing.
        let end = context.deadline.checked_sub(bulk::RESERVE).unwrap_or(context.deadline);
        let end = &end;
        let read = stream::iter(ids.to_vec()).map(async move |id| {
            let found = tokio::time::timeout_at((*end).into(), self.message(context, &id, shared)).await;
            (id, found.unwrap_or_else(|_| Err(late())))
        });
        let found: Vec<(String, Result<Item, ToolError>)> = read.buffered(AT_ONCE).collect().await;
        let mut items = Vec::new();
        for (id, outcome) in found {
            match outcome {
                Ok(item) => items.push(item),
                Err(error) => fail(&context.marked(&id), error)?,
            }
        }
        Ok((items, frame))
    }

    /// Name of an export that nobody named.
    fn made_name(&self, zone: Tz, ending: &str) -> String {
        let today = local_text(instant(self.mail.deps.clock.now()), zone);
        format!("mail {}{ending}", today.get(..10).unwrap_or_default())
    }

    async fn one_file(
        &self,
        context: &CallContext,
        (ids, form): (&[String], Form),
        place: &Place,
        done: &mut Done,
    ) -> Result<(), ToolError> {
        let (items, frame) = self.items(context, ids, |id, error| done.fail(id, error)).await?;
        if items.is_empty() {
            return Ok(());
        }
        done.rows = items.len();
        let (text, cut) = written(form, items).await?;
        done.warnings.extend(cut);
        let made = self.made_name(frame.zone, form.ending());
        let name = place.name.as_deref().unwrap_or(&made);
        let content = (form.content_type(), Bytes::from(text));
        let saved = drive::save(&self.mail.deps, context, &place.folder, name, content).await;
        done.made(
            saved.map_err(|error| if is_unknown(&error) { unknown(error, place, name) } else { error })?,
        );
        Ok(())
    }

    /// One after the other: each may be large.
    async fn files(
        &self,
        context: &CallContext,
        ids: &[String],
        place: &Place,
        done: &mut Done,
    ) -> Result<(), ToolError> {
        let frame = self.mail.frame(context).await?;
        for id in ids {
            if bulk::is_late(context) {
                done.fail(&context.marked(id), late())?;
                continue;
            }
            let saved = async {
                let (made, bytes) = self.whole(context, id, &frame).await?;
                let name = place.name.as_deref().unwrap_or(&made);
                let content = (Form::Eml.content_type(), bytes);
                let saved = drive::save(&self.mail.deps, context, &place.folder, name, content).await;
                saved.map_err(|error| if is_unknown(&error) { unknown(error, place, name) } else { error })
            };
            match saved.await {
                Ok(saved) => {
                    done.rows += 1;
                    done.made(saved);
                }
                Err(error) => done.fail(&context.marked(id), error)?,
            }
        }
        Ok(())
    }
}

/// The file's text, made away from the async workers, and a note on bodies that are not whole in it.
async fn written(form: Form, items: Vec<Item>) -> Result<(String, Option<String>), ToolError> {
    let made = tokio::task::spawn_blocking(move || forms::write(form, items)).await;
    let (text, cut) = made.map_err(|_| ToolError::internal("the conversion of an export failed"))?;
    let note = || format!("{cut} bodies are too long and were cut: `format` eml has them whole.");
    Ok((text, (cut > 0).then(note)))
}

fn is_link(destination: &str) -> bool {
    destination.trim().eq_ignore_ascii_case("link")
}

impl Done {
    fn made(&mut self, saved: Saved) {
        self.files.push(FileMade { path: saved.path, link: saved.web_url });
    }

    /// Notes one message that could not be exported; what would stop every other one stops the call.
    fn fail(&mut self, id: &str, error: ToolError) -> Result<(), ToolError> {
        let stops = matches!(
            error.kind,
            ToolErrorKind::SignInRequired
                | ToolErrorKind::InsufficientScope { .. }
                | ToolErrorKind::RateLimited { .. }
        );
        if stops && self.files.is_empty() {
            return Err(error);
        }
        let list = if is_unknown(&error) { &mut self.unknown } else { &mut self.failed };
        list.push(Failed { id: id.to_owned(), error: error.public });
        Ok(())
    }

    fn printed(&self) -> String {
        let mut text = format!("{} messages exported.\n", self.rows);
        for file in &self.files {
            let _ = writeln!(text, "- {} {}", file.path, file.link);
        }
        if let Some(link) = &self.link {
            let minutes = LINK_LIFE.as_secs() / 60;
            let _ = writeln!(text, "Download (once, within {minutes} minutes): {link}");
        }
        for failed in &self.failed {
            let _ = writeln!(text, "- failed: {}: {}", failed.id, failed.error);
        }
        for unknown in &self.unknown {
            let _ = writeln!(text, "- unknown: {}: {}", unknown.id, unknown.error);
        }
        text
    }
}

fn late() -> ToolError {
    let text = "Not done: the time of this call is over. Call again for these.";
    ToolError::new(ToolErrorKind::Timeout, text)
}

/// Microsoft did not answer a write.
fn is_unknown(error: &ToolError) -> bool {
    matches!(&error.kind, ToolErrorKind::UpstreamRejected { code, .. } if code == "unknown_outcome")
}

/// The same with the way to find out.
fn unknown(error: ToolError, place: &Place, name: &str) -> ToolError {
    let public = format!(
        "Microsoft 365 did not say whether \"{}\" was saved. Look into onedrive:/{} (list_files) before exporting it again.",
        line(name),
        place.folder.join("/")
    );
    ToolError { public, ..error }
}

#[async_trait]
impl Tool for ExportEmail {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let one_file = wish.format != Form::Eml || (wish.cursor.is_none() && wish.ids.len() == 1);
        let place = if is_link(&wish.destination) {
            None
        } else {
            let place = Place::of(&wish.destination, wish.format, one_file)?;
            drive::require(context, SCOPES, drive::WRITE)?;
            Some(place)
        };
        let (ids, more) = self.ids(context, &wish).await?;
        if more {
            warnings
                .push(format!("There is more: one call exports {MAX_MESSAGES} messages. Narrow the period."));
        }
        let preview = format!(
            "Export {} messages as {} to {}.",
            ids.len(),
            wish.format.ending(),
            line(&wish.destination)
        );
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &Value::Null,
            preview,
            leaves: false,
            recipients: ("destination", &[]),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let mut done = Done {
            status: "done",
            files: Vec::new(),
            link: None,
            rows: 0,
            failed: Vec::new(),
            unknown: Vec::new(),
            warnings,
        };
        let Some(place) = place else {
            self.link(context, (ids, wish.format), &mut done).await?;
            return output(|| with_notes(done.printed(), &done.warnings, None), &done, OutputFormat::Text);
        };
        if wish.format == Form::Eml {
            self.files(context, &ids, &place, &mut done).await?;
        } else {
            self.one_file(context, (&ids, wish.format), &place, &mut done).await?;
        }
        output(|| with_notes(done.printed(), &done.warnings, None), &done, OutputFormat::Text)
    }
}
