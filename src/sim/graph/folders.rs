//! Mail folders: the root's children, the children of one, and single folders.
use super::call::{Answer, Call};
use super::error::GraphError;
use super::json::Json;
use super::mailbox::Mailbox;
use super::options::Options;
use super::paging::{self, Position};
use super::select::{FOLDER, Select};
use crate::sim::seed::model::Folder;

/// Default page of folders.
const PAGE: usize = 10;

/// `/me/mailFolders` and `…/childFolders`.
pub(super) fn list(call: &Call<'_>, mailbox: &Mailbox, parent: Option<usize>) -> Result<Answer, GraphError> {
    let options =
        Options::read(call, &["$select", "$top", "$skip", "$count", "$filter", "$expand", "$skiptoken"])?;
    let select = Select::parse(call.query.get("$select"), &FOLDER, "mailFolder")?;
    let expand = expand_children(call)?;
    let wanted = name_filter(call.query.get("$filter"))?;
    let hidden = call.query.get("includeHiddenFolders").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let rows: Vec<usize> = children(mailbox, parent.unwrap_or(0), hidden)
        .filter(|(_, f)| wanted.as_ref().is_none_or(|w| f.name.to_lowercase() == *w))
        .map(|(at, _)| at)
        .collect();
    let start = paging::position(call)?.map_or(options.skip, |p| p.at as usize);
    let end = start.saturating_add(options.page(call, PAGE));
    let mut json = Json::default();
    json.object(|json| {
        let place = parent.map_or_else(
            || "mailFolders".to_owned(),
            |p| format!("mailFolders('{}')/childFolders", mailbox.folder_id(p)),
        );
        json.member(
            "@odata.context",
            &format!("{}/v1.0/$metadata#users('{}')/{place}", call.origin, call.oid),
        );
        if options.count {
            json.number("@odata.count", rows.len() as u64);
        }
        json.key("value").array(|json| {
            for at in rows.iter().skip(start).take(end - start) {
                json.object(|json| members(json, mailbox, *at, &select, expand));
            }
        });
        if end < rows.len() {
            json.member("@odata.nextLink", &paging::next_link(call, Position { at: end as u32, given: 0 }));
        }
    });
    Ok(Answer::json(json.finish()))
}

/// `/me/mailFolders/{id}`.
pub(super) fn get(call: &Call<'_>, mailbox: &Mailbox, folder: usize) -> Result<Answer, GraphError> {
    Options::read(call, &["$select", "$expand"])?;
    let select = Select::parse(call.query.get("$select"), &FOLDER, "mailFolder")?;
    let expand = expand_children(call)?;
    let mut json = Json::default();
    json.object(|json| {
        json.member(
            "@odata.context",
            &format!("{}/v1.0/$metadata#users('{}')/mailFolders/$entity", call.origin, call.oid),
        );
        members(json, mailbox, folder, &select, expand);
    });
    Ok(Answer::json(json.finish()))
}

fn children(mailbox: &Mailbox, parent: usize, hidden: bool) -> impl Iterator<Item = (usize, &Folder)> {
    let all = mailbox.folders.iter().enumerate();
    all.filter(move |(_, f)| f.parent == Some(parent) && (hidden || !f.hidden))
}

fn members(json: &mut Json, mailbox: &Mailbox, at: usize, select: &Select, expand: bool) {
    let Some(folder) = mailbox.folders.get(at) else { return };
    for field in &select.fields {
        match *field {
            "id" => json.member(field, &mailbox.folder_id(at)),
            "displayName" => json.member(field, &folder.name),
            "parentFolderId" => json.member(field, &mailbox.folder_id(folder.parent.unwrap_or(0))),
            "childFolderCount" => json.number(field, children(mailbox, at, false).count() as u64),
            "unreadItemCount" => json.number(field, u64::from(mailbox.unread(at))),
            "totalItemCount" => json.number(field, mailbox.newest(Some(at)).len() as u64),
            "isHidden" => json.flag(field, folder.hidden),
            _ => {}
        }
    }
    if expand {
        json.key("childFolders").array(|json| {
            for (child, _) in children(mailbox, at, false) {
                json.object(|json| members(json, mailbox, child, select, false));
            }
        });
    }
}

/// `$expand=childFolders` is the one expansion that folders have here.
fn expand_children(call: &Call<'_>) -> Result<bool, GraphError> {
    match call.query.get("$expand") {
        None => Ok(false),
        Some(text) if text == "childFolders" || text.starts_with("childFolders(") => Ok(true),
        Some(text) => Err(GraphError::bad_uri(format!(
            "Could not find a property named '{text}' on type 'microsoft.graph.mailFolder'."
        ))),
    }
}

/// `displayName eq 'x'` is the one filter of folders that clients use.
fn name_filter(text: Option<&str>) -> Result<Option<String>, GraphError> {
    let Some(text) = text else { return Ok(None) };
    let value = text.trim().strip_prefix("displayName eq '").and_then(|v| v.strip_suffix('\''));
    match value {
        Some(value) => Ok(Some(value.replace("''", "'").to_lowercase())),
        None => Err(GraphError::bad_filter("Only 'displayName eq' is supported on mail folders.")),
    }
}
