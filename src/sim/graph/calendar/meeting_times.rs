//! `findMeetingTimes`: times that suit the organizer and enough of those who are asked (Graph docs, *user:
//! findMeetingTimes*).

use chrono::{DateTime, Datelike, Duration, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::GraphState;
use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::zones::zone;
use super::schedule::{Moment, busy, invalid};
use crate::sim::directory::{Directory, Person};

/// Suggestions unless asked otherwise.
const CANDIDATES: usize = 20;
/// Suggestions begin on the half hour.
const STEP: Duration = Duration::minutes(30);
/// Longest period that is looked at.
const MAX_DAYS: i64 = 62;
/// Working hours of everybody here.
const WORK: (u32, u32) = (9, 18);
/// Chance, in percent, that somebody of whom nothing is known comes.
const UNKNOWN: f64 = 49.0;
const WHY: &str = "Suggested because it is one of the nearest times when all attendees are available.";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    attendees: Vec<Attendee>,
    time_constraint: Constraint,
    meeting_duration: Option<String>,
    max_candidates: Option<usize>,
    is_organizer_optional: bool,
    return_suggestion_reasons: bool,
    minimum_attendee_percentage: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attendee {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    email_address: Address,
}

#[derive(Deserialize)]
struct Address {
    address: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Constraint {
    activity_domain: Option<String>,
    time_slots: Vec<Slot>,
}

#[derive(Deserialize)]
struct Slot {
    start: Moment,
    end: Moment,
}

/// Somebody's time; none: nothing is known of them.
type Busy = Option<Vec<Taken>>;

struct Taken {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    status: &'static str,
}

/// A time that suits.
struct Found {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    organizer: &'static str,
    confidence: f64,
}

/// `POST /me/findMeetingTimes`.
pub(super) fn find(
    state: &GraphState,
    directory: &Directory,
    person: &Person,
    call: &Call<'_>,
) -> Result<Answer, GraphError> {
    let wanted: Wanted = match call.body {
        [] => Wanted::default(),
        body => serde_json::from_slice(body)
            .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))?,
    };
    let length = match wanted.meeting_duration.as_deref() {
        None => Duration::minutes(30),
        Some(text) => minutes(text).ok_or_else(|| {
            GraphError::bad_request("Cannot convert the literal to the expected type 'Edm.Duration'.")
        })?,
    };
    let mut spans = Vec::new();
    for slot in &wanted.time_constraint.time_slots {
        let span = (slot.start.instant()?, slot.end.instant()?);
        if span.1 <= span.0 || span.1 - span.0 > Duration::days(MAX_DAYS) {
            return Err(invalid("The start time must come before the end time."));
        }
        spans.push(span);
    }
    if spans.is_empty() {
        let now = crate::sim::clock::now();
        spans.push((now, now + Duration::days(7)));
    }
    let (from, to) = (spans.iter().map(|s| s.0).min(), spans.iter().map(|s| s.1).max());
    let (Some(from), Some(to)) = (from, to) else { return Err(invalid("There is no time slot.")) };
    let times = |oid: &str| -> Busy {
        let events = state.events(oid);
        let taken = busy(&events, from, to);
        let taken = taken.iter().map(|it| Taken { from: it.start, to: it.end, status: it.event.show_as });
        Some(taken.collect())
    };
    let own = times(call.oid);
    let others: Vec<(&Attendee, Busy)> = wanted
        .attendees
        .iter()
        .map(|asked| (asked, directory.by_upn(&asked.email_address.address).and_then(|p| times(&p.oid))))
        .collect();
    let home: Tz = zone(&person.time_zone).unwrap_or(Tz::UTC);
    let shown = call.prefer.zone.clone().unwrap_or(("UTC".to_owned(), Tz::UTC));
    let whole_day = wanted.time_constraint.activity_domain.as_deref() == Some("unrestricted");
    let least = wanted.minimum_attendee_percentage.unwrap_or(50.0);
    let mut found: Vec<Found> = Vec::new();
    for (start, end) in spans {
        let mut from = half_hour(start);
        while from + length <= end {
            let to = from + length;
            let organizer = status(own.as_ref(), from, to);
            let works = whole_day || works(from.with_timezone(&home), to.with_timezone(&home));
            let confidence = confidence(&others, from, to);
            if works && (organizer == "free" || wanted.is_organizer_optional) && confidence >= least {
                found.push(Found { from, to, organizer, confidence });
            }
            from += STEP;
        }
    }
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.from.cmp(&b.from)));
    found.truncate(wanted.max_candidates.unwrap_or(CANDIDATES));
    let reason = match found.as_slice() {
        [] if others.is_empty() => "OrganizerUnavailable",
        [] => "AttendeesUnavailable",
        _ => "",
    };
    let why = if wanted.return_suggestion_reasons { json!(WHY) } else { Value::Null };
    let rows: Vec<Value> = found
        .iter()
        .enumerate()
        .map(|(ix, found)| suggestion(&others, found, &shown, (ix + 1, &why)))
        .collect();
    let context = format!("{}/v1.0/$metadata#microsoft.graph.meetingTimeSuggestionsResult", call.origin);
    Ok(super::answer(&json!({
        "@odata.context": context, "emptySuggestionsReason": reason, "meetingTimeSuggestions": rows,
    })))
}

