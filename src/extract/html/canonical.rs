//! Writer of the canonical HTML and of the plain text beside it.
//!
//! What it writes is balanced and shallow: quotes, lists and tables nest a few levels (a converter repeats
//! their prefixes on every line, so depth multiplies size), emphasis and links not at all.

use super::entities::escape_into;
use super::tags::Role;

const MAX_TABLES: usize = 6;
const MAX_LISTS: usize = 8;
const MAX_QUOTES: usize = 8;
/// Links longer than this are tracking state, not something to read.
const MAX_HREF: usize = 1_000;

/// Both outputs and what is open in them.
#[derive(Default)]
pub(super) struct Canonical {
    html: String,
    text: String,
    html_limit: usize,
    chars_left: usize,
    truncated: bool,
    tables: usize,
    lists: usize,
    quotes: usize,
    emphasis: Vec<&'static str>,
    /// Plain text wants a separator before the next word.
    gap: Gap,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

impl Canonical {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            html_limit: budget.saturating_mul(8).saturating_add(64 << 10),
            chars_left: budget,
            ..Self::default()
        }
    }

    /// The canonical HTML, the text, and whether anything was left out.
    pub(super) fn finish(self) -> (String, String, bool) {
        (self.html, self.text, self.truncated)
    }

    /// Opens an element; returns the tag to close, if one was written.
    pub(super) fn open(&mut self, role: Role, href: Option<&str>) -> Option<&'static str> {
        let tag = match role {
            Role::Dropped | Role::Transparent => return None,
            Role::Block => "div",
            Role::Kept(tag) => tag,
        };
        self.gap_before(tag);
        if self.html.len() >= self.html_limit {
            self.truncated = true;
            return None;
        }
        let tag = self.admit(tag, href)?;
        self.html.push('<');
        self.html.push_str(tag);
        if let (true, Some(href)) = (tag == "a", href) {
            self.html.push_str(" href=\"");
            escape_into(&mut self.html, href.trim());
            self.html.push('"');
        }
        self.html.push('>');
        Some(tag)
    }

    /// Which tag to write for this one given what is open, counting it as open.
    fn admit(&mut self, tag: &'static str, href: Option<&str>) -> Option<&'static str> {
        match tag {
            "table" if self.tables < MAX_TABLES => self.tables += 1,
            "ul" | "ol" if self.lists < MAX_LISTS => self.lists += 1,
            "blockquote" if self.quotes < MAX_QUOTES => self.quotes += 1,
            "table" | "ul" | "ol" | "blockquote" => return Some("div"),
            "td" | "th" | "tr" if self.tables == 0 => return Some("div"),
            "li" if self.lists == 0 => return Some("div"),
            "a" if !href.is_some_and(is_safe_link) => return None,
            "a" | "strong" | "em" | "del" | "code" if self.emphasis.contains(&tag) => return None,
            "a" | "strong" | "em" | "del" | "code" => self.emphasis.push(tag),
            _ => {}
        }
        Some(tag)
    }

    /// Closes what `open` returned.
    pub(super) fn close(&mut self, tag: &'static str) {
        match tag {
            "table" => self.tables = self.tables.saturating_sub(1),
            "ul" | "ol" => self.lists = self.lists.saturating_sub(1),
            "blockquote" => self.quotes = self.quotes.saturating_sub(1),
            "a" | "strong" | "em" | "del" | "code" => self.emphasis.retain(|open| *open != tag),
            _ => {}
        }
        self.html.push_str("</");
        self.html.push_str(tag);
        self.html.push('>');
        self.gap_before(tag);
    }

    fn gap_before(&mut self, tag: &str) {
        let gap = match tag {
            "a" | "strong" | "em" | "del" | "code" => return,
            "td" | "th" => Gap::Cell,
            "li" | "tr" | "div" => Gap::Line,
            _ => Gap::Paragraph,
        };
        self.gap = self.gap.max(gap);
    }

    /// Ends the line in the text and parts the words in the HTML.
    pub(super) fn line(&mut self) {
        self.gap = self.gap.max(Gap::Line);
        self.html_piece(" ");
    }

    /// A `br`.
    pub(super) fn line_break(&mut self) {
        if self.gap == Gap::Line {
            self.gap = Gap::Paragraph;
        }
        self.gap = self.gap.max(Gap::Line);
        self.html_piece("<br>");
    }

    /// An `hr`.
    pub(super) fn rule(&mut self) {
        self.gap = Gap::Paragraph;
        self.html_piece("<hr>");
    }

    fn html_piece(&mut self, piece: &str) {
        if self.html.len() < self.html_limit {
            self.html.push_str(piece);
        } else {
            self.truncated = true;
        }
    }

    /// Visible text, decoded.
    pub(super) fn text(&mut self, text: &str) {
        let count = text.chars().count();
        let text = if count > self.chars_left {
            self.truncated = true;
            let end = text.char_indices().nth(self.chars_left).map_or(text.len(), |(at, _)| at);
            text.get(..end).unwrap_or_default()
        } else {
            text
        };
        self.chars_left = self.chars_left.saturating_sub(count);
        if self.html.len() < self.html_limit {
            escape_into(&mut self.html, text);
        }
        if text.starts_with(char::is_whitespace) {
            self.gap = self.gap.max(Gap::Space);
        }
        for word in text.split_whitespace() {
            self.fill_gap();
            self.text.push_str(word);
            self.gap = Gap::Space;
        }
        if !text.ends_with(char::is_whitespace) && !text.is_empty() && self.gap == Gap::Space {
            self.gap = Gap::None;
        }
    }

    fn fill_gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str(match self.gap {
                Gap::None => "",
                Gap::Space => " ",
                Gap::Cell => " | ",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        self.gap = Gap::None;
    }
}

/// Links a reader may be shown: no scripts, no embedded data, no endless tracking state.
fn is_safe_link(href: &str) -> bool {
    let href = href.trim();
    let scheme = href.split(':').next().unwrap_or_default().to_ascii_lowercase();
    href.len() <= MAX_HREF
        && matches!(scheme.as_str(), "http" | "https" | "mailto" | "tel")
        && !href.chars().any(|c| c.is_whitespace() || c.is_control())
}
