//! Who wrote, who was written to, with whom: around prepositions and verbs in English, by particles in Korean.

use super::korean;
use super::lexicon::is_stop;
use super::line::Line;
use super::organizations::{Named, Organizations};
use super::reading::{Area, Folder, Party, Reading};
use super::token::Kind;

/// What people do who send something.
const SENDING: &[&str] = &[
    "sent", "send", "sends", "emailed", "mailed", "wrote", "write", "replied", "reply", "replies", "said", "say", "says",
    "mentioned", "mention", "shared", "forwarded", "forward", "posted", "asked", "messaged", "respond", "responded",
    "answered", "answer", "written", "texted", "email", "emailing", "sending", "promised", "requested",
];
const NOBODY: &[&str] = &[
    "me", "us", "him", "her", "them", "it", "you", "i", "we", "they", "he", "she", "anyone", "anybody", "someone", "somebody",
    "everyone", "everybody", "people", "who", "whom", "this", "that", "these", "those", "all", "any", "there", "here",
    "teams", "outlook", "onenote", "onedrive", "microsoft", "sharepoint",
];
/// Words before a name that belong to it.
const LEADS: &[&str] = &[
    "my", "our", "the", "a", "an", "manager", "boss", "colleague", "coworker", "lead", "director", "mr", "mrs", "ms", "dr",
    "professor", "prof", "friend", "client", "customer", "supervisor", "assistant", "team", "teammate", "ceo", "cto", "cfo",
];
const TITLES: &[&str] = &[
    "본부장", "센터장", "과장", "부장", "차장", "대리", "사원", "팀장", "실장", "이사", "상무", "전무", "사장", "대표", "주임", "책임", "선임",
    "수석", "교수", "박사", "선생", "매니저", "프로", "변호사", "회장", "소장", "국장", "원장", "간사", "위원장", "위원", "씨",
];
const SENT: &[&str] = &[
    "보낸", "보내신", "보내준", "보내주신", "보냈", "보내온", "발송한", "발신한", "쓴", "작성한", "공유한", "말한", "올린", "전달한", "회신한", "답장한",
    "답한", "요청한", "공지한", "전송한", "보고한", "알려준", "언급한", "부탁한", "문의한", "답변한", "남긴", "전해준", "첨부한", "뭐라고", "말했", "말씀",
];
const CAME: &[&str] = &["온", "왔", "받은", "받았", "도착", "수신", "날아온", "들어온", "오는", "받는"];
const MUTUAL: &[&str] = &[
    "주고받", "주고", "나눈", "나누", "한", "하는", "했", "할", "함께", "같이", "대화", "채팅", "메시지", "논의", "통화", "회의", "미팅", "약속",
    "관련", "관련된", "사이", "얘기", "이야기", "상의", "협의", "일정", "만나", "만난", "점심", "저녁", "잡힌", "있는",
];
const SELF: &[&str] = &["내", "나", "저", "제", "내가", "제가", "나는", "저는", "우리", "우리가", "본인", "나한테", "저한테", "나에게", "저에게"];
/// Nouns that send mail without being people.
const GROUPS: &[&str] = &["팀", "부서", "부", "실", "과", "사", "센터", "본부", "은행", "회사", "학교", "기관", "협회", "연구소", "그룹"];

/// Fills in the people, and marks mail of the person who asks.
pub(super) fn people(line: &mut Line, reading: &mut Reading, table: &Organizations) {
    let named = table.named(line);
    let mut pass = Pass { line, reading, named, own: false };
    pass.korean();
    pass.english();
    pass.rest();
}

struct Pass<'a> {
    line: &'a mut Line,
    reading: &'a mut Reading,
    named: Vec<Named>,
    /// The person who asks did the sending.
    own: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    From,
    To,
    With,
}

