//! Periods. Pieces ("last week", "3월 2일", "오후 3시") are read at a token, joined with what is said beside them, and
//! bounded by "since", "부터", "until", "까지" and the like.

mod clock;
mod english;
mod korean;
mod piece;

use super::korean as particles;
use super::line::Line;
use super::reading::Period;
use super::token::Kind;
use chrono::{NaiveDateTime, TimeDelta};
use piece::{Now, Piece};

pub(super) use korean::numeral;

/// A piece, the token behind it, and the particle at its end.
struct Said {
    piece: Piece,
    next: usize,
    tail: String,
}

/// Which side of a piece is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Within,
    Since,
    After,
    Until,
    Before,
    /// From the piece to another one.
    To(Piece),
}

/// A piece with its bound.
#[derive(Clone, Copy, Debug)]
struct Bounded {
    piece: Piece,
    bound: Bound,
    next: usize,
}

/// Reads and takes the period of a request. `ahead`: times without a year, and weekdays, may lie in the future.
pub(super) fn period(line: &mut Line, at: NaiveDateTime, ahead: bool) -> Option<Period> {
    let now = Now { at, ahead };
    let mut found: Vec<Bounded> = Vec::new();
    let mut from = 0;
    while from < line.len() {
        let read = if line.is_free(from) { bounded(line, from, now) } else { None };
        let Some(read) = read else {
            from += 1;
            continue;
        };
        let joined = match found.last().copied() {
            None => Some(vec![read]),
            Some(last) => joined(now, last, read),
        };
        if let Some(joined) = joined {
            line.take(from..read.next);
            found = joined;
        }
        from = read.next;
    }
    let mut whole = Period { start: None, end: None };
    for part in found {
        let (start, end) = part.instants(now)?;
        whole = Period { start: start.or(whole.start), end: end.or(whole.end) };
    }
    let is_upright = whole.start.zip(whole.end).is_none_or(|(start, end)| start < end);
    (is_upright && (whole.start.is_some() || whole.end.is_some())).then_some(whole)
}

/// Two parts of a request that are one period; none when the second one says something else.
fn joined(now: Now, first: Bounded, second: Bounded) -> Option<Vec<Bounded>> {
    let is_lower = |bound: Bound| matches!(bound, Bound::Since | Bound::After);
    let is_upper = |bound: Bound| matches!(bound, Bound::Until | Bound::Before);
    if is_lower(first.bound) && is_upper(second.bound) || is_upper(first.bound) && is_lower(second.bound) {
        return Some(vec![first, second]);
    }
    match (first.bound, second.bound) {
        // "금요일에 오후 3시 이후" as well.
        (Bound::Within, Bound::Within | Bound::After | Bound::Since | Bound::To(_)) => {
            let piece = now.combine(first.piece, second.piece)?;
            Some(vec![Bounded { piece, ..second }])
        }
        _ => None,
    }
}

impl Bounded {
    fn instants(self, now: Now) -> Option<(Option<NaiveDateTime>, Option<NaiveDateTime>)> {
        let (start, end) = now.resolve(self.piece)?;
        // A point in time is a start, and what lies behind it on that day.
        let is_point = matches!(self.piece, Piece::Timed { to: None, .. } | Piece::Clock { to: None, .. });
        Some(match self.bound {
            Bound::Within => (Some(start), Some(end)),
            Bound::Since => (Some(start), None),
            Bound::After if is_point => (Some(start), Some(day_end(start))),
            Bound::After => (Some(end), None),
            Bound::Until if is_point => (None, Some(start)),
            Bound::Until => (None, Some(end)),
            Bound::Before => (None, Some(start)),
            Bound::To(last) => (Some(start), Some(range_end(now, self.piece, last)?)),
        })
    }
}

fn day_end(at: NaiveDateTime) -> NaiveDateTime {
    at.date().and_time(chrono::NaiveTime::MIN) + TimeDelta::days(1)
}

/// Where a range ends: a time is the end itself, everything else is included.
fn range_end(now: Now, first: Piece, last: Piece) -> Option<NaiveDateTime> {
    let last = match (first, last) {
        (Piece::Timed { day, .. }, Piece::Clock { from, to }) => Piece::Timed { day, from, to },
        _ => last.after(now, first),
    };
    let (start, end) = now.resolve(last)?;
    let is_point = matches!(last, Piece::Timed { to: None, .. } | Piece::Clock { to: None, .. });
    Some(if is_point { start } else { end })
}

