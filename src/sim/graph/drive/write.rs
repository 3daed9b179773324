//! Changing: new contents, new folders, other names and places, removal, copies.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::render::{answer, body};
use super::store::{Conflict, Content, Drive, Node, Who, check_name, denied, invalid, name_taken, not_found};
use super::{Desk, Place, Spot};
use crate::sim::clock;
use crate::sim::graph::call::Answer;
use crate::sim::graph::error::GraphError;

/// Largest file of one PUT.
const MAX_PUT: usize = 250 << 20;
const BEHAVIOR: &str = "@microsoft.graph.conflictBehavior";

/// Where new content goes.
#[derive(Clone, Debug)]
pub(super) struct Landing {
    pub(super) drive: usize,
    /// A folder that is there, and the folders below it that are not.
    pub(super) folder: usize,
    pub(super) between: String,
    pub(super) name: String,
    pub(super) conflict: Conflict,
}

/// Refuses when the item is not as the caller last saw it.
fn unchanged(node: &Node, wanted: Option<&str>) -> Result<(), GraphError> {
    match wanted {
        Some(tag) if tag != "*" && tag != node.e_tag() && tag != node.c_tag() => {
            Err(GraphError::new(412, "resourceModified", "ETag does not match current item's value"))
        }
        _ if node.locked => {
            Err(GraphError::new(423, "resourceLocked", "The resource you are attempting to access is locked"))
        }
        _ => Ok(()),
    }
}

/// Takes new content in; the item and whether it is new.
pub(super) fn land(
    drives: &mut [Drive],
    landing: &Landing,
    bytes: Bytes,
    by: &Who,
) -> Result<(usize, bool), GraphError> {
    let now = clock::now();
    let drive = drives.get_mut(landing.drive).ok_or_else(not_found)?;
    let folder = drive.folders(landing.folder, &landing.between, now, by).ok_or_else(name_taken)?;
    let content = Some(Content::Held(bytes));
    let Some(at) = drive.child(folder, &landing.name) else {
        return Ok((drive.add(Some(folder), &landing.name, content, now, by), true));
    };
    match landing.conflict {
        Conflict::Fail => Err(name_taken()),
        Conflict::Rename => {
            let name = drive.free_name(folder, &landing.name);
            Ok((drive.add(Some(folder), &name, content, now, by), true))
        }
        Conflict::Replace => {
            let size = drive.size(at);
            let node = drive.nodes.get_mut(at).ok_or_else(not_found)?;
            if node.is_folder() {
                return Err(name_taken());
            }
            unchanged(node, None)?;
            node.versions.push((node.modified, size, node.by.clone()));
            node.content = content;
            node.content_tag += 1;
            drive.touch(at, now, by);
            Ok((at, false))
        }
    }
}

