//! `teams_get_meeting`: an online meeting, and what was said in it.

use super::transcript::readable;
use super::{ALIASES, Desk, asker, fault};
use crate::graph::encode::{Target, odata, segment};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{clipped, line, output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{Edge, local_text, moment};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "teams_get_meeting";
/// Permission to see one's online meetings.
pub(super) const MEETINGS: &str = "OnlineMeetings.Read";
/// Permission to read what was said; an administrator grants it.
pub(super) const TRANSCRIPTS: &str = "OnlineMeetingTranscript.Read.All";
/// Permission to find the meeting of an event.
pub(super) const EVENTS: &str = "Calendars.Read";
/// Transcripts that are listed.
const MAX_LISTED: usize = 50;
const MAX_PAGES: usize = 5;
/// Largest transcript that is read.
const MAX_BYTES: usize = 8 << 20;

/// The tool.
pub(super) struct GetMeeting {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    #[default]
    Info,
    Transcript,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    event_id: Option<String>,
    join_url: Option<String>,
    part: Part,
    date: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EventView<'a> {
    #[serde(borrow)]
    online_meeting: Option<JoinView<'a>>,
    #[serde(borrow)]
    start: Option<StartView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JoinView<'a> {
    #[serde(borrow)]
    join_url: Text<'a>,
}

/// UTC, unless asked for otherwise.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StartView<'a> {
    #[serde(borrow)]
    date_time: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MeetingView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    subject: Text<'a>,
    start_date_time: Option<DateTime<Utc>>,
    end_date_time: Option<DateTime<Utc>>,
    #[serde(borrow)]
    join_web_url: Text<'a>,
    #[serde(borrow)]
    chat_info: Option<ChatView<'a>>,
    #[serde(borrow)]
    participants: Option<ParticipantsView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ChatView<'a> {
    #[serde(borrow)]
    thread_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParticipantsView<'a> {
    #[serde(borrow)]
    organizer: Option<ParticipantView<'a>>,
    #[serde(borrow)]
    attendees: Vec<ParticipantView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParticipantView<'a> {
    #[serde(borrow)]
    upn: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TranscriptView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    created_date_time: Option<DateTime<Utc>>,
}

