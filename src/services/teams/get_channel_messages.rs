//! `teams_get_channel_messages`: posts of a channel with their answers, or one post with all of them.

use super::cards::checked_message_id;
use super::message::{BodyFormat, MessageItem, MessageView, render};
use super::{ALIASES, Desk, asker, fault, listing_schema, team};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Bounds, Room};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{Edge, local_text, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "teams_get_channel_messages";
/// Permissions of the tool; an administrator grants the last one.
pub(super) const SCOPES: &[&str] =
    &["Team.ReadBasic.All", "Channel.ReadBasic.All", "ChannelMessage.Read.All"];
const DEFAULT_LIMIT: usize = 20;
/// Pages that are read for one answer.
const MAX_PAGES: usize = 5;
/// Answers that a post in a list shows: the newest ones.
const SHOWN: usize = 10;

/// The tool.
pub(super) struct GetChannelMessages {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    team: String,
    channel: String,
    message_id: Option<String>,
    since: Option<String>,
    include_replies: Option<bool>,
    #[serde(default)]
    body_format: BodyFormat,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    #[serde(default)]
    output_format: OutputFormat,
}

/// What is asked; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    /// Below `/teams`, encoded.
    path: String,
    channel_id: String,
    /// For people: `team / channel`.
    place: String,
    root: Option<String>,
    since: Option<DateTime<Utc>>,
    include_replies: bool,
    body_format: BodyFormat,
    zone: String,
    /// Page of Graph's to go on with, and what of it was given already.
    link: Option<String>,
    skip: usize,
}

/// A post and what was answered, as callers get it.
#[derive(Serialize)]
struct ThreadItem {
    #[serde(flatten)]
    post: MessageItem,
    /// Oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replies: Vec<MessageItem>,
    /// There are older answers.
    more_replies: bool,
}

/// What was read.
#[derive(Default)]
struct Read {
    /// With the page that each is on, and its place there.
    threads: Vec<(ThreadItem, String, usize)>,
    scanned: usize,
    next: Option<(String, usize)>,
}

impl GetChannelMessages {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        // In short: what else a message has is described where chats are read, and the list must stay small.
        let item = json!({
            "id": {"type": "string"}, "from": {"type": "string"}, "sent_local": {"type": "string"},
            "sent_utc": {"type": "string"}, "subject": {"type": "string"}, "text": {"type": "string"},
            "replies": {"type": "array", "items": {"type": "object"}}, "more_replies": {"type": "boolean"},
            "link": {"type": "string"},
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Read Channel",
            description: "Read the posts of a Teams channel with their answers, those with the newest word first; or one \
                          post with all its answers.",
            input_schema: json!({"type": "object", "properties": {
                "team": text("Name or id of a team"),
                "channel": text("Name or id of a channel"),
                "message_id": text("Only this post, with all answers"),
                "since": text("Nothing older, e.g. 2026-03-31 or a time"),
                "include_replies": {"type": "boolean", "description": "Answers too; yes unless given"},
                "body_format": {"type": "string", "enum": ["markdown", "text", "html"], "description": "Form of texts; markdown unless given"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Posts, or answers of one post, per page; 20 unless given"},
                "cursor": text("next_cursor of the page before"),
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }, "required": ["team", "channel"]}),
            output_schema: listing_schema(&item),
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
        let since = wish.since.as_deref().map(|text| moment("since", text, zone, Edge::Start)).transpose()?;
        let root = wish.message_id.as_deref().map(|id| checked_message_id("message_id", id)).transpose()?;
        let (team, channel) = team::channel(&self.desk, context, &wish.team, &wish.channel).await?;
        Ok(Question {
            path: format!("/teams/{}/channels/{}/messages", segment(&team.id), segment(&channel.id)),
            channel_id: channel.id,
            place: format!("{} / {}", team.name, channel.name),
            root: root.map(str::to_owned),
            since,
            include_replies: wish.include_replies.unwrap_or(true),
            body_format: wish.body_format,
            zone: zone.name().to_owned(),
            link: None,
            skip: 0,
        })
    }

    async fn ask(
        &self,
        context: &CallContext,
        question: &Question,
        link: String,
    ) -> Result<crate::graph::client::Answer, GraphError> {
        let request = Request::teams(link).in_thread(&question.channel_id);
        self.desk.deps.graph.send(asker(context), request).await
    }

    /// `GET /teams/{id}/channels/{id}/messages?$top=…[&$expand=replies]` (ChannelMessage.Read.All).
    ///
    /// Graph knows no filter and no order here. Nothing is made of the order it gives: a page without anything in time
    /// ends it.
    async fn posts(
        &self,
        context: &CallContext,
        question: &Question,
        (want, zone): (usize, Tz),
    ) -> Result<Read, GraphError> {
        let mut target = Target::new(question.path.clone()).with("$top", &want.to_string());
        if question.include_replies {
            target = target.with("$expand", "replies");
        }
        let own = &*context.caller.user.oid;
        let (mut read, mut skip) = (Read::default(), question.skip);
        let mut link = Some(question.link.clone().unwrap_or_else(|| target.build()));
        for _ in 0..MAX_PAGES {
            let Some(here) = link else { break };
            let answer = self.ask(context, question, here.clone()).await?;
            let page: Page<'_, MessageView<'_>> = answer.view()?;
            let in_time = |view: &MessageView<'_>| {
                let said = |view: &MessageView<'_>| view.created_date_time.unwrap_or_default();
                question.since.is_none_or(|since| {
                    said(view) >= since || view.replies.iter().any(|one| said(one) >= since)
                })
            };
            for (at, view) in page.value.iter().enumerate().skip(skip) {
                if read.threads.len() >= want {
                    read.next = Some((here, at));
                    return Ok(read);
                }
                read.scanned += 1 + view.replies.len();
                // A post moves up when it is answered between two pages.
                let is_known = read.threads.iter().any(|(known, _, _)| known.post.id == *view.id);
                if !view.is_event() && in_time(view) && !is_known {
                    read.threads.push((ThreadItem::of(view, own, zone), here.clone(), at));
                }
            }
            link = page.next_link();
            if !page.value.is_empty() && !page.value.iter().any(in_time) {
                return Ok(read);
            }
            skip = 0;
            read.next = link.clone().map(|link| (link, 0));
        }
        Ok(read)
    }

    /// `GET …/messages/{id}` and `…/{id}/replies?$top=…` (ChannelMessage.Read.All), newest answers first.
    async fn thread(
        &self,
        context: &CallContext,
        (question, root): (&Question, &str),
        (want, zone): (usize, Tz),
    ) -> Result<Read, GraphError> {
        let own = &*context.caller.user.oid;
        let path = format!("{}/{}", question.path, segment(root));
        let answer = self.ask(context, question, path.clone()).await?;
        let view: MessageView<'_> = answer.view()?;
        let mut item = ThreadItem::of(&view, own, zone);
        let (mut scanned, mut next) = (1, None);
        let first = Target::new(format!("{path}/replies")).with("$top", &want.to_string()).build();
        let here = question.link.clone().unwrap_or(first);
        if question.include_replies {
            let answer = self.ask(context, question, here.clone()).await?;
            let page: Page<'_, MessageView<'_>> = answer.view()?;
            let in_time = |view: &&MessageView<'_>| {
                question.since.is_none_or(|since| view.created_date_time.unwrap_or_default() >= since)
            };
            let replies = page.value.iter().filter(|view| !view.is_event()).filter(in_time);
            item.replies = replies.map(|view| MessageItem::of(view, own, zone)).collect();
            item.replies.reverse();
            scanned += page.value.len();
            next = page.next_link().map(|link| (link, 0));
        }
        item.more_replies = next.is_some();
        Ok(Read { threads: vec![(item, here, 0)], scanned, next })
    }
}

