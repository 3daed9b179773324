//! What is said of the things themselves: unread, with attachments, important, in which folder, how many, in which order.

use super::line::Line;
use super::reading::{Folder, Importance, Reading, Scope};
use super::time::numeral;
use super::token::Kind;

const UNREAD: &[&str] = &[
    "unread",
    "unopened",
    "not read",
    "haven't read",
    "haven't opened",
    "have not read",
    "not yet read",
    "not opened",
    "new",
    "안 읽은",
    "안읽은",
    "읽지 않은",
    "읽지않은",
    "못 읽은",
    "못읽은",
    "미확인",
    "미열람",
    "안 본",
    "확인하지 않은",
    "확인 안 한",
    "안 읽음",
    "읽지 않음",
    "아직 안 읽은",
    "못 본",
    "아직 못 본",
    "아직 안 본",
];
const WITHOUT_FILES: &[&str] = &[
    "without attachments",
    "without attachment",
    "without an attachment",
    "without any attachments",
    "without files",
    "no attachments",
    "no attachment",
    "without attached files",
    "no attached files",
    "첨부파일 없는",
    "첨부파일이 없는",
    "첨부 파일 없는",
    "첨부 파일이 없는",
    "첨부 없는",
    "첨부가 없는",
    "첨부없는",
    "첨부 없이",
    "첨부파일 없이",
    "첨부 안 된",
    "첨부파일 제외",
];
const WITH_FILES: &[&str] = &[
    "with attachments",
    "with attachment",
    "with an attachment",
    "with any attachments",
    "with attached files",
    "with files",
    "has attachments",
    "has an attachment",
    "have attachments",
    "having attachments",
    "that have attachments",
    "containing attachments",
    "including attachments",
    "attachments",
    "attachment",
    "attached",
    "attached files",
    "첨부파일 있는",
    "첨부파일이 있는",
    "첨부 파일 있는",
    "첨부 파일이 있는",
    "첨부 있는",
    "첨부가 있는",
    "첨부파일 포함된",
    "첨부파일이 포함된",
    "첨부된",
    "첨부파일",
    "첨부 파일",
    "첨부",
    "첨부파일 달린",
    "첨부파일이 달린",
    "파일이 첨부된",
    "파일 첨부된",
    "첨부된 파일",
];
const HIGH: &[&str] = &[
    "high priority",
    "high importance",
    "important",
    "urgent",
    "high-priority",
    "top priority",
    "marked important",
    "marked as important",
    "critical",
    "중요한",
    "중요",
    "긴급",
    "긴급한",
    "급한",
    "중요도 높음",
    "중요도 높은",
    "중요도가 높은",
    "중요 표시된",
    "중요로 표시된",
    "중요 표시",
    "시급한",
    "우선순위 높은",
    "우선순위가 높은",
];
const LOW: &[&str] = &[
    "low priority",
    "low importance",
    "low-priority",
    "unimportant",
    "중요도 낮음",
    "중요도 낮은",
    "중요도가 낮은",
    "중요하지 않은",
];
/// Phrases and the folder they name; more words first.
const FOLDERS: &[(Folder, &[&str])] = &[
    (
        Folder::Inbox,
        &[
            "inbox",
            "in box",
            "inbox folder",
            "받은편지함",
            "받은 편지함",
            "받은메일함",
            "받은 메일함",
            "수신함",
            "인박스",
            "메일함",
        ],
    ),
    (
        Folder::Sent,
        &[
            "sent items",
            "sent folder",
            "sent mail",
            "sent mails",
            "sent emails",
            "sent email",
            "sent box",
            "sent messages",
            "outgoing mail",
            "보낸편지함",
            "보낸 편지함",
            "보낸메일함",
            "보낸 메일함",
            "발신함",
            "보낸 항목",
            "보낸편지",
        ],
    ),
    (
        Folder::Drafts,
        &[
            "drafts",
            "drafts folder",
            "draft folder",
            "draft emails",
            "draft email",
            "임시보관함",
            "임시 보관함",
            "임시저장함",
            "임시 저장함",
            "초안",
            "초안함",
            "작성 중인 메일",
        ],
    ),
    (
        Folder::Deleted,
        &[
            "deleted items",
            "deleted folder",
            "deleted mail",
            "deleted mails",
            "deleted emails",
            "deleted email",
            "deleted messages",
            "trash",
            "trash folder",
            "recycle bin",
            "휴지통",
            "지운편지함",
            "지운 편지함",
            "삭제된 편지함",
            "삭제된 항목",
            "지운 메일",
            "삭제된 메일",
            "삭제한 메일",
        ],
    ),
    (
        Folder::Junk,
        &[
            "junk",
            "junk folder",
            "junk mail",
            "junk email",
            "junk emails",
            "spam",
            "spam folder",
            "spam mail",
            "spam emails",
            "정크",
            "정크함",
            "정크메일",
            "정크 메일",
            "정크메일함",
            "스팸",
            "스팸함",
            "스팸메일",
            "스팸 메일",
            "스팸메일함",
            "스팸 메일함",
        ],
    ),
    (
        Folder::Archive,
        &["archive", "archive folder", "archived", "archives", "보관함", "보관 폴더", "보관된", "아카이브"],
    ),
];
const COUNTERS: &[&str] = &["개월", "개", "건", "통", "가지", "편", "장"];
/// Nouns that a number before them counts.
const COUNTED: &[&str] = &[
    "emails",
    "mails",
    "messages",
    "email",
    "mail",
    "results",
    "items",
    "hits",
    "events",
    "meetings",
    "files",
    "documents",
    "notes",
    "pages",
    "chats",
    "threads",
    "conversations",
    "appointments",
    "most",
    "latest",
    "newest",
    "recent",
    "oldest",
    "unread",
    "important",
    "last",
    "entries",
    "ones",
    "letters",
    "posts",
];
const RECENT: &[&str] = &[
    "recent", "latest", "last", "newest", "most", "top", "first", "oldest", "earliest", "past", "최근",
    "상위",
];
const MOST: u32 = 1_000;

