//! Pieces of time in English, and dates in figures.

use super::piece::{Now, Piece, Unit, Which, date};
use super::{Said, clock};
use crate::planner::line::Line;
use chrono::{Datelike, Weekday};

const MONTHS: &[(&str, u32)] = &[
    ("january", 1),
    ("jan", 1),
    ("february", 2),
    ("feb", 2),
    ("march", 3),
    ("mar", 3),
    ("april", 4),
    ("apr", 4),
    ("may", 5),
    ("june", 6),
    ("jun", 6),
    ("july", 7),
    ("jul", 7),
    ("august", 8),
    ("aug", 8),
    ("september", 9),
    ("sept", 9),
    ("sep", 9),
    ("october", 10),
    ("oct", 10),
    ("november", 11),
    ("nov", 11),
    ("december", 12),
    ("dec", 12),
];
const WEEKDAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
    ("mondays", Weekday::Mon),
    ("tues", Weekday::Tue),
    ("thurs", Weekday::Thu),
    ("thur", Weekday::Thu),
];
/// Words of their own, too.
const SHORT_WEEKDAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];
const NUMBERS: &[(&str, u32)] = &[
    ("a", 1),
    ("an", 1),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("twelve", 12),
    ("couple", 2),
    ("few", 3),
    ("several", 5),
];
/// What stands before a year, and before months that are words as well.
const BEFORE_DATES: &[&str] = &[
    "in", "since", "from", "until", "till", "last", "this", "next", "of", "during", "for", "before", "after",
    "early", "mid", "late", "and", "to", "through", "by", "year", "on", "between",
];

pub(super) fn piece(line: &Line, at: usize, now: Now) -> Option<Said> {
    let (piece, next) = relative(line, at, now)
        .or_else(|| ago(line, at, now))
        .or_else(|| quarter(line, at))
        .or_else(|| calendar_date(line, at))
        .or_else(|| figures(line, at, now))
        .or_else(|| weekday(line, at).map(|day| (Piece::Weekday(day, Which::Bare), at + 1)))
        .or_else(|| year(line, at))
        .or_else(|| line.is(at, &["weekend", "weekend's"]).then_some((Piece::Weekend(Which::Bare), at + 1)))
        .or_else(|| clock::english(line, at).map(|said| (said.piece, said.next)))?;
    Some(Said { piece, next, tail: String::new() })
}

/// A word without its possessive.
fn plain(line: &Line, at: usize) -> &str {
    let word = line.low(at);
    word.strip_suffix("'s").or_else(|| word.strip_suffix('\'')).unwrap_or(word)
}

fn unit(line: &Line, at: usize) -> Option<Unit> {
    Some(match plain(line, at) {
        "minute" | "minutes" | "min" | "mins" => Unit::Minute,
        "hour" | "hours" | "hr" | "hrs" => Unit::Hour,
        "day" | "days" => Unit::Day,
        "week" | "weeks" => Unit::Week,
        "month" | "months" => Unit::Month,
        "quarter" | "quarters" => Unit::Quarter,
        "year" | "years" => Unit::Year,
        _ => return None,
    })
}

/// A number in figures or words: "3", "three", "couple of".
fn number(line: &Line, at: usize) -> Option<(u32, usize)> {
    if let Some(number) = line.number(at) {
        return Some((number, at + 1));
    }
    let at = if line.is(at, &["a"]) && line.is(at + 1, &["couple", "few"]) { at + 1 } else { at };
    let (_, number) = NUMBERS.iter().find(|(word, _)| line.is(at, &[word]))?;
    Some((*number, if line.is(at + 1, &["of"]) { at + 2 } else { at + 1 }))
}

pub(super) fn month(line: &Line, at: usize) -> Option<u32> {
    MONTHS.iter().find(|(word, _)| *word == plain(line, at)).map(|(_, month)| *month)
}

