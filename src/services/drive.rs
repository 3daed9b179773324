//! Bytes into and out of the user's own OneDrive, for every service that keeps files there. The bytes go from Graph to
//! Graph through this process and never through a model.

use super::drive_address::{Address, check_new_name, names};
use super::own::asker;
use super::{ServiceDeps, fault, file_text};
use crate::graph::client::{Answer, GraphClient};
use crate::graph::encode::Target;
use crate::graph::error::{Fault, GraphError};
use crate::graph::request::{Asker, Request};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use bytes::Bytes;
use http::Method;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;

/// What reading files takes.
pub(super) const READ: &str = "Files.Read";
/// What writing them takes.
pub(super) const WRITE: &str = "Files.ReadWrite";
/// Query option that says what happens when a name is taken.
pub(super) const BEHAVIOR: &str = "@microsoft.graph.conflictBehavior";
/// Largest content of one request; what goes beyond goes through an upload session.
const ONE_PUT: usize = 4 << 20;
/// Longest name that is made here; a number may be put behind it.
const MAX_MADE_NAME: usize = 200;

/// A file that was read.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// A file that was written.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    /// From the root of the drive.
    pub(super) path: String,
    pub(super) web_url: String,
}

/// The members of a `driveItem` that are needed here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Item {
    id: String,
    name: String,
    size: u64,
    web_url: String,
    file: Option<File>,
    parent_reference: Parent,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    mime_type: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parent {
    path: String,
}

/// `PUT {address}/content` (Files.ReadWrite), or `POST {address}/createUploadSession` where that is too much for one
/// request; 2 units. `behavior` is what happens when the name is taken; by id Graph takes no such option.
pub(super) fn put_request(
    address: &Address,
    behavior: Option<&str>,
    media_type: String,
    bytes: &Bytes,
) -> Request {
    if bytes.len() > ONE_PUT {
        let body = behavior.map_or_else(|| json!({}), |behavior| json!({ "item": { BEHAVIOR: behavior } }));
        let path = address.graph_path("createUploadSession");
        return Request::files_write(Method::POST, path, Some(body.to_string().into())).repeatable();
    }
    let target = Target::new(address.graph_path("content"));
    let target = behavior.into_iter().fold(target, |target, behavior| target.with(BEHAVIOR, behavior));
    Request::files_write(Method::PUT, target.build(), Some(bytes.clone())).holding(media_type)
}

/// Sends a [`put_request`] and the bytes it is about; answers with the item.
pub(super) async fn put(
    graph: &GraphClient,
    asker: Asker<'_>,
    request: Request,
    bytes: Bytes,
) -> Result<Answer, GraphError> {
    if bytes.len() <= ONE_PUT {
        graph.send(asker, request).await
    } else {
        graph.upload(asker, request, bytes).await
    }
}

/// Refuses a call that turns out to need more than its tool always needs, which is `base`.
pub(super) fn require(context: &CallContext, base: &[&'static str], scope: &str) -> Result<(), ToolError> {
    if context.caller.scopes.allows(scope) {
        return Ok(());
    }
    let required = base.iter().copied().chain([scope]).collect();
    let text = format!("This needs the permission {scope}. Authorize again to grant it.");
    Err(ToolError::new(ToolErrorKind::InsufficientScope { required }, text))
}

/// A folder of the own drive as callers name it, with or without `onedrive:`; missing ones are made when something is
/// put there.
pub(super) fn folder(field: &str, text: &str) -> Result<Vec<String>, ToolError> {
    let path = text.trim().strip_prefix("onedrive:").unwrap_or(text.trim());
    let names = names(field, path.strip_prefix("/drive/root:").unwrap_or(path))?;
    names.iter().try_for_each(|name| check_new_name(field, name))?;
    Ok(names)
}

/// A name that OneDrive takes, as near to the given one as can be.
pub(super) fn safe_name(name: &str) -> String {
    let plain = |c: char| if c.is_control() || "\"*:<>?/\\|".contains(c) { '_' } else { c };
    let clean: String = name.chars().map(plain).collect();
    let clean = clean.trim().trim_end_matches('.').trim_start_matches("~$").trim();
    let (stem, ending) = match clean.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.chars().count() <= 10 => {
            (stem, format!(".{ending}"))
        }
        _ => (clean, String::new()),
    };
    let stem: String = stem.chars().take(MAX_MADE_NAME).collect();
    let made = format!("{}{ending}", stem.trim());
    if made.is_empty() || check_new_name("name", &made).is_err() { format!("file_{made}") } else { made }
}

/// Puts a file into a folder; where the name is taken it gets a number.
pub(super) async fn save(
    deps: &ServiceDeps,
    context: &CallContext,
    folder: &[String],
    name: &str,
    (content_type, bytes): (&str, Bytes),
) -> Result<Saved, ToolError> {
    let path: Vec<String> = folder.iter().cloned().chain([safe_name(name)]).collect();
    let address = Address::Path(path);
    let printable = content_type.contains('/') && content_type.bytes().all(|b| (0x21..0x7f).contains(&b));
    let kind = if printable { content_type } else { "application/octet-stream" };
    // Sent again it would leave two copies.
    let request = put_request(&address, Some("rename"), kind.to_owned(), &bytes).once();
    let answer = put(&deps.graph, asker(context), request, bytes).await;
    let answer = answer.map_err(|error| failed(error, WRITE))?;
    let item: Item = answer.view().map_err(|error| failed(error, WRITE))?;
    Ok(Saved { path: item.path(), web_url: item.web_url })
}

