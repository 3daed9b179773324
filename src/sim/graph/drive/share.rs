//! Sharing: links, grants, and items by the address of a link.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::render::{answer, body, owner_permission, permission};
use super::store::{Grant, Link, denied, invalid, not_found};
use super::{Desk, Spot, WRITE, ids};
use crate::sim::graph::call::Answer;
use crate::sim::graph::error::GraphError;

impl Desk<'_> {
    pub(super) fn permissions(&self, spot: Spot) -> Result<Answer, GraphError> {
        let all = self.drives.all.read();
        let drive = all.get(spot.drive).ok_or_else(not_found)?;
        let node = drive.node(spot.node).ok_or_else(not_found)?;
        let mut value = vec![owner_permission(&drive.owner)];
        value.extend(node.grants.iter().map(permission));
        Ok(answer(200, &json!({ "@odata.context": self.context("Collection(permission)"), "value": value })))
    }

    pub(super) fn create_link(&self, spot: Spot) -> Result<Answer, GraphError> {
        let body = body(self.call)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let kind = text("type").ok_or_else(|| invalid("The type of the link is missing."))?;
        let scope = text("scope").unwrap_or_else(|| "organization".to_owned());
        if !["view", "edit", "embed"].contains(&kind.as_str())
            || !["anonymous", "organization", "users"].contains(&scope.as_str())
        {
            return Err(invalid("The link cannot be created with this type and scope."));
        }
        let mut all = self.drives.all.write();
        let drive = all.get_mut(spot.drive).ok_or_else(not_found)?;
        self.allow(drive, spot.node, true)?;
        let count = drive.nodes.iter().map(|node| node.grants.len()).sum::<usize>();
        let node = drive.nodes.get_mut(spot.node).ok_or_else(not_found)?;
        let same = |grant: &&Grant| {
            grant.link.as_ref().is_some_and(|link| link.kind == kind && link.scope == scope && !link.password)
        };
        if let Some(known) = node.grants.iter().find(same).filter(|_| !body.contains_key("password")) {
            return Ok(answer(200, &permission(known)));
        }
        let id = format!("{}-{}", ids::guid(&self.me.oid, count), count);
        let link = Link {
            url: format!("{}/:t:/g/personal/{id}", ids::HOST),
            password: body.contains_key("password"),
            expires: text("expirationDateTime"),
            kind,
            scope,
        };
        let grant = Grant { id, who: None, write: link.kind == "edit", link: Some(link) };
        let shown = permission(&grant);
        node.grants.push(grant);
        Ok(answer(201, &shown))
    }

    pub(super) fn revoke(&self, spot: Spot, id: &str) -> Result<Answer, GraphError> {
        let mut all = self.drives.all.write();
        let drive = all.get_mut(spot.drive).ok_or_else(not_found)?;
        self.allow(drive, spot.node, true)?;
        let node = drive.nodes.get_mut(spot.node).ok_or_else(not_found)?;
        let before = node.grants.len();
        node.grants.retain(|grant| grant.id != id);
        if node.grants.len() == before { Err(not_found()) } else { Ok(Answer::empty(204)) }
    }

    /// `/shares/u!{address in base64url}/driveItem`: the address of an item or of a link to it.
    pub(super) fn share(&self, token: &str) -> Result<Answer, GraphError> {
        if !self.call.granted(&WRITE) {
            return Err(denied());
        }
        let bad = || invalid("The sharing token is malformed.");
        let raw = token.strip_prefix("u!").ok_or_else(bad)?;
        let raw = URL_SAFE_NO_PAD.decode(raw).map_err(|_| bad())?;
        let url = String::from_utf8(raw).map_err(|_| bad())?;
        let all = self.drives.all.read();
        for drive in all.iter() {
            for (at, node) in drive.nodes.iter().enumerate().filter(|(_, node)| !node.deleted) {
                let link =
                    node.grants.iter().filter_map(|grant| grant.link.as_ref()).any(|link| link.url == url);
                if !link && ids::web_url(&drive.owner.upn, &drive.path(at)) != url {
                    continue;
                }
                if !link && !drive.admits(&self.me.oid, at, false) {
                    return Err(denied());
                }
                return Ok(answer(200, &self.entity(drive, at)?));
            }
        }
        Err(not_found())
    }
}
