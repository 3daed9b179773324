//! The calendars that the simulated people have: meetings that stand in every participant's calendar, series with
//! exceptions, days off, private and cancelled events. Weeks count from the one that the tenant started in.
use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;

use super::model::Contact;
use super::people::Cast;
use super::rng::hash;
use super::{Directory, Owner};

/// One place of a participant in a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attendee {
    pub(crate) contact: Contact,
    /// `required`, `optional` or `resource`.
    pub(crate) kind: &'static str,
    /// As `responseStatus.response` spells it.
    pub(crate) response: &'static str,
}

/// How a series repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Daily,
    Weekly(Days),
    /// On a day of the month.
    Monthly(u32),
    /// On such a day of the month, counted from the first or, below zero, from the last.
    NthOfMonth(i8, Weekday),
    /// On a day of a month.
    Yearly(u32, u32),
}

/// Days of a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Days(u8);

impl Days {
    pub(crate) const fn with(self, day: Weekday) -> Self {
        Self(self.0 | 1 << day as u8)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Weekday> {
        let all = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        all.into_iter().filter(move |day| self.0 & 1 << *day as u8 != 0)
    }
}

/// When a series ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    NoEnd,
    Count(u32),
    Until(NaiveDate),
}

/// What became of one occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Removed,
    /// Starts so many minutes later.
    Moved(i64),
}

/// A series: the event is its first occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) rule: Rule,
    /// Every so many days, weeks, months or years.
    pub(crate) interval: u16,
    pub(crate) range: Range,
    /// By the day that the rule gives.
    pub(crate) changes: Vec<(NaiveDate, Change)>,
}

/// One event as its calendar holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The same in the calendars of all who take part.
    pub(crate) meeting: u64,
    /// Counts the changes.
    pub(crate) revision: u64,
    /// When it was made; long before it begins unless known.
    pub(crate) created: Option<DateTime<Utc>>,
    /// `transactionId` of its creation.
    pub(crate) transaction: Option<String>,
    pub(crate) deleted: bool,
    pub(crate) reminder: i64,
    pub(crate) subject: Cow<'static, str>,
    pub(crate) body: Cow<'static, str>,
    pub(crate) organizer: Contact,
    pub(crate) attendees: Vec<Attendee>,
    /// The owner's own answer; `organizer` for the owner's meetings.
    pub(crate) response: &'static str,
    /// Wall time in `zone`.
    pub(crate) start: NaiveDateTime,
    pub(crate) minutes: i64,
    pub(crate) zone: Tz,
    /// The zone as Exchange names it.
    pub(crate) zone_name: Cow<'static, str>,
    pub(crate) all_day: bool,
    pub(crate) location: Cow<'static, str>,
    pub(crate) online: bool,
    pub(crate) show_as: &'static str,
    pub(crate) private: bool,
    pub(crate) cancelled: bool,
    pub(crate) categories: &'static [&'static str],
    pub(crate) series: Option<Series>,
    /// Place in the list of calendars.
    pub(crate) calendar: usize,
}

/// Everybody's names of calendars; the first is the default one.
pub(crate) const CALENDARS: [&str; 2] = ["Calendar", "Vessel surveys"];

/// A line of the script.
struct Line {
    subject: &'static str,
    body: &'static str,
    /// Organizer first; `(name, kind, response)`.
    people: &'static [(&'static str, &'static str, &'static str)],
    zone: (&'static str, Tz),
    /// Week and day from the current Monday.
    week: i64,
    day: i64,
    hour: u32,
    minutes: i64,
    more: More,
}

/// What is unusual about a line.
#[derive(Clone, Copy)]
struct More {
    all_day: bool,
    location: &'static str,
    online: bool,
    show_as: &'static str,
    private: bool,
    cancelled: bool,
    categories: &'static [&'static str],
    series: Option<(Rule, Range)>,
    /// `(week, day, change)` from the current Monday.
    changes: &'static [(i64, i64, Change)],
    calendar: usize,
}

const PLAIN: More = More {
    all_day: false,
    location: "",
    online: false,
    show_as: "busy",
    private: false,
    cancelled: false,
    categories: &[],
    series: None,
    changes: &[],
    calendar: 0,
};

const BERLIN: (&str, Tz) = ("W. Europe Standard Time", Tz::Europe__Berlin);
const SEOUL: (&str, Tz) = ("Korea Standard Time", Tz::Asia__Seoul);
const PACIFIC: (&str, Tz) = ("Pacific Standard Time", Tz::America__Los_Angeles);