/// Reads a file of the own drive, at most `limit` bytes.
///
/// `GET {address}?$select=…`, then `GET /me/drive/items/{id}/content` (Files.Read); 2 units.
///
/// # Errors
/// `field` names no file of the own drive, or it is larger.
pub(super) async fn read(
    deps: &ServiceDeps,
    context: &CallContext,
    (field, path): (&str, &str),
    limit: usize,
) -> Result<Source, ToolError> {
    let address = Address::parse(field, path)?;
    if !matches!(address, Address::Path(_) | Address::Item(_)) {
        let text = format!("`{field}`: only files of the own OneDrive can be used here, by path or id.");
        return Err(ToolError::invalid(field, text));
    }
    let target = Target::new(address.graph_path("")).with("$select", "id,name,size,file");
    let answer = deps.graph.send(asker(context), Request::files(target.build())).await;
    let item: Item =
        answer.map_err(|error| failed(error, READ))?.view().map_err(|error| failed(error, READ))?;
    let Some(file) = item.file else {
        return Err(ToolError::invalid(field, format!("`{field}`: \"{}\" is a folder.", item.name)));
    };
    file_text::check_size(&item.name, item.size, limit, "OneDrive")?;
    let target = Target::new(Address::of_id(&item.id).graph_path("content"));
    let bytes = deps.graph.download(asker(context), Request::content(target, limit)).await;
    let bytes = bytes.map_err(|error| failed(error, READ))?;
    Ok(Source { name: item.name, content_type: file.mime_type, bytes })
}

impl Item {
    fn path(&self) -> String {
        let below =
            self.parent_reference.path.split_once("root:").map(|(_, below)| below).unwrap_or_default();
        let below = percent_decode_str(below.trim_matches('/')).decode_utf8_lossy();
        if below.is_empty() { self.name.clone() } else { format!("{below}/{}", self.name) }
    }
}

/// A Graph failure in words about files; `scope` is what the request needed.
pub(super) fn failed(error: GraphError, scope: &'static str) -> ToolError {
    let words = match &error {
        GraphError::Throttled { retry_after, .. } => {
            let seconds = retry_after.as_secs_f64().ceil();
            Some(format!("Microsoft 365 limits requests for files. Try again in {seconds} seconds."))
        }
        GraphError::TooLarge { limit } => {
            let megabytes = limit >> 20;
            Some(format!("This is larger than the {megabytes} MB that are read here. Open it in OneDrive instead."))
        }
        GraphError::Refused { fault: Fault::NotFound, .. } => Some(
            "There is no such file or folder here. List the folder, or search, and use a path or an id from there, \
             unchanged."
                .to_owned(),
        ),
        GraphError::Refused { fault: Fault::Locked, .. } => {
            Some("Somebody has this file open for editing. Try again later.".to_owned())
        }
        GraphError::Refused { fault: Fault::Quota, .. } => Some("The drive is full.".to_owned()),
        GraphError::Token(_)
        | GraphError::Refused { .. }
        | GraphError::Challenged { .. }
        | GraphError::Unavailable { .. }
        | GraphError::TimedOut
        | GraphError::OutcomeUnknown { .. }
        | GraphError::ForeignLink
        | GraphError::Cut
        | GraphError::Malformed(_) => None,
    };
    let mut error = fault::tool_error(error, &[scope]);
    if let Some(words) = words {
        error.public = words;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_that_onedrive_takes() {
        for (given, made) in [
            ("견적서 #1 100% '🚢'.pdf", "견적서 #1 100% '🚢'.pdf"),
            ("a/b\\c:d*e?f\"g<h>i|j.txt", "a_b_c_d_e_f_g_h_i_j.txt"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("  ~$x.docx. ", "x.docx"),
            ("CON", "file_CON"),
            ("com1.txt", "file_com1.txt"),
            ("", "file_"),
            ("..", "file_"),
            ("a\r\nb.txt", "a__b.txt"),
        ] {
            let found = safe_name(given);
            assert_eq!(found, made, "{given:?}");
            assert!(check_new_name("name", &found).is_ok(), "{found}");
        }
        let long = safe_name(&format!("{}.pdf", "가".repeat(400)));
        assert!(long.ends_with("가.pdf") && long.chars().count() <= 255);
    }

    #[test]
    fn folders_stay_in_the_own_drive() {
        assert_eq!(folder("f", "onedrive:/Mail/2026").unwrap(), ["Mail", "2026"]);
        assert_eq!(folder("f", " Mail ").unwrap(), ["Mail"]);
        assert!(folder("f", "/").unwrap().is_empty());
        for odd in ["../x", "a:b", "onedrive:https://x.example/y", "a/CON", "a|b"] {
            assert!(folder("f", odd).is_err(), "{odd}");
        }
    }
}
