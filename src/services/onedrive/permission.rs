//! Who can open a file, and the links by which people can.

use super::item::FileItem;
use super::{Desk, asker, fault};
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::drive_address::Address;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Somebody who can open it, or a link by which people can.
#[derive(Debug, Serialize)]
pub(super) struct Permission {
    pub(super) id: String,
    pub(super) roles: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) who: String,
    /// `anonymous`, `organization` or `users`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link_scope: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) link_url: String,
    /// When the link ends, as Graph tells it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) expires: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Identities<'a> {
    #[serde(borrow)]
    user: Option<Identity<'a>>,
    #[serde(borrow)]
    group: Option<Identity<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity<'a> {
    #[serde(borrow)]
    display_name: Text<'a>,
}

impl Identities<'_> {
    pub(super) fn name(&self) -> String {
        self.user.as_ref().or(self.group.as_ref()).map(|who| who.display_name.to_string()).unwrap_or_default()
    }
}

/// A permission as Graph tells it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PermissionView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    roles: Vec<String>,
    #[serde(borrow)]
    granted_to_v2: Option<Identities<'a>>,
    #[serde(borrow)]
    link: Option<LinkView<'a>>,
    #[serde(borrow)]
    expiration_date_time: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LinkView<'a> {
    #[serde(borrow)]
    scope: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
}

impl Permission {
    pub(super) fn new(view: &PermissionView<'_>) -> Self {
        let link = view.link.as_ref();
        Self {
            id: view.id.to_string(),
            roles: view.roles.clone(),
            who: view.granted_to_v2.as_ref().map(Identities::name).unwrap_or_default(),
            link_scope: link.map(|link| link.scope.to_string()).unwrap_or_default(),
            link_url: link.map(|link| link.web_url.to_string()).unwrap_or_default(),
            expires: view.expiration_date_time.to_string(),
        }
    }

    /// A person, a group, or a link, for people to read.
    pub(super) fn label(&self) -> String {
        if self.link_url.is_empty() {
            self.who.clone()
        } else {
            format!("{} link {}", self.link_scope, self.link_url)
        }
    }
}

/// Properties of a permission in an output schema.
pub(super) fn permission_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "id": text, "roles": {"type": "array", "items": text}, "who": text, "link_scope": text, "link_url": text,
        "expires": text,
    })
}

impl Desk {
    /// `GET {item}/permissions` (Files.Read), 5 units.
    pub(super) async fn permissions(
        &self,
        context: &CallContext,
        item: &FileItem,
    ) -> Result<Vec<Permission>, ToolError> {
        let address = Address::of_id(&item.id);
        let failed = |error| fault(error, address.scope());
        let request = Request::files(address.graph_path("permissions")).costing(5);
        let answer = self.deps.graph.send(asker(context), request).await.map_err(failed)?;
        let page: Page<'_, PermissionView<'_>> = answer.view().map_err(failed)?;
        Ok(page.value.iter().map(Permission::new).collect())
    }
}
