//! Parts of a period as they are said, and the days that they are.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

/// Which one of a row is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Bare,
    Last,
    This,
    Next,
}

/// Something said about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Day(NaiveDate),
    Weekday(Weekday, Which),
    /// A week by its Monday.
    Week(NaiveDate),
    Weekend(Which),
    Month {
        year: Option<i32>,
        month: u32,
    },
    /// First, middle or last third of a month.
    Third {
        year: Option<i32>,
        month: u32,
        third: u32,
    },
    Date {
        year: Option<i32>,
        month: u32,
        day: u32,
    },
    Quarter {
        year: Option<i32>,
        quarter: u32,
    },
    Half {
        year: Option<i32>,
        half: u32,
    },
    Year(i32),
    Span {
        start: NaiveDateTime,
        end: NaiveDateTime,
    },
    /// Minutes of a day; a point without an end.
    Clock {
        from: u32,
        to: Option<u32>,
    },
    Timed {
        day: NaiveDate,
        from: u32,
        to: Option<u32>,
    },
}

/// Units of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// The moment of asking, on the wall of the person's zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: NaiveDateTime,
    /// What has no year, or is a weekday, may lie ahead.
    pub(super) ahead: bool,
}

/// Longest duration that is understood, in its own unit.
const MOST: u32 = 3_660;

pub(super) fn date(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).filter(|_| (1970..=2100).contains(&year))
}

fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN)
}

fn at_minute(day: NaiveDate, minute: u32) -> NaiveDateTime {
    midnight(day) + TimeDelta::minutes(i64::from(minute))
}

fn month_span(year: i32, month: u32, months: u32) -> Option<(NaiveDate, NaiveDate)> {
    let start = date(year, month, 1)?;
    Some((start, start + Months::new(months)))
}

/// Minutes of a day; the end may lie behind midnight.
fn hours(day: NaiveDate, from: u32, to: Option<u32>) -> (NaiveDateTime, NaiveDateTime) {
    let to = to.unwrap_or(from + 60);
    (at_minute(day, from), at_minute(day, if to <= from { to + 1440 } else { to }))
}

impl Now {
    pub(super) fn today(self) -> NaiveDate {
        self.at.date()
    }

    pub(super) fn day(self, offset: i64) -> NaiveDate {
        self.today() + TimeDelta::days(offset)
    }

    /// Monday of the week that is `offset` weeks away.
    pub(super) fn monday(self, offset: i64) -> NaiveDate {
        let today = self.today();
        today - Days::new(u64::from(today.weekday().num_days_from_monday())) + TimeDelta::weeks(offset)
    }

    /// The calendar unit that is `offset` away.
    pub(super) fn calendar(self, unit: Unit, offset: i32) -> Option<Piece> {
        let today = self.today();
        let month = today.year() * 12 + today.month0() as i32 + offset;
        Some(match unit {
            Unit::Day => Piece::Day(self.day(i64::from(offset))),
            Unit::Week => Piece::Week(self.monday(i64::from(offset))),
            Unit::Month => {
                Piece::Month { year: Some(month.div_euclid(12)), month: month.rem_euclid(12) as u32 + 1 }
            }
            Unit::Quarter => {
                let quarter = today.year() * 4 + today.month0() as i32 / 3 + offset;
                Piece::Quarter {
                    year: Some(quarter.div_euclid(4)),
                    quarter: quarter.rem_euclid(4) as u32 + 1,
                }
            }
            Unit::Year => Piece::Year(today.year() + offset),
            Unit::Minute | Unit::Hour => return None,
        })
    }

    /// From so long ago until now: whole days up to today's end, or hours and minutes to the moment.
    pub(super) fn back(self, count: u32, unit: Unit) -> Option<Piece> {
        let count = Some(count).filter(|count| (1..=MOST).contains(count))?;
        let long = i64::from(count);
        let start = match unit {
            Unit::Minute => {
                return Some(Piece::Span { start: self.at - TimeDelta::minutes(long), end: self.at });
            }
            Unit::Hour => return Some(Piece::Span { start: self.at - TimeDelta::hours(long), end: self.at }),
            Unit::Day => self.day(-long),
            Unit::Week => self.day(-7 * long),
            Unit::Month => self.today() - Months::new(count),
            Unit::Quarter => self.today() - Months::new(3 * count),
            Unit::Year => self.today() - Months::new(12 * count.min(100)),
        };
        Some(Piece::Span { start: midnight(start), end: midnight(self.day(1)) })
    }

