//! Pieces of time in Korean.

use super::piece::{Now, Piece, Unit, Which, date};
use super::{Said, clock};
use crate::planner::korean;
use crate::planner::line::Line;
use chrono::{Datelike, Weekday};

/// Longer ones first.
const DAYS: &[(&str, i64)] = &[
    ("내일모레", 2),
    ("엊그저께", -2),
    ("그저께", -2),
    ("엊그제", -2),
    ("그제", -2),
    ("어저께", -1),
    ("어제", -1),
    ("전날", -1),
    ("오늘", 0),
    ("금일", 0),
    ("내일", 1),
    ("명일", 1),
    ("모레", 2),
    ("글피", 3),
];
const YEARS: &[(&str, i32)] =
    &[("재작년", -2), ("작년", -1), ("지난해", -1), ("전년", -1), ("올해", 0), ("금년", 0), ("내년", 1)];
/// What stands before a unit: how far away it is, and which weekday it makes.
const RELATIVE: &[(&str, i32, Which)] = &[
    ("지지난", -2, Which::Last),
    ("저저번", -2, Which::Last),
    ("지난", -1, Which::Last),
    ("저번", -1, Which::Last),
    ("이번", 0, Which::This),
    ("다다음", 2, Which::Next),
    ("다음", 1, Which::Next),
    ("오는", 1, Which::Bare),
];
/// Words of Chinese origin, whole.
const MONTHS_AND_WEEKS: &[(&str, Unit, i32)] = &[
    ("금주", Unit::Week, 0),
    ("차주", Unit::Week, 1),
    ("내주", Unit::Week, 1),
    ("금월", Unit::Month, 0),
    ("당월", Unit::Month, 0),
    ("이달", Unit::Month, 0),
    ("전월", Unit::Month, -1),
    ("익월", Unit::Month, 1),
    ("내달", Unit::Month, 1),
    ("전분기", Unit::Quarter, -1),
];
const UNITS: &[(&str, Unit)] = &[
    ("주일", Unit::Week),
    ("주간", Unit::Week),
    ("주", Unit::Week),
    ("개월", Unit::Month),
    ("달", Unit::Month),
    ("분기", Unit::Quarter),
    ("년", Unit::Year),
    ("해", Unit::Year),
    ("시간", Unit::Hour),
    ("분", Unit::Minute),
    ("일", Unit::Day),
];
/// Durations that are one word.
const WHOLE: &[(&str, u32, Unit)] = &[
    ("일주일", 7, Unit::Day),
    ("하루", 1, Unit::Day),
    ("이틀", 2, Unit::Day),
    ("사흘", 3, Unit::Day),
    ("나흘", 4, Unit::Day),
    ("닷새", 5, Unit::Day),
    ("열흘", 10, Unit::Day),
    ("보름", 15, Unit::Day),
    ("반년", 6, Unit::Month),
    ("일년", 1, Unit::Year),
];
const NUMERALS: &[(&str, u32)] = &[
    ("한", 1),
    ("두", 2),
    ("세", 3),
    ("네", 4),
    ("다섯", 5),
    ("여섯", 6),
    ("일곱", 7),
    ("여덟", 8),
    ("아홉", 9),
    ("열", 10),
    ("일", 1),
    ("몇", 3),
];
const WEEKDAYS: &[(char, Weekday)] = &[
    ('월', Weekday::Mon),
    ('화', Weekday::Tue),
    ('수', Weekday::Wed),
    ('목', Weekday::Thu),
    ('금', Weekday::Fri),
    ('토', Weekday::Sat),
    ('일', Weekday::Sun),
];

fn said(piece: Piece, next: usize, tail: &str) -> Said {
    Said { piece, next, tail: tail.to_owned() }
}

pub(super) fn piece(line: &Line, at: usize, now: Now) -> Option<Said> {
    named(line, at, now)
        .or_else(|| relative(line, at, now))
        .or_else(|| rolling(line, at, now))
        .or_else(|| dated(line, at, now))
        .or_else(|| parts(line, at))
        .or_else(|| clock::korean(line, at))
}

/// Number of a Korean numeral at the start, and the rest.
pub(in crate::planner) fn numeral(text: &str) -> Option<(u32, &str)> {
    NUMERALS
        .iter()
        .filter(|(word, _)| *word != "일")
        .find_map(|(word, number)| Some((*number, text.strip_prefix(word)?)))
}

