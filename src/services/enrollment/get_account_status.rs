//! `get_account_status`: the state of the sign-in.

use super::connections;
use super::profile::{Profile, profile_schema};
use super::{ALIASES, Desk, SCOPES, fault};
use crate::services::answer::with_notes;
use crate::services::time::{instant, local_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// The tool.
pub(super) struct GetAccountStatus {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Serialize)]
struct State {
    account: String,
    status: &'static str,
    /// When Microsoft's token is renewed, which happens by itself.
    token_expires: String,
    scopes: String,
    connections: usize,
    time_zone: String,
    registered: bool,
    profile: Profile,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl GetAccountStatus {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let spec = ToolSpec {
            name: "get_account_status",
            title: "Account Status",
            description: "Tell the state of the signed-in user's Microsoft sign-in here: permissions of this connection, how \
                          many connections there are, and the profile that is kept.",
            input_schema: json!({"type": "object", "properties": {}}),
            output_schema: json!({"type": "object", "properties": {
                "account": text, "status": text, "token_expires": text, "scopes": text, "connections": {"type": "integer"},
                "time_zone": text, "registered": {"type": "boolean"},
                "profile": {"type": "object", "properties": profile_schema()},
                "warnings": {"type": "array", "items": text},
            }, "required": ["account", "status"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for GetAccountStatus {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let failed = |error| fault::tool_error(error, SCOPES);
        let access = self.desk.deps.graph.access(&context.caller.user).await.map_err(failed)?;
        let zone = self.desk.zone(context).await;
        let profile = Profile::of(&self.desk, context).await?;
        let status = State {
            account: access.profile.username.clone(),
            status: "active",
            token_expires: local_text(instant(access.expires_at), zone),
            scopes: context.caller.scopes.to_string(),
            connections: connections::of(&self.desk, context).await?.len(),
            time_zone: zone.name().to_owned(),
            registered: profile != Profile::default(),
            profile,
            warnings,
        };
        let text = format!(
            "{} is signed in.\nPermissions of this connection: {}\nConnections: {}\nTime zone: {}\n",
            status.account, status.scopes, status.connections, status.time_zone
        );
        ToolOutput::new(with_notes(text, &status.warnings, None), &status).map_err(ToolError::internal)
    }
}
