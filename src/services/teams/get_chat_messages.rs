//! `teams_get_chat_messages`: what was said in one chat, oldest first, the newest page first.

use super::message::{BodyFormat, MessageItem, MessageView, message_schema, render};
use super::{ALIASES, Desk, NOTES, SCOPES, asker, checked_chat_id, listing_schema, read_fault, recipient};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Bounds, output, with_notes, with_properties};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{Edge, local_text, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "teams_get_chat_messages";
const DEFAULT_LIMIT: usize = 50;
/// Pages that are read for one answer.
const MAX_PAGES: usize = 10;

/// The tool.
pub(super) struct GetChatMessages {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    chat_id: Option<String>,
    recipient_name: Option<String>,
    since: Option<String>,
    before: Option<String>,
    include_system: bool,
    body_format: BodyFormat,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// What is asked; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    chat_id: String,
    /// Name of the chat, where it was looked for by name.
    chat_name: Option<String>,
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    include_system: bool,
    body_format: BodyFormat,
    zone: String,
}

/// Messages of one chat.
#[derive(Serialize)]
struct Talk {
    chat_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_name: Option<String>,
    #[serde(flatten)]
    answer: Answer<MessageItem>,
}

/// What was read.
struct Read {
    /// Newest first.
    items: Vec<MessageItem>,
    /// There is something older that was not read.
    more: bool,
    scanned: usize,
    /// The oldest message looked at, wanted or not.
    oldest: Option<DateTime<Utc>>,
}

impl GetChatMessages {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let more = json!({"chat_id": {"type": "string"}, "chat_name": {"type": "string"}});
        let output = with_properties(listing_schema(&message_schema()), more);
        let spec = ToolSpec {
            name: NAME,
            title: "Read Chat",
            description: "Read the messages of one Teams chat, oldest first, the newest page first. By chat_id, or by the \
                          name of a person or chat; without either, the user's own notes (48:notes).",
            input_schema: json!({"type": "object", "properties": {
                "chat_id": {"type": "string", "description": "Id of a chat, unchanged"},
                "recipient_name": {"type": "string", "description": "Name, Korean name or address of a person, or name of a chat"},
                "since": {"type": "string", "description": "Nothing older, e.g. 2026-03-31 or a time"},
                "before": {"type": "string", "description": "Nothing newer: a time, or a day that is included"},
                "include_system": {"type": "boolean", "description": "Events such as new members too; no unless given"},
                "body_format": {"type": "string", "enum": ["markdown", "text", "html"], "description": "Form of texts; markdown unless given"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Messages per page; 50 unless given"},
                "cursor": {"type": "string", "description": "next_cursor of the page before: goes on with older messages"},
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: output,
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
        let zone = self.desk.zones.of(&self.desk.deps, context).await;
        let at = |field: &str, text: &Option<String>, edge| {
            text.as_deref().map(|text| moment(field, text, zone, edge)).transpose()
        };
        let (since, before) =
            (at("since", &wish.since, Edge::Start)?, at("before", &wish.before, Edge::End)?);
        if let (Some(since), Some(before)) = (since, before)
            && before <= since
        {
            return Err(ToolError::invalid("before", "`before` lies before `since`. Swap them."));
        }
        let (chat_id, chat_name) = self.place(context, wish).await?;
        Ok(Question {
            chat_id,
            chat_name,
            since,
            before,
            include_system: wish.include_system,
            body_format: wish.body_format,
            zone: zone.name().to_owned(),
        })
    }

    async fn place(&self, context: &CallContext, wish: &Wish) -> Result<(String, Option<String>), ToolError> {
        match (&wish.chat_id, &wish.recipient_name) {
            (Some(_), Some(_)) => {
                let text = "`chat_id` and `recipient_name` exclude each other. Give one of them.";
                Err(ToolError::invalid("recipient_name", text))
            }
            (Some(id), None) => Ok((checked_chat_id(id)?.to_owned(), None)),
            (None, Some(name)) => {
                let chat = recipient::chat_named(&self.desk, context, name).await?;
                Ok((chat.chat_id, Some(chat.name)))
            }
            (None, None) => Ok((NOTES.to_owned(), Some("Notes to self".to_owned()))),
        }
    }

    /// `GET /chats/{id}/messages?$top=50&$orderby=createdDateTime desc[&$filter=createdDateTime lt …]` (Chat.Read).
    ///
    /// Graph filters by creation downwards only, takes the filter only beside the same `$orderby`, and sorts newest
    /// first only: the older bound is kept here.
    async fn read(
        &self,
        context: &CallContext,
        question: &Question,
        (wanted, zone): (usize, Tz),
    ) -> Result<Read, GraphError> {
        let mut target = Target::new(format!("/chats/{}/messages", segment(&question.chat_id)))
            .with("$top", "50")
            .with("$orderby", "createdDateTime desc");
        if let Some(before) = question.before {
            let at = before.to_rfc3339_opts(SecondsFormat::Millis, true);
            target = target.with("$filter", &format!("createdDateTime lt {at}"));
        }
        let own = &*context.caller.user.oid;
        let mut read = Read { items: Vec::new(), more: false, scanned: 0, oldest: None };
        let mut link = Some(target.build());
        for _ in 0..MAX_PAGES {
            let Some(next) = link else { return Ok(read) };
            let request = Request::teams(next).in_thread(&question.chat_id);
            let answer = self.desk.deps.graph.send(asker(context), request).await?;
            let page: Page<'_, MessageView<'_>> = answer.view()?;
            for view in &page.value {
                let at = view.created_date_time.unwrap_or_default();
                if question.since.is_some_and(|since| at < since) {
                    return Ok(read);
                }
                let wished = question.include_system || !view.is_event();
                if wished && read.items.len() >= wanted {
                    read.more = true;
                    return Ok(read);
                }
                read.scanned += 1;
                read.oldest = Some(at);
                // What is said between two pages moves all others down by one.
                if wished && !read.items.iter().any(|item| item.id == *view.id) {
                    read.items.push(MessageItem::of(view, own, zone));
                }
            }
            link = page.next_link();
        }
        read.more = link.is_some();
        Ok(read)
    }
}

#[async_trait]
impl Tool for GetChatMessages {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let deps = &self.desk.deps;
        let mut question = self.question(context, &wish).await?;
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
        let read = self.read(context, &question, (limit, zone)).await.map_err(read_fault)?;
        let max_chars = wish.max_chars.unwrap_or(deps.settings.max_chars);
        let (mut items, mut lines, mut chars, mut full) = (Vec::new(), Vec::new(), 0, false);
        for item in render(read.items, question.body_format).await? {
            let line = item.print();
            let size = line.chars().count();
            if !items.is_empty() && chars + size > max_chars {
                full = true;
                break;
            }
            chars += size;
            lines.push(line);
            items.push(item);
        }
        let bounds = question.since.map(|since| Bounds {
            start: local_text(since, zone),
            end: question.before.map(|before| local_text(before, zone)),
        });
        let has_more = full || read.more;
        let next_cursor = if has_more {
            // Where the size ended the page, what was read beyond it comes again.
            let last = items.last().filter(|_| full).map(|item: &MessageItem| item.at);
            question.before = last.or(read.oldest);
            Some(deps.cursors.save(context, NAME, &question).await?)
        } else {
            None
        };
        items.reverse();
        lines.reverse();
        let answer = Answer {
            count: items.len(),
            has_more,
            next_cursor,
            applied: Applied {
                engine: "messages",
                window: bounds,
                post_filters: if question.include_system { Vec::new() } else { vec!["no system events"] },
                scanned: read.scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: full,
            max_chars,
            items,
            warnings,
        };
        let of = question.chat_name.as_deref().unwrap_or(&question.chat_id);
        let text = format!("{} messages of {of}, oldest first\n\n{}", answer.count, lines.concat());
        let talk = Talk { chat_id: question.chat_id, chat_name: question.chat_name, answer };
        output(
            || with_notes(text, &talk.answer.warnings, talk.answer.next_cursor.as_deref()),
            &talk,
            wish.output_format,
        )
    }
}
