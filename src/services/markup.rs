//! Bodies that go out: Markdown, HTML and text as HTML that is safe to send.
//!
//! What a model writes may repeat what strangers wrote, so nothing that runs, loads by itself or hides behind a relative
//! link goes out, whatever the form it was given in.

use crate::tools::error::ToolError;
use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, html::push_html};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Longest body, in bytes.
const MAX_BODY: usize = 1 << 20;
/// Elements inside each other. The cleaner needs time that grows with the square of it.
const MAX_DEPTH: usize = 500;
/// Elements that need no end.
const VOID: [&str; 6] = ["br", "hr", "img", "col", "wbr", "meta"];
/// CSS that only looks.
const STYLES: [&str; 24] = [
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-left",
    "border-right",
    "border-top",
    "color",
    "direction",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "line-height",
    "list-style-type",
    "margin",
    "padding",
    "text-align",
    "text-decoration",
    "unicode-bidi",
    "vertical-align",
    "white-space",
    "width",
];

/// How a body was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyForm {
    #[default]
    Markdown,
    Html,
    Text,
}

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_generic_attributes(["style", "dir", "align"])
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(None);
    builder
});

/// A body as safe HTML. Takes milliseconds for a large one: not for async workers.
///
/// # Errors
/// `field` names a body that is too long, or nested beyond what mail ever is.
pub(super) fn html(field: &str, body: &str, form: BodyForm) -> Result<String, ToolError> {
    check_length(field, body)?;
    let html = match form {
        BodyForm::Text => return Ok(of_text(body)),
        BodyForm::Html => body.to_owned(),
        BodyForm::Markdown => of_markdown(body),
    };
    if depth(&html) > MAX_DEPTH {
        return Err(ToolError::invalid(
            field,
            format!("`{field}` is nested more than {MAX_DEPTH} levels deep."),
        ));
    }
    Ok(CLEANER.clean(&html).to_string())
}

/// Refuses bodies that are too long.
pub(super) fn check_length(field: &str, body: &str) -> Result<(), ToolError> {
    if body.len() <= MAX_BODY {
        return Ok(());
    }
    Err(ToolError::invalid(field, format!("`{field}` may have 1 MB. Put long texts into a file.")))
}

/// Plain text as HTML, line by line.
pub(super) fn of_text(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<p>{}</p>", text.replace("\r\n", "\n").replace('\n', "<br>"))
}

/// A line break stays one: people sign their mails over several lines.
fn of_markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let broken = |event| if matches!(event, Event::SoftBreak) { Event::HardBreak } else { event };
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, Parser::new_ext(text, options).map(broken));
    html
}

/// How deep elements stand inside each other at most; more where ends are left out.
fn depth(html: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).take(8).collect();
        if tag.starts_with('/') {
            now = now.saturating_sub(1);
        } else if !name.is_empty() && !VOID.iter().any(|void| name.eq_ignore_ascii_case(void)) {
            now += 1;
            most = most.max(now);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str) -> String {
        html("body", text, BodyForm::Markdown).unwrap()
    }

    #[test]
    fn markdown_becomes_html_and_keeps_lines() {
        let made = markdown(
            "Hi **Bob** & co,\nsee [this](https://x.example/a?b=c&d=e).\n\n- one\n- two\n\n안녕 שלום 🏗",
        );
        for part in [
            "<strong>Bob</strong> &amp; co,<br>",
            "<a href=\"https://x.example/a?b=c&amp;d=e\">this</a>",
            "<li>one</li>",
            "안녕 שלום 🏗",
        ] {
            assert!(made.contains(part), "{part}: {made}");
        }
        assert!(markdown("|a|b|\n|-|-|\n|1|2|").contains("<td>1</td>"));
    }

    #[test]
    fn nothing_that_runs_goes_out_in_any_form() {
        let attacks = "<script>alert(1)</script><img src=x onerror=alert(1)><a href=\"javascript:alert(1)\">j</a>\
            <iframe src=\"https://x.example\"></iframe><form action=\"https://x.example\"><input name=a></form>\
            <p style=\"color:red;background:url(https://x.example/p)\">red</p><a href=\"/relative\">r</a>\
            <svg><script>alert(1)</script></svg><!-- note --><style>p{}</style><object data=\"x\"></object>";
        for form in [BodyForm::Markdown, BodyForm::Html] {
            let made = html("body", attacks, form).unwrap();
            for odd in [
                "script",
                "onerror",
                "javascript",
                "iframe",
                "form",
                "input",
                "url(",
                "/relative",
                "svg",
                "<!--",
                "style>",
                "object",
            ] {
                assert!(!made.contains(odd), "{odd}: {made}");
            }
            assert!(made.contains("color:red") && made.contains(">red</p>"), "{made}");
        }
        assert_eq!(
            html("body", "a <b>\r\nc & d", BodyForm::Text).unwrap(),
            "<p>a &lt;b&gt;<br>c &amp; d</p>"
        );
        assert!(
            !markdown("[x](javascript:alert(1)) ![y](data:text/html;base64,AAAA)").contains("javascript:")
        );
    }

    #[test]
    fn what_would_take_too_long_is_refused_before_it_does() {
        for (text, form) in [
            ("<div>".repeat(200_000), BodyForm::Html),
            (">".repeat(1000), BodyForm::Markdown),
            ("a".repeat(MAX_BODY + 1), BodyForm::Text),
        ] {
            assert!(html("body", &text, form).unwrap_err().public.contains("`body`"), "{form:?}");
        }
    }
}
