//! OpenDocument texts, spreadsheets and presentations (OASIS ODF 1.3, part 3): all in `content.xml`.

use std::collections::BTreeSet;

use super::archive::Archive;
use super::flow::Flow;
use super::plain::invisible_note;
use super::types::{ExtractError, ExtractOptions, ExtractedText, Extraction, Kind, Limits, SheetName};
use super::xml::{Tag, Token, Xml};

/// Reads a document of any of the three kinds.
pub(super) fn extract(
    kind: Kind,
    archive: &mut Archive<'_>,
    options: &ExtractOptions,
    limits: &Limits,
) -> Extraction {
    if archive.text("META-INF/manifest.xml")?.is_some_and(|list| list.contains("encryption-data")) {
        return Err(ExtractError::Encrypted);
    }
    let content =
        archive.text("content.xml")?.ok_or_else(|| ExtractError::malformed("no content in the document"))?;
    let mut story = Story::new(kind, options, limits);
    if let Some(styles) = archive.text("styles.xml")? {
        story.styles(&styles)?;
    }
    story.read(&content)?;
    story.finish()
}

/// Names of styles that keep something from a reader.
#[derive(Default)]
struct Hidden {
    text: BTreeSet<String>,
    white: BTreeSet<String>,
    tables: BTreeSet<String>,
    pages: BTreeSet<String>,
}

impl Hidden {
    /// Takes note of the properties of the style that is being read.
    fn note(&mut self, style: &str, tag: &Tag) {
        if style.is_empty() {
            return;
        }
        let (name, is) = (style.to_owned(), |key: &str, value: &str| tag.get(key) == Some(value));
        match tag.name.as_str() {
            "text-properties" if is("display", "none") => self.text.insert(name),
            "text-properties" => {
                let plain = tag.get("background-color").is_none_or(|colour| colour == "transparent");
                let white = tag.get("color").is_some_and(|colour| colour.eq_ignore_ascii_case("#ffffff"));
                white && plain && self.white.insert(name)
            }
            "table-properties" if is("display", "false") => self.tables.insert(name),
            "drawing-page-properties" if is("visibility", "hidden") => self.pages.insert(name),
            _ => false,
        };
    }
}

struct Story<'a> {
    kind: Kind,
    options: &'a ExtractOptions,
    limits: &'a Limits,
    flow: Flow,
    hidden: Hidden,
    hidden_parts: usize,
    hidden_sheets: usize,
    sheets: Vec<SheetName>,
    slides: u32,
    cells_left: usize,
    cut: bool,
    /// Marks of the open paragraphs.
    marks: Vec<String>,
    lists: usize,
    /// Notes are written into the paragraph they stand in.
    in_notes: usize,
    /// Empty cells to add after the one that ends.
    more_cells: usize,
    /// Whether the row says it repeats, and rows that did.
    repeats: bool,
    repeated_rows: usize,
}

impl<'a> Story<'a> {
    fn new(kind: Kind, options: &'a ExtractOptions, limits: &'a Limits) -> Self {
        Self {
            kind,
            options,
            limits,
            flow: Flow::new(options.max_chars),
            hidden: Hidden::default(),
            hidden_parts: 0,
            hidden_sheets: 0,
            sheets: Vec::new(),
            slides: 0,
            cells_left: limits.cells,
            cut: false,
            marks: Vec::new(),
            lists: 0,
            in_notes: 0,
            more_cells: 0,
            repeats: false,
            repeated_rows: 0,
        }
    }

    fn styles(&mut self, part: &str) -> Result<(), ExtractError> {
        let mut xml = Xml::new(part, self.limits.xml_depth);
        let mut style = String::new();
        while let Some(token) = xml.next()? {
            match token {
                Token::Start(tag) if tag.name == "style" => {
                    tag.get("name").unwrap_or_default().clone_into(&mut style);
                }
                Token::Start(tag) => self.hidden.note(&style, &tag),
                Token::End(name) if name == "style" => style.clear(),
                Token::End(_) | Token::Text(_) => {}
            }
        }
        Ok(())
    }

