//! A reading in a sentence for the person who asked, in the language of the request.

use super::reading::{Area, Folder, Importance, Intent, Language, Party, Period, Reading, Scope};
use std::fmt::Write as _;

/// What was understood, and what was not used. Names and words are quoted as they were said.
pub(crate) fn explain(reading: &Reading) -> String {
    match reading.language {
        Language::English => english(reading),
        Language::Korean => korean(reading),
    }
}

fn names(parties: &[Party], joined: &str) -> String {
    parties.iter().map(Party::text).collect::<Vec<_>>().join(joined)
}

fn quoted(words: &[String], joined: &str) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(joined)
}

fn english(reading: &Reading) -> String {
    let verb = match reading.intent {
        Intent::Search => "Search",
        Intent::List => "List",
        Intent::Analyze => "Analyze",
        Intent::Count => "Count",
    };
    let thing = match reading.area {
        Some(Area::Mail) => "mail",
        Some(Area::Calendar) => "events",
        Some(Area::Chat) => "chats",
        Some(Area::Note) => "notes",
        Some(Area::File) => "files",
        None => "everything",
    };
    if reading.change {
        return format!(
            "Understood: a change of {thing} is asked for, which is not done from plain language."
        );
    }
    let mut parts: Vec<String> =
        vec![if reading.free { "Free time".to_owned() } else { format!("{verb} {thing}") }];
    if let Some(folder) = reading.folder {
        parts.push(format!("in {}", folder.name()));
    }
    if reading.unread {
        parts.push("unread".to_owned());
    }
    match reading.attachments {
        Some(true) => parts.push("with attachments".to_owned()),
        Some(false) => parts.push("without attachments".to_owned()),
        None => {}
    }
    match reading.importance {
        Some(Importance::High) => parts.push("of high importance".to_owned()),
        Some(Importance::Low) => parts.push("of low importance".to_owned()),
        None => {}
    }
    for (word, parties) in [("from", &reading.from), ("to", &reading.to), ("with", &reading.with)] {
        if !parties.is_empty() {
            parts.push(format!("{word} {}", names(parties, " or ")));
        }
    }
    if let Some(subject) = &reading.subject {
        parts.push(format!("subject \"{subject}\""));
    }
    if !reading.words.is_empty() {
        let any = reading.scope == Scope::More;
        parts.push(format!("{} {}", if any { "any of" } else { "with" }, quoted(&reading.words, ", ")));
    }
    if let Some(period) = &reading.period {
        parts.push(match (period.start_text(), period.end_text()) {
            (Some(start), Some(end)) if start == end => format!("on {start}"),
            (Some(start), Some(end)) => format!("from {start} to {end}"),
            (Some(start), None) => format!("since {start}"),
            (None, Some(end)) => format!("until {end}"),
            (None, None) => String::new(),
        });
    }
    if let Some(limit) = reading.limit {
        parts.push(format!("at most {limit}"));
    } else if reading.scope == Scope::One {
        parts.push("one".to_owned());
    }
    if reading.oldest_first {
        parts.push("oldest first".to_owned());
    }
    let mut out = format!("Understood: {}.", parts.join(", "));
    if !reading.unused.is_empty() {
        let _ = write!(out, " Not used: {}.", quoted(&reading.unused, ", "));
    }
    if reading.is_cut {
        out.push_str(" The request was too long: only its beginning was read.");
    }
    out
}

fn korean(reading: &Reading) -> String {
    let thing = match reading.area {
        Some(Area::Mail) => "메일",
        Some(Area::Calendar) => "일정",
        Some(Area::Chat) => "채팅",
        Some(Area::Note) => "노트",
        Some(Area::File) => "파일",
        None => "전체",
    };
    if reading.change {
        return format!("이해한 내용: {thing} 변경 요청. 말로 부탁한 변경은 바로 하지 않습니다.");
    }
    let verb = match reading.intent {
        Intent::Search => "검색",
        Intent::List => "목록",
        Intent::Analyze => "분석",
        Intent::Count => "개수",
    };
    let mut parts: Vec<String> =
        vec![if reading.free { "빈 시간".to_owned() } else { format!("{thing} {verb}") }];
    if let Some(folder) = reading.folder {
        parts.push(
            match folder {
                Folder::Inbox => "받은 편지함",
                Folder::Sent => "보낸 편지함",
                Folder::Drafts => "임시 보관함",
                Folder::Deleted => "지운 편지함",
                Folder::Junk => "정크 메일",
                Folder::Archive => "보관함",
            }
            .to_owned(),
        );
    }
    if reading.unread {
        parts.push("안 읽은 것".to_owned());
    }
    match reading.attachments {
        Some(true) => parts.push("첨부 있음".to_owned()),
        Some(false) => parts.push("첨부 없음".to_owned()),
        None => {}
    }
    match reading.importance {
        Some(Importance::High) => parts.push("중요도 높음".to_owned()),
        Some(Importance::Low) => parts.push("중요도 낮음".to_owned()),
        None => {}
    }
    for (word, parties) in [("보낸 사람", &reading.from), ("받는 사람", &reading.to), ("상대", &reading.with)]
    {
        if !parties.is_empty() {
            parts.push(format!("{word} {}", names(parties, " 또는 ")));
        }
    }
    if let Some(subject) = &reading.subject {
        parts.push(format!("제목 \"{subject}\""));
    }
    if !reading.words.is_empty() {
        let any = if reading.scope == Scope::More { " 중 하나" } else { "" };
        parts.push(format!("낱말 {}{any}", quoted(&reading.words, ", ")));
    }
    if let Some(period) = &reading.period {
        parts.push(korean_period(period));
    }
    if let Some(limit) = reading.limit {
        parts.push(format!("최대 {limit}개"));
    } else if reading.scope == Scope::One {
        parts.push("하나".to_owned());
    }
    if reading.oldest_first {
        parts.push("오래된 순".to_owned());
    }
    let mut out = format!("이해한 내용: {}.", parts.join(", "));
    if !reading.unused.is_empty() {
        let _ = write!(out, " 쓰지 않은 말: {}.", quoted(&reading.unused, ", "));
    }
    if reading.is_cut {
        out.push_str(" 요청이 너무 길어 앞부분만 읽었습니다.");
    }
    out
}

fn korean_period(period: &Period) -> String {
    match (period.start_text(), period.end_text()) {
        (Some(start), Some(end)) if start == end => format!("기간 {start}"),
        (Some(start), Some(end)) => format!("기간 {start}~{end}"),
        (Some(start), None) => format!("{start}부터"),
        (None, Some(end)) => format!("{end}까지"),
        (None, None) => String::new(),
    }
}
