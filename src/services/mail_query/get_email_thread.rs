//! `get_email_thread`: a conversation from its first message to its last.

use super::args::BodyFormat;
use super::body::{self, BodyStyle};
use super::message::{Frame, Item, LIST_SELECT, MessageView, RawBody, project};
use super::{Mail, SCOPES, asker, fault};
use crate::graph::encode::{Target, odata, segment};
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, listing_schema};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

const DEFAULT_MESSAGES: usize = 20;
const MAX_PAGES: usize = 10;

/// The tool.
pub(super) struct GetEmailThread {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    id: Option<String>,
    thread_id: Option<String>,
    max_messages: Option<usize>,
    unique_only: Option<bool>,
    max_chars: Option<usize>,
    #[serde(default)]
    body_format: BodyFormat,
    #[serde(default)]
    output_format: OutputFormat,
}

impl GetEmailThread {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        Self { mail, spec: spec() }
    }

    /// The conversation of a message (`GET /me/messages/{id}?$select=conversationId`).
    async fn thread_of(&self, context: &CallContext, id: &str) -> Result<String, ToolError> {
        let target = Target::new(format!("/me/messages/{}", segment(id))).with("$select", "conversationId");
        let answer =
            self.mail.deps.graph.send(asker(context), Request::outlook(target)).await.map_err(fault)?;
        let view: MessageView<'_> = answer.view().map_err(fault)?;
        Ok(view.conversation_id.to_string())
    }

    /// `GET /me/messages?$filter=conversationId eq '…'` (Mail.Read). `$orderby` beside it is refused: sorted here.
    async fn messages(
        &self,
        context: &CallContext,
        thread: &str,
        frame: &Frame,
        (unique, most): (bool, usize),
    ) -> Result<(Vec<Item>, bool), ToolError> {
        let select = format!("{LIST_SELECT},ccRecipients,{}", if unique { "uniqueBody" } else { "body" });
        let target = Target::new("/me/messages")
            .with("$select", &select)
            .with("$top", "50")
            .with("$filter", &format!("conversationId eq {}", odata(thread)));
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        let mut link = target.build();
        for _ in 0..MAX_PAGES {
            let request = Request::next(link).html_bodies();
            let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
            let page: Page<'_, MessageView<'_>> = answer.view().map_err(fault)?;
            for view in &page.value {
                if seen.insert(view.id.to_string()) {
                    let mut item = project(view, frame);
                    item.raw = view.unique_body.as_ref().or(view.body.as_ref()).map(RawBody::of);
                    items.push(item);
                }
            }
            hold_newest(&mut items, most);
            match page.next_link() {
                Some(next) => link = next,
                None => return Ok((items, false)),
            }
        }
        Ok((items, true))
    }
}

/// Puts items in order and lets go of the bodies that will not be shown: five hundred of them would fill the memory.
fn hold_newest(items: &mut [Item], most: usize) {
    items.sort_by_key(|item| item.received);
    let older = items.len().saturating_sub(most);
    items.iter_mut().take(older).for_each(|item| item.raw = None);
}

fn spec() -> ToolSpec {
    ToolSpec {
        name: "get_email_thread",
        title: "Get Email Thread",
        description: "Read a conversation, oldest message first, without the quoted history, by a thread_id or the id of \
                      a message.",
        input_schema: json!({"type": "object", "properties": {
            "id": {"type": "string", "description": "id of a message of it"},
            "thread_id": {"type": "string", "description": "thread_id of a message, instead of id"},
            "max_messages": {"type": "integer", "minimum": 1, "maximum": 200, "description": "The newest; 20 unless given"},
            "unique_only": {"type": "boolean", "description": "Leave quoted history out; yes unless given"},
            "body_format": {"type": "string", "enum": ["markdown", "text", "html", "none"], "description": "markdown unless given"},
            "max_chars": max_chars_schema("text"),
            "output_format": output_format_schema(),
        }}),
        output_schema: listing_schema(&json!({
            "id": {"type": "string"}, "subject": {"type": "string"}, "from": {"type": "string"},
            "received_local": {"type": "string"}, "body": {"type": "string"},
        })),
        annotations: Annotations::READ_UNTRUSTED,
        scopes: SCOPES,
        aliases: &[
            ("user_id", "user_id"),
            ("mailbox", "mailbox"),
            ("message_id", "id"),
            ("conversation_id", "thread_id"),
        ],
    }
}

#[async_trait]
impl Tool for GetEmailThread {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let thread = match (&wish.thread_id, &wish.id) {
            (Some(thread), _) => thread.clone(),
            (None, Some(id)) => self.thread_of(context, id).await?,
            (None, None) => return Err(ToolError::invalid("id", "Give `id` of a message, or `thread_id`.")),
        };
        let frame = self.mail.frame(context).await?;
        let unique = wish.unique_only.unwrap_or(true);
        let most = wish.max_messages.unwrap_or(DEFAULT_MESSAGES);
        let (mut items, more) = self.messages(context, &thread, &frame, (unique, most)).await?;
        if items.is_empty() {
            return Err(ToolError::new(
                ToolErrorKind::NotFound,
                "There is no such conversation in this mailbox.",
            ));
        }
        let total = items.len();
        items.drain(..total.saturating_sub(most));
        let max_chars = wish.max_chars.unwrap_or(self.mail.deps.settings.max_chars);
        let share = (max_chars / items.len().max(1)).clamp(300, 12_000);
        let style = BodyStyle { format: wish.body_format, max_chars: share, fold: unique };
        let items = body::render(items, style).await?;
        let has_more = more || items.len() < total;
        if has_more {
            warnings.push(format!("The conversation has {total} messages or more; the newest are shown."));
        }
        let mut text = format!("{} messages of the conversation, oldest first\n\n", items.len());
        for (index, item) in items.iter().enumerate() {
            item.print(index + 1, &mut text);
        }
        let answer = Answer {
            count: items.len(),
            has_more,
            next_cursor: None,
            applied: Applied {
                engine: "filter",
                query: "conversationId".to_owned(),
                scanned: total,
                total_known: (!more).then_some(total as u64),
                mailbox: frame.mailbox.as_ref().map(ToString::to_string),
                time_zone: frame.zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: has_more,
            max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn only_bodies_that_will_be_shown_are_held() {
        let frame = Frame { zone: chrono_tz::UTC, own_domain: String::new(), mailbox: None, folder: None };
        let item = |at: i64| {
            let mut item = project(&MessageView::default(), &frame);
            item.received = DateTime::from_timestamp(at, 0).unwrap();
            item.raw = Some(RawBody { content: at.to_string(), html: false, cut: false });
            item
        };
        let mut items = vec![item(3), item(1), item(4), item(2)];
        hold_newest(&mut items, 2);
        let held: Vec<_> =
            items.iter().filter_map(|item| item.raw.as_ref()).map(|raw| &*raw.content).collect();
        assert_eq!(held, ["3", "4"]);
    }
}
