//! Tells tables of data from tables of layout.
//!
//! Mail is laid out with tables, and only the end of one shows what it was: one that holds another table, or
//! never has two cells side by side, is layout. Its tags are then turned into plain boxes.

/// Where a tag of a table stands in the HTML.
struct Mark {
    table: usize,
    at: usize,
    len: usize,
    closes: bool,
}

#[derive(Default)]
struct Table {
    cells_in_row: usize,
    widest: usize,
    layout: bool,
}

/// The tables written so far.
#[derive(Default)]
pub(super) struct Tables {
    marks: Vec<Mark>,
    seen: Vec<Table>,
    /// Open tables: an index, or `None` for one that is written as a box.
    open: Vec<Option<usize>>,
}

impl Tables {
    /// Whether the innermost open table is written as one.
    pub(super) fn is_in_table(&self) -> bool {
        matches!(self.open.last(), Some(Some(_)))
    }

    /// Tables open and written.
    pub(super) fn depth(&self) -> usize {
        self.open.iter().flatten().count()
    }

    /// A table starts; `written` when its tags are.
    pub(super) fn enter(&mut self, written: bool) {
        if let Some(outer) =
            self.open.iter().rev().flatten().next().and_then(|outer| self.seen.get_mut(*outer))
        {
            outer.layout = true;
        }
        if written {
            self.open.push(Some(self.seen.len()));
            self.seen.push(Table::default());
        } else {
            self.open.push(None);
        }
    }

    /// The innermost table ends.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// A tag of the innermost table was written at `at`.
    pub(super) fn mark(&mut self, tag: &str, at: usize, len: usize, closes: bool) {
        let Some(Some(index)) = self.open.last().copied() else {
            return;
        };
        self.marks.push(Mark { table: index, at, len, closes });
        if let (false, Some(table)) = (closes, self.seen.get_mut(index)) {
            match tag {
                "tr" => table.cells_in_row = 0,
                "td" | "th" => {
                    table.cells_in_row += 1;
                    table.widest = table.widest.max(table.cells_in_row);
                }
                _ => {}
            }
        }
    }

    /// The HTML with layout tables turned into boxes.
    pub(super) fn resolve(self, html: &str) -> String {
        let mut out = String::with_capacity(html.len());
        let mut from = 0;
        for mark in &self.marks {
            let layout = self.seen.get(mark.table).is_some_and(|table| table.layout || table.widest < 2);
            if layout {
                out.push_str(html.get(from..mark.at).unwrap_or_default());
                out.push_str(if mark.closes { "</div>" } else { "<div>" });
                from = mark.at + mark.len;
            }
        }
        out.push_str(html.get(from..).unwrap_or_default());
        out
    }
}