const LINES: &[Line] = &[
    Line {
        subject: "Class surveys: weekly stand-up",
        body: "<p>Open surveys, findings, next port calls.</p>",
        people: &[
            ("alice", "", "organizer"),
            ("bob", "required", "accepted"),
            ("minji", "required", "tentativelyAccepted"),
        ],
        zone: BERLIN,
        week: -8,
        day: 0,
        hour: 9,
        minutes: 30,
        more: More {
            online: true,
            location: "Microsoft Teams Meeting",
            series: Some((Rule::Weekly(Days(0).with(Weekday::Mon).with(Weekday::Wed)), Range::NoEnd)),
            changes: &[(0, 2, Change::Moved(90)), (1, 0, Change::Removed)],
            ..PLAIN
        },
    },
    Line {
        subject: "Harbor crane: design review",
        body: "<p>Revision C of the <b>boom drawings</b>.</p><p>Agenda &amp; drawings are in the mail thread.</p>",
        people: &[
            ("alice", "", "organizer"),
            ("bob", "required", "accepted"),
            ("henrik", "optional", "none"),
        ],
        zone: BERLIN,
        week: 0,
        day: 3,
        hour: 14,
        minutes: 90,
        more: More { location: "Room 4.12", categories: &["Crane"], ..PLAIN },
    },
    Line {
        subject: "1:1 with Carol (overlaps the review)",
        body: "",
        people: &[("alice", "", "organizer"), ("carol", "required", "accepted")],
        zone: BERLIN,
        week: 0,
        day: 3,
        hour: 15,
        minutes: 30,
        more: More { location: "Cafeteria", ..PLAIN },
    },
    Line {
        subject: "Dentist",
        body: "<p>Bring the insurance card.</p>",
        people: &[("alice", "", "organizer")],
        zone: BERLIN,
        week: 1,
        day: 1,
        hour: 8,
        minutes: 60,
        more: More { private: true, show_as: "oof", ..PLAIN },
    },
    Line {
        subject: "Winter holiday",
        body: "",
        people: &[("alice", "", "organizer")],
        zone: BERLIN,
        week: 3,
        day: 0,
        hour: 0,
        minutes: 3 * 24 * 60,
        more: More { all_day: true, show_as: "oof", ..PLAIN },
    },
    Line {
        subject: "Vendor call: ballast valves",
        body: "<p>Cancelled, Maria is travelling.</p>",
        people: &[("maria", "", "organizer"), ("alice", "required", "accepted")],
        zone: BERLIN,
        week: 0,
        day: 4,
        hour: 11,
        minutes: 45,
        more: More { cancelled: true, show_as: "free", ..PLAIN },
    },
    Line {
        subject: "Project closing (last Friday)",
        body: "<p>Month end numbers.</p>",
        people: &[("dave", "", "organizer"), ("alice", "required", "notResponded")],
        zone: BERLIN,
        week: -12,
        day: 4,
        hour: 16,
        minutes: 60,
        more: More { series: Some((Rule::NthOfMonth(-1, Weekday::Fri), Range::NoEnd)), ..PLAIN },
    },
    Line {
        subject: "DNV survey MV Sea Heron",
        body: "<p>Hull and boom, dry dock 2.</p>",
        people: &[("henrik", "", "organizer"), ("alice", "required", "tentativelyAccepted")],
        zone: BERLIN,
        week: 1,
        day: 3,
        hour: 7,
        minutes: 8 * 60,
        more: More { calendar: 1, location: "Dry dock 2", categories: &["Survey"], ..PLAIN },
    },
    Line {
        subject: "Supplier audit \"Q4\" & 50% sample",
        body: "<p>Bring the #7 checklist.</p>",
        people: &[("bob", "", "organizer"), ("maria", "required", "accepted")],
        zone: PACIFIC,
        week: 0,
        day: 2,
        hour: 10,
        minutes: 120,
        more: More { location: "Plant 3", ..PLAIN },
    },
    Line {
        subject: "Procurement desk hours",
        body: "",
        people: &[("bob", "", "organizer")],
        zone: PACIFIC,
        week: -1,
        day: 1,
        hour: 15,
        minutes: 60,
        more: More { series: Some((Rule::Daily, Range::Count(10))), show_as: "tentative", ..PLAIN },
    },
    Line {
        subject: "Rent of the boat shed",
        body: "<p>Direct debit.</p>",
        people: &[("bob", "", "organizer")],
        zone: PACIFIC,
        week: -20,
        day: 0,
        hour: 0,
        minutes: 24 * 60,
        more: More {
            all_day: true,
            show_as: "free",
            private: true,
            series: Some((Rule::Monthly(15), Range::NoEnd)),
            ..PLAIN
        },
    },
    Line {
        subject: "Support duty handover",
        body: "<p>Open claims, who answers which.</p>",
        people: &[("support", "", "organizer"), ("alice", "required", "accepted")],
        zone: BERLIN,
        week: 0,
        day: 0,
        hour: 8,
        minutes: 30,
        more: More { location: "Desk 12", ..PLAIN },
    },
    Line {
        subject: "영업본부 주간 회의",
        body: "<p>지난주 실적과 이번 주 <b>견적</b> 현황.</p>",
        people: &[
            ("minji", "", "organizer"),
            ("jihoon", "required", "accepted"),
            ("alice", "optional", "declined"),
        ],
        zone: SEOUL,
        week: -4,
        day: 1,
        hour: 10,
        minutes: 60,
        more: More {
            location: "회의실 3층",
            series: Some((Rule::Weekly(Days(0).with(Weekday::Tue)), Range::NoEnd)),
            changes: &[(0, 1, Change::Moved(240))],
            ..PLAIN
        },
    },
    Line {
        subject: "KR 선급 검사 일정 협의",
        body: "<p>선석 7번, 오전 9시 승선.</p>",
        people: &[("yuna", "", "organizer"), ("minji", "required", "accepted")],
        zone: SEOUL,
        week: 0,
        day: 4,
        hour: 9,
        minutes: 90,
        more: More { online: true, location: "Microsoft Teams 모임", categories: &["선급"], ..PLAIN },
    },
    Line {
        subject: "연차",
        body: "",
        people: &[("minji", "", "organizer")],
        zone: SEOUL,
        week: 2,
        day: 0,
        hour: 0,
        minutes: 24 * 60,
        more: More { all_day: true, show_as: "oof", ..PLAIN },
    },
];

