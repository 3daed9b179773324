//! What is asked for: the nouns of mail, calendar, chats, notes and files, and requests to change something.

use super::line::Line;
use super::reading::{Area, Noun, Reading, Scope};
use super::token::Kind;

struct Entry {
    noun: Noun,
    /// Of several nouns the stronger one says what is meant.
    strength: u8,
    words: &'static [&'static str],
}

/// The words of each noun. Names of applications are stronger than things, and "message" can be anything.
const NOUNS: &[Entry] = &[
    Entry {
        noun: Noun::Mail,
        strength: 2,
        words: &[
            "email",
            "emails",
            "e-mail",
            "e-mails",
            "mail",
            "mails",
            "메일",
            "이메일",
            "전자메일",
            "편지",
            "메일들",
        ],
    },
    Entry {
        noun: Noun::Mail, strength: 3, words: &["outlook", "mailbox", "아웃룩", "메일박스", "사서함"]
    },
    Entry {
        noun: Noun::Thread,
        strength: 2,
        words: &["email thread", "email threads", "mail thread", "thread", "threads", "메일 스레드"],
    },
    Entry {
        noun: Noun::MailFolder,
        strength: 3,
        words: &[
            "mail folders",
            "mail folder",
            "email folders",
            "mailbox folders",
            "메일 폴더",
            "메일함 목록",
            "편지함 목록",
        ],
    },
    Entry {
        noun: Noun::Mail,
        strength: 1,
        words: &["message", "messages", "a reply", "any reply", "메시지", "메세지"],
    },
    Entry { noun: Noun::Chat, strength: 1, words: &["대화"] },
    Entry {
        noun: Noun::Event,
        strength: 2,
        words: &[
            "meeting",
            "meetings",
            "appointment",
            "appointments",
            "event",
            "events",
            "agenda",
            "schedule",
            "teams meeting",
            "teams meetings",
            "invitation",
            "invitations",
            "invite",
            "invites",
            "일정",
            "회의",
            "미팅",
            "약속",
            "스케줄",
            "스케쥴",
            "행사",
            "팀즈 회의",
            "팀즈 미팅",
            "화상회의",
            "회의 일정",
            "미팅 일정",
        ],
    },
    Entry { noun: Noun::Calendar, strength: 3, words: &["calendar", "calendars", "달력", "캘린더"] },
    Entry {
        noun: Noun::Chat,
        strength: 3,
        words: &[
            "teams",
            "teams chat",
            "teams chats",
            "chat",
            "chats",
            "dm",
            "dms",
            "팀즈",
            "팀스",
            "채팅",
            "채팅방",
            "대화방",
            "팀즈 채팅",
            "챗",
        ],
    },
    Entry {
        noun: Noun::Message,
        strength: 3,
        words: &[
            "teams message",
            "teams messages",
            "chat message",
            "chat messages",
            "direct message",
            "direct messages",
            "팀즈 메시지",
            "채팅 메시지",
            "채팅 내용",
            "대화 내용",
            "팀즈 대화",
        ],
    },
    Entry {
        noun: Noun::Channel,
        strength: 3,
        words: &["channel", "channels", "teams channel", "teams channels", "채널", "팀즈 채널"],
    },
    Entry {
        noun: Noun::Team,
        strength: 3,
        words: &["my teams", "list of teams", "all teams", "팀 목록", "팀즈 팀"],
    },
    Entry {
        noun: Noun::Note,
        strength: 2,
        words: &["note", "notes", "notepage", "노트", "메모", "필기", "노트 페이지"],
    },
    Entry {
        noun: Noun::Note,
        strength: 4,
        words: &[
            "onenote",
            "onenote page",
            "onenote pages",
            "onenote note",
            "onenote notes",
            "원노트",
            "원노트 페이지",
        ],
    },
    Entry {
        noun: Noun::Notebook,
        strength: 4,
        words: &[
            "notebook",
            "notebooks",
            "onenote notebook",
            "onenote notebooks",
            "전자필기장",
            "전자 필기장",
            "필기장",
            "노트북 목록",
        ],
    },
    Entry {
        noun: Noun::Section,
        strength: 4,
        words: &[
            "notebook section",
            "notebook sections",
            "onenote section",
            "onenote sections",
            "섹션",
            "원노트 섹션",
        ],
    },
    Entry {
        noun: Noun::File,
        strength: 2,
        words: &[
            "file",
            "files",
            "document",
            "documents",
            "spreadsheet",
            "spreadsheets",
            "presentation",
            "presentations",
            "deck",
            "decks",
            "slide deck",
            "slide decks",
            "slides",
            "workbook",
            "workbooks",
            "파일",
            "문서",
            "자료 파일",
            "파일들",
            "문서들",
        ],
    },
    Entry {
        noun: Noun::File,
        strength: 4,
        words: &["onedrive", "one drive", "sharepoint", "원드라이브", "드라이브", "셰어포인트"],
    },
    Entry { noun: Noun::Folder, strength: 1, words: &["folder", "folders", "폴더"] },
];
/// Endings of file names: such a word is a file, and searched for.
const FILES: &[&str] = &[
    ".docx", ".doc", ".xlsx", ".xls", ".pptx", ".ppt", ".pdf", ".csv", ".txt", ".hwp", ".hwpx", ".zip",
    ".md", ".png", ".jpg",
];
/// Behind these stands what something is about.
const ABOUT: &[&str] = &[
    "about",
    "regarding",
    "concerning",
    "mentioning",
    "containing",
    "re",
    "discussing",
    "titled",
    "called",
    "named",
    "mentions",
];
/// The same in Korean, behind the word: "회의 관련 메일".
const KOREAN_ABOUT: &[&str] =
    &["관련", "관련된", "관련한", "대한", "관한", "대해", "관해", "포함된", "들어간", "언급된", "언급한"];
