//! `teams_get_chats_by_date`: where something was said in a period, and with whom.

use super::chat::{self, ChatItem, MAX_CHATS};
use super::list_chats::{Chats, chats_schema};
use super::message::MessageView;
use super::names::Names;
use super::recipient::folded;
use super::{ALIASES, Desk, SCOPES, asker, read_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Bounds};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::time::{Edge, instant, local, local_text, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const DEFAULT_DAYS: u32 = 7;
/// Chats of one answer.
const MAX_ITEMS: usize = 200;
/// Chats that went on after the period and are looked into.
const MAX_PROBES: usize = 40;

/// The tool.
pub(super) struct GetChatsByDate {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    days: Option<u32>,
    start_date: Option<String>,
    end_date: Option<String>,
    user_name_filter: Option<String>,
    output_format: OutputFormat,
}

/// From `start`, before `end`.
struct Window {
    start: DateTime<Utc>,
    end: Option<DateTime<Utc>>,
}

impl Wish {
    fn window(&self, zone: Tz, now: DateTime<Utc>) -> Result<Window, ToolError> {
        let end =
            self.end_date.as_deref().map(|text| moment("end_date", text, zone, Edge::End)).transpose()?;
        let start = if let Some(text) = &self.start_date {
            moment("start_date", text, zone, Edge::Start)?
        } else {
            let last = end.map_or(now, |end| end - TimeDelta::seconds(1)).with_timezone(&zone).date_naive();
            local(last - Days::new(u64::from(self.days.unwrap_or(DEFAULT_DAYS))), zone)
        };
        if start > now {
            return Err(ToolError::invalid("start_date", "`start_date` lies in the future."));
        }
        if end.is_some_and(|end| end <= start) {
            return Err(ToolError::invalid("end_date", "`end_date` lies before `start_date`. Swap them."));
        }
        Ok(Window { start, end: end.filter(|end| *end <= now) })
    }
}

impl GetChatsByDate {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let date = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "teams_get_chats_by_date",
            title: "Chats by Date",
            description: "List the Teams chats in which something was said in a period, with the people and the last \
                          message.",
            input_schema: json!({"type": "object", "properties": {
                "days": {"type": "integer", "minimum": 1, "maximum": 3650, "description": "Days back, without start_date; 7 unless given"},
                "start_date": date("First day, e.g. 2026-03-31, or a time"),
                "end_date": date("Last day, included, or a time; now unless given"),
                "user_name_filter": date("Part of a person's or chat's name, Korean name or address"),
                "output_format": output_format_schema(),
            }}),
            output_schema: chats_schema(),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// When something was said last before `end`: `GET /chats/{id}/messages?$top=1` (Chat.Read).
    async fn last_before(
        &self,
        context: &CallContext,
        chat: &str,
        end: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, GraphError> {
        let at = end.to_rfc3339_opts(SecondsFormat::Millis, true);
        let target = Target::new(format!("/chats/{}/messages", segment(chat)))
            .with("$top", "1")
            .with("$orderby", "createdDateTime desc")
            .with("$filter", &format!("createdDateTime lt {at}"));
        let request = Request::teams(target.build()).in_thread(chat);
        let answer = self.desk.deps.graph.send(asker(context), request).await?;
        let page: Page<'_, MessageView<'_>> = answer.view()?;
        Ok(page.value.first().and_then(|view| view.created_date_time))
    }

    /// Chats of the period, and how many that went on afterwards were not looked into. The list tells the last message
    /// of a chat only, so those with a later one are asked.
    async fn within(
        &self,
        context: &CallContext,
        chats: Vec<ChatItem>,
        window: &Window,
    ) -> Result<(Vec<ChatItem>, usize), GraphError> {
        let (mut found, mut probes, mut unknown) = (Vec::new(), 0, 0);
        for mut chat in chats {
            match (chat.at, window.end) {
                (Some(at), Some(end)) if at >= end => {
                    if chat.created.is_some_and(|created| created >= end) {
                        continue;
                    }
                    if probes >= MAX_PROBES {
                        unknown += 1;
                        continue;
                    }
                    probes += 1;
                    let last = self.last_before(context, &chat.chat_id, end).await?;
                    if last.is_some_and(|last| last >= window.start) {
                        chat.forget_last(last);
                        found.push(chat);
                    }
                }
                (Some(at), _) if at >= window.start => found.push(chat),
                _ => {}
            }
        }
        Ok((found, unknown))
    }
}

#[async_trait]
impl Tool for GetChatsByDate {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let deps = &self.desk.deps;
        let zone = self.desk.zones.of(deps, context).await;
        let window = wish.window(zone, instant(deps.clock.now()))?;
        let names = Names::of(&self.desk, context).await?;
        // Newest first: a chat older than the period ends the reading.
        let past =
            |chats: &[ChatItem]| chats.last().is_some_and(|chat| chat.at.is_none_or(|at| at < window.start));
        let (mut chats, cut) = chat::read(&self.desk, context, &names, past).await.map_err(read_fault)?;
        let scanned = chats.len();
        if cut && scanned >= MAX_CHATS {
            warnings.push(format!("Only the newest {MAX_CHATS} chats were looked at."));
        }
        if let Some(wanted) = wish.user_name_filter.as_deref().map(folded) {
            chats.retain(|chat| chat.mentions(&wanted));
        }
        let (mut items, unknown) = self.within(context, chats, &window).await.map_err(read_fault)?;
        if unknown > 0 {
            warnings.push(format!(
                "{unknown} chats went on after the period and were not looked into: ask for a shorter period or a name."
            ));
        }
        let found = items.len();
        items.truncate(MAX_ITEMS);
        let items: Vec<ChatItem> = items.into_iter().map(|chat| chat.shown(zone)).collect();
        let (start, end) = (local_text(window.start, zone), window.end.map(|end| local_text(end, zone)));
        let until = end.as_deref().unwrap_or("now");
        let mut text = format!("{found} chats from {start} to {until}\n\n");
        for (number, chat) in items.iter().enumerate() {
            text.push_str(&chat.print(number + 1));
        }
        let answer = Answer {
            count: items.len(),
            has_more: found > MAX_ITEMS || unknown > 0,
            next_cursor: None,
            applied: Applied {
                engine: "list",
                window: Some(Bounds { start, end }),
                post_filters: if wish.user_name_filter.is_some() {
                    vec!["user_name_filter"]
                } else {
                    Vec::new()
                },
                query: wish.user_name_filter.unwrap_or_default(),
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: found > MAX_ITEMS,
            max_chars: deps.settings.max_chars,
            items,
            warnings,
        };
        Chats::of(answer).output(text, wish.output_format)
    }
}