    fn read(&mut self, content: &str) -> Result<(), ExtractError> {
        let mut xml = Xml::new(content, self.limits.xml_depth);
        let mut style = String::new();
        while let Some(token) = xml.next()? {
            match token {
                Token::Start(tag) if tag.name == "style" => {
                    tag.get("name").unwrap_or_default().clone_into(&mut style);
                }
                Token::Start(tag) => {
                    self.hidden.note(&style, &tag);
                    if self.leaves_out(&tag) {
                        xml.skip()?;
                    } else {
                        self.start(&tag);
                    }
                }
                // Outside of paragraphs there is only the layout of the file.
                Token::Text(text) => self.flow.text(&text),
                Token::End(name) if name == "style" => style.clear(),
                Token::End(name) => self.end(&name),
            }
            if self.flow.is_full() || self.cells_left == 0 {
                self.cut = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether an element is nothing a reader of the document sees, or was not asked for.
    fn leaves_out(&mut self, tag: &Tag) -> bool {
        let style = tag.get("style-name").unwrap_or_default();
        match tag.name.as_str() {
            // Deleted text, comments, what readers without our abilities see instead.
            "tracked-changes" | "annotation" | "desc" | "scripts" => true,
            "hidden-text" | "hidden-paragraph" => {
                self.hidden_parts += 1;
                true
            }
            "p" | "h" | "span" => {
                let on_paper = self.kind == Kind::Odt && !self.flow.in_table();
                let hides =
                    self.hidden.text.contains(style) || (on_paper && self.hidden.white.contains(style));
                self.hidden_parts += usize::from(hides);
                hides
            }
            "table" if self.kind == Kind::Ods => self.leaves_sheet_out(tag, style),
            "page" if self.kind == Kind::Odp => {
                self.slides += 1;
                let hides = self.hidden.pages.contains(style);
                self.hidden_parts += usize::from(hides);
                let (first, last) = self.options.pages.unwrap_or((1, u32::MAX));
                hides || !(first..=last).contains(&self.slides)
            }
            _ => false,
        }
    }

    fn leaves_sheet_out(&mut self, tag: &Tag, style: &str) -> bool {
        if self.flow.in_table() {
            return false;
        }
        let name = tag.get("name").unwrap_or_default().to_owned();
        let hidden = self.hidden.tables.contains(style);
        let out = match &self.options.sheet {
            Some(wanted) => !name.eq_ignore_ascii_case(wanted.trim()),
            None => hidden,
        };
        self.hidden_sheets += usize::from(hidden && out && self.options.sheet.is_none());
        self.sheets.push(SheetName { name, hidden });
        out
    }

    fn start(&mut self, tag: &Tag) {
        let count = |name: &str, most: usize| {
            tag.get(name).and_then(|count| count.parse::<usize>().ok()).unwrap_or(1).clamp(1, most)
        };
        match tag.name.as_str() {
            "p" | "h" if self.in_notes > 0 => self.flow.text(" "),
            "p" | "h" => {
                let mark = if tag.name == "h" {
                    format!("{} ", "#".repeat(count("outline-level", 6)))
                } else if self.lists > 0 {
                    "- ".to_owned()
                } else {
                    String::new()
                };
                self.flow.break_paragraph();
                self.marks.push(mark);
                self.flow.open_paragraph();
            }
            "list" => self.lists += 1,
            "s" => self.flow.text(&" ".repeat(count("c", 100))),
            "tab" => self.flow.text("\t"),
            "line-break" => self.flow.text("\n"),
            "note-body" => {
                self.in_notes += 1;
                self.flow.text(" [");
            }
            "table" => {
                if self.kind == Kind::Ods && !self.flow.in_table() {
                    self.flow.line("## ", tag.get("name").unwrap_or_default());
                }
                self.flow.open_table();
            }
            "table-row" => self.repeats = count("number-rows-repeated", 2) > 1,
            "table-cell" | "covered-table-cell" => {
                self.more_cells = count("number-columns-repeated", 1_000) - 1;
                self.cells_left = self.cells_left.saturating_sub(1);
            }
            "page" => {
                self.flow.gap();
                self.flow.line("## ", &format!("Slide {}", self.slides));
            }
            "notes" => self.flow.line("", "Notes:"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" | "h" if self.in_notes > 0 => {}
            "p" | "h" => {
                let mark = self.marks.pop().unwrap_or_default();
                self.flow.close_paragraph(&mark);
            }
            "list" => self.lists = self.lists.saturating_sub(1),
            "note-body" => {
                self.in_notes = self.in_notes.saturating_sub(1);
                self.flow.text("]");
            }
            "table-cell" | "covered-table-cell" => self.flow.end_cell(std::mem::take(&mut self.more_cells)),
            "table-row" => {
                let written = self.flow.end_row();
                self.repeated_rows += usize::from(written && std::mem::take(&mut self.repeats));
            }
            "table" => self.flow.close_table(),
            _ => {}
        }
    }

    fn finish(self) -> Extraction {
        let slides = self.slides;
        if let Some((first, last)) = self.options.pages
            && self.kind == Kind::Odp
            && (first > slides || last < first)
            && !self.cut
        {
            return Err(ExtractError::NoSuchPage { pages: slides });
        }
        if let Some(wanted) = &self.options.sheet
            && self.kind == Kind::Ods
            && !self.sheets.iter().any(|sheet| sheet.name.eq_ignore_ascii_case(wanted.trim()))
        {
            return Err(ExtractError::NoSuchSheet { sheets: self.sheets });
        }
        let (text, truncated, invisible) = self.flow.finish();
        let mut found = ExtractedText::of(self.kind, text);
        found.truncated = truncated || self.cut;
        found.pages = (self.kind == Kind::Odp).then_some(slides);
        found.sheets = self.sheets;
        if self.hidden_parts > 0 {
            found.notes.push(format!("{} hidden parts left out", self.hidden_parts));
        }
        if self.hidden_sheets > 0 {
            let hidden = self.hidden_sheets;
            found.notes.push(format!("{hidden} hidden sheets left out; name one in `sheet` to read it"));
        }
        if self.repeated_rows > 0 {
            found.notes.push(format!("{} rows that repeat are shown once", self.repeated_rows));
        }
        found.notes.extend(invisible_note(invisible));
        Ok(found)
    }
}
