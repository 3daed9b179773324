//! People in English: around prepositions, verbs and possessives.

use super::{NOBODY, Pass, Role};
use crate::planner::lexicon::is_stop;
use crate::planner::reading::{Area, Party};
use crate::planner::token::Kind;

/// What people do who send something.
const SENDING: &[&str] = &[
    "sent",
    "send",
    "sends",
    "emailed",
    "mailed",
    "wrote",
    "write",
    "replied",
    "reply",
    "replies",
    "said",
    "say",
    "says",
    "mentioned",
    "mention",
    "shared",
    "forwarded",
    "forward",
    "posted",
    "asked",
    "messaged",
    "respond",
    "responded",
    "answered",
    "answer",
    "written",
    "texted",
    "email",
    "emailing",
    "sending",
    "promised",
    "requested",
];
/// Words before a name that belong to it.
const LEADS: &[&str] = &[
    "my",
    "our",
    "the",
    "a",
    "an",
    "manager",
    "boss",
    "colleague",
    "coworker",
    "lead",
    "director",
    "mr",
    "mrs",
    "ms",
    "dr",
    "professor",
    "prof",
    "friend",
    "client",
    "customer",
    "supervisor",
    "assistant",
    "team",
    "teammate",
    "ceo",
    "cto",
    "cfo",
];

impl Pass<'_> {
    /// One party in English at a token, and the token behind.
    fn party(&self, at: usize, plain: bool) -> Option<(Party, usize)> {
        let mut at = at;
        while LEADS.contains(&self.line.low(at)) {
            let next = self.line.get(at + 1)?;
            if !next.is_capital()
                && self.organization(at + 1).is_none()
                && !LEADS.contains(&next.lower.as_str())
            {
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
                && self
                    .line
                    .any(next - 1)
                    .is_some_and(|last| last.tail.is_empty() && !last.lower.ends_with("'s"))
            {
                next += 1;
            }
        } else if !plain {
            return None;
        } else if goes_on(next, false)
            && !goes_on(next + 1, false)
            && self
                .line
                .any(next + 1)
                .is_none_or(|after| after.is_sign() || is_stop(&after.lower) || !self.line.is_free(next + 1))
        {
            next += 1;
        }
        let words: Vec<&str> =
            (at..next).filter_map(|at| self.line.any(at)).map(|token| token.text.as_str()).collect();
        let name = words.join(" ");
        let name = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(&name).to_owned();
        let name = if token.lower.contains('.') && !token.lower.ends_with('.') {
            Party::Address(name)
        } else {
            Party::Name(name)
        };
        Some((name, next))
    }

    /// A party and those joined to it by "and", "or" and commas.
    pub(super) fn parties(&mut self, role: Role, at: usize, plain: bool) -> usize {
        let Some((party, mut next)) = self.party(at, plain) else { return at };
        self.add(role, party);
        self.line.take(at..next);
        for _ in 0..20 {
            let joins =
                self.line.is(next, &["and", "or"]) || matches!(self.line.sign(next), Some(',' | '&' | '/'));
            let from = if self.line.sign(next) == Some(',') && self.line.is(next + 1, &["and", "or"]) {
                next + 2
            } else {
                next + 1
            };
            // What follows "and" is another person only when it looks like one.
            let Some((party, behind)) = self.party(from, false).filter(|_| joins) else { break };
            self.add(role, party);
            self.line.take(next..behind);
            next = behind;
        }
        next
    }

    pub(super) fn english(&mut self) {
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
                let is_sending = SENDING.contains(&before.as_str())
                    || ["addressed", "messages", "mails", "emails", "mail", "email"]
                        .contains(&before.as_str());
                let plain = is_sending && !["me", "us"].contains(&self.line.low(at + 1));
                let next = self.parties(Role::To, at + 1, plain);
                if next > at + 1 {
                    self.line.take(at..at + 1);
                    self.own = false;
                }
                return next;
            }
            "with" if !chatty && self.line.get(at + 1).is_some_and(|token| token.kind == Kind::Quoted) => {
                return at;
            }
            "between" => {
                let from = if self.line.is(at + 1, &["me", "us"]) && self.line.is(at + 2, &["and"]) {
                    at + 3
                } else {
                    at + 1
                };
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
            let is_name =
                self.line.get(at + 1).is_some_and(|token| token.is_capital() || token.kind == Kind::Address);
            if is_name {
                let next = self.parties(Role::To, at + 1, false);
                self.own = next == at + 1;
                return next;
            }
            return at;
        }
        if let Some(named) =
            self.named.iter().find(|named| named.next == at && self.line.is_free(named.at)).cloned()
        {
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
        let helper =
            ["did", "has", "have", "had", "what", "when", "where", "that", "which", "does", "whether", "if"];
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
            let words: Vec<&str> =
                (start..at).filter_map(|at| self.line.any(at)).map(|token| token.text.as_str()).collect();
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
        while start > 0
            && at - start < 2
            && self
                .line
                .get(start - 1)
                .is_some_and(|token| token.is_capital() && !is_stop(&token.lower) && token.tail.is_empty())
        {
            start -= 1;
        }
        let role = if matches!(self.reading.area, Some(Area::Calendar | Area::Chat)) {
            Role::With
        } else {
            Role::From
        };
        let words: Vec<String> =
            (start..=at).filter_map(|at| self.line.any(at)).map(|token| token.text.clone()).collect();
        let name = words.join(" ");
        let name = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(&name).to_owned();
        self.line.take(start..at + 1);
        self.add(role, Party::Name(name));
        at
    }
}
