//! Pages and sections one by one: contents, making, changing, copying, removing.

use serde_json::{Value, json};

use super::edit::{apply, page_guid};
use super::errors::{bad, locked, malformed_id, no_resource, refused};
use super::html::{self, Form};
use super::render::{Paint, time};
use super::shape::{Kind, Shape};
use super::store::{Notes, Operation, Page, Section, Shelf};
use crate::sim::clock;
use crate::sim::graph::call::{Answer, Call};
use crate::sim::graph::error::GraphError;
use crate::sim::seed::files::FileKind;
use chrono::SubsecRound as _;

/// Longest name of a section.
const MAX_NAME: usize = 50;
const FORBIDDEN: &str = "?*\\/:<>|&#\"%~";

fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, ..Answer::json(body.to_string().into_bytes()) }
}

/// `GET /me/onenote/pages/{id}`.
pub(super) fn get(call: &Call<'_>, shelf: &Shelf, page: &Page) -> Result<Answer, GraphError> {
    let shape = Shape::of(call, Kind::Page)?;
    let levelled = call.query.get("pagelevel") == Some("true");
    let order =
        shelf.pages.iter().filter(|one| one.section == page.section).position(|one| one.id == page.id);
    let paint = Paint { shelf, origin: call.origin };
    Ok(answer(200, &paint.page(page, order.filter(|_| levelled), &shape)))
}

/// `GET /me/onenote/pages/{id}/content`.
pub(super) fn content(call: &Call<'_>, shelf: &Shelf, page: &Page) -> Answer {
    let guid = page_guid(page);
    let ids = (call.query.get("includeIDs") == Some("true")).then_some(guid.as_str());
    let resources = format!("{}/v1.0/users('{}')/onenote/resources", call.origin, shelf.upn);
    let body = html::write(&page.body, Form { resources: &resources, ids });
    let text = format!(
        "<html lang=\"en-US\"><head><title>{}</title><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />\
         <meta name=\"created\" content=\"{}.0000000\" /></head>\
         <body data-absolute-enabled=\"true\" style=\"font-family:Calibri;font-size:11pt\">{body}</body></html>",
        html::escaped(&page.title),
        page.created.format("%Y-%m-%dT%H:%M:%S"),
    );
    Answer::raw("text/html", text.into_bytes().into())
}

/// `GET /me/onenote/pages/{id}/preview`.
pub(super) fn preview(page: &Page) -> Answer {
    let text: String = html::plain(&page.body).chars().take(300).collect();
    answer(200, &json!({ "previewText": text, "links": { "previewImageUrl": { "href": null } } }))
}

/// `GET /me/onenote/resources/{id}/content`: every picture is the same one.
pub(super) fn resource() -> Answer {
    Answer::raw("application/octet-stream", FileKind::Png.make(7).into())
}

/// `POST /me/onenote/notebooks/{id}/sections`.
pub(super) fn make_section(call: &Call<'_>, shelf: &mut Shelf, notebook: &str) -> Result<Answer, GraphError> {
    shelf.notebook(notebook)?;
    let wish: Value = serde_json::from_slice(call.body)
        .map_err(|_| bad("20126", "The message body contains incorrectly formatted JSON."))?;
    let name = wish.get("displayName").and_then(Value::as_str).unwrap_or_default();
    check_name(name)?;
    let taken = |section: &Section| {
        section.notebook == notebook && section.group.is_none() && section.name.eq_ignore_ascii_case(name)
    };
    if shelf.sections.iter().any(taken) {
        return Err(refused(409, "20117", "An item with this name already exists in this location."));
    }
    let section = Section {
        id: shelf.container_id(),
        name: name.to_owned(),
        notebook: notebook.to_owned(),
        group: None,
        locked: false,
        modified: clock::now().trunc_subsecs(0),
    };
    shelf.sections.push(section.clone());
    let paint = Paint { shelf, origin: call.origin };
    Ok(answer(201, &paint.section(&section, &Shape::whole(Kind::Section))))
}

fn check_name(name: &str) -> Result<(), GraphError> {
    if name.trim().is_empty() {
        return Err(bad("20152", "There is no name value specified for the entity."));
    }
    if name.starts_with(' ') {
        return Err(bad("20154", "The entity name cannot start with a space."));
    }
    if name.chars().any(|c| FORBIDDEN.contains(c)) {
        return Err(bad("20153", "The entity name contains invalid characters."));
    }
    if name.chars().count() > MAX_NAME {
        return Err(bad("20155", "The entity name is too long."));
    }
    Ok(())
}

