//! Paragraphs that may hold tables that hold paragraphs, as document formats nest them, written line by line.

use super::office::cell;
use super::sink::Sink;

/// Collects paragraphs; inner tables flow into the cell they are in.
pub(super) struct Flow {
    sink: Sink,
    paragraphs: Vec<String>,
    tables: Vec<Table>,
    /// Characters a table may hold back before its row is written.
    budget: usize,
}

#[derive(Default)]
struct Table {
    row: Vec<String>,
    cell: String,
}

impl Flow {
    pub(super) fn new(max_chars: usize) -> Self {
        let budget = max_chars.saturating_mul(4).saturating_add(4_096);
        Self { sink: Sink::new(max_chars), paragraphs: Vec::new(), tables: Vec::new(), budget }
    }

    pub(super) fn open_paragraph(&mut self) {
        self.paragraphs.push(String::new());
    }

    /// Text of the paragraph that is open; lost outside of one.
    pub(super) fn text(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.push_str(text);
        }
    }

    /// Ends the paragraph with a Markdown mark before it, such as `- `.
    pub(super) fn close_paragraph(&mut self, mark: &str) {
        let text = self.paragraphs.pop().unwrap_or_default();
        self.line(mark, &text);
    }

    /// Writes what the open paragraph has so far: something of its own line comes inside it.
    pub(super) fn break_paragraph(&mut self) {
        let text = self.paragraphs.last_mut().map(std::mem::take).unwrap_or_default();
        self.line("", &text);
    }

    /// A whole paragraph.
    pub(super) fn line(&mut self, mark: &str, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let Some(table) = self.tables.last_mut() else {
            if mark.starts_with('#') {
                self.sink.gap();
            }
            self.sink.line(&format!("{mark}{text}"));
            return;
        };
        if table.cell.len() > self.budget {
            self.sink.cut();
            return;
        }
        table.cell.push_str(text);
        table.cell.push('\n');
    }

    /// An empty line between parts of the document.
    pub(super) fn gap(&mut self) {
        self.sink.gap();
    }

    pub(super) fn open_table(&mut self) {
        self.break_paragraph();
        if self.tables.is_empty() {
            self.sink.gap();
        }
        self.tables.push(Table::default());
    }

    pub(super) fn in_table(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Ends a cell, and adds `more` empty ones.
    pub(super) fn end_cell(&mut self, more: usize) {
        if let Some(table) = self.tables.last_mut() {
            let text = std::mem::take(&mut table.cell);
            table.row.push(cell(&text));
            let width = table.row.len().saturating_add(more).min(MAX_COLUMNS.max(table.row.len()));
            table.row.resize(width, String::new());
        }
    }

    /// Ends a row; trailing empty cells go, and a row without text. Whether there was any.
    pub(super) fn end_row(&mut self) -> bool {
        let mut row = self.tables.last_mut().map(|table| std::mem::take(&mut table.row)).unwrap_or_default();
        while row.last().is_some_and(String::is_empty) {
            row.pop();
        }
        if row.is_empty() {
            return false;
        }
        if self.tables.len() == 1 {
            self.sink.line(&format!("| {} |", row.join(" | ")));
        } else {
            let inner = self.tables.pop();
            self.line("", &row.join(" "));
            self.tables.extend(inner);
        }
        true
    }

    pub(super) fn close_table(&mut self) {
        self.tables.pop();
        if self.tables.is_empty() {
            self.sink.gap();
        }
    }

    /// Whether more text would be lost.
    pub(super) fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    /// The text, whether some is missing, and how many invisible characters were dropped.
    pub(super) fn finish(mut self) -> (String, bool, usize) {
        // A damaged end: what is open is written.
        while !self.paragraphs.is_empty() {
            self.close_paragraph("");
        }
        while self.in_table() {
            self.end_cell(0);
            self.end_row();
            self.close_table();
        }
        if self.sink.is_full() {
            self.sink.cut();
        }
        self.sink.finish()
    }
}

/// Columns shown of a row.
const MAX_COLUMNS: usize = 200;
