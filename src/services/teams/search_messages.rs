//! `teams_search_messages`: what was said, over all chats by Microsoft's index, or in one chat by reading it.

use super::chat::{self, ChatItem};
use super::names::Names;
use super::recipient::folded;
use super::search::{Found, HitItem, Position, Sought, everywhere, in_chat};
use super::{Desk, NOTES, SCOPES, checked_chat_id, listing_schema, read_fault, recipient};
use crate::services::answer::{Answer, Applied, Room};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{Edge, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "teams_search_messages";
const DEFAULT_LIMIT: usize = 25;
/// Messages of one chat that are looked at for one answer.
const DEFAULT_MOST: usize = 500;
/// Chats that are looked through for the names of those with hits.
const NAMED: usize = 200;

/// The tool.
pub(super) struct SearchMessages {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    #[default]
    AllChats,
    CurrentChat,
    Channels,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    keyword: String,
    search_scope: Scope,
    chat_id: Option<String>,
    recipient_name: Option<String>,
    from: Option<String>,
    to: Option<String>,
    since: Option<String>,
    before: Option<String>,
    mentions_me: bool,
    has_attachment: Option<bool>,
    max_results: Option<usize>,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// What is asked; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    scope: Scope,
    sought: Sought,
    /// Id and name.
    chat: Option<(String, String)>,
    /// Object ids.
    authors: Option<Vec<String>>,
    position: Option<Position>,
    zone: String,
}

impl SearchMessages {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: NAME,
            title: "Search Messages",
            description: "Find Teams messages by words, people and time, newest first: in all chats, in one of them with the lines \
                          around each hit, or in channels.",
            input_schema: json!({"type": "object", "properties": {
                "keyword": text("Words that are all in it; \"in quotes\" as they are"),
                "search_scope": {"type": "string", "enum": ["all_chats", "current_chat", "channels"], "description": "all_chats unless given"},
                "chat_id": text("For current_chat: id of the chat, unchanged"),
                "recipient_name": text("For current_chat: name of the chat, instead of chat_id"),
                "from": text("Only by this person"),
                "to": text("Only to this person, in chats of two"),
                "since": text("Nothing older, e.g. 2026-03-31 or a time"),
                "before": text("Nothing newer: a time, or a day that is included"),
                "mentions_me": {"type": "boolean", "description": "Only what mentions the user"},
                "has_attachment": {"type": "boolean", "description": "Only with, or only without files"},
                "max_results": {"type": "integer", "minimum": 50, "maximum": 1000, "description": "For current_chat: messages looked at; 500 unless given"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Hits per page; 25 unless given"},
                "cursor": text("next_cursor of the page before"),
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&json!({
                "message_id": {"type": "string"}, "chat_id": {"type": "string"}, "chat_name": {"type": "string"},
                "team_id": {"type": "string"}, "channel_id": {"type": "string"}, "from": {"type": "string"},
                "sent_local": {"type": "string"}, "sent_utc": {"type": "string"}, "subject": {"type": "string"},
                "text": {"type": "string"}, "context": {"type": "array", "items": {"type": "string"}},
                "link": {"type": "string"},
            })),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: &[("user_id", "user_id"), ("page_size", "limit"), ("query", "keyword")],
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
        let sought = Sought {
            keyword: wish.keyword.chars().take(500).collect(),
            from: wish.from.clone(),
            to: wish.to.clone(),
            since: at("since", &wish.since, Edge::Start)?,
            before: at("before", &wish.before, Edge::End)?,
            mentions_me: wish.mentions_me,
            has_attachment: wish.has_attachment,
        };
        if sought.since.is_some_and(|since| sought.before.is_some_and(|before| before <= since)) {
            return Err(ToolError::invalid("before", "`before` lies before `since`. Swap them."));
        }
        if sought.kql().is_empty() {
            let text = "`keyword` is missing: words to look for, or one of `from`, `since`, `before`, `mentions_me`.";
            return Err(ToolError::invalid("keyword", text));
        }
        let mut question = Question {
            scope: wish.search_scope,
            sought,
            chat: None,
            authors: None,
            position: None,
            zone: zone.name().to_owned(),
        };
        let place = self.place(context, wish).await?;
        match (wish.search_scope, place) {
            (Scope::CurrentChat, Some(chat)) => {
                if wish.to.is_some() {
                    let text = "`to` belongs to all_chats: in one chat everybody hears everything.";
                    return Err(ToolError::invalid("to", text));
                }
                question.authors = self.authors(context, &chat.0, wish.from.as_deref()).await?;
                question.chat = Some(chat);
            }
            (Scope::CurrentChat, None) => {
                let text = "current_chat needs `chat_id` or `recipient_name`.";
                return Err(ToolError::invalid("chat_id", text));
            }
            (Scope::AllChats | Scope::Channels, Some(_)) => {
                let text = "`chat_id` and `recipient_name` belong to the search_scope current_chat.";
                return Err(ToolError::invalid("search_scope", text));
            }
            (Scope::AllChats | Scope::Channels, None) => {}
        }
        Ok(question)
    }

    /// Id and name of the chat that is named.
    async fn place(&self, context: &CallContext, wish: &Wish) -> Result<Option<(String, String)>, ToolError> {
        Ok(match (&wish.chat_id, &wish.recipient_name) {
            (Some(_), Some(_)) => {
                let text = "`chat_id` and `recipient_name` exclude each other. Give one of them.";
                return Err(ToolError::invalid("recipient_name", text));
            }
            (Some(id), None) => Some((checked_chat_id(id)?.to_owned(), String::new())),
            (None, Some(name)) => {
                let chat = recipient::chat_named(&self.desk, context, name).await?;
                Some((chat.chat_id, chat.name))
            }
            (None, None) => None,
        })
    }

    /// Who in the chat is meant by `from`.
    async fn authors(
        &self,
        context: &CallContext,
        chat: &str,
        from: Option<&str>,
    ) -> Result<Option<Vec<String>>, ToolError> {
        let Some(wanted) = from.map(folded) else { return Ok(None) };
        let profile = self.desk.deps.graph.access(&context.caller.user).await.map_err(read_fault)?;
        let own = chat::Member {
            id: context.caller.user.oid.to_string(),
            name: profile.profile.name.clone(),
            mail: profile.profile.username.clone(),
        };
        let mut people = if chat == NOTES {
            Vec::new()
        } else {
            chat::members(&self.desk, context, chat).await.map_err(read_fault)?
        };
        people.push(own);
        let fits =
            |one: &&chat::Member| folded(&one.name).contains(&wanted) || folded(&one.mail).contains(&wanted);
        let found: Vec<String> =
            people.iter().filter(fits).map(|one| one.id.clone()).filter(|id| !id.is_empty()).collect();
        if found.is_empty() {
            let named: Vec<String> = people.iter().map(chat::Member::printed).collect();
            let text = format!("`from` names nobody in this chat. In it are: {}.", named.join(", "));
            return Err(ToolError::invalid("from", text));
        }
        Ok(Some(found))
    }

    /// Puts names to the chats of hits, as far as the newest chats have them. A hit is worth having without.
    async fn name(&self, context: &CallContext, items: &mut [HitItem]) {
        let Ok(names) = Names::of(&self.desk, context).await else { return };
        let ids: Vec<String> =
            items.iter().map(|item| item.chat_id.clone()).filter(|id| !id.is_empty()).collect();
        let enough = |chats: &[ChatItem]| {
            chats.len() >= NAMED || ids.iter().all(|id| chats.iter().any(|chat| chat.chat_id == *id))
        };
        if ids.is_empty() {
            return;
        }
        let Ok((chats, _)) = chat::read(&self.desk, context, &names, enough).await else { return };
        for item in items {
            if let Some(chat) = chats.iter().find(|chat| chat.chat_id == item.chat_id) {
                item.chat_name.clone_from(&chat.name);
            }
        }
    }
}

#[async_trait]
impl Tool for SearchMessages {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut question = self.question(context, &wish).await?;
        if question.scope == Scope::Channels {
            context.caller.require(NAME, &["Chat.Read", "ChannelMessage.Read.All"])?;
        }
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let mut sought = question.sought.clone();
        let (mut start, mut engine) = (0, "graph_search");
        match question.position {
            Some(Position::Ranked(from)) => start = from,
            Some(Position::Before(at)) => sought.before = Some(at),
            None => {}
        }
        let Found { items, scanned, next } = if let Some((chat, name)) = &question.chat {
            engine = "messages";
            let most = wish.max_results.unwrap_or(DEFAULT_MOST);
            let authors = question.authors.as_deref();
            let mut found =
                in_chat(&self.desk, context, (chat, &sought), (limit, most), (authors, zone)).await?;
            for item in &mut found.items {
                (item.chat_id, item.chat_name) = (chat.clone(), name.clone());
            }
            found
        } else {
            let channels = question.scope == Scope::Channels;
            let found = everywhere(&self.desk, context, &sought, (start, limit), (channels, zone)).await;
            let mut found = found.map_err(read_fault)?;
            self.name(context, &mut found.items).await;
            found
        };
        let mut room = Room::new(limit, max_chars);
        question.position = next;
        for item in items {
            let line = print(&item, room.items.len() + 1);
            // What was read and has no room comes again: the index counts, a chat goes by time.
            let (rank, newest) = (item.rank, room.items.last().map(|last: &HitItem| last.at));
            if !room.put(item, &line) {
                let in_chat = newest.filter(|_| question.chat.is_some()).map(Position::Before);
                question.position = in_chat.or(Some(Position::Ranked(rank)));
                break;
            }
        }
        let next_cursor = match question.position {
            Some(_) => Some(self.desk.deps.cursors.save(context, NAME, &question).await?),
            None => None,
        };
        let answer = Answer {
            count: room.items.len(),
            has_more: next_cursor.is_some(),
            next_cursor,
            applied: Applied {
                engine,
                query: question.sought.kql(),
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        let text = format!("{} hits, newest first\n\n{}", answer.count, room.text);
        answer.output(text, wish.output_format)
    }
}

fn print(item: &HitItem, number: usize) -> String {
    let when = item.sent_local.get(..16).unwrap_or(&item.sent_local).replace('T', " ");
    let place = if item.chat_name.is_empty() { String::new() } else { format!(" · in {}", item.chat_name) };
    let mut out = format!("{number}. **{}** · {when}{place}\n   {}\n", item.from, item.text);
    for line in &item.context {
        let _ = writeln!(out, "   > {line}");
    }
    let _ = match item.chat_id.as_str() {
        "" => writeln!(
            out,
            "   message_id: {} · team: {} · channel: {}",
            item.message_id, item.team_id, item.channel_id
        ),
        chat => writeln!(out, "   message_id: {} · chat_id: {chat}", item.message_id),
    };
    out
}
