//! Messages as a table, as text, as JSON.

use super::Form;
use crate::extract::html::{mail_html_to_markdown, mail_html_to_text};
use crate::services::mail_query::message::{Item, RawBody};
use serde_json::json;
use std::fmt::Write as _;

/// Characters of one body: an export is for people and programs, not for a model's context.
const MAX_BODY: usize = 200_000;
/// Excel takes cells of so many characters.
const MAX_CELL: usize = 32_000;
/// Tells Excel that a table is UTF-8.
const MARK: &str = "\u{FEFF}";
const COLUMNS: [&str; 11] =
    ["received", "from", "to", "cc", "subject", "importance", "unread", "attachments", "body", "link", "id"];

/// The file's text, and how many bodies are not whole in it.
pub(super) fn write(form: Form, items: Vec<Item>) -> (String, usize) {
    match form {
        Form::Md => markdown(items),
        Form::Json => json(items),
        Form::Csv | Form::Eml => csv(items),
    }
}

/// A body as text, and whether something of it is missing.
fn plain(raw: Option<RawBody>) -> (String, bool) {
    match raw {
        Some(raw) if raw.html => {
            let done = mail_html_to_text(&raw.content, MAX_BODY);
            (done.text, done.truncated || raw.cut)
        }
        Some(raw) => (raw.content, raw.cut),
        None => (String::new(), false),
    }
}

/// RFC 4180, with what begins like a formula made harmless: mail comes from strangers and tables are opened in Excel.
fn cell(text: &str) -> String {
    let text: String = text.chars().take(MAX_CELL).collect();
    let risky = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    let guard = if risky { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn csv(items: Vec<Item>) -> (String, usize) {
    let (mut out, mut cut) = (format!("{MARK}{}\r\n", COLUMNS.join(",")), 0);
    for item in items {
        let (body, is_cut) = plain(item.raw);
        cut += usize::from(is_cut || body.chars().count() > MAX_CELL);
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        let row = [
            item.received_local.get(..19).unwrap_or(&item.received_local).replace('T', " "),
            item.from,
            item.to.join("; "),
            item.cc.join("; "),
            item.subject,
            item.importance,
            yes(item.unread),
            yes(item.has_attachments),
            body,
            item.link,
            item.id,
        ];
        let row: Vec<String> = row.iter().map(|text| cell(text)).collect();
        out.push_str(&row.join(","));
        out.push_str("\r\n");
    }
    (out, cut)
}

fn markdown(items: Vec<Item>) -> (String, usize) {
    let (mut out, mut cut) = (String::new(), 0);
    for item in items {
        let subject = if item.subject.is_empty() { "(no subject)" } else { &item.subject };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# {subject}\n\n- From: {}\n- To: {}", item.from, item.to.join("; "));
        if !item.cc.is_empty() {
            let _ = writeln!(out, "- Cc: {}", item.cc.join("; "));
        }
        let _ = writeln!(out, "- Received: {}\n- Link: {}\n", item.received_local, item.link);
        let (body, is_cut) = match item.raw {
            Some(raw) if raw.html => {
                let done = mail_html_to_markdown(&raw.content, MAX_BODY);
                (done.text, done.truncated || raw.cut)
            }
            other => plain(other),
        };
        cut += usize::from(is_cut);
        let _ = writeln!(out, "{}\n\n---\n", body.trim());
    }
    (out, cut)
}

fn json(items: Vec<Item>) -> (String, usize) {
    let mut cut = 0;
    let mut all = Vec::with_capacity(items.len());
    for mut item in items {
        let (body, is_cut) = plain(item.raw.take());
        cut += usize::from(is_cut);
        item.body = Some(body);
        all.push(json!(item));
    }
    (format!("{:#}\n", json!(all)), cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::mail_query::message::{Frame, MessageView, project};

    #[test]
    fn bodies_that_are_not_whole_are_counted_in_every_form() {
        let frame = Frame { zone: chrono_tz::UTC, own_domain: String::new(), mailbox: None, folder: None };
        let item = |content: String, html: bool, cut: bool| {
            let mut item = project(&MessageView::default(), &frame);
            item.raw = Some(RawBody { content, html, cut });
            item
        };
        for form in [Form::Csv, Form::Md, Form::Json] {
            let items = vec![
                item("<p>whole</p>".to_owned(), true, false),
                item("x".to_owned(), false, true),
                item(format!("<p>{}</p>", "word ".repeat(60_000)), true, false),
            ];
            let (text, cut) = write(form, items);
            assert!(cut == 2 && text.contains("whole"), "{form:?}: {cut}");
        }
        let long = item("가".repeat(40_000), false, false);
        assert_eq!(write(Form::Csv, vec![long]).1, 1, "a cell holds less than a body");
    }

    #[test]
    fn cells_are_quoted_and_no_formula_runs() {
        assert_eq!(cell("a \"b\", c\nd"), "\"a \"\"b\"\", c\nd\"");
        for odd in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "  =1", "\t=1"] {
            assert!(cell(odd).starts_with("\"'"), "{odd}");
        }
        assert_eq!(cell("견적 = 1"), "\"견적 = 1\"");
        assert!(cell(&"가".repeat(50_000)).chars().count() <= MAX_CELL + 3);
    }
}