/// `POST /me/onenote/sections/{id}/pages`: one HTML document.
pub(super) fn make(call: &Call<'_>, shelf: &mut Shelf, section: &str) -> Result<Answer, GraphError> {
    if shelf.section(section)?.locked {
        return Err(locked());
    }
    let text = std::str::from_utf8(call.body).ok().filter(|text| !text.trim().is_empty());
    let document = html::document(text.ok_or_else(|| bad("20132", "The request contains invalid content."))?);
    let now = clock::now().trunc_subsecs(0);
    let given = document.created.as_deref().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
    let page = Page {
        id: shelf.page_id(),
        title: document.title.unwrap_or_default(),
        section: section.to_owned(),
        level: 0,
        created: given.map_or(now, |at| at.to_utc()),
        modified: now,
        body: html::body(&document.body),
        revision: 0,
    };
    shelf.pages.push(page.clone());
    shelf.touch(section, now);
    let paint = Paint { shelf, origin: call.origin };
    Ok(answer(201, &paint.page(&page, None, &Shape::whole(Kind::Page))))
}

/// `PATCH /me/onenote/pages/{id}/content`.
pub(super) fn change(call: &Call<'_>, shelf: &mut Shelf, id: &str) -> Result<Answer, GraphError> {
    let mut page = shelf.page(id)?.clone();
    apply(&mut page, call.body)?;
    let now = clock::now().trunc_subsecs(0);
    page.modified = now;
    shelf.touch(&page.section, now);
    if let Some(kept) = shelf.pages.iter_mut().find(|one| one.id == id) {
        *kept = page;
    }
    Ok(Answer::empty(204))
}

/// `DELETE /me/onenote/pages/{id}`: there is no way back.
pub(super) fn remove(shelf: &mut Shelf, id: &str) -> Result<Answer, GraphError> {
    let section = shelf.page(id)?.section.clone();
    shelf.pages.retain(|page| page.id != id);
    shelf.gone.push(id.to_owned());
    shelf.touch(&section, clock::now().trunc_subsecs(0));
    Ok(Answer::empty(204))
}

/// `POST /me/onenote/pages/{id}/copyToSection`: goes on by itself.
pub(super) fn copy(
    notes: &Notes,
    call: &Call<'_>,
    shelf: &mut Shelf,
    id: &str,
) -> Result<Answer, GraphError> {
    let wish: Value = serde_json::from_slice(call.body)
        .map_err(|_| bad("20126", "The message body contains incorrectly formatted JSON."))?;
    let target = wish.get("id").and_then(Value::as_str).unwrap_or_default();
    let mut page = shelf.page(id)?.clone();
    let section = shelf.section(target).map_err(|error| match error.code.as_ref() {
        "20112" => bad("20157", "The specified ID for the destination entity is invalid."),
        _ => refused(404, "20156", "The specified ID for the destination resource does not exist."),
    })?;
    if section.locked {
        return Err(locked());
    }
    let now = clock::now().trunc_subsecs(0);
    page.id = shelf.page_id();
    (page.section, page.created, page.modified, page.revision) = (target.to_owned(), now, now, 0);
    let made = Operation { oid: shelf.oid.clone(), created: now, page: page.id.clone(), looks: 0 };
    shelf.pages.push(page);
    shelf.touch(target, now);
    let id = format!("copy-{}", uuid::Uuid::new_v4());
    let body = operation_body(call, &id, &made);
    let place = format!("{}/v1.0/me/onenote/operations/{id}", call.origin);
    notes.operations.lock().insert(id, made);
    let mut accepted = answer(202, &body);
    accepted.headers.push(("Operation-Location", place));
    Ok(accepted)
}

/// `GET /me/onenote/operations/{id}`: done from the second look on.
pub(super) fn operation(notes: &Notes, call: &Call<'_>, id: &str) -> Result<Answer, GraphError> {
    let mut all = notes.operations.lock();
    if !id.starts_with("copy-") {
        return Err(malformed_id());
    }
    let found = all.get_mut(id).filter(|one| one.oid == call.oid).ok_or_else(no_resource)?;
    found.looks += 1;
    Ok(answer(200, &operation_body(call, id, found)))
}

fn operation_body(call: &Call<'_>, id: &str, of: &Operation) -> Value {
    let (status, percent) = match of.looks {
        0 => ("notstarted", "0"),
        1 => ("running", "0"),
        _ => ("completed", "100"),
    };
    let done = of.looks > 1;
    let place = format!("{}/v1.0/me/onenote/pages/{}", call.origin, of.page);
    json!({
        "id": id, "status": status, "createdDateTime": time(of.created), "lastActionDateTime": time(clock::now()),
        "percentComplete": percent, "resourceId": done.then_some(&of.page), "resourceLocation": done.then_some(place),
    })
}
