//! `delete_email`: many messages into Deleted Items, or away for good, after a confirmation.

use super::bulk::{Row, ids, ids_schema, results_schema, told};
use super::{ALIASES, Mail, WRITE_SCOPES, asker, write_fault};
use crate::graph::batch::Part;
use crate::graph::encode::{Target, segment};
use crate::graph::error::{Fault, GraphError};
use crate::services::answer::line;
use crate::services::args::typed;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const NAME: &str = "delete_email";

/// The tool.
pub(super) struct DeleteEmail {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    ids: Vec<String>,
    permanent: bool,
}

impl DeleteEmail {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let properties = json!({
            "ids": ids_schema(),
            "permanent": {"type": "boolean", "description": "For good, instead of into Deleted Items"},
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Delete Email",
            description: "Remove up to 50 messages, after a confirmation: into Deleted Items, or for good.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": ["ids"]}),
            output_schema: outcome_schema(results_schema()),
            annotations: Annotations::WRITE.destructive().idempotent(),
            scopes: WRITE_SCOPES,
            aliases: ALIASES,
        };
        Self { mail, spec }
    }

    /// What is about to go, line by line: `POST /$batch` of `GET /me/messages/{id}?$select=subject,from`.
    ///
    /// # Errors
    /// One of the ids leads to no message: then none is removed, since the person would be shown less than is meant.
    async fn named(&self, context: &CallContext, ids: &[String]) -> Result<Vec<String>, ToolError> {
        let read = |id: &String| {
            let target = Target::new(format!("/me/messages/{}", segment(id))).with("$select", "subject,from");
            Part::new(Method::GET, target, None)
        };
        let parts: Vec<Part> = ids.iter().map(read).collect();
        let outcomes = self.mail.deps.graph.batch(asker(context), &parts, true).await.map_err(write_fault)?;
        let mut lines = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        for (id, outcome) in ids.iter().zip(outcomes) {
            match outcome {
                Ok(raw) => {
                    let text = |at: &str| line(raw.pointer(at).and_then(Value::as_str).unwrap_or_default());
                    lines.push(format!(
                        "\"{}\" from {}",
                        text("/subject"),
                        text("/from/emailAddress/address")
                    ));
                }
                Err(GraphError::Refused { fault: Fault::NotFound | Fault::OtherMailbox, .. }) => {
                    missing.push(context.marked(id));
                }
                Err(error) => return Err(write_fault(error)),
            }
        }
        if missing.is_empty() {
            return Ok(lines);
        }
        let shown: String = missing.join(", ").chars().filter(|c| !c.is_control()).take(300).collect();
        let text = format!(
            "{} of `ids` are of no such item in this mailbox, so nothing was removed: {shown}. List again and use ids from \
             that list, unchanged.",
            missing.len()
        );
        Err(ToolError::new(ToolErrorKind::NotFound, text))
    }
}

#[async_trait]
impl Tool for DeleteEmail {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let ids = ids(&wish.ids)?;
        let lines = self.named(context, &ids).await?;
        let how =
            if wish.permanent { "Remove for good, without a way back" } else { "Move into Deleted Items" };
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &json!({"ids": ids, "permanent": wish.permanent}),
            preview: format!("{how}:\n- {}", lines.join("\n- ")),
            leaves: true,
            recipients: ("ids", &[]),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        // `POST /me/messages/{id}/move`, or `DELETE /me/messages/{id}` (Mail.ReadWrite), which must not come twice: the
        // second one would say that there is nothing.
        let part = |id: &String| {
            let path = format!("/me/messages/{}", segment(id));
            if wish.permanent {
                return Part::new(Method::DELETE, Target::new(path), None);
            }
            let body = json!({"destinationId": "deleteditems"});
            Part::new(Method::POST, Target::new(format!("{path}/move")), Some(body))
        };
        let parts: Vec<Part> = ids.iter().map(part).collect();
        let graph = &self.mail.deps.graph;
        let outcomes = graph.batch(asker(context), &parts, !wish.permanent).await.map_err(write_fault)?;
        let rows: Vec<Row> =
            ids.into_iter().zip(outcomes).map(|(id, outcome)| Row::of(id, outcome)).collect();
        let what = if wish.permanent { "Removed for good" } else { "Moved into Deleted Items" };
        told(context, what, rows, warnings)
    }
}
