//! One file in, its text out: detection, bounds, then the reader of that format.
//!
//! Runs in the child process for everything but plain text: the parsers below may panic, recurse or loop.

use super::archive::Archive;
use super::compound::{Compound, Content};
use super::detect::{Look, Package, look, package};
use super::types::{ExtractError, ExtractOptions, Extraction, Limits};
use super::{docx, eml, hwp, hwpx, msg, opendocument, pdf, plain, pptx, rtf, sheets};

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
        Look::Rtf => rtf::extract(bytes, &options, limits),
        Look::Mail => eml::extract(bytes, &options, limits),
        Look::Zip => {
            let mut archive = Archive::open(bytes, *limits)?;
            in_archive(&mut archive, bytes, &options, limits)
        }
        Look::Compound => {
            let mut file = Compound::open(bytes, limits)?;
            match file.content()? {
                Content::Hangul => hwp::extract(&mut file, &options, limits),
                Content::Message => msg::extract(&mut file, &options, limits),
                Content::Workbook => sheets::xls(bytes, &options, limits),
            }
        }
    }
}

fn in_archive(
    archive: &mut Archive<'_>,
    bytes: &[u8],
    options: &ExtractOptions,
    limits: &Limits,
) -> Extraction {
    match package(archive)? {
        Package::Word => docx::extract(archive, options, limits),
        Package::Slides => pptx::extract(archive, options, limits),
        Package::Workbook => sheets::xlsx(bytes, options, limits),
        Package::Hangul => hwpx::extract(archive, options, limits),
        Package::OpenDocument(kind) => opendocument::extract(kind, archive, options, limits),
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
