//! What is left: the subject, the words to search for, and what the answer is to be.

use super::korean;
use super::lexicon::is_stop;
use super::line::Line;
use super::reading::{Intent, Reading, Scope};
use super::token::Kind;

/// More words than this are not searched for.
const MOST: usize = 20;
/// Longest word that is searched for, in characters.
const LONGEST: usize = 100;

const SUBJECT: &[&str] =
    &["subject line", "subject lines", "subject", "subjects", "제목", "제목란", "제목줄"];

/// "subject: …" and quotations, before anything in them is taken for something else.
pub(super) fn exact_subject(line: &mut Line, reading: &mut Reading) {
    let Some((at, count)) = line.find(SUBJECT) else { return };
    if line.sign(at + count) == Some(':') {
        subject(line, reading);
    }
}

/// "with the subject …", "제목에 …": a quotation, or the words there.
pub(super) fn subject(line: &mut Line, reading: &mut Reading) {
    let Some((at, count)) = line.find(SUBJECT) else { return };
    if line.hangul(at).is_empty() {
        english_subject(line, reading, at, count);
    } else {
        korean_subject(line, reading, at);
    }
}

fn is_text(line: &Line, at: usize) -> bool {
    line.get(at).is_some_and(|token| match token.kind {
        Kind::Quoted | Kind::Number(_) => true,
        Kind::Word | Kind::Hangul => !is_stop(&token.lower),
        Kind::Address | Kind::Sign(_) => false,
    })
}

fn text(line: &Line, at: usize) -> String {
    line.any(at).map(|token| token.text.clone()).unwrap_or_default()
}

fn english_subject(line: &mut Line, reading: &mut Reading, at: usize, count: usize) {
    const LINKS: &[&str] = &[
        "contains",
        "containing",
        "contain",
        "is",
        "has",
        "having",
        "with",
        "includes",
        "including",
        "like",
        "of",
        "that",
        "says",
        "line",
        "starting",
        "starts",
        "mentions",
        "mentioning",
        "the",
        "word",
        "words",
        "phrase",
        "being",
        "saying",
        "called",
    ];
    // "'invoice' in the subject", "invoice in the subject"
    let place = at.checked_sub(1).map(|before| {
        if line.is(before, &["the", "their", "its"]) { before.saturating_sub(1) } else { before }
    });
    if let Some(place) = place.filter(|place| line.is(*place, &["in"]))
        && place > 0
        && is_text(line, place - 1)
    {
        reading.subject = Some(text(line, place - 1));
        line.take(place - 1..at + count);
        return;
    }
    let mut from = at + count;
    while line.is(from, LINKS) || line.sign(from) == Some(':') {
        from += 1;
    }
    if line.get(from).is_some_and(|token| token.kind == Kind::Quoted) {
        reading.subject = Some(text(line, from));
        line.take(at..from + 1);
        return;
    }
    let mut end = from;
    while is_text(line, end) && end < from + 8 {
        end += 1;
    }
    if end > from {
        let words: Vec<String> = (from..end).map(|at| text(line, at)).collect();
        reading.subject = Some(words.join(" "));
        line.take(at..end);
    }
}

fn korean_subject(line: &mut Line, reading: &mut Reading, at: usize) {
    let mut from = at + 1;
    while line.sign(from) == Some(':') {
        from += 1;
    }
    if line.get(from).is_some_and(|token| token.kind == Kind::Quoted) {
        reading.subject = Some(text(line, from));
        line.take(at..from + 1);
        return;
    }
    let mut words: Vec<String> = Vec::new();
    let mut end = from;
    while is_text(line, end) && end < from + 8 {
        let word = text(line, end);
        let (stem, particle) = korean::stem(&word);
        // 견적인 메일
        let stem = if particle.is_empty() {
            word.strip_suffix('인')
                .filter(|stem| stem.chars().count() > 1 && line.any(end + 1).is_some())
                .unwrap_or(stem)
        } else {
            stem
        };
        let is_end = stem.len() < word.len();
        words.push(stem.to_owned());
        end += 1;
        if is_end {
            break;
        }
    }
    if !words.is_empty() {
        reading.subject = Some(words.join(" "));
        line.take(at..end);
    }
}

