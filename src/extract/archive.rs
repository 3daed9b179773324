//! Zip archives from strangers: every bound is checked by inflating, because headers lie.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::types::{ExtractError, Limits};

/// An archive whose inflated size is known to be acceptable.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    limits: Limits,
}

impl<'a> Archive<'a> {
    /// Opens an archive and inflates all of it once, counting.
    pub(super) fn open(bytes: &'a [u8], limits: Limits) -> Result<Self, ExtractError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
        if zip.len() > limits.entries {
            return Err(bomb(format!("more than {} entries", limits.entries)));
        }
        let mut archive = Self { zip, limits };
        archive.count(bytes.len() as u64)?;
        Ok(archive)
    }

    fn count(&mut self, packed: u64) -> Result<(), ExtractError> {
        let ratio_limit = packed.saturating_mul(self.limits.ratio).max(self.limits.ratio_floor);
        let limit = ratio_limit.min(self.limits.unpacked);
        let mut total = 0_u64;
        let mut buffer = vec![0_u8; 64 << 10];
        for index in 0..self.zip.len() {
            let mut entry = self.zip.by_index(index).map_err(|error| unreadable(&error))?;
            loop {
                let read = entry.read(&mut buffer).map_err(|_| ExtractError::malformed("a damaged entry"))?;
                if read == 0 {
                    break;
                }
                total += read as u64;
                if total > limit {
                    return Err(bomb(if limit == ratio_limit {
                        format!("it unpacks to more than {} times its size", self.limits.ratio)
                    } else {
                        format!("it unpacks to more than {} bytes", self.limits.unpacked)
                    }));
                }
            }
        }
        Ok(())
    }

    /// Whether an entry exists.
    pub(super) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The entry names.
    pub(super) fn names(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        (0..self.zip.len()).filter_map(|index| self.zip.name_for_index(index)?.ok())
    }

    /// An entry as text; `None` when there is none of that name.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let mut entry = match self.zip.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        let mut bytes = Vec::new();
        let mut bounded = entry.by_ref().take(self.limits.unpacked);
        bounded.read_to_end(&mut bytes).map_err(|_| ExtractError::malformed("a damaged entry"))?;
        Ok(Some(super::encoding::decode_xml(bytes)))
    }
}

fn bomb(reason: String) -> ExtractError {
    ExtractError::Bomb { reason }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, growing enum: all else is a damaged archive")]
fn unreadable(error: &ZipError) -> ExtractError {
    match error {
        ZipError::UnsupportedArchive(reason) if *reason == ZipError::PASSWORD_REQUIRED => {
            ExtractError::Encrypted
        }
        ZipError::UnsupportedArchive(_) => {
            ExtractError::malformed("an archive feature that is not supported")
        }
        _ => ExtractError::malformed("a damaged archive"),
    }
}