/// Unread, attachments, importance.
pub(super) fn marks(line: &mut Line, reading: &mut Reading) {
    // "new" is an adjective of a name as often: only before what is new.
    let new = line.find(&["new"]).filter(|(at, _)| {
        line.is(at + 1, &["mail", "mails", "email", "emails", "messages", "message", "chats"])
    });
    let unread: Vec<&str> = UNREAD.iter().copied().filter(|word| *word != "new").collect();
    reading.unread = line.take_phrases(&unread);
    if let Some((at, count)) = new {
        line.take(at..at + count);
        reading.unread = true;
    }
    if line.take_phrases(WITHOUT_FILES) {
        reading.attachments = Some(false);
    } else if line.take_phrases(WITH_FILES) {
        reading.attachments = Some(true);
    }
    if line.take_phrases(LOW) {
        reading.importance = Some(Importance::Low);
    } else if line.take_phrases(HIGH) {
        reading.importance = Some(Importance::High);
    }
}

/// A folder of the mailbox.
pub(super) fn folder(line: &mut Line, reading: &mut Reading) {
    let mut found: Option<(usize, usize, Folder)> = None;
    for (folder, phrases) in FOLDERS {
        if let Some((at, count)) = line.find(phrases)
            && found.is_none_or(|(_, most, _)| count > most)
        {
            found = Some((at, count, *folder));
        }
    }
    let Some((at, count, folder)) = found else { return };
    // "sent mail to Bob", "메일 중 보낸" are about who sent it.
    let is_sending = folder == Folder::Sent && line.is(at + count, &["to", "by", "from"]);
    if !is_sending {
        line.take(at..at + count);
        if line.is(at + count, &["folder", "items"]) {
            line.take(at + count..at + count + 1);
        }
        reading.folder = Some(folder);
    }
}

/// How many, one or all, oldest first.
pub(super) fn amount(line: &mut Line, reading: &mut Reading) {
    order(line, reading);
    limit(line, reading);
    one(line, reading);
    line.take_phrases(&[
        "전부",
        "모두",
        "모든",
        "전체",
        "다",
        "싹",
        "all",
        "every",
        "everything",
        "entire",
        "each",
    ]);
    line.take_phrases(&[
        "recently",
        "recent",
        "most recent",
        "lately",
        "최근",
        "최근에",
        "요즘",
        "요새",
        "근래",
    ]);
}

