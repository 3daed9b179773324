//! `list_active_accounts`: what the caller has connected to this server. Other people's is never listed.

use super::{ALIASES, Desk, SCOPES, away};
use crate::domain::grant::GrantRecord;
use crate::services::answer::with_notes;
use crate::services::time::{instant, local_text};
use crate::tools::account;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// A connection as its owner sees it; holds nothing that opens anything.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Connection {
    service: String,
    client_id: String,
    /// What the user calls a personal key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    scopes: String,
    connected: String,
    last_used: String,
    ends: String,
}

impl Connection {
    fn of(grant: &GrantRecord, zone: Tz) -> Self {
        let shown = |at| local_text(instant(at), zone);
        Self {
            service: grant.service.to_string(),
            client_id: grant.client.to_string(),
            key: grant.name.clone(),
            scopes: grant.scopes.to_string(),
            connected: shown(grant.created_at),
            last_used: shown(grant.last_used_at),
            ends: shown(grant.expires_at),
        }
    }

    pub(super) fn print(&self) -> String {
        let who = self.key.as_ref().map_or_else(|| self.client_id.clone(), |name| format!("key “{name}”"));
        format!("- **{}** · {who} · connected {} · used {}\n", self.service, self.connected, self.last_used)
    }
}

/// Output schema of a list of connections.
pub(super) fn connections_schema() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "array", "items": {"type": "object", "properties": {
        "service": text, "client_id": text, "key": text, "scopes": text, "connected": text, "last_used": text, "ends": text,
    }}})
}

/// The caller's connections, newest first.
pub(super) async fn of(desk: &Desk, context: &CallContext) -> Result<Vec<Connection>, ToolError> {
    let grants = account::connections(desk.deps.store.as_ref(), &context.caller.user).await.map_err(away)?;
    let zone = desk.zone(context).await;
    Ok(grants.iter().map(|grant| Connection::of(grant, zone)).collect())
}

#[derive(Serialize)]
struct Listed {
    account: String,
    connections: Vec<Connection>,
    count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The tool.
pub(super) struct ListActiveAccounts {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

impl ListActiveAccounts {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "list_active_accounts",
            title: "Active Connections",
            description: "List what the signed-in user has connected to this server: which client, for which service, with \
                          which permissions, since when.",
            input_schema: json!({"type": "object", "properties": {}}),
            output_schema: json!({"type": "object", "properties": {
                "account": {"type": "string"}, "connections": connections_schema(), "count": {"type": "integer"},
                "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["account", "connections", "count"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for ListActiveAccounts {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let failed = |error| super::fault::tool_error(error, SCOPES);
        let access = self.desk.deps.graph.access(&context.caller.user).await.map_err(failed)?;
        let connections = of(&self.desk, context).await?;
        let account = access.profile.username.clone();
        let mut text = format!("{account}: {} connections\n", connections.len());
        for one in &connections {
            let _ = write!(text, "{}", one.print());
        }
        let listed = Listed { account, count: connections.len(), connections, warnings };
        ToolOutput::new(with_notes(text, &listed.warnings, None), &listed).map_err(ToolError::internal)
    }
}
