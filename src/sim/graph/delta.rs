//! `/me/mailFolders/{id}/messages/delta`: first everything in the folder, then what changed since the last link.
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::error::GraphError;
use super::json::Json;
use super::mailbox::Mailbox;
use super::mailbox::edit::EntryKind;
use super::messages::view;
use super::options::Options;
use super::paging::{self, Position};

/// Default page.
const PAGE: usize = 10;
const KINDS: [&str; 3] = ["created", "updated", "deleted"];

/// One row of a round.
struct Row {
    ix: u32,
    kind: &'static str,
}

/// One page of a round.
pub(super) fn list(call: &Call<'_>, mailbox: &Mailbox, folder: usize) -> Result<Answer, GraphError> {
    let options = Options::read(call, &["$select", "$top", "$skiptoken", "$deltatoken"])?;
    let wanted = call.query.get("changeType");
    if wanted.is_some_and(|kind| !KINDS.contains(&kind)) {
        return Err(GraphError::bad_request("Invalid value for the query option 'changeType'."));
    }
    let now = u32::try_from(mailbox.journal(0).len()).unwrap_or(u32::MAX);
    let resumed = paging::position(call)?;
    let (rows, begun) = match paging::delta(call)? {
        Some(since) => (changes(mailbox, folder, since.at as usize), resumed.map_or(now, |at| at.given)),
        None => (everything(mailbox, folder), resumed.map_or(now, |at| at.given)),
    };
    let rows: Vec<Row> = rows.into_iter().filter(|row| wanted.is_none_or(|kind| row.kind == kind)).collect();
    let start = resumed.map_or(0, |at| at.at as usize);
    let end = start.saturating_add(options.page(call, PAGE)).min(rows.len());
    let view = view(call, mailbox)?;
    let mut json = Json::default();
    json.object(|json| {
        let place = format!("mailFolders('{}')/messages", mailbox.folder_id(folder));
        let context = format!("{}/v1.0/$metadata#users('{}')/{place}/$delta", call.origin, call.oid);
        json.member("@odata.context", &context);
        json.key("value").array(|json| {
            for row in rows.get(start..end).unwrap_or_default() {
                if row.kind == "deleted" {
                    json.raw(&removed(&mailbox.item_id(call.prefer.ids, row.ix, None)).to_string());
                } else {
                    view.message(json, row.ix, None);
                }
            }
        });
        if end < rows.len() {
            let next = Position { at: u32::try_from(end).unwrap_or(u32::MAX), given: begun };
            json.member("@odata.nextLink", &paging::next_link(call, next));
        } else {
            json.member("@odata.deltaLink", &paging::delta_link(call, Position { at: begun, given: 0 }));
        }
    });
    Ok(Answer::json(json.finish()))
}

fn removed(id: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.message", "id": id, "@removed": {"reason": "deleted"}})
}

/// In the order they came into being, which stays while pages are read.
fn everything(mailbox: &Mailbox, folder: usize) -> Vec<Row> {
    let mut all: Vec<u32> = mailbox.newest(Some(folder)).to_vec();
    all.sort_unstable();
    all.into_iter().map(|ix| Row { ix, kind: "created" }).collect()
}

/// One row for each message that changed, as it is now; what came and went meanwhile is told as gone.
fn changes(mailbox: &Mailbox, folder: usize, since: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in mailbox.journal(since).iter().filter(|entry| entry.folder == folder) {
        let known = rows.iter().position(|row| row.ix == entry.ix).map(|at| rows.remove(at));
        let kind = match (entry.kind, known.map(|row| row.kind)) {
            (EntryKind::Removed, _) => "deleted",
            (EntryKind::Changed, Some(before)) => before,
            (EntryKind::Changed, None) => "updated",
            (EntryKind::Added, _) => "created",
        };
        rows.push(Row { ix: entry.ix, kind });
    }
    rows
}
