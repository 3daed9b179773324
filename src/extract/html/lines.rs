//! The plain text beside the canonical HTML: words, and the widest gap asked for between them.

/// What parts two words.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

/// Writer of the plain text.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    gap: Gap,
    /// No cell of this row yet.
    fresh_row: bool,
    /// No word of this cell or list item yet: boxes inside it do not part it from its mark.
    fresh_box: bool,
    bullet: bool,
}

impl Lines {
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// An element of the canonical document starts.
    pub(super) fn open(&mut self, tag: &str) {
        match tag {
            "a" | "strong" | "em" | "del" | "code" => {}
            "tr" => {
                self.raise(Gap::Line);
                self.fresh_row = true;
            }
            "td" | "th" => {
                if !std::mem::take(&mut self.fresh_row) {
                    self.gap = Gap::Cell;
                }
                self.fresh_box = true;
            }
            "li" => {
                self.raise(Gap::Line);
                self.bullet = true;
                self.fresh_box = true;
            }
            "div" | "ul" | "ol" | "p" if self.fresh_box => {}
            "div" | "ul" | "ol" => self.raise(Gap::Line),
            _ => self.raise(Gap::Paragraph),
        }
    }

    /// An element of the canonical document ends.
    pub(super) fn close(&mut self, tag: &str) {
        match tag {
            "a" | "strong" | "em" | "del" | "code" | "td" | "th" => {}
            "p" | "div" if self.fresh_box => {}
            // Paragraphs at the end of a row part no more than the row does.
            "tr" => self.gap = Gap::Line,
            "div" | "li" | "ul" | "ol" => self.raise(Gap::Line),
            _ => self.raise(Gap::Paragraph),
        }
    }

    /// A box whose tags are not written, or a `br`: the second in a row leaves an empty line.
    pub(super) fn line_break(&mut self) {
        self.raise(if self.gap == Gap::Line { Gap::Paragraph } else { Gap::Line });
    }

    /// A new line, however often it is asked for.
    pub(super) fn line(&mut self) {
        self.raise(Gap::Line);
    }

    /// An empty line.
    pub(super) fn paragraph(&mut self) {
        self.raise(Gap::Paragraph);
    }

    fn raise(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Words, with their white space collapsed.
    pub(super) fn words(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.raise(Gap::Space);
        }
        for word in text.split_whitespace() {
            self.fill();
            self.text.push_str(word);
            self.gap = Gap::Space;
        }
        if !text.ends_with(char::is_whitespace) && !text.is_empty() && self.gap == Gap::Space {
            self.gap = Gap::None;
        }
    }

    fn fill(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str(match self.gap {
                Gap::None => "",
                Gap::Space => " ",
                Gap::Cell => " | ",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        if std::mem::take(&mut self.bullet) {
            self.text.push_str("- ");
        }
        self.fresh_box = false;
        self.gap = Gap::None;
    }
}