/// Everything that nobody took and that is no part of the asking.
pub(super) fn words(line: &mut Line, reading: &mut Reading) {
    let mut any_of = false;
    let mut at = 0;
    while at < line.len() {
        let Some(token) = line.get(at) else {
            at += 1;
            continue;
        };
        if token.kind == Kind::Quoted {
            keep(reading, token.text.trim());
            any_of |= is_alternative(line, at);
            at += 1;
            continue;
        }
        if token.is_sign() {
            at += 1;
            continue;
        }
        // What was written together is one word: `3D`, `AI팀`.
        let mut end = at + 1;
        let mut word = token.text.clone();
        let mut tail = token.tail.clone();
        while let Some(more) = line
            .get(end)
            .filter(|more| more.glued && !more.is_sign() && more.kind != Kind::Quoted && tail.is_empty())
        {
            word.push_str(&more.text);
            tail.clone_from(&more.tail);
            end += 1;
        }
        if leftover(reading, &word, &tail, end - at) {
            any_of |= is_alternative(line, end - 1)
                || ["이나", "나", "이든"].contains(&particle_of(&word, &tail).as_str());
        }
        at = end;
    }
    if any_of && reading.words.len() > 1 && reading.scope == Scope::All {
        reading.scope = Scope::More;
    }
}

fn particle_of(word: &str, tail: &str) -> String {
    if tail.is_empty() { korean::stem(word).1.to_owned() } else { tail.to_owned() }
}

/// "or" behind a word.
fn is_alternative(line: &Line, at: usize) -> bool {
    line.is(at + 1, &["or", "또는", "혹은"])
        || line.sign(at + 1) == Some(',') && line.is(at + 2, &["or", "또는", "혹은"])
}

/// Whether a word is kept.
fn leftover(reading: &mut Reading, word: &str, tail: &str, tokens: usize) -> bool {
    let lower = word.to_lowercase().replace('’', "'");
    let lower = lower.strip_suffix("'s").unwrap_or(&lower);
    if is_stop(lower) {
        return false;
    }
    let is_korean = word.chars().any(super::token::is_hangul);
    let (stem, _) = if is_korean && tail.is_empty() { korean::stem(word) } else { (word, "") };
    let stem = if tokens == 1 && !is_korean {
        stem.strip_suffix("'s").or_else(|| stem.strip_suffix("’s")).unwrap_or(stem)
    } else {
        stem
    };
    let is_figure = stem.chars().all(|c| c.is_ascii_digit());
    let least = if is_figure { 3 } else { 2 };
    if stem.chars().count() < least || is_korean && !stem.contains('.') && korean::is_verb(word) {
        unused(reading, word);
        return false;
    }
    keep(reading, stem)
}

fn keep(reading: &mut Reading, word: &str) -> bool {
    let known = reading.words.iter().any(|known| known == word);
    if !word.chars().any(char::is_alphanumeric)
        || word.chars().count() > LONGEST
        || reading.words.len() >= MOST
    {
        if !known {
            unused(reading, word);
        }
        return false;
    }
    if !known {
        reading.words.push(word.to_owned());
    }
    true
}

/// Leaves out what stands for an argument that is not given (`tools::schema`): as one, it would vanish without a word.
pub(super) fn nothing(reading: &mut Reading) {
    let is_nothing = |text: &str| text.trim().eq_ignore_ascii_case("null");
    let mut found: Vec<String> = reading.words.extract_if(.., |word| is_nothing(word)).collect();
    for parties in [&mut reading.from, &mut reading.to, &mut reading.with] {
        found.extend(
            parties.extract_if(.., |party| is_nothing(party.text())).map(|party| party.text().to_owned()),
        );
    }
    found.extend(reading.subject.take_if(|text| is_nothing(text)));
    for word in &found {
        unused(reading, word);
    }
}

fn unused(reading: &mut Reading, word: &str) {
    if reading.unused.len() < MOST && !reading.unused.iter().any(|known| known == word) {
        reading.unused.push(word.chars().take(LONGEST).collect());
    }
}

