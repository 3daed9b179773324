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

/// The file's text.
pub(super) fn write(form: Form, items: Vec<Item>) -> String {
    match form {
        Form::Md => markdown(items),
        Form::Json => json(items),
        Form::Csv | Form::Eml => csv(items),
    }
}

fn plain(raw: Option<RawBody>) -> String {
    match raw {
        Some(raw) if raw.html => mail_html_to_text(&raw.content, MAX_BODY).text,
        Some(raw) => raw.content,
        None => String::new(),
    }
}

/// RFC 4180, with what begins like a formula made harmless: mail comes from strangers and tables are opened in Excel.
fn cell(text: &str) -> String {
    let text: String = text.chars().take(MAX_CELL).collect();
    let risky = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    let guard = if risky { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn csv(items: Vec<Item>) -> String {
    let mut out = format!("{MARK}{}\r\n", COLUMNS.join(","));
    for item in items {
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
            plain(item.raw),
            item.link,
            item.id,
        ];
        let row: Vec<String> = row.iter().map(|text| cell(text)).collect();
        out.push_str(&row.join(","));
        out.push_str("\r\n");
    }
    out
}

fn markdown(items: Vec<Item>) -> String {
    let mut out = String::new();
    for item in items {
        let subject = if item.subject.is_empty() { "(no subject)" } else { &item.subject };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# {subject}\n\n- From: {}\n- To: {}", item.from, item.to.join("; "));
        if !item.cc.is_empty() {
            let _ = writeln!(out, "- Cc: {}", item.cc.join("; "));
        }
        let _ = writeln!(out, "- Received: {}\n- Link: {}\n", item.received_local, item.link);
        let body = match item.raw {
            Some(raw) if raw.html => mail_html_to_markdown(&raw.content, MAX_BODY).text,
            Some(raw) => raw.content,
            None => String::new(),
        };
        let _ = writeln!(out, "{}\n\n---\n", body.trim());
    }
    out
}

fn json(items: Vec<Item>) -> String {
    let one = |mut item: Item| {
        item.body = Some(plain(item.raw.take()));
        json!(item)
    };
    let all: Vec<_> = items.into_iter().map(one).collect();
    format!("{:#}\n", json!(all))
}

#[cfg(test)]
mod tests {
    use super::*;

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
