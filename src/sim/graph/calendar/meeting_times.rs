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
type Busy = Option<Vec<(DateTime<Utc>, DateTime<Utc>, &'static str)>>;

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
        Some(busy(&events, from, to).iter().map(|it| (it.start, it.end, it.event.show_as)).collect())
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
    let mut found: Vec<(f64, DateTime<Utc>, Value)> = Vec::new();
    for (start, end) in spans {
        let mut at = half_hour(start);
        while at + length <= end {
            let until = at + length;
            let organizer = status(own.as_ref(), at, until);
            let works = whole_day || works(at.with_timezone(&home), until.with_timezone(&home));
            if works && (organizer == "free" || wanted.is_organizer_optional) {
                let chances: Vec<f64> =
                    others.iter().map(|(_, busy)| chance(status(busy.as_ref(), at, until))).collect();
                let all =
                    chances.iter().sum::<f64>() / f64::from(u32::try_from(chances.len()).unwrap_or(1).max(1));
                let confidence = if chances.is_empty() { 100.0 } else { all };
                if confidence >= least {
                    found.push((
                        confidence,
                        at,
                        suggestion(&others, (at, until), &shown, organizer, confidence),
                    ));
                }
            }
            at += STEP;
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(wanted.max_candidates.unwrap_or(CANDIDATES));
    let reason = if !found.is_empty() {
        ""
    } else if others.is_empty() {
        "OrganizerUnavailable"
    } else {
        "AttendeesUnavailable"
    };
    let rows: Vec<Value> = found
        .into_iter()
        .enumerate()
        .map(|(ix, (_, _, mut row))| {
            row["order"] = json!(ix + 1);
            if wanted.return_suggestion_reasons {
                row["suggestionReason"] = json!(
                    "Suggested because it is one of the nearest times when all attendees are available."
                );
            }
            row
        })
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
fn status(
    busy: Option<&Vec<(DateTime<Utc>, DateTime<Utc>, &'static str)>>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> &'static str {
    let Some(busy) = busy else { return "unknown" };
    let here = busy.iter().filter(|(start, end, _)| *start < to && *end > from).map(|(_, _, status)| *status);
    here.max_by_key(|status| {
        ["free", "workingElsewhere", "tentative", "busy", "oof"].iter().position(|s| s == status)
    })
    .unwrap_or("free")
}

fn chance(status: &str) -> f64 {
    match status {
        "free" | "workingElsewhere" => 100.0,
        "unknown" | "tentative" => UNKNOWN,
        _ => 0.0,
    }
}

fn suggestion(
    others: &[(&Attendee, Busy)],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    zone: &(String, Tz),
    organizer: &str,
    confidence: f64,
) -> Value {
    let wall = |at: DateTime<Utc>| {
        let text = at.with_timezone(&zone.1).naive_local().format("%Y-%m-%dT%H:%M:%S.0000000").to_string();
        json!({ "dateTime": text, "timeZone": zone.0 })
    };
    let attendee = |(asked, busy): &(&Attendee, Busy)| {
        json!({
            "availability": status(busy.as_ref(), from, to),
            "attendee": {
                "type": asked.kind.as_deref().unwrap_or("required"),
                "emailAddress": { "address": asked.email_address.address },
            },
        })
    };
    json!({
        "confidence": confidence,
        "organizerAvailability": organizer,
        "attendeeAvailability": others.iter().map(attendee).collect::<Vec<_>>(),
        "locations": [],
        "meetingTimeSlot": { "start": wall(from), "end": wall(to) },
    })
}