    /// From today, or now, on for so long.
    pub(super) fn on(self, count: u32, unit: Unit) -> Option<Piece> {
        let count = Some(count).filter(|count| (1..=MOST).contains(count))?;
        let long = i64::from(count);
        let last = match unit {
            Unit::Minute => {
                return Some(Piece::Span { start: self.at, end: self.at + TimeDelta::minutes(long) });
            }
            Unit::Hour => return Some(Piece::Span { start: self.at, end: self.at + TimeDelta::hours(long) }),
            Unit::Day => self.day(long),
            Unit::Week => self.day(7 * long),
            Unit::Month => self.today() + Months::new(count),
            Unit::Quarter => self.today() + Months::new(3 * count),
            Unit::Year => self.today() + Months::new(12 * count.min(70)),
        };
        Some(Piece::Span { start: midnight(self.today()), end: midnight(last + Days::new(1)) })
    }

    /// The day, week, month or year that lies so far back.
    pub(super) fn ago(self, count: u32, unit: Unit) -> Option<Piece> {
        let count = i32::try_from(count).ok().filter(|count| (1..=MOST as i32).contains(count))?;
        match unit {
            Unit::Minute => self.back(count as u32, unit),
            Unit::Hour => {
                let start = self.at - TimeDelta::hours(i64::from(count));
                Some(Piece::Span { start, end: start + TimeDelta::hours(1) })
            }
            Unit::Day | Unit::Week | Unit::Month | Unit::Quarter | Unit::Year => self.calendar(unit, -count),
        }
    }

    /// Of the years around, the one in which `span` lies as it should: not ahead, or nearest.
    fn year_of(self, span: impl Fn(i32) -> Option<(NaiveDate, NaiveDate)>) -> Option<(NaiveDate, NaiveDate)> {
        let today = self.today();
        let around = (today.year() - 1..=today.year() + 1).filter_map(span);
        if !self.ahead {
            // 29 February may be further back.
            return around.filter(|(start, _)| *start <= today).max();
        }
        let distance = |(start, end): &(NaiveDate, NaiveDate)| {
            if *start <= today && today < *end {
                0
            } else {
                (*start - today).num_days().abs().min((*end - today).num_days().abs())
            }
        };
        around.min_by_key(distance)
    }

    fn weekday(self, weekday: Weekday, which: Which) -> NaiveDate {
        let this = self.monday(0) + Days::new(u64::from(weekday.num_days_from_monday()));
        let today = self.today();
        match which {
            Which::This => this,
            Which::Next => this + Days::new(7),
            Which::Last => this - Days::new(if this < today { 0 } else { 7 }),
            Which::Bare if self.ahead => this + Days::new(if this < today { 7 } else { 0 }),
            Which::Bare => this - Days::new(if this > today { 7 } else { 0 }),
        }
    }

    /// Instants of a piece; the end is not included.
    pub(super) fn resolve(self, piece: Piece) -> Option<(NaiveDateTime, NaiveDateTime)> {
        let days = |days: (NaiveDate, NaiveDate)| (midnight(days.0), midnight(days.1));
        let one = |day: NaiveDate| days((day, day + Days::new(1)));
        let dated = |year: Option<i32>, span: &dyn Fn(i32) -> Option<(NaiveDate, NaiveDate)>| match year {
            Some(year) => span(year),
            None => self.year_of(span),
        };
        Some(match piece {
            Piece::Day(day) => one(day),
            Piece::Weekday(weekday, which) => one(self.weekday(weekday, which)),
            Piece::Week(monday) => days((monday, monday + Days::new(7))),
            Piece::Weekend(which) => {
                let saturday = self.weekday(Weekday::Sat, which);
                days((saturday, saturday + Days::new(2)))
            }
            Piece::Month { year, month } => days(dated(year, &|year| month_span(year, month, 1))?),
            Piece::Third { year, month, third } => days(dated(year, &|year| {
                let (start, end) = month_span(year, month, 1)?;
                Some(match third {
                    1 => (start, start + Days::new(10)),
                    2 => (start + Days::new(10), start + Days::new(20)),
                    _ => (start + Days::new(20), end),
                })
            })?),
            Piece::Date { year, month, day } => {
                days(dated(year, &|year| date(year, month, day).map(|day| (day, day + Days::new(1))))?)
            }
            Piece::Quarter { year, quarter } => {
                days(dated(year, &|year| month_span(year, 3 * quarter - 2, 3))?)
            }
            Piece::Half { year, half } => days(dated(year, &|year| month_span(year, 6 * half - 5, 6))?),
            Piece::Year(year) => days(month_span(year, 1, 12)?),
            Piece::Span { start, end } => (start, end),
            Piece::Clock { from, to } => hours(self.today(), from, to),
            Piece::Timed { day, from, to } => hours(day, from, to),
        })
    }