fn order(line: &mut Line, reading: &mut Reading) {
    reading.oldest_first = line.take_phrases(&[
        "oldest first",
        "from oldest to newest",
        "from old to new",
        "in chronological order",
        "chronologically",
        "오래된 순으로",
        "오래된 순서로",
        "오래된순으로",
        "오래된순",
        "오래된 순",
        "오래된 것부터",
        "오래된 메일부터",
        "시간순으로",
        "시간순",
        "시간 순으로",
        "날짜순으로",
    ]);
    line.take_phrases(&[
        "newest first",
        "latest first",
        "most recent first",
        "최신순으로",
        "최신순",
        "최신 순으로",
        "최근순으로",
        "최근순",
    ]);
    let (mut at, mut first) = (0, false);
    while at < line.len() {
        // "oldest emails first" is an order, "the oldest email" one of them.
        if line.is(at, &["oldest", "earliest"]) {
            line.take(at..at + 1);
            if let Some(offset) = (1..4).find(|offset| line.is(at + offset, &["first"])) {
                line.take(at + offset..at + offset + 1);
            } else {
                first = true;
            }
            reading.oldest_first = true;
        }
        at += 1;
    }
    for phrase in
        ["가장 오래된", "제일 오래된", "맨 처음", "가장 처음", "첫 번째", "첫번째", "맨 첫", "가장 먼저"]
    {
        if line.take_phrases(&[phrase]) {
            (reading.oldest_first, first) = (true, true);
        }
    }
    if let Some((at, _)) = line.find(&["first"])
        && ["email", "mail", "message", "meeting", "event", "one", "thing", "appointment"]
            .contains(&line.word(at + 1))
    {
        line.take(at..at + 1);
        (reading.oldest_first, first) = (true, true);
    }
    if first {
        (reading.scope, reading.outermost) = (Scope::One, true);
    }
}

fn limit(line: &mut Line, reading: &mut Reading) {
    // "몇 건이나" asks for the number.
    for at in 0..line.len() {
        if line.hangul(at) == "몇" && COUNTERS.iter().any(|counter| line.hangul(at + 1).starts_with(counter))
        {
            line.take(at..at + 2);
        }
    }
    for at in 0..line.len() {
        let Some((number, behind)) = counted(line, at) else { continue };
        if (1..=MOST).contains(&number) {
            line.take(at..behind);
            reading.limit = Some(number as usize);
            if number == 1 {
                (reading.scope, reading.outermost, reading.limit) = (Scope::One, true, None);
            } else if reading.outermost {
                (reading.scope, reading.outermost) = (Scope::All, false);
            }
            // What stands before the number belongs to it: "top 5", "최근 3건".
            if at > 0 && RECENT.contains(&line.low(at - 1)) {
                line.take(at - 1..at);
            }
            return;
        }
    }
}

/// A number that counts things, and the token behind it.
fn counted(line: &Line, at: usize) -> Option<(u32, usize)> {
    if let Some(number) = line.number(at) {
        let counter = COUNTERS.iter().find(|counter| line.ko(at + 1, counter).is_some());
        if let Some(counter) = counter.filter(|_| line.is_glued(at + 1) || !line.hangul(at + 1).is_empty()) {
            return (*counter != "개월").then_some((number, at + 2));
        }
        let is_counted = (1..=3).any(|offset| {
            COUNTED.contains(&line.word(at + offset))
                && (1..offset).all(|between| line.any(at + between).is_some_and(|t| t.kind == Kind::Word))
        });
        let is_led = at > 0 && RECENT.contains(&line.word(at - 1)) && !line.is_glued(at + 1);
        return (is_counted && line.get(at + 1).is_none_or(|next| !next.is_sign()) || is_led)
            .then_some((number, at + 1));
    }
    // 다섯 개, 세 건, 하나
    let text = line.hangul(at);
    if ["하나만", "하나"].contains(&text) || line.reads(at, &["한", "통만"]) {
        return Some((1, at + 1));
    }
    // 몇 asks for a number.
    let (number, rest) = numeral(text).filter(|_| !text.starts_with('몇'))?;
    let (counter, next) = if rest.is_empty() { (line.hangul(at + 1), at + 2) } else { (rest, at + 1) };
    let fits = |base: &&str| super::korean::tail(counter, base).is_some() && *base != "장" && *base != "개월";
    COUNTERS.iter().any(fits).then_some((number, next))
}

/// "the latest email", "마지막 메일".
fn one(line: &mut Line, reading: &mut Reading) {
    const SUPERLATIVE: &[&str] = &[
        "latest",
        "newest",
        "last",
        "most recent",
        "마지막",
        "마지막으로",
        "가장 최근",
        "가장 최근에",
        "제일 최근",
        "가장 마지막",
        "맨 마지막",
    ];
    if let Some((at, count)) = line.find(SUPERLATIVE) {
        line.take(at..at + count);
        let is_plural = |word: &str| {
            word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("'s")
        };
        let many = (0..3).any(|offset| is_plural(line.word(at + count + offset)));
        if reading.limit.is_none() && !many {
            (reading.scope, reading.outermost) = (Scope::One, true);
        }
    }
}
