//! Words, phrases, `property:value`, AND/OR/NOT and parentheses; neighbours without an operator are ANDed.
use chrono::{DateTime, Duration, NaiveDate, Utc};

/// Nesting and terms beyond these are refused.
const MAX_DEPTH: usize = 32;
const MAX_TERMS: usize = 150;

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Place {
    /// from, subject and body.
    Anywhere,
    From,
    To,
    Cc,
    Bcc,
    /// from, to, cc and bcc.
    Participants,
    /// to, cc and bcc.
    Recipients,
    Subject,
    Body,
    Attachment,
    Category,
    Kind,
    Importance,
}

/// Dates that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum When {
    Received,
    Sent,
}

/// A parsed search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Words next to each other; `prefix` lets the last one end differently.
    Words {
        place: Place,
        words: Vec<String>,
        prefix: bool,
    },
    /// From `from` to before `to`.
    Date {
        when: When,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    },
    HasAttachments(bool),
    IsRead(bool),
    /// The searching person is mentioned.
    IsMentioned(bool),
    /// Bytes, at least and at most.
    Size(Option<u64>, Option<u64>),
}

/// Parses a search text (outer quotes already off).
pub(in crate::sim::graph) fn parse(text: &str) -> Result<Node, String> {
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0 };
    if parser.tokens.is_empty() {
        return Err("the search is empty.".to_owned());
    }
    if parser.tokens.len() > MAX_TERMS {
        return Err("the search has too many terms.".to_owned());
    }
    let node = parser.or()?;
    if parser.at < parser.tokens.len() {
        return Err("a closing parenthesis has no partner.".to_owned());
    }
    Ok(node)
}