impl ThreadItem {
    fn of(view: &MessageView<'_>, own: &str, zone: Tz) -> Self {
        let mut replies: Vec<MessageItem> = view
            .replies
            .iter()
            .filter(|view| !view.is_event())
            .map(|view| MessageItem::of(view, own, zone))
            .collect();
        replies.sort_by_key(|item| item.at);
        let older = replies.len().saturating_sub(SHOWN);
        replies.drain(..older);
        let more_replies = older > 0 || !view.more_replies.is_empty();
        Self { post: MessageItem::of(view, own, zone), replies, more_replies }
    }

    fn print(&self) -> String {
        let mut out = self.post.print();
        for reply in &self.replies {
            for line in reply.print().lines().filter(|line| !line.is_empty()) {
                let _ = writeln!(out, "> {line}");
            }
        }
        if self.more_replies {
            let _ = writeln!(out, "> (older answers: message_id {})", self.post.id);
        }
        out.push('\n');
        out
    }
}

/// Fills the texts of all messages at once.
async fn rendered(threads: &mut [(ThreadItem, String, usize)], format: BodyFormat) -> Result<(), ToolError> {
    let all = threads.iter().flat_map(|(thread, _, _)| std::iter::once(&thread.post).chain(&thread.replies));
    let mut done = render(all.cloned().collect(), format).await?.into_iter();
    for (thread, _, _) in threads {
        for item in std::iter::once(&mut thread.post).chain(&mut thread.replies) {
            if let Some(rendered) = done.next() {
                *item = rendered;
            }
        }
    }
    Ok(())
}

#[async_trait]
impl Tool for GetChannelMessages {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut question = self.question(context, &wish).await?;
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let read = match &question.root {
            Some(root) => self.thread(context, (&question, root), (limit, zone)).await,
            None => self.posts(context, &question, (limit, zone)).await,
        };
        let Read { mut threads, scanned, mut next } = read.map_err(|error| fault(error, SCOPES))?;
        rendered(&mut threads, question.body_format).await?;
        let mut room = Room::new(limit, max_chars);
        for (thread, link, at) in threads {
            let line = thread.print();
            if !room.put(thread, &line) {
                // What was read and has no room comes again.
                next = Some((link, at));
                break;
            }
        }
        let window = question.since.map(|since| Bounds { start: local_text(since, zone), end: None });
        let next_cursor = match next {
            Some((link, skip)) => {
                (question.link, question.skip) = (Some(link), skip);
                Some(self.desk.deps.cursors.save(context, NAME, &question).await?)
            }
            None => None,
        };
        let answer = Answer {
            count: room.items.len(),
            has_more: next_cursor.is_some(),
            next_cursor,
            applied: Applied {
                engine: "channel",
                window,
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        let text = format!("{} posts of {}\n\n{}", answer.count, question.place, room.text);
        answer.output(text, wish.output_format)
    }
}
