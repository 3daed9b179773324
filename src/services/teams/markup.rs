//! Texts that go out: Markdown or plain text as the little HTML that Teams shows, and the people mentioned in it.
//!
//! Whatever is no Markdown is text: HTML of the caller's is shown and not run, and a mention is only made here.

use super::chat::Member;
use super::recipient::folded;
use crate::services::markup::of_text;
use crate::tools::error::ToolError;
use pulldown_cmark::html::push_html;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Deserialize;
use serde_json::{Value, json};

/// Teams takes about 28 KB in all; mentions and what else goes along need some of it.
const MAX_HTML: usize = 24 << 10;
/// People mentioned in one message.
pub(super) const MAX_MENTIONS: usize = 20;
/// Stands before every message unless the caller says otherwise, so that readers know who wrote it.
const PREFIX: &str = "[claude]";
const MAX_PREFIX: usize = 40;

/// What `content` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ContentFormat {
    #[default]
    Markdown,
    Text,
}

/// A message that can be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) html: String,
    /// As Graph wants them, one for each `<at>` of the text.
    pub(super) mentions: Vec<Value>,
}

/// What stands before the text: ours unless given, nothing for `none`.
pub(super) fn prefix(given: Option<&str>) -> Result<Option<&str>, ToolError> {
    let prefix = given.unwrap_or(PREFIX).trim();
    if prefix.chars().count() > MAX_PREFIX || prefix.contains(['\n', '\r']) {
        return Err(ToolError::invalid(
            "prefix",
            format!("`prefix` is one line of {MAX_PREFIX} characters."),
        ));
    }
    Ok(Some(prefix).filter(|prefix| !prefix.eq_ignore_ascii_case("none")))
}

/// Writes a message.
pub(super) fn written(
    content: &str,
    format: ContentFormat,
    prefix: Option<&str>,
    mentioned: &[&Member],
) -> Result<Written, ToolError> {
    let mut html = match format {
        ContentFormat::Markdown => of_markdown(content),
        ContentFormat::Text => of_text(content),
    };
    let mut mentions = Vec::new();
    for (id, person) in mentioned.iter().enumerate() {
        let name = escaped(&person.name);
        let tag = format!("<at id=\"{id}\">{name}</at>");
        let marker = format!("@{name}");
        if html.contains(&marker) {
            html = html.replacen(&marker, &tag, 1);
        } else {
            html = led(&html, &tag);
        }
        mentions.push(json!({
            "id": id, "mentionText": person.name,
            "mentioned": {"user": {"id": person.id, "displayName": person.name, "userIdentityType": "aadUser"}},
        }));
    }
    if let Some(prefix) = prefix {
        html = led(&html, &escaped(prefix));
    }
    if html.len() > MAX_HTML {
        return Err(ToolError::invalid(
            "content",
            "`content` is longer than a Teams message may be (about 24 KB). Send it in parts, or as a file.",
        ));
    }
    Ok(Written { html, mentions })
}

/// The members whom the caller names, each one of them certainly.
pub(super) fn mentioned<'a>(names: &[String], members: &'a [Member]) -> Result<Vec<&'a Member>, ToolError> {
    if names.len() > MAX_MENTIONS {
        let text = format!("`mentions` takes at most {MAX_MENTIONS} people.");
        return Err(ToolError::invalid("mentions", text));
    }
    let mut all: Vec<&Member> = Vec::new();
    for name in names {
        let wanted = folded(name.trim_start_matches('@'));
        let fits = |holds: &dyn Fn(&str) -> bool| -> Vec<&'a Member> {
            let known = members.iter().filter(|one| !one.id.is_empty());
            known.filter(|one| holds(&folded(&one.name)) || holds(&folded(&one.mail))).collect()
        };
        let whole = fits(&|own| own == wanted);
        let found = if whole.is_empty() { fits(&|own| own.contains(&wanted)) } else { whole };
        match found.as_slice() {
            [one] if !wanted.is_empty() => {
                if !all.iter().any(|known| known.id == one.id) {
                    all.push(*one);
                }
            }
            _ => {
                let people: Vec<String> = members.iter().map(Member::printed).collect();
                let text = format!(
                    "`mentions` must name exactly one member of the chat each; \"{}\" does not. The members: {}.",
                    name.chars().filter(|c| !c.is_control()).take(80).collect::<String>(),
                    people.join(", ")
                );
                return Err(ToolError::invalid("mentions", text));
            }
        }
    }
    Ok(all)
}

