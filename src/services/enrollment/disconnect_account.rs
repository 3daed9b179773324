//! `disconnect_account`: ends every connection of the caller, this one too.

use super::{ALIASES, Desk, SCOPES, away};
use crate::tools::account;
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "disconnect_account";

/// The tool.
pub(super) struct DisconnectAccount {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Serialize)]
struct Done {
    status: &'static str,
    ended: usize,
}

impl DisconnectAccount {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: NAME,
            title: "Disconnect Account",
            description: "End every connection of the signed-in user to this server, this one too, and forget the Microsoft \
                          sign-in. The person is asked first.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({}), true)}),
            output_schema: confirm::outcome_schema(json!({"ended": {"type": "integer"}})),
            annotations: Annotations::WRITE.destructive().idempotent(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for DisconnectAccount {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        self.desk.notes(context, &args).await?;
        let store = self.desk.deps.store.as_ref();
        let user = &context.caller.user;
        let all = account::connections(store, user).await.map_err(away)?;
        let mut ids: Vec<String> = all.iter().map(|grant| grant.id.to_string()).collect();
        ids.sort_unstable();
        let named: Vec<String> = all.iter().map(|one| format!("{} ({})", one.service, one.client)).collect();
        let write = Write {
            service: "enrollment",
            tool: NAME,
            // Whoever agreed to it agreed to these.
            payload: &json!({ "disconnect": ids }),
            preview: format!(
                "End all {} connections to this server and forget the Microsoft sign-in: {}. Every client has to connect \
                 again.",
                named.len(),
                named.join(", ")
            ),
            leaves: true,
            recipients: ("confirm_token", &[]),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let ended = account::end(store, user, |_| true).await.map_err(away)?;
        let text = format!("Ended {ended} connections. Connect again to go on.\n");
        ToolOutput::new(text, &Done { status: "done", ended }).map_err(ToolError::internal)
    }
}
