//! Outlook message files (MS-OXMSG): properties in streams of an OLE container.
//!
//! Read here on `cfb` and not by `msg_parser`: that has a container reader of its own which panics on damaged
//! files, and knows no code page but UTF-8.

use std::panic::catch_unwind;

use chrono::DateTime;
use encoding_rs::Encoding;

use super::compound::Compound;
use super::encoding::decode;
use super::html::mail_html_to_markdown;
use super::letter::{Attached, Letter};
use super::plain::invisible_note;
use super::rtf;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};

/// Property ids (MS-OXPROPS).
const SUBJECT: u16 = 0x0037;
const SENT: u16 = 0x0039;
const DISPLAY_TO: u16 = 0x0E04;
const DISPLAY_CC: u16 = 0x0E03;
const DELIVERED: u16 = 0x0E06;
const SENDER_NAME: u16 = 0x0C1A;
const SENDER_ADDRESS: u16 = 0x0C1F;
const SENDER_SMTP: u16 = 0x5D01;
const BODY: u16 = 0x1000;
const RTF: u16 = 0x1009;
const HTML: u16 = 0x1013;
const NAME: u16 = 0x3707;
const SHORT_NAME: u16 = 0x3704;
const DISPLAY_NAME: u16 = 0x3001;
const DATA: u16 = 0x3701;
const CODE_PAGE: u16 = 0x3FFD;

/// Messages inside messages that are read.
const MAX_DEPTH: usize = 3;
/// Attachments named of a message.
const MAX_ATTACHED: usize = 200;
/// Rich Text of a body, unpacked; the crate that unpacks it trusts its header.
const MAX_RTF: u32 = 32 << 20;

