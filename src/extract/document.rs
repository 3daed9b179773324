//! One file in, its text out: detection, bounds, then the reader of that format.
//!
//! Runs in the child process for everything but plain text: the parsers below may panic, recurse or loop.

use super::archive::Archive;
use super::detect::{Look, look, office_kind};
use super::types::{ExtractError, ExtractOptions, Extraction, Kind, Limits};
use super::{docx, pdf, plain, pptx, xlsx};

/// Reads any supported document.
pub(super) fn extract(
    name: &str,
    content_type: &str,
    bytes: &[u8],
    options: &ExtractOptions,
    limits: &Limits,
) -> Extraction {
    if bytes.len() > limits.input {
        return Err(ExtractError::TooLarge { limit: limits.input });
    }
    let mut options = options.clone();
    options.max_chars = options.max_chars.min(limits.chars);
    match look(name, content_type, bytes) {
        Look::Other(error) => Err(error),
        Look::Plain(kind) => plain::extract(kind, bytes, &options),
        Look::Pdf => pdf::extract(bytes, &options, limits),
        Look::Zip => {
            let mut archive = Archive::open(bytes, *limits)?;
            match office_kind(&mut archive)? {
                Kind::Docx => docx::extract(&mut archive, &options, limits),
                Kind::Pptx => pptx::extract(&mut archive, &options, limits),
                Kind::Xlsx | Kind::Pdf | Kind::Html | Kind::Csv | Kind::Text => {
                    drop(archive);
                    xlsx::extract(bytes, &options, limits)
                }
            }
        }
    }
}

/// The pages to read of a document with `total` pages.
pub(super) fn page_range(
    options: &ExtractOptions,
    total: u32,
    limits: &Limits,
) -> Result<(u32, u32), ExtractError> {
    let (first, last) = options.pages.unwrap_or((1, total));
    let first = first.max(1);
    if total > 0 && (first > total || last < first) {
        return Err(ExtractError::NoSuchPage { pages: total });
    }
    Ok((first, last.min(total).min(first.saturating_add(limits.pages - 1))))
}