/// Words of a text as the index breaks them: runs of letters and digits, so that particles stay attached.
pub(in crate::sim::graph) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// property, operator, value, value was quoted
    Term(Option<(String, &'static str)>, String, bool),
}

const OPERATORS: [&str; 7] = [">=", "<=", "<>", ":", "=", ">", "<"];

fn lex(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix('(') {
            out.push(Token::Open);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(')') {
            out.push(Token::Close);
            rest = after;
        } else if c == '-' || c == '+' {
            if c == '-' {
                out.push(Token::Not);
            }
            rest = rest.get(1..).unwrap_or("");
        } else {
            let (property, after) = property(rest);
            let (value, quoted, after) = value(after)?;
            out.push(match value {
                "AND" if property.is_none() && !quoted => Token::And,
                "OR" if property.is_none() && !quoted => Token::Or,
                "NOT" if property.is_none() && !quoted => Token::Not,
                _ => Token::Term(property, value.to_owned(), quoted),
            });
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(out)
}

fn property(text: &str) -> (Option<(String, &'static str)>, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let operator = OPERATORS.iter().find(|op| !name.is_empty() && after.starts_with(**op));
    match operator {
        Some(op) => (Some((name.to_ascii_lowercase(), op)), after.get(op.len()..).unwrap_or("")),
        None => (None, text),
    }
}

fn value(text: &str) -> Result<(&str, bool, &str), String> {
    if let Some(inner) = text.strip_prefix('"') {
        let end = inner.find('"').ok_or("a quotation mark has no partner.")?;
        let (value, after) = inner.split_at(end);
        let after = after.get(1..).unwrap_or("");
        return Ok((value, true, after));
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    if value.is_empty() {
        return Err("a property has no value.".to_owned());
    }
    Ok((value, false, after))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn or(&mut self) -> Result<Node, String> {
        let mut parts = vec![self.and()?];
        while self.peek() == Some(&Token::Or) {
            self.at += 1;
            parts.push(self.and()?);
        }
        Ok(single(parts, Node::Or))
    }

    fn and(&mut self) -> Result<Node, String> {
        let mut parts = vec![self.unary()?];
        loop {
            match self.peek() {
                Some(Token::And) => self.at += 1,
                Some(Token::Open | Token::Not | Token::Term(..)) => {}
                Some(Token::Or | Token::Close) | None => return Ok(single(parts, Node::And)),
            }
            parts.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the search is nested too deeply.".to_owned());
        }
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        let node = match token {
            Some(Token::Not) => Node::Not(Box::new(self.unary()?)),
            Some(Token::Open) => {
                let inner = self.or()?;
                if self.peek() != Some(&Token::Close) {
                    return Err("an opening parenthesis has no partner.".to_owned());
                }
                self.at += 1;
                inner
            }
            Some(Token::Term(None, value, quoted)) => text_node(Place::Anywhere, &value, quoted)?,
            Some(Token::Term(Some((name, op)), value, quoted)) => property_node(&name, op, &value, quoted)?,
            Some(Token::And | Token::Or | Token::Close) | None => return Err("a term is missing.".to_owned()),
        };
        self.depth -= 1;
        Ok(node)
    }
}

fn single(mut parts: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    if parts.len() > 1 {
        return many(parts);
    }
    parts.pop().unwrap_or(Node::And(Vec::new()))
}

fn text_node(place: Place, value: &str, quoted: bool) -> Result<Node, String> {
    let prefix = !quoted && value.ends_with('*') || quoted && value.ends_with('*');
    let found: Vec<String> = words(value).map(str::to_lowercase).collect();
    if found.is_empty() {
        return Err(format!("'{value}' has no word in it."));
    }
    Ok(Node::Words { place, words: found, prefix })
}

fn property_node(name: &str, op: &str, value: &str, quoted: bool) -> Result<Node, String> {
    let place = match name {
        "from" => Place::From,
        "to" => Place::To,
        "cc" => Place::Cc,
        "bcc" => Place::Bcc,
        "participants" => Place::Participants,
        "recipients" => Place::Recipients,
        "subject" => Place::Subject,
        "body" => Place::Body,
        "attachment" | "attachmentnames" => Place::Attachment,
        "category" => Place::Category,
        "kind" => Place::Kind,
        "importance" => Place::Importance,
        "hasattachment" | "hasattachments" => return yes_no(value).map(Node::HasAttachments),
        "isread" => return yes_no(value).map(Node::IsRead),
        "ismentioned" => return yes_no(value).map(Node::IsMentioned),
        "size" => return size(op, value),
        "received" => return date(When::Received, op, value),
        "sent" => return date(When::Sent, op, value),
        // An unknown property is searched as text, as Exchange does.
        _ => return text_node(Place::Anywhere, &format!("{name} {value}"), true),
    };
    let node = text_node(place, value, quoted)?;
    Ok(if op == "<>" { Node::Not(Box::new(node)) } else { node })
}

fn yes_no(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("'{value}' is neither true nor false.")),
    }
}

fn size(op: &str, value: &str) -> Result<Node, String> {
    let n: u64 = value.parse().map_err(|_| format!("'{value}' is not a size."))?;
    Ok(match op {
        ">" => Node::Size(Some(n.saturating_add(1)), None),
        ">=" => Node::Size(Some(n), None),
        "<" => Node::Size(None, Some(n.saturating_sub(1))),
        "<=" => Node::Size(None, Some(n)),
        _ => Node::Size(Some(n), Some(n)),
    })
}

/// Dates are UTC days; `received:a..b` takes both days in.
fn date(when: When, op: &str, value: &str) -> Result<Node, String> {
    let (first, last) = value.split_once("..").unwrap_or((value, value));
    let (start, _) = day(first)?;
    let (_, end) = day(last)?;
    let (from, to) = match op {
        ">" => (Some(end), None),
        ">=" => (Some(start), None),
        "<" => (None, Some(start)),
        "<=" => (None, Some(end)),
        _ => (Some(start), Some(end)),
    };
    Ok(Node::Date { when, from, to })
}

/// A day as [start, end), or an instant.
fn day(text: &str) -> Result<(DateTime<Utc>, DateTime<Utc>), String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok((at.to_utc(), at.to_utc() + Duration::seconds(1)));
    }
    let parsed =
        ["%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d"].iter().find_map(|f| NaiveDate::parse_from_str(text, f).ok());
    let start = parsed
        .and_then(|d| d.and_hms_opt(0, 0, 0))
        .ok_or_else(|| format!("'{text}' is not a date."))?
        .and_utc();
    Ok((start, start + Duration::days(1)))
}
