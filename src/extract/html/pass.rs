//! The streaming pass over untrusted HTML.
//!
//! `lol_html` reads tokens without building a tree; this keeps a flat list of open elements, drops what a
//! person could not see, and writes two things at once: a small canonical HTML (balanced, shallow, few tags)
//! that a tree-building converter can be trusted with, and the plain text itself. Time and memory are linear
//! in the input whatever its nesting.

use std::cell::RefCell;
use std::rc::Rc;

use lol_html::html_content::{Element, TextChunk, TextType};
use lol_html::{HtmlRewriter, MemorySettings, Settings, doc_text, element, end_tag};

use super::canonical::{Canonical, Hints, Written};
use super::sheet::Sheet;
use super::style::Seen;
use super::tags::{Role, closes, is_void, role};

/// Elements deeper than this keep their text and lose their tags.
const MAX_DEPTH: usize = 200;
/// How far up the open elements an implied end tag is searched for.
const IMPLIED_SEARCH: usize = 64;
/// Style sheets longer than this are read to here.
const MAX_CSS: usize = 256 << 10;
/// Memory the tokenizer may hold besides the input itself.
const TOKENIZER_MEMORY: usize = 32 << 20;

/// What the pass found.
pub(super) struct Passed {
    /// Canonical HTML for the converter.
    pub(super) html: String,
    /// The visible text, line by line.
    pub(super) text: String,
    /// Hidden elements that held text.
    pub(super) hidden_removed: usize,
    /// Something visible was left out for size.
    pub(super) truncated: bool,
}

struct Open {
    id: u64,
    name: String,
    seen: Seen,
    /// The canonical tag written for it.
    written: Option<Written>,
    /// Hidden although its parent is not.
    hides: bool,
    hid_text: bool,
}

struct Pass {
    stack: Vec<Open>,
    next_id: u64,
    pending: String,
    css: String,
    sheet: Sheet,
    out: Canonical,
    hidden_removed: usize,
}

/// Runs the pass; `budget` bounds the visible characters kept.
pub(super) fn run(html: &str, budget: usize) -> Passed {
    let pass = Rc::new(RefCell::new(Pass {
        stack: Vec::new(),
        next_id: 0,
        pending: String::new(),
        css: String::new(),
        sheet: Sheet::default(),
        out: Canonical::new(budget),
        hidden_removed: 0,
    }));
    let complete = tokenize(html, &pass);
    let mut pass = pass.borrow_mut();
    pass.close_down_to(0);
    let hidden_removed = pass.hidden_removed;
    let (html, text, truncated) = std::mem::take(&mut pass.out).finish();
    Passed { html, text, hidden_removed, truncated: truncated || !complete }
}

/// Feeds the tokenizer; `false` when it gave up before the end.
fn tokenize(html: &str, pass: &Rc<RefCell<Pass>>) -> bool {
    let on_element = {
        let pass = Rc::clone(pass);
        move |el: &mut Element<'_, '_>| {
            let name = el.tag_name();
            let id = pass.borrow_mut().start(&name, el);
            if let (Some(id), true) = (id, el.can_have_content()) {
                let pass = Rc::clone(&pass);
                el.on_end_tag(end_tag!(move |_end| {
                    pass.borrow_mut().end(id);
                    Ok(())
                }))?;
            }
            Ok(())
        }
    };
    let on_text = {
        let pass = Rc::clone(pass);
        move |chunk: &mut TextChunk<'_>| {
            pass.borrow_mut().chunk(chunk);
            Ok(())
        }
    };
    let memory =
        MemorySettings::new().with_max_allowed_memory_usage(TOKENIZER_MEMORY + html.len().saturating_mul(2));
    let settings = Settings::new()
        .append_element_content_handler(element!("*", on_element))
        .append_document_content_handler(doc_text!(on_text))
        .with_memory_settings(memory)
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    rewriter.write(html.as_bytes()).is_ok() && rewriter.end().is_ok()
}

impl Pass {
    fn seen(&self) -> Seen {
        self.stack.last().map_or(Seen::PAGE, |open| open.seen)
    }

    /// A piece of text; scripts and the like are not text for a reader.
    fn chunk(&mut self, chunk: &TextChunk<'_>) {
        match chunk.text_type() {
            TextType::ScriptData => {}
            TextType::RawText => {
                let styles = self.stack.last().is_some_and(|open| open.name == "style");
                if styles && self.css.len() < MAX_CSS {
                    self.css.push_str(chunk.as_str());
                }
            }
            TextType::PlainText | TextType::RCData | TextType::Data | TextType::CDataSection => {
                self.pending.push_str(chunk.as_str());
            }
        }
        if chunk.last_in_text_node() {
            self.flush_text();
            let css = std::mem::take(&mut self.css);
            self.sheet.read(&css);
        }
    }

