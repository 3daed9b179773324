//! `/me/calendarView/delta`: first everything in the period, then what changed since the last link. Of a series the
//! master comes whole, and its occurrences with their ids and times only, as at Graph.
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::occur::{self, Occurrence};
use super::render::{EVENT, View};
use super::{Change, answer, context, window};
use crate::sim::graph::call::{Answer, Call};
use crate::sim::graph::error::GraphError;
use crate::sim::graph::options::Options;
use crate::sim::graph::paging::{self, Position};
use crate::sim::graph::select::Select;
use crate::sim::seed::calendar::Event;

/// Default page.
const PAGE: usize = 10;
/// What an occurrence tells of itself; the rest is its master's.
const OF_OCCURRENCE: [&str; 6] = ["@odata.etag", "id", "type", "seriesMasterId", "start", "end"];
const NOT_SUPPORTED: [&str; 7] = ["$orderby", "$filter", "$select", "$expand", "$search", "$top", "$count"];

/// One page of a round over the default calendar.
pub(super) fn list(call: &Call<'_>, events: &[Event], journal: &[Change]) -> Result<Answer, GraphError> {
    if call.query.names().any(|name| NOT_SUPPORTED.contains(&name)) {
        let list = NOT_SUPPORTED.join(", ");
        return Err(GraphError::new(
            400,
            "ErrorInvalidUrlQuery",
            format!(
                "The following parameters are not supported with change tracking over the 'CalendarView' resource: \
                 '{list}'."
            ),
        ));
    }
    Options::read(call, &["$skiptoken", "$deltatoken"])?;
    let (from, to) = window(call)?;
    let view = View { call, select: Select::parse(None, &EVENT, "event")? };
    let round = Round { view, events, from, to };
    let resumed = paging::position(call)?;
    let now = u32::try_from(journal.len()).unwrap_or(u32::MAX);
    let begun = resumed.map_or(now, |at| at.given);
    let rows = match paging::delta(call)? {
        Some(since) => round.changes(journal.get(since.at as usize..).unwrap_or_default()),
        None => events.iter().enumerate().flat_map(|(ix, event)| round.shown(ix, event)).collect(),
    };
    let start = resumed.map_or(0, |at| at.at as usize);
    let end = start.saturating_add(call.prefer.page.unwrap_or(PAGE)).min(rows.len());
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(call, "calendarView/$delta")));
    body.insert("value".to_owned(), json!(rows.get(start..end).unwrap_or_default()));
    let (name, link) = if end < rows.len() {
        let next = Position { at: u32::try_from(end).unwrap_or(u32::MAX), given: begun };
        ("@odata.nextLink", paging::next_link(call, next))
    } else {
        ("@odata.deltaLink", paging::delta_link(call, Position { at: begun, given: 0 }))
    };
    body.insert(name.to_owned(), json!(link));
    Ok(answer(&body.into()))
}

struct Round<'a> {
    view: View<'a>,
    events: &'a [Event],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Round<'_> {
    /// What is in the period of one event, as it is or as it was.
    fn shown(&self, ix: usize, event: &Event) -> Vec<Value> {
        if event.calendar != 0 {
            return Vec::new();
        }
        let all = occur::between(ix, event, self.from, self.to);
        let master = event.series.as_ref().filter(|_| !all.is_empty());
        let master = master.map(|_| Value::from(self.view.event(&Occurrence::own(ix, event))));
        master.into_iter().chain(all.iter().map(|it| self.row(it))).collect()
    }

    fn row(&self, it: &Occurrence<'_>) -> Value {
        let mut row = self.view.event(it);
        if it.day.is_some() && !it.moved {
            row.retain(|name, _| OF_OCCURRENCE.contains(&name.as_str()));
        }
        row.into()
    }

    /// What each event that changed shows now, and what it shows no more.
    fn changes(&self, journal: &[Change]) -> Vec<Value> {
        let mut first: Vec<&Change> = Vec::new();
        for change in journal {
            if first.iter().all(|known| known.ix != change.ix) {
                first.push(change);
            }
        }
        first.into_iter().flat_map(|change| self.change(change)).collect()
    }

    fn change(&self, change: &Change) -> Vec<Value> {
        let rows =
            |event: Option<&Event>| event.map(|event| self.shown(change.ix, event)).unwrap_or_default();
        let (before, mut now) = (rows(change.before.as_ref()), rows(self.events.get(change.ix)));
        let is_gone = |row: &Value| now.iter().all(|other| other.get("id") != row.get("id"));
        let gone: Vec<Value> = before.iter().filter(|row| is_gone(row)).map(removed).collect();
        now.extend(gone);
        now
    }
}

fn removed(row: &Value) -> Value {
    json!({ "@odata.type": "#microsoft.graph.event", "id": row.get("id"), "@removed": { "reason": "deleted" } })
}
