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
    /// An OLE container: its streams say more.
    Compound,
    /// Rich Text.
    Rtf,
    /// An internet message.
    Mail,
    /// Anything else, named.
    Other(ExtractError),
}

pub(super) const OFFICE_ADVICE: &str =
    "save it in the current Office format, or open it in OneDrive and ask for its PDF form";
pub(super) const OPEN_ADVICE: &str = "open it with the program that made it";
const HANGUL_ADVICE: &str = "open it in Hangul and save it in the current format";
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
        return Look::Compound;
    }
    if bytes.starts_with(b"{\\rtf") {
        return Look::Rtf;
    }
    if is_mail(name, content_type, head) {
        return Look::Mail;
    }
    match binary_name(bytes) {
        Some((kind, advice)) => Look::Other(unsupported(kind, advice)),
        None => Look::Plain(plain_kind(name, content_type, head)),
    }
}

/// Documents that are archives.
#[derive(Debug)]
pub(super) enum Package {
    Word,
    Slides,
    Workbook,
    Hangul,
    /// One of the three kinds of OpenDocument.
    OpenDocument(Kind),
}

/// Which document an archive is.
pub(super) fn package(archive: &mut Archive<'_>) -> Result<Package, ExtractError> {
    if archive.has("[Content_Types].xml") {
        for (part, kind) in [("word/", Package::Word), ("ppt/", Package::Slides), ("xl/", Package::Workbook)]
        {
            if archive.names().any(|name| name.starts_with(part)) {
                if archive.has("xl/workbook.bin") {
                    return Err(unsupported("Excel binary workbook", OFFICE_ADVICE));
                }
                return Ok(kind);
            }
        }
    }
    let declared = archive.text("mimetype")?.unwrap_or_default();
    let declared = declared.trim();
    if declared == "application/hwp+zip" || archive.has("Contents/section0.xml") {
        return Ok(Package::Hangul);
    }
    if let Some(kind) = declared.strip_prefix("application/vnd.oasis.opendocument.") {
        return match kind.trim_end_matches("-template") {
            "text" | "text-master" | "text-web" => Ok(Package::OpenDocument(Kind::Odt)),
            "spreadsheet" => Ok(Package::OpenDocument(Kind::Ods)),
            "presentation" | "graphics" => Ok(Package::OpenDocument(Kind::Odp)),
            _ => Err(unsupported("OpenDocument file", OPEN_ADVICE)),
        };
    }
    if declared == "application/epub+zip" {
        return Err(unsupported("EPUB book", OPEN_ADVICE));
    }
    Err(unsupported("zip archive", "ask for the files inside one by one"))
}

pub(super) fn unsupported(kind: &str, advice: &str) -> ExtractError {
    ExtractError::Unsupported { kind: kind.to_owned(), advice: advice.to_owned() }
}

fn binary_name(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const MAGIC: &[(&[u8], &str, &str)] = &[
        (b"\x89PNG\r\n\x1A\n", "PNG image", IMAGE_ADVICE),
        (b"\xFF\xD8\xFF", "JPEG image", IMAGE_ADVICE),
        (b"GIF8", "GIF image", IMAGE_ADVICE),
        (b"II*\0", "TIFF image", IMAGE_ADVICE),
        (b"MM\0*", "TIFF image", IMAGE_ADVICE),
        (b"HWP Document File V3", "Hangul document, version 3", HANGUL_ADVICE),
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

/// A message in a file: named so, or beginning as only messages do.
fn is_mail(name: &str, content_type: &str, head: &[u8]) -> bool {
    const FIRST: &[&str] = &["received:", "return-path:", "delivered-to:", "mime-version:", "message-id:"];
    let name = name.to_ascii_lowercase();
    let start = head.get(..40.min(head.len())).unwrap_or(head).to_ascii_lowercase();
    [".eml", ".mht", ".mhtml"].iter().any(|ending| name.ends_with(ending))
        || content_type.to_ascii_lowercase().starts_with("message/rfc822")
        || FIRST.iter().any(|first| start.starts_with(first.as_bytes()))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
