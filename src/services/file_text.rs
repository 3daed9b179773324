//! Bytes of a file as an answer: text where there is some, else what the file is and why it has none. The one home for
//! attachments and for files in OneDrive.

use super::ServiceDeps;
use super::answer::clipped;
use crate::extract::{ExtractError, ExtractOptions};
use crate::tools::error::{ToolError, ToolErrorKind};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// Which part of a file is wanted; arguments of the tools that read files.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    pub(super) pages: Option<String>,
    pub(super) sheet: Option<String>,
    max_chars: Option<usize>,
}

impl Part {
    /// The whole file, at most so many characters.
    pub(super) fn limited(max_chars: usize) -> Self {
        Self { max_chars: Some(max_chars), ..Self::default() }
    }

    pub(super) fn max_chars(&self, deps: &ServiceDeps) -> usize {
        self.max_chars.unwrap_or(deps.settings.max_chars)
    }
}

/// A file as its owner names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) content_type: &'a str,
}

/// What was read; part of `structuredContent`.
#[derive(Debug, Default, Serialize)]
pub(super) struct FileText {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    pub(super) truncated: bool,
    /// Why there is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_text: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
}

impl FileText {
    /// Of a file that goes out as it is.
    pub(super) async fn unread(bytes: &Bytes) -> Result<Self, ToolError> {
        Ok(Self { sha256: Some(checksum(bytes.clone()).await?), ..Self::default() })
    }

    /// As prose, below a heading that ends without a line break.
    pub(super) fn printed(&self, heading: &str) -> String {
        let mut text = heading.to_owned();
        if let Some(pages) = self.pages {
            let _ = write!(text, ", {pages} pages");
        }
        if !self.sheets.is_empty() {
            let _ = write!(text, ", sheets: {}", self.sheets.join(", "));
        }
        text.push('\n');
        for note in &self.notes {
            let _ = writeln!(text, "Note: {note}");
        }
        if let Some(body) = &self.text {
            let _ = write!(text, "\n{body}\n");
        }
        if self.truncated {
            text.push_str("\nText was left out: ask for `pages` or `sheet`, or raise `max_chars`.\n");
        }
        text
    }
}

/// Properties of [`FileText`] in an output schema.
pub(super) fn file_text_schema() -> Value {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "sha256": {"type": "string"}, "pages": {"type": "integer"}, "sheets": texts, "text": {"type": "string"},
        "truncated": {"type": "boolean"}, "no_text": {"type": "string"}, "notes": texts,
    })
}

/// Reads the text of a file. A file without text is an answer; a hostile, damaged or unlucky one is an error.
pub(super) async fn read(
    deps: &ServiceDeps,
    file: Named<'_>,
    bytes: Bytes,
    part: &Part,
) -> Result<FileText, ToolError> {
    let max = part.max_chars(deps);
    let pages = part.pages.as_deref().map(page_range).transpose()?;
    let options = ExtractOptions { max_chars: max, pages, sheet: part.sheet.clone() };
    let mut found = FileText { sha256: Some(checksum(bytes.clone()).await?), ..FileText::default() };
    match deps.extractor.text(file.name, file.content_type, bytes, options).await {
        Ok(read) => {
            found.pages = read.pages;
            found.sheets = read.sheets.into_iter().map(|sheet| sheet.name).collect();
            found.truncated = read.truncated || read.text.chars().count() > max;
            found.text = Some(clipped(read.text, max));
            found.notes = read.notes;
        }
        Err(error) => no_text(error, &mut found)?,
    }
    Ok(found)
}

/// Refuses a file that is larger than what is read; `program` opens it instead.
pub(super) fn check_size(name: &str, size: u64, limit: usize, program: &str) -> Result<(), ToolError> {
    if size <= limit as u64 {
        return Ok(());
    }
    let megabytes = limit >> 20;
    Err(ToolError::new(
        ToolErrorKind::UpstreamRejected { code: "too_large".to_owned(), status: 413 },
        format!(
            "\"{name}\" has {size} bytes; files up to {megabytes} MB are read here. Open it in {program} instead."
        ),
    ))
}

/// SHA-256 in hexadecimal, away from the async workers: 25 MB take a tenth of a second.
pub(super) async fn checksum(bytes: Bytes) -> Result<String, ToolError> {
    let digest = tokio::task::spawn_blocking(move || hex(&bytes)).await;
    digest.map_err(|_| ToolError::internal("the checksum of a file failed"))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// `3`, `2-5`: pages counted from 1.
fn page_range(text: &str) -> Result<(u32, u32), ToolError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first >= 1 && first <= last => Ok((first, last)),
        _ => {
            Err(ToolError::invalid("pages", "`pages` must be a page or a range such as 2-5, counted from 1."))
        }
    }
}

fn no_text(error: ExtractError, found: &mut FileText) -> Result<(), ToolError> {
    let public = format!("No text: {error}.");
    let code = match error {
        ExtractError::Encrypted => "encrypted",
        ExtractError::NoTextLayer => "no_text_layer",
        ExtractError::Unsupported { .. } => "unsupported",
        ExtractError::NoSuchPage { pages } => {
            return Err(ToolError::invalid("pages", format!("The document has {pages} pages.")));
        }
        ExtractError::NoSuchSheet { sheets } => {
            let names: Vec<_> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
            return Err(ToolError::invalid(
                "sheet",
                format!("There is no such sheet. Sheets: {}.", names.join(", ")),
            ));
        }
        ExtractError::Busy => {
            let kind = ToolErrorKind::RateLimited { retry_after: Duration::from_secs(5) };
            return Err(ToolError::new(kind, "Too many files are being read. Try again in 5 seconds."));
        }
        ExtractError::TimedOut => {
            return Err(ToolError::new(
                ToolErrorKind::Timeout,
                "Reading the file took too long. Ask for a few `pages` or one `sheet`.",
            ));
        }
        ExtractError::TooLarge { .. } => return Err(refused("too_large", public)),
        ExtractError::Bomb { .. } => return Err(refused("refused_archive", public)),
        ExtractError::Malformed { .. } => return Err(refused("malformed", public)),
        ExtractError::WorkerFailed => return Err(refused("unreadable", public)),
    };
    found.no_text = Some(code);
    found.notes.push(public);
    Ok(())
}

fn refused(code: &str, public: String) -> ToolError {
    ToolError::new(ToolErrorKind::UpstreamRejected { code: code.to_owned(), status: 422 }, public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_a_number_or_a_range() {
        assert_eq!(page_range("3").unwrap(), (3, 3));
        assert_eq!(page_range("2 - 5").unwrap(), (2, 5));
        for odd in ["0", "5-2", "a", "", "1-", "-3"] {
            assert!(page_range(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_bomb_is_an_error_and_an_unknown_format_an_answer() {
        let mut found = FileText::default();
        let bomb = no_text(ExtractError::Bomb { reason: "ratio".to_owned() }, &mut found).unwrap_err();
        assert_eq!(bomb.code(), "graph_rejected");
        no_text(ExtractError::NoTextLayer, &mut found).unwrap();
        assert_eq!(found.no_text, Some("no_text_layer"));
    }
}
