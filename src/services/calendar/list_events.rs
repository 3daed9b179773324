//! `calendar_list_events`: what is in the calendar in a period, series as their single occurrences.

use super::event::{EventItem, EventView, SELECT, event_schema, note_conflicts};
use super::span::{Said, Span};
use super::{Desk, SCOPES, asker, calendars, fault, time_zone_schema};
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Bounds, listing_schema};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::mailbox::calendar_schema;
use crate::services::time::{instant, local_text, utc_text};
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

/// Events of a page of Graph's; its default is ten.
const PAGE: &str = "200";
/// Events read for one answer.
const MAX_EVENTS: usize = 2_000;
const DEFAULT_LIMIT: usize = 50;
const DEFAULT_DAYS: u64 = 30;

/// The tool.
pub(super) struct ListEvents {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    start_date: Option<String>,
    end_date: Option<String>,
    search_query: Option<String>,
    calendar: Option<String>,
    time_zone: Option<String>,
    include_cancelled: bool,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// What a listing asks; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    span: Span,
    /// Path of the calendar.
    path: String,
    words: Vec<String>,
    include_cancelled: bool,
    zone: String,
    /// The last event that was answered: what comes after it in order of start and id is next.
    after: Option<(String, String)>,
}

impl ListEvents {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let date = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "calendar_list_events",
            title: "List Events",
            description: "List the user's calendar events of a period, each occurrence of a series on its own, with \
                          conflicts, responses and join links.",
            input_schema: json!({"type": "object", "properties": {
                "start_date": date("First day, e.g. 2026-03-31, or a time; today unless given"),
                "end_date": date("Last day, included, or a time; 30 days after the start unless given"),
                "search_query": {"type": "string", "description": "Words that must all occur in subject, place or people"},
                "mailbox": calendar_schema(),
                "calendar": {"type": "string", "description": "Name or id of a calendar; the default one unless given"},
                "time_zone": time_zone_schema(),
                "include_cancelled": {"type": "boolean", "description": "Cancelled events too; no unless given"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Events per page; 50 unless given"},
                "cursor": {"type": "string", "description": "next_cursor of the page before"},
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&event_schema()),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { desk, spec }
    }

    async fn question(&self, context: &CallContext, wish: &Wish) -> Result<Question, ToolError> {
        if let Some(cursor) = &wish.cursor {
            return self.desk.deps.cursors.load(context, self.spec.name, cursor).await;
        }
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let said = Said {
            start: ("start_date", wish.start_date.as_deref()),
            end: ("end_date", wish.end_date.as_deref()),
            days: DEFAULT_DAYS,
        };
        let span = said.span(zone, instant(self.desk.deps.clock.now()))?;
        let words = wish.search_query.as_deref().unwrap_or_default().to_lowercase();
        Ok(Question {
            span,
            path: calendars::path(&self.desk.deps.graph, context, wish.calendar.as_deref()).await?,
            words: words.split_whitespace().map(str::to_owned).collect(),
            include_cancelled: wish.include_cancelled,
            zone: zone.name().to_owned(),
            after: None,
        })
    }

    /// All events of the period in order; true when there are more than are read.
    ///
    /// `GET /me/calendarView` or `/me/calendars/{id}/calendarView` (Calendars.Read). The offset in the two times
    /// decides the period; the answer's times are UTC.
    async fn read(
        &self,
        context: &CallContext,
        question: &Question,
        zone: Tz,
    ) -> Result<(Vec<EventItem>, bool), GraphError> {
        let target = Target::new(format!("{}/calendarView", question.path))
            .with("startDateTime", &utc_text(question.span.start))
            .with("endDateTime", &utc_text(question.span.end))
            .with("$select", SELECT)
            .with("$orderby", "start/dateTime")
            .with("$top", PAGE);
        let (mut items, mut link) = (Vec::new(), Some(target.build()));
        while let Some(next) = link {
            if items.len() >= MAX_EVENTS {
                return Ok((items, true));
            }
            let answer = self.desk.deps.graph.send(asker(context), Request::next(next)).await?;
            let page: Page<'_, EventView<'_>> = answer.view()?;
            items.extend(page.value.iter().map(|view| EventItem::new(view, zone).marked(context)));
            link = page.next_link();
        }
        // Whole days are instants only in the user's zone, so the order is made here.
        items.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        Ok((items, false))
    }
}

#[async_trait]
impl Tool for ListEvents {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let mut question = self.question(context, &wish).await?;
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let (mut all, cut) = self.read(context, &question, zone).await.map_err(fault)?;
        if cut {
            warnings.push(format!("Only the first {MAX_EVENTS} events were read: ask for a shorter period."));
        }
        let scanned = all.len();
        note_conflicts(&mut all);
        let after = question.after.take();
        let is_wanted = |item: &EventItem| {
            (question.include_cancelled || !item.cancelled)
                && item.mentions(&question.words)
                && after.as_ref().is_none_or(|(start, id)| (&item.start_utc, &item.id) > (start, id))
        };
        let mut rest = all.into_iter().filter(is_wanted);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let (mut items, mut text) = (Vec::new(), Listing::default());
        let mut left = None;
        for item in rest.by_ref() {
            let full = items.len() >= wish.limit.unwrap_or(DEFAULT_LIMIT);
            let line = line(&item);
            if full || (!items.is_empty() && text.would_exceed(&line, max_chars)) {
                left = Some(if full { Left::Limit } else { Left::Size });
                break;
            }
            text.add(&item, &line);
            items.push(item);
        }
        let next_cursor = match (left, items.last()) {
            (Some(_), Some(last)) => {
                question.after = Some((last.start_utc.clone(), last.id.clone()));
                let cursors = &self.desk.deps.cursors;
                Some(cursors.save(context, self.spec.name, &question).await?)
            }
            _ => None,
        };
        let (start, end) = (local_text(question.span.start, zone), local_text(question.span.end, zone));
        let whose = context.mailbox.as_ref().map(|mailbox| format!(" of {mailbox}")).unwrap_or_default();
        let heading = format!("{} events{whose} from {start} to {end} ({zone})\n", items.len());
        let answer = Answer {
            count: items.len(),
            has_more: left.is_some() || cut,
            next_cursor,
            applied: Applied {
                engine: "calendar_view",
                window: Some(Bounds { start, end: Some(end) }),
                query: question.words.join(" "),
                post_filters: if question.words.is_empty() { Vec::new() } else { vec!["search_query"] },
                scanned,
                mailbox: context.mailbox.as_ref().map(ToString::to_string),
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: left == Some(Left::Size),
            max_chars,
            items,
            warnings,
        };
        answer.output(heading + &text.text, wish.output_format)
    }
}

/// Why events were left for the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Limit,
    Size,
}

/// Events as text, under a heading for each day.
#[derive(Default)]
struct Listing {
    text: String,
    /// Characters of `text`.
    chars: usize,
    day: String,
}

impl Listing {
    fn add(&mut self, item: &EventItem, line: &str) {
        let day = item.start.get(..10).unwrap_or_default();
        if day != self.day {
            self.push(&format!("\n## {day}\n"));
            day.clone_into(&mut self.day);
        }
        self.push(line);
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.chars += text.chars().count();
    }

