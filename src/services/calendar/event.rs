//! Events: Graph's view, and the item that callers get.

use super::recurrence::{Repeats, words};
use crate::graph::page::Text;
use crate::services::time::{local_text, utc_text};
use crate::tools::context::CallContext;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Properties that a listing asks for.
pub(super) const SELECT: &str = "id,subject,start,end,isAllDay,location,organizer,attendees,isOnlineMeeting,onlineMeeting,\
    type,seriesMasterId,isCancelled,showAs,responseStatus,sensitivity,categories,webLink";
/// People named in one item; the rest are counted.
const MAX_PEOPLE: usize = 50;

/// An event as Graph writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventView<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    subject: Text<'a>,
    #[serde(borrow)]
    start: Moment<'a>,
    #[serde(borrow)]
    end: Moment<'a>,
    is_all_day: bool,
    #[serde(borrow)]
    location: Option<Place<'a>>,
    #[serde(borrow)]
    organizer: Option<Person<'a>>,
    #[serde(borrow)]
    attendees: Vec<Person<'a>>,
    #[serde(borrow)]
    online_meeting: Option<Meeting<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    series_master_id: Text<'a>,
    is_cancelled: bool,
    #[serde(borrow)]
    show_as: Text<'a>,
    #[serde(borrow)]
    response_status: Option<Response<'a>>,
    #[serde(borrow)]
    sensitivity: Text<'a>,
    #[serde(borrow)]
    categories: Vec<Text<'a>>,
    #[serde(borrow)]
    web_link: Text<'a>,
    #[serde(borrow)]
    pub(super) body: Option<Body<'a>>,
    #[serde(borrow)]
    recurrence: Option<Repeats<'a>>,
}

/// A time as Graph writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Moment<'a> {
    #[serde(borrow)]
    date_time: Text<'a>,
}

impl Moment<'_> {
    /// The wall time; UTC, because nothing else was asked for.
    pub(super) fn wall(&self) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(self.date_time.trim_end_matches('Z'), "%Y-%m-%dT%H:%M:%S%.f")
            .unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Place<'a> {
    #[serde(borrow)]
    display_name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Person<'a> {
    #[serde(borrow)]
    email_address: Option<Address<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    status: Option<Response<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    address: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    response: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meeting<'a> {
    #[serde(borrow)]
    join_url: Text<'a>,
}

/// A body as Graph writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub(super) content_type: Text<'a>,
    #[serde(borrow)]
    pub(super) content: Text<'a>,
}

/// An event as callers get it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EventItem {
    pub(super) id: String,
    pub(super) subject: String,
    /// On the user's clock with offset; a day for all-day events.
    pub(super) start: String,
    /// As `start`; the last day for all-day events.
    pub(super) end: String,
    pub(super) start_utc: String,
    pub(super) end_utc: String,
    pub(super) all_day: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) organizer: String,
    /// `Name <address> (required, accepted)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attendees: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) my_response: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) join_url: String,
    /// `single`, `occurrence`, `exception` or `series`.
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) series_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repeats: Option<String>,
    pub(super) show_as: String,
    pub(super) cancelled: bool,
    pub(super) private: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) categories: Vec<String>,
    /// Subjects of other events of the answer at the same time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) conflicts: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    /// For sorting and comparing.
    #[serde(skip)]
    pub(super) from: DateTime<Utc>,
    #[serde(skip)]
    pub(super) to: DateTime<Utc>,
}

