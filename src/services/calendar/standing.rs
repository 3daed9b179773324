//! An event as it stands, read before it is changed.

use super::event::{EventItem, EventView, SELECT};
use super::{Desk, asker, write_fault};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use chrono_tz::Tz;
use serde_json::{Value, json};

/// What stands, and in which version.
pub(super) struct Standing {
    pub(super) item: EventItem,
    /// For `If-Match`.
    pub(super) etag: String,
    raw: Value,
}

impl Standing {
    /// `GET /me/events/{id}` (Calendars.ReadWrite); the master of its series where the whole `series` is meant.
    pub(super) async fn read(
        desk: &Desk,
        context: &CallContext,
        id: &str,
        (series, zone): (bool, Tz),
    ) -> Result<Self, ToolError> {
        let found = Self::one(desk, context, id, zone).await?;
        if series && !found.item.series_id.is_empty() {
            return Self::one(desk, context, &found.item.series_id, zone).await;
        }
        if series && found.item.kind != "series" {
            return Err(ToolError::invalid(
                "scope",
                "`scope` series is for events that repeat; this one does not.",
            ));
        }
        Ok(found)
    }

    async fn one(desk: &Desk, context: &CallContext, id: &str, zone: Tz) -> Result<Self, ToolError> {
        let target = Target::new(format!("/me/events/{}", segment(id)))
            .with("$select", &format!("{SELECT},isOrganizer,recurrence,body"));
        let request = Request::outlook(target).html_bodies();
        let answer = desk.deps.graph.send(asker(context), request).await.map_err(write_fault)?;
        let view: EventView<'_> = answer.view().map_err(write_fault)?;
        let item = EventItem::new(&view, zone);
        let raw: Value = answer.view().map_err(write_fault)?;
        let etag = raw.get("@odata.etag").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { item, etag, raw })
    }

    pub(super) fn is_organizer(&self) -> bool {
        self.raw.get("isOrganizer").and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn is_online(&self) -> bool {
        self.raw.get("isOnlineMeeting").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The body as HTML.
    pub(super) fn html(&self) -> &str {
        self.raw.pointer("/body/content").and_then(Value::as_str).unwrap_or_default()
    }

    /// The people invited, without their answers, which are not ours to write.
    pub(super) fn attendees(&self) -> Vec<Value> {
        let all = self.raw.get("attendees").and_then(Value::as_array);
        let one = |person: &Value| {
            Some(json!({"emailAddress": person.get("emailAddress")?, "type": person.get("type")?}))
        };
        all.into_iter().flatten().filter_map(one).collect()
    }

    /// Their addresses.
    pub(super) fn people(&self) -> Vec<String> {
        self.attendees().iter().map(|person| address(person).to_owned()).collect()
    }

    /// Who called the meeting.
    pub(super) fn organizer(&self) -> &str {
        self.raw.get("organizer").map(address).unwrap_or_default()
    }

    /// Subject and time, for a preview.
    pub(super) fn named(&self) -> String {
        format!("\"{}\", {} to {}", self.item.subject, self.item.start, self.item.end)
    }
}

/// The address of an attendee or organizer.
pub(super) fn address(person: &Value) -> &str {
    person.pointer("/emailAddress/address").and_then(Value::as_str).unwrap_or_default()
}
