//! `share_file`: a link to a file or folder, or the end of somebody's access. Both after the person agreed.

use super::change::{SCOPES, below_root, failed};
use super::item::FileItem;
use super::permission::{Permission, PermissionView};
use super::{ALIASES, Desk, asker};
use crate::graph::encode::segment;
use crate::graph::error::{Fault, GraphError};
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, typed};
use crate::services::drive_address::Address;
use crate::services::time::{Edge, instant, local_text, moment, utc_text};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Argument, and Graph's member.
const PASSWORD: &str = "password";
/// Characters of a password.
const MIN_PASSWORD: usize = 4;
const MAX_PASSWORD: usize = 64;

/// The tool.
pub(super) struct ShareFile {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

/// What whoever has the link may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    View,
    Edit,
}

/// Whom the link works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Circle {
    Organization,
    Users,
    Anonymous,
}

#[derive(Deserialize)]
struct Wish {
    file_path: String,
    role: Option<Role>,
    scope: Option<Circle>,
    expires: Option<String>,
    password: Option<String>,
    revoke_id: Option<String>,
}

/// `structuredContent`.
#[derive(Serialize)]
struct Shared {
    status: &'static str,
    /// Of the file or folder.
    id: String,
    path: String,
    /// The link that was made, or the access that was taken away.
    permission: Permission,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl ShareFile {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let properties = json!({
            "file_path": text("Path or id of the file or folder"),
            "role": {"type": "string", "enum": ["view", "edit"], "description": "What the link lets people do; view unless given"},
            "scope": {
                "type": "string", "enum": ["organization", "users", "anonymous"],
                "description": "Whom it works for: organization unless given; users: people with access already; anonymous: \
                                anybody, without signing in",
            },
            "expires": text("Day or time at which the link ends, e.g. 2026-12-31; never unless given"),
            "password": text("What people must type to open it; the person tells them. Not every organization allows it"),
            "revoke_id": text("Instead of making a link: id of a permission (get_file_info, include=permissions) to take away"),
        });
        let plain = json!({"type": "string"});
        let spec = ToolSpec {
            name: "share_file",
            title: "Share File",
            description: "Make a sharing link to a file or folder of the user's OneDrive, or take one away with revoke_id. \
                          Nobody is told of a link; the person is asked first.",
            input_schema: json!({
                "type": "object", "properties": confirm::inputs(properties, true), "required": ["file_path"],
            }),
            output_schema: confirm::outcome_schema(json!({
                "id": plain, "path": plain,
                "permission": {"type": "object", "properties": super::permission::permission_schema()},
                "warnings": {"type": "array", "items": plain},
            })),
            annotations: Annotations::WRITE.destructive().idempotent().open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// When the link is to end.
    async fn end(&self, context: &CallContext, wish: &Wish) -> Result<Option<DateTime<Utc>>, ToolError> {
        let Some(text) = &wish.expires else { return Ok(None) };
        let zone = self.desk.zone(context).await;
        let end = moment("expires", text, zone, Edge::End)?;
        if end <= instant(self.desk.deps.clock.now()) {
            return Err(ToolError::invalid("expires", "`expires` is in the past: give a day to come."));
        }
        Ok(Some(end))
    }

    /// The permission to take away.
    async fn doomed(
        &self,
        context: &CallContext,
        wish: &Wish,
        item: &FileItem,
    ) -> Result<Permission, ToolError> {
        if wish.role.is_some() || wish.scope.is_some() || wish.expires.is_some() || wish.password.is_some() {
            let text = "`revoke_id` takes access away: leave `role`, `scope`, `expires` and `password` out.";
            return Err(ToolError::invalid("revoke_id", text));
        }
        let all = self.desk.permissions(context, item).await?;
        let found = all.into_iter().find(|known| Some(&known.id) == wish.revoke_id.as_ref());
        let found = found.ok_or_else(|| {
            let text = format!(
                "`revoke_id` is no permission of {}: get_file_info with include=permissions tells them.",
                item.label()
            );
            ToolError::invalid("revoke_id", text)
        })?;
        if found.roles.iter().any(|role| role == "owner") {
            return Err(ToolError::invalid(
                "revoke_id",
                "`revoke_id` is the owner's own access, which stays.",
            ));
        }
        Ok(found)
    }

    fn write<'a>(&self, payload: &'a Value, preview: String) -> Write<'a> {
        Write {
            service: "onedrive",
            tool: self.spec.name,
            payload,
            preview,
            leaves: true,
            recipients: ("file_path", &[]),
        }
    }

    /// `POST {item}/createLink` (Files.ReadWrite), 5 units. Asked again, Graph answers with the link that is there, but for
    /// one with a password, of which it makes another.
    async fn link(
        &self,
        context: &CallContext,
        item: &FileItem,
        body: &Value,
    ) -> Result<Permission, GraphError> {
        let path = Address::of_id(&item.id).graph_path("createLink");
        let request = Request::files_write(Method::POST, path, Some(body.to_string().into()));
        let request = request.costing(5);
        let request = if body.get(PASSWORD).is_some() { request.once() } else { request.repeatable() };
        let answer = self.desk.deps.graph.send(asker(context), request).await?;
        let view: PermissionView<'_> = answer.view()?;
        Ok(Permission::new(&view))
    }

