//! Hangul documents, version 5 (Hancom, "Hangul Document File Format 5.0", revision 1.3): records in packed
//! streams of an OLE container.
//!
//! Read here and not by a crate: the one that reads these files well (`unhwp`) brings a thread pool and every
//! compression of zip, C code included, into this process.

use std::collections::BTreeSet;

use super::compound::Compound;
use super::detect::unsupported;
use super::flow::Flow;
use super::plain::invisible_note;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};

/// Record tags (4.1, table 13 and 4.3, table 57).
const CHAR_SHAPE: u32 = 0x15;
const PARA_HEADER: u32 = 0x42;
const PARA_TEXT: u32 = 0x43;
const PARA_CHAR_SHAPE: u32 = 0x44;
const CTRL_HEADER: u32 = 0x47;
const LIST_HEADER: u32 = 0x48;
const TABLE: u32 = 0x4D;
const EQUATION: u32 = 0x58;

/// Sections of a document; more than any office writes.
const MAX_SECTIONS: usize = 512;

/// Reads a document.
pub(super) fn extract(file: &mut Compound<'_>, options: &ExtractOptions, limits: &Limits) -> Extraction {
    let header = file.stream("/FileHeader")?.unwrap_or_default();
    if !header.starts_with(b"HWP Document File") {
        return Err(ExtractError::malformed("no Hangul file header"));
    }
    let flags = u32_at(&header, 36).ok_or_else(|| ExtractError::malformed("a short Hangul file header"))?;
    // Password, digital rights, certificate, rights by certificate (3.2.1, table 3).
    if flags & 0b101_0001_0010 != 0 {
        return Err(ExtractError::Encrypted);
    }
    if flags & 0b100 != 0 {
        return Err(unsupported(
            "a Hangul document saved as a distribution copy",
            "ask the sender for the editable file or a PDF",
        ));
    }
    let packed = flags & 1 != 0;
    let info = part(file, "/DocInfo", packed)?.unwrap_or_default();
    let mut story = Story::new(options.max_chars, white_shapes(&info));
    for number in 0..MAX_SECTIONS {
        let Some(section) = part(file, &format!("/BodyText/Section{number}"), packed)? else { break };
        story.section(&section, limits)?;
        if story.flow.is_full() {
            break;
        }
    }
    let hidden = story.hidden;
    let (text, truncated, invisible) = story.flow.finish();
    let mut found = ExtractedText::of(Kind::Hwp, text);
    found.truncated = truncated;
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden runs left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

fn part(file: &mut Compound<'_>, path: &str, packed: bool) -> Result<Option<Vec<u8>>, ExtractError> {
    match file.stream(path)? {
        Some(bytes) if packed => file.inflate(&bytes).map(Some),
        other => Ok(other),
    }
}

/// A record of a stream (4.1): tag, depth, contents.
struct Record<'a> {
    tag: u32,
    level: u32,
    data: &'a [u8],
}

/// Walks over records; a header that promises more than there is ends the walk.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let head = u32_at(self.0, 0)?;
        let (size, skip) = match head >> 20 {
            0xFFF => (u32_at(self.0, 4)?, 8_usize),
            size => (size, 4),
        };
        let end = skip.checked_add(size as usize)?;
        let data = self.0.get(skip..end)?;
        self.0 = self.0.get(end..)?;
        Some(Record { tag: head & 0x3FF, level: head >> 10 & 0x3FF, data })
    }
}

/// Character shapes that show white on plain paper (4.2.6): their text is not seen.
fn white_shapes(info: &[u8]) -> BTreeSet<u32> {
    let shapes = (0_u32..).zip(Records(info).filter(|record| record.tag == CHAR_SHAPE));
    shapes
        .filter(|(_, shape)| {
            let colour = |at| u32_at(shape.data, at).map(|colour| colour & 0x00FF_FFFF);
            let shade = u32_at(shape.data, 60);
            colour(52) == Some(0x00FF_FFFF) && shade.is_some_and(|shade| shade & 0x00FF_FFFF == 0x00FF_FFFF)
        })
        .map(|(id, _)| id)
        .collect()
}

/// A control whose records are being read: everything deeper belongs to it.
struct Open {
    level: u32,
    kind: Control,
}

enum Control {
    /// A table; its caption comes before its own record and counts as a row.
    Table { in_cells: bool, row: Option<u16> },
    /// A hidden comment.
    Hidden,
    /// Text boxes, notes, headers.
    Box,
}

struct Story {
    flow: Flow,
    white: BTreeSet<u32>,
    open: Vec<Open>,
    /// Text record of the paragraph, until its shapes are known.
    text: Vec<u8>,
    shapes: Vec<(u32, u32)>,
    hidden: usize,
}

impl Story {
    fn new(max_chars: usize, white: BTreeSet<u32>) -> Self {
        let (flow, open) = (Flow::new(max_chars), Vec::new());
        Self { flow, white, open, text: Vec::new(), shapes: Vec::new(), hidden: 0 }
    }