/// Single things.
const SINGLE: &[&str] = &[
    "email",
    "e-mail",
    "message",
    "meeting",
    "appointment",
    "event",
    "file",
    "document",
    "spreadsheet",
    "presentation",
    "deck",
    "note",
    "page",
    "chat",
    "thread",
    "invite",
    "invitation",
    "conversation",
    "workbook",
    "onenote page",
];
const FREE: &[&str] = &[
    "free",
    "available",
    "availability",
    "free time",
    "free slot",
    "free slots",
    "open slot",
    "open slots",
    "free times",
    "busy",
    "빈 시간",
    "빈시간",
    "비는 시간",
    "비어",
    "비어있는",
    "비어 있는",
    "비어있는 시간",
    "비어 있는 시간",
    "비어있어",
    "여유 시간",
    "여유시간",
    "가능한 시간",
    "시간 되는",
    "한가한",
    "한가해",
    "바빠",
    "바쁜",
    "가용 시간",
    "빈",
    "비나",
    "비는",
    "비어있나",
    "비어 있나",
    "비어 있어",
    "비어있는지",
];

/// A noun where it was found.
#[derive(Clone, Copy)]
struct Found {
    at: usize,
    count: usize,
    noun: Noun,
    strength: u8,
}

fn found(line: &Line) -> Vec<Found> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let best = NOUNS
            .iter()
            .filter_map(|entry| line.phrase(at, entry.words).map(|count| (count, entry)))
            .max_by_key(|(count, entry)| (*count, entry.strength));
        let Some((count, entry)) = best else {
            at += 1;
            continue;
        };
        // "the Documents folder" is a name.
        let is_name = line.get(at).is_some_and(super::token::Token::is_capital)
            && line.is(at + count, &["folder", "folders"]);
        if is_name && entry.noun == Noun::File && at > 0 {
            at += count;
            continue;
        }
        out.push(Found { at, count, noun: entry.noun, strength: entry.strength });
        at += count;
    }
    out
}

/// Whether a noun is what something is about, and not what is asked for.
fn is_topic(line: &Line, found: &Found) -> bool {
    let before = found.at.checked_sub(1).map(|before| {
        if ["the", "our", "my", "a", "an", "any"].contains(&line.word(before)) {
            before.checked_sub(1)
        } else {
            Some(before)
        }
    });
    let led = before.flatten().is_some_and(|before| ABOUT.contains(&line.word(before)));
    led || KOREAN_ABOUT.iter().any(|word| line.is_ko(found.at + found.count, &[word]))
        // "회의에 대한"
        || line.is_ko(found.at + found.count, &["대한", "관한"])
}

