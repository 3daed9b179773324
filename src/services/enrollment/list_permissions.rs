//! `list_permissions`: what each tool needs, and whether this person granted it.

use super::{ALIASES, Desk, SCOPES, away};
use crate::domain::resource::ROOT;
use crate::domain::scope::ScopeSet;
use crate::services::answer::with_notes;
use crate::services::args::typed;
use crate::tools::account;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Permissions that an administrator has to approve (Microsoft's permission data, delegated work scopes).
pub(super) const ADMIN_ONLY: &[&str] = &[
    "Calendars.ReadBasic",
    "ChannelMember.Read.All",
    "ChannelMessage.Read.All",
    "ChatMember.Read",
    "Directory.Read.All",
    "OnlineMeetingTranscript.Read.All",
    "Place.Read.All",
    "TeamMember.Read.All",
    "User.Read.All",
];

/// The tool.
pub(super) struct ListPermissions {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    service: Option<String>,
}

#[derive(Serialize)]
struct Row {
    service: String,
    tool: &'static str,
    scopes: String,
    granted: bool,
    admin_consent: bool,
    writes: bool,
}

#[derive(Serialize)]
struct Listed {
    items: Vec<Row>,
    count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl ListPermissions {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let (text, flag) = (json!({"type": "string"}), json!({"type": "boolean"}));
        let spec = ToolSpec {
            name: "list_permissions",
            title: "Permissions",
            description: "List the Microsoft 365 permissions that each tool needs, whether the user granted them to any \
                          connection of that service, and whether an administrator has to.",
            input_schema: json!({"type": "object", "properties": {
                "service": {"type": "string", "description": "Only tools of this service, e.g. mail-query"},
            }}),
            output_schema: json!({"type": "object", "properties": {
                "items": {"type": "array", "items": {"type": "object", "properties": {
                    "service": text, "tool": text, "scopes": text, "granted": flag, "admin_consent": flag, "writes": flag,
                }}},
                "count": {"type": "integer"}, "warnings": {"type": "array", "items": text},
            }, "required": ["items", "count"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for ListPermissions {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let offer = self.desk.offer()?;
        let wanted = wish.service.as_deref().map(|name| name.trim().to_lowercase());
        let services: Vec<_> = offer
            .services
            .iter()
            .filter(|service| offer.resources.service(&service.name).is_some())
            .filter(|service| wanted.as_ref().is_none_or(|wanted| service.name == *wanted))
            .collect();
        if services.is_empty() {
            let known: Vec<&str> =
                offer.resources.offered().iter().map(|service| service.name.as_str()).collect();
            let text = format!("`service` must be one of: {}.", known.join(", "));
            return Err(ToolError::invalid("service", text));
        }
        let store = self.desk.deps.store.as_ref();
        let grants = account::connections(store, &context.caller.user).await.map_err(away)?;
        let mut items = Vec::new();
        for service in services {
            let granted: ScopeSet = grants
                .iter()
                .filter(|grant| [service.name.as_str(), ROOT].contains(&grant.service.as_str()))
                .fold(ScopeSet::default(), |all, grant| all.union(&grant.scopes));
            items.extend(service.tools.iter().map(|tool| Row {
                service: service.name.clone(),
                tool: tool.name,
                scopes: tool.scopes.join(" "),
                granted: !granted.is_empty() && tool.scopes.iter().all(|scope| granted.allows(scope)),
                admin_consent: tool.scopes.iter().any(|scope| ADMIN_ONLY.contains(scope)),
                writes: !tool.read_only,
            }));
        }
        let mut text = String::new();
        for row in &items {
            let granted = if row.granted { "granted" } else { "not granted" };
            let _ = writeln!(text, "- {} · {} · {} · {granted}", row.service, row.tool, row.scopes);
        }
        let listed = Listed { count: items.len(), items, warnings };
        ToolOutput::new(with_notes(text, &listed.warnings, None), &listed).map_err(ToolError::internal)
    }
}
