//! The HTML of pages: what is sent in becomes OneNote's own elements, and comes out in OneNote's own form
//! (concepts/onenote-input-output-html).

use std::fmt::Write as _;

use scraper::{ElementRef, Html, Node, Selector};

use super::store::guid;
use crate::sim::seed::rng::hash;

/// Text or an element.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Element(Element),
}

/// An element that OneNote keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Piece>,
}

/// A page as it was sent in.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) title: Option<String>,
    pub(super) created: Option<String>,
    pub(super) body: Vec<Piece>,
}

/// How a page comes out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    /// Start of resource addresses.
    pub(super) resources: &'a str,
    /// The GUID of generated ids, where they are asked for.
    pub(super) ids: Option<&'a str>,
}

const KEPT: [&str; 20] = [
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "tr", "td", "pre", "br", "a", "span",
    "sub", "sup", "object",
];
const INLINE: [&str; 5] = ["br", "a", "span", "sub", "sup"];
/// Elements that have generated ids.
const ADDRESSED: [&str; 15] =
    ["div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "img", "object", "pre"];
const DROPPED: [&str; 12] = [
    "script", "style", "iframe", "form", "input", "button", "noscript", "svg", "video", "audio", "head",
    "title",
];
const ATTRIBUTES: [&str; 12] = [
    "style",
    "data-id",
    "data-tag",
    "href",
    "src",
    "alt",
    "width",
    "height",
    "data",
    "data-attachment",
    "type",
    "border",
];

/// Whether an element of this name can be named in a change.
pub(super) fn is_addressed(name: &str) -> bool {
    ADDRESSED.contains(&name)
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a whole document.
pub(super) fn document(text: &str) -> Document {
    let html = Html::parse_document(text);
    let first = |what: &str| Selector::parse(what).ok().and_then(|wanted| html.select(&wanted).next());
    let title = first("title").map(|title| title.text().collect::<String>().trim().to_owned());
    let created = first("meta[name=created]").and_then(|meta| meta.attr("content").map(str::to_owned));
    let body = first("body").map(inside).unwrap_or_default();
    Document { title, created, body }
}

/// Reads a part of a page.
pub(super) fn fragment(text: &str) -> Vec<Piece> {
    inside(Html::parse_fragment(text).root_element())
}

/// The text of a title that was sent as HTML.
pub(super) fn text_of(html: &str) -> String {
    plain(&fragment(html)).trim().to_owned()
}

fn inside(parent: ElementRef<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for child in parent.children() {
        if let Node::Text(text) = child.value() {
            pieces.push(Piece::Text(text.to_string()));
        }
        pieces.extend(ElementRef::wrap(child).map(element).unwrap_or_default());
    }
    pieces
}

/// What becomes of an element: itself, another one, what is in it, or nothing.
fn element(from: ElementRef<'_>) -> Vec<Piece> {
    let name = from.value().name();
    let styled = |style: &str| {
        let attributes = vec![("style".to_owned(), style.to_owned())];
        vec![Piece::Element(Element { name: "span".to_owned(), attributes, children: inside(from) })]
    };
    let kept = |name: &str| {
        let attributes = from.value().attrs().filter(|(name, _)| ATTRIBUTES.contains(name));
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        vec![Piece::Element(Element { name: name.to_owned(), attributes, children: inside(from) })]
    };
    match name {
        _ if DROPPED.contains(&name) => Vec::new(),
        "b" | "strong" => styled("font-weight:bold"),
        "i" | "em" | "cite" => styled("font-style:italic"),
        "u" => styled("text-decoration:underline"),
        "s" | "del" | "strike" => styled("text-decoration:line-through"),
        "th" => kept("td"),
        // Pictures come from an address; parts of a multipart request are not taken here.
        "img" if from.value().attr("src").is_some_and(|src| src.starts_with("http")) => kept("img"),
        "img" => Vec::new(),
        // A div without a name of its own adds nothing to the structure.
        "div" if from.value().attr("data-id").is_some() => kept("div"),
        _ if KEPT.contains(&name) => kept(name),
        _ => inside(from),
    }
}

/// What is sent as a body, inside the one div that OneNote makes for it.
pub(super) fn body(pieces: &[Piece]) -> Vec<Piece> {
    let attributes = vec![
        ("data-id".to_owned(), "_default".to_owned()),
        ("style".to_owned(), "position:absolute;left:48px;top:120px;width:624px".to_owned()),
    ];
    vec![Piece::Element(Element { name: "div".to_owned(), attributes, children: blocks(pieces) })]
}

/// Loose text and inline elements become paragraphs; white space between blocks goes.
pub(super) fn blocks(pieces: &[Piece]) -> Vec<Piece> {
    let (mut done, mut run): (Vec<Piece>, Vec<Piece>) = (Vec::new(), Vec::new());
    let close = |run: &mut Vec<Piece>, done: &mut Vec<Piece>| {
        let children = std::mem::take(run);
        if !plain(&children).trim().is_empty() {
            done.push(Piece::Element(Element { name: "p".to_owned(), attributes: Vec::new(), children }));
        }
    };
    for piece in pieces {
        match piece {
            Piece::Element(element) if !INLINE.contains(&element.name.as_str()) => {
                close(&mut run, &mut done);
                done.push(piece.clone());
            }
            Piece::Text(_) | Piece::Element(_) => run.push(piece.clone()),
        }
    }
    close(&mut run, &mut done);
    done
}

/// The text alone.
pub(super) fn plain(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Element(element) if element.name == "br" => "\n".to_owned(),
        Piece::Element(element) => plain(&element.children),
    };
    pieces.iter().map(one).collect()
}

/// The elements that can be named, in the order of their ids.
pub(super) fn addresses(pieces: &[Piece]) -> Vec<(Vec<usize>, &Element)> {
    fn walk<'a>(pieces: &'a [Piece], at: &mut Vec<usize>, found: &mut Vec<(Vec<usize>, &'a Element)>) {
        for (index, piece) in pieces.iter().enumerate() {
            let Piece::Element(element) = piece else { continue };
            at.push(index);
            if is_addressed(&element.name) {
                found.push((at.clone(), element));
            }
            walk(&element.children, at, found);
            at.pop();
        }
    }
    let mut found = Vec::new();
    walk(pieces, &mut Vec::new(), &mut found);
    found
}

/// Writes pieces out.
pub(super) fn write(pieces: &[Piece], form: Form<'_>) -> String {
    let (mut out, mut number) = (String::new(), 0);
    write_into(&mut out, pieces, form, &mut number);
    out
}

fn write_into(out: &mut String, pieces: &[Piece], form: Form<'_>, number: &mut usize) {
    for piece in pieces {
        let element = match piece {
            Piece::Text(text) => {
                out.push_str(&escaped(text));
                continue;
            }
            Piece::Element(element) => element,
        };
        let name = element.name.as_str();
        let _ = write!(out, "<{name}");
        if is_addressed(name) {
            *number += 1;
            if let Some(guid) = form.ids {
                let _ = write!(out, " id=\"{}\"", generated(name, guid, *number));
            }
        }
        element.attributes.iter().for_each(|(name, value)| write_attribute(out, name, value, form));
        if matches!(name, "br" | "img" | "object") {
            out.push_str(" />");
        } else {
            out.push('>');
            write_into(out, &element.children, form, number);
            let _ = write!(out, "</{name}>");
        }
    }
}

/// Pictures and files are told by where OneNote keeps them.
fn write_attribute(out: &mut String, name: &str, value: &str, form: Form<'_>) {
    if !matches!(name, "src" | "data") {
        let _ = write!(out, " {name}=\"{}\"", escaped(value));
        return;
    }
    let url = format!("{}/1-{}/$value", form.resources, guid(hash(value.as_bytes())));
    let _ = write!(out, " {name}=\"{url}\"");
    if name == "src" {
        let full = "data-fullres-src";
        let _ = write!(out, " data-src-type=\"image/png\" {full}=\"{url}\" {full}-type=\"image/png\"");
    }
}

/// `p:{guid}{12}`.
pub(super) fn generated(name: &str, guid: &str, number: usize) -> String {
    format!("{name}:{{{guid}}}{{{number}}}")
}

/// Text between or within tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
