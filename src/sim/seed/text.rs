//! Text out of HTML the way Exchange gives it for `outlook.body-content-type="text"`, and HTML out of text.
use super::model::Body;

const PREVIEW_CHARS: usize = 255;

/// The text of an HTML body. One pass, no tree, so that depth does not matter.
pub(crate) fn from_html(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        words(before, &mut out);
        let end = tag.find('>').map_or(tag.len(), |e| e + 1);
        let (tag, after) = tag.split_at(end);
        rest = skip_content(tag, after);
        if breaks(tag) {
            line(&mut out);
        }
    }
    words(rest, &mut out);
    out.trim().to_owned()
}

/// Skips what a `<style>`, `<script>`, `<title>` or comment holds.
fn skip_content<'a>(tag: &str, after: &'a str) -> &'a str {
    let name = name_of(tag);
    if matches!(name.as_str(), "style" | "script" | "title") && !tag.starts_with("</") {
        let close = format!("</{name}");
        return after.find(&close).and_then(|at| after.get(at..)).unwrap_or("");
    }
    after
}

fn name_of(tag: &str) -> String {
    let name = tag.trim_start_matches(['<', '/']);
    name.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn breaks(tag: &str) -> bool {
    let name = name_of(tag);
    match name.as_str() {
        "br" | "hr" => true,
        "p" | "div" | "tr" | "li" | "h1" | "h2" | "h3" | "table" | "blockquote" | "ul" | "ol" => {
            tag.starts_with("</")
        }
        _ => false,
    }
}

fn line(out: &mut String) {
    while out.ends_with(' ') {
        out.pop();
    }
    if !out.is_empty() && !out.ends_with("\r\n\r\n") {
        out.push_str("\r\n");
    }
}

fn words(piece: &str, out: &mut String) {
    let mut rest = piece;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        if c == '&' {
            let (decoded, used) = entity(rest);
            out.push(decoded);
            len = used;
        } else if c.is_ascii_whitespace() {
            if !out.is_empty() && !out.ends_with([' ', '\n']) {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
        rest = rest.get(len..).unwrap_or("");
    }
}

fn entity(text: &str) -> (char, usize) {
    for (name, c) in
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\''), ("&nbsp;", '\u{a0}')]
    {
        if text.starts_with(name) {
            return (c, name.len());
        }
    }
    ('&', 1)
}

/// HTML for a text body.
pub(crate) fn to_html(text: &str) -> String {
    let mut out = String::from(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; \
            charset=utf-8\"></head><body><div class=\"PlainText\">",
    );
    for (i, line) in text.lines().enumerate() {
        if i > 0 {
            out.push_str("<br>\r\n");
        }
        out.push_str(&escape(line));
    }
    out.push_str("</div></body></html>");
    out
}

/// `text` safe inside HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

/// The first 255 characters of a body as text.
pub(crate) fn preview(body: &Body) -> String {
    let full = body.full();
    if !body.is_html() {
        return full.chars().take(PREVIEW_CHARS).collect();
    }
    // Tags around the first words are few; a bounded prefix keeps a 100 KB newsletter cheap.
    let head: String = full.chars().take(16_384).collect();
    from_html(&head).chars().take(PREVIEW_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_lines_without_markup() {
        let html = "<html><head><style>p{a}</style></head><body><p>One &amp; \
            two</p><div>three<br>four</div></body></html>";
        assert_eq!(from_html(html), "One & two\r\nthree\r\nfour");
    }

    #[test]
    fn broken_html_does_not_panic() {
        for html in ["<", "<p", "&", "&amp", "<style>x", "a<b>c</", "한글<p>&nbsp;"] {
            let _ = from_html(html);
        }
        assert_eq!(from_html("<style>never closed"), "");
    }

    #[test]
    fn text_becomes_escaped_html() {
        assert!(to_html("a<b\nc").contains("a&lt;b<br>\r\nc"));
    }
}
