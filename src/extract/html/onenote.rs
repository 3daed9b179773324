//! Pages of OneNote: what only they have, as HTML that every reader knows, and the elements that a change can name.

use super::entities::decode;
use super::{MAX_INPUT, clip};
use lol_html::html_content::{ContentType, Element, TextChunk};
use lol_html::{RewriteStrSettings, doc_text, element, end_tag, rewrite_str};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// A picture or file on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoteFile {
    pub(crate) is_picture: bool,
    /// Its name, or what a picture shows; may be empty.
    pub(crate) name: String,
    pub(crate) media_type: String,
}

/// Elements inside each other that are looked at.
const MAX_DEPTH: usize = 200;

/// An iframe would hold the rest of the page as its text where it is closed in XML's way.
fn harmless(html: &str) -> String {
    let html = clip(html, MAX_INPUT).0;
    html.replace("<iframe", "<x-frame").replace("</iframe", "</x-frame")
}

fn attribute(el: &Element<'_, '_>, name: &str) -> String {
    let value = el.get_attribute(name).unwrap_or_default();
    decode(&value).trim().to_owned()
}

/// A page for [`super::mail_html_to_markdown`], and the files on it: pictures and files are told by name, check boxes
/// shown, styles that mean emphasis become that. What cannot be read stays as it is.
pub(crate) fn onenote_html(html: &str) -> (String, Vec<NoteFile>) {
    let html = harmless(html);
    let files = RefCell::new(Vec::new());
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("*[data-tag^='to-do']", |el| {
            let done = attribute(el, "data-tag").contains("completed");
            el.prepend(if done { "\u{2611} " } else { "\u{2610} " }, ContentType::Text);
            Ok(())
        }))
        .append_element_content_handler(element!("img", |el| {
            let name = attribute(el, "alt");
            let kind = attribute(el, "data-src-type");
            let told = if name.is_empty() { String::new() } else { format!(": {name}") };
            files.borrow_mut().push(NoteFile { is_picture: true, name, media_type: kind });
            el.replace(&format!("[picture{told}]"), ContentType::Text);
            Ok(())
        }))
        // Not taken out: closed in XML's way it has no end, and the page would go with it.
        .append_element_content_handler(element!("object", |el| {
            let (name, media_type) = (attribute(el, "data-attachment"), attribute(el, "type"));
            el.before(&format!("[file: {name}] "), ContentType::Text);
            files.borrow_mut().push(NoteFile { is_picture: false, name, media_type });
            el.set_tag_name("span")?;
            Ok(())
        }))
        .append_element_content_handler(element!("x-frame[data-original-src]", |el| {
            el.before(&format!("[video: {}] ", attribute(el, "data-original-src")), ContentType::Text);
            Ok(())
        }))
        .append_element_content_handler(element!("span[style]", |el| {
            let style = attribute(el, "style").replace(' ', "");
            let means = [
                ("font-weight:bold", "strong"),
                ("font-style:italic", "em"),
                ("line-through", "del"),
                ("font-family:Consolas", "code"),
            ];
            if let Some((_, tag)) = means.iter().find(|(part, _)| style.contains(part)) {
                el.set_tag_name(tag)?;
            }
            Ok(())
        }));
    let written = rewrite_str(&html, settings).unwrap_or_else(|_| html.clone());
    (written, files.into_inner())
}

/// An element with a generated id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteElement {
    id: String,
    tag: String,
    data_id: String,
    /// Named elements around it.
    depth: usize,
    text: Range<usize>,
}

/// The elements of a page that changes can name, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct NoteElements {
    text: String,
    all: Vec<NoteElement>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedElement<'a> {
    pub(crate) id: &'a str,
    pub(crate) tag: &'a str,
    /// The name that whoever made the page gave it; may be empty.
    pub(crate) data_id: &'a str,
    /// 0 for the boxes that the page is made of.
    pub(crate) depth: usize,
    pub(crate) text: &'a str,
}

impl NoteElements {
    pub(crate) fn iter(&self) -> impl Iterator<Item = NamedElement<'_>> {
        self.all.iter().map(|one| NamedElement {
            id: &one.id,
            tag: &one.tag,
            data_id: &one.data_id,
            depth: one.depth,
            text: self.text.get(one.text.clone()).unwrap_or_default().trim(),
        })
    }

    /// All text of the page.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[derive(Default)]
struct Reading {
    found: NoteElements,
    /// Indexes of the open ones.
    open: Vec<usize>,
}

