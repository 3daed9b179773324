//! `calendar_find_times`: when people can meet, best first.

use super::event::Moment;
use super::span::{Said, Span};
use super::{ALIASES, Desk, asker, time_zone_schema};
use crate::graph::encode::Target;
use crate::graph::page::Text;
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

/// Permission of this tool: it looks into other people's calendars.
pub(super) const SCOPES: &[&str] = &["Calendars.Read.Shared"];
/// Longest period that Graph takes.
const MAX_DAYS: i64 = 62;
const DEFAULT_MINUTES: i64 = 30;
const DEFAULT_MAX: usize = 5;

/// The tool.
pub(super) struct FindTimes {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    attendees: Vec<String>,
    duration_minutes: Option<i64>,
    window_start: Option<String>,
    window_end: Option<String>,
    max: Option<usize>,
    working_hours_only: Option<bool>,
    time_zone: Option<String>,
    output_format: OutputFormat,
}

/// Graph's `meetingTimeSuggestionsResult`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Suggestions<'a> {
    #[serde(borrow)]
    empty_suggestions_reason: Text<'a>,
    #[serde(borrow)]
    meeting_time_suggestions: Vec<SuggestionView<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SuggestionView<'a> {
    confidence: f64,
    #[serde(borrow)]
    organizer_availability: Text<'a>,
    #[serde(borrow)]
    attendee_availability: Vec<AvailabilityView<'a>>,
    #[serde(borrow)]
    meeting_time_slot: SlotView<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SlotView<'a> {
    #[serde(borrow)]
    start: Moment<'a>,
    #[serde(borrow)]
    end: Moment<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AvailabilityView<'a> {
    #[serde(borrow)]
    availability: Text<'a>,
    #[serde(borrow)]
    attendee: AttendeeView<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AttendeeView<'a> {
    #[serde(borrow)]
    email_address: AddressView<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AddressView<'a> {
    #[serde(borrow)]
    address: Text<'a>,
}

/// A time to meet.
#[derive(Serialize)]
struct Slot {
    start: String,
    end: String,
    /// Chance in percent that everybody comes.
    confidence: f64,
    organizer: String,
    attendees: Vec<Person>,
}

#[derive(Serialize)]
struct Person {
    person: String,
    availability: String,
}

