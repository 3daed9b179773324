//! Hangul documents in XML (OWPML, KS X 6101): sections of paragraphs in a zip archive.

use std::collections::BTreeSet;

use super::archive::Archive;
use super::flow::Flow;
use super::plain::invisible_note;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};
use super::xml::{Tag, Token, Xml};

/// Reads a document.
pub(super) fn extract(archive: &mut Archive<'_>, options: &ExtractOptions, limits: &Limits) -> Extraction {
    if archive.text("META-INF/manifest.xml")?.is_some_and(|list| list.contains("encryption-data")) {
        return Err(ExtractError::Encrypted);
    }
    let sections = sections(archive);
    if sections.is_empty() {
        return Err(ExtractError::malformed("a Hangul document without sections"));
    }
    let white = match archive.text("Contents/header.xml")? {
        Some(header) => white_shapes(&header, limits)?,
        None => BTreeSet::new(),
    };
    let mut story = Story { flow: Flow::new(options.max_chars), white, in_text: false, hidden: 0 };
    for section in sections {
        if story.flow.is_full() {
            break;
        }
        if let Some(text) = archive.text(&section)? {
            story.read(&text, limits)?;
        }
    }
    let hidden = story.hidden;
    let (text, truncated, invisible) = story.flow.finish();
    let mut found = ExtractedText::of(Kind::Hwpx, text);
    found.truncated = truncated;
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden runs left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

/// `Contents/section0.xml` and on, in the order of their numbers.
fn sections(archive: &Archive<'_>) -> Vec<String> {
    let number = |name: &str| -> Option<u32> {
        name.strip_prefix("Contents/section")?.strip_suffix(".xml")?.parse().ok()
    };
    let mut found: Vec<_> =
        archive.names().filter_map(|name| Some((number(&name)?, name.into_owned()))).collect();
    found.sort();
    found.into_iter().map(|(_, name)| name).collect()
}

/// Ids of character shapes that show white on plain paper.
fn white_shapes(header: &str, limits: &Limits) -> Result<BTreeSet<String>, ExtractError> {
    let mut xml = Xml::new(header, limits.xml_depth);
    let mut found = BTreeSet::new();
    while let Some(token) = xml.next()? {
        if let Token::Start(tag) = token
            && tag.name == "charPr"
            && tag.get("textColor").is_some_and(|colour| colour.eq_ignore_ascii_case("#ffffff"))
            && tag
                .get("shadeColor")
                .is_none_or(|shade| shade == "none" || shade.eq_ignore_ascii_case("#ffffff"))
        {
            found.extend(tag.get("id").map(str::to_owned));
        }
    }
    Ok(found)
}

struct Story {
    flow: Flow,
    white: BTreeSet<String>,
    in_text: bool,
    hidden: usize,
}

impl Story {
    fn read(&mut self, section: &str, limits: &Limits) -> Result<(), ExtractError> {
        let mut xml = Xml::new(section, limits.xml_depth);
        // Text between the marks of a tracked deletion is gone for a reader.
        let mut deleted = false;
        // Boxes lie on paper of their own colour, so white text in them is trusted.
        let mut boxes = 0_usize;
        while let Some(token) = xml.next()? {
            match token {
                Token::Start(tag) => match tag.name.as_str() {
                    "hiddenComment" => {
                        xml.skip()?;
                        self.hidden += 1;
                    }
                    "run" if boxes == 0 && self.is_white(&tag) => {
                        xml.skip()?;
                        self.hidden += 1;
                    }
                    "deleteBegin" => deleted = true,
                    "deleteEnd" => deleted = false,
                    "drawText" => {
                        self.flow.break_paragraph();
                        boxes += 1;
                    }
                    name => self.start(name),
                },
                Token::Text(text) if self.in_text && !deleted => self.flow.text(&text),
                Token::Text(_) => {}
                Token::End(name) => {
                    boxes -= usize::from(name == "drawText" && boxes > 0);
                    self.end(&name);
                }
            }
            if self.flow.is_full() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_white(&self, run: &Tag) -> bool {
        !self.flow.in_table() && run.get("charPrIDRef").is_some_and(|id| self.white.contains(id))
    }

    fn start(&mut self, name: &str) {
        match name {
            "p" => self.flow.open_paragraph(),
            "t" | "script" => self.in_text = true,
            "tab" => self.flow.text("\t"),
            "lineBreak" => self.flow.text("\n"),
            "nbSpace" | "fwSpace" => self.flow.text(" "),
            "hyphen" => self.flow.text("-"),
            "tbl" => self.flow.open_table(),
            "footNote" | "endNote" | "header" | "footer" => self.flow.break_paragraph(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => self.flow.close_paragraph(""),
            "t" | "script" => self.in_text = false,
            "tc" => self.flow.end_cell(0),
            "tr" => {
                self.flow.end_row();
            }
            "tbl" => self.flow.close_table(),
            _ => {}
        }
    }
}
