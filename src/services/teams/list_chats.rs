//! `teams_list_chats`: the user's chats, newest first.

use super::chat::{self, ChatItem, MAX_CHATS, chat_schema};
use super::names::Names;
use super::recipient::folded;
use super::{ALIASES, Desk, SCOPES, listing_schema, read_fault};
use crate::services::answer::{Answer, Applied, output, with_notes, with_properties};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const NAME: &str = "teams_list_chats";
const DEFAULT_LIMIT: usize = 50;

/// The tool.
pub(super) struct ListChats {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SortBy {
    #[default]
    Recent,
    Name,
    Type,
}

/// What a listing asks; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Question {
    sort_by: SortBy,
    filter_by_name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    unread_only: bool,
    /// Chats that were answered already: the order changes whenever somebody says something.
    seen: BTreeSet<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    #[serde(flatten)]
    question: Question,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// A listing of chats, and those that nobody can call by a Korean name yet.
#[derive(Serialize)]
pub(super) struct Chats {
    #[serde(flatten)]
    pub(super) answer: Answer<ChatItem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) needs_korean_name: Vec<String>,
}

/// Output schema of [`Chats`].
pub(super) fn chats_schema() -> Value {
    let more = json!({"needs_korean_name": {"type": "array", "items": {"type": "string"}}});
    with_properties(listing_schema(&chat_schema()), more)
}

impl Chats {
    pub(super) fn of(answer: Answer<ChatItem>) -> Self {
        let needs = answer.items.iter().filter(|chat| chat.lacks_korean_name()).map(|chat| chat.name.clone());
        Self { needs_korean_name: needs.collect(), answer }
    }

    pub(super) fn output(&self, mut text: String, format: OutputFormat) -> Result<ToolOutput, ToolError> {
        if !self.needs_korean_name.is_empty() {
            text.push_str(
                "\nSome have no Korean name: transliterate what is in needs_korean_name and save it.\n",
            );
        }
        let answer = &self.answer;
        output(|| with_notes(text, &answer.warnings, answer.next_cursor.as_deref()), self, format)
    }
}

impl ListChats {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: NAME,
            title: "List Chats",
            description: "List the user's Teams chats: one-on-one, group and meeting, with the people, the last message \
                          and Korean names.",
            input_schema: json!({"type": "object", "properties": {
                "sort_by": {"type": "string", "enum": ["recent", "name", "type"], "description": "Order; recent unless given"},
                "filter_by_name": {"type": "string", "description": "Part of a chat's name, Korean name, or a person's name or address"},
                "type": {"type": "string", "enum": ["oneOnOne", "group", "meeting"], "description": "Only such chats"},
                "unread_only": {"type": "boolean", "description": "Only chats with something unread"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Chats per page; 50 unless given"},
                "cursor": {"type": "string", "description": "next_cursor of the page before"},
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: chats_schema(),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

impl Question {
    fn holds(&self, chat: &ChatItem) -> bool {
        !self.seen.contains(&chat.chat_id)
            && self.kind.as_ref().is_none_or(|kind| *kind == chat.kind)
            && (!self.unread_only || chat.unread)
            && self.filter_by_name.as_deref().is_none_or(|name| chat.mentions(&folded(name)))
    }

    fn post_filters(&self) -> Vec<&'static str> {
        let all = [
            (self.filter_by_name.is_some(), "filter_by_name"),
            (self.kind.is_some(), "type"),
            (self.unread_only, "unread_only"),
        ];
        all.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
    }

    fn sort(&self, chats: &mut [ChatItem]) {
        match self.sort_by {
            SortBy::Recent => {}
            SortBy::Name => chats.sort_by_cached_key(|chat| folded(&chat.name)),
            SortBy::Type => chats.sort_by_cached_key(|chat| chat.kind.clone()),
        }
    }
}

#[async_trait]
impl Tool for ListChats {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let deps = &self.desk.deps;
        let mut question = match &wish.cursor {
            Some(cursor) => deps.cursors.load(context, NAME, cursor).await?,
            None => wish.question,
        };
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
        let max_chars = wish.max_chars.unwrap_or(deps.settings.max_chars);
        let zone = self.desk.zones.of(deps, context).await;
        let names = Names::of(&self.desk, context).await?;
        // Newest first is Graph's own order: one chat more than wanted tells that there are more.
        let enough = |chats: &[ChatItem]| {
            question.sort_by == SortBy::Recent
                && chats.iter().filter(|chat| question.holds(chat)).count() > limit
        };
        let (mut chats, cut) = chat::read(&self.desk, context, &names, enough).await.map_err(read_fault)?;
        let scanned = chats.len();
        if cut && scanned >= MAX_CHATS {
            warnings.push(format!("Only the newest {MAX_CHATS} chats were looked at."));
        }
        chats.retain(|chat| question.holds(chat));
        question.sort(&mut chats);
        let (mut items, mut text, mut chars, mut left) = (Vec::new(), String::new(), 0, None);
        for chat in chats {
            let chat = chat.shown(zone);
            let line = chat.print(items.len() + 1);
            let size = line.chars().count();
            let full = items.len() >= limit;
            if full || (!items.is_empty() && chars + size > max_chars) {
                left = Some(!full);
                break;
            }
            chars += size;
            text.push_str(&line);
            items.push(chat);
        }
        let next_cursor = if left.is_some() {
            question.seen.extend(items.iter().map(|chat| chat.chat_id.clone()));
            Some(deps.cursors.save(context, NAME, &question).await?)
        } else {
            None
        };
        let answer = Answer {
            count: items.len(),
            has_more: left.is_some() || cut,
            next_cursor,
            applied: Applied {
                engine: "list",
                post_filters: question.post_filters(),
                query: question.filter_by_name.unwrap_or_default(),
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: left == Some(true),
            max_chars,
            items,
            warnings,
        };
        let heading = format!("{} chats\n\n", answer.count);
        Chats::of(answer).output(heading + &text, wish.output_format)
    }
}
