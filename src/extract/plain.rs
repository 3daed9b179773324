//! Text formats: plain text, CSV and HTML in any of the encodings people still send.

use super::detect::unsupported;
use super::encoding::{Decoded, decode};
use super::html::{clip, mail_html_to_markdown};
use super::sink::Sink;
use super::types::{ExtractOptions, ExtractedText, Extraction, Kind};

/// Bytes of text worth decoding: four per character wanted, and room to strip markup.
fn worth(options: &ExtractOptions, kind: Kind) -> usize {
    options.max_chars.saturating_mul(if kind == Kind::Html { 40 } else { 4 }).saturating_add(64 << 10)
}

/// Reads a text format.
pub(super) fn extract(kind: Kind, bytes: &[u8], options: &ExtractOptions) -> Extraction {
    if bytes.is_empty() {
        let mut empty = ExtractedText::of(kind, String::new());
        empty.notes.push("the file is empty".to_owned());
        return Ok(empty);
    }
    let head = bytes.get(..worth(options, kind)).unwrap_or(bytes);
    let Some(Decoded { text, encoding }) = decode(head, head.len() < bytes.len()) else {
        return Err(unsupported("binary data", "open it with the program that made it"));
    };
    let mut found = if kind == Kind::Html { html(&text, options) } else { lines(kind, &text, options) };
    found.truncated |= head.len() < bytes.len();
    if encoding != "UTF-8" {
        found.notes.push(format!("read as {encoding}"));
    }
    Ok(found)
}

fn html(text: &str, options: &ExtractOptions) -> ExtractedText {
    let read = mail_html_to_markdown(text, options.max_chars);
    let mut found = ExtractedText::of(Kind::Html, read.text);
    found.truncated = read.truncated;
    if read.hidden_removed > 0 {
        found.notes.push(format!("{} hidden parts left out", read.hidden_removed));
    }
    found
}

fn lines(kind: Kind, text: &str, options: &ExtractOptions) -> ExtractedText {
    let (text, cut) = clip(text, options.max_chars.saturating_mul(4).saturating_add(16));
    let mut sink = Sink::new(options.max_chars);
    for line in text.lines() {
        if sink.is_full() {
            sink.cut();
            break;
        }
        sink.push(line.trim_end());
        sink.push("\n");
    }
    let (text, truncated, invisible) = sink.finish();
    let mut found = ExtractedText::of(kind, text);
    found.truncated = truncated || cut;
    found.notes.extend(invisible_note(invisible));
    found
}

/// What to say about invisible characters that were dropped.
pub(super) fn invisible_note(count: usize) -> Option<String> {
    (count > 0).then(|| format!("{count} invisible characters left out"))
}
