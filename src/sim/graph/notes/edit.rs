//! `PATCH /me/onenote/pages/{id}/content`: a list of changes, all of them or none (concepts/onenote-update-page).

use serde_json::Value;

use super::errors::bad;
use super::html::{self, Element, Piece, addresses, blocks, fragment, generated};
use super::store::Page;
use crate::sim::graph::error::GraphError;

/// One change.
struct Change<'a> {
    target: &'a str,
    action: &'a str,
    before: bool,
    content: &'a str,
}

impl<'a> Change<'a> {
    fn read(value: &'a Value) -> Result<Self, GraphError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let before = match text("position").map(str::to_lowercase).as_deref() {
            None | Some("after") => false,
            Some("before") => true,
            Some(_) => return Err(bad("20121", "The position is not one of after and before.")),
        };
        let known = ["target", "action", "position", "content"];
        if value.as_object().is_none_or(|all| all.keys().any(|name| !known.contains(&name.as_str()))) {
            return Err(bad("20126", "The message body contains fields that are not supported."));
        }
        match (text("target"), text("action")) {
            (Some(target), Some(action)) => {
                Ok(Self { target, action, before, content: text("content").unwrap_or_default() })
            }
            _ => Err(bad("20109", "The payload in the PATCH request is not constructed correctly.")),
        }
    }
}

/// Applies the changes of a body to a page.
pub(super) fn apply(page: &mut Page, body: &[u8]) -> Result<(), GraphError> {
    let changes: Value = serde_json::from_slice(body)
        .map_err(|_| bad("20020", "Encountered malformed JSON in request body."))?;
    let changes = changes.as_array().filter(|all| !all.is_empty());
    let changes = changes.ok_or_else(|| bad("20125", "The PATCH request contains no actions."))?;
    let ids = page_guid(page);
    let (mut title, mut body) = (page.title.clone(), page.body.clone());
    // Ids are those of the page as it was read, whatever the changes before this one did.
    let numbered: Vec<String> = addresses(&body)
        .iter()
        .enumerate()
        .map(|(at, (_, element))| generated(&element.name, &ids, at + 1))
        .collect();
    mark(&mut body, &mut numbered.iter());
    for change in changes {
        let change = Change::read(change)?;
        if change.target == "title" {
            if !change.action.eq_ignore_ascii_case("replace") {
                return Err(unsupported());
            }
            title = html::text_of(change.content);
            continue;
        }
        one(&mut body, &change)?;
    }
    unmark(&mut body);
    page.title = title;
    page.body = body;
    page.revision += 1;
    Ok(())
}

/// The GUID of the generated ids that a page has now.
pub(super) fn page_guid(page: &Page) -> String {
    use crate::sim::seed::rng::{hash, mix};
    super::store::guid(mix(hash(page.id.as_bytes()) ^ page.revision))
}

/// Attribute that holds a generated id while changes are applied.
const MARK: &str = "\u{1}id";

fn mark<'a>(pieces: &mut [Piece], ids: &mut impl Iterator<Item = &'a String>) {
    for piece in pieces {
        let Piece::Element(element) = piece else { continue };
        if html::is_addressed(&element.name)
            && let Some(id) = ids.next()
        {
            element.attributes.push((MARK.to_owned(), id.clone()));
        }
        mark(&mut element.children, ids);
    }
}

fn unmark(pieces: &mut [Piece]) {
    for piece in pieces {
        if let Piece::Element(element) = piece {
            element.attributes.retain(|(name, _)| name != MARK);
            unmark(&mut element.children);
        }
    }
}

fn unsupported() -> GraphError {
    bad("20141", "The target in the PATCH request does not support the specified action.")
}

fn one(body: &mut [Piece], change: &Change<'_>) -> Result<(), GraphError> {
    let target = change.target;
    let is_wanted = |element: &Element| match target.strip_prefix('#') {
        Some(id) => element.attribute("data-id") == Some(id),
        None => element.attribute(MARK) == Some(target),
    };
    let all = addresses(body);
    let path = match target {
        "body" => Some(vec![0]),
        _ => all.iter().find(|(_, element)| is_wanted(element)).map(|(path, _)| path.clone()),
    };
    let Some(path) = path else {
        let by_name = all.iter().any(|(_, element)| element.attribute("data-id") == Some(target));
        return Err(if by_name {
            bad("20134", "A target that is a data-id begins with #.")
        } else {
            bad("20149", "The target element cannot be found.")
        });
    };
    let name = match target {
        "body" => "div".to_owned(),
        _ => element_at(body, &path).map(|element| element.name.clone()).unwrap_or_default(),
    };
    let is_top = path.len() == 1;
    match change.action.to_lowercase().as_str() {
        action @ ("append" | "prepend") => {
            if !matches!(name.as_str(), "div" | "ul" | "ol") {
                return Err(bad("20138", "The target element type does not support the append action."));
            }
            let inside = element_at(body, &path).ok_or_else(unsupported)?;
            let new = content(change.content, &name)?;
            let first = change.before || action == "prepend";
            let at = if first { 0 } else { inside.children.len() };
            inside.children.splice(at..at, new);
        }
        "insert" if !is_top => {
            let (siblings, at) = siblings(body, &path).ok_or_else(unsupported)?;
            let at = if change.before { at } else { at + 1 };
            siblings.splice(at..at, content(change.content, "div")?);
        }
        "replace" if !is_top => {
            if target.starts_with('#') && !matches!(name.as_str(), "img" | "object") {
                return Err(unsupported());
            }
            let (siblings, at) = siblings(body, &path).ok_or_else(unsupported)?;
            let new =
                if change.content.trim().is_empty() { Vec::new() } else { content(change.content, "div")? };
            siblings.splice(at..=at, new);
        }
        "insert" | "replace" => return Err(unsupported()),
        _ => return Err(bad("20122", "The request specifies an unsupported PATCH action.")),
    }
    Ok(())
}

/// What is put in; items where a list takes it.
fn content(text: &str, into: &str) -> Result<Vec<Piece>, GraphError> {
    let pieces = blocks(&fragment(text));
    if pieces.is_empty() {
        return Err(bad("20132", "The request contains invalid content."));
    }
    if !matches!(into, "ul" | "ol") {
        return Ok(pieces);
    }
    let item = |piece: Piece| match piece {
        Piece::Element(element) if element.name == "li" => Piece::Element(element),
        other @ (Piece::Text(_) | Piece::Element(_)) => {
            Piece::Element(Element { name: "li".to_owned(), children: vec![other], ..Element::default() })
        }
    };
    Ok(pieces.into_iter().map(item).collect())
}

fn element_at<'a>(pieces: &'a mut [Piece], path: &[usize]) -> Option<&'a mut Element> {
    let (first, rest) = path.split_first()?;
    let Piece::Element(element) = pieces.get_mut(*first)? else { return None };
    if rest.is_empty() { Some(element) } else { element_at(&mut element.children, rest) }
}

fn siblings<'a>(pieces: &'a mut [Piece], path: &[usize]) -> Option<(&'a mut Vec<Piece>, usize)> {
    let (last, above) = path.split_last()?;
    Some((&mut element_at(pieces, above)?.children, *last))
}