/// Phrases of each intent.
const COUNT: &[&str] = &[
    "how many",
    "how much mail",
    "number of",
    "count",
    "total number",
    "몇 통",
    "몇 개",
    "몇 건",
    "몇통",
    "몇개",
    "몇건",
    "몇 명",
    "몇 번",
    "개수",
    "갯수",
    "건수",
    "얼마나",
    "횟수",
    "총 몇",
];
const ANALYZE: &[&str] = &[
    "summarize",
    "summarise",
    "summary",
    "summaries",
    "summarized",
    "analyze",
    "analyse",
    "analysis",
    "statistics",
    "stats",
    "breakdown",
    "overview",
    "digest",
    "trend",
    "trends",
    "grouped by",
    "group by",
    "by sender",
    "per sender",
    "by day",
    "per day",
    "who sends",
    "most often",
    "most frequently",
    "요약",
    "요약해줘",
    "요약해",
    "분석",
    "분석해줘",
    "분석해",
    "통계",
    "정리해줘",
    "정리해",
    "정리",
    "현황",
    "사람별",
    "사람별로",
    "발신자별",
    "발신자별로",
    "보낸사람별",
    "날짜별",
    "날짜별로",
    "일별",
    "일별로",
    "추이",
    "가장 많이",
    "제일 많이",
    "요약해주세요",
    "정리해주세요",
    "분석해주세요",
    "요약본",
];
const SEARCH: &[&str] = &[
    "find",
    "search",
    "look for",
    "look up",
    "looking for",
    "locate",
    "where is",
    "where's",
    "where are",
    "is there",
    "are there",
    "anything",
    "do i have any",
    "do i have an",
    "check",
    "did",
    "has",
    "have i",
    "need",
    "what time is",
    "when is",
    "when's",
    "do we have any",
    "any",
    "searching",
    "have any",
    "찾아",
    "찾아줘",
    "찾아봐",
    "찾아주세요",
    "찾아봐줘",
    "찾기",
    "찾는",
    "찾고",
    "검색",
    "검색해줘",
    "검색해",
    "검색해주세요",
    "있나",
    "있어",
    "있나요",
    "있는지",
    "있니",
    "있을까",
    "있어요",
    "있었나",
    "어디",
    "어디 있어",
    "어디있어",
    "언제야",
    "언제지",
    "언제인지",
    "언제",
    "왔나",
    "왔어",
    "왔는지",
    "있지",
    "어딨어",
    "찾을",
];
const LIST: &[&str] = &[
    "show",
    "list",
    "display",
    "give",
    "get",
    "pull up",
    "pull",
    "what",
    "what's",
    "which",
    "tell",
    "read",
    "fetch",
    "open",
    "view",
    "보여",
    "보여줘",
    "보여주세요",
    "보여줄래",
    "보여줄래요",
    "목록",
    "리스트",
    "알려줘",
    "알려",
    "알려주세요",
    "알려줄래",
    "뭐",
    "뭐야",
    "뭐가",
    "무엇",
    "무슨",
    "어떤",
    "조회",
    "조회해줘",
    "골라줘",
    "뽑아줘",
    "가져와",
    "열어줘",
    "읽어줘",
    "뭐있어",
    "뭔지",
];

/// What is wanted, from the whole request.
pub(super) fn intent(line: &Line, reading: &Reading) -> Option<Intent> {
    let first = |phrases: &[&str]| line.find(phrases).map(|(at, count)| (at, std::cmp::Reverse(count)));
    if first(COUNT).is_some() {
        return Some(Intent::Count);
    }
    let is_adjective = |at: usize| line.is(at, &["recent", "important", "urgent", "current", "relevant"]);
    let most = line
        .find(&["the most", "most emails", "most mail"])
        .is_some_and(|(at, count)| !is_adjective(at + count));
    if first(ANALYZE).is_some() || most {
        return Some(Intent::Analyze);
    }
    let is_free_question = reading.free
        && !["find", "search"].iter().any(|verb| line.find(&[verb]).is_some())
        && line.find(&["찾아줘", "찾아"]).is_none();
    if is_free_question {
        return Some(Intent::List);
    }
    // "when is my next meeting" asks for one thing that is known to be there.
    if reading.outermost && reading.area == Some(super::reading::Area::Calendar) {
        return Some(Intent::List);
    }
    match (first(SEARCH), first(LIST)) {
        (Some(search), Some(list)) => Some(if search < list { Intent::Search } else { Intent::List }),
        (Some(_), None) => Some(Intent::Search),
        (None, Some(_)) => Some(Intent::List),
        (None, None) => None,
    }
}

/// Without a verb: things with words, a subject or people are searched for, everything else is listed.
pub(super) fn usual(reading: &Reading) -> Intent {
    if reading.has_matter() { Intent::Search } else { Intent::List }
}