fn weekday(line: &Line, at: usize) -> Option<Weekday> {
    let named = |table: &[(&str, Weekday)]| {
        table.iter().find(|(word, _)| *word == plain(line, at)).map(|(_, day)| *day)
    };
    let is_sure = BEFORE_DATES.contains(&line.word_before(at)) || line.get(at)?.is_capital() && at > 0;
    named(WEEKDAYS).or_else(|| named(SHORT_WEEKDAYS).filter(|_| is_sure))
}

/// "today", "last week", "the past 3 days", "next Friday", "this morning".
fn relative(line: &Line, at: usize, now: Now) -> Option<(Piece, usize)> {
    let today = now.today();
    match plain(line, at) {
        "today" => return Some((Piece::Day(today), at + 1)),
        "yesterday" => return Some((Piece::Day(now.day(-1)), at + 1)),
        "tomorrow" => return Some((Piece::Day(now.day(1)), at + 1)),
        "tonight" => return Some((Piece::Timed { day: today, from: 1080, to: Some(1440) }, at + 1)),
        "day" if line.reads(at + 1, &["before", "yesterday"]) => {
            return Some((Piece::Day(now.day(-2)), at + 3));
        }
        "day" if line.reads(at + 1, &["after", "tomorrow"]) => return Some((Piece::Day(now.day(2)), at + 3)),
        "rest" if line.is(at + 1, &["of"]) => return rest(line, at + 2, now),
        "week" if line.reads(at + 1, &["before", "last"]) => {
            return Some((Piece::Week(now.monday(-2)), at + 3));
        }
        "week" if line.reads(at + 1, &["after", "next"]) => {
            return Some((Piece::Week(now.monday(2)), at + 3));
        }
        _ => {}
    }
    let (offset, which) = match line.low(at) {
        "last" | "past" | "previous" => (-1, Which::Last),
        "this" | "current" => (0, Which::This),
        "next" | "coming" | "upcoming" | "following" => (1, Which::Next),
        _ => return None,
    };
    let next = at + 1;
    if let Some((count, behind)) = number(line, next)
        && let Some(unit) = unit(line, behind)
    {
        let piece = match offset {
            -1 => now.back(count, unit),
            1 => now.on(count, unit),
            _ => None,
        };
        return piece.map(|piece| (piece, behind + 1));
    }
    if let Some(unit) = unit(line, next) {
        // "the past week" is seven days, "last week" the one of the calendar.
        let is_rolling = line.is(at, &["past"]) || matches!(unit, Unit::Hour | Unit::Minute);
        let piece = match offset {
            -1 if is_rolling => now.back(1, unit),
            1 if matches!(unit, Unit::Hour | Unit::Minute) => now.on(1, unit),
            _ => now.calendar(unit, offset),
        };
        return piece.map(|piece| (piece, next + 1));
    }
    if let Some(day) = weekday(line, next) {
        return Some((Piece::Weekday(day, which), next + 1));
    }
    let evening = |day| Some((Piece::Timed { day, from: 1080, to: Some(1440) }, next + 1));
    match (plain(line, next), which) {
        ("weekend", which) => return Some((Piece::Weekend(which), next + 1)),
        ("night" | "evening", Which::Last) => return evening(now.day(-1)),
        ("evening" | "night", Which::This) => return evening(today),
        ("morning", Which::This) => {
            return Some((Piece::Timed { day: today, from: 0, to: Some(720) }, next + 1));
        }
        ("afternoon", Which::This) => {
            return Some((Piece::Timed { day: today, from: 720, to: Some(1080) }, next + 1));
        }
        _ => {}
    }
    // "last March" is over, "next March" is to come, "this March" is in this year.
    let month = month(line, next)?;
    let year = match which {
        Which::Last if month >= today.month() => today.year() - 1,
        Which::Next if month <= today.month() => today.year() + 1,
        Which::Last | Which::Next | Which::This | Which::Bare => today.year(),
    };
    Some((Piece::Month { year: Some(year), month }, next + 1))
}