fn bounded(line: &Line, at: usize, now: Now) -> Option<Bounded> {
    let (prefix, start) = prefix(line, at);
    if matches!(prefix, Prefix::Between | Prefix::From)
        && let Some(read) = leading_day(line, start)
    {
        return Some(read);
    }
    let said = unit(line, start, now)?;
    if let Some((last, next)) = range(line, &said, prefix, now) {
        return Some(Bounded { piece: said.piece, bound: Bound::To(last), next });
    }
    let (bound, next) = suffix(line, &said);
    let bound = match (prefix, bound) {
        (_, Some(bound)) | (Prefix::Bound(bound), None) => bound,
        (Prefix::None | Prefix::Between | Prefix::From, None) => Bound::Within,
    };
    Some(Bounded { piece: said.piece, bound, next: noise(line, next) })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    None,
    From,
    Between,
    Bound(Bound),
}

/// Words before a piece, and where the piece would begin.
fn prefix(line: &Line, at: usize) -> (Prefix, usize) {
    const PLAIN: &[&str] =
        &["in", "on", "at", "for", "during", "over", "within", "of", "the", "dated", "around", "sometime"];
    let (mut found, mut next) = (Prefix::None, at);
    for _ in 0..4 {
        let one = match line.low(next) {
            "since" | "starting" | "beginning" => Some(Prefix::Bound(Bound::Since)),
            "after" => Some(Prefix::Bound(Bound::After)),
            "before" => Some(Prefix::Bound(Bound::Before)),
            "until" | "till" | "through" | "by" => Some(Prefix::Bound(Bound::Until)),
            "between" => Some(Prefix::Between),
            "from" if found == Prefix::None => Some(Prefix::From),
            _ => None,
        };
        let phrase = if line.reads(next, &["as", "of"]) || line.reads(next, &["starting", "from"]) {
            Some(Prefix::Bound(Bound::Since))
        } else if line.phrase(next, &["prior to", "earlier than", "older than"]).is_some() {
            Some(Prefix::Bound(Bound::Before))
        } else if line.reads(next, &["later", "than"]) || line.reads(next, &["newer", "than"]) {
            Some(Prefix::Bound(Bound::After))
        } else if line.reads(next, &["up", "to"]) {
            Some(Prefix::Bound(Bound::Until))
        } else {
            None
        };
        match (phrase, one) {
            (Some(prefix), _) => (found, next) = (prefix, next + 2),
            (None, Some(prefix)) => (found, next) = (prefix, next + 1),
            (None, None) if PLAIN.contains(&line.low(next)) => next += 1,
            (None, None) => break,
        }
    }
    (found, next)
}

/// Pieces that are said together: "tomorrow at 3pm", "내일 오후 3시", "지난주 금요일", "2025년 3월".
fn unit(line: &Line, at: usize, now: Now) -> Option<Said> {
    let mut whole = single(line, at, now)?;
    for _ in 0..3 {
        // A bounding particle ends it.
        if !["", "의", "에", "에는", "은", "는", "도"].contains(&whole.tail.as_str()) {
            break;
        }
        let from = connected(line, whole.next);
        let next = single(line, from, now).or_else(|| clock::part_of_day(line, from));
        let Some(next) = next else { break };
        let Some(piece) = now.combine(whole.piece, next.piece) else { break };
        whole = Said { piece, ..next };
    }
    Some(whole)
}

/// Behind small words that join two pieces.
fn connected(line: &Line, at: usize) -> usize {
    let is_small = |at: usize| line.is(at, &["at", "on", "in", "of", "the"]) || line.sign(at) == Some(',');
    (at..line.len()).take(3).find(|at| !is_small(*at)).unwrap_or(at)
}

fn single(line: &Line, at: usize, now: Now) -> Option<Said> {
    line.get(at)?;
    let mut said = korean::piece(line, at, now).or_else(|| english::piece(line, at, now))?;
    // 오늘 남은, 이번 주에 남은
    if line.is_ko(said.next, &["남은"])
        && let Some((start, end)) = now.resolve(said.piece)
        && start <= now.at
        && now.at < end
    {
        return Some(Said {
            piece: Piece::Span { start: now.at, end },
            next: said.next + 1,
            tail: String::new(),
        });
    }
    // `15:00부터`, `3/2까지`
    if said.tail.is_empty() {
        if line.is_glued(said.next) && particles::is_tail(line.hangul(said.next)) {
            line.hangul(said.next).clone_into(&mut said.tail);
            said.next += 1;
        } else if let Some(last) = said.next.checked_sub(1).and_then(|last| line.any(last))
            && last.kind != Kind::Hangul
        {
            said.tail.clone_from(&last.tail);
        }
    }
    Some(said)
}

