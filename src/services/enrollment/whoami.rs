//! `whoami`: who signed in.

use super::profile::{person, person_schema};
use super::{ALIASES, Desk, SCOPES};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde_json::json;
use std::sync::Arc;

/// The tool.
pub(super) struct Whoami {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

impl Whoami {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "whoami",
            title: "Who Am I",
            description: "Tell whose Microsoft 365 account is signed in here.",
            input_schema: json!({"type": "object", "properties": {}}),
            output_schema: json!({"type": "object", "properties": person_schema(), "required": ["id", "name"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for Whoami {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        self.desk.notes(context, &args).await?;
        let me = person(&self.desk, context).await?;
        let text = format!("{} <{}>\nid: {}\n", me.name, me.user_principal_name, me.id);
        ToolOutput::new(text, &me).map_err(ToolError::internal)
    }
}
