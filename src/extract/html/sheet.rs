//! The part of a style sheet that can hide text: simple class and id rules outside of media queries.

use std::collections::HashMap;

const MAX_RULES: usize = 500;
/// Bytes of declarations kept per selector: applied to many elements, they must stay cheap.
const MAX_DECLARATIONS: usize = 160;
const RELEVANT: &[&str] = &[
    "display",
    "visibility",
    "font-size",
    "opacity",
    "mso-hide",
    "max-height",
    "color",
    "background",
    "background-color",
    "text-indent",
    "position",
    "left",
    "top",
];

/// Rules by selector (`.name`, `tag.name` or `#name`).
#[derive(Default)]
pub(super) struct Sheet {
    rules: HashMap<String, String>,
}

impl Sheet {
    /// Adds the rules of a `style` element.
    pub(super) fn read(&mut self, css: &str) {
        let css = without_comments(css);
        let mut rest = css.as_str();
        while let Some((selectors, after)) = rest.split_once('{') {
            let selectors = selectors.rsplit(['}', ';']).next().unwrap_or(selectors).trim();
            let end = block_end(after);
            let body = after.get(..end).unwrap_or(after);
            rest = after.get(end + 1..).unwrap_or_default();
            if !selectors.starts_with('@') {
                self.rule(selectors, body);
            }
        }
    }

    fn rule(&mut self, selectors: &str, body: &str) {
        let kept: Vec<&str> =
            body.split(';').map(str::trim).filter(|declaration| is_relevant(declaration)).collect();
        let kept = kept.join(";");
        if kept.is_empty() || kept.len() > MAX_DECLARATIONS {
            return;
        }
        for selector in selectors.split(',').map(str::trim).filter(|selector| is_simple(selector)) {
            if self.rules.len() >= MAX_RULES {
                return;
            }
            let declarations = self.rules.entry(selector.to_owned()).or_default();
            if declarations.len() + kept.len() <= MAX_DECLARATIONS {
                declarations.push_str(&kept);
                declarations.push(';');
            }
        }
    }

    /// The declarations for an element, before those of its own `style`.
    pub(super) fn declarations(&self, tag: &str, class: &str, id: &str) -> String {
        let mut found = String::new();
        if self.rules.is_empty() {
            return found;
        }
        let mut add = |selector: &str| found.push_str(self.rules.get(selector).map_or("", String::as_str));
        for class in class.split_whitespace().take(4) {
            add(&format!(".{class}"));
            add(&format!("{tag}.{class}"));
        }
        if !id.is_empty() {
            add(&format!("#{id}"));
        }
        found
    }
}

fn is_relevant(declaration: &str) -> bool {
    declaration
        .split_once(':')
        .is_some_and(|(name, _)| RELEVANT.iter().any(|relevant| relevant.eq_ignore_ascii_case(name.trim())))
}

/// One class or id, perhaps with a tag: nothing that depends on where the element is or what happens to it.
fn is_simple(selector: &str) -> bool {
    selector.matches(['.', '#']).count() == 1
        && selector.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '#' | '-' | '_'))
}

/// Where the block that starts here ends, inner blocks included.
fn block_end(css: &str) -> usize {
    let mut open = 1_usize;
    for (at, c) in css.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    css.len()
}

fn without_comments(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.replace("<!--", "").replace("-->", "")
}
