//! `calendar_changes`: what came, changed or went in a period of the calendar since the last look.

use super::event::{EventItem, EventView};
use super::span::Said;
use super::{ALIASES, Desk, SCOPES, asker, fault, time_zone_schema};
use crate::graph::encode::Target;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::since;
use crate::services::time::{instant, local_text, utc_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "calendar_changes";
/// Events per page of Graph.
const PAGE: u32 = 200;
/// Changes of one answer, give or take a page: they have to fit into it.
const MAX_TOLD: usize = 200;
/// Pages of one call.
const MAX_PAGES: usize = 20;
/// How long the place of the last look is kept.
const LIFE: Duration = Duration::from_hours(24 * 7);
const DEFAULT_DAYS: u64 = 90;

/// The tool.
pub(super) struct CalendarChanges {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    start: Option<String>,
    end: Option<String>,
    time_zone: Option<String>,
    since_cursor: Option<String>,
}

/// Where the next look begins; kept behind a cursor.
#[derive(Serialize, Deserialize)]
struct Look {
    /// A target of ours, or Graph's own next or delta link.
    link: String,
    /// What was made after this is new to the caller.
    since: DateTime<Utc>,
    zone: String,
    /// The period as it is told.
    period: String,
    /// Everything that lies in the period is still being passed over.
    first: bool,
}

/// An event that came or changed; a series stands for its regular occurrences.
#[derive(Serialize)]
struct Change {
    id: String,
    subject: String,
    start: String,
    end: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    organizer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    my_response: String,
    cancelled: bool,
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

/// When an event was made.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    created_date_time: Option<DateTime<Utc>>,
}

impl CalendarChanges {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let changes = json!({"type": "array", "items": {"type": "object", "properties": {
            "id": {"type": "string"}, "subject": {"type": "string"}, "start": {"type": "string"},
            "end": {"type": "string"}, "kind": {"type": "string"}, "repeats": {"type": "string"},
            "location": {"type": "string"}, "organizer": {"type": "string"}, "my_response": {"type": "string"},
            "cancelled": {"type": "boolean"},
        }}});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: NAME,
            title: "Calendar Changes",
            description: "What came, changed or went in a period of the default calendar since the last look. The first \
                          call only gives the cursor.",
            input_schema: json!({"type": "object", "properties": {
                "start": text("First day of the period, at the first call; today unless given"),
                "end": text("Last day, at the first call; 90 days after the start unless given"),
                "since_cursor": text("since_cursor of the last look, good for a week"),
                "time_zone": time_zone_schema(),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "added": changes.clone(), "updated": changes, "removed": texts.clone(), "has_more": {"type": "boolean"},
                "since_cursor": {"type": "string"}, "warnings": texts,
            }, "required": ["added", "updated", "removed", "since_cursor"]}),
            annotations: Annotations { idempotent: false, ..Annotations::READ_UNTRUSTED },
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn look(&self, context: &CallContext, wish: &Wish) -> Result<Look, ToolError> {
        let deps = &self.desk.deps;
        if let Some(cursor) = &wish.since_cursor {
            if wish.start.is_some() || wish.end.is_some() {
                let text =
                    "The period belongs to the first look: leave out `start` and `end`, or `since_cursor`.";
                return Err(ToolError::invalid("start", text));
            }
            return since::kept(deps.cursors.load(context, NAME, cursor).await, gone);
        }
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let said = Said {
            start: ("start", wish.start.as_deref()),
            end: ("end", wish.end.as_deref()),
            days: DEFAULT_DAYS,
        };
        let now = instant(deps.clock.now());
        let span = said.span(zone, now)?;
        let link = Target::new("/me/calendarView/delta")
            .with("startDateTime", &utc_text(span.start))
            .with("endDateTime", &utc_text(span.end));
        Ok(Look {
            link: link.build(),
            since: now.trunc_subsecs(0),
            zone: zone.name().to_owned(),
            period: format!("{} to {}", local_text(span.start, zone), local_text(span.end, zone)),
            first: true,
        })
    }

    /// `GET /me/calendarView/delta` (Calendars.Read), page by page up to the delta link. It takes no `$select`.
    async fn follow(&self, context: &CallContext, look: &mut Look, told: &mut Told) -> Result<(), ToolError> {
        let zone: Tz = look.zone.parse().unwrap_or(Tz::UTC);
        for _ in 0..MAX_PAGES {
            let request = Request::next(look.link.clone()).utc().page_size(PAGE);
            let sent = self.desk.deps.graph.send(asker(context), request).await;
            let answer = sent.map_err(|error| since::failed(error, gone, fault))?;
            let page: Page<'_, Value> = answer.view().map_err(fault)?;
            if !look.first {
                for raw in &page.value {
                    told.take(raw, look.since, zone)?;
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

    fn take(&mut self, raw: &Value, since: DateTime<Utc>, zone: Tz) -> Result<(), ToolError> {
        if raw.get("@removed").is_some() {
            let id = raw.get("id").and_then(Value::as_str).unwrap_or_default();
            self.removed.push(id.to_owned());
            return Ok(());
        }
        let text = raw.to_string();
        let view: EventView<'_> = serde_json::from_str(&text).map_err(ToolError::internal)?;
        let made: Made = serde_json::from_str(&text).map_err(ToolError::internal)?;
        let item = EventItem::new(&view, zone);
        // Regular occurrences come with every change of their series, and say nothing beyond it.
        if item.kind == "occurrence" {
            return Ok(());
        }
        let is_new = made.created_date_time.is_some_and(|created| created >= since);
        let change = Change {
            id: item.id,
            subject: item.subject,
            start: item.start,
            end: item.end,
            kind: item.kind,
            repeats: item.repeats,
            location: item.location,
            organizer: item.organizer,
            my_response: item.my_response,
            cancelled: item.cancelled,
        };
        if is_new {
            self.added.push(change);
        } else {
            self.updated.push(change);
        }
        Ok(())
    }

    fn print(&self, period: &str, first: bool) -> String {
        let mut text = if first {
            format!("From now on, changes from {period} are told with since_cursor.\n")
        } else {
            let counts = (self.added.len(), self.updated.len(), self.removed.len());
            format!("From {period}: {} new, {} changed, {} gone.\n", counts.0, counts.1, counts.2)
        };
        for (what, all) in [("new", &self.added), ("changed", &self.updated)] {
            for change in all {
                let when = change.start.get(..16).unwrap_or(&change.start).replace('T', " ");
                let repeats = change.repeats.as_ref().map(|rule| format!(", {rule}")).unwrap_or_default();
                let cancelled = if change.cancelled { ", CANCELLED" } else { "" };
                let _ = writeln!(
                    text,
                    "- {what}: {when} **{}**{repeats}{cancelled}\n  id: {}",
                    change.subject, change.id
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
    let text = "`since_cursor` is unknown or too old. Leave it out to begin anew, and use calendar_list_events for what \
                is there now.";
    ToolError::invalid("since_cursor", text)
}

#[async_trait]
impl Tool for CalendarChanges {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut look = self.look(context, &wish).await?;
        let (first, asked) = (look.first, instant(self.desk.deps.clock.now()).trunc_subsecs(0));
        let mut told = Told { warnings, ..Told::default() };
        self.follow(context, &mut look, &mut told).await?;
        if told.has_more {
            let text = "There is more: call again with `since_cursor` at once.";
            told.warnings.push(text.to_owned());
        } else if !first {
            look.since = asked;
        }
        told.since_cursor = self.desk.deps.cursors.keep(context, NAME, &look, LIFE).await?;
        let text = told.print(&look.period, first);
        output(|| with_notes(text, &told.warnings, None), &told, OutputFormat::Text)
    }
}
