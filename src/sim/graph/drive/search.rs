//! `search(q='…')` below an item, and `POST /search/query` for files that the caller may open wherever they are.

use serde::Deserialize;
use serde_json::{Value, json};

use super::render::{View, answer, moment};
use super::store::{Drive, Drives, Who, denied, not_found};
use super::{Desk, READ_ALL, Spot, ids};
use crate::sim::directory::Directory;
use crate::sim::graph::call::{Answer, Call};
use crate::sim::graph::error::GraphError;

/// Largest page of files in `/search/query`.
const MAX_SIZE: usize = 500;
/// Bytes of a text that the index holds.
const INDEXED: usize = 64 << 10;

/// Every word occurs in the name, or in the text of a text file.
fn matches(drive: &Drive, at: usize, words: &[String]) -> bool {
    let Some(node) = drive.node(at) else { return false };
    let mut heap = node.name.to_lowercase();
    if let Some(content) = node.content.as_ref().filter(|_| ids::mime(&node.name).starts_with("text/")) {
        let bytes = content.bytes();
        heap.push('\n');
        heap.push_str(&String::from_utf8_lossy(bytes.get(..INDEXED).unwrap_or(&bytes)).to_lowercase());
    }
    words.iter().all(|word| heap.contains(word.as_str()))
}

fn words(text: &str) -> Vec<String> {
    let plain = text.to_lowercase().replace(['"', '*', '(', ')'], " ");
    plain.split_whitespace().map(str::to_owned).collect()
}

impl Desk<'_> {
    pub(super) fn find(&self, spot: Spot, text: &str) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(spot.drive).ok_or_else(not_found)?;
        let words = words(text);
        let below = |at: &usize| *at != spot.node && *at != 0 && drive.is_within(*at, spot.node);
        let mut rows: Vec<usize> =
            (0..drive.nodes.len()).filter(below).filter(|at| matches(drive, *at, &words)).collect();
        rows.sort_by_key(|at| std::cmp::Reverse(drive.nodes.get(*at).map(|node| node.modified)));
        let mut view = self.view()?;
        // Results of the index know their folder only by id.
        view.with_path = false;
        self.page(&rows, |at| view.item(drive, *at))
    }
}

#[derive(Deserialize)]
struct Body {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    query: Text,
    #[serde(default)]
    from: usize,
    size: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    query_string: String,
}

/// Runs a search for `driveItem`.
pub(in crate::sim::graph) fn query(
    drives: &Drives,
    directory: &Directory,
    call: &Call<'_>,
) -> Result<Answer, GraphError> {
    if !call.granted(&READ_ALL) {
        return Err(denied());
    }
    let unreadable = || GraphError::bad_request("Unable to read JSON request payload.");
    let body: Body = serde_json::from_slice(call.body).map_err(|_| unreadable())?;
    let [request] = body.requests.as_slice() else {
        return Err(GraphError::bad_request("Exactly one search request is supported."));
    };
    let size = request.size.unwrap_or(25);
    if !(1..=MAX_SIZE).contains(&size) {
        return Err(GraphError::bad_request(format!("The maximum page size is {MAX_SIZE}.")));
    }
    let me = Who::of(directory.by_oid(call.oid).ok_or_else(|| GraphError::bad_token(true))?);
    let words = words(&request.query.query_string);
    let all = drives.all.read();
    let mut hits: Vec<(&Drive, usize)> = Vec::new();
    for drive in all.iter() {
        let open = |at: &usize| *at != 0 && drive.admits(&me.oid, *at, false) && matches(drive, *at, &words);
        hits.extend((0..drive.nodes.len()).filter(open).map(|at| (drive, at)));
    }
    let modified = |(drive, at): &(&Drive, usize)| drive.nodes.get(*at).map(|node| node.modified);
    hits.sort_by_key(|hit| std::cmp::Reverse(modified(hit)));
    let shown: Vec<Value> = hits
        .iter()
        .enumerate()
        .skip(request.from)
        .take(size)
        .map(|(rank, (drive, at))| {
            json!({
                "hitId": drive.nodes.get(*at).map(|node| node.id.clone()).unwrap_or_default(),
                "rank": rank + 1, "summary": "", "resource": resource(call, drive, *at),
            })
        })
        .collect();
    Ok(answer(
        200,
        &json!({
            "@odata.context": format!("{}/v1.0/$metadata#Collection(microsoft.graph.searchResponse)", call.origin),
            "value": [{ "searchTerms": words, "hitsContainers": [{
                "hits": shown, "total": hits.len(), "moreResultsAvailable": request.from + size < hits.len(),
            }] }],
        }),
    ))
}

/// A hit knows no tags, no facets of files and no paths.
fn resource(call: &Call<'_>, drive: &Drive, at: usize) -> Value {
    let Some(node) = drive.nodes.get(at) else { return Value::Null };
    let whole = View::new(call).map(|view| view.item(drive, at)).unwrap_or_default();
    json!({
        "@odata.type": "#microsoft.graph.driveItem",
        "id": node.id, "name": node.name, "size": drive.size(at), "webUrl": whole.get("webUrl"),
        "createdDateTime": moment(node.created), "lastModifiedDateTime": moment(node.modified),
        "createdBy": { "user": { "displayName": drive.owner.name, "email": drive.owner.upn } },
        "lastModifiedBy": { "user": { "displayName": node.by.name, "email": node.by.upn } },
        "parentReference": {
            "driveId": drive.id, "id": node.parent.and_then(|p| drive.nodes.get(p)).map(|folder| folder.id.clone()),
        },
    })
}
