//! `calendar_create_event`: a new event, alone or with people invited.

use super::calendars;
use super::draft::{Draft, attendee, draft_schema};
use super::event::{EventItem, EventView, event_schema};
use super::{Desk, WRITE_SCOPES, asker, time_zone_schema, write_fault};
use crate::domain::{canonical, random};
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::services::mailbox::calendar_schema;
use crate::services::people::{addresses, people_schema};
use crate::services::time::{instant, local_text};
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use chrono_tz::Tz;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "calendar_create_event";

/// The tool.
pub(super) struct CreateEvent {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    #[serde(flatten)]
    draft: Draft,
    attendees: Vec<String>,
    optional_attendees: Vec<String>,
    calendar: Option<String>,
    time_zone: Option<String>,
}

/// What became of a write.
#[derive(Serialize)]
pub(super) struct Done {
    status: &'static str,
    pub(super) event: EventItem,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
}

impl Done {
    pub(super) fn new(event: EventItem, changes: Vec<String>, warnings: Vec<String>) -> Self {
        Self { status: "done", event, changes, warnings }
    }
}

impl CreateEvent {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let properties = draft_schema(json!({
            "attendees": people_schema("Who must come: mail addresses"),
            "optional_attendees": people_schema("Who may come: mail addresses"),
            "mailbox": calendar_schema(),
            "calendar": {"type": "string", "description": "Name or id of a calendar; the default one unless given"},
            "time_zone": time_zone_schema(),
        }));
        let spec = ToolSpec {
            name: NAME,
            title: "Create Event",
            description: "Put an event into the user's calendar: single or repeated, with a Teams meeting and people if \
                          wanted. People are invited only after a confirmation.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": ["subject", "start"]}),
            output_schema: outcome_schema(json!({"event": {"type": "object", "properties": event_schema()}})),
            annotations: Annotations::WRITE.idempotent().open_world(),
            scopes: WRITE_SCOPES,
            aliases: &[("user_id", "user_id")],
        };
        Self { desk, spec }
    }

    /// `POST {path}/events` (Calendars.ReadWrite) under a `transactionId`, so that the same wish once more gives the same
    /// event.
    async fn post(
        &self,
        context: &CallContext,
        path: &str,
        mut event: Map<String, Value>,
        zone: Tz,
    ) -> Result<EventItem, ToolError> {
        let today = instant(self.desk.deps.clock.now()).date_naive().to_string();
        let wish = json!({
            "user": context.caller.user.to_string(), "mailbox": context.mailbox, "path": path, "event": event,
            "day": today,
        });
        let send = async |id: String, event: &mut Map<String, Value>| {
            event.insert("transactionId".to_owned(), json!(id));
            let body = Bytes::from(Value::from(event.clone()).to_string());
            let target = Target::new(format!("{path}/events"));
            let request = Request::write(Method::POST, target, Some(body)).repeatable().utc();
            self.desk.deps.graph.send(asker(context), request).await
        };
        let answer = match send(canonical::digest(&wish), &mut event).await {
            // It was made today, and changed since: another one is wanted.
            Err(GraphError::Refused { code, .. }) if code == "ErrorDuplicateTransactionId" => {
                send(random::text::<16>(), &mut event).await
            }
            other => other,
        };
        let answer = answer.map_err(write_fault)?;
        let view: EventView<'_> = answer.view().map_err(write_fault)?;
        Ok(EventItem::new(&view, zone))
    }
}

#[async_trait]
impl Tool for CreateEvent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let mut wish: Wish = typed(&args)?;
        wish.draft = wish.draft.cleaned().await?;
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let required = addresses("attendees", &wish.attendees)?;
        let optional = addresses("optional_attendees", &wish.optional_attendees)?;
        let when = wish
            .draft
            .when(zone, None)?
            .ok_or_else(|| ToolError::invalid("start", "`start` is required."))?;
        let mut event = wish.draft.event(Some(when), zone)?;
        let first = when.start.with_timezone(&zone).date_naive();
        event.extend(wish.draft.repeats(first, zone)?.map(|repeats| ("recurrence".to_owned(), repeats)));
        let kinds = required.iter().map(|a| (a, "required")).chain(optional.iter().map(|a| (a, "optional")));
        let people: Vec<Value> = kinds.map(|(address, kind)| attendee(address, kind)).collect();
        let recipients: Vec<String> = required.into_iter().chain(optional).collect();
        if !people.is_empty() {
            event.insert("attendees".to_owned(), json!(people));
        }
        let path = calendars::path(&self.desk.deps.graph, context, wish.calendar.as_deref()).await?;
        let times = if when.all_day {
            let last = when.end - chrono::TimeDelta::seconds(1);
            format!("{first} to {} (whole days)", last.with_timezone(&zone).date_naive())
        } else {
            format!("{} to {}", local_text(when.start, zone), local_text(when.end, zone))
        };
        let write = Write {
            service: "calendar",
            tool: NAME,
            payload: &json!({"path": path, "event": event}),
            preview: preview(&wish, &times, &recipients),
            // Another's calendar is another person's.
            leaves: !recipients.is_empty() || context.mailbox.is_some(),
            recipients: ("attendees", &recipients),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let event = self.post(context, &path, event, zone).await?.marked(context);
        let said = if recipients.is_empty() { "" } else { " The people were invited." };
        let text = format!(
            "Created \"{}\", {} to {}.{said}\nid: {}\n",
            event.subject, event.start, event.end, event.id
        );
        output(|| text, &Done::new(event, Vec::new(), warnings), OutputFormat::Text)
    }
}

fn preview(wish: &Wish, times: &str, people: &[String]) -> String {
    let draft = &wish.draft;
    let online = draft.is_online_meeting.unwrap_or_default().then(|| "Microsoft Teams".to_owned());
    let facts = [
        ("Repeats", draft.recurrence.clone()),
        ("Where", draft.location.clone()),
        ("Online", online),
        ("Calendar", wish.calendar.clone()),
        ("Invites", Some(people.join(", ")).filter(|people| !people.is_empty())),
        ("Text", draft.body.clone()),
    ];
    let mut text = format!("Create \"{}\", {times}.", draft.subject.as_deref().unwrap_or_default());
    for (name, value) in facts {
        if let Some(value) = value {
            let _ = write!(text, "\n- {name}: {value}");
        }
    }
    text
}