/// Properties of an event in an output schema.
pub(super) fn event_schema() -> Value {
    json!({
        "id": {"type": "string"}, "subject": {"type": "string"}, "start": {"type": "string"},
        "end": {"type": "string"}, "start_utc": {"type": "string"}, "end_utc": {"type": "string"},
        "all_day": {"type": "boolean"}, "location": {"type": "string"}, "organizer": {"type": "string"},
        "attendees": {"type": "array", "items": {"type": "string"}}, "my_response": {"type": "string"},
        "join_url": {"type": "string"}, "kind": {"type": "string"}, "series_id": {"type": "string"},
        "repeats": {"type": "string"}, "show_as": {"type": "string"}, "cancelled": {"type": "boolean"},
        "private": {"type": "boolean"}, "categories": {"type": "array", "items": {"type": "string"}},
        "conflicts": {"type": "array", "items": {"type": "string"}}, "link": {"type": "string"},
        "body": {"type": "string"},
    })
}

impl EventItem {
    /// Reads Graph's view on the user's clock.
    pub(super) fn new(view: &EventView<'_>, zone: Tz) -> Self {
        let (start, end) = (view.start.wall(), view.end.wall());
        // A whole day is the same date everywhere; as an instant it is the user's midnight.
        let instant = |wall: NaiveDateTime| {
            if view.is_all_day { crate::services::time::resolve(wall, zone) } else { wall.and_utc() }
        };
        let (from, to) = (instant(start), instant(end));
        let (start, end) = if view.is_all_day {
            let last = end.date().pred_opt().filter(|day| *day >= start.date()).unwrap_or(start.date());
            (start.date().to_string(), last.to_string())
        } else {
            (local_text(from, zone), local_text(to, zone))
        };
        Self {
            id: view.id.to_string(),
            subject: view.subject.to_string(),
            start,
            end,
            start_utc: utc_text(from),
            end_utc: utc_text(to),
            all_day: view.is_all_day,
            location: view.location.as_ref().map(|place| place.display_name.to_string()).unwrap_or_default(),
            organizer: view.organizer.as_ref().map(Person::named).unwrap_or_default(),
            attendees: people(&view.attendees),
            my_response: view.response_status.as_ref().map(|r| spoken(&r.response)).unwrap_or_default(),
            join_url: view.online_meeting.as_ref().map(|m| m.join_url.to_string()).unwrap_or_default(),
            kind: match &*view.kind {
                "occurrence" => "occurrence",
                "exception" => "exception",
                "seriesMaster" => "series",
                _ => "single",
            },
            series_id: view.series_master_id.to_string(),
            repeats: view.recurrence.as_ref().map(words),
            show_as: view.show_as.to_string(),
            cancelled: view.is_cancelled,
            private: matches!(&*view.sensitivity, "private" | "personal" | "confidential"),
            categories: view.categories.iter().map(|name| name.to_string()).collect(),
            conflicts: Vec::new(),
            link: view.web_link.to_string(),
            body: None,
            from,
            to,
        }
    }

    /// The same with its ids as callers get them.
    pub(super) fn marked(self, context: &CallContext) -> Self {
        Self { id: context.marked(&self.id), series_id: context.marked(&self.series_id), ..self }
    }

    /// Whether every word occurs in subject, place or people.
    pub(super) fn mentions(&self, words: &[String]) -> bool {
        let parts = [&self.subject, &self.location, &self.organizer];
        let text = parts.into_iter().chain(&self.attendees).chain(&self.categories);
        let text = text.map(|part| part.to_lowercase()).collect::<Vec<_>>().join("\n");
        words.iter().all(|word| text.contains(word))
    }

    /// Takes the user's time: neither cancelled, declined nor shown as free.
    fn is_busy(&self) -> bool {
        !self.cancelled && self.my_response != "declined" && self.show_as != "free" && !self.all_day
    }
}

/// Notes which events of one answer lie at the same time. `items` are in order of their start.
pub(super) fn note_conflicts(items: &mut [EventItem]) {
    let spans: Vec<_> =
        items.iter().map(|item| (item.from, item.to, item.is_busy(), item.subject.clone())).collect();
    for (at, item) in items.iter_mut().enumerate() {
        if !item.is_busy() {
            continue;
        }
        let others = spans.iter().enumerate().filter(|(other, (from, to, busy, _))| {
            *other != at && *busy && *from < item.to && *to > item.from
        });
        item.conflicts = others.map(|(_, (.., subject))| subject.clone()).collect();
    }
}