    fn section(&mut self, section: &[u8], limits: &Limits) -> Result<(), ExtractError> {
        for record in Records(section) {
            match record.tag {
                PARA_CHAR_SHAPE => self.shapes = shape_runs(record.data),
                _ => self.paragraph(),
            }
            while self.open.last().is_some_and(|open| open.level >= record.level) {
                self.close();
            }
            match record.tag {
                PARA_HEADER => self.shapes.clear(),
                PARA_TEXT => record.data.clone_into(&mut self.text),
                CTRL_HEADER => {
                    if self.open.len() >= limits.xml_depth {
                        return Err(ExtractError::malformed("controls nested too deeply"));
                    }
                    self.control(&record);
                }
                TABLE => {
                    if let Some(Open { kind: Control::Table { in_cells, .. }, .. }) = self.open.last_mut() {
                        *in_cells = true;
                    }
                }
                LIST_HEADER => self.list(record.data),
                EQUATION => self.equation(record.data),
                _ => {}
            }
            if self.flow.is_full() {
                return Ok(());
            }
        }
        self.paragraph();
        while !self.open.is_empty() {
            self.close();
        }
        Ok(())
    }

    fn control(&mut self, record: &Record<'_>) {
        // Four characters as one little-endian number (4.3.6).
        let kind = match record.data.get(..4) {
            Some(b" lbt") => {
                self.flow.open_table();
                Control::Table { in_cells: false, row: None }
            }
            Some(b"tmct") => Control::Hidden,
            _ => Control::Box,
        };
        self.open.push(Open { level: record.level, kind });
    }

    fn close(&mut self) {
        if let Some(Open { kind: Control::Table { row, .. }, .. }) = self.open.pop() {
            if row.is_some() {
                self.flow.end_cell(0);
                self.flow.end_row();
            }
            self.flow.close_table();
        }
    }

    /// A cell begins (4.3.9.1, table 80): after the list's own 8 bytes come its column and row.
    fn list(&mut self, data: &[u8]) {
        let row = data.get(10..12).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes);
        if let Some(Open { kind: Control::Table { in_cells, row: last }, .. }) = self.open.last_mut() {
            let row = if *in_cells { row } else { u16::MAX };
            if let Some(before) = last.replace(row) {
                self.flow.end_cell(0);
                if before != row {
                    self.flow.end_row();
                }
            }
        }
    }

    fn equation(&mut self, data: &[u8]) {
        let count = data.get(4..6).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes);
        let script = data.get(6..6 + usize::from(count) * 2).unwrap_or_default();
        let units: Vec<u16> = units(script).collect();
        self.write(&String::from_utf16_lossy(&units));
    }

    /// Writes the paragraph whose records are complete.
    fn paragraph(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let judged = !self.flow.in_table() && self.open.is_empty();
        let (text, hidden) = shown(&text, |at| judged && self.is_white(at));
        self.hidden += usize::from(hidden);
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if self.open.iter().any(|open| matches!(open.kind, Control::Hidden)) {
            self.hidden += usize::from(!text.trim().is_empty());
        } else {
            self.flow.line("", text);
        }
    }

    fn is_white(&self, at: u32) -> bool {
        let after = self.shapes.partition_point(|(start, _)| *start <= at);
        after
            .checked_sub(1)
            .and_then(|run| self.shapes.get(run))
            .is_some_and(|(_, shape)| self.white.contains(shape))
    }
}

/// Where each shape begins, by position in the text (4.3.3).
fn shape_runs(data: &[u8]) -> Vec<(u32, u32)> {
    let mut runs: Vec<_> =
        data.chunks_exact(8).filter_map(|run| Some((u32_at(run, 0)?, u32_at(run, 4)?))).collect();
    runs.sort_by_key(|(start, _)| *start);
    runs
}

/// Characters of a text record (4.3.2, table 6): control characters of eight units are left out, and what
/// `is_hidden` says; the second value is whether that dropped a visible character.
fn shown(record: &[u8], is_hidden: impl Fn(u32) -> bool) -> (String, bool) {
    let units: Vec<u16> = units(record).collect();
    let (mut kept, mut hidden, mut at) = (Vec::with_capacity(units.len()), false, 0_usize);
    while let Some(unit) = units.get(at) {
        let (replaced, width) = match unit {
            9 => (Some(u16::from(b'\t')), 8),
            10 => (Some(u16::from(b'\n')), 1),
            24 => (Some(u16::from(b'-')), 1),
            30 | 31 => (Some(u16::from(b' ')), 1),
            0 | 13 | 25..=29 => (None, 1),
            1..=8 | 11..=12 | 14..=23 => (None, 8),
            _ => (Some(*unit), 1),
        };
        if let Some(unit) = replaced {
            if is_hidden(u32::try_from(at).unwrap_or(u32::MAX)) {
                hidden |= unit > 32;
            } else {
                kept.push(unit);
            }
        }
        at += width;
    }
    (String::from_utf16_lossy(&kept), hidden)
}

fn units(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