    fn would_exceed(&self, line: &str, max_chars: usize) -> bool {
        self.chars + line.chars().count() > max_chars
    }
}

fn line(item: &EventItem) -> String {
    let when = if item.all_day {
        if item.start == item.end { "all day".to_owned() } else { format!("until {}", item.end) }
    } else {
        let clock = |text: &str| text.get(11..16).unwrap_or_default().to_owned();
        let same_day = item.start.get(..10) == item.end.get(..10);
        let end = if same_day {
            clock(&item.end)
        } else {
            item.end.get(..16).unwrap_or_default().replace('T', " ")
        };
        format!("{}–{end}", clock(&item.start))
    };
    let mut line = format!("- {when} **{}**", item.subject);
    let marks = [
        (!item.location.is_empty()).then(|| item.location.clone()),
        (!item.organizer.is_empty() && item.my_response != "organizer")
            .then(|| format!("by {}", item.organizer)),
        (!matches!(item.my_response.as_str(), "" | "organizer"))
            .then(|| format!("my answer: {}", item.my_response)),
        item.cancelled.then(|| "CANCELLED".to_owned()),
        item.private.then(|| "private".to_owned()),
        (!item.join_url.is_empty()).then(|| format!("join: {}", item.join_url)),
        (!item.conflicts.is_empty()).then(|| format!("overlaps {}", item.conflicts.join(", "))),
    ];
    for mark in marks.into_iter().flatten() {
        let _ = write!(line, " · {mark}");
    }
    let _ = writeln!(line, "\n  id: {}", item.id);
    line
}
