//! What a caller wants of an event, in Graph's words. Creating and changing share it.

use super::repeat;
use crate::services::markup::{self, BodyForm};
use crate::services::time::{Edge, moment};
use crate::tools::error::ToolError;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const MAX_SUBJECT: usize = 255;

/// The arguments that both tools know.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub(super) subject: Option<String>,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) is_all_day: Option<bool>,
    pub(super) location: Option<String>,
    pub(super) body: Option<String>,
    pub(super) body_format: BodyFormat,
    pub(super) is_online_meeting: Option<bool>,
    pub(super) recurrence: Option<String>,
    pub(super) reminder_minutes: Option<u32>,
    pub(super) show_as: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyFormat {
    #[default]
    Text,
    Html,
}

/// From when to when, on the caller's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) all_day: bool,
}

/// Input properties for [`Draft`] and those of one tool, which win.
pub(super) fn draft_schema(own: Value) -> Value {
    let mut all = json!({
        "subject": {"type": "string", "description": "Title"},
        "start": {"type": "string", "description": "2026-03-31T09:00 on the user's clock, or a date for whole days"},
        "end": {"type": "string", "description": "As start; one hour later (the same day) unless given"},
        "is_all_day": {"type": "boolean", "description": "Whole days; so are start and end without a time"},
        "location": {"type": "string", "description": "Where"},
        "body": {"type": "string", "description": "Text of the invitation"},
        "body_format": {"type": "string", "enum": ["text", "html"], "description": "What body is; text unless given"},
        "is_online_meeting": {"type": "boolean", "description": "With a Teams meeting"},
        "recurrence": {"type": "string", "description": repeat::HELP},
        "reminder_minutes": {"type": "integer", "minimum": 0, "maximum": 40320, "description": "Minutes before"},
        "show_as": {"type": "string", "enum": ["free", "tentative", "busy", "oof", "workingElsewhere"],
                    "description": "How others see the time"},
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut all, own) {
        all.extend(own);
    }
    all
}

impl Draft {
    /// The period, if a start is given. `before` is the event's so far, whose length is kept when only the start moves.
    pub(super) fn when(&self, zone: Tz, before: Option<When>) -> Result<Option<When>, ToolError> {
        if self.start.is_none() && self.end.is_none() && self.is_all_day.is_none() {
            return Ok(None);
        }
        let is_date = |text: &Option<String>| text.as_deref().is_none_or(|text| !text.contains([':', 'T']));
        let was_all_day = before.is_some_and(|before| before.all_day);
        let given = self.start.is_some() || self.end.is_some();
        let dates = if given { is_date(&self.start) && is_date(&self.end) } else { was_all_day };
        let all_day = self.is_all_day.unwrap_or(dates && (before.is_none() || was_all_day));
        let start = match &self.start {
            Some(text) => moment("start", text, zone, Edge::Start)?,
            None => before.map(|before| before.start).ok_or_else(|| {
                ToolError::invalid("start", "`start` is required, such as 2026-03-31T09:00.")
            })?,
        };
        let length = match before {
            Some(before) if before.all_day == all_day => before.end - before.start,
            _ if all_day => TimeDelta::days(1),
            _ => TimeDelta::hours(1),
        };
        let mut end = match &self.end {
            Some(text) => moment("end", text, zone, if all_day { Edge::End } else { Edge::Start })?,
            None => start + length,
        };
        let mut start = start;
        if all_day {
            let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
            let (first, past) = (day(start), day(end - TimeDelta::seconds(1)) + Days::new(1));
            start = crate::services::time::local(first, zone);
            end = crate::services::time::local(past.max(first + Days::new(1)), zone);
        }
        if end <= start {
            return Err(ToolError::invalid("end", "`end` must come after `start`."));
        }
        Ok(Some(When { start, end, all_day }))
    }

    /// With a body that is safe to send, see [`markup`].
    pub(super) async fn cleaned(mut self) -> Result<Self, ToolError> {
        if self.body_format == BodyFormat::Html
            && let Some(body) = self.body.take()
        {
            let made = tokio::task::spawn_blocking(move || markup::html("body", &body, BodyForm::Html)).await;
            self.body = Some(made.map_err(|_| ToolError::internal("the cleaning of a body failed"))??);
        }
        Ok(self)
    }

    /// The members of Graph's event that are asked for, with people left out.
    pub(super) fn event(&self, when: Option<When>, zone: Tz) -> Result<Map<String, Value>, ToolError> {
        let mut out = Map::new();
        let mut put =
            |name: &str, value: Option<Value>| out.extend(value.map(|value| (name.to_owned(), value)));
        if self.subject.as_ref().is_some_and(|subject| subject.chars().count() > MAX_SUBJECT) {
            let text = format!("`subject` may have {MAX_SUBJECT} characters.");
            return Err(ToolError::invalid("subject", text));
        }
        self.body.as_deref().map_or(Ok(()), |body| markup::check_length("body", body))?;
        put("subject", self.subject.as_ref().map(|subject| json!(subject)));
        let format = if self.body_format == BodyFormat::Html { "html" } else { "text" };
        put("body", self.body.as_ref().map(|body| json!({"contentType": format, "content": body})));
        put("location", self.location.as_ref().map(|name| json!({"displayName": name})));
        put("showAs", self.show_as.as_ref().map(|word| json!(word)));
        put("reminderMinutesBeforeStart", self.reminder_minutes.map(|minutes| json!(minutes)));
        put("isReminderOn", self.reminder_minutes.map(|_| json!(true)));
        put("isOnlineMeeting", self.is_online_meeting.map(|online| json!(online)));
        let provider = self.is_online_meeting.filter(|online| *online).map(|_| json!("teamsForBusiness"));
        put("onlineMeetingProvider", provider);
        put("start", when.map(|when| wall(when.start, zone)));
        put("end", when.map(|when| wall(when.end, zone)));
        put("isAllDay", when.map(|when| json!(when.all_day)));
        Ok(out)
    }

    /// `recurrence`, for an event that starts on `first`.
    pub(super) fn repeats(&self, first: NaiveDate, zone: Tz) -> Result<Option<Value>, ToolError> {
        self.recurrence.as_deref().map(|text| repeat::parse(text, first, zone)).transpose()
    }
}

/// Wall time with the name of its zone (`dateTimeTimeZone`).
pub(super) fn wall(at: DateTime<Utc>, zone: Tz) -> Value {
    let text = at.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string();
    json!({"dateTime": text, "timeZone": zone.name()})
}

/// A person to invite.
pub(super) fn attendee(address: &str, kind: &str) -> Value {
    json!({"emailAddress": {"address": address}, "type": kind})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(json: &Value, before: Option<When>) -> Result<When, ToolError> {
        let draft: Draft = serde_json::from_value(json.clone()).unwrap();
        Ok(draft.when(Tz::Europe__Berlin, before)?.expect("a period"))
    }

    fn told(when: When) -> (String, String, bool) {
        let text = |at| wall(at, Tz::Europe__Berlin)["dateTime"].as_str().unwrap().to_owned();
        (text(when.start), text(when.end), when.all_day)
    }

    fn told_as(start: &str, end: &str, all_day: bool) -> (String, String, bool) {
        (start.to_owned(), end.to_owned(), all_day)
    }

    #[test]
    fn times_are_wall_times_and_dates_are_whole_days() {
        for (given, said) in [
            (
                json!({"start": "2026-03-31T09:00"}),
                told_as("2026-03-31T09:00:00", "2026-03-31T10:00:00", false),
            ),
            (
                json!({"start": "2026-03-31T09:00Z"}),
                told_as("2026-03-31T11:00:00", "2026-03-31T12:00:00", false),
            ),
            (json!({"start": "2026-03-31"}), told_as("2026-03-31T00:00:00", "2026-04-01T00:00:00", true)),
            (
                json!({"start": "2026-03-28", "end": "2026-03-30"}),
                told_as("2026-03-28T00:00:00", "2026-03-31T00:00:00", true),
            ),
            (
                json!({"start": "2026-03-31T09:00", "end": "2026-04-01T09:00", "is_all_day": true}),
                told_as("2026-03-31T00:00:00", "2026-04-02T00:00:00", true),
            ),
        ] {
            assert_eq!(told(when(&given, None).unwrap()), said, "{given}");
        }
        for (given, field) in [
            (json!({"end": "2026-03-31T09:00"}), "start"),
            (json!({"start": "soon"}), "start"),
            (json!({"start": "2026-03-31T09:00", "end": "2026-03-31T08:00"}), "end"),
        ] {
            assert!(when(&given, None).unwrap_err().public.contains(field), "{given}");
        }
    }

    #[test]
    fn an_event_that_moves_keeps_its_length_and_kind() {
        let before = when(&json!({"start": "2026-03-31T09:00", "end": "2026-03-31T09:45"}), None).unwrap();
        let moved = when(&json!({"start": "2026-04-01T14:00"}), Some(before)).unwrap();
        assert_eq!(told(moved), told_as("2026-04-01T14:00:00", "2026-04-01T14:45:00", false));
        let longer = when(&json!({"end": "2026-03-31T12:00"}), Some(before)).unwrap();
        assert_eq!(told(longer), told_as("2026-03-31T09:00:00", "2026-03-31T12:00:00", false));
    }
}
