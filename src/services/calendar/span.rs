//! The period of a call: days and times of the caller in a zone, instants in UTC.

use crate::services::time::{Edge, local, moment};
use crate::tools::error::ToolError;
use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Longest period of one call.
const MAX_DAYS: i64 = 366;

/// From `start`, before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

/// The names of a call's arguments and what they say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) start: (&'static str, Option<&'a str>),
    pub(super) end: (&'static str, Option<&'a str>),
    /// Days from the start when no end is given.
    pub(super) days: u64,
}

impl Said<'_> {
    /// Today from its midnight unless a start is given; a date at the end means its whole day.
    pub(super) fn span(&self, zone: Tz, now: DateTime<Utc>) -> Result<Span, ToolError> {
        let (start_name, start) = self.start;
        let (end_name, end) = self.end;
        let start = match start {
            Some(text) => moment(start_name, text, zone, Edge::Start)?,
            None => local(now.with_timezone(&zone).date_naive(), zone),
        };
        let end = match end {
            Some(text) => moment(end_name, text, zone, Edge::End)?,
            None => local(start.with_timezone(&zone).date_naive() + Days::new(self.days), zone),
        };
        if end <= start {
            return Err(ToolError::invalid(
                end_name,
                format!("The period is reversed or empty: `{end_name}` must come after `{start_name}`."),
            ));
        }
        if end - start > TimeDelta::days(MAX_DAYS) {
            return Err(ToolError::invalid(
                end_name,
                format!(
                    "`{end_name}` makes the period longer than {MAX_DAYS} days. Ask for a part of it at a time."
                ),
            ));
        }
        Ok(Span { start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: Option<&str>, end: Option<&str>) -> Result<Span, ToolError> {
        // 21 November in Seoul, still the 20th in UTC.
        let now = "2026-11-20T18:00:00Z".parse().unwrap();
        Said { start: ("start_date", start), end: ("end_date", end), days: 30 }.span(Tz::Asia__Seoul, now)
    }

    #[test]
    fn days_are_the_callers_days() {
        let all = span(None, None).unwrap();
        assert_eq!(all.start.to_rfc3339(), "2026-11-20T15:00:00+00:00");
        assert_eq!((all.end - all.start).num_days(), 30);
        let day = span(Some("2026-12-24"), Some("2026-12-24")).unwrap();
        assert_eq!((day.end - day.start).num_hours(), 24);
    }

    #[test]
    fn reversed_and_endless_periods_name_the_argument() {
        for (start, end) in [("2026-12-24", "2026-12-23"), ("2026-01-01", "2027-06-01"), ("x", "2026-01-01")]
        {
            assert!(span(Some(start), Some(end)).unwrap_err().public.contains("_date`"), "{start} {end}");
        }
    }
}
