//! Items, grants and drives as Graph writes them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::ids;
use super::store::{Drive, Grant, Node, Who, invalid};
use super::transfer::download_url;
use crate::sim::graph::call::{Answer, Call};
use crate::sim::graph::error::GraphError;

/// Properties of an item that `$select` may name.
const FIELDS: [&str; 24] = [
    "id",
    "createdBy",
    "createdDateTime",
    "description",
    "eTag",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "name",
    "parentReference",
    "webUrl",
    "cTag",
    "deleted",
    "file",
    "fileSystemInfo",
    "folder",
    "image",
    "package",
    "remoteItem",
    "root",
    "shared",
    "size",
    "webDavUrl",
    "specialFolder",
    "searchResult",
];
const DOWNLOAD: &str = "@microsoft.graph.downloadUrl";

/// How items are shown in one answer.
pub(super) struct View<'a> {
    call: &'a Call<'a>,
    select: Vec<&'a str>,
    /// Answers of delta leave the path out.
    pub(super) with_path: bool,
}

impl<'a> View<'a> {
    /// Reads `$select`.
    pub(super) fn new(call: &'a Call<'a>) -> Result<Self, GraphError> {
        let text = call.query.get("$select").unwrap_or_default();
        let select: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let known = |name: &str| FIELDS.contains(&name) || name == DOWNLOAD || name == "content.downloadUrl";
        if let Some(name) = select.iter().find(|name| !known(name)) {
            return Err(GraphError::bad_request(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
                 'microsoft.graph.driveItem'."
            )));
        }
        Ok(Self { call, select, with_path: true })
    }

    fn wants(&self, name: &str) -> bool {
        self.select.is_empty() || self.select.contains(&name)
    }

    /// One item.
    pub(super) fn item(&self, drive: &Drive, at: usize) -> Value {
        let Some(node) = drive.nodes.get(at) else { return Value::Null };
        if node.deleted {
            return self.gone(drive, node);
        }
        let path = drive.path(at);
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| {
            if self.wants(name) {
                all.insert(name.to_owned(), value);
            }
        };
        put("createdDateTime", json!(moment(node.created)));
        put("eTag", json!(node.e_tag()));
        put("id", json!(node.id));
        put("lastModifiedDateTime", json!(moment(node.modified)));
        put("name", json!(node.name));
        put("webUrl", json!(ids::web_url(&drive.owner.upn, &path)));
        put("cTag", json!(node.c_tag()));
        put("size", json!(drive.size(at)));
        put("createdBy", identity(&drive.owner));
        put("lastModifiedBy", identity(&node.by));
        put("parentReference", self.parent(drive, node));
        put(
            "fileSystemInfo",
            json!({
                "createdDateTime": moment(node.created), "lastModifiedDateTime": moment(node.modified),
            }),
        );
        if at == 0 {
            put("root", json!({}));
        }
        if !node.grants.is_empty() {
            put("shared", json!({ "scope": "users" }));
        }
        if node.is_folder() {
            put("folder", json!({ "childCount": drive.children(at).count() }));
        } else {
            put("file", json!({ "mimeType": ids::mime(&node.name) }));
            if self.wants(DOWNLOAD) || self.wants("content.downloadUrl") {
                let url = download_url(self.call.origin, &drive.id, node);
                all.insert(DOWNLOAD.to_owned(), json!(url));
            }
        }
        all.into()
    }

    fn gone(&self, drive: &Drive, node: &Node) -> Value {
        json!({
            "id": node.id, "name": node.name, "size": 0, "deleted": { "state": "deleted" },
            "parentReference": self.parent(drive, node),
        })
    }

    fn parent(&self, drive: &Drive, node: &Node) -> Value {
        let mut parent = json!({ "driveType": "business", "driveId": drive.id });
        if let (Some(above), Some(members)) = (node.parent, parent.as_object_mut()) {
            members.extend(drive.nodes.get(above).map(|folder| ("id".to_owned(), json!(folder.id))));
            if self.with_path {
                let path = drive.path(above);
                let below = if path.is_empty() { String::new() } else { format!("/{}", ids::encoded(&path)) };
                let start = if drive.owner.oid == self.call.oid {
                    "/drive/root:".to_owned()
                } else {
                    format!("/drives/{}/root:", drive.id)
                };
                members.insert("path".to_owned(), json!(format!("{start}{below}")));
                members.extend(drive.nodes.get(above).map(|folder| ("name".to_owned(), json!(folder.name))));
            }
        }
        parent
    }

    /// An item of somebody else's drive, as lists of one's own show it.
    pub(super) fn remote(&self, drive: &Drive, at: usize) -> Value {
        let Some(node) = drive.node(at) else { return Value::Null };
        let inner = Self { call: self.call, select: REMOTE.to_vec(), with_path: true };
        let mut item = inner.item(drive, at);
        if let Some(members) = item.as_object_mut() {
            members.insert(
                "shared".to_owned(),
                json!({
                    "scope": "users", "owner": identity(&drive.owner), "sharedBy": identity(&drive.owner),
                    "sharedDateTime": moment(node.created),
                }),
            );
        }
        json!({
            "id": node.id, "name": node.name, "size": drive.size(at), "createdBy": identity(&drive.owner),
            "lastModifiedDateTime": moment(node.modified), "remoteItem": item,
            "webUrl": ids::web_url(&drive.owner.upn, &drive.path(at)),
        })
    }
}

/// What a remote item shows of itself.
const REMOTE: [&str; 8] =
    ["id", "name", "size", "file", "folder", "lastModifiedDateTime", "parentReference", "webUrl"];

pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn identity(who: &Who) -> Value {
    json!({ "user": { "displayName": who.name, "id": who.oid, "email": who.upn } })
}

/// A grant.
pub(super) fn permission(grant: &Grant) -> Value {
    let mut all = json!({ "id": grant.id, "roles": [if grant.write { "write" } else { "read" }] });
    let Some(members) = all.as_object_mut() else { return Value::Null };
    if let Some(who) = &grant.who {
        members
            .insert("grantedToV2".to_owned(), json!({ "user": { "displayName": who.name, "id": who.oid } }));
    }
    if let Some(link) = &grant.link {
        members.insert("shareId".to_owned(), json!(grant.id));
        members.insert("hasPassword".to_owned(), json!(link.password));
        members.insert(
            "link".to_owned(),
            json!({
                "type": link.kind, "scope": link.scope, "webUrl": link.url, "preventsDownload": false,
            }),
        );
        members.extend(link.expires.as_ref().map(|at| ("expirationDateTime".to_owned(), json!(at))));
    }
    all
}

/// The owner's own grant.
pub(super) fn owner_permission(owner: &Who) -> Value {
    json!({
        "id": "aTowIzA", "roles": ["owner"],
        "grantedToV2": { "user": { "displayName": owner.name, "id": owner.oid } },
    })
}

/// A JSON answer with any status.
pub(super) fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, ..Answer::json(body.to_string().into_bytes()) }
}

/// A JSON body of a request.
pub(super) fn body(call: &Call<'_>) -> Result<Map<String, Value>, GraphError> {
    if call.body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(call.body).map_err(|_| invalid("Unable to read JSON request payload."))
}
