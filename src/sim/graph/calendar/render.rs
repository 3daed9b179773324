//! Events as JSON: only the chosen properties, on the wall clock that the request prefers.
use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::ids::{self, EventRef};
use super::super::prefer::BodyForm;
use super::super::select::Select;
use super::occur::{Occurrence, weekday};
use crate::sim::seed::calendar::{Event, Range, Rule, Series};
use crate::sim::seed::model::Contact;
use crate::sim::seed::rng::{hash, mix};
use crate::sim::seed::text;

/// Properties of an event.
pub(super) const EVENT: [&str; 41] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "transactionId",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "iCalUId",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "subject",
    "bodyPreview",
    "importance",
    "sensitivity",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "responseRequested",
    "seriesMasterId",
    "showAs",
    "type",
    "webLink",
    "onlineMeetingUrl",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "allowNewTimeProposals",
    "isDraft",
    "hideAttendees",
    "responseStatus",
    "body",
    "start",
    "end",
    "location",
    "locations",
    "recurrence",
    "attendees",
    "organizer",
    "onlineMeeting",
    "originalStart",
];

/// `index` of a pattern, by what the rule counts.
pub(super) const INDEXES: [(i8, &str); 5] =
    [(1, "first"), (2, "second"), (3, "third"), (4, "fourth"), (-1, "last")];

/// Who reads, and how.
pub(super) struct View<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) select: Select,
}

impl View<'_> {
    /// One event as an object.
    pub(super) fn event(&self, it: &Occurrence<'_>) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("@odata.etag".to_owned(), json!(format!("W/\"{}\"", change_key(self.call, it))));
        for field in &self.select.fields {
            let value = if self.call.delegated && it.event.private {
                self.veiled(field, it)
            } else {
                self.field(field, it)
            };
            out.insert((*field).to_owned(), value);
        }
        out
    }

    /// What those see of a private event who only share the calendar: when, and nothing of what.
    fn veiled(&self, field: &str, it: &Occurrence<'_>) -> Value {
        match field {
            "subject" => json!("Private Appointment"),
            "bodyPreview" => json!(""),
            "body" => json!({ "contentType": "html", "content": "" }),
            "location" => location(""),
            "locations" | "attendees" | "categories" => json!([]),
            _ => self.field(field, it),
        }
    }

    /// The id of an event or of one of its occurrences.
    pub(super) fn id(&self, ix: usize, day: Option<chrono::NaiveDate>) -> String {
        let event = EventRef { event: u32::try_from(ix).unwrap_or(u32::MAX), day };
        ids::event(self.call.prefer.ids, self.call.oid, event)
    }

    fn field(&self, field: &str, it: &Occurrence<'_>) -> Value {
        let event = it.event;
        match field {
            "id" => json!(self.id(it.ix, it.day)),
            "createdDateTime" | "lastModifiedDateTime" => {
                json!(stamp(event.created.unwrap_or(it.start - chrono::Duration::days(30))))
            }
            "changeKey" => json!(change_key(self.call, it)),
            "categories" => json!(event.categories),
            "transactionId" => json!(event.transaction),
            "originalStartTimeZone" | "originalEndTimeZone" => json!(event.zone_name),
            "iCalUId" => json!(format!("040000008200E00074C5B7101A82E008{:032X}", uid(event))),
            "reminderMinutesBeforeStart" => json!(event.reminder),
            "isReminderOn" => json!(!event.all_day),
            "subject" => json!(event.subject),
            "bodyPreview" => json!(text::from_html(&event.body).chars().take(255).collect::<String>()),
            "importance" => json!("normal"),
            "sensitivity" => json!(if event.private { "private" } else { "normal" }),
            "isAllDay" => json!(event.all_day),
            "isCancelled" => json!(event.cancelled),
            "isOrganizer" => json!(event.response == "organizer"),
            "responseRequested" | "allowNewTimeProposals" => json!(true),
            "seriesMasterId" => it.day.map_or(Value::Null, |_| json!(self.id(it.ix, None))),
            "showAs" => json!(event.show_as),
            "type" => json!(kind(it)),
            "webLink" => json!(self.web_link(it)),
            "isOnlineMeeting" => json!(event.online),
            "onlineMeetingProvider" => json!(if event.online { "teamsForBusiness" } else { "unknown" }),
            "hasAttachments" | "isDraft" | "hideAttendees" => json!(false),
            "responseStatus" => json!({ "response": event.response, "time": answered(event, it) }),
            "body" => self.body(event),
            "start" => self.wall(it.start, event.all_day, event),
            "end" => self.wall(it.end, event.all_day, event),
            "location" => location(&event.location),
            "locations" if event.location.is_empty() => json!([]),
            "locations" => json!([location(&event.location)]),
            "recurrence" => recurrence(it),
            "attendees" => attendees(event, it),
            "organizer" => json!({ "emailAddress": address(&event.organizer) }),
            "onlineMeeting" if event.online => json!({ "joinUrl": join_url(event) }),
            "originalStart" => json!(stamp(it.day.map_or(it.start, |day| {
                super::occur::instant(event.zone, day.and_time(event.start.time()))
            }))),
            _ => Value::Null,
        }
    }

    fn body(&self, event: &Event) -> Value {
        // Teams puts its link into the body of its meetings.
        let join = if event.online {
            format!("<div>________________<br><a href=\"{}\">Join</a></div>", join_url(event))
        } else {
            String::new()
        };
        // Exchange wraps what it stores into a whole page.
        let html = format!(
            "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>{}{join}\
             </body></html>",
            event.body
        );
        match self.call.prefer.body {
            Some(BodyForm::Text) => json!({ "contentType": "text", "content": text::from_html(&event.body) }),
            Some(BodyForm::Html) | None => json!({ "contentType": "html", "content": html }),
        }
    }

    /// Wall time in the preferred zone, UTC without one. Whole days are midnights in the event's own zone, whatever
    /// the reader prefers.
    fn wall(&self, at: DateTime<Utc>, all_day: bool, event: &Event) -> Value {
        let zone = self.call.prefer.zone.as_ref();
        let name = zone.map_or("UTC", |(name, _)| name);
        let wall = match zone {
            _ if all_day => at.with_timezone(&event.zone).naive_local(),
            Some((_, tz)) => at.with_timezone(tz).naive_local(),
            None => at.naive_utc(),
        };
        json!({ "dateTime": wall.format("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": name })
    }

    fn web_link(&self, it: &Occurrence<'_>) -> String {
        let id = self.id(it.ix, it.day);
        let id = utf8_percent_encode(&id, NON_ALPHANUMERIC);
        format!("https://outlook.office365.com/owa/?itemid={id}&exvsurl=1&path=/calendar/item")
    }
}