/// Puts something before the text, in its first paragraph where it begins with one.
fn led(html: &str, lead: &str) -> String {
    match html.strip_prefix("<p>") {
        Some(rest) => format!("<p>{lead} {rest}"),
        None => format!("<p>{lead}</p>{html}"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    push_html(&mut out, std::iter::once(Event::Text(CowStr::Borrowed(text))));
    out
}

fn of_markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut open = Vec::new();
    let events = Parser::new_ext(text, options).filter_map(|event| known(event, &mut open));
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, events);
    html.trim_end().to_owned()
}

/// An event as Teams shows it. `open` holds, for each link, whether it was let through.
fn known<'a>(event: Event<'a>, open: &mut Vec<bool>) -> Option<Event<'a>> {
    Some(match event {
        // A line of a chat is a line.
        Event::SoftBreak => Event::HardBreak,
        // HTML of the caller's is text.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Rule => Event::Html(CowStr::Borrowed("<p>———</p>\n")),
        Event::Start(Tag::Strikethrough) => Event::InlineHtml(CowStr::Borrowed("<s>")),
        Event::End(TagEnd::Strikethrough) => Event::InlineHtml(CowStr::Borrowed("</s>")),
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: level.min(HeadingLevel::H3),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(level.min(HeadingLevel::H3))),
        // Pictures load by themselves at whoever reads: a link leaves the choice.
        Event::Start(
            Tag::Link { link_type, dest_url, title, id } | Tag::Image { link_type, dest_url, title, id },
        ) => {
            let is_safe =
                ["https://", "http://", "mailto:"].iter().any(|scheme| dest_url.starts_with(scheme));
            open.push(is_safe);
            return is_safe.then_some(Event::Start(Tag::Link { link_type, dest_url, title, id }));
        }
        Event::End(TagEnd::Link | TagEnd::Image) => {
            return (open.pop() == Some(true)).then_some(Event::End(TagEnd::Link));
        }
        event @ (Event::Start(_)
        | Event::End(_)
        | Event::Text(_)
        | Event::Code(_)
        | Event::InlineMath(_)
        | Event::DisplayMath(_)
        | Event::FootnoteReference(_)
        | Event::HardBreak
        | Event::TaskListMarker(_)) => event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, id: &str) -> Member {
        Member { id: id.to_owned(), name: name.to_owned(), mail: format!("{id}@contoso.example") }
    }

    fn html(text: &str) -> String {
        written(text, ContentFormat::Markdown, None, &[]).unwrap().html
    }

    #[test]
    fn markdown_becomes_what_teams_shows_and_html_stays_text() {
        assert_eq!(html("**a** <b>b</b>\nc"), "<p><strong>a</strong> &lt;b&gt;b&lt;/b&gt;<br />\nc</p>");
        assert_eq!(html("##### x"), "<h3>x</h3>");
        assert_eq!(html("~~x~~"), "<p><s>x</s></p>");
        assert_eq!(html("[x](javascript:alert(1)) ![p](data:x)"), "<p>x p</p>");
        assert_eq!(html("![p](https://e.example/p.png)"), "<p><a href=\"https://e.example/p.png\">p</a></p>");
        assert!(html("<script>x</script>").contains("&lt;script&gt;"));
        assert!(!html("<at id=\"0\">Bob</at>").contains("<at"));
        let text = written("a < b\n\"c\" & 가 🏗", ContentFormat::Text, Some("[bot <1>]"), &[]).unwrap();
        assert_eq!(text.html, "<p>[bot &lt;1&gt;] a &lt; b<br>\"c\" &amp; 가 🏗</p>");
    }

    #[test]
    fn mentions_stand_where_they_were_written_or_first() {
        let (bob, carol) = (member("Bob O'Neil & Co", "b"), member("Carol", "c"));
        let done =
            written("Hi @Bob O'Neil & Co!", ContentFormat::Markdown, Some("[claude]"), &[&bob, &carol])
                .unwrap();
        assert_eq!(done.mentions.len(), 2);
        assert_eq!(
            done.html,
            "<p>[claude] <at id=\"1\">Carol</at> Hi <at id=\"0\">Bob O'Neil &amp; Co</at>!</p>"
        );
    }

    #[test]
    fn a_mention_is_certain_or_refused() {
        let members = [member("Chris Park", "c1"), member("Chris Park", "c2"), member("Bob Baker", "b")];
        let found = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            mentioned(&names, &members).map(|all| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>())
        };
        assert_eq!(found(&["@bob", "Bob Baker"]).unwrap(), ["b"]);
        assert_eq!(found(&["c2@contoso.example"]).unwrap(), ["c2"]);
        for name in ["Chris Park", "Dave", "", "@"] {
            assert!(found(&[name]).unwrap_err().public.contains("Bob Baker <b@contoso.example>"), "{name}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let error = written(&"가".repeat(9_000), ContentFormat::Text, None, &[]).unwrap_err();
        assert!(error.public.contains("content"), "{}", error.public);
    }
}
