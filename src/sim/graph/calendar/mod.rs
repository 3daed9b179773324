//! Calendars: lists of calendars and events, the calendar view with its occurrences, single events, free and busy.
mod delta;
mod input;
mod meeting_times;
mod occur;
mod render;
mod schedule;
mod write;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

use self::occur::Occurrence;
use self::render::{EVENT, View};
use super::GraphState;
use super::call::{Answer, Call};
use super::error::GraphError;
use super::ids;
use super::options::Options;
use super::paging;
use super::select::Select;
use crate::sim::directory::{Directory, Person};
use crate::sim::seed::calendar::{CALENDARS, Event};

/// Default page of events.
const PAGE: usize = 10;
/// Scopes that show events.
const READ: [&str; 4] =
    ["Calendars.Read", "Calendars.ReadWrite", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared"];
/// Scopes that show what suits others.
const SHARED: [&str; 2] = ["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"];
/// Scopes that show free and busy.
const READ_BASIC: [&str; 5] = [
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Calendars.Read.Shared",
    "Calendars.ReadWrite.Shared",
];
const CALENDAR: [&str; 13] = [
    "id",
    "name",
    "color",
    "hexColor",
    "isDefaultCalendar",
    "changeKey",
    "canShare",
    "canViewPrivateItems",
    "canEdit",
    "allowedOnlineMeetingProviders",
    "defaultOnlineMeetingProvider",
    "isTallyingResponses",
    "isRemovable",
];

/// A change of an event.
#[derive(Debug)]
pub(super) struct Change {
    /// Place in its owner's calendars.
    ix: usize,
    /// As it was; none when it is new.
    before: Option<Event>,
}

/// Answers what lies below `/me/calendar`, `/me/calendars`, `/me/calendarView` and `/me/events`.
pub(super) fn dispatch(
    state: &GraphState,
    directory: &Directory,
    person: &Person,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    if let ["calendar", "getSchedule"] = rest {
        return match call.method {
            "POST" if call.granted(&READ_BASIC) => schedule::get(state, directory, call),
            "POST" => Err(GraphError::access_denied()),
            _ => Err(GraphError::method()),
        };
    }
    if rest == ["findMeetingTimes"] {
        return match call.method {
            "POST" if call.granted(&SHARED) => meeting_times::find(state, directory, person, call),
            "POST" => Err(GraphError::access_denied()),
            _ => Err(GraphError::method()),
        };
    }
    if call.method != "GET" {
        return write::dispatch(state, directory, person, call, rest);
    }
    if !call.granted(&READ) {
        return Err(GraphError::access_denied());
    }
    let events = &*state.events(call.oid);
    match rest {
        ["calendarView", "delta" | "delta()"] => {
            let journals = state.calendar_journal.read();
            delta::list(call, events, journals.get(call.oid).map_or(&[], Vec::as_slice))
        }
        ["calendars"] => calendars(call, person),
        ["calendar"] => calendar(call, person, 0),
        ["calendars", id] => calendar(call, person, known(call, id)?),
        ["calendar", rest @ ..] => below(call, events, Some(0), rest),
        ["calendars", id, rest @ ..] => below(call, events, Some(known(call, id)?), rest),
        _ => below(call, events, None, rest),
    }
}

/// Which calendar an id names.
fn known(call: &Call<'_>, id: &str) -> Result<usize, GraphError> {
    let index = ids::parse_calendar(call.oid, id)?;
    if index < CALENDARS.len() { Ok(index) } else { Err(GraphError::not_found()) }
}

fn below(
    call: &Call<'_>,
    events: &[Event],
    calendar: Option<usize>,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    // The view without a calendar is the default one's; the list of events is everybody's.
    let here = |event: &Event, calendar: Option<usize>| calendar.is_none_or(|ix| event.calendar == ix);
    let all = || events.iter().enumerate();
    match rest {
        ["calendarView"] => {
            let (from, to) = window(call)?;
            let only = Some(calendar.unwrap_or(0));
            let rows = all().filter(|(_, event)| here(event, only));
            list(call, rows.flat_map(|(ix, event)| occur::between(ix, event, from, to)).collect())
        }
        ["events"] => {
            let rows = all().filter(|(_, event)| here(event, calendar));
            list(
                call,
                rows.filter(|(_, event)| !event.deleted)
                    .map(|(ix, event)| Occurrence::own(ix, event))
                    .collect(),
            )
        }
        ["events", id, rest @ ..] => {
            let it = find(call, events, id)?;
            match rest {
                [] => one(call, &it),
                ["instances"] => {
                    let (from, to) = window(call)?;
                    list(call, occur::between(it.ix, it.event, from, to))
                }
                [segment, ..] => Err(GraphError::no_segment(segment)),
            }
        }
        _ => Err(GraphError::no_segment(rest.last().copied().unwrap_or_default())),
    }
}

fn find<'a>(call: &Call<'_>, events: &'a [Event], id: &str) -> Result<Occurrence<'a>, GraphError> {
    let wanted = ids::parse_event(call.prefer.ids, call.oid, id)?;
    let ix = wanted.event as usize;
    let event = events.get(ix).filter(|event| !event.deleted).ok_or_else(GraphError::not_found)?;
    match wanted.day {
        None => Ok(Occurrence::own(ix, event)),
        Some(day) => occur::on(ix, event, day).ok_or_else(GraphError::not_found),
    }
}

/// `startDateTime` and `endDateTime`: both required; without an offset they are UTC, whatever zone is preferred.
fn window(call: &Call<'_>) -> Result<(DateTime<Utc>, DateTime<Utc>), GraphError> {
    let moment = |name: &str| {
        let text = call.query.get(name).ok_or_else(|| {
            GraphError::new(
                400,
                "ErrorInvalidParameter",
                "This request requires a time window specified by the query string parameters StartDateTime \
                 and EndDateTime.",
            )
        })?;
        parse(text).ok_or_else(|| {
            GraphError::new(
                400,
                "ErrorInvalidParameter",
                format!("The value of the parameter '{name}' is invalid."),
            )
        })
    };
    let (from, to) = (moment("startDateTime")?, moment("endDateTime")?);
    if to < from {
        let message = "The end time must be after the start time.";
        return Err(GraphError::new(400, "ErrorInvalidParameter", message));
    }
    Ok((from, to))
}

fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Some(exact.to_utc());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let wall = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || text.parse::<chrono::NaiveDate>().ok().map(|day| day.and_time(chrono::NaiveTime::MIN));
    wall.or_else(day).map(|wall| wall.and_utc())
}

