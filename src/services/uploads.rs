//! Files that came in by a ticket (`tools::transfer`): put where only their user sees them, read by the tools that take
//! `upload:{ticket}`, and removed once they were used.

use super::drive::{self, Source};
use super::drive_address::Address;
use super::own::asker;
use super::{ServiceDeps, drive::failed};
use crate::domain::random;
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::transfer::{Incoming, REFERENCE, Stored, TICKET_LIFE};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::json;

/// Where they wait, in the user's own drive.
const FOLDER: [&str; 2] = ["Apps", "Entrada"];
/// Start of their names there; nothing else in that folder is ever touched.
const MARK: &str = "upload-";
/// Random bytes behind it, and their length in base64url.
const RANDOM: usize = 12;
const RANDOM_CHARS: usize = 16;

/// The ticket of a reference, if it is one.
pub(super) fn ticket(reference: &str) -> Option<&str> {
    reference.trim().strip_prefix(REFERENCE)
}

/// Takes a file in: `POST /me/drive/root:/Apps/Entrada/{name}:/createUploadSession` (Files.ReadWrite) and the pieces;
/// 2 units.
pub(super) async fn receive(
    deps: &ServiceDeps,
    context: &CallContext,
    file: Incoming,
) -> Result<Stored, ToolError> {
    #[derive(Deserialize)]
    struct Made<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        #[serde(default)]
        size: u64,
    }
    drive::require(context, &[], drive::WRITE)?;
    let limit = deps.settings.max_attachment_bytes;
    let total = usize::try_from(file.length).ok().filter(|total| *total <= limit);
    let total = total.ok_or_else(|| ToolError::internal("a file that is larger than was let in"))?;
    let name = format!("{MARK}{}-{}", random::text::<RANDOM>(), drive::safe_name(&file.name));
    let names = FOLDER.iter().map(|name| (*name).to_owned()).chain([name]).collect();
    let path = Address::Path(names).graph_path("createUploadSession");
    let body = json!({ "item": { drive::BEHAVIOR: "fail" } });
    let open = Request::files_write(Method::POST, path, Some(Bytes::from(body.to_string()))).repeatable();
    let put = deps.graph.upload_from(asker(context), open, (file.body, total)).await;
    let answer = put.map_err(|error| failed(error, drive::WRITE))?;
    let made: Made<'_> = answer.view().map_err(|error| failed(error, drive::WRITE))?;
    Ok(Stored { item: made.id.to_string(), content_type: file.content_type, size: made.size })
}

/// Reads the file of a ticket of this user's, under the name that it was announced with.
pub(super) async fn read(
    deps: &ServiceDeps,
    context: &CallContext,
    (field, ticket): (&str, &str),
    limit: usize,
) -> Result<Source, ToolError> {
    let uploaded = deps.transfers.uploaded(&context.caller.user, (field, ticket)).await?;
    let source = drive::read(deps, context, (field, &uploaded.stored.item), limit).await?;
    Ok(Source { name: uploaded.name, content_type: uploaded.stored.content_type, ..source })
}

/// Removes the file of a ticket that was used, and forgets the ticket: `DELETE /me/drive/items/{id}` (Files.ReadWrite),
/// 2 units. What was done with the file stays done if this fails.
pub(super) async fn discard(deps: &ServiceDeps, context: &CallContext, ticket: &str) {
    let user = &context.caller.user;
    let Ok(uploaded) = deps.transfers.uploaded(user, ("source", ticket)).await else { return };
    remove(deps, context, &uploaded.stored.item).await;
    deps.transfers.used(user, ticket).await;
}

async fn remove(deps: &ServiceDeps, context: &CallContext, item: &str) {
    let path = Address::of_id(item).graph_path("");
    let request = Request::files_write(Method::DELETE, path, None);
    if let Err(error) = deps.graph.send(asker(context), request).await {
        tracing::info!(%error, "a file that was sent in stays in its user's drive");
    }
}

/// Removes files of this user's whose tickets have ended unused: `GET /me/drive/root:/Apps/Entrada:/children`
/// (Files.ReadWrite), 2 units. A folder that is not there holds none.
pub(super) async fn sweep(deps: &ServiceDeps, context: &CallContext, now: DateTime<Utc>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Page<'a> {
        #[serde(borrow)]
        value: Vec<Left<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Left<'a> {
        #[serde(borrow)]
        id: Text<'a>,
        #[serde(borrow)]
        name: Text<'a>,
        #[serde(borrow)]
        last_modified_date_time: Text<'a>,
    }
    let folder = Address::Path(FOLDER.iter().map(|name| (*name).to_owned()).collect());
    let target = crate::graph::encode::Target::new(folder.graph_path("children"))
        .with("$select", "id,name,lastModifiedDateTime")
        .with("$top", "200");
    let Ok(answer) = deps.graph.send(asker(context), Request::files(target.build()).costing(2)).await else {
        return;
    };
    let Ok(page) = answer.view::<Page<'_>>() else { return };
    for left in page.value {
        let made = DateTime::parse_from_rfc3339(&left.last_modified_date_time);
        let age = made.ok().and_then(|made| (now - made.to_utc()).to_std().ok());
        if is_ours(&left.name) && age.is_some_and(|age| age > 2 * TICKET_LIFE) {
            remove(deps, context, &left.id).await;
        }
    }
}

/// A name that only [`receive`] gives.
fn is_ours(name: &str) -> bool {
    let random = name.strip_prefix(MARK).and_then(|rest| rest.split_at_checked(RANDOM_CHARS));
    random.is_some_and(|(random, rest)| {
        rest.starts_with('-') && random.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_swept() {
        assert!(is_ours(&format!("{MARK}{}-report.pdf", random::text::<RANDOM>())));
        for other in [
            "upload-report.pdf",
            "report.pdf",
            "upload-",
            "upload-0123456789abcde가-x",
            "Upload-0123456789abcdef-x",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