/// The second end, when a first one is followed by it, and the token behind.
fn range(line: &Line, first: &Said, prefix: Prefix, now: Now) -> Option<(Piece, usize)> {
    let at = first.next;
    let korean = ["부터", "에서", "에서부터"].contains(&first.tail.as_str());
    let is_sign = matches!(line.sign(at), Some('-' | '–' | '—' | '~' | '∼' | '〜'));
    let is_word = line.is(at, &["to", "until", "till", "through", "thru"])
        || prefix == Prefix::Between && line.is(at, &["and"])
        || first.tail.is_empty() && line.is_ko(at, &["부터"]);
    if !(korean || is_sign || is_word) {
        return None;
    }
    let begin = if korean { at } else { at + 1 };
    let begin = if line.is(begin, &["the", "on"]) { begin + 1 } else { begin };
    let last = continued(line, begin, first.piece).or_else(|| unit(line, begin, now))?;
    let ends = last.tail.starts_with("까지") || line.is_ko(last.next, &["까지", "사이"]);
    if first.tail == "에서" && !ends {
        return None;
    }
    let next = if line.is_ko(last.next, &["까지"]) { last.next + 1 } else { last.next };
    Some((last.piece, noise(line, next)))
}

/// A bare day before a date: "between 1 and 15 February".
fn leading_day(line: &Line, at: usize) -> Option<Bounded> {
    let day = line.number(at).filter(|day| (1..=31).contains(day))?;
    let joint = english::ordinal(line, at + 1);
    let joins = line.is(joint, &["and", "to", "until"]) || matches!(line.sign(joint), Some('-' | '–'));
    let (last, next) = english::calendar_date(line, joint + 1).filter(|_| joins)?;
    let Piece::Date { year, month, .. } = last else { return None };
    Some(Bounded { piece: Piece::Date { year, month, day }, bound: Bound::To(last), next })
}

/// A bare day behind a date: "March 2 and 5", "3월 2일부터 5일까지".
fn continued(line: &Line, at: usize, first: Piece) -> Option<Said> {
    let Piece::Date { year, month, .. } = first else { return None };
    let day = line.number(at).filter(|day| (1..=31).contains(day))?;
    if matches!(line.sign(at + 1), Some('/' | '-' | '.' | ':'))
        && line.is_glued(at + 1)
        && line.number(at + 2).is_some()
    {
        return None;
    }
    let piece = Piece::Date { year, month, day };
    if let Some(tail) = line.ko(at + 1, "일") {
        return Some(Said { piece, next: at + 2, tail: tail.to_owned() });
    }
    let next = english::ordinal(line, at + 1);
    if english::month(line, next).is_some()
        || line.is(next, &["am", "pm", "of"])
        || !line.hangul(next).is_empty()
    {
        return None;
    }
    Some(Said { piece, next, tail: String::new() })
}

/// What is said behind a piece, and the token behind that.
fn suffix(line: &Line, said: &Said) -> (Option<Bound>, usize) {
    let next = said.next;
    if said.tail.starts_with("부터") || said.tail.starts_with("에서부터") {
        return (Some(Bound::Since), next);
    }
    if said.tail.starts_with("까지") {
        return (Some(Bound::Until), next);
    }
    if line.is_ko(next, &["부터"]) {
        return (Some(Bound::Since), next + 1);
    }
    if line.is_ko(next, &["까지", "이전"]) {
        return (Some(Bound::Until), next + 1);
    }
    if line.is_ko(next, &["전"]) {
        return (Some(Bound::Before), next + 1);
    }
    let is_point = matches!(said.piece, Piece::Timed { to: None, .. } | Piece::Clock { to: None, .. });
    if line.is_ko(next, &["이후", "이래"]) {
        return (Some(if is_point { Bound::After } else { Bound::Since }), next + 1);
    }
    if line.is_ko(next, &["후", "다음"]) && line.ko(next, "다음").is_none_or(|tail| !tail.is_empty()) {
        return (Some(Bound::After), next + 1);
    }
    if line.is(next, &["onward", "onwards"]) {
        return (Some(Bound::Since), next + 1);
    }
    if line.reads(next, &["and", "later"]) || line.reads(next, &["or", "later"]) {
        return (Some(Bound::Since), next + 2);
    }
    (None, next)
}

/// Words that only fill, behind a period.
fn noise(line: &Line, at: usize) -> usize {
    let fills = |at: usize| line.is_ko(at, &["동안", "사이", "기간", "이내", "안", "내내", "쯤", "중"]);
    if fills(at) { at + 1 } else { at }
}