/// One page of events. Without `$orderby`, single events come before occurrences, as at Graph.
fn list(call: &Call<'_>, mut rows: Vec<Occurrence<'_>>) -> Result<Answer, GraphError> {
    let known = ["$select", "$top", "$skip", "$count", "$orderby", "$skiptoken"];
    let options = Options::read(call, &known)?;
    let view = View { call, select: Select::parse(call.query.get("$select"), &EVENT, "event")? };
    match call.query.get("$orderby").map(str::trim) {
        None => rows.sort_by_key(|it| it.day.is_some()),
        Some("start/dateTime" | "start/dateTime asc") => rows.sort_by_key(|it| it.start),
        Some("start/dateTime desc") => rows.sort_by_key(|it| std::cmp::Reverse(it.start)),
        Some(other) => {
            return Err(GraphError::bad_uri(format!(
                "The property '{other}' cannot be used to order events."
            )));
        }
    }
    let start = paging::position(call)?.map_or(options.skip, |p| p.at as usize);
    let end = start.saturating_add(options.page(call, PAGE));
    let page: Vec<Value> =
        rows.iter().skip(start).take(end - start).map(|it| view.event(it).into()).collect();
    let count = options.count.then_some(rows.len());
    Ok(answer(&paging::page_body(
        call,
        &context(call, "events"),
        page,
        (end < rows.len()).then_some(end),
        count,
    )))
}

fn one(call: &Call<'_>, it: &Occurrence<'_>) -> Result<Answer, GraphError> {
    Options::read(call, &["$select"])?;
    let view = View { call, select: Select::parse(call.query.get("$select"), &EVENT, "event")? };
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(call, "events/$entity")));
    body.extend(view.event(it));
    Ok(answer(&body.into()))
}

fn calendars(call: &Call<'_>, person: &Person) -> Result<Answer, GraphError> {
    let options = Options::read(call, &["$select", "$top", "$skip", "$count", "$skiptoken"])?;
    let select = select_calendar(call)?;
    let rows: Vec<Value> = (0..CALENDARS.len()).map(|ix| entity(call, person, ix, &select)).collect();
    let start = paging::position(call)?.map_or(options.skip, |p| p.at as usize);
    let end = start.saturating_add(options.page(call, PAGE));
    let page: Vec<Value> = rows.iter().skip(start).take(end - start).cloned().collect();
    Ok(answer(&paging::page_body(
        call,
        &context(call, "calendars"),
        page,
        (end < rows.len()).then_some(end),
        None,
    )))
}

fn calendar(call: &Call<'_>, person: &Person, index: usize) -> Result<Answer, GraphError> {
    Options::read(call, &["$select"])?;
    Ok(answer(&entity(call, person, index, &select_calendar(call)?)))
}

fn select_calendar<'a>(call: &'a Call<'_>) -> Result<Vec<&'a str>, GraphError> {
    let Some(text) = call.query.get("$select") else { return Ok(vec![]) };
    let wanted: Vec<&str> = text.split(',').map(str::trim).collect();
    match wanted.iter().find(|name| !CALENDAR.contains(name) && **name != "owner") {
        None => Ok(wanted),
        Some(name) => Err(GraphError::bad_uri(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.calendar'."
        ))),
    }
}

fn entity(call: &Call<'_>, person: &Person, index: usize, wanted: &[&str]) -> Value {
    let all = json!({
        "id": ids::calendar(call.oid, index),
        "name": CALENDARS.get(index),
        "color": if index == 0 { "auto" } else { "lightBlue" },
        "hexColor": if index == 0 { "" } else { "#A6D1F5" },
        "isDefaultCalendar": index == 0,
        "changeKey": format!("zqlPtcX6yUOp{index}"),
        "canShare": true, "canViewPrivateItems": true, "canEdit": true, "isTallyingResponses": index == 0,
        "isRemovable": index != 0,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "owner": { "name": person.display_name, "address": person.mail },
    });
    let Value::Object(mut members) = all else { return Value::Null };
    if !wanted.is_empty() {
        members.retain(|name, _| name == "id" || wanted.contains(&name.as_str()));
    }
    members.into()
}

fn context(call: &Call<'_>, place: &str) -> String {
    format!("{}/v1.0/$metadata#users('{}')/{place}", call.origin, call.oid)
}

fn answer(body: &Value) -> Answer {
    Answer::json(body.to_string().into_bytes())
}
