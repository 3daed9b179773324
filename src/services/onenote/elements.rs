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
    /// Which it is of those that look and say the same, and how many they are.
    pub(super) among: (usize, usize),
    /// Pictures and files that it is or holds, in words.
    pub(super) files: Vec<String>,
}

impl Found {
    /// The element at a place of the page.
    fn at(all: &[NamedElement<'_>], at: usize) -> Option<Self> {
        let one = all.get(at)?;
        let is_same =
            |other: &&NamedElement<'_>| other.tag == one.tag && folded(other.text) == folded(one.text);
        let before = all.iter().take(at).filter(is_same).count();
        let total = all.iter().filter(is_same).count();
        let inside = all.iter().skip(at + 1).take_while(|other| other.depth > one.depth);
        let files = std::iter::once(one).chain(inside).filter_map(file).collect();
        Some(Self {
            id: one.id.to_owned(),
            tag: one.tag.to_owned(),
            text: one.text.to_owned(),
            is_box: one.depth == 0,
            among: (before + 1, total),
            files,
        })
    }

    /// Which of several alike it is, in words; nothing where there is one alone.
    pub(super) fn ordinal(&self) -> String {
        match self.among {
            (_, 0 | 1) => String::new(),
            (nth, total) => format!(" (number {nth} of {total} that are alike)"),
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

/// A picture or file, as a person would call it.
fn file(one: &NamedElement<'_>) -> Option<String> {
    let kind = match one.tag {
        "img" => "picture",
        "object" => "file",
        _ => return None,
    };
    let name: String = line(one.text).chars().take(LISTED_CHARS).collect();
    Some(if name.is_empty() { format!("a {kind} without a name") } else { format!("the {kind} \"{name}\"") })
}

fn is_container(tag: &str) -> bool {
    matches!(tag, "div" | "ul" | "ol")
}

fn folded(text: &str) -> String {
    line(text).to_lowercase()
}

/// The element with a generated id, or with a name of its own (`#name`).
pub(super) fn by_target(elements: &NoteElements, target: &str) -> Result<Found, ToolError> {
    let all: Vec<NamedElement<'_>> = elements.iter().collect();
    let found = match target.strip_prefix('#') {
        Some(name) => all.iter().position(|one| one.data_id == name),
        None => all.iter().position(|one| one.id == target),
    };
    found.and_then(|at| Found::at(&all, at)).ok_or_else(|| {
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
    let found: Vec<(usize, &NamedElement<'_>)> = all
        .iter()
        .enumerate()
        .filter(|(at, one)| holds.get(*at) == Some(&true) && !has_inner(*at, one.depth))
        .collect();
    match found.as_slice() {
        [(at, _)] => Found::at(&all, *at).ok_or_else(|| ToolError::internal("an element that is none")),
        [] => {
            let text =
                "`find_text` is nowhere on the page. Read the page, and use words as they stand there.";
            Err(ToolError::invalid("find_text", text))
        }
        several => {
            let told: Vec<String> = several.iter().take(LISTED).map(|(_, one)| printed(one)).collect();
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
    let all: Vec<NamedElement<'_>> = elements.iter().collect();
    let inside = all.iter().enumerate().filter(|(_, one)| one.depth == 1);
    let inside = inside.filter_map(|(at, _)| Found::at(&all, at)).collect();
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

    #[test]
    fn of_elements_that_are_alike_it_is_told_which_and_what_goes_with_it() {
        let page = note_elements(
            "<body><div id=\"d1\"><p id=\"p1\">Same</p><p id=\"p2\">Other</p><p id=\"p3\"> same</p>\
             <div id=\"d2\"><img id=\"i1\" alt=\"plan\" /><img id=\"i2\" /></div></div></body>",
        );
        assert_eq!(by_target(&page, "p1").unwrap().ordinal(), " (number 1 of 2 that are alike)");
        assert_eq!(by_target(&page, "p3").unwrap().ordinal(), " (number 2 of 2 that are alike)");
        assert_eq!(by_target(&page, "p2").unwrap().ordinal(), "");
        let files = by_target(&page, "d2").unwrap().files;
        assert_eq!(files, ["the picture \"plan\"", "a picture without a name"]);
        assert_eq!(by_target(&page, "i1").unwrap().files.len(), 1);
    }
}