    /// `DELETE {item}/permissions/{id}` (Files.ReadWrite), 5 units.
    async fn revoke(&self, context: &CallContext, item: &FileItem, id: &str) -> Result<(), ToolError> {
        let path = Address::of_id(&item.id).graph_path(&format!("permissions/{}", segment(id)));
        let request = Request::files_write(Method::DELETE, path, None).costing(5);
        self.desk.deps.graph.send(asker(context), request).await.map_err(failed)?;
        Ok(())
    }
}

/// Organizations may forbid links for everybody.
fn refused(error: GraphError, circle: Circle) -> ToolError {
    if circle == Circle::Anonymous
        && let GraphError::Refused { fault: Fault::MissingPermission, status, code, .. } = &error
    {
        let text = "Microsoft 365 refused a link that works for anybody; organizations often forbid those. Use \
                    scope=organization, or ask the administrator.";
        let kind = ToolErrorKind::UpstreamRejected { code: code.clone(), status: *status };
        return ToolError::new(kind, text);
    }
    failed(error)
}

#[async_trait]
impl Tool for ShareFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let address = below_root("file_path", &wish.file_path)?;
        let item = self.desk.lookup(context, &address).await?;
        let writes = &self.desk.deps.writes;
        let (said, permission) = if wish.revoke_id.is_some() {
            let doomed = self.doomed(context, &wish, &item).await?;
            let payload = json!({ "id": item.id, "revoke": doomed.id });
            let preview = format!("Take away access to {}: {}.", item.label(), doomed.label());
            if let Some(answer) = writes.hold(context, &args, &self.write(&payload, preview)).await? {
                return Ok(answer);
            }
            self.revoke(context, &item, &doomed.id).await?;
            (format!("{} can no longer open {}.", doomed.label(), item.label()), doomed)
        } else {
            let (role, circle) =
                (wish.role.unwrap_or(Role::View), wish.scope.unwrap_or(Circle::Organization));
            if circle == Circle::Anonymous && !writes.reaches_everybody() {
                let text = "This server lets people reach certain domains only, so a link for anybody is not made. Use \
                            scope=organization.";
                return Err(ToolError::invalid("scope", text));
            }
            let end = self.end(context, &wish).await?;
            let password = wish.password.as_deref().map(checked).transpose()?;
            let body = link_body(role, circle, (end, password));
            let mut until = match end {
                Some(end) => format!(" until {}", local_text(end, self.desk.zone(context).await)),
                None => String::new(),
            };
            // The person knows it, and nobody else should read it here.
            until.push_str(if password.is_some() { ", with the password" } else { "" });
            let preview = format!("Make a link to {}: {}{until}.", item.label(), meaning(role, circle));
            let payload = json!({ "id": item.id, "link": body });
            if let Some(answer) = writes.hold(context, &args, &self.write(&payload, preview)).await? {
                return Ok(answer);
            }
            let made = self.link(context, &item, &body).await.map_err(|error| refused(error, circle))?;
            (format!("{}\n{}{until}.", made.link_url, meaning(role, circle)), made)
        };
        let text = format!("{said}\npermission: {}\n", permission.id);
        let path = item.label().to_owned();
        let shared = Shared { status: "done", id: item.id, path, permission, warnings };
        output(|| with_notes(text, &shared.warnings, None), &shared, OutputFormat::Text)
    }
}

/// A password as it was given, if it can be one.
fn checked(password: &str) -> Result<&str, ToolError> {
    if (MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count())
        && !password.chars().any(char::is_control)
    {
        return Ok(password);
    }
    let text =
        format!("`password` must have {MIN_PASSWORD} to {MAX_PASSWORD} characters, without line breaks.");
    Err(ToolError::invalid(PASSWORD, text))
}

fn link_body(role: Role, circle: Circle, (end, password): (Option<DateTime<Utc>>, Option<&str>)) -> Value {
    let kind = match role {
        Role::View => "view",
        Role::Edit => "edit",
    };
    let scope = match circle {
        Circle::Organization => "organization",
        Circle::Users => "users",
        Circle::Anonymous => "anonymous",
    };
    let mut body = Map::new();
    body.insert("type".to_owned(), kind.into());
    body.insert("scope".to_owned(), scope.into());
    body.extend(end.map(|end| ("expirationDateTime".to_owned(), utc_text(end).into())));
    body.extend(password.map(|password| (PASSWORD.to_owned(), password.into())));
    Value::Object(body)
}

/// Whom a link lets do what.
fn meaning(role: Role, circle: Circle) -> String {
    let who = match circle {
        Circle::Organization => "Everybody in the organization who has it",
        Circle::Users => "People who have access already",
        Circle::Anonymous => "Anybody who has it, without signing in,",
    };
    let what = match role {
        Role::View => "can read it",
        Role::Edit => "can read and change it",
    };
    format!("{who} {what}")
}