#[derive(Serialize)]
struct Shown {
    slots: Vec<Slot>,
    time_zone: String,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl FindTimes {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let spec = ToolSpec {
            name: "calendar_find_times",
            title: "Find Meeting Times",
            description: "Suggest times when the user and others can meet, best first. Nothing is booked.",
            input_schema: json!({"type": "object", "properties": {
                "attendees": {
                    "type": "array", "items": {"type": "string"}, "maxItems": 20,
                    "description": "Mail addresses of the others",
                },
                "duration_minutes": {"type": "integer", "minimum": 5, "maximum": 1440, "description": "30 unless given"},
                "window_start": {"type": "string", "description": "A day or time, e.g. 2026-03-31T09:00; today unless given"},
                "window_end": {"type": "string", "description": "A day, included, or a time; 7 days after the start unless given"},
                "max": {"type": "integer", "minimum": 1, "maximum": 20, "description": "Suggestions; 5 unless given"},
                "working_hours_only": {"type": "boolean", "description": "Within the user's working hours; yes unless given"},
                "time_zone": time_zone_schema(),
                "output_format": output_format_schema(),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "slots": {"type": "array", "items": {"type": "object", "properties": {
                    "start": text, "end": text, "confidence": {"type": "number"}, "organizer": text,
                    "attendees": {"type": "array", "items": {"type": "object", "properties": {
                        "person": text, "availability": text,
                    }}},
                }}},
                "time_zone": text, "reason": text,
                "warnings": {"type": "array", "items": text},
            }, "required": ["slots", "time_zone"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

/// The body of `POST /me/findMeetingTimes` (Calendars.Read.Shared).
fn body(wish: &Wish, span: Span) -> Bytes {
    let moment = |at: DateTime<Utc>| json!({"dateTime": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": "UTC"});
    let attendee =
        |address: &String| json!({"type": "required", "emailAddress": {"address": address.trim()}});
    let domain = if wish.working_hours_only.unwrap_or(true) { "work" } else { "unrestricted" };
    let body = json!({
        "attendees": wish.attendees.iter().map(attendee).collect::<Vec<_>>(),
        "timeConstraint": {
            "activityDomain": domain,
            "timeSlots": [{"start": moment(span.start), "end": moment(span.end)}],
        },
        "meetingDuration": format!("PT{}M", wish.duration_minutes.unwrap_or(DEFAULT_MINUTES)),
        "maxCandidates": wish.max.unwrap_or(DEFAULT_MAX),
    });
    Bytes::from(body.to_string())
}

#[async_trait]
impl Tool for FindTimes {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let bad = wish.attendees.iter().find(|address| !address.contains('@'));
        if let Some(address) = bad {
            let text = format!("`attendees` must be mail addresses; `{address}` is none.");
            return Err(ToolError::invalid("attendees", text));
        }
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let said = Said {
            start: ("window_start", wish.window_start.as_deref()),
            end: ("window_end", wish.window_end.as_deref()),
            days: 7,
        };
        let span = said.span(zone, instant(self.desk.deps.clock.now()))?;
        if span.end - span.start > TimeDelta::days(MAX_DAYS) {
            let text = format!("`window_end` must come at most {MAX_DAYS} days after `window_start`.");
            return Err(ToolError::invalid("window_end", text));
        }
        let fault = |error| crate::services::fault::tool_error(error, SCOPES);
        let request = Request::query(Target::new("/me/findMeetingTimes"), body(&wish, span));
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(fault)?;
        let found: Suggestions<'_> = answer.view().map_err(fault)?;
        let slots: Vec<Slot> = found.meeting_time_suggestions.iter().map(|view| slot(view, zone)).collect();
        if slots.iter().flat_map(|slot| &slot.attendees).any(|person| person.availability == "unknown") {
            warnings.push("Nothing is known of some people, so they may be busy then.".to_owned());
        }
        let reason = slots.is_empty().then(|| reason(&found.empty_suggestions_reason));
        let shown = Shown { slots, time_zone: zone.name().to_owned(), reason, warnings };
        output(|| with_notes(printed(&shown), &shown.warnings, None), &shown, wish.output_format)
    }
}

fn slot(view: &SuggestionView<'_>, zone: Tz) -> Slot {
    let local = |moment: &Moment<'_>| local_text(moment.wall().and_utc(), zone);
    let person = |view: &AvailabilityView<'_>| Person {
        person: view.attendee.email_address.address.to_string(),
        availability: view.availability.to_string(),
    };
    Slot {
        start: local(&view.meeting_time_slot.start),
        end: local(&view.meeting_time_slot.end),
        confidence: view.confidence,
        organizer: view.organizer_availability.to_string(),
        attendees: view.attendee_availability.iter().map(person).collect(),
    }
}

/// Graph's `emptySuggestionsReason` in words.
fn reason(code: &str) -> &'static str {
    match code.to_ascii_lowercase().as_str() {
        "organizerunavailable" => "The user has no free time in this period.",
        "attendeesunavailable" => "The others are busy in this period.",
        "attendeesunavailableorunknown" => "The others are busy in this period, or nothing is known of them.",
        _ => "No time in this period suits everybody.",
    }
}

fn printed(shown: &Shown) -> String {
    let mut text = String::new();
    for slot in &shown.slots {
        let _ = write!(text, "- {} to {} ({}% likely)", slot.start, slot.end, slot.confidence.round());
        let busy = slot.attendees.iter().filter(|person| person.availability != "free");
        for person in busy {
            let _ = write!(text, " · {} {}", person.person, person.availability);
        }
        text.push('\n');
    }
    if let Some(reason) = shown.reason {
        let _ =
            writeln!(text, "{reason} Try a longer period, a shorter meeting or times outside working hours.");
    }
    text
}
