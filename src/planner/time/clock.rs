//! Times of a day: 3pm, 15:00, noon, 오후 3시 반.

use super::Said;
use super::piece::Piece;
use crate::planner::korean;
use crate::planner::line::Line;

/// Words for parts of a day, in minutes.
const PARTS: &[(&str, u32, u32)] =
    &[("morning", 0, 720), ("afternoon", 720, 1080), ("evening", 1080, 1440), ("night", 1080, 1440)];
const KOREAN_PARTS: &[(&str, u32, u32)] = &[
    ("오전", 0, 720),
    ("오후", 720, 1080),
    ("아침", 0, 720),
    ("점심", 720, 780),
    ("저녁", 1080, 1440),
    ("밤", 1080, 1440),
    ("새벽", 0, 360),
];
/// Hours by their Korean numerals.
const HOURS: &[&str] =
    &["한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두"];

fn said(from: u32, to: Option<u32>, next: usize, tail: &str) -> Said {
    Said { piece: Piece::Clock { from, to }, next, tail: tail.to_owned() }
}

/// "afternoon" behind a day.
pub(super) fn part_of_day(line: &Line, at: usize) -> Option<Said> {
    let at = if line.reads(at, &["in", "the"]) { at + 2 } else { at };
    let (_, from, to) = PARTS.iter().find(|(word, ..)| line.is(at, &[word]))?;
    Some(said(*from, Some(*to), at + 1, ""))
}

/// Half of the day that a word says, in hours to add.
fn meridiem(line: &Line, at: usize) -> Option<(u32, usize)> {
    match line.low(at) {
        "am" | "a.m" => Some((0, at + 1 + usize::from(line.sign(at + 1) == Some('.')))),
        "pm" | "p.m" => Some((12, at + 1 + usize::from(line.sign(at + 1) == Some('.')))),
        _ => None,
    }
}

/// Hour and minute, and the token behind them.
fn digits(line: &Line, at: usize) -> Option<(u32, Option<u32>, usize)> {
    let hour = line.number(at).filter(|hour| *hour <= 24)?;
    let minute = line.number(at + 2).filter(|minute| *minute < 60);
    let is_pair = line.sign(at + 1) == Some(':') && line.is_glued(at + 1) && line.is_glued(at + 2);
    match minute.filter(|_| is_pair) {
        Some(minute) => Some((hour, Some(minute), at + 3)),
        None => Some((hour, None, at + 1)),
    }
}

/// Minutes of the day. Hours from 1 to 6 without a word for the half of the day are in the afternoon.
fn minutes(hour: u32, minute: u32, half: Option<u32>, padded: bool) -> u32 {
    let hour = match half {
        Some(half) => hour % 12 + if hour > 12 { 12 } else { half },
        None if (1..=6).contains(&hour) && !padded => hour + 12,
        None => hour,
    };
    (hour * 60 + minute).min(1440)
}

/// `3pm`, `3:30 pm`, `15:00`, `2-4pm`, `at 3`, `noon`.
pub(super) fn english(line: &Line, at: usize) -> Option<Said> {
    match line.low(at) {
        "noon" | "midday" => return Some(said(720, None, at + 1, "")),
        "midnight" => return Some(said(0, None, at + 1, "")),
        _ => {}
    }
    let (hour, minute, next) = digits(line, at)?;
    let padded = line.any(at).is_some_and(|token| token.text.starts_with('0'));
    if let Some((half, next)) = meridiem(line, next).filter(|_| (1..=12).contains(&hour)) {
        return Some(said(minutes(hour, minute.unwrap_or(0), Some(half), padded), None, next, ""));
    }
    if line.is(next, &["o'clock"]) {
        return Some(said(minutes(hour, minute.unwrap_or(0), None, padded), None, next + 1, ""));
    }
    // The half of the day may stand at the end of a range only.
    let joins = matches!(line.sign(next), Some('-' | '–' | '~')) || line.is(next, &["to", "and", "until"]);
    if joins
        && let Some((other, _, behind)) = digits(line, next + 1)
        && let Some((half, _)) = meridiem(line, behind).filter(|_| hour <= 12)
    {
        let half = if hour > other && other < 12 && half == 12 { 0 } else { half };
        return Some(said(minutes(hour, minute.unwrap_or(0), Some(half), padded), None, next, ""));
    }
    if minute.is_some() {
        return Some(said(minutes(hour, minute.unwrap_or(0), None, padded), None, next, ""));
    }
    let is_time = line.word_before(at) == "at" && line.hangul(next).is_empty();
    is_time.then(|| said(minutes(hour, 0, None, padded), None, next, ""))
}

/// `오후 3시`, `3시 30분`, `두 시 반`, `오전`, `정오`.
pub(super) fn korean(line: &Line, at: usize) -> Option<Said> {
    for (word, minute) in [("정오", 720), ("자정", 0)] {
        if let Some(tail) = line.ko(at, word) {
            return Some(said(minute, None, at + 1, tail));
        }
    }
    let part = KOREAN_PARTS.iter().find_map(|part| line.ko(at, part.0).map(|tail| (part, tail)));
    let from = if part.is_some() { at + 1 } else { at };
    let half = part.map(|((_, start, _), _)| if *start >= 720 { 12 } else { 0 });
    if let Some((hour, next, tail)) = hour(line, from) {
        let padded = line.any(from).is_some_and(|token| token.text.starts_with('0'));
        let (minute, next, tail) = minute(line, next, tail);
        // "밤 12시" is midnight, "오전 12시" as well; "낮 12시" is noon.
        return Some(said(minutes(hour, minute, half, padded), None, next, &tail));
    }
    if let Some((hour, Some(minute), next)) = digits(line, from).filter(|_| part.is_some()) {
        return Some(said(minutes(hour, minute, half, false), None, next, ""));
    }
    let ((_, start, end), tail) = part?;
    Some(said(*start, Some(*end), at + 1, tail))
}

/// Hour, the token behind it, and what is written onto `시`.
fn hour<'a>(line: &'a Line, at: usize) -> Option<(u32, usize, &'a str)> {
    let named = |at: usize, text: &'a str| {
        let rest = text.strip_prefix('시')?;
        (rest != "간"
            && (rest.is_empty() || rest == "반" || korean::is_tail(rest))
            && !rest.starts_with("간"))
        .then_some((at, rest))
    };
    if let Some(hour) = line.number(at).filter(|hour| *hour <= 24) {
        let (at, rest) = named(at + 1, line.hangul(at + 1))?;
        return Some((hour, at + 1, rest));
    }
    let text = line.hangul(at);
    HOURS.iter().enumerate().rev().find_map(|(index, word)| {
        let hour = index as u32 + 1;
        let rest = text.strip_prefix(word)?;
        let (at, rest) = if rest.is_empty() { named(at + 1, line.hangul(at + 1))? } else { named(at, rest)? };
        Some((hour, at + 1, rest))
    })
}

/// Minutes behind an hour.
fn minute(line: &Line, at: usize, tail: &str) -> (u32, usize, String) {
    if tail == "반" {
        return (30, at, String::new());
    }
    if let Some(rest) = line.ko(at, "반").filter(|_| tail.is_empty()) {
        return (30, at + 1, rest.to_owned());
    }
    let number = line.number(at).filter(|minute| *minute < 60 && tail.is_empty());
    match number.and_then(|number| Some((number, line.ko(at + 1, "분")?))) {
        Some((number, rest)) => (number, at + 2, rest.to_owned()),
        None => (0, at, tail.to_owned()),
    }
}
