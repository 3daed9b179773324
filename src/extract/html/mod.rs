//! Mail HTML into Markdown or text, safely.
//!
//! Bodies come from strangers: hidden text, trackers and hostile nesting go in a streaming pass first
//! (converters overflow the stack or answer nothing on deep HTML); the converter only sees what that wrote.

mod canonical;
mod entities;
mod lines;
mod onenote;
mod pass;
mod sheet;
mod style;
mod tables;
mod tags;
mod teams;

#[cfg(test)]
mod tests;

use html_to_markdown_rs::{ConversionOptions, HeadingStyle, convert};

pub(super) use entities::drop_invisible;
pub(crate) use onenote::{NamedElement, NoteElements, NoteFile, note_elements, onenote_html};
pub(crate) use teams::teams_html;

/// Input beyond this is cut before anything reads it.
const MAX_INPUT: usize = 5 << 20;
/// The converter is worth its time up to this much canonical HTML; beyond it the text itself is the answer.
const MAX_CONVERTED: usize = 1 << 20;

/// Text of an HTML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HtmlText {
    /// Markdown or plain text.
    pub(crate) text: String,
    /// Hidden elements that held text and were dropped.
    pub(crate) hidden_removed: usize,
    /// Something visible was left out for size.
    pub(crate) truncated: bool,
}

/// Markdown of an HTML mail body, at most about `budget` visible characters.
pub(crate) fn mail_html_to_markdown(html: &str, budget: usize) -> HtmlText {
    let (html, cut) = clip(html, MAX_INPUT);
    let passed = pass::run(html, budget);
    let text = match to_markdown(&passed.html) {
        Some(markdown) if letters(&markdown) >= letters(&passed.text) / 2 => markdown,
        Some(_) | None => passed.text,
    };
    let text = drop_invisible(text.trim()).0.into_owned();
    finish(text, passed.hidden_removed, passed.truncated || cut, budget)
}

/// Plain text of an HTML mail body, at most `budget` characters.
pub(crate) fn mail_html_to_text(html: &str, budget: usize) -> HtmlText {
    let (html, cut) = clip(html, MAX_INPUT);
    let passed = pass::run(html, budget);
    finish(passed.text, passed.hidden_removed, passed.truncated || cut, budget)
}

fn finish(text: String, hidden_removed: usize, truncated: bool, budget: usize) -> HtmlText {
    // Markup adds to the visible characters: a quarter on top is allowed before the answer is cut.
    let limit = budget.saturating_add(budget / 4);
    let over = text.char_indices().nth(limit).map(|(at, _)| at);
    let mut text = text;
    if let Some(at) = over {
        text.truncate(at);
    }
    HtmlText { text, hidden_removed, truncated: truncated || over.is_some() }
}

fn to_markdown(canonical: &str) -> Option<String> {
    if canonical.len() > MAX_CONVERTED {
        return None;
    }
    let options = ConversionOptions {
        heading_style: HeadingStyle::Atx,
        extract_metadata: false,
        compact_tables: true,
        autolinks: false,
        ..ConversionOptions::default()
    };
    // The converter is third-party code on a stranger's bytes: a panic costs the markup, not the request.
    std::panic::catch_unwind(|| convert(canonical, options)).ok()?.ok()?.content
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// The longest prefix of at most `limit` bytes, and whether that cut anything.
pub(super) fn clip(text: &str, limit: usize) -> (&str, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let end = (limit.saturating_sub(3)..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    (text.get(..end).unwrap_or_default(), true)
}