/// Reads a message.
pub(super) fn extract(file: &mut Compound<'_>, options: &ExtractOptions, limits: &Limits) -> Extraction {
    let mut sink = Sink::new(options.max_chars);
    let hidden = write(&mut Item { file, storage: String::new(), page: None }, &mut sink, limits, MAX_DEPTH)?;
    let (text, truncated, invisible) = sink.finish();
    let mut found = ExtractedText::of(Kind::Msg, text);
    found.truncated = truncated;
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden parts left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

fn write(
    item: &mut Item<'_, '_>,
    sink: &mut Sink,
    limits: &Limits,
    depth: usize,
) -> Result<usize, ExtractError> {
    // Its header is 32 bytes at the top of the file and 24 in a message inside (2.4.1).
    let fixed = Fixed::read(item, if item.storage.is_empty() { 32 } else { 24 })?;
    item.page = fixed.number(CODE_PAGE).and_then(|page| rtf::of_code_page(i32::try_from(page).ok()?));
    let name = item.text(SENDER_NAME)?.unwrap_or_default();
    let address = match item.text(SENDER_SMTP)? {
        Some(address) => address,
        None => item.text(SENDER_ADDRESS)?.unwrap_or_default(),
    };
    let mut letter = Letter {
        subject: item.text(SUBJECT)?.unwrap_or_default(),
        from: if address.contains('@') { format!("{name} <{address}>") } else { name },
        to: item.text(DISPLAY_TO)?.unwrap_or_default(),
        cc: item.text(DISPLAY_CC)?.unwrap_or_default(),
        date: fixed.time(SENT).or_else(|| fixed.time(DELIVERED)).unwrap_or_default(),
        ..Letter::default()
    };
    let (body, hidden) = body(item, sink.left(), limits)?;
    letter.body = body;
    let mut hidden = hidden;
    let mut inner = Vec::new();
    let root = if item.storage.is_empty() { "/" } else { &item.storage };
    for entry in item.file.entries(root, limits.entries) {
        if !entry.is_storage || !entry.name.starts_with("__attach_version1.0_#") {
            continue;
        }
        if letter.attached.len() == MAX_ATTACHED {
            break;
        }
        let storage = format!("{}/{}", item.storage, entry.name);
        let mut attached = Item { file: &mut *item.file, storage: storage.clone(), page: item.page };
        let mut name = None;
        for property in [NAME, SHORT_NAME, DISPLAY_NAME] {
            name = if name.is_some() { name } else { attached.text(property)? };
        }
        let message = format!("{storage}/__substg1.0_3701000D");
        let parts = attached.file.entries(&storage, 100);
        let data = format!("__substg1.0_{DATA:04X}0102");
        let size = parts.iter().find(|part| part.name == data).map_or(0, |part| part.len);
        letter.attached.push(Attached { name: name.unwrap_or_else(|| "(no name)".to_owned()), size });
        if parts.iter().any(|part| part.is_storage && message.ends_with(&part.name)) {
            inner.push(message);
        }
    }
    letter.write(sink);
    for storage in inner {
        if depth > 1 && !sink.is_full() {
            sink.gap();
            sink.line("## Attached message");
            let mut inside = Item { file: &mut *item.file, storage, page: None };
            hidden += write(&mut inside, sink, limits, depth - 1)?;
        }
    }
    Ok(hidden)
}

/// The body as a reader sees it, and hidden parts left out: HTML, else plain text, else Rich Text.
fn body(item: &mut Item<'_, '_>, max_chars: usize, limits: &Limits) -> Result<(String, usize), ExtractError> {
    let html = match item.binary(HTML)? {
        Some(bytes) => Some(item.decoded(&bytes)),
        None => item.text(HTML)?,
    };
    if let Some(html) = html.filter(|html| !html.trim().is_empty()) {
        let read = mail_html_to_markdown(&html, max_chars);
        return Ok((read.text, read.hidden_removed));
    }
    if let Some(text) = item.text(BODY)?.filter(|text| !text.trim().is_empty()) {
        return Ok((text, 0));
    }
    let Some(text) = item.binary(RTF)?.and_then(|packed| unpack(&packed)) else {
        return Ok((String::new(), 0));
    };
    // Every character of the result is a byte of the file.
    let bytes: Vec<u8> = text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let (text, _, _, hidden) = rtf::read(&bytes, max_chars, limits)?;
    Ok((text, hidden))
}

/// Packed Rich Text (MS-OXRTFCP). The crate checks little before it allocates and slices.
fn unpack(packed: &[u8]) -> Option<String> {
    let number = |at: usize| Some(u32::from_le_bytes(packed.get(at..at + 4)?.try_into().ok()?));
    let raw = number(4)?;
    if packed.len() < 16 || raw > MAX_RTF {
        return None;
    }
    catch_unwind(|| compressed_rtf::decompress_rtf(packed)).ok()?.ok()
}

/// A message or attachment: a storage of the container.
struct Item<'f, 'a> {
    file: &'f mut Compound<'a>,
    storage: String,
    page: Option<&'static Encoding>,
}

impl Item<'_, '_> {
    fn binary(&mut self, property: u16) -> Result<Option<Vec<u8>>, ExtractError> {
        self.file.stream(&format!("{}/__substg1.0_{property:04X}0102", self.storage))
    }

    /// A string property: UTF-16, or bytes in the code page of the message (2.4.2).
    fn text(&mut self, property: u16) -> Result<Option<String>, ExtractError> {
        let path = format!("{}/__substg1.0_{property:04X}", self.storage);
        if let Some(wide) = self.file.stream(&format!("{path}001F"))? {
            return Ok(Some(encoding_rs::UTF_16LE.decode_without_bom_handling(&wide).0.into_owned()));
        }
        let narrow = self.file.stream(&format!("{path}001E"))?;
        Ok(narrow.map(|bytes| self.decoded(&bytes)))
    }

    fn decoded(&self, bytes: &[u8]) -> String {
        match self.page {
            // Outlook writes the page of the machine whatever the text is in: UTF-8 tells itself.
            Some(page) if std::str::from_utf8(bytes).is_err() => {
                page.decode_without_bom_handling(bytes).0.into_owned()
            }
            Some(_) | None => decode(bytes, false).map(|decoded| decoded.text).unwrap_or_default(),
        }
    }
}

/// Properties of fixed length: 16 bytes each, tag, flags, value (2.4.2.1).
struct Fixed(Vec<u8>);

impl Fixed {
    fn read(item: &mut Item<'_, '_>, header: usize) -> Result<Self, ExtractError> {
        let path = format!("{}/__properties_version1.0", item.storage);
        let stream = item.file.stream(&path)?.unwrap_or_default();
        Ok(Self(stream.get(header..).unwrap_or_default().to_vec()))
    }

    fn value(&self, property: u16) -> Option<[u8; 8]> {
        let entry = self.0.chunks_exact(16).find(|entry| entry.get(2..4) == Some(&property.to_le_bytes()))?;
        entry.get(8..16)?.try_into().ok()
    }

    fn number(&self, property: u16) -> Option<u32> {
        let value = self.value(property)?;
        Some(u32::from_le_bytes(value.get(..4)?.try_into().ok()?))
    }

    /// Tenths of microseconds since 1601 (MS-DTYP 2.3.3) as RFC 3339.
    fn time(&self, property: u16) -> Option<String> {
        let ticks = i64::try_from(u64::from_le_bytes(self.value(property)?)).ok()?;
        let seconds = (ticks / 10_000_000).checked_sub(11_644_473_600)?;
        let when = DateTime::from_timestamp(seconds, 0)?;
        Some(when.format("%Y-%m-%dT%H:%M:%SZ").to_string())
    }
}
