//! Which element of a page a change is about: by the id that the page was read with, by a name, or by what it says.

use crate::extract::html::{NamedElement, NoteElements};
use crate::services::answer::line;
use crate::tools::error::ToolError;

/// Elements that are listed where a text does not say which one is meant.
const LISTED: usize = 8;
const LISTED_CHARS: usize = 60;

/// An element that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) text: String,
    /// One of the boxes that the page is made of, which stay.
    pub(super) is_box: bool,
}

impl Found {
    fn of(one: NamedElement<'_>) -> Self {
        Self {
            id: one.id.to_owned(),
            tag: one.tag.to_owned(),
            text: one.text.to_owned(),
            is_box: one.depth == 0,
        }
    }

    /// Whether something can be put into it.
    pub(super) fn takes_children(&self) -> bool {
        is_container(&self.tag)
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.tag.as_str(), "ul" | "ol")
    }
}

fn is_container(tag: &str) -> bool {
    matches!(tag, "div" | "ul" | "ol")
}

fn folded(text: &str) -> String {
    line(text).to_lowercase()
}

/// The element with a generated id, or with a name of its own (`#name`).
pub(super) fn by_target(elements: &NoteElements, target: &str) -> Result<Found, ToolError> {
    let found = match target.strip_prefix('#') {
        Some(name) => elements.iter().find(|one| one.data_id == name),
        None => elements.iter().find(|one| one.id == target),
    };
    found.map(Found::of).ok_or_else(|| {
        let text = "`target` is not on the page: ids change whenever a page is edited. Read it again with include_ids, or \
                    say with find_text what the element says.";
        ToolError::invalid("target", text)
    })
}

/// The innermost element that says `wanted`, which has to be exactly one.
pub(super) fn by_text(elements: &NoteElements, wanted: &str) -> Result<Found, ToolError> {
    let text = folded(wanted);
    if text.is_empty() {
        return Err(ToolError::invalid("find_text", "`find_text` is empty."));
    }
    let all: Vec<NamedElement<'_>> = elements.iter().collect();
    let holds: Vec<bool> = all.iter().map(|one| folded(one.text).contains(&text)).collect();
    let has_inner = |at: usize, depth: usize| {
        let below = all.iter().zip(&holds).skip(at + 1).take_while(|(one, _)| one.depth > depth);
        below.into_iter().any(|(_, holds)| *holds)
    };
    let found: Vec<&NamedElement<'_>> = all
        .iter()
        .enumerate()
        .filter(|(at, one)| holds.get(*at) == Some(&true) && !has_inner(*at, one.depth))
        .map(|(_, one)| one)
        .collect();
    match found.as_slice() {
        [one] => Ok(Found::of(**one)),
        [] => {
            let text =
                "`find_text` is nowhere on the page. Read the page, and use words as they stand there.";
            Err(ToolError::invalid("find_text", text))
        }
        several => {
            let told: Vec<String> = several.iter().take(LISTED).map(|one| printed(one)).collect();
            let text = format!(
                "`find_text` is said in {} places. Use more of the words, or `target` with one of: {}.",
                several.len(),
                told.join("; ")
            );
            Err(ToolError::invalid("find_text", text))
        }
    }
}

fn printed(one: &NamedElement<'_>) -> String {
    let text: String = line(one.text).chars().take(LISTED_CHARS).collect();
    format!("{} ({text})", one.id)
}

/// What a page is emptied of: everything in its boxes. And whether something stays, because it stands by itself.
pub(super) fn contents(elements: &NoteElements) -> (Vec<Found>, bool) {
    let inside = elements.iter().filter(|one| one.depth == 1).map(Found::of).collect();
    let stays = elements.iter().any(|one| one.depth == 0 && !is_container(one.tag));
    (inside, stays)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::html::note_elements;

    const PAGE: &str = "<body><div id=\"d1\" data-id=\"_default\"><p id=\"p1\">Load test on  Friday</p>\
        <div id=\"d2\" data-id=\"note\"><p id=\"p2\">friday too</p></div><ul id=\"u1\"><li id=\"l1\">one</li></ul></div>\
        <img id=\"i1\" alt=\"plan\" /></body>";

    #[test]
    fn an_element_is_certain_or_the_choice_is_told() {
        let page = note_elements(PAGE);
        assert_eq!(by_text(&page, " load TEST on friday").unwrap().id, "p1");
        assert_eq!(by_text(&page, "too").unwrap().id, "p2");
        assert_eq!(by_target(&page, "#note").unwrap().id, "d2");
        let one = by_target(&page, "u1").unwrap();
        assert!(one.takes_children() && one.is_list() && !one.is_box);
        let several = by_text(&page, "friday").unwrap_err().public;
        assert!(several.contains("p1 (Load test on Friday)") && several.contains("p2"), "{several}");
        for odd in ["", "  ", "nowhere"] {
            assert!(by_text(&page, odd).unwrap_err().public.contains("find_text"), "{odd}");
        }
        assert!(by_target(&page, "p9").unwrap_err().public.contains("target"));
        let (inside, stays) = contents(&page);
        assert_eq!(inside.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["p1", "d2", "u1"]);
        assert!(stays);
    }
}
