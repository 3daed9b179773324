//! Occurrences of events in a period: single events as they are, series by their rule in their own zone, so that a
//! meeting at nine stays at nine when the clocks change.
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use rrule::{Frequency, NWeekday, RRule, RRuleSet};

use crate::sim::seed::calendar::{Change, Event, Range, Rule, Series};

/// Days of a series that are looked at; nobody reads further.
const MOST: u16 = 2000;

/// One event in time.
#[derive(Clone, Debug)]
pub(super) struct Occurrence<'a> {
    /// Place of the event in the calendar book.
    pub(super) ix: usize,
    pub(super) event: &'a Event,
    /// The day that the rule gave; none for single events and masters.
    pub(super) day: Option<NaiveDate>,
    pub(super) moved: bool,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

impl<'a> Occurrence<'a> {
    /// The event itself: a single one, or the first of its series.
    pub(super) fn own(ix: usize, event: &'a Event) -> Self {
        let start = instant(event.zone, event.start);
        Self { ix, event, day: None, moved: false, start, end: end(event, event.start) }
    }

    fn on(ix: usize, event: &'a Event, day: NaiveDate) -> Option<Self> {
        let series = event.series.as_ref()?;
        let change = series.changes.iter().find(|(changed, _)| *changed == day).map(|(_, change)| *change);
        let wall = day.and_time(event.start.time());
        let wall = match change {
            None => wall,
            Some(Change::Removed) => return None,
            Some(Change::Moved(minutes)) => wall + Duration::minutes(minutes),
        };
        let (start, end) = (instant(event.zone, wall), end(event, wall));
        Some(Self { ix, event, day: Some(day), moved: change.is_some(), start, end })
    }
}

/// Everything of an event that touches the period, in order.
pub(super) fn between(
    ix: usize,
    event: &Event,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<Occurrence<'_>> {
    // Graph counts what ends exactly at the start of the period out, and an event without length in.
    let touches = |o: &Occurrence<'_>| o.start < to && (o.end > from || (o.start == o.end && o.end == from));
    if event.deleted {
        return Vec::new();
    }
    match &event.series {
        None => Some(Occurrence::own(ix, event)).filter(touches).into_iter().collect(),
        Some(series) => {
            let days = days(event, series, to);
            days.into_iter().filter_map(|day| Occurrence::on(ix, event, day)).filter(touches).collect()
        }
    }
}

/// The occurrence of a day that the rule really gives.
pub(super) fn on(ix: usize, event: &Event, day: NaiveDate) -> Option<Occurrence<'_>> {
    let series = event.series.as_ref()?;
    let after = instant(event.zone, day.and_time(event.start.time())) + Duration::days(2);
    days(event, series, after).contains(&day).then(|| Occurrence::on(ix, event, day)).flatten()
}

fn days(event: &Event, series: &Series, to: DateTime<Utc>) -> Vec<NaiveDate> {
    let Some(set) = rules(event, series) else { return Vec::new() };
    let limit = to.with_timezone(&rrule::Tz::UTC) + Duration::days(1);
    set.before(limit).all(MOST).dates.iter().map(DateTime::date_naive).collect()
}

fn rules(event: &Event, series: &Series) -> Option<RRuleSet> {
    let zone: rrule::Tz = event.zone.into();
    let first = zone.from_local_datetime(&event.start).earliest()?;
    let rule = match series.rule {
        Rule::Daily => RRule::new(Frequency::Daily),
        Rule::Weekly(days) => {
            RRule::new(Frequency::Weekly).by_weekday(days.iter().map(NWeekday::Every).collect())
        }
        Rule::Monthly(day) => RRule::new(Frequency::Monthly).by_month_day(vec![i8::try_from(day).ok()?]),
        Rule::NthOfMonth(nth, day) => {
            RRule::new(Frequency::Monthly).by_weekday(vec![NWeekday::Nth(i16::from(nth), day)])
        }
        Rule::Yearly(month, day) => RRule::new(Frequency::Yearly)
            .by_month(&[rrule_month(month)?])
            .by_month_day(vec![i8::try_from(day).ok()?]),
    };
    let rule = rule.interval(series.interval);
    let rule = match series.range {
        Range::NoEnd => rule,
        Range::Count(count) => rule.count(count),
        Range::Until(day) => {
            let last = day.and_hms_opt(23, 59, 59)?;
            rule.until(instant(event.zone, last).with_timezone(&zone))
        }
    };
    Some(RRuleSet::new(first).rrule(rule.validate(first).ok()?))
}

fn rrule_month(month: u32) -> Option<chrono::Month> {
    u8::try_from(month).ok().and_then(|month| chrono::Month::try_from(month).ok())
}

fn end(event: &Event, start: NaiveDateTime) -> DateTime<Utc> {
    // Whole days end at a midnight, whatever the clocks did meanwhile.
    if event.all_day {
        return instant(event.zone, start + Duration::minutes(event.minutes));
    }
    instant(event.zone, start) + Duration::minutes(event.minutes)
}

/// Wall time to UTC: the earlier of two in autumn, an hour later in the gap of spring.
pub(super) fn instant(zone: Tz, wall: NaiveDateTime) -> DateTime<Utc> {
    zone.from_local_datetime(&wall)
        .earliest()
        .or_else(|| zone.from_local_datetime(&(wall + Duration::hours(1))).earliest())
        .map_or_else(|| wall.and_utc(), |at| at.to_utc())
}

/// A day as Graph spells it.
pub(super) fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    }
}