impl Person<'_> {
    fn named(&self) -> String {
        let Some(Address { name, address }) = &self.email_address else { return String::new() };
        match (name.is_empty(), address.is_empty()) {
            (true, _) => address.to_string(),
            (false, true) => name.to_string(),
            (false, false) => format!("{} <{}>", &**name, &**address),
        }
    }
}

fn people(attendees: &[Person<'_>]) -> Vec<String> {
    let said = |person: &Person<'_>| {
        let response = person.status.as_ref().map(|status| spoken(&status.response)).unwrap_or_default();
        let notes: Vec<&str> =
            [&*person.kind, response.as_str()].into_iter().filter(|note| !note.is_empty()).collect();
        format!("{} ({})", person.named(), notes.join(", "))
    };
    let mut out: Vec<String> = attendees.iter().take(MAX_PEOPLE).map(said).collect();
    if attendees.len() > MAX_PEOPLE {
        out.push(format!("…and {} more", attendees.len() - MAX_PEOPLE));
    }
    out
}

/// `responseStatus.response` in words.
fn spoken(response: &str) -> String {
    match response {
        "tentativelyAccepted" => "tentative".to_owned(),
        "notResponded" | "none" => "no answer".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(json: &Value, zone: Tz) -> EventItem {
        let text = json.to_string();
        EventItem::new(&serde_json::from_str(&text).unwrap(), zone)
    }

    fn timed(subject: &str, from: &str, to: &str) -> Value {
        let at = |time: &str| json!({"dateTime": format!("2026-03-30T{time}:00.0000000"), "timeZone": "UTC"});
        json!({"id": subject, "subject": subject, "start": at(from), "end": at(to), "showAs": "busy"})
    }

    #[test]
    fn times_are_local_and_whole_days_stay_days() {
        let timed = item(&timed("a", "07:00", "08:00"), Tz::Europe__Berlin);
        assert_eq!(
            (timed.start.as_str(), timed.start_utc.as_str()),
            ("2026-03-30T09:00:00+02:00", "2026-03-30T07:00:00Z")
        );
        let days = json!({
            "isAllDay": true,
            "start": {"dateTime": "2026-12-24T00:00:00.0000000"}, "end": {"dateTime": "2026-12-27T00:00:00.0000000"},
        });
        for zone in [Tz::Asia__Seoul, Tz::America__Los_Angeles] {
            let days = item(&days, zone);
            assert_eq!((days.start.as_str(), days.end.as_str()), ("2026-12-24", "2026-12-26"));
        }
    }

    #[test]
    fn only_events_that_take_time_conflict() {
        let mut free = timed("free", "07:30", "07:45");
        free["showAs"] = json!("free");
        let mut cancelled = timed("cancelled", "07:30", "07:45");
        cancelled["isCancelled"] = json!(true);
        let rows = [
            timed("a", "07:00", "08:00"),
            free,
            cancelled,
            timed("b", "07:45", "09:00"),
            timed("c", "09:00", "09:30"),
        ];
        let mut items: Vec<_> = rows.iter().map(|row| item(row, Tz::UTC)).collect();
        note_conflicts(&mut items);
        let seen: Vec<_> = items.iter().map(|item| item.conflicts.join(",")).collect();
        assert_eq!(seen, ["b", "", "", "a", ""]);
    }

    #[test]
    fn an_event_of_nothing_is_still_an_item() {
        let empty =
            item(&json!({"id": "x", "subject": null, "attendees": [{"emailAddress": null}]}), Tz::UTC);
        assert_eq!((empty.subject.as_str(), empty.kind), ("", "single"));
        let text = serde_json::to_string(&empty).unwrap();
        assert!(!text.contains("null"), "{text}");
    }
}
