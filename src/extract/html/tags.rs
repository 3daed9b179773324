//! What each HTML element means to a reader.

/// The role of an element in the canonical document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Never text for a reader: dropped with everything inside.
    Dropped,
    /// Kept under its (canonical) name.
    Kept(&'static str),
    /// A paragraph-like box.
    Block,
    /// Nothing of its own; its text flows on.
    Transparent,
}

/// Classifies a lower-case element name.
pub(super) fn role(name: &str) -> Role {
    match name {
        "script" | "style" | "title" | "template" | "iframe" | "object" | "embed" | "audio" | "video"
        | "canvas" | "svg" | "math" | "noscript" | "noframes" | "noembed" | "datalist" | "meta" | "link"
        | "xml" | "param" => Role::Dropped,
        "h1" => Role::Kept("h1"),
        "h2" => Role::Kept("h2"),
        "h3" => Role::Kept("h3"),
        "h4" => Role::Kept("h4"),
        "h5" => Role::Kept("h5"),
        "h6" => Role::Kept("h6"),
        "blockquote" => Role::Kept("blockquote"),
        "ul" | "menu" | "dir" => Role::Kept("ul"),
        "ol" => Role::Kept("ol"),
        "li" => Role::Kept("li"),
        "table" => Role::Kept("table"),
        "tr" => Role::Kept("tr"),
        "td" => Role::Kept("td"),
        "th" => Role::Kept("th"),
        "pre" | "listing" | "xmp" | "plaintext" => Role::Kept("pre"),
        "code" | "tt" | "kbd" | "samp" => Role::Kept("code"),
        "b" | "strong" => Role::Kept("strong"),
        "i" | "em" => Role::Kept("em"),
        "s" | "del" | "strike" => Role::Kept("del"),
        "a" => Role::Kept("a"),
        "p" => Role::Kept("p"),
        "div" | "section" | "article" | "header" | "footer" | "main" | "aside" | "nav" | "center"
        | "address" | "form" | "fieldset" | "legend" | "figure" | "figcaption" | "dl" | "dt" | "dd"
        | "details" | "summary" | "caption" | "option" | "body" => Role::Block,
        _ => Role::Transparent,
    }
}

/// Elements that never have content, so never wait for an end tag.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
            | "keygen"
    )
}

/// The elements a start tag closes when they are still open, and the elements that stop the search.
pub(super) fn closes(name: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    const CELL: &[&str] = &["td", "th"];
    const BOXES: &[&str] = &["table", "td", "th", "li", "blockquote", "div", "section", "dd", "body"];
    Some(match name {
        "li" => (&["li"], &["ul", "ol", "menu", "dir", "table"]),
        "td" | "th" => (CELL, &["table", "tr"]),
        "tr" => (&["tr"], &["table"]),
        "thead" | "tbody" | "tfoot" => (&["thead", "tbody", "tfoot", "tr"], &["table"]),
        "dt" | "dd" => (&["dt", "dd"], &["dl", "table"]),
        "option" => (&["option"], &["select"]),
        "p" | "div" | "table" | "ul" | "ol" | "dl" | "blockquote" | "pre" | "h1" | "h2" | "h3" | "h4"
        | "h5" | "h6" | "hr" | "section" | "article" | "address" | "form" | "center" => (&["p"], BOXES),
        _ => return None,
    })
}
