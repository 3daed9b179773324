//! Rich Text (RTF specification 1.9.1): visible text with its tables, in any code page.
//!
//! Read here and not by a crate: those on the registry read `\'xx` bytes as Latin letters whatever the font
//! says, so Korean comes out as noise.

mod charset;
mod words;

use std::collections::BTreeMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use self::charset::of_charset;
pub(super) use self::charset::of_code_page;
use self::words::{Word, Words};
use super::flow::Flow;
use super::plain::invisible_note;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};

/// Reads a document.
pub(super) fn extract(bytes: &[u8], options: &ExtractOptions, limits: &Limits) -> Extraction {
    let (text, truncated, invisible, hidden) = read(bytes, options.max_chars, limits)?;
    let mut found = ExtractedText::of(Kind::Rtf, text);
    found.truncated = truncated;
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden runs left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

/// The text, whether some is missing, invisible characters and hidden runs left out.
pub(super) fn read(
    bytes: &[u8],
    max_chars: usize,
    limits: &Limits,
) -> Result<(String, bool, usize, usize), ExtractError> {
    let mut story = Story::new(max_chars);
    for word in Words::new(bytes) {
        match word {
            Word::Open => {
                if story.outer.len() >= limits.xml_depth {
                    return Err(ExtractError::malformed("groups nested too deeply"));
                }
                story.settle();
                story.outer.push(story.group);
                story.first = true;
            }
            Word::Close => {
                story.settle();
                if let Some(outer) = story.outer.pop() {
                    story.group = outer;
                }
                // Text after the last brace is no part of the document.
                if story.outer.is_empty() {
                    break;
                }
            }
            Word::Control(name, value) => story.control(name, value),
            Word::Byte(byte) => story.byte(byte),
            Word::Text(text) => story.bytes(text),
            Word::Optional => story.optional = true,
        }
        if story.flow.is_full() {
            break;
        }
    }
    story.settle();
    story.end_table();
    let hidden = story.hidden;
    let (text, truncated, invisible) = story.flow.finish();
    Ok((text, truncated, invisible, hidden))
}

/// What a group inherits from the one around it.
#[derive(Clone, Copy)]
struct Group {
    target: Target,
    encoding: Option<&'static Encoding>,
    hidden: bool,
    white: bool,
    shaded: bool,
    /// Characters that stand in for one `\u` (4.5.1: `\uc`).
    stand_ins: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Body,
    Fonts,
    Colours,
    /// Pictures, styles, instructions of fields.
    Nowhere,
}

struct Story {
    flow: Flow,
    group: Group,
    outer: Vec<Group>,
    /// The next control word is the first of its group: it may name a destination.
    first: bool,
    /// `\*`: a destination that readers who do not know it leave out.
    optional: bool,
    page: &'static Encoding,
    fonts: BTreeMap<i32, &'static Encoding>,
    font: i32,
    /// Whether each colour is white; the first one is automatic.
    colours: Vec<bool>,
    colour: [i32; 3],
    /// Bytes that wait for the rest of their character.
    pending: Vec<u8>,
    /// The first half of a pair of UTF-16 units.
    high: Option<u16>,
    skip: usize,
    in_table: bool,
    /// The paragraph belongs to a table, and the last row of it is written.
    in_cell: bool,
    row_done: bool,
    hidden: usize,
    was_hidden: bool,
}

impl Story {
    fn new(max_chars: usize) -> Self {
        let mut flow = Flow::new(max_chars);
        flow.open_paragraph();
        Self {
            flow,
            group: Group {
                target: Target::Body,
                encoding: None,
                hidden: false,
                white: false,
                shaded: false,
                stand_ins: 1,
            },
            outer: Vec::new(),
            first: false,
            optional: false,
            page: WINDOWS_1252,
            fonts: BTreeMap::new(),
            font: 0,
            colours: Vec::new(),
            colour: [0; 3],
            pending: Vec::new(),
            high: None,
            skip: 0,
            in_table: false,
            in_cell: false,
            row_done: false,
            hidden: 0,
            was_hidden: false,
        }
    }

    fn control(&mut self, name: &[u8], value: Option<i32>) {
        if name != b"u" {
            self.settle();
        }
        let (first, optional) = (std::mem::take(&mut self.first), std::mem::take(&mut self.optional));
        if first && self.destination(name, optional) {
            return;
        }
        let on = value != Some(0);
        match name {
            b"ansicpg" => self.page = value.and_then(of_code_page).unwrap_or(WINDOWS_1252),
            b"f" if self.group.target == Target::Fonts => self.font = value.unwrap_or(0),
            b"f" => self.group.encoding = self.fonts.get(&value.unwrap_or(0)).copied(),
            b"fcharset" if self.group.target == Target::Fonts => {
                self.fonts.extend(value.and_then(of_charset).map(|encoding| (self.font, encoding)));
            }
            b"red" | b"green" | b"blue" => {
                let [red, green, blue] = &mut self.colour;
                let part = if name == b"red" {
                    red
                } else if name == b"green" {
                    green
                } else {
                    blue
                };
                *part = value.unwrap_or(0);
            }
            b"v" | b"deleted" => self.group.hidden = on,
            b"cf" => {
                let index = value.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
                self.group.white = self.colours.get(index).copied().unwrap_or(false);
            }
            b"highlight" | b"cb" | b"chcbpat" | b"cbpat" => self.group.shaded = on,
            b"plain" => (self.group.hidden, self.group.white, self.group.shaded) = (false, false, false),
            b"uc" => self.group.stand_ins = value.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(16),
            b"u" => self.unicode(value.unwrap_or(0)),
            _ => self.layout(name),
        }
    }

    /// Takes a control word as the name of the group's destination; `true` when it was one.
    fn destination(&mut self, name: &[u8], optional: bool) -> bool {
        let target = match name {
            b"fonttbl" => Target::Fonts,
            b"colortbl" => Target::Colours,
            b"stylesheet" | b"info" | b"pict" | b"objdata" | b"header" | b"headerl" | b"headerr"
            | b"headerf" | b"footer" | b"footerl" | b"footerr" | b"footerf" | b"sp" | b"nonshppict"
            | b"fldinst" | b"xe" | b"tc" | b"bkmkstart" | b"bkmkend" | b"annotation" | b"atnid"
            | b"atnauthor" | b"filetbl" | b"listtable" | b"revtbl" => Target::Nowhere,
            // Shapes hold text boxes.
            b"shpinst" | b"shptxt" => self.group.target,
            _ if optional => Target::Nowhere,
            _ => return false,
        };
        if self.group.target != Target::Nowhere {
            self.group.target = target;
        }
        true
    }

    fn layout(&mut self, name: &[u8]) {
        if self.group.target != Target::Body {
            return;
        }
        match name {
            b"pard" => self.in_cell = false,
            b"trowd" => self.open_table(),
            b"intbl" => {
                self.in_cell = true;
                self.open_table();
            }
            b"par" | b"sect" | b"page" => {
                self.leave_table();
                if self.in_table {
                    self.flow.text("\n");
                } else {
                    self.flow.break_paragraph();
                }
            }
            b"line" | b"nestcell" | b"nestrow" => self.flow.text("\n"),
            b"tab" => self.flow.text("\t"),
            b"cell" => {
                self.row_done = false;
                self.flow.break_paragraph();
                self.flow.end_cell(0);
            }
            b"row" => {
                self.row_done = true;
                self.flow.break_paragraph();
                self.flow.end_row();
            }
            b"emdash" => self.flow.text("\u{2014}"),
            b"endash" => self.flow.text("\u{2013}"),
            b"bullet" => self.flow.text("\u{2022}"),
            b"lquote" => self.flow.text("\u{2018}"),
            b"rquote" => self.flow.text("\u{2019}"),
            b"ldblquote" => self.flow.text("\u{201C}"),
            b"rdblquote" => self.flow.text("\u{201D}"),
            b"~" | b"emspace" | b"enspace" => self.flow.text(" "),
            b"_" => self.flow.text("-"),
            _ => {}
        }
    }

    fn open_table(&mut self) {
        if !self.in_table {
            self.flow.open_table();
            self.in_table = true;
        }
    }

    /// A paragraph outside of cells after the last row: the table is over.
    fn leave_table(&mut self) {
        if self.in_table && self.row_done && !self.in_cell {
            self.flow.close_table();
            self.in_table = false;
        }
    }

    fn encoding(&self) -> &'static Encoding {
        self.group.encoding.unwrap_or(self.page)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.first = false;
        match self.group.target {
            Target::Body => {}
            Target::Colours => return self.colours_end(bytes),
            Target::Fonts | Target::Nowhere => return,
        }
        for byte in bytes {
            self.put(*byte);
        }
    }

    /// A byte written as `\'xx`.
    fn byte(&mut self, byte: u8) {
        self.first = false;
        if self.group.target == Target::Body {
            self.put(byte);
        }
    }

    fn put(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.high = None;
            self.pending.push(byte);
        }
    }

    /// Each entry of the colour table ends with a semicolon.
    fn colours_end(&mut self, bytes: &[u8]) {
        for _ in bytes.iter().filter(|byte| **byte == b';') {
            let white = self.colour.iter().all(|part| *part >= 0xF8);
            if self.colours.len() < 4_096 {
                self.colours.push(white && !self.colours.is_empty());
            }
            self.colour = [0; 3];
        }
    }

    /// `\u` holds a UTF-16 unit as a signed number; those who know it skip what stands in for it.
    fn unicode(&mut self, value: i32) {
        let high = self.high.take();
        self.settle();
        self.skip = self.group.stand_ins;
        let Ok(unit) = u16::try_from(value & 0xFFFF) else { return };
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        let units = [high.unwrap_or(unit), unit];
        let units = if high.is_some() { &units[..] } else { units.get(1..).unwrap_or_default() };
        let text = String::from_utf16_lossy(units);
        self.show(&text);
    }

    /// Decodes the bytes that wait. Called before anything that may change how they are read.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let text = self.encoding().decode_without_bom_handling(&bytes).0.into_owned();
        self.show(&text);
    }

    fn show(&mut self, text: &str) {
        if self.group.target != Target::Body || text.is_empty() {
            return;
        }
        self.leave_table();
        // Cells are coloured by properties this reader does not follow, so white text in them is trusted.
        let white = self.group.white && !self.group.shaded && !self.in_table;
        let hides = self.group.hidden || white;
        if hides {
            self.hidden += usize::from(!self.was_hidden && !text.trim().is_empty());
        } else {
            self.flow.text(text);
        }
        self.was_hidden = hides;
    }

    fn end_table(&mut self) {
        self.flow.break_paragraph();
        if self.in_table {
            self.flow.end_cell(0);
            self.flow.end_row();
            self.flow.close_table();
        }
    }
}
