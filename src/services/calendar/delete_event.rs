//! `calendar_delete_event`: takes an event off the calendar; a meeting of the user's own is cancelled for everybody.

use super::standing::Standing;
use super::{ALIASES, Desk, WRITE_SCOPES, asker, scope_schema, write_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "calendar_delete_event";

/// The tool.
pub(super) struct DeleteEvent {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    event_id: String,
    scope: String,
    comment: Option<String>,
}

#[derive(Serialize)]
struct Done {
    status: &'static str,
    /// `cancelled` for everybody, or `deleted` from the user's own calendar.
    how: &'static str,
    subject: String,
    told: Vec<String>,
}

impl DeleteEvent {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let properties = json!({
            "event_id": {"type": "string", "description": "id of an event, unchanged"},
            "scope": scope_schema(),
            "comment": {"type": "string", "description": "For a meeting of the user's own: what people are told"},
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Delete Event",
            description: "Take an event off the calendar, after a confirmation. A meeting that the user organizes is \
                          cancelled and the people are told; one of somebody else's goes from the user's calendar only.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": ["event_id"]}),
            output_schema: outcome_schema(json!({
                "how": {"type": "string"}, "subject": {"type": "string"},
                "told": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE.destructive().idempotent().open_world(),
            scopes: WRITE_SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for DeleteEvent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, _) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let zone = self.desk.zone(context, None).await?;
        let series = wish.scope == "series";
        let standing = Standing::read(&self.desk, context, &wish.event_id, (series, zone)).await?;
        let cancels = standing.is_organizer() && !standing.people().is_empty() && !standing.item.cancelled;
        let told = if cancels { standing.people() } else { Vec::new() };
        if wish.comment.is_some() && !cancels {
            let text = "`comment` is for meetings that the user organizes: there is nobody to tell. Leave it out, or \
                        use calendar_respond_event to decline.";
            return Err(ToolError::invalid("comment", text));
        }
        let what = if standing.item.kind == "series" { "the whole series " } else { "" };
        let mut preview = if cancels {
            format!("Cancel {what}{} and tell {}.", standing.named(), told.join(", "))
        } else {
            format!("Delete {what}{} from your calendar.", standing.named())
        };
        if let Some(comment) = &wish.comment {
            let _ = write!(preview, "\n- Text: {comment}");
        }
        let id = &standing.item.id;
        let write = Write {
            service: "calendar",
            tool: NAME,
            payload: &json!({"id": id, "version": standing.etag, "cancels": cancels, "comment": wish.comment}),
            preview,
            leaves: true,
            recipients: ("event_id", &told),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let path = format!("/me/events/{}", segment(id));
        // `POST /me/events/{id}/cancel`, or `DELETE /me/events/{id}` (Calendars.ReadWrite).
        let request = if cancels {
            let body = json!({"comment": wish.comment.unwrap_or_default()});
            Request::write(
                Method::POST,
                Target::new(format!("{path}/cancel")),
                Some(Bytes::from(body.to_string())),
            )
        } else {
            Request::write(Method::DELETE, Target::new(path), None)
        };
        self.desk.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        let how = if cancels { "cancelled" } else { "deleted" };
        let done = Done { status: "done", how, subject: standing.item.subject.clone(), told };
        let text = format!("The event {} was {how}.\n", standing.named());
        output(|| text, &done, OutputFormat::Text)
    }
}
