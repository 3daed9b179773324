//! Bodies of writes: what Graph's description allows, read into events.
use std::borrow::Cow;

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::super::error::GraphError;
use super::super::given::{self, flag, member, mistyped, text, word};
use super::super::zones::zone;
use super::occur::{instant, weekday};
use super::render::{EVENT, INDEXES};
use crate::sim::clock;
use crate::sim::directory::Directory;
use crate::sim::seed::calendar::{Attendee, Days, Event, Range, Rule, Series};
use crate::sim::seed::model::Contact;

const SHOW_AS: [&str; 6] = ["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"];
const KINDS: [&str; 3] = ["required", "optional", "resource"];
/// Most people that Exchange invites to one event.
const MAX_PEOPLE: usize = 500;

/// The members of an event in a body.
pub(super) fn members(body: &[u8]) -> Result<Map<String, Value>, GraphError> {
    given::members(body, &EVENT, "event")
}

/// An event before anything is known of it.
pub(super) fn blank(organizer: Contact, meeting: u64, calendar: usize) -> Event {
    Event {
        meeting,
        revision: 0,
        created: Some(clock::now()),
        transaction: None,
        deleted: false,
        reminder: 15,
        subject: Cow::Borrowed(""),
        body: Cow::Borrowed(""),
        organizer,
        attendees: Vec::new(),
        response: "organizer",
        start: NaiveDateTime::default(),
        minutes: 0,
        zone: Tz::UTC,
        zone_name: Cow::Borrowed("UTC"),
        all_day: false,
        location: Cow::Borrowed(""),
        online: false,
        show_as: "busy",
        private: false,
        cancelled: false,
        categories: &[],
        series: None,
        calendar,
    }
}

/// Fills a new event.
pub(super) fn create(
    event: &mut Event,
    given: &Map<String, Value>,
    directory: &Directory,
) -> Result<(), GraphError> {
    if !given.contains_key("start") || !given.contains_key("end") {
        return Err(failed("At least one property failed validation."));
    }
    apply(event, given, directory)
}

/// Changes an event or the master of a series.
pub(super) fn update(
    event: &mut Event,
    given: &Map<String, Value>,
    directory: &Directory,
) -> Result<(), GraphError> {
    if given.contains_key("transactionId") {
        return Err(GraphError::new(400, "ErrorInvalidPropertySet", "Set action is invalid for property."));
    }
    apply(event, given, directory)
}

fn apply(event: &mut Event, given: &Map<String, Value>, directory: &Directory) -> Result<(), GraphError> {
    for (name, value) in given {
        match name.as_str() {
            "subject" => event.subject = text(name, value)?.into(),
            "isAllDay" => event.all_day = flag(name, value)?,
            "isOnlineMeeting" => event.online = flag(name, value)?,
            "location" => {
                event.location = member(value, "displayName").unwrap_or_default().to_owned().into();
            }
            "showAs" => event.show_as = word(name, value, &SHOW_AS)?,
            "sensitivity" => event.private = text(name, value)? != "normal",
            "reminderMinutesBeforeStart" => {
                event.reminder = value.as_i64().ok_or_else(|| mistyped(name))?;
            }
            "body" => body(event, value)?,
            "attendees" => event.attendees = attendees(event, value, directory)?,
            "start" | "end" | "recurrence" | "isReminderOn" | "transactionId" | "onlineMeetingProvider" => {}
            _ => {
                let message = format!("The property '{name}' cannot be set in the simulated tenant.");
                return Err(GraphError::new(501, "NotImplemented", message));
            }
        }
    }
    times(event, given)?;
    if let Some(value) = given.get("recurrence") {
        let series = if value.is_null() { None } else { Some(series(value)?) };
        event.series = series;
    }
    Ok(())
}

/// A new text without the block of Teams takes the meeting off the event.
fn body(event: &mut Event, value: &Value) -> Result<(), GraphError> {
    let content = member(value, "content").ok_or_else(|| mistyped("body"))?;
    let is_html = member(value, "contentType").is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
    let block = content.find("<div>________________");
    let own = content.get(..block.unwrap_or(content.len())).unwrap_or_default();
    event.online &= block.is_some() || event.body.is_empty();
    event.body = if is_html {
        own.to_owned().into()
    } else {
        let safe = own.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("<p>{}</p>", safe.replace('\n', "<br>")).into()
    };
    Ok(())
}

