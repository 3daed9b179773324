//! Files and folders as Graph lists them, and as callers get them.

use crate::graph::page::Text;
use crate::services::answer::line;
use crate::services::time::local_text;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Properties asked for. The download address is left out: whoever knows it reads the file.
pub(super) const SELECT: &str = "id,name,size,lastModifiedDateTime,file,folder,webUrl,parentReference,eTag";

/// An item of a drive.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ItemView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    size: i64,
    #[serde(borrow)]
    created_date_time: Text<'a>,
    #[serde(borrow)]
    last_modified_date_time: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
    #[serde(borrow)]
    e_tag: Text<'a>,
    #[serde(borrow)]
    file: Option<FileFacet<'a>>,
    folder: Option<FolderFacet>,
    #[serde(borrow)]
    parent_reference: Option<Parent<'a>>,
    #[serde(borrow)]
    remote_item: Option<Box<ItemView<'a>>>,
    deleted: Option<DeletedFacet>,
}

impl ItemView<'_> {
    /// Whether it is the mark of something that is gone, in a list of changes.
    pub(super) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    pub(super) fn created(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&self.created_date_time).ok().map(|at| at.to_utc())
    }

    /// Id of the folder it is in; the root is in none.
    pub(super) fn parent_id(&self) -> Option<&str> {
        self.parent_reference.as_ref().map(|parent| &*parent.id).filter(|id| !id.is_empty())
    }
}

/// `{"state": "deleted"}`, or nothing in it.
#[derive(Debug, Default, Deserialize)]
struct DeletedFacet {}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FileFacet<'a> {
    #[serde(borrow)]
    mime_type: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FolderFacet {
    child_count: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Parent<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    drive_id: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
}

/// How items are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) zone: Tz,
    /// The own drive, where items of others may come along: the ids of those name their drive.
    pub(super) own_drive: Option<&'a str>,
}

/// A file or folder as callers get it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FileItem {
    pub(super) id: String,
    pub(super) name: String,
    /// From the root of the drive; results of a search do not tell it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) path: String,
    pub(super) kind: &'static str,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub(super) content_type: String,
    pub(super) size: u64,
    /// Entries of a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) children: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) modified: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) etag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) web_url: String,
    #[serde(skip)]
    pub(super) modified_at: Option<DateTime<Utc>>,
}

impl FileItem {
    pub(super) fn new(view: &ItemView<'_>, frame: Frame<'_>) -> Self {
        // Items of others are shown by what they are at home.
        let (shown, away) = match &view.remote_item {
            Some(remote) => (remote.as_ref(), true),
            None => (view, false),
        };
        let parent = shown.parent_reference.as_ref();
        let drive = parent.map_or("", |parent| &*parent.drive_id);
        let foreign = away || frame.own_drive.is_some_and(|own| own != drive);
        let id = if foreign && !drive.is_empty() {
            format!("{drive}:{}", &*shown.id)
        } else {
            shown.id.to_string()
        };
        let modified_at =
            DateTime::parse_from_rfc3339(&shown.last_modified_date_time).ok().map(|at| at.to_utc());
        // Hits of the search index have no facets; a folder's name has no ending.
        let is_folder = shown.folder.is_some() || (shown.file.is_none() && !shown.name.contains('.'));
        Self {
            id,
            name: line(&shown.name),
            path: parent
                .filter(|_| !foreign)
                .map(|parent| path(&parent.path, &shown.name))
                .unwrap_or_default(),
            kind: if is_folder { "folder" } else { "file" },
            content_type: shown.file.as_ref().map(|file| file.mime_type.to_string()).unwrap_or_default(),
            size: u64::try_from(shown.size).unwrap_or(0),
            children: shown.folder.as_ref().map(|folder| folder.child_count),
            modified: modified_at.map(|at| local_text(at, frame.zone)).unwrap_or_default(),
            etag: shown.e_tag.to_string(),
            web_url: shown.web_url.to_string(),
            modified_at,
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        self.kind == "folder"
    }

    /// Path, or the name where there is none.
    pub(super) fn label(&self) -> &str {
        if self.path.is_empty() { &self.name } else { &self.path }
    }

    /// One entry of a list.
    pub(super) fn print(&self) -> String {
        let mut out = format!("- **{}**", self.label());
        match self.children {
            Some(count) => {
                let _ = write!(out, "/ · folder, {count} entries");
            }
            None => {
                let _ = write!(out, " · {}", bytes(self.size));
            }
        }
        if let Some(day) = self.modified.get(..16) {
            let _ = write!(out, " · {}", day.replace('T', " "));
        }
        let _ = writeln!(out, "\n  id: {}", self.id);
        out
    }
}

/// `/drive/root:/Documents` (percent-encoded) and a name as a path from the root.
fn path(parent: &str, name: &str) -> String {
    let Some((_, below)) = parent.split_once("root:") else { return String::new() };
    let folder = percent_decode_str(below.trim_matches('/')).decode_utf8_lossy();
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A size for people.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{} KB", size.div_ceil(1_000)),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

/// Properties of an item in an output schema.
pub(super) fn item_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "id": text, "name": text, "path": text, "kind": text, "type": text, "size": {"type": "integer"},
        "children": {"type": "integer"}, "modified": text, "etag": text, "web_url": text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str, own_drive: Option<&str>) -> FileItem {
        let view: ItemView<'_> = serde_json::from_str(text).unwrap();
        FileItem::new(&view, Frame { zone: Tz::Asia__Seoul, own_drive })
    }

    #[test]
    fn paths_are_decoded_and_items_of_others_name_their_drive() {
        let own = r#"{"id":"01A","name":"a b.txt","size":12,"file":{"mimeType":"text/plain"},"eTag":"\"{G},1\"",
            "lastModifiedDateTime":"2026-03-02T00:00:00Z",
            "parentReference":{"driveId":"b!me","id":"01P","path":"/drive/root:/50%2525%20off/%EA%B3%84"}}"#;
        let shown = item(own, Some("b!me"));
        assert_eq!((&*shown.id, &*shown.path), ("01A", "50%25 off/계/a b.txt"));
        assert_eq!((&*shown.modified, &*shown.etag), ("2026-03-02T09:00:00+09:00", "\"{G},1\""));
        let foreign = item(own, Some("b!other"));
        assert_eq!((&*foreign.id, &*foreign.path), ("b!me:01A", ""));
        let remote = r#"{"id":"x","name":"r","remoteItem":{"id":"01R","name":"r.txt","parentReference":{"driveId":"b!bob"}}}"#;
        assert_eq!(item(remote, None).id, "b!bob:01R");
        let root = r#"{"id":"01A","name":"n.txt","parentReference":{"path":"/drive/root:"}}"#;
        assert_eq!(item(root, None).path, "n.txt");
    }

    #[test]
    fn sizes_are_told_in_round_figures() {
        let told = [0, 999, 1_001, 31_457_280].map(bytes);
        assert_eq!(told, ["0 bytes", "999 bytes", "2 KB", "31.4 MB"]);
    }
}
