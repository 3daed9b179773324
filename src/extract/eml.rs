//! Internet message files (RFC 5322, MIME): who wrote to whom, the text, what is attached.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::html::mail_html_to_markdown;
use super::letter::{Attached, Letter};
use super::plain::invisible_note;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};

/// Messages inside messages that are read.
const MAX_DEPTH: usize = 3;
/// Attachments named of a message.
const MAX_ATTACHED: usize = 200;

/// Reads a message.
pub(super) fn extract(bytes: &[u8], options: &ExtractOptions, limits: &Limits) -> Extraction {
    // A message may hold many parts of a few bytes each, and every one is kept.
    let lines = bytes.windows(2).filter(|pair| *pair == b"--").count();
    if lines > limits.entries * 100 {
        return Err(ExtractError::Bomb { reason: "a message of too many parts".to_owned() });
    }
    let message = MessageParser::default()
        .parse(bytes)
        .filter(|message| !message.headers().is_empty())
        .ok_or_else(|| ExtractError::malformed("no message headers"))?;
    let mut sink = Sink::new(options.max_chars);
    let hidden = write(&message, &mut sink, MAX_DEPTH);
    let (text, truncated, invisible) = sink.finish();
    let mut found = ExtractedText::of(Kind::Eml, text);
    found.truncated = truncated;
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden parts left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

/// Writes a message and those inside it; how many hidden parts were left out.
fn write(message: &Message<'_>, sink: &mut Sink, depth: usize) -> usize {
    let mut letter = Letter {
        subject: message.subject().unwrap_or_default().to_owned(),
        from: people(message.from()),
        to: people(message.to()),
        cc: people(message.cc()),
        date: message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default(),
        ..Letter::default()
    };
    let mut hidden = 0;
    // The HTML form is what a reader sees; without one this is the plain text.
    for part in message.html_bodies() {
        match &part.body {
            PartType::Html(html) => {
                let read = mail_html_to_markdown(html, sink.left());
                hidden += read.hidden_removed;
                letter.body.push_str(&read.text);
            }
            PartType::Text(text) => letter.body.push_str(text),
            PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => {}
        }
        letter.body.push('\n');
    }
    let mut inner = Vec::new();
    for part in message.attachments().take(MAX_ATTACHED) {
        let nested = if let PartType::Message(message) = &part.body { Some(message) } else { None };
        letter.attached.push(Attached {
            name: part
                .attachment_name()
                .or_else(|| nested.and_then(Message::subject))
                .unwrap_or("(no name)")
                .to_owned(),
            size: part.len() as u64,
        });
        inner.extend(nested);
    }
    letter.write(sink);
    for message in inner {
        if depth > 1 && !sink.is_full() {
            sink.gap();
            sink.line("## Attached message");
            hidden += write(message, sink, depth - 1);
        }
    }
    hidden
}

fn people(address: Option<&Address<'_>>) -> String {
    let one = |person: &mail_parser::Addr<'_>| match (person.name(), person.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => String::new(),
    };
    let all: Vec<_> = address.into_iter().flat_map(Address::iter).take(100).map(one).collect();
    all.join("; ")
}
