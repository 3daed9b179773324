//! Writer of the canonical HTML and of the plain text beside it.
//!
//! What it writes is balanced and shallow: quotes, lists and tables nest a few levels (a converter repeats
//! their prefixes on every line, so depth multiplies size), emphasis and links not at all.

use super::entities::escape_into;
use super::lines::Lines;
use super::tables::Tables;
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
    lines: Lines,
    html_limit: usize,
    chars_left: usize,
    truncated: bool,
    tables: Tables,
    lists: usize,
    quotes: usize,
    inline: Vec<&'static str>,
}

/// What was written for a start tag, to be closed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    tag: &'static str,
    /// It is a table in the source, whatever it was written as.
    table: bool,
}

/// What the writer needs to know of a start tag's attributes.
#[derive(Clone, Copy, Default)]
pub(super) struct Hints<'a> {
    pub(super) href: Option<&'a str>,
    /// `role="presentation"`: a table of layout.
    pub(super) presentation: bool,
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
        (self.tables.resolve(&self.html), self.lines.finish(), self.truncated)
    }

    /// Opens an element; returns what to close, if anything was written.
    pub(super) fn open(&mut self, role: Role, hints: Hints<'_>) -> Option<Written> {
        let source = match role {
            Role::Dropped | Role::Transparent => return None,
            Role::Block => "div",
            Role::Kept(tag) => tag,
        };
        if self.html.len() >= self.html_limit {
            self.lines.open(source);
            self.truncated = true;
            return None;
        }
        let tag = self.admit(source, hints)?;
        self.lines.open(tag);
        let at = self.html.len();
        self.html.push('<');
        self.html.push_str(tag);
        if let (true, Some(href)) = (tag == "a", hints.href) {
            self.html.push_str(" href=\"");
            escape_into(&mut self.html, href.trim());
            self.html.push('"');
        }
        self.html.push('>');
        if is_table_tag(tag) {
            self.tables.mark(tag, at, self.html.len() - at, false);
        }
        Some(Written { tag, table: source == "table" })
    }

    /// Which tag to write for this one given what is open, counting it as open.
    fn admit(&mut self, tag: &'static str, hints: Hints<'_>) -> Option<&'static str> {
        match tag {
            "table" => {
                let written = !hints.presentation && self.tables.depth() < MAX_TABLES;
                self.tables.enter(written);
                return Some(if written { tag } else { "div" });
            }
            "ul" | "ol" if self.lists < MAX_LISTS => self.lists += 1,
            "blockquote" if self.quotes < MAX_QUOTES => self.quotes += 1,
            "ul" | "ol" | "blockquote" => return Some("div"),
            "td" | "th" | "tr" if !self.tables.is_in_table() => return Some("div"),
            "li" if self.lists == 0 => return Some("div"),
            "a" if !hints.href.is_some_and(is_safe_link) => return None,
            "a" | "strong" | "em" | "del" | "code" if self.inline.contains(&tag) => return None,
            "a" | "strong" | "em" | "del" | "code" => self.inline.push(tag),
            _ => {}
        }
        Some(tag)
    }

    /// Closes what `open` returned.
    pub(super) fn close(&mut self, written: Written) {
        let Written { tag, table } = written;
        match tag {
            "ul" | "ol" => self.lists = self.lists.saturating_sub(1),
            "blockquote" => self.quotes = self.quotes.saturating_sub(1),
            "a" | "strong" | "em" | "del" | "code" => self.inline.retain(|open| *open != tag),
            _ => {}
        }
        let at = self.html.len();
        self.html.push_str("</");
        self.html.push_str(tag);
        self.html.push('>');
        if is_table_tag(tag) {
            self.tables.mark(tag, at, self.html.len() - at, true);
        }
        if table {
            self.tables.leave();
        }
        self.lines.close(tag);
    }

    /// A box whose tags are not written.
    pub(super) fn line(&mut self) {
        self.lines.line();
        self.piece(" ");
    }

    /// A `br`.
    pub(super) fn line_break(&mut self) {
        self.lines.line_break();
        self.piece("<br>");
    }

    /// An `hr`.
    pub(super) fn rule(&mut self) {
        self.lines.paragraph();
        self.piece("<hr>");
    }

    fn piece(&mut self, piece: &str) {
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
        self.lines.words(text);
    }
}

fn is_table_tag(tag: &str) -> bool {
    matches!(tag, "table" | "tr" | "td" | "th")
}

/// Links a reader may be shown: no scripts, no embedded data, no endless tracking state.
fn is_safe_link(href: &str) -> bool {
    let href = href.trim();
    let scheme = href.split(':').next().unwrap_or_default().to_ascii_lowercase();
    href.len() <= MAX_HREF
        && matches!(scheme.as_str(), "http" | "https" | "mailto" | "tel")
        && !href.chars().any(|c| c.is_whitespace() || c.is_control())
}
