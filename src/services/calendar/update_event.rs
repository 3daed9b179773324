//! `calendar_update_event`: changes some things of an event and leaves the rest.

use super::create_event::Done;
use super::draft::{Draft, When, attendee, draft_schema};
use super::event::{EventItem, EventView, event_schema};
use super::standing::{Standing, address};
use super::{ALIASES, Desk, WRITE_SCOPES, asker, scope_schema, time_zone_schema, write_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::services::markup;
use crate::services::people::{addresses, people_schema};
use crate::services::time::local_text;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use chrono_tz::Tz;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const NAME: &str = "calendar_update_event";
/// Begins the block with the link that Teams puts into the body of its meetings.
const JOIN_BLOCK: &str = "____________";

/// The tool.
pub(super) struct UpdateEvent {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    event_id: String,
    scope: String,
    #[serde(flatten)]
    draft: Draft,
    add_attendees: Vec<String>,
    remove_attendees: Vec<String>,
    time_zone: Option<String>,
}

impl UpdateEvent {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let properties = draft_schema(json!({
            "event_id": {"type": "string", "description": "id of an event, unchanged"},
            "scope": scope_schema(),
            "end": {"type": "string", "description": "As start; the length stays unless given"},
            "add_attendees": people_schema("Mail addresses to invite as well"),
            "remove_attendees": people_schema("Mail addresses to take off"),
            "time_zone": time_zone_schema(),
        }));
        let spec = ToolSpec {
            name: NAME,
            title: "Update Event",
            description: "Change what is given of an event and leave the rest. People who are invited hear of it, so a \
                          meeting is changed only after a confirmation.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": ["event_id"]}),
            output_schema: outcome_schema(json!({
                "event": {"type": "object", "properties": event_schema()},
                "changes": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE.destructive().idempotent().open_world(),
            scopes: WRITE_SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `PATCH /me/events/{id}` (Calendars.ReadWrite) with `If-Match`.
    async fn patch(
        &self,
        context: &CallContext,
        standing: &Standing,
        patch: &Map<String, Value>,
        zone: Tz,
    ) -> Result<EventItem, ToolError> {
        let body = Bytes::from(Value::from(patch.clone()).to_string());
        let target = Target::new(format!("/me/events/{}", segment(&standing.item.id)));
        let request = Request::write(Method::PATCH, target, Some(body)).if_match(&standing.etag).utc();
        let answer = self.desk.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        let view: EventView<'_> = answer.view().map_err(write_fault)?;
        Ok(EventItem::new(&view, zone))
    }
}

#[async_trait]
impl Tool for UpdateEvent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, warnings) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let mut wish: Wish = typed(&args)?;
        wish.draft = wish.draft.cleaned().await?;
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let series = wish.scope == "series";
        let standing = Standing::read(&self.desk, context, &wish.event_id, (series, zone)).await?;
        let (patch, changes) = changes(&wish, &standing, zone)?;
        if patch.is_empty() {
            let text = "Nothing would change: give at least one thing that is to be another than it is.";
            return Err(ToolError::invalid("event_id", text));
        }
        let mut recipients = if standing.is_organizer() { standing.people() } else { Vec::new() };
        recipients.extend(addresses("add_attendees", &wish.add_attendees)?);
        let told = if recipients.is_empty() {
            String::new()
        } else {
            format!("\nThese hear of it: {}", recipients.join(", "))
        };
        let write = Write {
            service: "calendar",
            tool: NAME,
            payload: &json!({"id": standing.item.id, "version": standing.etag, "patch": patch}),
            preview: format!("Change {}:\n- {}{told}", standing.named(), changes.join("\n- ")),
            leaves: !recipients.is_empty() || context.mailbox.is_some(),
            recipients: ("add_attendees", &recipients),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let event = self.patch(context, &standing, &patch, zone).await?.marked(context);
        let text = format!("Changed \"{}\":\n- {}\nid: {}\n", event.subject, changes.join("\n- "), event.id);
        output(|| text, &Done::new(event, changes, warnings), OutputFormat::Text)
    }
}

/// What to write, and what that changes, in words.
fn changes(
    wish: &Wish,
    standing: &Standing,
    zone: Tz,
) -> Result<(Map<String, Value>, Vec<String>), ToolError> {
    let (draft, item) = (&wish.draft, &standing.item);
    let before = When { start: item.from, end: item.to, all_day: item.all_day };
    let when = draft.when(zone, Some(before))?.filter(|when| *when != before);
    let mut patch = draft.event(when, zone)?;
    let mut said = Vec::new();
    let mut note = |name: &str, was: &str, is: Option<&str>| {
        said.extend(
            is.map(|is| format!("{name}: {} → {is}", if was.is_empty() { "(nothing)" } else { was })),
        );
    };
    note("subject", &item.subject, draft.subject.as_deref());
    let times =
        when.map(|when| format!("{} to {}", local_text(when.start, zone), local_text(when.end, zone)));
    note("time", &format!("{} to {}", item.start, item.end), times.as_deref());
    note("location", &item.location, draft.location.as_deref());
    note("shown as", &item.show_as, draft.show_as.as_deref());
    note("repeats", item.repeats.as_deref().unwrap_or_default(), draft.recurrence.as_deref());
    note("text", "(the text so far)", draft.body.as_deref());
    let online = draft.is_online_meeting.map(|online| if online { "yes" } else { "no" });
    note("Teams meeting", if standing.is_online() { "yes" } else { "no" }, online);
    let minutes = draft.reminder_minutes.map(|minutes| format!("{minutes} minutes before"));
    note("reminder", "(as it was)", minutes.as_deref());
    if draft.recurrence.is_some() && !item.series_id.is_empty() {
        let text = "`recurrence` belongs to the whole series: call with `scope` series.";
        return Err(ToolError::invalid("recurrence", text));
    }
    let first = when.unwrap_or(before).start.with_timezone(&zone).date_naive();
    patch.extend(draft.repeats(first, zone)?.map(|repeats| ("recurrence".to_owned(), repeats)));
    if standing.is_online() && draft.is_online_meeting != Some(false) {
        keep_join_block(&mut patch, standing.html());
    }
    if let Some(people) = people(wish, standing, &mut said)? {
        patch.insert("attendees".to_owned(), json!(people));
    }
    Ok((patch, said))
}

/// The whole list, since Graph replaces it; `None` when it stays as it is.
fn people(wish: &Wish, standing: &Standing, said: &mut Vec<String>) -> Result<Option<Vec<Value>>, ToolError> {
    let added = addresses("add_attendees", &wish.add_attendees)?;
    let removed = addresses("remove_attendees", &wish.remove_attendees)?;
    if added.is_empty() && removed.is_empty() {
        return Ok(None);
    }
    if !standing.is_organizer() {
        let text = format!("Only the organizer ({}) can change who is invited.", standing.organizer());
        let field = if added.is_empty() { "remove_attendees" } else { "add_attendees" };
        return Err(ToolError::invalid(field, text));
    }
    let mut all = standing.attendees();
    for gone in &removed {
        let before = all.len();
        all.retain(|person| !address(person).eq_ignore_ascii_case(gone));
        if all.len() == before {
            let text = format!("{gone} is not invited, so `remove_attendees` cannot take them off.");
            return Err(ToolError::invalid("remove_attendees", text));
        }
        said.push(format!("no longer invited: {gone}"));
    }
    for new in &added {
        if !all.iter().any(|person| address(person).eq_ignore_ascii_case(new)) {
            all.push(attendee(new, "required"));
            said.push(format!("invited: {new}"));
        }
    }
    Ok(Some(all))
}

/// A new body without the block of Teams would take the link off the meeting.
fn keep_join_block(patch: &mut Map<String, Value>, html: &str) {
    let Some(body) = patch.get_mut("body") else { return };
    let Some(block) = join_block(html) else { return };
    let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
    let is_html = body.get("contentType").and_then(Value::as_str) == Some("html");
    let own = if is_html { content.to_owned() } else { markup::of_text(content) };
    *body = json!({"contentType": "html", "content": format!("{own}{block}")});
}

fn join_block(html: &str) -> Option<&str> {
    let mark = html.find(JOIN_BLOCK)?;
    let start = html.get(..mark)?.rfind("<div").unwrap_or(mark);
    let block = html.get(start..)?;
    Some(block.split("</body>").next().unwrap_or(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_text_leaves_the_link_of_the_meeting_where_it_was() {
        let html =
            "<html><body><p>Old</p><div>____________________<a href=\"x\">Join</a></div></body></html>";
        let mut patch = Map::new();
        patch.insert("body".to_owned(), json!({"contentType": "text", "content": "a < b\nc"}));
        keep_join_block(&mut patch, html);
        let content = "<p>a &lt; b<br>c</p><div>____________________<a href=\"x\">Join</a></div>";
        assert_eq!(patch["body"], json!({"contentType": "html", "content": content}));
        let mut patch = Map::from_iter([("body".to_owned(), json!({"contentType": "text", "content": "x"}))]);
        keep_join_block(&mut patch, "<p>no meeting</p>");
        assert_eq!(patch["body"]["content"], "x");
    }
}
