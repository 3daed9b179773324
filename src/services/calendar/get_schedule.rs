//! `calendar_get_schedule`: when people are busy, and when all of them are free.

use super::event::Moment;
use super::span::{Said, Span};
use super::{ALIASES, Desk, SCOPES, asker, fault, time_zone_schema};
use crate::graph::encode::Target;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::time::{instant, local_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Longest period that Graph takes.
const MAX_DAYS: i64 = 62;
const DEFAULT_INTERVAL: i64 = 30;

/// The tool.
pub(super) struct GetSchedule {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    people: Vec<String>,
    start: Option<String>,
    end: Option<String>,
    interval: Option<i64>,
    time_zone: Option<String>,
    output_format: OutputFormat,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScheduleView<'a> {
    #[serde(borrow)]
    schedule_id: Text<'a>,
    #[serde(borrow)]
    schedule_items: Vec<BlockView<'a>>,
    #[serde(borrow)]
    error: Option<Fault<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BlockView<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    start: Moment<'a>,
    #[serde(borrow)]
    end: Moment<'a>,
    #[serde(borrow)]
    subject: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fault<'a> {
    #[serde(borrow)]
    response_code: Text<'a>,
}

/// One person's time.
#[derive(Serialize)]
struct Person {
    #[serde(rename = "person")]
    address: String,
    busy: Vec<Block>,
    /// Why nothing is known of this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A time that is taken.
#[derive(Serialize)]
struct Block {
    start: String,
    end: String,
    status: String,
    /// Only of one's own events, and of those that colleagues show.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(skip)]
    from: DateTime<Utc>,
    #[serde(skip)]
    to: DateTime<Utc>,
}

/// A time that is free for all.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Slot {
    start: String,
    end: String,
    minutes: i64,
}

#[derive(Serialize)]
struct Shown {
    people: Vec<Person>,
    free: Vec<Slot>,
    time_zone: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl GetSchedule {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let block = json!({"start": text, "end": text, "status": text, "subject": text});
        let spec = ToolSpec {
            name: "calendar_get_schedule",
            title: "Get Schedule",
            description: "See when up to 20 people are busy, and when all of them are free at the same time.",
            input_schema: json!({"type": "object", "properties": {
                "people": {
                    "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 20,
                    "description": "Mail addresses; name your own too if you are to take part",
                },
                "start": {"type": "string", "description": "A day or time, e.g. 2026-03-31T09:00; today unless given"},
                "end": {"type": "string", "description": "A day, included, or a time; 7 days after the start unless given"},
                "interval": {"type": "integer", "minimum": 5, "maximum": 1440, "description": "Shortest free slot in minutes; 30 unless given"},
                "time_zone": time_zone_schema(),
                "output_format": output_format_schema(),
            }, "required": ["people"]}),
            output_schema: json!({"type": "object", "properties": {
                "people": {"type": "array", "items": {"type": "object", "properties": {
                    "person": text, "error": text,
                    "busy": {"type": "array", "items": {"type": "object", "properties": block}},
                }}},
                "free": {"type": "array", "items": {"type": "object", "properties": {
                    "start": text, "end": text, "minutes": {"type": "integer"},
                }}},
                "time_zone": text,
                "warnings": {"type": "array", "items": text},
            }, "required": ["people", "free", "time_zone"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `POST /me/calendar/getSchedule` (Calendars.Read); at most 62 days.
    async fn ask(
        &self,
        context: &CallContext,
        wish: &Wish,
        span: Span,
        zone: Tz,
    ) -> Result<Vec<Person>, ToolError> {
        let moment = |at: DateTime<Utc>| json!({"dateTime": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": "UTC"});
        let body = json!({
            "schedules": wish.people, "startTime": moment(span.start), "endTime": moment(span.end),
            "availabilityViewInterval": wish.interval.unwrap_or(DEFAULT_INTERVAL),
        });
        let request = Request::query(Target::new("/me/calendar/getSchedule"), Bytes::from(body.to_string()));
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(fault)?;
        let page: Page<'_, ScheduleView<'_>> = answer.view().map_err(fault)?;
        Ok(page.value.iter().map(|view| person(view, zone)).collect())
    }
}

#[async_trait]
impl Tool for GetSchedule {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let said =
            Said { start: ("start", wish.start.as_deref()), end: ("end", wish.end.as_deref()), days: 7 };
        let span = said.span(zone, instant(self.desk.deps.clock.now()))?;
        if span.end - span.start > TimeDelta::days(MAX_DAYS) {
            return Err(ToolError::invalid(
                "end",
                format!("`end` must come at most {MAX_DAYS} days after `start`."),
            ));
        }
        let people = self.ask(context, &wish, span, zone).await?;
        if people.iter().any(|person| person.error.is_some()) {
            warnings
                .push("Nothing is known of some people, so they may be busy in the free slots.".to_owned());
        }
        let free = common(&people, span, wish.interval.unwrap_or(DEFAULT_INTERVAL), zone);
        let shown = Shown { people, free, time_zone: zone.name().to_owned(), warnings };
        output(
            || with_notes(printed(&shown.people, &shown.free), &shown.warnings, None),
            &shown,
            wish.output_format,
        )
    }
}

fn person(view: &ScheduleView<'_>, zone: Tz) -> Person {
    let block = |view: &BlockView<'_>| {
        let (from, to) = (view.start.wall().and_utc(), view.end.wall().and_utc());
        let (start, end) = (local_text(from, zone), local_text(to, zone));
        Block { start, end, status: view.status.to_string(), subject: view.subject.to_string(), from, to }
    };
    let taken = view.schedule_items.iter().filter(|item| &*item.status != "free").map(block).collect();
    let error = view.error.as_ref().map(|fault| match &*fault.response_code {
        "ErrorMailRecipientNotFound" => "There is nobody with this address in the organization.".to_owned(),
        code => format!("Microsoft 365 tells nothing of this person ({code})."),
    });
    Person { address: view.schedule_id.to_string(), busy: taken, error }
}

/// Times in the period when nobody is busy, at least `minutes` long.
fn common(people: &[Person], span: Span, minutes: i64, zone: Tz) -> Vec<Slot> {
    let mut busy: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        people.iter().flat_map(|person| &person.busy).map(|block| (block.from, block.to)).collect();
    busy.sort_unstable();
    busy.push((span.end, span.end));
    let (mut free, mut at) = (Vec::new(), span.start);
    for (from, to) in busy {
        let end = from.min(span.end);
        if end - at >= TimeDelta::minutes(minutes) {
            let minutes = (end - at).num_minutes();
            free.push(Slot { start: local_text(at, zone), end: local_text(end, zone), minutes });
        }
        at = at.max(to);
    }
    free
}

fn printed(people: &[Person], free: &[Slot]) -> String {
    let mut text = String::new();
    for person in people {
        let _ = writeln!(text, "## {}", person.address);
        if let Some(error) = &person.error {
            let _ = writeln!(text, "{error}");
        } else if person.busy.is_empty() {
            text.push_str("free all the time\n");
        }
        for block in &person.busy {
            let subject =
                if block.subject.is_empty() { String::new() } else { format!(" {}", block.subject) };
            let _ = writeln!(text, "- {} to {} {}{subject}", block.start, block.end, block.status);
        }
    }
    text.push_str("\n## Free for all\n");
    for slot in free {
        let _ = writeln!(text, "- {} to {} ({} minutes)", slot.start, slot.end, slot.minutes);
    }
    if free.is_empty() {
        text.push_str("never in this period\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_slots_are_what_nobody_takes() {
        let at = |time: &str| format!("2026-03-30T{time}:00Z").parse::<DateTime<Utc>>().unwrap();
        let block = |from: &str, to: &str| Block {
            start: String::new(),
            end: String::new(),
            status: "busy".to_owned(),
            subject: String::new(),
            from: at(from),
            to: at(to),
        };
        let one = |busy: Vec<Block>| Person { address: "p".to_owned(), busy, error: None };
        let people =
            [one(vec![block("08:00", "10:00"), block("09:30", "11:00")]), one(vec![block("11:20", "12:00")])];
        let span = Span { start: at("08:30"), end: at("14:00") };
        let free: Vec<_> =
            common(&people, span, 30, Tz::UTC).into_iter().map(|slot| (slot.start, slot.minutes)).collect();
        assert_eq!(free, [("2026-03-30T12:00:00+00:00".to_owned(), 120)]);
        assert_eq!(common(&people, span, 20, Tz::UTC).len(), 2);
        assert_eq!(common(&[], span, 30, Tz::UTC).len(), 1);
    }
}
