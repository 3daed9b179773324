//! `calendar_respond_event`: the user's answer to an invitation.

use super::draft::{Draft, wall};
use super::standing::Standing;
use super::{ALIASES, Desk, WRITE_SCOPES, asker, time_zone_schema, write_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::services::time::local_text;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "calendar_respond_event";

/// The tool.
pub(super) struct RespondEvent {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    event_id: String,
    response: String,
    comment: Option<String>,
    notify: Option<bool>,
    propose_start: Option<String>,
    propose_end: Option<String>,
    time_zone: Option<String>,
}

#[derive(Serialize)]
struct Done<'a> {
    status: &'static str,
    response: &'a str,
    subject: &'a str,
    organizer: &'a str,
    notified: bool,
}

impl RespondEvent {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let properties = json!({
            "event_id": {"type": "string", "description": "id of an event, unchanged"},
            "response": {"type": "string", "enum": ["accept", "tentative", "decline"], "description": "The answer"},
            "comment": {"type": "string", "description": "Text for the organizer"},
            "notify": {"type": "boolean", "description": "Tell the organizer; yes unless given"},
            "propose_start": {"type": "string", "description": "Another time instead; with tentative or decline"},
            "propose_end": {"type": "string", "description": "Its end; one hour later unless given"},
            "time_zone": time_zone_schema(),
        });
        let spec = ToolSpec {
            name: NAME,
            title: "Respond to Event",
            description: "Answer an invitation. A text or another time for the organizer goes out only after a confirmation.",
            input_schema: json!({
                "type": "object", "properties": inputs(properties, true), "required": ["event_id", "response"],
            }),
            output_schema: outcome_schema(json!({
                "response": {"type": "string"}, "subject": {"type": "string"}, "organizer": {"type": "string"},
                "notified": {"type": "boolean"},
            })),
            annotations: Annotations::WRITE.idempotent().open_world(),
            scopes: WRITE_SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for RespondEvent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, _) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let notify = wish.notify.unwrap_or(true);
        let times =
            Draft { start: wish.propose_start.clone(), end: wish.propose_end.clone(), ..Draft::default() };
        let named = |error: ToolError| {
            ToolError::invalid("propose_start", error.public.replace("`start`", "`propose_start`"))
        };
        let proposed = times.when(zone, None).map_err(named)?;
        if proposed.is_some() && (wish.response == "accept" || !notify) {
            let text = "`propose_start` goes with `response` tentative or decline, and with `notify`.";
            return Err(ToolError::invalid("propose_start", text));
        }
        if wish.comment.is_some() && !notify {
            return Err(ToolError::invalid("comment", "`comment` reaches nobody when `notify` is false."));
        }
        let standing = Standing::read(&self.desk, context, &wish.event_id, (false, zone)).await?;
        if standing.is_organizer() {
            let text = "The user organizes this event, so there is nobody to answer. Use calendar_update_event or \
                        calendar_delete_event.";
            return Err(ToolError::invalid("event_id", text));
        }
        let mut body = Map::from_iter([("sendResponse".to_owned(), json!(notify))]);
        let mut preview = format!("Answer \"{}\" to {}.", wish.response, standing.named());
        if let Some(comment) = &wish.comment {
            body.insert("comment".to_owned(), json!(comment));
            let _ = write!(preview, "\n- Text for {}: {comment}", standing.organizer());
        }
        if let Some(when) = proposed {
            let slot = json!({"start": wall(when.start, zone), "end": wall(when.end, zone)});
            body.insert("proposedNewTime".to_owned(), slot);
            let (start, end) = (local_text(when.start, zone), local_text(when.end, zone));
            let _ = write!(preview, "\n- Proposes {start} to {end}");
        }
        let told = if notify { vec![standing.organizer().to_owned()] } else { Vec::new() };
        if notify && wish.comment.is_none() {
            let _ = write!(preview, "\n- {} is told", standing.organizer());
        }
        let write = Write {
            service: "calendar",
            tool: NAME,
            payload: &json!({"id": standing.item.id, "response": wish.response, "body": body}),
            preview,
            leaves: notify,
            recipients: ("event_id", &told),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let verb = if wish.response == "tentative" { "tentativelyAccept" } else { wish.response.as_str() };
        // `POST /me/events/{id}/accept|tentativelyAccept|decline` (Calendars.ReadWrite).
        let target = Target::new(format!("/me/events/{}/{verb}", segment(&standing.item.id)));
        let request = Request::write(Method::POST, target, Some(Bytes::from(Value::from(body).to_string())));
        self.desk.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        let done = Done {
            status: "done",
            response: &wish.response,
            subject: &standing.item.subject,
            organizer: standing.organizer(),
            notified: notify,
        };
        let text = format!("Answered \"{}\" to {}.\n", wish.response, standing.named());
        output(|| text, &done, OutputFormat::Text)
    }
}
