//! Requests to change something: send, delete, book. They are told from requests to read, and not read any further.

use super::line::Line;
use super::token::Token;

/// Verbs that begin a request.
const VERBS: &[&str] = &[
    "send",
    "reply",
    "respond",
    "forward",
    "delete",
    "remove",
    "move",
    "create",
    "write",
    "compose",
    "draft",
    "schedule",
    "book",
    "cancel",
    "reschedule",
    "accept",
    "decline",
    "mark",
    "flag",
    "archive",
    "rename",
    "share",
    "upload",
    "invite",
    "add",
    "edit",
    "update",
    "copy",
    "save",
    "post",
    "remind",
    "organize",
    "unsubscribe",
    "block",
    "erase",
    "trash",
    "postpone",
    "shorten",
    "message",
    "email",
    "mail",
    "tell",
    "notify",
    "append",
];
/// Of these, words that are nouns as well: they are verbs only before what is done to.
const NOUNS: &[&str] = &[
    "reply", "draft", "schedule", "book", "flag", "archive", "share", "copy", "post", "update", "mark",
    "forward", "message", "email", "mail", "block", "trash",
];
const BEHIND_NOUN: &[&str] = &[
    "from",
    "about",
    "for",
    "of",
    "in",
    "on",
    "with",
    "regarding",
    "concerning",
    "since",
    "between",
    "today",
    "tomorrow",
    "this",
    "next",
    "last",
    "and",
    "or",
    "folder",
    "messages",
    "emails",
    "containing",
    "mentioning",
    "where",
    "that",
    "",
];
/// Of these, words that are nouns of mail: a person must follow.
const TO_PEOPLE: &[&str] = &["message", "email", "mail", "tell", "notify"];
/// What politely stands before a verb.
const POLITE: &[&str] = &[
    "please", "can", "could", "would", "will", "you", "i", "want", "to", "need", "i'd", "like", "let's",
    "help", "me", "kindly", "hey", "hi", "hello", "ok", "okay", "now", "then", "and", "just", "go", "ahead",
];
/// Verb stems before a request's ending.
const STEMS: &[&str] = &[
    "보내",
    "써",
    "적어",
    "작성해",
    "답장해",
    "회신해",
    "답해",
    "전달해",
    "포워드해",
    "삭제해",
    "지워",
    "옮겨",
    "이동해",
    "이동시켜",
    "만들어",
    "생성해",
    "잡아",
    "예약해",
    "취소해",
    "수락해",
    "거절해",
    "표시해",
    "공유해",
    "저장해",
    "추가해",
    "수정해",
    "변경해",
    "바꿔",
    "초대해",
    "등록해",
    "올려",
    "업로드해",
    "미뤄",
    "늦춰",
    "당겨",
    "참석해",
    "발송해",
    "전송해",
    "복사해",
    "넣어",
    "처리해",
    "알림해",
    "비워",
    "달아",
    "편집해",
    "고쳐",
    "없애",
];
const ENDINGS: &[&str] = &[
    "",
    "줘",
    "줘요",
    "주세요",
    "줄래",
    "줄래요",
    "주라",
    "주십시오",
    "주겠어",
    "주시겠어요",
    "주실래요",
    "달라",
    "라",
    "줄수있어",
    "줄수",
    "야해",
    "두세요",
    "놔",
    "놓아",
    "버려",
    "봐",
    "요",
    "줘라",
    "주시기",
];
/// Nouns that make a verb with 해줘 behind them.
const NOUN_STEMS: &[&str] = &[
    "삭제", "취소", "예약", "전달", "답장", "회신", "공유", "저장", "추가", "수정", "변경", "등록", "작성",
    "생성", "이동", "초대", "수락", "거절", "발송", "전송", "복사", "편집",
];

/// Whether the request is to change something.
pub(super) fn is_change(line: &Line) -> bool {
    english(line) || (0..line.len()).any(|at| korean(line, at))
}

fn english(line: &Line) -> bool {
    let mut at = 0;
    while POLITE.contains(&line.word(at)) || line.any(at).is_some_and(Token::is_sign) {
        at += 1;
    }
    if line.reads(at, &["set", "up"]) || line.reads(at, &["get", "rid"]) || line.reads(at, &["put"]) {
        return true;
    }
    if is_verb(line, at) {
        return true;
    }
    // "find the mail from Bob and delete it"
    (1..line.len()).any(|at| {
        line.is(at, &["and", "then"])
            && VERBS.contains(&line.word(at + 1))
            && line.is(at + 2, &["it", "them", "him", "her", "all", "that", "those", "to"])
    })
}

fn is_verb(line: &Line, at: usize) -> bool {
    let (word, next) = (line.word(at), line.word(at + 1));
    if !VERBS.contains(&word) {
        return false;
    }
    if TO_PEOPLE.contains(&word) {
        let is_person =
            line.any(at + 1).is_some_and(Token::is_capital) || ["him", "her", "them"].contains(&next);
        return is_person && !["me"].contains(&next);
    }
    if word == "reply" && ["to", "all"].contains(&next) {
        return true;
    }
    !NOUNS.contains(&word) || !BEHIND_NOUN.contains(&next)
}

fn korean(line: &Line, at: usize) -> bool {
    let text = line.hangul(at);
    if text.is_empty() {
        return false;
    }
    let is_last = line.next_free(at + 1) >= line.len();
    let ending_behind = || {
        let next = line.hangul(at + 1);
        !next.is_empty() && ENDINGS.iter().any(|ending| !ending.is_empty() && next == *ending)
    };
    let ends = |rest: &str| match rest {
        "" => is_last || ending_behind(),
        rest => ENDINGS.contains(&rest),
    };
    if STEMS.iter().filter_map(|stem| text.strip_prefix(stem)).any(ends) {
        return true;
    }
    // "이메일보내줘": written together.
    if ["보내줘", "보내주세요", "삭제해줘", "지워줘", "만들어줘", "잡아줘", "취소해줘"]
        .iter()
        .any(|ending| text.ends_with(ending))
    {
        return true;
    }
    let noun = NOUN_STEMS
        .iter()
        .any(|noun| text.strip_prefix(noun).is_some_and(|rest| ["", "을", "를", "좀"].contains(&rest)));
    let verb = line.hangul(at + 1);
    noun && (["부탁해", "부탁해요", "부탁합니다", "부탁", "바랍니다", "하자", "할래", "하고싶어"]
        .contains(&verb)
        || verb.strip_prefix('해').is_some_and(|rest| ENDINGS.contains(&rest)))
}