/// 오늘, 어제, 작년, 올해, 이달.
fn named(line: &Line, at: usize, now: Now) -> Option<Said> {
    let text = line.hangul(at);
    for (word, evening) in [("어젯밤", -1), ("오늘밤", 0), ("간밤", -1)] {
        if let Some(tail) = korean::tail(text, word) {
            return Some(said(
                Piece::Timed { day: now.day(evening), from: 1080, to: Some(1440) },
                at + 1,
                tail,
            ));
        }
    }
    if let Some((offset, tail)) =
        DAYS.iter().find_map(|(word, offset)| Some((offset, korean::tail(text, word)?)))
    {
        return Some(said(Piece::Day(now.day(*offset)), at + 1, tail));
    }
    if let Some((offset, tail)) =
        YEARS.iter().find_map(|(word, offset)| Some((offset, korean::tail(text, word)?)))
    {
        return Some(said(Piece::Year(now.today().year() + offset), at + 1, tail));
    }
    let found = MONTHS_AND_WEEKS
        .iter()
        .find_map(|(word, unit, offset)| Some((unit, offset, korean::tail(text, word)?)));
    let (unit, offset, tail) = found?;
    Some(said(now.calendar(*unit, *offset)?, at + 1, tail))
}

fn weekday(text: &str) -> Option<(Weekday, &str)> {
    let (letter, day) = WEEKDAYS.iter().find(|(letter, _)| text.starts_with(*letter))?;
    let rest = text.strip_prefix(*letter)?;
    let rest = rest.strip_prefix("요일").or_else(|| rest.strip_prefix('욜'))?;
    (rest.is_empty() || korean::is_tail(rest)).then_some((*day, rest))
}

/// 지난주, 이번 달, 다음 주말, 지난 금요일, 지난 3일.
fn relative(line: &Line, at: usize, now: Now) -> Option<Said> {
    let text = line.hangul(at);
    let (offset, which, rest) = RELATIVE
        .iter()
        .find_map(|(word, offset, which)| Some((*offset, *which, text.strip_prefix(word)?)))?;
    let (text, next) = if rest.is_empty() { (line.hangul(at + 1), at + 2) } else { (rest, at + 1) };
    if let Some(tail) = korean::tail(text, "주말") {
        return Some(said(Piece::Weekend(which), next, tail));
    }
    if let Some((day, tail)) = weekday(text) {
        return Some(said(Piece::Weekday(day, which), next, tail));
    }
    let units = [
        ("주", Unit::Week),
        ("달", Unit::Month),
        ("월", Unit::Month),
        ("분기", Unit::Quarter),
        ("해", Unit::Year),
    ];
    if let Some((unit, tail)) = units.iter().find_map(|(word, unit)| Some((*unit, korean::tail(text, word)?)))
    {
        // 주간 is a span of weeks only behind a number.
        return Some(said(now.calendar(unit, offset)?, next, tail.strip_prefix('간').unwrap_or(tail)));
    }
    // 지난 3일, 다음 10일
    let from = if rest.is_empty() { at + 1 } else { return None };
    let (count, unit, next, tail) = duration(line, from)?;
    let piece = if offset > 0 { now.on(count, unit)? } else { now.back(count, unit)? };
    Some(behind(line, piece, next, tail))
}

/// A span, with 간, 동안, 이내 and the like behind it.
fn behind(line: &Line, piece: Piece, next: usize, tail: &str) -> Said {
    let tail = ["간", "동안", "이내", "내"].iter().find_map(|word| tail.strip_prefix(word)).unwrap_or(tail);
    let next = if tail.is_empty() && line.is_ko(next, &["동안", "간", "이내", "사이"]) {
        next + 1
    } else {
        next
    };
    said(piece, next, tail)
}

/// Number, unit, the token behind, and what is written onto the unit.
fn duration(line: &Line, at: usize) -> Option<(u32, Unit, usize, &str)> {
    let unit_of = |text: &'_ str| -> Option<(Unit, usize)> {
        UNITS.iter().find(|(word, _)| text.starts_with(word)).map(|(word, unit)| (*unit, word.len()))
    };
    let good = |rest: &str| {
        let rest = ["전", "간", "동안", "이내", "내"]
            .iter()
            .find_map(|word| rest.strip_prefix(word))
            .unwrap_or(rest);
        rest.is_empty() || korean::is_tail(rest)
    };
    if let Some(count) = line.number(at) {
        let text = line.hangul(at + 1);
        let (unit, length) = unit_of(text)?;
        let rest = text.get(length..).unwrap_or_default();
        // 3월 is a month, 3분기 a quarter, 2025년 a year.
        let is_name = unit == Unit::Quarter || unit == Unit::Year && count > 100;
        return (!is_name && good(rest)).then_some((count, unit, at + 2, rest));
    }
    let text = line.hangul(at);
    if let Some((count, unit, rest)) =
        WHOLE.iter().find_map(|(word, count, unit)| Some((*count, *unit, text.strip_prefix(word)?)))
    {
        return good(rest).then_some((count, unit, at + 1, rest));
    }
    let (number, rest) =
        NUMERALS.iter().find_map(|(word, number)| Some((*number, text.strip_prefix(word)?)))?;
    let (text, next) = if rest.is_empty() { (line.hangul(at + 1), at + 2) } else { (rest, at + 1) };
    let (unit, length) = unit_of(text).filter(|(unit, _)| *unit != Unit::Quarter)?;
    let rest = text.get(length..).unwrap_or_default();
    good(rest).then_some((number, unit, next, rest))
}

