//! Reading: drives, items, children, recent and shared items, versions, and the way to the bytes.

use serde_json::{Map, Value, json};

use super::render::{View, answer, identity, moment};
use super::store::{Drive, denied, invalid, not_found};
use super::{Desk, READ_ALL, Spot};
use crate::sim::graph::call::Answer;
use crate::sim::graph::error::GraphError;
use crate::sim::graph::options::Options;
use crate::sim::graph::paging::{self, Position};

/// Default and largest page of children.
pub(super) const PAGE: usize = 200;

impl Desk<'_> {
    pub(super) fn drive(&self, drive: usize) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(drive).ok_or_else(not_found)?;
        if drive.owner.oid != self.me.oid && !self.call.granted(&READ_ALL) {
            return Err(denied());
        }
        let used = drive.size(0);
        Ok(answer(
            200,
            &json!({
                "@odata.context": self.context("drives/$entity"),
                "id": drive.id, "name": "OneDrive", "driveType": "business", "owner": identity(&drive.owner),
                "webUrl": super::ids::web_url(&drive.owner.upn, ""),
                "quota": {
                    "deleted": 0, "remaining": (1_u64 << 40) - used as u64, "state": "normal", "total": 1_u64 << 40,
                    "used": used,
                },
            }),
        ))
    }

    pub(super) fn context(&self, place: &str) -> String {
        format!("{}/v1.0/$metadata#{place}", self.call.origin)
    }

    pub(super) fn get(&self, spot: Spot) -> Result<Answer, GraphError> {
        Options::read(self.call, &["$select", "$expand"])?;
        let all = self.drives.all.read();
        let drive = all.get(spot.drive).ok_or_else(not_found)?;
        Ok(answer(200, &self.entity(drive, spot.node)?))
    }

    /// An item with its context.
    pub(super) fn entity(&self, drive: &Drive, node: usize) -> Result<Value, GraphError> {
        let mut body = Map::new();
        let place = format!("users('{}')/drive/items/$entity", self.me.oid);
        body.insert("@odata.context".to_owned(), json!(self.context(&place)));
        if let Value::Object(members) = self.view()?.item(drive, node) {
            body.extend(members);
        }
        Ok(body.into())
    }

    pub(super) fn children(&self, spot: Spot) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(spot.drive).ok_or_else(not_found)?;
        let folder = drive.node(spot.node).ok_or_else(not_found)?;
        if !folder.is_folder() {
            return Err(invalid("The item is not a folder."));
        }
        let mut rows: Vec<usize> = drive.children(spot.node).collect();
        let order = self.call.query.get("$orderby").unwrap_or("name").trim();
        let (by, direction) = order.split_once(' ').unwrap_or((order, "asc"));
        let node = |at: &usize| drive.nodes.get(*at);
        match by {
            "name" => rows.sort_by_key(|at| node(at).map(|node| node.name.to_lowercase())),
            "lastModifiedDateTime" => rows.sort_by_key(|at| node(at).map(|node| node.modified)),
            "size" => rows.sort_by_key(|at| drive.size(*at)),
            other => return Err(invalid(&format!("Items cannot be ordered by '{other}'."))),
        }
        if direction.trim() == "desc" {
            rows.reverse();
        }
        let view = self.view()?;
        self.page(&rows, |at| view.item(drive, *at))
    }

    /// One page of rows that are made to items.
    pub(super) fn page<T>(&self, rows: &[T], show: impl Fn(&T) -> Value) -> Result<Answer, GraphError> {
        let options =
            Options::read(self.call, &["$select", "$top", "$orderby", "$skiptoken", "$expand", "$count"])?;
        let start = paging::position(self.call)?.map_or(0, |position| position.at as usize);
        let end = start.saturating_add(options.top.unwrap_or(PAGE).min(PAGE));
        let items: Vec<Value> = rows.iter().skip(start).take(end - start).map(show).collect();
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(self.context("Collection(driveItem)")));
        if options.count {
            body.insert("@odata.count".to_owned(), json!(rows.len()));
        }
        if end < rows.len() {
            let position = Position { at: u32::try_from(end).unwrap_or(u32::MAX), given: 0 };
            body.insert("@odata.nextLink".to_owned(), json!(paging::next_link(self.call, position)));
        }
        body.insert("value".to_owned(), json!(items));
        Ok(answer(200, &body.into()))
    }

    /// The bytes lie elsewhere, at an address that needs no token and may see none.
    pub(super) fn content(&self, spot: Spot) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(spot.drive).ok_or_else(not_found)?;
        let node = drive.node(spot.node).filter(|node| !node.is_folder()).ok_or_else(not_found)?;
        let url = super::transfer::download_url(self.call.origin, &drive.id, node);
        let mut answer = Answer::empty(302);
        answer.headers.push(("Location", url));
        Ok(answer)
    }

    /// Files in the order of their last change, those of others among them.
    pub(super) fn recent(&self) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let view = self.view()?;
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for (at, drive) in all.iter().enumerate() {
            let mine = drive.owner.oid == self.me.oid;
            let files = drive.nodes.iter().enumerate().filter(|(ix, node)| {
                !node.deleted && !node.is_folder() && (mine || drive.admits(&self.me.oid, *ix, false))
            });
            rows.extend(files.map(|(ix, _)| (at, ix)));
        }
        let modified = |row: &(usize, usize)| Some(all.get(row.0)?.nodes.get(row.1)?.modified);
        rows.sort_by_key(|row| std::cmp::Reverse(modified(row)));
        rows.truncate(60);
        self.page(&rows, |(drive, at)| self.mine_or_remote(&view, all.get(*drive), *at))
    }

    fn mine_or_remote(&self, view: &View<'_>, drive: Option<&Drive>, at: usize) -> Value {
        match drive {
            Some(drive) if drive.owner.oid == self.me.oid => view.item(drive, at),
            Some(drive) => view.remote(drive, at),
            None => Value::Null,
        }
    }

    /// What others have shared, by its own grants.
    pub(super) fn shared_with_me(&self) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let view = self.view()?;
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for (at, drive) in all.iter().enumerate().filter(|(_, drive)| drive.owner.oid != self.me.oid) {
            let granted = drive.nodes.iter().enumerate().filter(|(_, node)| {
                let to_me = |grant: &super::store::Grant| {
                    grant.who.as_ref().is_some_and(|who| who.oid == self.me.oid)
                };
                !node.deleted && node.grants.iter().any(to_me)
            });
            rows.extend(granted.map(|(ix, _)| (at, ix)));
        }
        self.page(&rows, |(drive, at)| self.mine_or_remote(&view, all.get(*drive), *at))
    }

    pub(super) fn versions(&self, spot: Spot) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(spot.drive).ok_or_else(not_found)?;
        let node = drive.node(spot.node).filter(|node| !node.is_folder()).ok_or_else(not_found)?;
        let mut rows = vec![(node.modified, drive.size(spot.node), node.by.clone())];
        rows.extend(node.versions.iter().rev().cloned());
        let count = rows.len();
        let shown: Vec<Value> = rows
            .into_iter()
            .enumerate()
            .map(|(back, (at, size, by))| {
                json!({
                    "id": format!("{}.0", count - back), "lastModifiedDateTime": moment(at), "size": size,
                    "lastModifiedBy": identity(&by),
                })
            })
            .collect();
        Ok(answer(
            200,
            &json!({
                "@odata.context": self.context("Collection(driveItemVersion)"), "value": shown,
            }),
        ))
    }
}
