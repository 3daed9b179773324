//! The period of a query: words of the caller in the mailbox's zone, instants in UTC.

use crate::services::time::{Edge, local, moment};
use crate::tools::error::ToolError;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// From `start`, before `end`; an open end means "and everything newer".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) start: DateTime<Utc>,
    pub(super) end: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether an instant lies inside.
    pub(super) fn holds(&self, at: DateTime<Utc>) -> bool {
        at >= self.start && self.end.is_none_or(|end| at < end)
    }

    /// Two halves, newer first; `None` when it cannot be halved into whole UTC days any more.
    pub(super) fn halves(&self, now: DateTime<Utc>) -> Option<(Self, Self)> {
        let first = self.start.date_naive();
        let last = self.end.map_or(now, |end| end - TimeDelta::seconds(1)).date_naive();
        let days = (last - first).num_days();
        if days < 1 {
            return None;
        }
        let middle = midnight(first + TimeDelta::days(days / 2 + days % 2));
        let newer = Self { start: middle, end: self.end };
        Some((newer, Self { start: self.start, end: Some(middle) }))
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// What the caller said about time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Period<'a> {
    pub(super) start_date: Option<&'a str>,
    pub(super) end_date: Option<&'a str>,
    pub(super) days_back: Option<u32>,
}

const DEFAULT_DAYS: u32 = 30;

impl Period<'_> {
    /// The window in UTC. Dates are whole days in `zone`, both included; `days_back` counts only without dates.
    pub(super) fn window(&self, zone: Tz, now: DateTime<Utc>) -> Result<Window, ToolError> {
        let today = now.with_timezone(&zone).date_naive();
        let end = self.end_date.map(|text| moment("end_date", text, zone, Edge::End)).transpose()?;
        let tomorrow = local(today + Days::new(2), zone);
        if end.is_some_and(|end| end > tomorrow) {
            return Err(future("end_date", today));
        }
        let start = if let Some(text) = self.start_date {
            moment("start_date", text, zone, Edge::Start)?
        } else {
            let last =
                end.map_or(today, |end| (end - TimeDelta::seconds(1)).with_timezone(&zone).date_naive());
            local(last - Days::new(u64::from(self.days_back.unwrap_or(DEFAULT_DAYS))), zone)
        };
        if start > now {
            return Err(future("start_date", today));
        }
        if end.is_some_and(|end| end <= start) {
            return Err(ToolError::invalid(
                "end_date",
                "The period is reversed: `end_date` lies before `start_date`. Swap them.",
            ));
        }
        Ok(Window { start, end })
    }
}

fn future(field: &str, today: NaiveDate) -> ToolError {
    ToolError::invalid(
        field,
        format!("`{field}` lies in the future; today is {today} in the mailbox's time zone."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::error::ToolErrorKind;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn window(start: Option<&str>, end: Option<&str>, days: Option<u32>) -> Result<Window, ToolError> {
        // 21 November in Seoul, still the 20th in UTC.
        let period = Period { start_date: start, end_date: end, days_back: days };
        period.window(Tz::Asia__Seoul, at("2026-11-20T18:00:00Z"))
    }

    #[test]
    fn dates_are_whole_days_of_the_mailbox() {
        let both = window(Some("2026-11-01"), Some("2026-11-02"), Some(3)).unwrap();
        assert_eq!(both.start, at("2026-10-31T15:00:00Z"));
        assert_eq!(both.end, Some(at("2026-11-02T15:00:00Z")));
        let open = window(None, None, Some(1)).unwrap();
        assert_eq!((open.start, open.end), (at("2026-11-19T15:00:00Z"), None));
        assert_eq!(window(None, None, None).unwrap().start, at("2026-10-21T15:00:00Z"));
        assert_eq!(window(None, Some("2026-10-10"), Some(2)).unwrap().start, at("2026-10-07T15:00:00Z"));
        let exact = window(Some("2026-11-01T09:00"), Some("2026-11-01T10:00:00+01:00"), None).unwrap();
        assert_eq!((exact.start, exact.end), (at("2026-11-01T00:00:00Z"), Some(at("2026-11-01T09:00:00Z"))));
        assert!(window(None, Some("2026-11-21"), None).is_ok(), "today");
        assert!(window(None, Some("2026-11-22"), None).is_ok(), "tomorrow");
    }

    #[test]
    fn future_reversed_and_unreadable_dates_are_refused_by_name() {
        for (start, end, field, part) in [
            (Some("2026-11-22"), None, "start_date", "future"),
            (None, Some("2026-11-23"), "end_date", "future"),
            (Some("2026-11-05"), Some("2026-11-04"), "end_date", "reversed"),
            (Some("2026-13-01"), None, "start_date", "must be a date"),
            (Some("' or 1 eq 1"), None, "start_date", "must be a date"),
            (Some("99999-01-01"), None, "start_date", "must be a date"),
            (Some("+262142-12-31T23:59"), None, "start_date", "must be a date"),
            (None, Some("-262143-01-01T00:00:00"), "end_date", "must be a date"),
            (None, Some("0000-01-01T00:00:00Z"), "end_date", "must be a date"),
        ] {
            let error = window(start, end, None).unwrap_err();
            assert_eq!(error.kind, ToolErrorKind::InvalidInput { field: Some(field.to_owned()) });
            assert!(error.public.contains(part), "{}", error.public);
        }
    }

    #[test]
    fn halves_cover_the_whole_and_end_at_single_days() {
        let whole = window(Some("2026-11-01"), Some("2026-11-10"), None).unwrap();
        let (newer, older) = whole.halves(at("2026-11-20T00:00:00Z")).unwrap();
        assert_eq!((older.start, newer.end, older.end), (whole.start, whole.end, Some(newer.start)));
        let mut part = whole;
        while let Some((_, older)) = part.halves(at("2026-11-20T00:00:00Z")) {
            assert!(older.end.unwrap() - older.start < part.end.unwrap() - part.start);
            part = older;
        }
    }
}