/// The named elements of a page that was read with `includeIDs=true`.
pub(crate) fn note_elements(html: &str) -> NoteElements {
    let html = harmless(html);
    let reading = Rc::new(RefCell::new(Reading::default()));
    let (start, text) = (Rc::clone(&reading), Rc::clone(&reading));
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("body *[id]", move |el: &mut Element<'_, '_>| {
            let tag = el.tag_name();
            let (id, data_id) = (attribute(el, "id"), attribute(el, "data-id"));
            let is_leaf = matches!(tag.as_str(), "img" | "object" | "br");
            let mut now = start.borrow_mut();
            if id.is_empty() || now.open.len() >= MAX_DEPTH {
                return Ok(());
            }
            now.found.text.push('\n');
            let name = attribute(el, if tag == "img" { "alt" } else { "data-attachment" });
            let from = now.found.text.len();
            now.found.text.push_str(&name);
            let (index, depth, to) = (now.found.all.len(), now.open.len(), now.found.text.len());
            now.found.all.push(NoteElement { id, tag, data_id, depth, text: from..to });
            if is_leaf || !el.can_have_content() {
                return Ok(());
            }
            now.open.push(index);
            let end = Rc::clone(&start);
            el.on_end_tag(end_tag!(move |_end| {
                end.borrow_mut().close(index);
                Ok(())
            }))?;
            Ok(())
        }))
        .append_document_content_handler(doc_text!(move |chunk: &mut TextChunk<'_>| {
            let mut now = text.borrow_mut();
            if !now.open.is_empty() {
                now.found.text.push_str(&decode(chunk.as_str()));
            }
            Ok(())
        }));
    // An error leaves what was found so far.
    let _ = rewrite_str(&html, settings);
    let mut reading = reading.take();
    reading.close(0);
    reading.found
}

impl Reading {
    /// Closes an element, and what was left open in it.
    fn close(&mut self, index: usize) {
        let end = self.found.text.len();
        while let Some(last) = self.open.last().copied().filter(|last| *last >= index) {
            self.open.pop();
            if let Some(element) = self.found.all.get_mut(last) {
                element.text.end = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::html::mail_html_to_markdown;

    const PAGE: &str = "<html><head><title>t</title></head><body><div id=\"div:{g}{1}\" data-id=\"_default\" \
        style=\"position:absolute;left:48px\"><p id=\"p:{g}{2}\">A <span style=\"font-weight:bold\">b</span> &amp; c</p>\
        <p id=\"p:{g}{3}\" data-tag=\"to-do:completed\">done</p><ul id=\"ul:{g}{4}\"><li id=\"li:{g}{5}\">one</li></ul>\
        <img id=\"img:{g}{6}\" alt=\"a &quot;crane&quot;\" src=\"x\" data-src-type=\"image/png\" />\
        <object data-attachment=\"a #1.pdf\" type=\"application/pdf\" /><iframe src=\"y\" data-original-src=\"https://v.example\" />\
        <p id=\"p:{g}{7}\">last</p></div></body></html>";

    #[test]
    fn a_page_reads_as_markdown_with_its_files_told_and_nothing_lost() {
        let (html, files) = onenote_html(PAGE);
        let text = mail_html_to_markdown(&html, 10_000).text;
        for part in [
            "A **b** & c",
            "\u{2611} done",
            "- one",
            "picture: a \"crane\"",
            "a #1.pdf",
            "https://v.example",
            "last",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(files.len(), 2);
        assert_eq!((files[1].name.as_str(), files[1].is_picture), ("a #1.pdf", false));
    }

    #[test]
    fn elements_have_their_ids_texts_and_depths() {
        let found = note_elements(PAGE);
        let all: Vec<_> = found.iter().map(|one| (one.id, one.depth, one.text)).collect();
        assert_eq!(all[1], ("p:{g}{2}", 1, "A b & c"));
        assert_eq!(all[4], ("li:{g}{5}", 2, "one"));
        assert_eq!(all[5], ("img:{g}{6}", 1, "a \"crane\""));
        assert_eq!(all[6], ("p:{g}{7}", 1, "last"));
        assert!(all[0].2.contains("A b & c") && all[0].2.ends_with("last"), "{all:?}");
        assert_eq!(note_elements(&"<div id=\"a\">".repeat(5_000)).iter().count(), 0, "not in a body");
        let deep = format!("<body>{}", "<div id=\"a\">".repeat(5_000));
        assert_eq!(note_elements(&deep).iter().count(), MAX_DEPTH);
    }
}
