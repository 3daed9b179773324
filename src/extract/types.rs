//! What is asked of an extraction and what comes back; the same types travel to and from the child process.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What to read out of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExtractOptions {
    /// Characters of text wanted at most.
    pub(crate) max_chars: usize,
    /// First and last page (or slide), counted from 1.
    pub(crate) pages: Option<(u32, u32)>,
    /// Only this sheet; a hidden one is read only when named here.
    pub(crate) sheet: Option<String>,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        Self { max_chars: 100_000, pages: None, sheet: None }
    }
}

/// Bounds every document must keep, checked before a parser sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of the file itself.
    pub(crate) input: usize,
    /// Bytes of all archive entries together, inflated.
    pub(crate) unpacked: u64,
    /// Inflated to packed size, judged only above `ratio_floor`.
    pub(crate) ratio: u64,
    /// Inflated bytes below which the ratio does not matter (small repetitive files are honest).
    pub(crate) ratio_floor: u64,
    /// Entries of an archive.
    pub(crate) entries: usize,
    /// Nesting of XML elements.
    pub(crate) xml_depth: usize,
    /// Pages or slides read in one call.
    pub(crate) pages: u32,
    /// Spreadsheet cells read in one call.
    pub(crate) cells: usize,
    /// Characters of text whatever the caller asks.
    pub(crate) chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input: 40 << 20,
            unpacked: 150 << 20,
            ratio: 100,
            ratio_floor: 16 << 20,
            entries: 2_000,
            xml_depth: 256,
            pages: 300,
            cells: 50_000,
            chars: 500_000,
        }
    }
}

/// A format text can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Portable Document Format.
    Pdf,
    /// Word document.
    Docx,
    /// PowerPoint presentation.
    Pptx,
    /// Excel workbook.
    Xlsx,
    /// Excel 97-2003 workbook.
    Xls,
    /// Hangul document, version 5.
    Hwp,
    /// Hangul document in XML.
    Hwpx,
    /// OpenDocument text.
    Odt,
    /// OpenDocument spreadsheet.
    Ods,
    /// OpenDocument presentation or drawing.
    Odp,
    /// Rich Text.
    Rtf,
    /// Internet message file (RFC 5322).
    Eml,
    /// Outlook message file.
    Msg,
    /// HTML page.
    Html,
    /// Comma-separated values.
    Csv,
    /// Any other text.
    Text,
}

/// One sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SheetName {
    /// As shown on its tab.
    pub(crate) name: String,
    /// Not shown to a person who opens the file.
    pub(crate) hidden: bool,
}

/// Text of a document. It is as untrusted as the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExtractedText {
    /// Detected format.
    pub(crate) kind: Kind,
    /// Plain text with light Markdown (headings, tables).
    pub(crate) text: String,
    /// Pages or slides of the whole document, where it has them.
    pub(crate) pages: Option<u32>,
    /// Sheets of a workbook.
    pub(crate) sheets: Vec<SheetName>,
    /// Text was left out; ask for `pages` or `sheet`.
    pub(crate) truncated: bool,
    /// What a reader should know: hidden parts dropped, encoding guessed.
    pub(crate) notes: Vec<String>,
}

impl ExtractedText {
    /// A result that only has text.
    pub(super) fn of(kind: Kind, text: String) -> Self {
        Self { kind, text, pages: None, sheets: Vec::new(), truncated: false, notes: Vec::new() }
    }
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub(crate) enum ExtractError {
    /// Needs a password.
    #[error("the file is protected by a password")]
    Encrypted,
    /// Only pictures of pages, as a scanner makes them.
    #[error("the document has no text layer (a scan?)")]
    NoTextLayer,
    /// The file is larger than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// Unpacks to far more than an honest file.
    #[error("the archive inside the file is refused: {reason}")]
    Bomb {
        /// Which bound it broke.
        reason: String,
    },
    /// Damaged, or not what it says it is.
    #[error("the file cannot be read: {reason}")]
    Malformed {
        /// What was wrong, without contents.
        reason: String,
    },
    /// A format without text for us.
    #[error("no text can be read from {kind}: {advice}")]
    Unsupported {
        /// Name of the format.
        kind: String,
        /// What to do instead.
        advice: String,
    },
    /// The pages asked for are not there.
    #[error("the document has {pages} pages")]
    NoSuchPage {
        /// Pages it has.
        pages: u32,
    },
    /// The sheet asked for is not there.
    #[error("no such sheet")]
    NoSuchSheet {
        /// Sheets it has.
        sheets: Vec<SheetName>,
    },
    /// Reading took too long.
    #[error("reading the file took too long")]
    TimedOut,
    /// The child process died or answered nonsense.
    #[error("the file made its reader fail")]
    WorkerFailed,
    /// Too many files are being read.
    #[error("too many files are being read; try again shortly")]
    Busy,
}

impl ExtractError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}

/// A format's reader: options and limits in, text or a typed failure out.
pub(super) type Extraction = Result<ExtractedText, ExtractError>;