    /// The single day that a piece is.
    fn single(self, piece: Piece) -> Option<NaiveDate> {
        match piece {
            Piece::Day(_) | Piece::Weekday(..) | Piece::Date { .. } => Some(self.resolve(piece)?.0.date()),
            Piece::Week(_)
            | Piece::Weekend(_)
            | Piece::Month { .. }
            | Piece::Third { .. }
            | Piece::Quarter { .. }
            | Piece::Half { .. }
            | Piece::Year(_)
            | Piece::Span { .. }
            | Piece::Clock { .. }
            | Piece::Timed { .. } => None,
        }
    }

    /// Two pieces that are said of one time.
    pub(super) fn combine(self, first: Piece, second: Piece) -> Option<Piece> {
        match (first, second) {
            (day, Piece::Clock { from, to }) | (Piece::Clock { from, to }, day)
                if self.single(day).is_some() =>
            {
                Some(Piece::Timed { day: self.single(day)?, from, to })
            }
            (Piece::Week(monday), Piece::Weekday(weekday, Which::Bare))
            | (Piece::Weekday(weekday, Which::Bare), Piece::Week(monday)) => {
                Some(Piece::Day(monday + Days::new(u64::from(weekday.num_days_from_monday()))))
            }
            (Piece::Week(monday), Piece::Weekend(Which::Bare)) => {
                let saturday = midnight(monday + Days::new(5));
                Some(Piece::Span { start: saturday, end: saturday + TimeDelta::days(2) })
            }
            (Piece::Year(year), other) | (other, Piece::Year(year)) => other.in_year(year),
            _ => None,
        }
    }
}

impl Piece {
    /// The same in this year, when it has none.
    fn in_year(self, wanted: i32) -> Option<Self> {
        let year = Some(wanted);
        match self {
            Self::Month { year: None, month } => Some(Self::Month { year, month }),
            Self::Third { year: None, month, third } => Some(Self::Third { year, month, third }),
            Self::Date { year: None, month, day } => Some(Self::Date { year, month, day }),
            Self::Quarter { year: None, quarter } => Some(Self::Quarter { year, quarter }),
            Self::Half { year: None, half } => Some(Self::Half { year, half }),
            Self::Month { .. }
            | Self::Third { .. }
            | Self::Date { .. }
            | Self::Quarter { .. }
            | Self::Half { .. }
            | Self::Day(_)
            | Self::Weekday(..)
            | Self::Week(_)
            | Self::Weekend(_)
            | Self::Year(_)
            | Self::Span { .. }
            | Self::Clock { .. }
            | Self::Timed { .. } => None,
        }
    }

    /// The end of a range that began with `first`: in the same year, or the one after.
    pub(super) fn after(self, now: Now, first: Self) -> Self {
        let Some((start, _)) = now.resolve(first) else { return self };
        if let Self::Weekday(weekday, Which::Bare) = self {
            let ahead =
                (weekday.num_days_from_monday() + 7 - start.date().weekday().num_days_from_monday()) % 7;
            return Self::Day(start.date() + Days::new(u64::from(ahead)));
        }
        let year = start.date().year();
        let fits = |piece: &Self| now.resolve(*piece).is_some_and(|(_, end)| end > start);
        self.in_year(year).filter(fits).or_else(|| self.in_year(year + 1)).unwrap_or(self)
    }
}