fn kind(it: &Occurrence<'_>) -> &'static str {
    match (&it.event.series, it.day) {
        (None, _) => "singleInstance",
        (Some(_), None) => "seriesMaster",
        (Some(_), Some(_)) if it.moved => "exception",
        (Some(_), Some(_)) => "occurrence",
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn uid(event: &Event) -> u64 {
    mix(event.meeting)
}

pub(super) fn change_key(call: &Call<'_>, it: &Occurrence<'_>) -> String {
    let seed = uid(it.event)
        ^ hash(call.oid.as_bytes())
        ^ it.start.timestamp().unsigned_abs()
        ^ (it.event.revision << 48);
    format!("DwAAABYAAAB{:016x}AAA", mix(seed))
}

/// Graph writes year one where nobody has answered yet.
fn answered(event: &Event, it: &Occurrence<'_>) -> String {
    if matches!(event.response, "none" | "notResponded" | "organizer") {
        return "0001-01-01T00:00:00Z".to_owned();
    }
    stamp(it.start - chrono::Duration::days(20))
}

fn address(contact: &Contact) -> Value {
    json!({ "name": contact.name, "address": contact.address })
}

fn attendees(event: &Event, it: &Occurrence<'_>) -> Value {
    let one = |attendee: &crate::sim::seed::calendar::Attendee| {
        let time = match attendee.response {
            "none" | "notResponded" => "0001-01-01T00:00:00Z".to_owned(),
            _ => stamp(it.start - chrono::Duration::days(20)),
        };
        json!({
            "type": attendee.kind,
            "status": { "response": attendee.response, "time": time },
            "emailAddress": address(&attendee.contact),
        })
    };
    event.attendees.iter().map(one).collect()
}

fn location(name: &str) -> Value {
    json!({ "displayName": name, "locationType": "default", "uniqueId": name, "uniqueIdType": "private" })
}

pub(super) fn join_url(event: &Event) -> String {
    format!("https://teams.microsoft.com/l/meetup-join/19%3ameeting_{:016x}%40thread.v2/0", uid(event))
}

fn recurrence(it: &Occurrence<'_>) -> Value {
    let (Some(series), None) = (&it.event.series, it.day) else { return Value::Null };
    json!({ "pattern": pattern(series), "range": range(it.event, series) })
}

fn pattern(series: &Series) -> Value {
    let (kind, days, day_of_month, index) = match series.rule {
        Rule::Daily => ("daily", None, 0, "first"),
        Rule::Weekly(days) => ("weekly", Some(days.iter().map(weekday).collect()), 0, "first"),
        Rule::Monthly(day) => ("absoluteMonthly", None, day, "first"),
        Rule::NthOfMonth(nth, day) => {
            let index = INDEXES.iter().find(|(known, _)| *known == nth).map_or("last", |(_, name)| name);
            ("relativeMonthly", Some(vec![weekday(day)]), 0, index)
        }
        Rule::Yearly(_, day) => ("absoluteYearly", None, day, "first"),
    };
    let mut pattern = Map::from_iter([
        ("type".to_owned(), json!(kind)),
        ("interval".to_owned(), json!(series.interval)),
        ("month".to_owned(), json!(if let Rule::Yearly(month, _) = series.rule { month } else { 0 })),
        ("dayOfMonth".to_owned(), json!(day_of_month)),
    ]);
    pattern.extend(days.map(|days: Vec<&str>| ("daysOfWeek".to_owned(), json!(days))));
    pattern.insert("firstDayOfWeek".to_owned(), json!("sunday"));
    pattern.insert("index".to_owned(), json!(index));
    pattern.into()
}

fn range(event: &Event, series: &Series) -> Value {
    let first = event.start.date();
    let start = format!("{:04}-{:02}-{:02}", first.year(), first.month(), first.day());
    let (kind, count) = match series.range {
        Range::NoEnd => ("noEnd", 0),
        Range::Count(count) => ("numbered", count),
        Range::Until(_) => ("endDate", 0),
    };
    let end = if let Range::Until(day) = series.range { day.to_string() } else { "0001-01-01".to_owned() };
    json!({
        "type": kind, "startDate": start, "endDate": end, "recurrenceTimeZone": event.zone_name,
        "numberOfOccurrences": count,
    })
}