/// A meeting as callers get it.
#[derive(Debug, Default, Serialize)]
struct Meeting {
    #[serde(skip)]
    id: String,
    subject: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    start: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    end: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    organizer: String,
    attendees: Vec<String>,
    join_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    chat_id: String,
    /// When each recorded occurrence began.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recorded: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Meeting {
    fn of(view: &MeetingView<'_>, zone: Tz) -> Self {
        let shown = |at: Option<DateTime<Utc>>| at.map(|at| local_text(at, zone)).unwrap_or_default();
        let people = view.participants.as_ref();
        let organizer = people.and_then(|people| people.organizer.as_ref());
        Self {
            id: view.id.to_string(),
            subject: line(&view.subject),
            start: shown(view.start_date_time),
            end: shown(view.end_date_time),
            organizer: organizer.map(|one| one.upn.to_string()).unwrap_or_default(),
            attendees: people
                .into_iter()
                .flat_map(|people| &people.attendees)
                .map(|one| one.upn.to_string())
                .collect(),
            join_url: view.join_web_url.to_string(),
            chat_id: view.chat_info.as_ref().map(|chat| chat.thread_id.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn print(&self) -> String {
        let mut out = format!("**{}** · {} – {}\n", self.subject, self.start, self.end);
        let _ = writeln!(out, "organizer: {}\nattendees: {}", self.organizer, self.attendees.join(", "));
        let _ = writeln!(out, "join: {}\nchat_id: {}", self.join_url, self.chat_id);
        if !self.recorded.is_empty() {
            let _ = writeln!(out, "recorded: {}", self.recorded.join(", "));
        }
        if let (Some(at), Some(text)) = (&self.transcript_of, &self.transcript) {
            let _ = writeln!(out, "\nTranscript of {at}\n\n{text}");
        }
        out
    }
}

impl GetMeeting {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: NAME,
            title: "Get Meeting",
            description: "Tell about an online meeting of the user's, or read the transcript of what was said in it.",
            input_schema: json!({"type": "object", "properties": {
                "event_id": text("id of the event in the calendar"),
                "join_url": text("Its link to join, instead of event_id"),
                "part": {"type": "string", "enum": ["info", "transcript"], "description": "info unless given"},
                "date": text("Day of the occurrence to read, e.g. 2026-03-31; else that of event_id, or the newest"),
                "max_chars": max_chars_schema("the transcript"),
                "output_format": output_format_schema(),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "subject": {"type": "string"}, "start": {"type": "string"}, "end": {"type": "string"},
                "organizer": {"type": "string"}, "attendees": {"type": "array", "items": {"type": "string"}},
                "join_url": {"type": "string"}, "chat_id": {"type": "string"},
                "recorded": {"type": "array", "items": {"type": "string"}}, "transcript_of": {"type": "string"},
                "transcript": {"type": "string"}, "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["subject", "join_url"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: &[MEETINGS],
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// Where to join the meeting of an event, and when it begins: `GET /me/events/{id}` (Calendars.Read).
    async fn event(
        &self,
        context: &CallContext,
        id: &str,
    ) -> Result<(String, Option<DateTime<Utc>>), ToolError> {
        context.caller.require(NAME, &[MEETINGS, EVENTS])?;
        let target =
            Target::new(format!("/me/events/{}", segment(id))).with("$select", "onlineMeeting,start");
        let answer = self.desk.deps.graph.send(asker(context), Request::outlook(target).utc()).await;
        let none =
            "`event_id` is no event of the user's. List the events and use an id from there, unchanged.";
        let answer = answer.map_err(|error| missing(error, EVENTS, none))?;
        let view: EventView<'_> = answer.view().map_err(|error| fault(error, &[EVENTS]))?;
        let join =
            view.online_meeting.map(|meeting| meeting.join_url.to_string()).filter(|url| !url.is_empty());
        let join = join.ok_or_else(|| {
            ToolError::invalid("event_id", "`event_id` is an event without an online meeting.")
        })?;
        let start = view.start.and_then(|start| start.date_time.parse::<chrono::NaiveDateTime>().ok());
        Ok((join, start.map(|start| start.and_utc())))
    }

    /// `GET /me/onlineMeetings?$filter=JoinWebUrl eq '…'` (OnlineMeetings.Read).
    async fn meeting(&self, context: &CallContext, join: &str, zone: Tz) -> Result<Meeting, ToolError> {
        let target =
            Target::new("/me/onlineMeetings").with("$filter", &format!("JoinWebUrl eq {}", odata(join)));
        let answer = self.desk.deps.graph.send(asker(context), Request::teams(target.build())).await;
        let none = "There is no such online meeting of the user's: only its organizer and those who are invited see it.";
        let answer = answer.map_err(|error| missing(error, MEETINGS, none))?;
        let page: Page<'_, MeetingView<'_>> = answer.view().map_err(|error| fault(error, &[MEETINGS]))?;
        let found = page.value.first().map(|view| Meeting::of(view, zone));
        found.ok_or_else(|| ToolError::new(ToolErrorKind::NotFound, none))
    }

    /// `GET /me/onlineMeetings/{id}/transcripts` (OnlineMeetingTranscript.Read.All), oldest first.
    async fn transcripts(
        &self,
        context: &CallContext,
        id: &str,
    ) -> Result<Vec<(DateTime<Utc>, String)>, GraphError> {
        let mut all: Vec<(DateTime<Utc>, String)> = Vec::new();
        let mut link = Some(format!("/me/onlineMeetings/{}/transcripts", segment(id)));
        for _ in 0..MAX_PAGES {
            let Some(next) = link else { break };
            let answer = self.desk.deps.graph.send(asker(context), Request::teams(next)).await?;
            let page: Page<'_, TranscriptView<'_>> = answer.view()?;
            all.extend(
                page.value.iter().filter_map(|view| Some((view.created_date_time?, view.id.to_string()))),
            );
            link = page.next_link();
        }
        all.sort();
        Ok(all)
    }

    /// Adds what was said: `GET …/transcripts/{id}/content`, which is WebVTT.
    async fn transcribe(
        &self,
        context: &CallContext,
        (meeting, wish): (&mut Meeting, &Wish),
        (start, zone): (Option<DateTime<Utc>>, Tz),
    ) -> Result<(), ToolError> {
        context.caller.require(NAME, &[MEETINGS, TRANSCRIPTS])?;
        let read = |error| fault(error, &[TRANSCRIPTS]);
        let all = self.transcripts(context, &meeting.id).await.map_err(read)?;
        let newest = all.iter().rev().take(MAX_LISTED).rev();
        meeting.recorded = newest.map(|(at, _)| local_text(*at, zone)).collect();
        let days = wish.date.as_deref().map(|date| {
            Ok((moment("date", date, zone, Edge::Start)?, moment("date", date, zone, Edge::End)?))
        });
        let found = match (days.transpose()?, start) {
            (Some((from, to)), _) => all.iter().rfind(|(at, _)| *at >= from && *at < to),
            // A recording begins when somebody starts it, soon before or some time after the meeting does.
            (None, Some(start)) => {
                let is_of = |at: DateTime<Utc>| {
                    at >= start - TimeDelta::hours(1) && at < start + TimeDelta::hours(12)
                };
                all.iter().find(|(at, _)| is_of(*at))
            }
            (None, None) => all.last(),
        };
        let Some((at, id)) = found else {
            let when = if meeting.recorded.is_empty() {
                "none at all".to_owned()
            } else {
                meeting.recorded.join(", ")
            };
            let text = format!("There is no transcript of this occurrence; there is: {when}.");
            return Err(ToolError::new(ToolErrorKind::NotFound, text));
        };
        let path = format!("/me/onlineMeetings/{}/transcripts/{}/content", segment(&meeting.id), segment(id));
        let request = Request::teams(path).download(MAX_BYTES);
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(read)?;
        let max = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let text = String::from_utf8_lossy(&answer.body);
        meeting.transcript = Some(clipped(readable(&text).trim().to_owned(), max));
        meeting.transcript_of = Some(local_text(*at, zone));
        Ok(())
    }
}

/// A Graph failure; what is not there is told in these words.
fn missing(error: GraphError, scope: &'static str, none: &'static str) -> ToolError {
    let mut error = fault(error, &[scope]);
    if error.kind == ToolErrorKind::NotFound {
        none.clone_into(&mut error.public);
    }
    error
}

#[async_trait]
impl Tool for GetMeeting {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let zone = self.desk.zones.of(&self.desk.deps, context).await;
        let (join, start) = match (&wish.event_id, &wish.join_url) {
            (Some(id), None) => self.event(context, id).await?,
            (None, Some(url)) if url.trim().starts_with("https://") => (url.trim().to_owned(), None),
            (None, Some(_)) => {
                return Err(ToolError::invalid(
                    "join_url",
                    "`join_url` must be the link to join, https://teams.…",
                ));
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(ToolError::invalid("event_id", "Give either `event_id` or `join_url`."));
            }
        };
        let mut meeting = self.meeting(context, &join, zone).await?;
        if wish.part == Part::Transcript {
            self.transcribe(context, (&mut meeting, &wish), (start, zone)).await?;
        }
        meeting.warnings = warnings;
        output(|| with_notes(meeting.print(), &meeting.warnings, None), &meeting, wish.output_format)
    }
}
