//! OneNote: everybody's own notebooks, sections and pages. Nobody reaches another person's.

mod edit;
mod errors;
mod filter;
mod html;
mod limits;
mod listing;
mod pages;
mod render;
mod shape;
mod store;

pub(super) use limits::NoteSlot;
pub(super) use store::Notes;

use self::errors::{no_path, no_scope};
use self::listing::Listing;
use self::shape::Kind;
use self::store::Shelf;
use super::call::{Answer, Call};
use super::error::GraphError;

/// Patterns mounted one by one, like those of the other parts.
pub(super) const PATTERNS: [&str; 14] = [
    "/me/onenote/notebooks",
    "/me/onenote/notebooks/{notebook}/sectionGroups",
    "/me/onenote/notebooks/{notebook}/sections",
    "/me/onenote/sections",
    "/me/onenote/sections/{section}/pages",
    "/me/onenote/pages",
    "/me/onenote/pages/{page}",
    "/me/onenote/pages/{page}/content",
    "/me/onenote/pages/{page}/copyToSection",
    "/me/onenote/pages/{page}/preview",
    "/me/onenote/operations/{operation}",
    "/me/onenote/resources/{resource}/content",
    "/me/onenote/resources/{resource}/$value",
    "/me/onenote/{tail:.*}",
];

/// Scopes that show pages.
const READ: [&str; 4] = ["Notes.Read", "Notes.ReadWrite", "Notes.Read.All", "Notes.ReadWrite.All"];
/// Scopes that show what there is to write into.
const LIST: [&str; 5] =
    ["Notes.Create", "Notes.Read", "Notes.ReadWrite", "Notes.Read.All", "Notes.ReadWrite.All"];
const CREATE: [&str; 3] = ["Notes.Create", "Notes.ReadWrite", "Notes.ReadWrite.All"];
const WRITE: [&str; 2] = ["Notes.ReadWrite", "Notes.ReadWrite.All"];

/// Whether the path is one of this part.
pub(super) fn is_notes(path: &[String]) -> bool {
    let mut segments = path.iter().map(String::as_str);
    segments.next() == Some("me") && segments.next() == Some("onenote")
}

fn allow(call: &Call<'_>, scopes: &[&str]) -> Result<(), GraphError> {
    if call.granted(scopes) { Ok(()) } else { Err(no_scope()) }
}

/// Answers what lies below `/me/onenote`.
pub(super) fn dispatch(notes: &Notes, call: &Call<'_>, path: &[&str]) -> Result<Answer, GraphError> {
    let path = path.get(2..).unwrap_or_default();
    let mut shelves = notes.shelves.write();
    let shelf = shelves.get_mut(call.oid).ok_or_else(|| GraphError::bad_token(true))?;
    match (call.method, path) {
        (
            "GET",
            ["notebooks" | "sections" | "sectionGroups"] | ["notebooks", _, "sections" | "sectionGroups"],
        ) => {
            allow(call, &LIST)?;
            containers(call, shelf, path)
        }
        ("GET", ["pages"] | ["sections", _, "pages"]) => {
            allow(call, &READ)?;
            list_pages(call, shelf, path)
        }
        ("GET", ["pages", id, rest @ ..]) => {
            allow(call, &READ)?;
            let page = shelf.page(id)?;
            match rest {
                [] => pages::get(call, shelf, page),
                ["content"] => Ok(pages::content(call, shelf, page)),
                ["preview"] => Ok(pages::preview(page)),
                _ => Err(no_path()),
            }
        }
        ("GET", ["operations", id]) => {
            allow(call, &CREATE)?;
            pages::operation(notes, call, id)
        }
        ("GET", ["resources", _, "content" | "$value"]) => {
            allow(call, &READ)?;
            Ok(pages::resource())
        }
        ("POST", ["notebooks", id, "sections"]) => {
            allow(call, &CREATE)?;
            pages::make_section(call, shelf, id)
        }
        ("POST", ["sections", id, "pages"]) => {
            allow(call, &CREATE)?;
            pages::make(call, shelf, id)
        }
        ("POST", ["pages", id, "copyToSection"]) => {
            allow(call, &WRITE)?;
            pages::copy(notes, call, shelf, id)
        }
        ("PATCH", ["pages", id, "content"]) => {
            allow(call, &WRITE)?;
            pages::change(call, shelf, id)
        }
        ("DELETE", ["pages", id]) => {
            allow(call, &WRITE)?;
            pages::remove(shelf, id)
        }
        (_, ["notebooks" | "sections" | "pages", ..]) => Err(GraphError::method()),
        _ => Err(no_path()),
    }
}

fn containers(call: &Call<'_>, shelf: &Shelf, path: &[&str]) -> Result<Answer, GraphError> {
    let within = match path {
        [_, id, _] => Some(shelf.notebook(id)?.id.as_str()),
        _ => None,
    };
    let (kind, rows) = match path.last() {
        Some(&"notebooks") => (Kind::Notebook, (0..shelf.notebooks.len()).collect()),
        Some(&"sectionGroups") => {
            let fits = |id: &str| within.is_none_or(|wanted| wanted == id);
            let rows = shelf.groups.iter().enumerate().filter(|(_, group)| fits(&group.notebook));
            (Kind::Group, rows.map(|(at, _)| at).collect())
        }
        _ => {
            // Those of a notebook are the ones directly in it; the whole list has those in groups as well.
            let rows = shelf.sections.iter().enumerate().filter(|(_, section)| {
                within.is_none_or(|wanted| section.notebook == wanted && section.group.is_none())
            });
            (Kind::Section, rows.map(|(at, _)| at).collect())
        }
    };
    Listing { call, shelf, kind, rows, in_section: false }.answer()
}

fn list_pages(call: &Call<'_>, shelf: &Shelf, path: &[&str]) -> Result<Answer, GraphError> {
    let within = match path {
        [_, id, _] => Some(shelf.section(id)?.id.as_str()),
        _ => None,
    };
    let rows = shelf.pages.iter().enumerate();
    let rows = rows.filter(|(_, page)| within.is_none_or(|wanted| page.section == wanted));
    let rows = rows.map(|(at, _)| at).collect();
    Listing { call, shelf, kind: Kind::Page, rows, in_section: within.is_some() }.answer()
}