/// Everybody's events, by object id.
pub(crate) fn calendars(directory: &Directory, now: DateTime<Utc>) -> Vec<(String, Vec<Event>)> {
    let owners = super::all_owners(directory);
    let cast = Cast::new(&owners);
    let monday = now.date_naive().week(Weekday::Mon).first_day();
    owners.iter().map(|owner| (owner.oid.clone(), of(owner, &cast, monday))).collect()
}

fn of(owner: &Owner, cast: &Cast, monday: NaiveDate) -> Vec<Event> {
    let mine = |line: &&Line| line.people.iter().any(|(name, ..)| *name == owner.key);
    LINES.iter().filter(mine).map(|line| event(line, owner, cast, monday)).collect()
}

fn event(line: &Line, owner: &Owner, cast: &Cast, monday: NaiveDate) -> Event {
    let at = |week: i64, day: i64| shift(monday, week * 7 + day);
    let hour = NaiveTime::from_hms_opt(line.hour, 0, 0).unwrap_or_default();
    let mut people = line.people.iter();
    let organizer = people.next().map_or("", |(name, ..)| name);
    let attendees = people
        .map(|(name, kind, response)| Attendee { contact: cast.contact(name), kind, response })
        .collect();
    let own = line.people.iter().find(|(name, ..)| *name == owner.key);
    let More { series, changes, .. } = line.more;
    let series = series.map(|(rule, range)| Series {
        rule,
        interval: 1,
        range,
        changes: changes.iter().map(|(week, day, change)| (at(*week, *day), *change)).collect(),
    });
    let mut start = at(line.week, line.day).and_time(hour);
    if let Some(Series { rule: Rule::Monthly(day), .. }) = &series {
        start = start.with_day(*day).unwrap_or(start);
    }
    Event {
        meeting: hash(line.subject.as_bytes()) ^ hash(cast.contact(organizer).address.as_bytes()),
        revision: 0,
        created: None,
        transaction: None,
        deleted: false,
        reminder: 15,
        subject: line.subject.into(),
        body: line.body.into(),
        organizer: cast.contact(organizer),
        attendees,
        response: own.map_or("none", |(_, _, response)| response),
        start,
        minutes: line.minutes,
        zone: line.zone.1,
        zone_name: line.zone.0.into(),
        all_day: line.more.all_day,
        location: line.more.location.into(),
        online: line.more.online,
        show_as: line.more.show_as,
        private: line.more.private,
        cancelled: line.more.cancelled,
        categories: line.more.categories,
        series,
        calendar: line.more.calendar,
    }
}

fn shift(day: NaiveDate, days: i64) -> NaiveDate {
    let distance = chrono::Days::new(days.unsigned_abs());
    let moved = if days < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) };
    moved.unwrap_or(day)
}
