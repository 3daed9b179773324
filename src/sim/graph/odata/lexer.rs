//! Splits a `$filter` text into tokens; literals are typed here.
use chrono::{DateTime, NaiveDate, Utc};

/// Longest filter Exchange takes before it answers "URI too long".
const MAX_LEN: usize = 16_384;

/// One token of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, keyword or property path segment.
    Word(String),
    /// `'text'` with doubled quotes undone.
    Text(String),
    /// `12`, `-3.5`.
    Number(f64),
    /// `2026-01-05` or `2026-01-05T10:00:00Z`.
    Date(DateTime<Utc>),
    /// `8-4-4-4-12`.
    Guid(String),
    Open,
    Close,
    Comma,
    Slash,
    Colon,
}

/// Tokens of `text`, or why it is not a filter.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    if text.len() > MAX_LEN {
        return Err("The query is too long.".to_owned());
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        let single = match c {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            '/' => Some(Token::Slash),
            ':' => Some(Token::Colon),
            _ => None,
        };
        if let Some(token) = single {
            out.push(token);
            rest = after;
        } else if c.is_whitespace() {
            rest = after;
        } else if c == '\'' {
            let (value, tail) = quoted(after)?;
            out.push(Token::Text(value));
            rest = tail;
        } else {
            let (token, tail) = word(rest)?;
            out.push(token);
            rest = tail;
        }
    }
    Ok(out)
}

fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        if c != '\'' {
            value.push(c);
            continue;
        }
        match chars.peek() {
            Some((_, '\'')) => {
                value.push('\'');
                chars.next();
            }
            Some((at, _)) => return Ok((value, text.get(*at..).unwrap_or(""))),
            None => return Ok((value, "")),
        }
    }
    Err("There is an unterminated literal in the query.".to_owned())
}

fn word(text: &str) -> Result<(Token, &str), String> {
    let starts_like_literal = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let end = text
        .find(|c: char| {
            let part = c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '#');
            let part = part || (starts_like_literal && matches!(c, ':' | '+'));
            !part
        })
        .unwrap_or(text.len());
    let (piece, tail) = text.split_at_checked(end).unwrap_or((text, ""));
    if piece.is_empty() {
        let c = text.chars().next().unwrap_or(' ');
        return Err(format!("Syntax error: character '{c}' is not valid in the query."));
    }
    if is_guid(piece) {
        return Ok((Token::Guid(piece.to_ascii_lowercase()), tail));
    }
    if starts_like_literal {
        return literal(piece).map(|t| (t, tail)).ok_or_else(|| format!("Unrecognized literal '{piece}'."));
    }
    Ok((Token::Word(piece.to_owned()), tail))
}

fn literal(piece: &str) -> Option<Token> {
    if let Ok(n) = piece.parse::<f64>() {
        return Some(Token::Number(n));
    }
    if let Ok(t) = DateTime::parse_from_rfc3339(piece) {
        return Some(Token::Date(t.to_utc()));
    }
    let day = NaiveDate::parse_from_str(piece, "%Y-%m-%d").ok()?;
    Some(Token::Date(day.and_hms_opt(0, 0, 0)?.and_utc()))
}

fn is_guid(piece: &str) -> bool {
    piece.len() == 36 && uuid::Uuid::try_parse(piece).is_ok()
}
