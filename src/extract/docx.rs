//! Word documents (WordprocessingML, ECMA-376 part 1, 17): paragraphs, headings, lists, tables, notes.
//!
//! Deleted and moved-away text, hidden runs and white text on plain paper are left out, as a reader sees it.

use super::archive::Archive;
use super::office::{cell, main_part, relationships};
use super::plain::invisible_note;
use super::sink::Sink;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits};
use super::xml::{Tag, Token, Xml};

/// Reads a document.
pub(super) fn extract(archive: &mut Archive<'_>, options: &ExtractOptions, limits: &Limits) -> Extraction {
    let part = main_part(archive, limits, "word/document.xml")?;
    let body = archive.text(&part)?.ok_or_else(|| ExtractError::malformed("no main document part"))?;
    let mut story = Story::new(options.max_chars);
    story.read(&body, limits)?;
    for relationship in relationships(archive, &part, limits)? {
        if matches!(relationship.kind.as_str(), "footnotes" | "endnotes")
            && let Some(notes) = archive.text(&relationship.target)?
        {
            story.sink.gap();
            story.read(&notes, limits)?;
        }
    }
    let hidden = story.hidden;
    let (text, truncated, invisible) = story.sink.finish();
    let mut found = ExtractedText::of(Kind::Docx, text);
    found.truncated = truncated;
    if hidden > 0 {
        found.notes.push(format!("{hidden} hidden runs left out"));
    }
    found.notes.extend(invisible_note(invisible));
    Ok(found)
}

/// Properties of the run being read.
#[derive(Default)]
struct Run {
    vanish: bool,
    white: bool,
    shaded: bool,
    text: String,
}

/// Properties of the paragraph being read.
#[derive(Default)]
struct Paragraph {
    heading: usize,
    item: bool,
    shaded: bool,
    text: String,
}

struct Story {
    sink: Sink,
    paragraph: Paragraph,
    run: Run,
    /// Rows of open tables; inner tables flow into the cell they are in.
    tables: usize,
    row: Vec<String>,
    cell: String,
    hidden: usize,
    in_text: bool,
    in_run_properties: bool,
}

impl Story {
    fn new(max_chars: usize) -> Self {
        Self {
            sink: Sink::new(max_chars),
            paragraph: Paragraph::default(),
            run: Run::default(),
            tables: 0,
            row: Vec::new(),
            cell: String::new(),
            hidden: 0,
            in_text: false,
            in_run_properties: false,
        }
    }

    fn read(&mut self, part: &str, limits: &Limits) -> Result<(), ExtractError> {
        let mut xml = Xml::new(part, limits.xml_depth);
        while let Some(token) = xml.next()? {
            match token {
                Token::Start(tag) => match tag.name.as_str() {
                    // Text taken out by a tracked change, and the copy of a drawing for old readers.
                    "del" | "moveFrom" | "Fallback" | "pPrChange" | "rPrChange" => xml.skip()?,
                    "footnote" | "endnote" if tag.get("type").is_some() => xml.skip()?,
                    _ => self.start(&tag),
                },
                Token::End(name) => self.end(&name),
                Token::Text(text) if self.in_text => self.run.text.push_str(&text),
                Token::Text(_) => {}
            }
            if self.sink.is_full() {
                self.sink.cut();
                break;
            }
        }
        Ok(())
    }

    fn start(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "r" => self.run = Run::default(),
            "rPr" => self.in_run_properties = true,
            "t" => self.in_text = true,
            "tab" if !self.in_run_properties => self.run.text.push('\t'),
            "br" | "cr" => self.run.text.push('\n'),
            "noBreakHyphen" => self.run.text.push('-'),
            "vanish" | "webHidden" => self.run.vanish |= tag.is_on(),
            "color" => self.run.white = tag.get("val").is_some_and(is_white),
            "shd" | "highlight" => {
                let plain =
                    matches!(tag.get("fill").or(tag.get("val")), Some("auto" | "none" | "FFFFFF" | "white"));
                if self.in_run_properties {
                    self.run.shaded |= !plain;
                } else {
                    self.paragraph.shaded |= !plain;
                }
            }
            "pStyle" => self.paragraph.heading = tag.get("val").map_or(0, heading_level),
            "outlineLvl" => {
                let level = tag.get("val").and_then(|val| val.parse::<usize>().ok());
                self.paragraph.heading = level.filter(|level| *level < 9).map_or(0, |level| level + 1);
            }
            "numPr" => self.paragraph.item = true,
            "tbl" => {
                if self.tables == 0 {
                    self.sink.gap();
                }
                self.tables += 1;
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "rPr" => self.in_run_properties = false,
            "r" => self.end_run(),
            "p" => self.end_paragraph(),
            "tc" if self.tables == 1 => {
                let text = std::mem::take(&mut self.cell);
                self.row.push(cell(&text));
            }
            "tr" if self.tables == 1 => {
                let row = std::mem::take(&mut self.row);
                self.sink.line(&format!("| {} |", row.join(" | ")));
            }
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.sink.gap();
                }
            }
            _ => {}
        }
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        // Tables are coloured by styles this reader does not follow, so white text in them is trusted.
        let white = run.white && !run.shaded && !self.paragraph.shaded && self.tables == 0;
        if !(run.vanish || white) {
            self.paragraph.text.push_str(&run.text);
        } else if !run.text.trim().is_empty() {
            self.hidden += 1;
        }
    }

    fn end_paragraph(&mut self) {
        // A run left open by a damaged file, or properties of the paragraph mark.
        self.run = Run::default();
        let paragraph = std::mem::take(&mut self.paragraph);
        if self.tables > 0 {
            self.cell.push_str(&paragraph.text);
            self.cell.push('\n');
            return;
        }
        let text = paragraph.text.trim();
        if text.is_empty() {
            return;
        }
        if paragraph.heading > 0 {
            self.sink.gap();
            self.sink.line(&format!("{} {text}", "#".repeat(paragraph.heading.min(6))));
        } else if paragraph.item {
            self.sink.line(&format!("- {text}"));
        } else {
            self.sink.line(text);
        }
    }
}

/// Built-in heading styles keep their ids in every language ("Heading1", or "1" in Korean Word).
fn heading_level(style: &str) -> usize {
    match style {
        "Title" => 1,
        style => style
            .strip_prefix("Heading")
            .or_else(|| style.strip_prefix("heading "))
            .unwrap_or(style)
            .parse()
            .ok()
            .filter(|level| (1..=9).contains(level))
            .unwrap_or(0),
    }
}

fn is_white(colour: &str) -> bool {
    u32::from_str_radix(colour, 16)
        .is_ok_and(|rgb| [rgb >> 16, rgb >> 8, rgb].iter().all(|c| c & 0xFF >= 0xF8))
}