/// `PT1H30M`, in whole minutes.
fn minutes(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix("PT")?;
    let mut total = 0;
    for (unit, factor) in [('H', 60), ('M', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            total += number.parse::<i64>().ok()? * factor;
            rest = after;
        }
    }
    (rest.is_empty() && total > 0).then(|| Duration::minutes(total))
}

fn half_hour(at: DateTime<Utc>) -> DateTime<Utc> {
    let into = Duration::minutes(i64::from(at.minute() % 30)) + Duration::seconds(i64::from(at.second()));
    if into.is_zero() { at } else { at - into + STEP }
}

fn works(from: DateTime<Tz>, to: DateTime<Tz>) -> bool {
    let end = to.hour() * 60 + to.minute();
    !matches!(from.weekday(), Weekday::Sat | Weekday::Sun)
        && from.date_naive() == to.date_naive()
        && from.hour() >= WORK.0
        && end <= WORK.1 * 60
}

/// The busiest of what lies in the time.
fn status(times: Option<&Vec<Taken>>, from: DateTime<Utc>, to: DateTime<Utc>) -> &'static str {
    let Some(times) = times else { return "unknown" };
    let here = times.iter().filter(|taken| taken.from < to && taken.to > from).map(|taken| taken.status);
    let rank = |status: &&str| {
        ["free", "workingElsewhere", "tentative", "busy", "oof"].iter().position(|s| s == status)
    };
    here.max_by_key(rank).unwrap_or("free")
}

/// Chance in percent that those who are asked come: the mean of theirs.
fn confidence(others: &[(&Attendee, Busy)], from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    let chance = |(_, times): &(&Attendee, Busy)| match status(times.as_ref(), from, to) {
        "free" | "workingElsewhere" => 100.0,
        "unknown" | "tentative" => UNKNOWN,
        _ => 0.0,
    };
    let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
    if count == 0 { 100.0 } else { others.iter().map(chance).sum::<f64>() / f64::from(count) }
}

fn suggestion(
    others: &[(&Attendee, Busy)],
    found: &Found,
    zone: &(String, Tz),
    (order, why): (usize, &Value),
) -> Value {
    let wall = |at: DateTime<Utc>| {
        let text = at.with_timezone(&zone.1).naive_local().format("%Y-%m-%dT%H:%M:%S.0000000").to_string();
        json!({ "dateTime": text, "timeZone": zone.0 })
    };
    let attendee = |(asked, times): &(&Attendee, Busy)| {
        json!({
            "availability": status(times.as_ref(), found.from, found.to),
            "attendee": {
                "type": asked.kind.as_deref().unwrap_or("required"),
                "emailAddress": { "address": asked.email_address.address },
            },
        })
    };
    json!({
        "order": order,
        "confidence": found.confidence,
        "suggestionReason": why,
        "organizerAvailability": found.organizer,
        "attendeeAvailability": others.iter().map(attendee).collect::<Vec<_>>(),
        "locations": [],
        "meetingTimeSlot": { "start": wall(found.from), "end": wall(found.to) },
    })
}
