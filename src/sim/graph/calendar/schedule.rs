//! `getSchedule`: who is busy when, without the details that only the owner may see.
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::GraphState;
use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::zones::zone;
use super::occur::{self, Occurrence, instant};
use crate::sim::directory::Directory;
use crate::sim::seed::calendar::Event;

/// Longest period.
const MAX_DAYS: i64 = 62;
/// Most people of one request.
const MAX_PEOPLE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    schedules: Vec<String>,
    start_time: Moment,
    end_time: Moment,
    availability_view_interval: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moment {
    date_time: String,
    time_zone: String,
}

impl Moment {
    pub(super) fn instant(&self) -> Result<DateTime<Utc>, GraphError> {
        let bad = || invalid("The start time or end time is not valid.");
        let tz = zone(&self.time_zone).ok_or_else(|| {
            GraphError::new(400, "TimeZoneNotSupportedException", "A valid time zone must be specified.")
        })?;
        let text = self.date_time.trim_end_matches('Z');
        let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
        let wall = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        Ok(instant(tz, wall.ok_or_else(bad)?))
    }
}

pub(super) fn invalid(message: &str) -> GraphError {
    GraphError::new(400, "ErrorInvalidParameter", message)
}

/// `POST /me/calendar/getSchedule`.
pub(super) fn get(state: &GraphState, directory: &Directory, call: &Call<'_>) -> Result<Answer, GraphError> {
    let wanted: Wanted = serde_json::from_slice(call.body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))?;
    let (from, to) = (wanted.start_time.instant()?, wanted.end_time.instant()?);
    let interval = wanted.availability_view_interval.unwrap_or(30);
    if !(5..=1440).contains(&interval) {
        return Err(invalid("The availability view interval must be between 5 and 1440 minutes."));
    }
    if to <= from || to - from > Duration::days(MAX_DAYS) {
        return Err(invalid("The requested time duration is not valid: it must be at most 62 days."));
    }
    if wanted.schedules.is_empty() || wanted.schedules.len() > MAX_PEOPLE {
        return Err(invalid("The number of schedules must be between 1 and 100."));
    }
    let zone = call.prefer.zone.clone().unwrap_or(("UTC".to_owned(), Tz::UTC));
    let rows: Vec<Value> = wanted
        .schedules
        .iter()
        .map(|address| match directory.by_upn(address) {
            Some(person) => {
                let own = person.oid == call.oid;
                let events = state.events(&person.oid);
                let busy = busy(&events, from, to);
                json!({
                    "scheduleId": address,
                    "availabilityView": view(&busy, from, to, interval),
                    "scheduleItems": busy.iter().map(|it| item(it, own, &zone)).collect::<Vec<_>>(),
                    "workingHours": {
                        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                        "startTime": "09:00:00.0000000", "endTime": "18:00:00.0000000",
                        "timeZone": { "name": person.time_zone },
                    },
                })
            }
            None => json!({
                "scheduleId": address,
                "availabilityView": "",
                "scheduleItems": [],
                "error": {
                    "message": format!("Unable to resolve e-mail address {address} to an Active Directory object."),
                    "responseCode": "ErrorMailRecipientNotFound",
                },
            }),
        })
        .collect();
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.scheduleInformation)", call.origin);
    Ok(super::answer(&json!({ "@odata.context": context, "value": rows })))
}

pub(super) fn busy(events: &[Event], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Occurrence<'_>> {
    let events = events.iter().enumerate().filter(|(_, event)| event.calendar == 0);
    let mut rows: Vec<_> = events
        .flat_map(|(ix, event)| occur::between(ix, event, from, to))
        .filter(|it| !it.event.cancelled && it.event.response != "declined")
        .collect();
    rows.sort_by_key(|it| it.start);
    rows
}

/// One digit for each interval: the busiest of what lies in it.
fn view(busy: &[Occurrence<'_>], from: DateTime<Utc>, to: DateTime<Utc>, interval: i64) -> String {
    let mut out = String::new();
    let mut at = from;
    while at < to {
        let next = at + Duration::minutes(interval);
        let here = busy.iter().filter(|it| it.start < next && it.end > at).map(|it| digit(it.event.show_as));
        out.push(here.max().unwrap_or('0'));
        at = next;
    }
    out
}

fn digit(show_as: &str) -> char {
    match show_as {
        "tentative" => '1',
        "busy" => '2',
        "oof" => '3',
        "workingElsewhere" => '4',
        _ => '0',
    }
}

fn item(it: &Occurrence<'_>, own: bool, zone: &(String, Tz)) -> Value {
    let wall = |at: DateTime<Utc>| {
        let text = at.with_timezone(&zone.1).naive_local().format("%Y-%m-%dT%H:%M:%S.0000000").to_string();
        json!({ "dateTime": text, "timeZone": zone.0 })
    };
    let (start, end, status) = (wall(it.start), wall(it.end), it.event.show_as);
    if !own {
        return json!({ "status": status, "start": start, "end": end });
    }
    // Others see that somebody is busy; only the owner sees with what.
    json!({
        "status": status, "start": start, "end": end,
        "isPrivate": it.event.private, "subject": it.event.subject, "location": it.event.location,
    })
}
