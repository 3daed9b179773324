//! Dates and times as people write them, read in a zone, and instants as people read them.

use crate::domain::clock::Timestamp;
use crate::tools::error::ToolError;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// An instant as Graph writes it.
pub(super) fn utc_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant on the user's wall clock, with offset.
pub(super) fn local_text(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// Now, as a calendar type.
pub(super) fn instant(now: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.as_millis()).unwrap_or_default()
}

/// Which end of a period a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Start,
    End,
}

/// An instant from a date, a wall time or a time with offset. A date at the end means its whole day.
pub(super) fn moment(field: &str, text: &str, zone: Tz, edge: Edge) -> Result<DateTime<Utc>, ToolError> {
    let text = text.trim();
    // Nothing people ask for lies outside, and arithmetic at the ends of the calendar overflows.
    let plausible = |day: NaiveDate| (1900..=2200).contains(&chrono::Datelike::year(&day));
    let exact = DateTime::parse_from_rfc3339(text)
        // RFC 3339 wants seconds; people leave them out.
        .or_else(|_| DateTime::parse_from_str(&text.replace(['Z', 'z'], "+00:00"), "%Y-%m-%dT%H:%M%:z"));
    if let Some(exact) = exact.ok().filter(|exact| plausible(exact.date_naive())) {
        return Ok(exact.to_utc());
    }
    if let Some(day) = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok())
        .filter(|day| plausible(*day))
    {
        return Ok(local(if edge == Edge::End { day + Days::new(1) } else { day }, zone));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let wall = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    if let Some(wall) = wall.filter(|wall| plausible(wall.date())) {
        return Ok(resolve(wall, zone));
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    Err(ToolError::invalid(field, format!("`{field}` must be a date such as 2026-03-31, got \"{shown}\".")))
}

/// Midnight of a day in `zone`.
pub(super) fn local(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    resolve(day.and_time(NaiveTime::MIN), zone)
}

/// Wall time to UTC: the earlier of two in autumn, an hour later in the gap of spring.
pub(super) fn resolve(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    zone.from_local_datetime(&wall)
        .earliest()
        .or_else(|| zone.from_local_datetime(&(wall + TimeDelta::hours(1))).earliest())
        .map_or_else(|| wall.and_utc(), |at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_of_spring_does_not_lose_a_day() {
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        // Midnight did not exist in Sao Paulo on that day.
        assert_eq!(
            local(day, Tz::America__Sao_Paulo),
            "2018-11-04T03:00:00Z".parse::<DateTime<Utc>>().unwrap()
        );
    }
}