impl Desk<'_> {
    /// Checks a place that content is meant for, by the query's or the body's conflict behaviour.
    pub(super) fn landing(&self, place: &Place<'_>, behavior: Option<&str>) -> Result<Landing, GraphError> {
        let conflict = Conflict::parse(behavior, Conflict::Replace)?;
        let all = self.drives.all.read();
        let drive = all.get(place.drive).ok_or_else(not_found)?;
        self.allow(drive, place.from, true)?;
        let tag = self.call.if_match;
        let Some((name, folders)) = place.names.split_last() else {
            // `items/{id}/content` replaces what is there.
            let node = drive.node(place.from).filter(|node| !node.is_folder()).ok_or_else(not_found)?;
            unchanged(node, tag)?;
            let folder = node.parent.ok_or_else(denied)?;
            let name = node.name.clone();
            return Ok(Landing { drive: place.drive, folder, between: String::new(), name, conflict });
        };
        check_name(name)?;
        folders.iter().try_for_each(|name| check_name(name))?;
        if let Some(at) = drive.walk(place.from, &place.names) {
            let node = drive.node(at).ok_or_else(not_found)?;
            if conflict == Conflict::Fail {
                return Err(name_taken());
            }
            unchanged(node, tag)?;
        } else if tag.is_some_and(|tag| tag != "*") {
            return Err(not_found());
        }
        let (between, name) = (folders.join("/"), (*name).to_owned());
        Ok(Landing { drive: place.drive, folder: place.from, between, name, conflict })
    }

    pub(super) fn put(&self, place: &Place<'_>) -> Result<Answer, GraphError> {
        let landing = self.landing(place, self.call.query.get(BEHAVIOR))?;
        if self.call.body.len() > MAX_PUT {
            return Err(GraphError::new(413, "maxRequestLengthExceeded", "The request is too large."));
        }
        let bytes = Bytes::copy_from_slice(self.call.body);
        let mut all = self.drives.all.write();
        let (at, new) = land(&mut all, &landing, bytes, &self.me)?;
        let drive = all.get(landing.drive).ok_or_else(not_found)?;
        Ok(answer(if new { 201 } else { 200 }, &self.entity(drive, at)?))
    }

    pub(super) fn make_folder(&self, spot: Spot) -> Result<Answer, GraphError> {
        let body = body(self.call)?;
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
        if !body.get("folder").is_some_and(Value::is_object) {
            return Err(invalid("A folder facet is needed to create a folder."));
        }
        check_name(name)?;
        let conflict = Conflict::parse(body.get(BEHAVIOR).and_then(Value::as_str), Conflict::Fail)?;
        let mut all = self.drives.all.write();
        let drive = all.get_mut(spot.drive).ok_or_else(not_found)?;
        self.allow(drive, spot.node, true)?;
        if !drive.node(spot.node).is_some_and(Node::is_folder) {
            return Err(invalid("The item is not a folder."));
        }
        let name = match (drive.child(spot.node, name), conflict) {
            (None, _) => name.to_owned(),
            (Some(_), Conflict::Rename) => drive.free_name(spot.node, name),
            (Some(_), Conflict::Fail | Conflict::Replace) => return Err(name_taken()),
        };
        let at = drive.add(Some(spot.node), &name, None, clock::now(), &self.me);
        Ok(answer(201, &self.entity(drive, at)?))
    }

    /// Another name, another folder, or both.
    pub(super) fn change(&self, spot: Spot) -> Result<Answer, GraphError> {
        let body = body(self.call)?;
        let mut all = self.drives.all.write();
        let drive = all.get_mut(spot.drive).ok_or_else(not_found)?;
        self.allow(drive, spot.node, true)?;
        let node = drive.node(spot.node).ok_or_else(not_found)?;
        unchanged(node, self.call.if_match)?;
        let (Some(parent), old) = (node.parent, node.name.clone()) else { return Err(denied()) };
        let name = body.get("name").and_then(Value::as_str).unwrap_or(&old).to_owned();
        check_name(&name)?;
        let parent = self.folder_of(drive, &body)?.unwrap_or(parent);
        if drive.is_within(parent, spot.node) {
            return Err(invalid("An item cannot be moved into itself."));
        }
        let taken = drive.child(parent, &name).filter(|other| *other != spot.node);
        let conflict = Conflict::parse(
            body.get(BEHAVIOR).and_then(Value::as_str).or(self.call.query.get(BEHAVIOR)),
            Conflict::Fail,
        )?;
        let name = match (taken, conflict) {
            (None, _) => name,
            (Some(_), Conflict::Rename) => drive.free_name(parent, &name),
            (Some(_), Conflict::Fail) => return Err(name_taken()),
            (Some(other), Conflict::Replace) => {
                drive.remove(other, clock::now());
                name
            }
        };
        let node = drive.nodes.get_mut(spot.node).ok_or_else(not_found)?;
        node.name = name;
        node.parent = Some(parent);
        drive.touch(spot.node, clock::now(), &self.me);
        Ok(answer(200, &self.entity(drive, spot.node)?))
    }

    /// The folder that `parentReference` names, within the same drive.
    fn folder_of(&self, drive: &Drive, body: &Map<String, Value>) -> Result<Option<usize>, GraphError> {
        let Some(reference) = body.get("parentReference").filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let text = |name: &str| reference.get(name).and_then(Value::as_str);
        if text("driveId").is_some_and(|id| id != drive.id) {
            return Err(invalid("Items cannot be moved between drives."));
        }
        let found = match (text("id"), text("path")) {
            (Some("root"), _) => Some(0),
            (Some(id), _) => drive.by_id(id),
            (None, Some(path)) => {
                let (_, below) = path.split_once("root:").ok_or_else(|| invalid("Invalid path."))?;
                let names: Vec<&str> = below.split('/').filter(|name| !name.is_empty()).collect();
                drive.walk(0, &names)
            }
            (None, None) => return Ok(None),
        };
        let folder = found.ok_or_else(not_found)?;
        self.allow(drive, folder, true)?;
        if drive.node(folder).is_some_and(Node::is_folder) {
            Ok(Some(folder))
        } else {
            Err(invalid("Not a folder."))
        }
    }

    pub(super) fn delete(&self, spot: Spot) -> Result<Answer, GraphError> {
        let mut all = self.drives.all.write();
        let drive = all.get_mut(spot.drive).ok_or_else(not_found)?;
        self.allow(drive, spot.node, true)?;
        let node = drive.node(spot.node).ok_or_else(not_found)?;
        if node.parent.is_none() {
            return Err(denied());
        }
        unchanged(node, self.call.if_match)?;
        drive.remove(spot.node, clock::now());
        Ok(Answer::empty(204))
    }

    /// Answers at once; the copy is told by the monitor.
    pub(super) fn copy(&self, spot: Spot) -> Result<Answer, GraphError> {
        let body = body(self.call)?;
        let mut all = self.drives.all.write();
        let drive = all.get_mut(spot.drive).ok_or_else(not_found)?;
        let node = drive.node(spot.node).ok_or_else(not_found)?;
        let Some(parent) = node.parent else { return Err(denied()) };
        let name = body.get("name").and_then(Value::as_str).unwrap_or(&node.name).to_owned();
        check_name(&name)?;
        let parent = self.folder_of(drive, &body)?.unwrap_or(parent);
        self.allow(drive, parent, true)?;
        if drive.is_within(parent, spot.node) {
            return Err(invalid("An item cannot be copied into itself."));
        }
        let conflict = Conflict::parse(self.call.query.get(BEHAVIOR), Conflict::Fail)?;
        let name = match (drive.child(parent, &name), conflict) {
            (None, _) => Some(name),
            (Some(_), Conflict::Rename) => Some(drive.free_name(parent, &name)),
            (Some(_), Conflict::Fail | Conflict::Replace) => None,
        };
        let outcome = match name {
            Some(name) => {
                let at = duplicate(drive, spot.node, parent, &name, &self.me);
                let id = at.and_then(|at| drive.node(at)).map(|node| node.id.clone());
                json!({
                    "operation": "ItemCopy", "percentageComplete": 100, "status": "completed",
                    "resourceId": id.unwrap_or_default(),
                })
            }
            None => json!({
                "operation": "ItemCopy", "percentageComplete": 0, "status": "failed", "errorCode": "nameAlreadyExists",
                "error": { "code": "nameAlreadyExists", "message": "Name already exists" },
            }),
        };
        let mut answer = Answer::empty(202);
        answer.headers.push(("Location", self.drives.transfers.watch(self.call.origin, outcome)));
        Ok(answer)
    }
}

/// A copy of an item and all below it.
fn duplicate(drive: &mut Drive, from: usize, parent: usize, name: &str, by: &Who) -> Option<usize> {
    let content = drive.node(from)?.content.clone();
    let below: Vec<usize> = drive.children(from).collect();
    let at = drive.add(Some(parent), name, content, clock::now(), by);
    for child in below {
        let name = drive.node(child)?.name.clone();
        duplicate(drive, child, at, &name, by);
    }
    Some(at)
}
