//! `mail_changes`: what came, changed or went in a folder since the last look.

use super::message::{Item, MessageView, project};
use super::{Mail, SCOPES, asker, fault, folders};
use crate::graph::encode::{Target, segment};
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::mailbox::mailbox_schema;
use crate::services::since;
use crate::services::time::instant;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "mail_changes";
/// Only this is told: what else is wanted is read with `get_email`.
const SELECT: &str = "subject,from,receivedDateTime,isRead,hasAttachments";
/// Messages per page of Graph.
const PAGE: u32 = 200;
/// Changes of one answer, give or take a page: they have to fit into it.
const MAX_TOLD: usize = 400;
/// Pages of one call.
const MAX_PAGES: usize = 10;
/// How long the place of the last look is kept.
const LIFE: Duration = Duration::from_hours(24 * 7);

/// The tool.
pub(super) struct MailChanges {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    folder: Option<String>,
    since_cursor: Option<String>,
}

/// Where the next look begins; kept behind a cursor.
#[derive(Serialize, Deserialize)]
struct Look {
    /// A target of ours, or Graph's own next or delta link.
    link: String,
    /// What came after this is new to the caller.
    since: DateTime<Utc>,
    folder: String,
    /// Everything that lies in the folder is still being passed over.
    first: bool,
}

/// A message that came or changed.
#[derive(Serialize)]
struct Change {
    id: String,
    subject: String,
    from: String,
    received_local: String,
    unread: bool,
}

#[derive(Default, Serialize)]
struct Told {
    added: Vec<Change>,
    updated: Vec<Change>,
    removed: Vec<String>,
    has_more: bool,
    since_cursor: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl MailChanges {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let changes = json!({"type": "array", "items": {"type": "object", "properties": {
            "id": {"type": "string"}, "subject": {"type": "string"}, "from": {"type": "string"},
            "received_local": {"type": "string"}, "unread": {"type": "boolean"},
        }}});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let spec = ToolSpec {
            name: NAME,
            title: "Mail Changes",
            description: "What came, changed or went in a folder since the last look. The first call only gives the cursor.",
            input_schema: json!({"type": "object", "properties": {
                "mailbox": mailbox_schema(),
                "folder": {"type": "string", "description": "Name, path or id; the inbox unless given"},
                "since_cursor": {"type": "string", "description": "since_cursor of the last look, good for a week"},
            }}),
            output_schema: json!({"type": "object", "properties": {
                "added": changes, "updated": {"type": "array", "items": {"type": "object"}}, "removed": texts, "has_more": {"type": "boolean"},
                "since_cursor": {"type": "string"},
            }, "required": ["added", "updated", "removed", "since_cursor"]}),
            annotations: Annotations { idempotent: false, ..Annotations::READ_UNTRUSTED },
            scopes: SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { mail, spec }
    }

    async fn look(&self, context: &CallContext, wish: &Wish) -> Result<Look, ToolError> {
        let deps = &self.mail.deps;
        if let Some(cursor) = &wish.since_cursor {
            return since::kept(deps.cursors.load(context, NAME, cursor).await, gone);
        }
        let name = wish.folder.as_deref().unwrap_or("inbox");
        let folder = folders::find(&deps.graph, asker(context), name).await?;
        let path = format!("/me/mailFolders/{}/messages/delta", segment(&folder.id));
        let link = Target::new(path).with("$select", SELECT).build();
        let since = instant(deps.clock.now()).trunc_subsecs(0);
        Ok(Look { link, since, folder: folder.name, first: true })
    }

    /// `GET /me/mailFolders/{id}/messages/delta` (Mail.Read), page by page up to the delta link.
    async fn follow(&self, context: &CallContext, look: &mut Look, told: &mut Told) -> Result<(), ToolError> {
        let frame = self.mail.frame(context).await?;
        for _ in 0..MAX_PAGES {
            let request = Request::next(look.link.clone()).page_size(PAGE);
            let sent = self.mail.deps.graph.send(asker(context), request).await;
            let answer = sent.map_err(|error| since::failed(error, gone, fault))?;
            let page: Page<'_, Value> = answer.view().map_err(fault)?;
            if !look.first {
                for raw in &page.value {
                    told.take(raw, look.since, &frame)?;
                }
            }
            if let Some(next) = page.next_link() {
                look.link = next;
                if told.count() >= MAX_TOLD {
                    break;
                }
                continue;
            }
            if let Some(delta) = page.delta_link() {
                (look.link, look.first) = (delta, false);
            }
            return Ok(());
        }
        told.has_more = true;
        Ok(())
    }
}

impl Told {
    fn count(&self) -> usize {
        self.added.len() + self.updated.len() + self.removed.len()
    }

    fn take(
        &mut self,
        raw: &Value,
        since: DateTime<Utc>,
        frame: &super::message::Frame,
    ) -> Result<(), ToolError> {
        let id = frame.marked(raw.get("id").and_then(Value::as_str).unwrap_or_default());
        if raw.get("@removed").is_some() {
            self.removed.push(id);
            return Ok(());
        }
        let text = raw.to_string();
        let view: MessageView<'_> = serde_json::from_str(&text).map_err(ToolError::internal)?;
        let Item { subject, from, received_local, unread, received, .. } = project(&view, frame);
        let change = Change { id, subject, from, received_local, unread };
        if received >= since {
            self.added.push(change);
        } else {
            self.updated.push(change);
        }
        Ok(())
    }

    fn print(&self, folder: &str, first: bool) -> String {
        let mut text = if first {
            format!("From now on, changes in {folder} are told with since_cursor.\n")
        } else {
            let counts = (self.added.len(), self.updated.len(), self.removed.len());
            format!("{folder}: {} new, {} changed, {} gone.\n", counts.0, counts.1, counts.2)
        };
        for (what, all) in [("new", &self.added), ("changed", &self.updated)] {
            for change in all {
                let unread = if change.unread { ", unread" } else { "" };
                let when = change.received_local.get(..16).unwrap_or(&change.received_local);
                let _ = writeln!(
                    text,
                    "- {what}: {when} \"{}\" from {}{unread}\n  id: {}",
                    change.subject, change.from, change.id
                );
            }
        }
        for id in &self.removed {
            let _ = writeln!(text, "- gone: {id}");
        }
        let _ = writeln!(text, "since_cursor: {}", self.since_cursor);
        text
    }
}

fn gone() -> ToolError {
    let text = "`since_cursor` is unknown or too old. Leave it out to begin anew, and use query_email for what came before.";
    ToolError::invalid("since_cursor", text)
}

#[async_trait]
impl Tool for MailChanges {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let mut look = self.look(context, &wish).await?;
        let (first, asked) = (look.first, instant(self.mail.deps.clock.now()).trunc_subsecs(0));
        let mut told = Told { warnings, ..Told::default() };
        self.follow(context, &mut look, &mut told).await?;
        if told.has_more {
            let text = "There is more: call again with `since_cursor` at once.";
            told.warnings.push(text.to_owned());
        } else if !first {
            look.since = asked;
        }
        told.since_cursor = self.mail.deps.cursors.keep(context, NAME, &look, LIFE).await?;
        let text = told.print(&look.folder, first);
        output(|| with_notes(text, &told.warnings, None), &told, OutputFormat::Text)
    }
}
