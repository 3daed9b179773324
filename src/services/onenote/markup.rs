//! Texts that go into pages: Markdown, HTML or plain text as the HTML that OneNote keeps
//! (concepts/onenote-create-page, "Supported HTML and CSS").

use crate::services::markup::{self, BodyForm, of_text};
use crate::tools::error::ToolError;
use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use pulldown_cmark::html::push_html;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

/// Longest text of one call, in bytes.
const MAX: usize = 256 << 10;
/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Stands for a check box until the HTML is clean, which knows no such attribute. From a private area of Unicode.
const OPEN: char = '\u{e0a0}';
const DONE: char = '\u{e0a1}';

/// A text as safe HTML for a page. Takes milliseconds for a large one: not for async workers.
fn written(field: &str, text: &str, form: BodyForm) -> Result<String, ToolError> {
    if text.len() > MAX {
        let text = format!("`{field}` is longer than 256 KB. Write it in parts.");
        return Err(ToolError::invalid(field, text));
    }
    let text = text.replace([OPEN, DONE], "");
    let html = match form {
        BodyForm::Text => return Ok(of_text(&text)),
        BodyForm::Markdown => markup::html(field, &of_markdown(&text), BodyForm::Html)?,
        BodyForm::Html => markup::html(field, &text, BodyForm::Html)?,
    };
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("th", |el| {
            el.prepend("<b>", ContentType::Html);
            el.append("</b>", ContentType::Html);
            el.set_tag_name("td")?;
            Ok(())
        }))
        .append_element_content_handler(element!("thead, tbody", |el| {
            el.remove_and_keep_content();
            Ok(())
        }));
    let html = rewrite_str(&html, settings).map_err(ToolError::internal)?;
    // Items of lists with space between them are paragraphs.
    let boxed = |mark: char, tag: &str, html: String| {
        ["<li", "<li>\n<p"].iter().fold(html, |html, start| {
            html.replace(&format!("{start}>{mark}"), &format!("{start} data-tag=\"{tag}\">"))
        })
    };
    let html = boxed(DONE, "to-do:completed", boxed(OPEN, "to-do", html));
    Ok(html.replace([OPEN, DONE], ""))
}

/// [`written`], away from the async workers.
pub(super) async fn html(field: &'static str, text: String, form: BodyForm) -> Result<String, ToolError> {
    let work = tokio::task::spawn_blocking(move || written(field, &text, form));
    work.await.map_err(|_| ToolError::internal("the conversion of a text failed"))?
}

/// A whole page, as `POST /me/onenote/sections/{id}/pages` takes it; `created` is RFC 3339.
pub(super) fn document(title: &str, body: &str, created: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{}</title><meta name=\"created\" content=\"{created}\" /></head>\
         <body>{body}</body></html>",
        escaped(title)
    )
}

/// A title that can be one.
pub(super) fn checked_title(title: &str) -> Result<String, ToolError> {
    let title = crate::services::answer::line(title);
    if title.chars().count() > MAX_TITLE {
        let text = format!("`title` has at most {MAX_TITLE} characters.");
        return Err(ToolError::invalid("title", text));
    }
    Ok(title)
}

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Markdown as HTML; code and rules in forms that OneNote keeps. HTML of the caller's goes through and is cleaned.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, growing enum: all else stays as it is")]
fn of_markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(text, options).map(|event| match event {
        // A line break stays one.
        Event::SoftBreak => Event::HardBreak,
        Event::Rule => Event::Html(CowStr::Borrowed("<p>———</p>\n")),
        Event::Code(code) => {
            let code = escaped(&code);
            Event::InlineHtml(format!("<span style=\"font-family:Consolas\">{code}</span>").into())
        }
        Event::TaskListMarker(done) => Event::Text(CowStr::from(if done { DONE } else { OPEN }.to_string())),
        // OneNote drops the tag, and would join the quote to what is around it.
        Event::Start(Tag::BlockQuote(_)) => Event::Html(CowStr::Borrowed("<div>")),
        Event::End(TagEnd::BlockQuote(_)) => Event::Html(CowStr::Borrowed("</div>")),
        other => other,
    });
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, events);
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str) -> String {
        written("content", text, BodyForm::Markdown).unwrap()
    }

    #[test]
    fn markdown_becomes_what_onenote_keeps() {
        for (given, expected) in [
            ("**a** & ~~b~~\nc", "<strong>a</strong> &amp; <del>b</del><br>"),
            ("- [ ] one\n- [x] two", "<li data-tag=\"to-do\">one</li>"),
            ("- [ ] one\n- [x] two", "<li data-tag=\"to-do:completed\">two</li>"),
            ("- a\n\n- [x] loose", "<li>\n<p data-tag=\"to-do:completed\">loose</p>"),
            ("`a < b`", "<span style=\"font-family:Consolas\">a &lt; b</span>"),
            ("|a|b|\n|-|-|\n|1|2|", "<table><tr><td><b>a</b></td><td><b>b</b></td></tr>"),
            ("한글 עברית 🏗 \"q\" 100% #7", "<p>한글 עברית 🏗 \"q\" 100% #7</p>"),
        ] {
            assert!(markdown(given).contains(expected), "{given}: {}", markdown(given));
        }
        let mark = format!("- {DONE}not a box");
        assert!(!markdown(&mark).contains("data-tag"), "{}", markdown(&mark));
    }

    #[test]
    fn nothing_that_runs_goes_in_and_titles_stay_text() {
        let made = markdown("<script>x</script><p onclick=\"x\">a</p>[y](javascript:x)");
        assert!(!made.contains("<script") && !made.contains("onclick"), "{made}");
        let page = document("It's <b> & \"x\"</title>", "<p>a</p>", "2026-03-02T09:00:00+09:00");
        assert!(page.contains("<title>It's &lt;b&gt; &amp; \"x\"&lt;/title&gt;</title>"), "{page}");
        assert!(checked_title(&"가".repeat(201)).is_err());
        assert!(written("content", &"a".repeat(MAX + 1), BodyForm::Text).is_err());
    }
}
