//! What a file is, by its content; names and declared types only tell texts apart.

use super::archive::Archive;
use super::types::{ExtractError, Kind};

/// What the first look says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A text format: safe to read in this process.
    Plain(Kind),
    /// A PDF.
    Pdf,
    /// A zip archive: its entries say more.
    Zip,
    /// Anything else, named.
    Other(ExtractError),
}

const OFFICE_ADVICE: &str =
    "save it in the current Office format, or open it in OneDrive and ask for its PDF form";
const OPEN_ADVICE: &str = "open it with the program that made it";
const IMAGE_ADVICE: &str = "it is a picture: look at it, or ask for the text in writing";

/// First look at the bytes.
pub(super) fn look(name: &str, content_type: &str, bytes: &[u8]) -> Look {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or(bytes);
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Look::Zip;
    }
    if find(head, b"%PDF-").is_some() {
        return Look::Pdf;
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Look::Other(compound(bytes));
    }
    match binary_name(bytes) {
        Some((kind, advice)) => Look::Other(unsupported(kind, advice)),
        None => Look::Plain(plain_kind(name, content_type, head)),
    }
}

/// Which Office document an archive is.
pub(super) fn office_kind(archive: &mut Archive<'_>) -> Result<Kind, ExtractError> {
    if archive.has("[Content_Types].xml") {
        for (part, kind) in [("word/", Kind::Docx), ("ppt/", Kind::Pptx), ("xl/", Kind::Xlsx)] {
            if archive.names().any(|name| name.starts_with(part)) {
                if archive.has("xl/workbook.bin") {
                    return Err(unsupported("Excel binary workbook", OFFICE_ADVICE));
                }
                return Ok(kind);
            }
        }
    }
    let kind = match archive.text("mimetype")?.as_deref().map(str::trim) {
        Some("application/hwp+zip") => "Hangul document (HWPX)",
        Some("application/epub+zip") => "EPUB book",
        Some(kind) if kind.starts_with("application/vnd.oasis.opendocument") => "OpenDocument file",
        Some(_) | None => "zip archive",
    };
    Err(unsupported(
        kind,
        if kind == "zip archive" { "ask for the files inside one by one" } else { OPEN_ADVICE },
    ))
}

pub(super) fn unsupported(kind: &str, advice: &str) -> ExtractError {
    ExtractError::Unsupported { kind: kind.to_owned(), advice: advice.to_owned() }
}

/// OLE containers name their streams in UTF-16 (MS-CFB 2.6.1).
fn compound(bytes: &[u8]) -> ExtractError {
    let has = |stream: &str| {
        let wide: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        find(bytes, &wide).is_some()
    };
    if has("EncryptedPackage") {
        return ExtractError::Encrypted;
    }
    let (kind, advice) = if has("HwpSummaryInformation") {
        ("Hangul document (HWP)", OPEN_ADVICE)
    } else if has("WordDocument") {
        ("Word 97-2003 document", OFFICE_ADVICE)
    } else if has("PowerPoint Document") {
        ("PowerPoint 97-2003 presentation", OFFICE_ADVICE)
    } else if has("Workbook") {
        ("Excel 97-2003 workbook", OFFICE_ADVICE)
    } else if has("__properties_version1.0") {
        ("Outlook message file", "ask for the message itself")
    } else {
        ("OLE container", OPEN_ADVICE)
    };
    unsupported(kind, advice)
}

fn binary_name(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const MAGIC: &[(&[u8], &str, &str)] = &[
        (b"\x89PNG\r\n\x1A\n", "PNG image", IMAGE_ADVICE),
        (b"\xFF\xD8\xFF", "JPEG image", IMAGE_ADVICE),
        (b"GIF8", "GIF image", IMAGE_ADVICE),
        (b"II*\0", "TIFF image", IMAGE_ADVICE),
        (b"MM\0*", "TIFF image", IMAGE_ADVICE),
        (b"{\\rtf", "Rich Text document", OFFICE_ADVICE),
        (b"\x78\x9F\x3E\x22", "Outlook winmail.dat", "ask the sender to send as HTML or plain text"),
        (b"Rar!", "RAR archive", OPEN_ADVICE),
        (b"7z\xBC\xAF\x27\x1C", "7-Zip archive", OPEN_ADVICE),
        (b"\x1F\x8B", "gzip archive", OPEN_ADVICE),
        (b"MZ", "Windows program", "do not open it unless the sender confirms it another way"),
        (b"\x7FELF", "Linux program", "do not open it unless the sender confirms it another way"),
        (b"ID3", "MP3 audio", OPEN_ADVICE),
        (b"OggS", "Ogg media", OPEN_ADVICE),
    ];
    let by_start =
        MAGIC.iter().find(|(magic, ..)| bytes.starts_with(magic)).map(|(_, kind, advice)| (*kind, *advice));
    // A text may well begin with these letters.
    let by_start =
        by_start.filter(|(kind, _)| *kind != "Windows program" || bytes.iter().take(256).any(|b| *b == 0));
    by_start.or_else(|| match (bytes.get(..4)?, bytes.get(4..8), bytes.get(8..12)) {
        (_, Some(b"ftyp"), _) => Some(("MP4 or HEIF media", OPEN_ADVICE)),
        (b"RIFF", _, Some(b"WEBP")) => Some(("WebP image", IMAGE_ADVICE)),
        (b"RIFF", _, _) => Some(("WAV or AVI media", OPEN_ADVICE)),
        _ => None,
    })
}

fn plain_kind(name: &str, content_type: &str, head: &[u8]) -> Kind {
    let name = name.to_ascii_lowercase();
    let content_type = content_type.to_ascii_lowercase();
    let start =
        String::from_utf8_lossy(head).trim_start_matches('\u{FEFF}').trim_start().to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if ends(&[".htm", ".html", ".xhtml"])
        || content_type.starts_with("text/html")
        || start.starts_with("<!doctype html")
        || start.starts_with("<html")
    {
        Kind::Html
    } else if ends(&[".csv", ".tsv"]) || content_type.starts_with("text/csv") {
        Kind::Csv
    } else {
        Kind::Text
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