/// "rest of today", "rest of the week": from now on.
fn rest(line: &Line, at: usize, now: Now) -> Option<(Piece, usize)> {
    let at = if line.is(at, &["the", "this"]) { at + 1 } else { at };
    let unit = if line.is(at, &["today"]) { Unit::Day } else { unit(line, at)? };
    let (_, end) = now.resolve(now.calendar(unit, 0)?)?;
    Some((Piece::Span { start: now.at, end }, at + 1))
}

/// "3 days ago", "a week ago".
fn ago(line: &Line, at: usize, now: Now) -> Option<(Piece, usize)> {
    let (count, next) = number(line, at)?;
    let unit = unit(line, next)?;
    if !line.is(next + 1, &["ago", "back"]) {
        return None;
    }
    Some((now.ago(count, unit)?, next + 2))
}

/// "Q3", "Q3 2025", "first quarter of 2025", "H1", "second half of last year" (the year is joined later).
fn quarter(line: &Line, at: usize) -> Option<(Piece, usize)> {
    let nth = |word: &str| ["first", "second", "third", "fourth"].iter().position(|nth| *nth == word);
    let short = |letter: char| {
        let number: u32 = plain(line, at).strip_prefix(letter)?.parse().ok()?;
        Some(number)
    };
    let behind = |next: usize| {
        let of = if line.is(next, &["of"]) { next + 1 } else { next };
        let year = line.number(of).filter(|year| (1990..=2100).contains(year));
        (year.map(|year| year as i32), if year.is_some() { of + 1 } else { next })
    };
    if let Some(quarter) = short('q').filter(|quarter| (1..=4).contains(quarter)) {
        let (year, next) = behind(at + 1);
        return Some((Piece::Quarter { year, quarter }, next));
    }
    if let Some(half) = short('h').filter(|half| (1..=2).contains(half)) {
        let (year, next) = behind(at + 1);
        return Some((Piece::Half { year, half }, next));
    }
    let nth = nth(line.low(at))? as u32 + 1;
    let (year, next) = behind(at + 2);
    if line.is(at + 1, &["quarter"]) {
        return Some((Piece::Quarter { year, quarter: nth }, next));
    }
    let is_half = line.is(at + 1, &["half"]) && nth <= 2;
    // Half of a year only when a year follows.
    let dated = year.is_some() || line.is(next, &["of"]) && line.is(next + 1, &["last", "this", "the"]);
    (is_half && dated).then_some((Piece::Half { year, half: nth }, next))
}

/// Behind the ending of an ordinal number, if there is one.
pub(super) fn ordinal(line: &Line, at: usize) -> usize {
    if line.is_glued(at) && line.is(at, &["st", "nd", "rd", "th"]) { at + 1 } else { at }
}

fn day(line: &Line, at: usize) -> Option<u32> {
    let is_short = line.any(at).is_some_and(|token| token.text.len() <= 2);
    let is_clock = line.sign(at + 1) == Some(':') || line.is(at + 1, &["am", "pm"]);
    line.number(at).filter(|day| is_short && !is_clock && (1..=31).contains(day))
}

fn year_at(line: &Line, at: usize) -> Option<i32> {
    line.number(at).filter(|year| (1990..=2100).contains(year)).map(|year| year as i32)
}

/// A year, a comma before it allowed, and the token behind.
fn year_behind(line: &Line, at: usize) -> (Option<i32>, usize) {
    let from = if line.sign(at) == Some(',') || line.is(at, &["of"]) { at + 1 } else { at };
    match year_at(line, from) {
        Some(year) => (Some(year), from + 1),
        None => (None, at),
    }
}