    /// A start tag: returns the id its end tag will name, unless it can have none.
    fn start(&mut self, name: &str, el: &Element<'_, '_>) -> Option<u64> {
        self.flush_text();
        self.close_implied(name);
        let role = role(name);
        let before = self.seen();
        let mut seen = before;
        seen.gone |= role == Role::Dropped;
        let mut attributes = Attributes::default();
        for attribute in el.attributes().iter().take(64) {
            attributes.take(&attribute.name(), attribute.value(), &mut seen);
        }
        let mut declarations = self.sheet.declarations(name, &attributes.class, &attributes.id);
        declarations.push_str(&attributes.style);
        seen.style(&declarations);
        if is_void(name) {
            if seen.is_visible() {
                self.void(name, &attributes);
            }
            return None;
        }
        let written = if seen.gone || self.stack.len() >= MAX_DEPTH {
            if role == Role::Block || matches!(role, Role::Kept(_)) && !seen.gone {
                self.out.line();
            }
            None
        } else {
            self.out.open(role, attributes.hints())
        };
        let id = self.next_id;
        self.next_id += 1;
        self.stack.push(Open {
            id,
            name: name.to_owned(),
            seen,
            written,
            hides: before.is_visible() && !seen.is_visible() && role != Role::Dropped,
            hid_text: false,
        });
        Some(id)
    }

    fn void(&mut self, name: &str, attributes: &Attributes) {
        match name {
            "br" => self.out.line_break(),
            "hr" => self.out.rule(),
            "img" if !attributes.is_pixel() => {
                let alt =
                    super::entities::decode(attributes.alt.as_deref().unwrap_or_default()).trim().to_owned();
                if !alt.is_empty() {
                    self.out.text(&format!("[image: {alt}]"));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, id: u64) {
        self.flush_text();
        // Ids grow along the stack, so this looks no further than what it will close.
        let place = self.stack.iter().rposition(|open| open.id <= id);
        if let Some(place) = place
            && self.stack.get(place).is_some_and(|open| open.id == id)
        {
            self.close_down_to(place);
        }
    }

    fn close_implied(&mut self, name: &str) {
        let Some((closed, fences)) = closes(name) else {
            return;
        };
        let floor = self.stack.len().saturating_sub(IMPLIED_SEARCH);
        let mut place = None;
        for (index, open) in self.stack.iter().enumerate().skip(floor).rev() {
            if closed.contains(&open.name.as_str()) {
                place = Some(index);
                break;
            }
            if fences.contains(&open.name.as_str()) {
                break;
            }
        }
        if let Some(place) = place {
            self.close_down_to(place);
        }
    }

    fn close_down_to(&mut self, len: usize) {
        self.flush_text();
        while self.stack.len() > len {
            let Some(open) = self.stack.pop() else { break };
            if let Some(written) = open.written {
                self.out.close(written);
            }
            if open.hides && open.hid_text {
                self.hidden_removed += 1;
            }
        }
    }

    fn flush_text(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let raw = std::mem::take(&mut self.pending);
        if self.seen().is_visible() {
            let decoded = super::entities::decode(&raw);
            let (text, _) = super::entities::drop_invisible(&decoded);
            self.out.text(&text);
        } else if !raw.trim().is_empty() {
            // The nearest hiding ancestor is close in honest mail; a bound keeps deep input linear.
            let hiding = self.stack.iter_mut().rev().take(MAX_DEPTH).find(|open| open.hides);
            if let Some(open) = hiding {
                open.hid_text = true;
            }
        }
    }
}

/// The attributes the pass looks at.
#[derive(Default)]
struct Attributes {
    href: Option<String>,
    alt: Option<String>,
    width: Option<String>,
    height: Option<String>,
    presentation: bool,
    style: String,
    class: String,
    id: String,
}

impl Attributes {
    fn take(&mut self, name: &str, value: String, seen: &mut Seen) {
        match name {
            "style" => self.style = super::entities::decode(&value).into_owned(),
            "class" => self.class = value,
            "id" => self.id = value,
            "href" => self.href = Some(super::entities::decode(&value).into_owned()),
            "alt" => self.alt = Some(value),
            "width" => self.width = Some(value),
            "height" => self.height = Some(value),
            "role" => self.presentation = matches!(value.trim(), "presentation" | "none"),
            name => seen.attribute(name, &value),
        }
    }

    fn hints(&self) -> Hints<'_> {
        Hints { href: self.href.as_deref(), presentation: self.presentation }
    }

    /// A tracking pixel: at most two pixels in either direction.
    fn is_pixel(&self) -> bool {
        let tiny = |side: &Option<String>| {
            side.as_deref()
                .and_then(|side| side.trim().trim_end_matches("px").parse::<f32>().ok())
                .is_some_and(|side| side <= 2.0)
        };
        tiny(&self.width) || tiny(&self.height)
    }
}