/// Area and noun of the request. What is only a topic stays a word to search for.
/// With `only`, things of other areas stay words as well.
pub(super) fn area(line: &mut Line, reading: &mut Reading, only: Option<Area>) {
    if only.is_none_or(|only| only == Area::Calendar) {
        free(line, reading);
    }
    let mut all = found(line);
    all.retain(|found| only.is_none_or(|only| found.noun.area() == only));
    let asked: Vec<Found> = all.iter().copied().filter(|found| !is_topic(line, found)).collect();
    let korean = |found: &Found| line.get(found.at).is_some_and(|token| token.kind == Kind::Hangul);
    // Two things side by side: the last one is what is asked for ("meeting notes", "회의 노트").
    let modifies = |index: usize, found: &Found| {
        asked.get(index + 1).is_some_and(|next| {
            next.at == found.at + found.count
                && next.noun.area() != found.noun.area()
                && found.strength < 3
                && next.strength > 1
                && (!korean(found) || !line.hangul(found.at).ends_with("에서"))
        })
    };
    let heads: Vec<Found> =
        asked.iter().enumerate().filter(|(at, found)| !modifies(*at, found)).map(|(_, f)| *f).collect();
    let strongest = heads.iter().map(|found| found.strength).max().unwrap_or_default();
    let chosen = heads.iter().find(|found| found.strength == strongest).copied();
    if let Some(chosen) = chosen {
        let area = chosen.noun.area();
        reading.area = Some(area);
        // The most particular noun of the area: of "Teams" and "messages" the messages.
        let particular = heads.iter().rev().find(|found| {
            found.noun.area() == area
                && !matches!(found.noun, Noun::Chat | Noun::Calendar)
                && found.strength > 1
        });
        reading.noun = Some(particular.map_or(chosen.noun, |found| found.noun));
        let weak_message = heads.iter().any(|found| found.noun == Noun::Mail && found.strength == 1);
        if area == Area::Chat && weak_message && reading.noun == Some(Noun::Chat) {
            reading.noun = Some(Noun::Message);
        }
        for found in heads.iter().filter(|found| found.noun.area() == area || found.strength == 1) {
            single(line, found, reading);
            line.take(found.at..found.at + found.count);
        }
    }
    if reading.area.is_none()
        && reading.folder.is_some_and(|folder| folder != super::reading::Folder::Archive)
    {
        (reading.area, reading.noun) = (Some(Area::Mail), Some(Noun::Mail));
    }
    if only.is_some() {
        return;
    }
    if reading.area.is_none() && line.find(&["emailed", "mailed"]).is_some() {
        (reading.area, reading.noun) = (Some(Area::Mail), Some(Noun::Mail));
    }
    if reading.area.is_none() && reading.free {
        (reading.area, reading.noun) = (Some(Area::Calendar), Some(Noun::Event));
    }
    let is_file = |at: usize| {
        line.get(at).is_some_and(|token| FILES.iter().any(|ending| token.lower.ends_with(ending)))
    };
    if reading.area.is_none() && (0..line.len()).any(is_file) {
        (reading.area, reading.noun) = (Some(Area::File), Some(Noun::File));
    }
    let asks_when = ["when is", "when's", "what time is", "언제"];
    if reading.area.is_none() && line.find(&asks_when).is_some() {
        (reading.area, reading.noun) = (Some(Area::Calendar), Some(Noun::Event));
    }
    if reading.area.is_none()
        && let Some((at, count)) = line.find(&["what's on", "what is on", "whats on", "what do i have on"])
        && at == 0
    {
        line.take(at..at + count.saturating_sub(1));
        (reading.area, reading.noun) = (Some(Area::Calendar), Some(Noun::Event));
    }
}

fn free(line: &mut Line, reading: &mut Reading) {
    // "feel free", "free trial" are about something else.
    let Some((at, count)) = line.find(FREE) else { return };
    let behind = line.word(at + count);
    let is_other =
        line.word_before(at) == "feel" || ["trial", "shipping", "of", "samples", "sample"].contains(&behind);
    if !is_other {
        line.take(at..at + count);
        line.take_phrases(&["slot", "slots", "time slot", "time slots", "시간"]);
        reading.free = true;
    }
}

/// "the email", "an event", "my next meeting": one of them.
fn single(line: &Line, found: &Found, reading: &mut Reading) {
    let word = line.word(found.at + found.count - 1);
    let nth = |at: usize| ["next"].contains(&line.word(at)) || line.is_ko(at, &["다음"]);
    let is_next = found.at.checked_sub(1).is_some_and(nth) && reading.limit.is_none();
    if is_next && found.noun == Noun::Event && (SINGLE.contains(&word) || !word.is_ascii()) {
        (reading.scope, reading.outermost) = (Scope::One, true);
        return;
    }
    if !SINGLE.contains(&word) {
        return;
    }
    // Back over adjectives and names to the article.
    for back in 1..=5 {
        let Some(at) = found.at.checked_sub(back) else { return };
        match line.any(at).map(|token| token.kind) {
            Some(Kind::Word | Kind::Number(_)) => {}
            _ => return,
        }
        match line.word(at) {
            "the" | "a" | "an" | "that" => {
                reading.scope = Scope::One;
                return;
            }
            "all" | "any" | "every" | "in" | "on" | "from" | "of" | "my" | "by" | "for" | "to" | "about"
            | "and" => return,
            _ => {}
        }
    }
}

/// Takes "next" and "다음" that belong to a single event.
pub(super) fn next_one(line: &mut Line, reading: &Reading) {
    if reading.outermost && reading.area == Some(Area::Calendar) {
        line.take_phrases(&["next", "다음", "upcoming"]);
    }
}
