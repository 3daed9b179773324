//! People in Korean: by particles, titles and the verb ahead.

use super::{Pass, Role};
use crate::planner::korean;
use crate::planner::lexicon::is_stop;
use crate::planner::reading::{Area, Party};
use crate::planner::token::Kind;

const TITLES: &[&str] = &[
    "본부장",
    "센터장",
    "과장",
    "부장",
    "차장",
    "대리",
    "사원",
    "팀장",
    "실장",
    "이사",
    "상무",
    "전무",
    "사장",
    "대표",
    "주임",
    "책임",
    "선임",
    "수석",
    "교수",
    "박사",
    "선생",
    "매니저",
    "프로",
    "변호사",
    "회장",
    "소장",
    "국장",
    "원장",
    "간사",
    "위원장",
    "위원",
    "씨",
];
const SENT: &[&str] = &[
    "보낸",
    "보내신",
    "보내준",
    "보내주신",
    "보냈",
    "보내온",
    "발송한",
    "발신한",
    "쓴",
    "작성한",
    "공유한",
    "말한",
    "올린",
    "전달한",
    "회신한",
    "답장한",
    "답한",
    "요청한",
    "공지한",
    "전송한",
    "보고한",
    "알려준",
    "언급한",
    "부탁한",
    "문의한",
    "답변한",
    "남긴",
    "전해준",
    "첨부한",
    "뭐라고",
    "말했",
    "말씀",
];
const CAME: &[&str] = &["온", "왔", "받은", "받았", "도착", "수신", "날아온", "들어온", "오는", "받는"];
const MUTUAL: &[&str] = &[
    "주고받",
    "주고",
    "나눈",
    "나누",
    "한",
    "하는",
    "했",
    "할",
    "함께",
    "같이",
    "대화",
    "채팅",
    "메시지",
    "논의",
    "통화",
    "회의",
    "미팅",
    "약속",
    "관련",
    "관련된",
    "사이",
    "얘기",
    "이야기",
    "상의",
    "협의",
    "일정",
    "만나",
    "만난",
    "점심",
    "저녁",
    "잡힌",
    "있는",
];
const SELF: &[&str] = &[
    "내",
    "나",
    "저",
    "제",
    "내가",
    "제가",
    "나는",
    "저는",
    "우리",
    "우리가",
    "본인",
    "나한테",
    "저한테",
    "나에게",
    "저에게",
];
/// Nouns that send mail without being people.
const GROUPS: &[&str] = &[
    "팀",
    "부서",
    "부",
    "실",
    "과",
    "사",
    "센터",
    "본부",
    "은행",
    "회사",
    "학교",
    "기관",
    "협회",
    "연구소",
    "그룹",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Sent,
    Came,
    Mutual,
}

impl Pass<'_> {
    pub(super) fn korean(&mut self) {
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
        let is_group = GROUPS.iter().any(|group| {
            party.text().ends_with(group) && party.text().chars().count() > group.chars().count()
        });
        let role = match verb {
            _ if is(&["에게서", "한테서", "로부터", "으로부터"]) => Some(Role::From),
            Some(Verb::Sent) if is(&["가", "이", "께서", "은", "는", "님이"]) => Some(Role::From),
            Some(Verb::Sent) if is(&["에게", "한테", "께", "앞으로"]) => Some(Role::To),
            Some(Verb::Sent) if is(&["에", "로", "으로"]) && (is_known || is_group) => Some(Role::To),
            Some(Verb::Came) if is(&["에게", "한테", "께"]) => Some(Role::From),
            Some(Verb::Sent | Verb::Came) if is(&["에서"]) => Some(Role::From),
            Some(Verb::Mutual) if is(&["와", "과", "랑", "이랑", "하고"]) => Some(Role::With),
            Some(Verb::Sent)
                if particle.is_empty()
                    && next < self.line.len()
                    && self.verb_at(next) == Some(Verb::Sent) =>
            {
                Some(Role::From)
            }
            _ if chatty && is(&["와", "과", "랑", "이랑", "하고"]) => Some(Role::With),
            _ if chatty
                && is(&["가", "이"])
                && self.line.is_ko(next, &["참석하는", "참석한", "참석", "있는", "들어간"]) =>
            {
                Some(Role::With)
            }
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
            Kind::Address => {
                return Some((Party::Address(token.text.clone()), token.tail.clone(), at, at + 1));
            }
            Kind::Hangul => {
                let (name, particle) = korean::name(&token.text);
                (name.to_owned(), particle.to_owned())
            }
            Kind::Word if token.is_capital() || !token.tail.is_empty() => {
                (token.text.clone(), token.tail.clone())
            }
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
                && let Some(more) =
                    self.line.get(next).filter(|more| more.is_capital() && !is_stop(&more.lower))
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
            MUTUAL
                .iter()
                .any(|verb| self.line.word(at).starts_with(verb) && !self.line.word(at).is_ascii())
                .then_some(Verb::Mutual)
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
        } else if MUTUAL
            .iter()
            .any(|verb| if verb.chars().count() == 1 { text == *verb } else { text.starts_with(verb) })
        {
            Some(Verb::Mutual)
        } else {
            None
        }
    }
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