/// "March", "March 2", "March 2nd, 2026", "2 March 2026", "the 5th of March", "early March".
pub(super) fn calendar_date(line: &Line, at: usize) -> Option<(Piece, usize)> {
    if let Some(third) = ["early", "mid", "late"].iter().position(|word| line.is(at, &[word]))
        && let Some(month) = month(line, at + 1)
    {
        let (year, next) = year_behind(line, at + 2);
        return Some((Piece::Third { year, month, third: third as u32 + 1 }, next));
    }
    if let Some(day) = day(line, at) {
        let next = ordinal(line, at + 1);
        let of = if line.is(next, &["of"]) { next + 1 } else { next };
        if let Some(month) = month(line, of) {
            let (year, next) = year_behind(line, of + 1);
            return Some((Piece::Date { year, month, day }, next));
        }
        return None;
    }
    let month = month(line, at)?;
    let is_word = line.is(at, &["may", "march", "mar"]);
    let first = if line.is(at + 1, &["the"]) { at + 2 } else { at + 1 };
    if let Some(day) = day(line, first) {
        let (year, next) = year_behind(line, ordinal(line, first + 1));
        return Some((Piece::Date { year, month, day }, next));
    }
    let (year, next) = year_behind(line, at + 1);
    let is_sure = year.is_some() || !is_word || BEFORE_DATES.contains(&line.word_before(at));
    is_sure.then_some((Piece::Month { year, month }, next))
}

/// 2026-03-02, 2026/3/2, 20260302, 2026-03, 3/2, 3/2/2026, 3.2 before 부터, 까지 or ~, "the 5th".
fn figures(line: &Line, at: usize, now: Now) -> Option<(Piece, usize)> {
    let first = line.number(at)?;
    let text = line.any(at).map_or("", |token| token.text.as_str());
    if text.len() == 8 {
        let day = date((first / 10_000) as i32, first / 100 % 100, first % 100)?;
        return Some((Piece::Day(day), at + 1));
    }
    let pair = |at: usize| {
        let sign = line.sign(at).filter(|sign| matches!(sign, '-' | '/' | '.'))?;
        let number = line.number(at + 1).filter(|_| line.is_glued(at) && line.is_glued(at + 1))?;
        Some((sign, number))
    };
    let Some((sign, second)) = pair(at + 1) else {
        // "the 5th" of this month, or of the last one when it has not come yet.
        let next = ordinal(line, at + 1);
        let is_day = next > at + 1 && (1..=31).contains(&first) && line.word_before(at) == "the";
        let today = now.today();
        let month = date(today.year(), today.month(), 1)?;
        let month = if first > today.day() && !now.ahead { month - chrono::Months::new(1) } else { month };
        let day = date(month.year(), month.month(), first).filter(|_| is_day)?;
        return Some((Piece::Day(day), next));
    };
    let third = pair(at + 3).filter(|(other, _)| *other == sign).map(|(_, number)| number);
    if let Some(year) = year_at(line, at) {
        return match third {
            Some(third) => Some((Piece::Day(date(year, second, third)?), at + 5)),
            None if sign != '.' => {
                date(year, second, 1).map(|_| (Piece::Month { year: Some(year), month: second }, at + 3))
            }
            None => None,
        };
    }
    let (month, day) = if first > 12 && second <= 12 { (second, first) } else { (first, second) };
    let year = third.filter(|year| (1990..=2100).contains(year)).map(|year| year as i32);
    // Any leap year will do to see whether there is such a day.
    date(year.unwrap_or(2024), month, day)?;
    let piece = Piece::Date { year, month, day };
    let next = if year.is_some() { at + 5 } else { at + 3 };
    let is_range = line.is_ko(next, &["부터", "까지"]) || matches!(line.sign(next), Some('~' | '∼'));
    let closes = at.checked_sub(1).is_some_and(|before| matches!(line.sign(before), Some('~' | '∼')));
    let is_date = match sign {
        '/' => true,
        '.' => year.is_some() || is_range || closes,
        _ => year.is_some(),
    };
    is_date.then_some((piece, next))
}

/// "2025" behind a word that leads to a date.
fn year(line: &Line, at: usize) -> Option<(Piece, usize)> {
    let year = year_at(line, at).filter(|_| line.hangul(at + 1).is_empty())?;
    BEFORE_DATES.contains(&line.word_before(at)).then_some((Piece::Year(year), at + 1))
}
