//! The common result of listing tools: items, where to go on, what was really asked.

use super::args::OutputFormat;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What was really asked of Graph.
#[derive(Debug, Default, Serialize)]
pub(super) struct Applied {
    pub(super) engine: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<Bounds>,
    /// Whose mailbox or calendar, when not the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mailbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<String>,
    /// The `$filter` or the KQL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) query: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) post_filters: Vec<&'static str>,
    pub(super) scanned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_known: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) time_zone: String,
}

/// A period on the user's wall clock.
#[derive(Debug, Serialize)]
pub(super) struct Bounds {
    pub(super) start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<String>,
}

/// `structuredContent` of listing tools.
#[derive(Debug, Serialize)]
pub(super) struct Answer<T> {
    pub(super) items: Vec<T>,
    pub(super) count: usize,
    pub(super) has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
    pub(super) applied: Applied,
    pub(super) truncated: bool,
    pub(super) max_chars: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
}

impl<T: Serialize> Answer<T> {
    /// Both parts, see [`output`].
    pub(super) fn output(&self, text: String, format: OutputFormat) -> Result<ToolOutput, ToolError> {
        output(|| with_notes(text, &self.warnings, self.next_cursor.as_deref()), self, format)
    }
}

/// Items that have room in an answer, and their text.
#[derive(Debug)]
pub(super) struct Room<T> {
    pub(super) items: Vec<T>,
    pub(super) text: String,
    chars: usize,
    limit: usize,
    max_chars: usize,
    /// The text budget, not the number of items, ended it.
    pub(super) truncated: bool,
}

impl<T> Room<T> {
    /// Room for `limit` items and `max_chars` characters of their text, but always for one item.
    pub(super) fn new(limit: usize, max_chars: usize) -> Self {
        Self { items: Vec::new(), text: String::new(), chars: 0, limit, max_chars, truncated: false }
    }

    /// Takes an item with its line of text; says no when it has no room.
    pub(super) fn put(&mut self, item: T, line: &str) -> bool {
        let chars = line.chars().count();
        self.truncated = !self.items.is_empty() && self.chars + chars > self.max_chars;
        if self.items.len() >= self.limit || self.truncated {
            return false;
        }
        self.chars += chars;
        self.text.push_str(line);
        self.items.push(item);
        true
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }
}

/// An answer as prose beside JSON, or as JSON alone: then that is the text as well, since clients before 2025-06-18 see
/// no other part.
pub(super) fn output(
    text: impl FnOnce() -> String,
    structured: &impl Serialize,
    format: OutputFormat,
) -> Result<ToolOutput, ToolError> {
    match format {
        OutputFormat::Text => ToolOutput::new(text(), structured),
        OutputFormat::Json => ToolOutput::json(structured),
    }
    .map_err(ToolError::internal)
}

/// Appends warnings and the way to the next page.
pub(super) fn with_notes(mut text: String, warnings: &[String], cursor: Option<&str>) -> String {
    if let Some(cursor) = cursor {
        text.push_str("\nMore is available: call again with cursor \"");
        text.push_str(cursor);
        text.push_str("\".\n");
    }
    for warning in warnings {
        text.push_str("\nNote: ");
        text.push_str(warning);
        text.push('\n');
    }
    text
}

/// Cuts after `max` characters and says how many are missing.
pub(super) fn clipped(mut text: String, max: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(max) {
        let rest = text.get(at..).unwrap_or_default().chars().count();
        text.truncate(at);
        let _ = write!(text, "…(+{rest} chars)");
    }
    text
}

/// One line: runs of white space and control characters become one space.
pub(super) fn line(text: &str) -> String {
    if is_line(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    // Almost all characters are told by one comparison.
    let parts = |c: char| c <= ' ' || c >= '\u{7f}' && (c.is_whitespace() || c.is_control());
    for word in text.split(parts).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Whether a text certainly is one line already, by its bytes: white space and control characters beyond ASCII all begin
/// with one of four bytes, which are left to who looks at characters.
fn is_line(text: &str) -> bool {
    let mut before = b' ';
    for byte in text.bytes() {
        let is_gap = matches!(byte, 0..=b' ' | 0x7f | 0xc2 | 0xe1..=0xe3);
        if is_gap && (byte != b' ' || before == b' ') {
            return false;
        }
        before = byte;
    }
    before != b' '
}

/// An output schema with further properties.
pub(super) fn with_properties(mut schema: Value, more: Value) -> Value {
    if let (Some(Value::Object(all)), Value::Object(more)) = (schema.get_mut("properties"), more) {
        all.extend(more);
    }
    schema
}

/// Output schema of a listing whose items have the given properties.
pub(super) fn listing_schema(item: &Value) -> Value {
    json!({"type": "object", "properties": {
        "items": {"type": "array", "items": {"type": "object", "properties": item}},
        "count": {"type": "integer"},
        "has_more": {"type": "boolean"},
        "next_cursor": {"type": "string"},
        "applied": {"type": "object"},
        "truncated": {"type": "boolean"},
        "max_chars": {"type": "integer"},
        "warnings": {"type": "array", "items": {"type": "string"}},
    }, "required": ["items", "count", "has_more", "applied", "truncated"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_as_a_line_has_nothing_to_replace() {
        for c in '\0'..=char::MAX {
            let odd = c.is_whitespace() || c.is_control();
            assert!(!(odd && is_line(&c.to_string())), "{c:?}");
            assert!(!(odd && c != ' ' && is_line(&format!("a{c}b"))), "{c:?}");
        }
        for (text, expected) in
            [("a b", true), ("가 나", true), (" a", false), ("a ", false), ("a  b", false)]
        {
            assert_eq!(is_line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_one_line_with_single_spaces() {
        for (text, expected) in [
            ("", ""),
            (" \r\n\t ", ""),
            ("plain words", "plain words"),
            (" Re:\r\n\r\n가나\u{a0}\u{2028}다\u{0}x  ", "Re: 가나 다 x"),
        ] {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn a_cut_text_says_how_much_is_missing() {
        assert_eq!(clipped("가나다라마".to_owned(), 3), "가나다…(+2 chars)");
        assert_eq!(clipped("abc".to_owned(), 3), "abc");
    }
}
