//! Many files as one: a ZIP archive that is written as it is sent, with one file in memory at a time (APPNOTE.TXT 4.3:
//! stored entries with their sizes, then the central directory).

use bytes::{BufMut, Bytes, BytesMut};
use std::collections::HashSet;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const VERSION: u16 = 20;
/// Names are UTF-8 (4.4.4, bit 11).
const UTF8: u16 = 1 << 11;
/// 1 January 1980: the earliest there is, since mail has times of its own.
const DAY: u16 = 1 << 5 | 1;

/// An archive under way.
#[derive(Default)]
pub(super) struct Bundle {
    central: BytesMut,
    count: u16,
    written: u32,
    names: HashSet<String>,
}

impl Bundle {
    /// The next file, as it is sent; none when the archive has no more room (65,535 files, 4 GiB). A name that is taken
    /// gets a number.
    pub(super) fn entry(&mut self, name: &str, content: &Bytes) -> Option<[Bytes; 2]> {
        let name = self.free(name);
        let length = u32::try_from(content.len()).ok()?;
        let name_length = u16::try_from(name.len()).ok()?;
        let count = self.count.checked_add(1)?;
        let mut check = flate2::Crc::new();
        check.update(content);
        let mut facts = BytesMut::new();
        for number in [VERSION, UTF8, 0, 0, DAY] {
            facts.put_u16_le(number);
        }
        for number in [check.sum(), length, length] {
            facts.put_u32_le(number);
        }
        facts.put_u16_le(name_length);
        facts.put_u16_le(0);
        let mut head = BytesMut::new();
        head.put_u32_le(LOCAL);
        head.extend_from_slice(&facts);
        head.extend_from_slice(name.as_bytes());
        let offset = self.written;
        // Room for the directory is kept back.
        let ends = u32::try_from(head.len()).ok()?.checked_add(length)?.checked_add(offset)?;
        ends.checked_add(64 << 20)?;
        self.written = ends;
        self.count = count;
        self.central.put_u32_le(CENTRAL);
        self.central.put_u16_le(VERSION);
        self.central.extend_from_slice(&facts);
        for number in [0_u16, 0, 0] {
            self.central.put_u16_le(number);
        }
        self.central.put_u32_le(0);
        self.central.put_u32_le(offset);
        self.central.extend_from_slice(name.as_bytes());
        self.names.insert(name.to_lowercase());
        Some([head.freeze(), content.clone()])
    }

    /// What comes behind the last file.
    pub(super) fn end(self) -> Bytes {
        let size = u32::try_from(self.central.len()).unwrap_or(u32::MAX);
        let mut out = self.central;
        out.put_u32_le(END);
        for number in [0, 0, self.count, self.count] {
            out.put_u16_le(number);
        }
        out.put_u32_le(size);
        out.put_u32_le(self.written);
        out.put_u16_le(0);
        out.freeze()
    }

    fn free(&self, name: &str) -> String {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "eml"));
        let numbered = (2..).map(|number| format!("{stem} ({number}).{ending}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !self.names.contains(&name.to_lowercase())).unwrap_or_else(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    #[test]
    fn another_program_reads_the_archive() {
        let mut bundle = Bundle::default();
        let mut bytes = BytesMut::new();
        for (name, text) in [("견적 회신.eml", "one"), ("a.eml", ""), ("A.eml", "three")] {
            for part in bundle.entry(name, &Bytes::from(text)).unwrap() {
                bytes.extend_from_slice(&part);
            }
        }
        bytes.extend_from_slice(&bundle.end());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes.to_vec())).unwrap();
        let mut found = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            found.push((file.name().unwrap().into_owned(), text));
        }
        let expected = [("견적 회신.eml", "one"), ("a.eml", ""), ("A (2).eml", "three")];
        assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
}
