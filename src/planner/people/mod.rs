//! Who wrote, who was written to, with whom: around prepositions and verbs in English, by particles in Korean.

mod english;
mod korean;

use super::lexicon::is_stop;
use super::line::Line;
use super::organizations::{Named, Organizations};
use super::reading::{Area, Folder, Party, Reading};
use super::token::Kind;

const NOBODY: &[&str] = &[
    "me",
    "us",
    "him",
    "her",
    "them",
    "it",
    "you",
    "i",
    "we",
    "they",
    "he",
    "she",
    "anyone",
    "anybody",
    "someone",
    "somebody",
    "everyone",
    "everybody",
    "people",
    "who",
    "whom",
    "this",
    "that",
    "these",
    "those",
    "all",
    "any",
    "there",
    "here",
    "teams",
    "outlook",
    "onenote",
    "onedrive",
    "microsoft",
    "sharepoint",
];
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

    /// Organisations that nothing else was said of, people whose time is asked for, and one's own mail.
    fn rest(&mut self) {
        for named in self.named.clone() {
            if self.line.is_free(named.at) {
                self.line.take(named.at..named.next);
                self.add(Role::With, Party::Organization(named.code));
            }
        }
        for at in 0..self.line.len() {
            let is_named = self.line.get(at).is_some_and(|token| match token.kind {
                Kind::Address => true,
                Kind::Word => {
                    self.reading.free
                        && token.is_capital()
                        && !is_stop(&token.lower)
                        && !NOBODY.contains(&token.lower.as_str())
                }
                Kind::Hangul | Kind::Quoted | Kind::Number(_) | Kind::Sign(_) => false,
            });
            if is_named {
                self.parties(Role::With, at, false);
            }
        }
        // "내가 보낸", "I sent": without somebody it was sent to, all of it. "보낸 메일" alone likewise.
        let is_mail = matches!(self.reading.area, Some(Area::Mail) | None);
        let bare = self.reading.area == Some(Area::Mail)
            && self.reading.from.is_empty()
            && (0..self.line.len()).any(|at| {
                self.line.is(at, &["보낸", "발송한"]) && !self.line.hangul(at + 1).starts_with("사람")
            });
        if is_mail && (self.own || bare) && self.reading.to.is_empty() && self.reading.folder.is_none() {
            self.reading.folder = Some(Folder::Sent);
        }
    }
}