/// 최근 30일, 3일간, 2주 전, 앞으로 7일.
fn rolling(line: &Line, at: usize, now: Now) -> Option<Said> {
    if line.is_ko(at, &["최근", "과거", "근래"]) || line.is(at, &["요"]) {
        let (count, unit, next, tail) = duration(line, at + 1)?;
        return Some(behind(line, now.back(count, unit)?, next, tail));
    }
    if line.is_ko(at, &["앞으로", "향후"]) || line.is(at, &["앞으로"]) {
        let (count, unit, next, tail) = duration(line, at + 1)?;
        return Some(behind(line, now.on(count, unit)?, next, tail));
    }
    let (count, unit, next, tail) = duration(line, at)?;
    if let Some(tail) = tail.strip_prefix('전') {
        return Some(said(now.ago(count, unit)?, next, tail));
    }
    if tail.is_empty()
        && let Some(tail) = line.ko(next, "전")
    {
        return Some(said(now.ago(count, unit)?, next + 1, tail));
    }
    let is_span = ["간", "동안", "이내"].iter().any(|word| tail.starts_with(word))
        || tail.is_empty() && line.is_ko(next, &["동안", "이내"]);
    if is_span { Some(behind(line, now.back(count, unit)?, next, tail)) } else { None }
}

/// N followed by a unit, its token behind, and the particle.
fn numbered<'a>(line: &'a Line, at: usize, unit: &str) -> Option<(u32, usize, &'a str)> {
    let number = line.number(at)?;
    Some((number, at + 2, line.ko(at + 1, unit)?))
}

/// 2026년, 2026년 3월, 3월 2일, 3월 초, 5일.
fn dated(line: &Line, at: usize, now: Now) -> Option<Said> {
    if let Some((number, next, tail)) = numbered(line, at, "년").or_else(|| numbered(line, at, "년도")) {
        let year = if number < 100 { 2000 + number } else { number };
        if number < 10 || !(1990..=2100).contains(&year) {
            return None;
        }
        return Some(said(Piece::Year(year as i32), next, tail.strip_prefix('도').unwrap_or(tail)));
    }
    if let Some((month, next, tail)) = numbered(line, at, "월").filter(|(month, ..)| (1..=12).contains(month))
    {
        if !tail.is_empty() {
            return Some(said(Piece::Month { year: None, month }, next, tail));
        }
        if let Some((day, next, tail)) =
            numbered(line, next, "일").filter(|(day, ..)| date(2024, month, *day).is_some())
        {
            return Some(said(Piece::Date { year: None, month, day }, next, tail));
        }
        for (word, third) in [("초", 1), ("초순", 1), ("중순", 2), ("하순", 3), ("말", 3)] {
            if let Some(tail) = line.ko(next, word) {
                return Some(said(Piece::Third { year: None, month, third }, next + 1, tail));
            }
        }
        return Some(said(Piece::Month { year: None, month }, next, tail));
    }
    let (day, next, tail) = numbered(line, at, "일").filter(|(day, ..)| (1..=31).contains(day))?;
    let today = now.today();
    let month = date(today.year(), today.month(), 1)?;
    let month = if day > today.day() && !now.ahead { month - chrono::Months::new(1) } else { month };
    Some(said(Piece::Date { year: Some(month.year()), month: month.month(), day }, next, tail))
}

/// 1분기, 1/4분기, 상반기, 금요일, 주말.
fn parts(line: &Line, at: usize) -> Option<Said> {
    if let Some((quarter, next, tail)) =
        numbered(line, at, "분기").filter(|(quarter, ..)| (1..=4).contains(quarter))
    {
        return Some(said(Piece::Quarter { year: None, quarter }, next, tail));
    }
    if line.sign(at + 1) == Some('/')
        && let Some((4, next, tail)) = numbered(line, at + 2, "분기")
        && let Some(quarter) = line.number(at).filter(|quarter| (1..=4).contains(quarter))
    {
        return Some(said(Piece::Quarter { year: None, quarter }, next, tail));
    }
    for (word, half) in [("상반기", 1), ("하반기", 2)] {
        if let Some(tail) = line.ko(at, word) {
            return Some(said(Piece::Half { year: None, half }, at + 1, tail));
        }
    }
    if let Some(tail) = line.ko(at, "주말") {
        return Some(said(Piece::Weekend(Which::Bare), at + 1, tail));
    }
    let (day, tail) = weekday(line.hangul(at))?;
    Some(said(Piece::Weekday(day, Which::Bare), at + 1, tail))
}