/// `start` and `end`: wall times with the names of their zones.
fn times(event: &mut Event, given: &Map<String, Value>) -> Result<(), GraphError> {
    let start = given.get("start").map(moment).transpose()?;
    let end = given.get("end").map(moment).transpose()?;
    if start.is_none() && end.is_none() {
        return Ok(());
    }
    let length = Duration::minutes(event.minutes);
    let old_end = event.start + length;
    if let Some((wall, tz, name)) = start {
        (event.start, event.zone, event.zone_name) = (wall, tz, name.into());
    }
    let end_wall = match &end {
        Some((wall, tz, _)) if *tz == event.zone => *wall,
        Some((wall, tz, _)) => instant(*tz, *wall).with_timezone(&event.zone).naive_local(),
        None => old_end,
    };
    let minutes = if event.all_day {
        (end_wall - event.start).num_minutes()
    } else {
        (instant(event.zone, end_wall) - instant(event.zone, event.start)).num_minutes()
    };
    if minutes < 0 {
        let message = "End date is earlier than start date.";
        return Err(GraphError::new(400, "ErrorCalendarEndDateIsEarlierThanStartDate", message));
    }
    if event.all_day && (event.start.time() != NaiveTime::MIN || end_wall.time() != NaiveTime::MIN) {
        return Err(failed("The Event.Start property for an all-day event needs to be set to midnight."));
    }
    event.minutes = minutes;
    Ok(())
}

/// By how many minutes a body moves the occurrence of `day`.
pub(super) fn moved(event: &Event, day: NaiveDate, given: &Map<String, Value>) -> Result<i64, GraphError> {
    let (Some(start), true) =
        (given.get("start"), given.keys().all(|name| matches!(name.as_str(), "start" | "end" | "isAllDay")))
    else {
        let message = "Only the time of a single occurrence can be changed in the simulated tenant.";
        return Err(GraphError::new(501, "NotImplemented", message));
    };
    let (wall, tz, _) = moment(start)?;
    let planned = instant(event.zone, day.and_time(event.start.time()));
    Ok((instant(tz, wall) - planned).num_minutes())
}

fn moment(value: &Value) -> Result<(NaiveDateTime, Tz, String), GraphError> {
    let name = member(value, "timeZone").unwrap_or("UTC");
    let tz = zone(name).ok_or_else(|| {
        GraphError::new(400, "TimeZoneNotSupportedException", "A valid time zone must be specified.")
    })?;
    let text = member(value, "dateTime").ok_or_else(|| mistyped("dateTime"))?.trim_end_matches('Z');
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let wall = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    Ok((wall.ok_or_else(|| failed("The date-time is not valid."))?, tz, name.to_owned()))
}

fn attendees(event: &Event, value: &Value, directory: &Directory) -> Result<Vec<Attendee>, GraphError> {
    let list = value.as_array().ok_or_else(|| mistyped("attendees"))?;
    if list.len() > MAX_PEOPLE {
        return Err(GraphError::new(400, "ErrorTooManyRecipients", "Too many attendees."));
    }
    let one = |person: &Value| {
        let contact = given::recipient(person, directory)?;
        let known = |known: &&Attendee| known.contact.address.eq_ignore_ascii_case(&contact.address);
        let response = event.attendees.iter().find(known).map_or("none", |known| known.response);
        let kind = person.get("type").map_or(Ok("required"), |kind| word("type", kind, &KINDS))?;
        Ok(Attendee { contact, kind, response })
    };
    list.iter().map(one).collect()
}

fn series(value: &Value) -> Result<Series, GraphError> {
    let bad = || failed("The recurrence pattern or range is not valid.");
    let (pattern, range) = (value.get("pattern").ok_or_else(bad)?, value.get("range").ok_or_else(bad)?);
    let number =
        |of: &Value, name: &str| of.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let days: Vec<Weekday> = pattern
        .get("daysOfWeek")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|day| WEEK.into_iter().find(|known| Some(weekday(*known)) == day.as_str()))
        .collect();
    let rule = match member(pattern, "type").ok_or_else(bad)? {
        "daily" => Rule::Daily,
        "weekly" if !days.is_empty() => {
            Rule::Weekly(days.iter().fold(Days::default(), |all, day| all.with(*day)))
        }
        "absoluteMonthly" => Rule::Monthly(number(pattern, "dayOfMonth").ok_or_else(bad)?),
        "relativeMonthly" => {
            let index = member(pattern, "index").unwrap_or("first");
            let nth = INDEXES.iter().find(|(_, name)| *name == index).ok_or_else(bad)?.0;
            Rule::NthOfMonth(nth, *days.first().ok_or_else(bad)?)
        }
        "absoluteYearly" => Rule::Yearly(
            number(pattern, "month").ok_or_else(bad)?,
            number(pattern, "dayOfMonth").ok_or_else(bad)?,
        ),
        _ => return Err(bad()),
    };
    let range = match member(range, "type").ok_or_else(bad)? {
        "noEnd" => Range::NoEnd,
        "numbered" => Range::Count(number(range, "numberOfOccurrences").filter(|n| *n > 0).ok_or_else(bad)?),
        "endDate" => {
            let day = member(range, "endDate").and_then(|day| day.parse::<NaiveDate>().ok());
            Range::Until(day.ok_or_else(bad)?)
        }
        _ => return Err(bad()),
    };
    let interval = number(pattern, "interval").and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
    Ok(Series { rule, interval: interval.ok_or_else(bad)?, range, changes: Vec::new() })
}

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn failed(message: &str) -> GraphError {
    GraphError::new(400, "ErrorPropertyValidationFailure", message)
}