impl Pass<'_> {
    fn add(&mut self, role: Role, party: Party) {
        let list = match role {
            Role::From => &mut self.reading.from,
            Role::To => &mut self.reading.to,
            Role::With => &mut self.reading.with,
        };
        if list.len() < 20 && !list.contains(&party) {
            list.push(party);
        }
    }

    fn organization(&self, at: usize) -> Option<&Named> {
        self.named.iter().find(|named| named.at == at && self.line.is_free(at))
    }

    /// One party in English at a token, and the token behind.
    fn party(&self, at: usize, plain: bool) -> Option<(Party, usize)> {
        let mut at = at;
        while LEADS.contains(&self.line.low(at)) {
            let next = self.line.get(at + 1)?;
            if !next.is_capital() && self.organization(at + 1).is_none() && !LEADS.contains(&next.lower.as_str()) {
                let is_article = ["my", "our", "the", "a", "an"].contains(&self.line.low(at));
                if !is_article || !plain {
                    break;
                }
            }
            at += 1;
        }
        if let Some(named) = self.organization(at) {
            return Some((Party::Organization(named.code.clone()), named.next));
        }
        let token = self.line.get(at)?;
        match token.kind {
            Kind::Address => return Some((Party::Address(token.text.clone()), at + 1)),
            Kind::Quoted => return Some((Party::Name(token.text.clone()), at + 1)),
            Kind::Word => {}
            Kind::Hangul | Kind::Number(_) | Kind::Sign(_) => return None,
        }
        // The department, not the pronoun.
        let is_department = ["IT", "HR"].contains(&token.text.as_str());
        if !is_department && (NOBODY.contains(&token.lower.as_str()) || is_stop(&token.lower)) {
            return None;
        }
        let goes_on = |next: usize, capital: bool| {
            self.organization(next).is_none()
                && self.line.get(next).is_some_and(|token| {
                    token.kind == Kind::Word
                        && token.is_capital() == capital
                        && !is_stop(&token.lower)
                        && !NOBODY.contains(&token.lower.as_str())
                })
        };
        let mut next = at + 1;
        if is_department && goes_on(next, false) {
            next += 1;
        } else if token.is_capital() {
            while next < at + 4
                && goes_on(next, true)
                && self.line.any(next - 1).is_some_and(|last| last.tail.is_empty() && !last.lower.ends_with("'s"))
            {
                next += 1;
            }
        } else if !plain {
            return None;
        } else if goes_on(next, false) && !goes_on(next + 1, false) && self.line.any(next + 1).is_none_or(|after| after.is_sign() || is_stop(&after.lower) || !self.line.is_free(next + 1)) {
            next += 1;
        }
        let words: Vec<&str> = (at..next).filter_map(|at| self.line.any(at)).map(|token| token.text.as_str()).collect();
        let name = words.join(" ");
        let name = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(&name).to_owned();
        let name = if token.lower.contains('.') && !token.lower.ends_with('.') { Party::Address(name) } else { Party::Name(name) };
        Some((name, next))
    }

    /// A party and those joined to it by "and", "or" and commas.
    fn parties(&mut self, role: Role, at: usize, plain: bool) -> usize {
        let Some((party, mut next)) = self.party(at, plain) else { return at };
        self.add(role, party);
        self.line.take(at..next);
        for _ in 0..20 {
            let joins = self.line.is(next, &["and", "or"]) || matches!(self.line.sign(next), Some(',' | '&' | '/'));
            let from = if self.line.sign(next) == Some(',') && self.line.is(next + 1, &["and", "or"]) { next + 2 } else { next + 1 };
            // What follows "and" is another person only when it looks like one.
            let Some((party, behind)) = self.party(from, false).filter(|_| joins) else { break };
            self.add(role, party);
            self.line.take(next..behind);
            next = behind;
        }
        next
    }

    fn english(&mut self) {
        let mut at = 0;
        while at < self.line.len() {
            at = self.at(at).max(at + 1);
        }
    }

    /// What is said about people at a token; the token to go on at.
    fn at(&mut self, at: usize) -> usize {
        let word = self.line.low(at).to_owned();
        let before = self.line.word_before(at).to_owned();
        let chatty = matches!(self.reading.area, Some(Area::Calendar | Area::Chat));
        match word.as_str() {
            "from" | "by" => {
                if self.line.is(at + 1, &["me", "myself"]) {
                    self.own = true;
                    return at + 2;
                }
                let next = self.parties(Role::From, at + 1, word == "from");
                if next > at + 1 {
                    self.line.take(at..at + 1);
                }
                return next;
            }
            "to" => {
                let is_sending = SENDING.contains(&before.as_str()) || ["addressed", "messages", "mails", "emails", "mail", "email"].contains(&before.as_str());
                let plain = is_sending && !["me", "us"].contains(&self.line.low(at + 1));
                let next = self.parties(Role::To, at + 1, plain);
                if next > at + 1 {
                    self.line.take(at..at + 1);
                    self.own = false;
                }
                return next;
            }
            "with" if !chatty && self.line.get(at + 1).is_some_and(|token| token.kind == Kind::Quoted) => return at,
            "between" => {
                let from = if self.line.is(at + 1, &["me", "us"]) && self.line.is(at + 2, &["and"]) { at + 3 } else { at + 1 };
                return self.parties(Role::With, from, from > at + 1);
            }
            "with" => {
                let next = self.parties(Role::With, at + 1, chatty);
                if next > at + 1 {
                    self.line.take(at..at + 1);
                }
                return next;
            }
            _ => {}
        }
        if SENDING.contains(&word.as_str()) {
            return self.verb(at);
        }
        self.possessive(at)
    }

    /// "Bob sent", "did Bob reply", "I emailed Bob".
    fn verb(&mut self, at: usize) -> usize {
        let Some(before) = at.checked_sub(1) else { return at };
        if self.line.is(before, &["i", "we"]) || self.line.is(before, &["i've", "we've", "already"]) {
            self.own = true;
            let is_name = self.line.get(at + 1).is_some_and(|token| token.is_capital() || token.kind == Kind::Address);
            if is_name {
                let next = self.parties(Role::To, at + 1, false);
                self.own = next == at + 1;
                return next;
            }
            return at;
        }
        if let Some(named) = self.named.iter().find(|named| named.next == at && self.line.is_free(named.at)).cloned() {
            self.line.take(named.at..named.next);
            self.add(Role::From, Party::Organization(named.code));
            return at;
        }
        let is_name = |at: usize| {
            self.line.get(at).is_some_and(|token| {
                token.is_capital() && !is_stop(&token.lower) && !NOBODY.contains(&token.lower.as_str())
            })
        };
        let mut start = at;
        while start > 0 && at - start < 4 && is_name(start - 1) {
            start -= 1;
        }
        let helper = ["did", "has", "have", "had", "what", "when", "where", "that", "which", "does", "whether", "if"];
        if start == at
            && before > 0
            && helper.contains(&self.line.word(before - 1))
            && let Some(token) = self.line.get(before).filter(|token| token.kind == Kind::Word)
            && !is_stop(&token.lower)
            && !NOBODY.contains(&token.lower.as_str())
        {
            start = before;
        }
        if start < at {
            let words: Vec<&str> = (start..at).filter_map(|at| self.line.any(at)).map(|token| token.text.as_str()).collect();
            let name = words.join(" ");
            self.line.take(start..at);
            self.add(Role::From, Party::Name(name));
            if self.line.is(at + 1, &["me", "us"]) {
                return at + 2;
            }
        }
        at
    }

    /// "Bob's emails".
    fn possessive(&mut self, at: usize) -> usize {
        let Some(token) = self.line.get(at).filter(|token| token.kind == Kind::Word) else { return at };
        let Some(_) = token.lower.strip_suffix("'s") else { return at };
        if is_stop(&token.lower) {
            return at;
        }
        // What is theirs was taken as the noun of the request already.
        let owns = (at + 1..at + 5).any(|next| self.line.any(next).is_some() && !self.line.is_free(next));
        if !owns {
            return at;
        }
        let mut start = at;
        while start > 0 && at - start < 2 && self.line.get(start - 1).is_some_and(|token| token.is_capital() && !is_stop(&token.lower) && token.tail.is_empty()) {
            start -= 1;
        }
        let role = if matches!(self.reading.area, Some(Area::Calendar | Area::Chat)) { Role::With } else { Role::From };
        let words: Vec<String> = (start..=at).filter_map(|at| self.line.any(at)).map(|token| token.text.clone()).collect();
        let name = words.join(" ");
        let name = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(&name).to_owned();
        self.line.take(start..at + 1);
        self.add(role, Party::Name(name));
        at
    }

    fn korean(&mut self) {
        let mut at = 0;
        while at < self.line.len() {
            at = self.korean_at(at).max(at + 1);
        }
    }

    fn korean_at(&mut self, at: usize) -> usize {
        let Some((party, particle, start, next)) = self.korean_party(at) else { return at };
        let verb = self.verb_ahead(next);
        let is = |particles: &[&str]| particles.contains(&particle.as_str());
        let own = SELF.contains(&party.text());
        let chatty = matches!(self.reading.area, Some(Area::Calendar | Area::Chat));
        let is_known = !matches!(party, Party::Name(_));
        let is_group = GROUPS.iter().any(|group| party.text().ends_with(group) && party.text().chars().count() > group.chars().count());
        let role = match verb {
            _ if is(&["에게서", "한테서", "로부터", "으로부터"]) => Some(Role::From),
            Some(Verb::Sent) if is(&["가", "이", "께서", "은", "는", "님이"]) => Some(Role::From),
            Some(Verb::Sent) if is(&["에게", "한테", "께", "앞으로"]) => Some(Role::To),
            Some(Verb::Sent) if is(&["에", "로", "으로"]) && (is_known || is_group) => Some(Role::To),
            Some(Verb::Came) if is(&["에게", "한테", "께"]) => Some(Role::From),
            Some(Verb::Sent | Verb::Came) if is(&["에서"]) => Some(Role::From),
            Some(Verb::Mutual) if is(&["와", "과", "랑", "이랑", "하고"]) => Some(Role::With),
            Some(Verb::Sent) if particle.is_empty() && next < self.line.len() && self.verb_at(next) == Some(Verb::Sent) => Some(Role::From),
            _ if chatty && is(&["와", "과", "랑", "이랑", "하고"]) => Some(Role::With),
            _ if chatty && is(&["가", "이"]) && self.line.is_ko(next, &["참석하는", "참석한", "참석", "있는", "들어간"]) => Some(Role::With),
            _ => None,
        };
        let Some(role) = role else { return at };
        self.line.take(start..next);
        match (own, role) {
            (true, Role::From) => self.own |= !is(&["에게", "한테", "에게서", "한테서", "에서"]),
            (true, Role::To | Role::With) => {}
            (false, role) => self.add(role, party),
        }
        next
    }

    /// A party with its titles, its particle, where it begins, and the token behind it.
    fn korean_party(&self, at: usize) -> Option<(Party, String, usize, usize)> {
        if let Some(named) = self.organization(at) {
            return Some((Party::Organization(named.code.clone()), named.tail.clone(), at, named.next));
        }
        let token = self.line.get(at)?;
        let (name, mut particle) = match token.kind {
            Kind::Address => return Some((Party::Address(token.text.clone()), token.tail.clone(), at, at + 1)),
            Kind::Hangul => {
                let (name, particle) = korean::name(&token.text);
                (name.to_owned(), particle.to_owned())
            }
            Kind::Word if token.is_capital() || !token.tail.is_empty() => (token.text.clone(), token.tail.clone()),
            Kind::Quoted if !token.tail.is_empty() => (token.text.clone(), token.tail.clone()),
            Kind::Word | Kind::Quoted | Kind::Number(_) | Kind::Sign(_) => return None,
        };
        let is_own = SELF.contains(&name.as_str());
        if (is_stop(&name) || is_stop(&token.lower)) && !is_own || name.chars().count() > 20 {
            return None;
        }
        let (mut name, mut next) = (name, at + 1);
        // Bob Smith가
        if token.kind == Kind::Word && particle.is_empty() {
            while next < at + 4
                && let Some(more) = self.line.get(next).filter(|more| more.is_capital() && !is_stop(&more.lower))
            {
                name = format!("{name} {}", more.text);
                particle.clone_from(&more.tail);
                next += 1;
                if !particle.is_empty() {
                    break;
                }
            }
        }
        // 김민지 과장님이
        if particle.is_empty()
            && let Some((_, tail)) = title(self.line.hangul(next))
        {
            particle = tail;
            next += 1;
        } else if let Some((base, _)) = titled(&name) {
            name = base;
        }
        let name = name.strip_suffix('님').filter(|rest| !rest.is_empty()).unwrap_or(&name).to_owned();
        let particle = particle.strip_prefix('님').map(str::to_owned).unwrap_or(particle);
        (!name.is_empty()).then_some((Party::Name(name), particle, at, next))
    }

    /// What is done, a few words ahead.
    fn verb_ahead(&self, from: usize) -> Option<Verb> {
        let mut at = from;
        for _ in 0..3 {
            at = self.line.next_free(at);
            if let Some(verb) = self.verb_at(at) {
                return Some(verb);
            }
            // Behind another person the verb is theirs.
            let (_, particle) = korean::name(self.line.hangul(at));
            if ["가", "이", "께서"].contains(&particle) && !is_stop(self.line.hangul(at)) {
                return None;
            }
            at += 1;
        }
        // "누구랑 회의": the noun was taken already.
        (from..from + 2).find_map(|at| {
            MUTUAL.iter().any(|verb| self.line.word(at).starts_with(verb) && !self.line.word(at).is_ascii()).then_some(Verb::Mutual)
        })
    }

    fn verb_at(&self, at: usize) -> Option<Verb> {
        let text = self.line.hangul(at);
        if text.is_empty() {
            return None;
        }
        let starts = |list: &[&str]| list.iter().any(|verb| text.starts_with(verb));
        if starts(SENT) {
            Some(Verb::Sent)
        } else if starts(CAME) {
            Some(Verb::Came)
        } else if MUTUAL.iter().any(|verb| if verb.chars().count() == 1 { text == *verb } else { text.starts_with(verb) }) {
            Some(Verb::Mutual)
        } else {
            None
        }
    }

    /// Organisations that nothing else was said of, people whose time is asked for, and one's own mail.
    fn rest(&mut self) {
        for named in self.named.clone() {
            if self.line.is_free(named.at) {
                self.line.take(named.at..named.next);
                self.add(Role::With, Party::Organization(named.code));
            }
        }
        if self.reading.free {
            for at in 0..self.line.len() {
                let is_name = self.line.get(at).is_some_and(|token| {
                    token.is_capital() && !is_stop(&token.lower) && !NOBODY.contains(&token.lower.as_str())
                });
                if is_name {
                    self.parties(Role::With, at, false);
                }
            }
        }
        // "내가 보낸", "I sent": without somebody it was sent to, all of it. "보낸 메일" alone likewise.
        let is_mail = matches!(self.reading.area, Some(Area::Mail) | None);
        let bare = self.reading.area == Some(Area::Mail)
            && self.reading.from.is_empty()
            && (0..self.line.len())
                .any(|at| self.line.is(at, &["보낸", "발송한"]) && !self.line.hangul(at + 1).starts_with("사람"));
        if is_mail && (self.own || bare) && self.reading.to.is_empty() && self.reading.folder.is_none() {
            self.reading.folder = Some(Folder::Sent);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Sent,
    Came,
    Mutual,
}

/// A title, with 님 and a particle behind it.
fn title(text: &str) -> Option<(&'static str, String)> {
    TITLES.iter().find_map(|title| {
        let rest = text.strip_prefix(title)?;
        let rest = rest.strip_prefix('님').unwrap_or(rest);
        (rest.is_empty() || korean::is_tail(rest)).then(|| (*title, rest.to_owned()))
    })
}

/// A name before a title that is written onto it.
fn titled(text: &str) -> Option<(String, &'static str)> {
    let text = text.strip_suffix('님').unwrap_or(text);
    TITLES.iter().find_map(|title| {
        let name = text.strip_suffix(title).filter(|name| !name.is_empty() && name.chars().count() <= 4)?;
        Some((name.to_owned(), *title))
    })
}
