//! `calendar_get_event`: one event in full, a series in words, its occurrences on request.

use super::event::{EventItem, EventView, SELECT, event_schema};
use super::span::Said;
use super::{ALIASES, Desk, SCOPES, asker, fault, time_zone_schema};
use crate::extract::html::mail_html_to_markdown;
use crate::graph::encode::{Target, segment};
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::time::{instant, utc_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Occurrences shown of a series.
const MAX_INSTANCES: usize = 100;
const DEFAULT_DAYS: u64 = 30;

/// The tool.
pub(super) struct GetEvent {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    event_id: String,
    instances_from: Option<String>,
    instances_to: Option<String>,
    time_zone: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

#[derive(Serialize)]
struct Shown {
    event: EventItem,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instances: Vec<EventItem>,
    /// There are more instances in the period.
    has_more: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl GetEvent {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "calendar_get_event",
            title: "Get Event",
            description: "Read one event in full: text, people and their answers, how a series repeats and, on request, \
                          its occurrences in a period.",
            input_schema: json!({"type": "object", "properties": {
                "event_id": {"type": "string", "description": "id of an event, unchanged"},
                "instances_from": {"type": "string", "description": "For a series: first day of the occurrences to list"},
                "instances_to": {"type": "string", "description": "Last day of them; 30 days later unless given"},
                "time_zone": time_zone_schema(),
                "max_chars": max_chars_schema("the event's text"),
                "output_format": output_format_schema(),
            }, "required": ["event_id"]}),
            output_schema: json!({"type": "object", "properties": {
                "event": {"type": "object", "properties": event_schema()},
                "instances": {"type": "array", "items": {"type": "object", "properties": event_schema()}},
                "has_more": {"type": "boolean"},
                "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["event", "has_more"]}),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `GET /me/events/{id}` (Calendars.Read).
    async fn event(&self, context: &CallContext, wish: &Wish, zone: Tz) -> Result<EventItem, ToolError> {
        let target = Target::new(format!("/me/events/{}", segment(&wish.event_id)))
            .with("$select", &format!("{SELECT},body,recurrence"));
        let answer = self.desk.deps.graph.send(asker(context), Request::outlook(target).html_bodies()).await;
        let answer = answer.map_err(fault)?;
        let view: EventView<'_> = answer.view().map_err(fault)?;
        let mut item = EventItem::new(&view, zone);
        if let Some(body) = view.body {
            let max = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
            let (html, content) = (body.content_type.eq_ignore_ascii_case("html"), body.content.to_string());
            // Conversion takes milliseconds for a long page: away from the async workers.
            let text = tokio::task::spawn_blocking(move || {
                if html {
                    mail_html_to_markdown(&content, max).text
                } else {
                    content.chars().take(max).collect()
                }
            });
            let text = text.await.map_err(|_| ToolError::internal("the conversion of a body failed"))?;
            item.body = Some(text).filter(|text| !text.trim().is_empty());
        }
        Ok(item)
    }

    /// `GET /me/events/{id}/instances` (Calendars.Read); true when there are more than are shown.
    async fn instances(
        &self,
        context: &CallContext,
        wish: &Wish,
        zone: Tz,
    ) -> Result<(Vec<EventItem>, bool), ToolError> {
        let said = Said {
            start: ("instances_from", wish.instances_from.as_deref()),
            end: ("instances_to", wish.instances_to.as_deref()),
            days: DEFAULT_DAYS,
        };
        let span = said.span(zone, instant(self.desk.deps.clock.now()))?;
        let target = Target::new(format!("/me/events/{}/instances", segment(&wish.event_id)))
            .with("startDateTime", &utc_text(span.start))
            .with("endDateTime", &utc_text(span.end))
            .with("$select", SELECT)
            .with("$top", "100");
        let (mut items, mut link) = (Vec::new(), Some(target.build()));
        while let Some(next) = link.take().filter(|_| items.len() < MAX_INSTANCES) {
            let answer =
                self.desk.deps.graph.send(asker(context), Request::next(next)).await.map_err(fault)?;
            let page: Page<'_, EventView<'_>> = answer.view().map_err(fault)?;
            items.extend(page.value.iter().map(|view| EventItem::new(view, zone)));
            link = page.next_link();
        }
        items.sort_by_key(|item| item.from);
        let more = link.is_some() || items.len() > MAX_INSTANCES;
        items.truncate(MAX_INSTANCES);
        Ok((items, more))
    }
}

#[async_trait]
impl Tool for GetEvent {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.desk.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let wish: Wish = typed(&args)?;
        let zone = self.desk.zone(context, wish.time_zone.as_deref()).await?;
        let event = self.event(context, &wish, zone).await?;
        let (mut instances, mut has_more) = (Vec::new(), false);
        if wish.instances_from.is_some() || wish.instances_to.is_some() {
            if event.kind == "series" {
                (instances, has_more) = self.instances(context, &wish, zone).await?;
            } else {
                let of = if event.series_id.is_empty() { "" } else { " Use its `series_id` as `event_id`." };
                warnings.push(format!("This event is no series, so it has no instances.{of}"));
            }
        }
        let instances = instances.into_iter().map(|instance| instance.marked(context)).collect();
        let shown = Shown { event: event.marked(context), instances, has_more, warnings };
        output(
            || with_notes(printed(&shown.event, &shown.instances), &shown.warnings, None),
            &shown,
            wish.output_format,
        )
    }
}

fn printed(event: &EventItem, instances: &[EventItem]) -> String {
    let mut text = format!("# {}\n\n", event.subject);
    let facts = [
        (
            "When",
            format!("{} to {}{}", event.start, event.end, if event.all_day { " (whole days)" } else { "" }),
        ),
        ("Repeats", event.repeats.clone().unwrap_or_default()),
        ("Where", event.location.clone()),
        ("Join", event.join_url.clone()),
        ("Organizer", event.organizer.clone()),
        ("My answer", event.my_response.clone()),
        ("People", event.attendees.join("; ")),
        ("Shown as", event.show_as.clone()),
        ("Categories", event.categories.join(", ")),
        ("Series", event.series_id.clone()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "- {name}: {value}");
    }
    if event.cancelled {
        text.push_str("- This event was cancelled.\n");
    }
    if let Some(body) = &event.body {
        let _ = writeln!(text, "\n{body}");
    }
    if !instances.is_empty() {
        text.push_str("\nOccurrences\n");
        for instance in instances {
            let _ = writeln!(text, "- {} to {} id: {}", instance.start, instance.end, instance.id);
        }
    }
    text
}
