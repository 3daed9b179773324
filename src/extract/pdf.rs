//! PDF text, page by page (ISO 32000).
//!
//! Encryption is looked for first (readers answer nothing instead of failing), and pages whose Korean fonts
//! are not embedded, which the main reader cannot do, are read by their encoding's name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, PlainTextOutput, output_doc_page};

use super::pdf_korean;
use super::plain::invisible_note;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};

/// Reads a document.
pub(super) fn extract(bytes: &[u8], options: &ExtractOptions, limits: &Limits) -> Extraction {
    let document = open(bytes)?;
    let pages = document.get_pages();
    let total = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    if total == 0 {
        return Err(ExtractError::malformed("no pages"));
    }
    let (first, last) = super::document::page_range(options, total, limits)?;
    let mut sink = Sink::new(options.max_chars);
    let mut unreadable = 0;
    let mut seen_text = false;
    for number in first..=last {
        if sink.is_full() {
            sink.cut();
            break;
        }
        let Some(text) = page(&document, number, &pages) else {
            unreadable += 1;
            continue;
        };
        seen_text |= text.chars().any(char::is_alphanumeric);
        sink.gap();
        if total > 1 {
            sink.line(&format!("[page {number}]"));
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            sink.line(line);
        }
    }
    if !seen_text {
        let all_failed = unreadable == last - first + 1;
        return Err(if all_failed {
            ExtractError::malformed("no page can be read")
        } else {
            ExtractError::NoTextLayer
        });
    }
    let (text, truncated, invisible) = sink.finish();
    let mut found = ExtractedText::of(Kind::Pdf, text);
    found.pages = Some(total);
    found.truncated = truncated || (options.pages.is_none() && last < total);
    if unreadable > 0 {
        found.notes.push(format!("{unreadable} pages could not be read"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

fn open(bytes: &[u8]) -> Result<Document, ExtractError> {
    let loaded =
        catch_unwind(|| Document::load_mem(bytes)).map_err(|_| ExtractError::malformed("a damaged PDF"))?;
    let mut document = match loaded {
        Ok(document) => document,
        Err(pdf_extract::Error::InvalidPassword | pdf_extract::Error::Decryption(_)) => {
            return Err(ExtractError::Encrypted);
        }
        Err(_) => return Err(ExtractError::malformed("a damaged PDF")),
    };
    // An owner password alone forbids printing, not reading: the empty user password opens it.
    let locked = document.trailer.has(b"Encrypt") && !document.was_encrypted();
    if locked && document.decrypt("").is_err() {
        return Err(ExtractError::Encrypted);
    }
    Ok(document)
}

fn page(
    document: &Document,
    number: u32,
    pages: &std::collections::BTreeMap<u32, pdf_extract::ObjectId>,
) -> Option<String> {
    let id = *pages.get(&number)?;
    if let Some(text) = pdf_korean::page_text(document, id, false) {
        return Some(text);
    }
    catch_unwind(AssertUnwindSafe(|| {
        let mut text = String::new();
        output_doc_page(document, &mut PlainTextOutput::new(&mut text), number).ok()?;
        Some(text)
    }))
    .ok()
    .flatten()
    .or_else(|| pdf_korean::page_text(document, id, true))
}
