//! Collects text up to a budget and counts what it leaves out.

use super::html::drop_invisible;

/// Text with a bound on its characters.
#[derive(Debug)]
pub(super) struct Sink {
    text: String,
    left: usize,
    truncated: bool,
    invisible: usize,
}

impl Sink {
    pub(super) fn new(max_chars: usize) -> Self {
        Self { text: String::new(), left: max_chars, truncated: false, invisible: 0 }
    }

    /// Appends text without its invisible characters, as far as the budget goes.
    pub(super) fn push(&mut self, text: &str) {
        let (text, dropped) = drop_invisible(text);
        self.invisible += dropped;
        let count = text.chars().count();
        if count <= self.left {
            self.left -= count;
            self.text.push_str(&text);
            return;
        }
        self.text.extend(text.chars().take(self.left));
        self.left = 0;
        self.truncated = true;
    }

    /// A line of its own.
    pub(super) fn line(&mut self, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            self.push(text);
            self.push("\n");
        }
    }

    /// An empty line, unless there is one.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") && self.left > 0 {
            self.push("\n");
        }
    }

    /// Characters that still fit.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// No more text fits.
    pub(super) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Marks that something was left out for another reason than the budget.
    pub(super) fn cut(&mut self) {
        self.truncated = true;
    }

    /// The text, whether some is missing, and how many invisible characters were dropped.
    pub(super) fn finish(self) -> (String, bool, usize) {
        let len = self.text.trim_end().len();
        let mut text = self.text;
        text.truncate(len);
        (text, self.truncated, self.invisible)
    }
}
