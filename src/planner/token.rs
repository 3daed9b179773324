//! Words of a request, with what is needed to put them together again.

use super::korean;

/// A request is read up to here; what follows is left out and said so.
pub(super) const MAX_CHARS: usize = 2_000;
/// No quotation is longer than this.
const MAX_QUOTED: usize = 200;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Latin letters and digits, beginning with a letter; names of files and domains as well.
    Word,
    /// Hangul syllables, particle included.
    Hangul,
    Number(u32),
    /// What stood between quotation marks.
    Quoted,
    /// A mail address.
    Address,
    Sign(char),
}

/// One token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As written, without quotation marks.
    pub(super) text: String,
    /// In lower case, with plain apostrophes.
    pub(super) lower: String,
    /// A Korean particle written onto something that is not Korean.
    pub(super) tail: String,
    /// No space stands before it.
    pub(super) glued: bool,
}

impl Token {
    fn new(kind: Kind, text: &str, glued: bool) -> Self {
        let lower = text.to_lowercase().replace('’', "'");
        Self { kind, text: text.to_owned(), lower, tail: String::new(), glued }
    }

    pub(super) fn is_sign(&self) -> bool {
        matches!(self.kind, Kind::Sign(_))
    }

    /// Begins with a capital letter.
    pub(super) fn is_capital(&self) -> bool {
        self.kind == Kind::Word && self.text.chars().next().is_some_and(char::is_uppercase)
    }
}

pub(super) fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c) || ('ㄱ'..='ㅣ').contains(&c)
}

fn is_latin(c: char) -> bool {
    c.is_alphanumeric() && !is_hangul(c)
}

/// Splits the first [`MAX_CHARS`] characters, and tells whether there were more.
pub(super) fn tokens(text: &str) -> (Vec<Token>, bool) {
    let chars: Vec<char> = text.chars().take(MAX_CHARS).collect();
    let is_cut = text.chars().nth(MAX_CHARS).is_some();
    let mut out: Vec<Token> = Vec::new();
    let (mut at, mut glued) = (0, false);
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() || c.is_control() {
            (at, glued) = (at + 1, false);
            continue;
        }
        let rest = chars.get(at..).unwrap_or_default();
        let (kind, skip, length, close) =
            next(rest, at > 0 && chars.get(at - 1).is_some_and(|c| is_latin(*c)));
        let text: String = rest.iter().skip(skip).take(length).collect();
        let kind = match kind {
            Kind::Number(_) => text.parse().map_or(Kind::Word, Kind::Number),
            Kind::Word | Kind::Hangul | Kind::Quoted | Kind::Address | Kind::Sign(_) => kind,
        };
        at += (skip + length + close).max(1);
        push(&mut out, Token::new(kind, &text, glued));
        glued = true;
    }
    (out, is_cut)
}

/// Adds a token; a particle behind Latin letters, a quotation or an address becomes the tail of what it follows.
fn push(out: &mut Vec<Token>, token: Token) {
    if token.glued
        && token.kind == Kind::Hangul
        && let Some(last) = out.last_mut()
        && matches!(last.kind, Kind::Word | Kind::Quoted | Kind::Address)
        && last.tail.is_empty()
        && (korean::is_tail(&token.text) || korean::is_copula(&token.text))
    {
        last.tail = token.text;
        return;
    }
    out.push(token);
}

/// Kind of the token at the beginning, characters before its text, of its text, and behind it.
fn next(rest: &[char], after_letter: bool) -> (Kind, usize, usize, usize) {
    let first = rest.first().copied().unwrap_or(' ');
    if let Some(length) = quoted(rest, after_letter) {
        return (Kind::Quoted, 1, length, 1);
    }
    let run = |accept: fn(char) -> bool| rest.iter().take_while(|c| accept(**c)).count();
    if is_hangul(first) {
        let letters = run(is_hangul);
        return (Kind::Hangul, 0, letters + extension(rest.get(letters..).unwrap_or_default()), 0);
    }
    if is_latin(first) {
        let word = latin(rest);
        let at_sign = rest.get(word) == Some(&'@');
        let behind = rest.get(word + 1..).unwrap_or_default();
        if at_sign && behind.first().is_some_and(|c| is_latin(*c)) {
            return (Kind::Address, 0, word + 1 + latin(behind), 0);
        }
        let digits = run(|c| c.is_ascii_digit());
        // `3pm` and `5th` are two tokens, `3D` too: words that stay together are joined again when nothing took them.
        return if digits > 0 { (Kind::Number(0), 0, digits, 0) } else { (Kind::Word, 0, word, 0) };
    }
    (Kind::Sign(first), 0, 1, 0)
}

/// Length of a word: letters and digits, and signs between them that belong to names.
fn latin(rest: &[char]) -> usize {
    let mut length = 0;
    while let Some(&c) = rest.get(length) {
        let joins = matches!(c, '.' | '-' | '_' | '\'' | '’' | '&' | '+');
        let goes_on = rest.get(length + 1).is_some_and(|c| is_latin(*c));
        if !(is_latin(c) || c == '_' || joins && length > 0 && goes_on) {
            break;
        }
        length += 1;
    }
    length
}

/// `.docx` behind Korean letters.
fn extension(rest: &[char]) -> usize {
    let letters = rest.iter().skip(1).take_while(|c| c.is_ascii_alphanumeric()).count();
    if rest.first() == Some(&'.') && (2..=5).contains(&letters) { letters + 1 } else { 0 }
}

/// Length of what is quoted, when a quotation begins here and ends.
fn quoted(rest: &[char], after_letter: bool) -> Option<usize> {
    let close = match rest.first()? {
        '"' | '“' | '”' => ['"', '”'],
        '\'' | '‘' if !after_letter => ['\'', '’'],
        '「' => ['」', '」'],
        '『' => ['』', '』'],
        '《' => ['》', '》'],
        '«' => ['»', '»'],
        _ => return None,
    };
    let inside = rest.iter().skip(1).take(MAX_QUOTED);
    let ends = |(at, c): &(usize, &char)| {
        let apostrophe = matches!(c, '\'' | '’') && rest.get(at + 2).is_some_and(|c| is_latin(*c));
        close.contains(c) && !apostrophe
    };
    let (length, _) = inside.enumerate().find(ends)?;
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let show = |token: Token| match token.kind {
            Kind::Quoted => format!("\"{}\"{}", token.text, token.tail),
            Kind::Word | Kind::Hangul | Kind::Number(_) | Kind::Address | Kind::Sign(_) => {
                format!(
                    "{}{}",
                    token.text,
                    if token.tail.is_empty() { String::new() } else { format!("+{}", token.tail) }
                )
            }
        };
        tokens(text).0.into_iter().map(show).collect()
    }

    #[test]
    fn words_numbers_quotations_and_addresses_are_told_apart() {
        assert_eq!(split("Bob's \"a b\" at 3pm"), ["Bob's", "\"a b\"", "at", "3", "pm"]);
        assert_eq!(
            split("bob@contoso.com이 보낸 '주간 보고'를"),
            ["bob@contoso.com+이", "보낸", "\"주간 보고\"를"]
        );
        assert_eq!(split("2026-03-01~3/2"), ["2026", "-", "03", "-", "01", "~", "3", "/", "2"]);
        assert_eq!(split("계약서.docx year-end."), ["계약서.docx", "year-end", "."]);
        assert_eq!(split("don't 'quote"), ["don't", "'", "quote"]);
    }
}
