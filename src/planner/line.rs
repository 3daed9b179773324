//! The tokens of a request, and which of them are spoken for.

use super::korean;
use super::token::{Kind, Token, tokens};
use std::ops::Range;

/// A request being read. Passes take what they understand; what nobody takes is searched for.
pub(super) struct Line {
    tokens: Vec<Token>,
    taken: Vec<bool>,
    pub(super) is_cut: bool,
}

impl Line {
    pub(super) fn new(text: &str) -> Self {
        let (tokens, is_cut) = tokens(text);
        let taken = vec![false; tokens.len()];
        Self { tokens, taken, is_cut }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// A token, taken or not.
    pub(super) fn any(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    /// A token that nobody took.
    pub(super) fn get(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).filter(|_| self.is_free(at))
    }

    pub(super) fn is_free(&self, at: usize) -> bool {
        self.taken.get(at) == Some(&false)
    }

    pub(super) fn take(&mut self, range: Range<usize>) {
        for taken in self.taken.get_mut(range).into_iter().flatten() {
            *taken = true;
        }
    }

    /// A word in lower case, taken or not; nothing for quotations and numbers.
    pub(super) fn word(&self, at: usize) -> &str {
        self.tokens
            .get(at)
            .filter(|token| matches!(token.kind, Kind::Word | Kind::Hangul))
            .map_or("", |token| token.lower.as_str())
    }

    /// The same, when nobody took it.
    pub(super) fn low(&self, at: usize) -> &str {
        if self.is_free(at) { self.word(at) } else { "" }
    }

    /// Korean, particle included, when nobody took it.
    pub(super) fn hangul(&self, at: usize) -> &str {
        self.get(at).filter(|token| token.kind == Kind::Hangul).map_or("", |token| token.text.as_str())
    }

    /// The particle of a token that is `base`.
    pub(super) fn ko(&self, at: usize, base: &str) -> Option<&str> {
        korean::tail(self.hangul(at), base)
    }

    /// Whether a token is one of these Korean words, with any particle.
    pub(super) fn is_ko(&self, at: usize, bases: &[&str]) -> bool {
        bases.iter().any(|base| self.ko(at, base).is_some())
    }

    /// Whether a free token is one of these words.
    pub(super) fn is(&self, at: usize, words: &[&str]) -> bool {
        words.contains(&self.low(at))
    }

    /// Whether free tokens from here are these words.
    pub(super) fn reads(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.low(at + offset) == *word)
    }

    pub(super) fn number(&self, at: usize) -> Option<u32> {
        match self.get(at)?.kind {
            Kind::Number(number) => Some(number),
            Kind::Word | Kind::Hangul | Kind::Quoted | Kind::Address | Kind::Sign(_) => None,
        }
    }

    pub(super) fn is_glued(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.glued)
    }

    pub(super) fn sign(&self, at: usize) -> Option<char> {
        match self.tokens.get(at)?.kind {
            Kind::Sign(sign) => Some(sign),
            Kind::Word | Kind::Hangul | Kind::Quoted | Kind::Address | Kind::Number(_) => None,
        }
    }

    /// The first token from here that nobody took and that is no sign.
    pub(super) fn next_free(&self, from: usize) -> usize {
        let is_word = |at: &usize| self.get(*at).is_some_and(|token| !token.is_sign());
        (from..self.len()).take(12).find(is_word).unwrap_or(self.len())
    }

    /// The word before, taken or not, signs left out.
    pub(super) fn word_before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |before| self.word(before))
    }

    /// The first of `words` in the request, and how many tokens it is; each entry is a phrase.
    pub(super) fn find(&self, phrases: &[&str]) -> Option<(usize, usize)> {
        (0..self.len()).find_map(|at| self.phrase(at, phrases).map(|count| (at, count)))
    }

    /// Tokens of the longest of these phrases that begins here. Korean words may carry a particle at the end.
    pub(super) fn phrase(&self, at: usize, phrases: &[&str]) -> Option<usize> {
        let matches = |phrase: &&&str| {
            let mut count = 0;
            for (offset, part) in phrase.split(' ').enumerate() {
                let word = self.low(at + offset);
                let rest = word.strip_prefix(part)?;
                let ends = rest.is_empty() || korean::is_tail(rest) || korean::is_copula(rest);
                if !ends || !rest.is_empty() && part.is_ascii() {
                    return None;
                }
                count = offset + 1;
            }
            Some(count)
        };
        phrases.iter().filter_map(|phrase| matches(&phrase)).max()
    }

    /// Whether the tokens from here, whatever their kind, are these words.
    pub(super) fn phrase_of(&self, at: usize, words: &[String]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.get(at + offset).is_some_and(|token| token.lower == *word))
    }

    /// Takes every occurrence of these phrases; whether there was one.
    pub(super) fn take_phrases(&mut self, phrases: &[&str]) -> bool {
        let mut any = false;
        for at in 0..self.len() {
            if let Some(count) = self.phrase(at, phrases) {
                self.take(at..at + count);
                any = true;
            }
        }
        any
    }
}
