//! OLE compound files (MS-CFB): the container of Hangul 5, Outlook and Office 97-2003 files.

use std::io::{Cursor, Read};

use cfb::CompoundFile;
use flate2::read::DeflateDecoder;

use super::detect::{OFFICE_ADVICE, OPEN_ADVICE, unsupported};
use super::types::{ExtractError, Limits};

/// A container whose directory could be read.
pub(super) struct Compound<'a> {
    file: CompoundFile<Cursor<&'a [u8]>>,
    /// Bytes that may still be read out of it, packed streams inflated.
    left: u64,
}

/// Formats that are read out of a container.
#[derive(Debug)]
pub(super) enum Content {
    Hangul,
    Message,
    Workbook,
}

/// An entry of a storage.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_storage: bool,
    pub(super) len: u64,
}

impl<'a> Compound<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ExtractError> {
        let file = CompoundFile::open(Cursor::new(bytes))
            .map_err(|_| ExtractError::malformed("a damaged OLE container"))?;
        let ratio = (bytes.len() as u64).saturating_mul(limits.ratio).max(limits.ratio_floor);
        Ok(Self { file, left: ratio.min(limits.unpacked) })
    }

    /// What the container holds.
    pub(super) fn content(&self) -> Result<Content, ExtractError> {
        if self.has("/EncryptedPackage") {
            return Err(ExtractError::Encrypted);
        }
        let (kind, advice) = if self.has("/FileHeader") && self.has("/DocInfo") {
            return Ok(Content::Hangul);
        } else if self.has("/__properties_version1.0") {
            return Ok(Content::Message);
        } else if self.has("/Workbook") || self.has("/Book") {
            return Ok(Content::Workbook);
        } else if self.has("/WordDocument") {
            ("Word 97-2003 document", OFFICE_ADVICE)
        } else if self.has("/PowerPoint Document") {
            ("PowerPoint 97-2003 presentation", OFFICE_ADVICE)
        } else {
            ("OLE container", OPEN_ADVICE)
        };
        Err(unsupported(kind, advice))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.file.is_stream(path)
    }

    /// Entries of a storage, at most `most`.
    pub(super) fn entries(&self, storage: &str, most: usize) -> Vec<Entry> {
        let Ok(entries) = self.file.read_storage(storage) else { return Vec::new() };
        let entry = |entry: cfb::Entry| Entry {
            name: entry.name().to_owned(),
            is_storage: entry.is_storage(),
            len: entry.len(),
        };
        entries.take(most).map(entry).collect()
    }

    /// A stream; `None` when there is none of that path.
    pub(super) fn stream(&mut self, path: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        if !self.has(path) {
            return Ok(None);
        }
        let stream = self.file.open_stream(path).map_err(|_| damaged())?;
        self.read(stream).map(Some)
    }

    /// Raw deflate, as Hangul packs its streams.
    pub(super) fn inflate(&mut self, packed: &[u8]) -> Result<Vec<u8>, ExtractError> {
        self.read(DeflateDecoder::new(packed))
    }

    fn read(&mut self, from: impl Read) -> Result<Vec<u8>, ExtractError> {
        let mut bytes = Vec::new();
        from.take(self.left + 1).read_to_end(&mut bytes).map_err(|_| damaged())?;
        // Streams may share sectors: what is read counts, not what the file holds.
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(ExtractError::Bomb { reason: "it unpacks to far more than its size".to_owned() });
            }
        }
        Ok(bytes)
    }
}

fn damaged() -> ExtractError {
    ExtractError::malformed("a damaged stream")
}
