//! `calendar_find_rooms`: the organisation's meeting rooms.

use super::{ALIASES, Desk, asker};
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Room, line, listing_schema};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Permission of this tool; an administrator grants it.
pub(super) const SCOPES: &[&str] = &["Place.Read.All"];
const SELECT: &str = "displayName,emailAddress,capacity,building,floorNumber,floorLabel,isWheelChairAccessible,videoDeviceName";
/// Rooms of a page, Graph's largest.
const PAGE: &str = "100";
/// Pages of one call.
const MAX_PAGES: usize = 20;
const DEFAULT_LIMIT: usize = 25;

/// The tool. Rooms are asked for anew each time: a cache between people would have to know who may see which.
pub(super) struct FindRooms {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    text: Option<String>,
    capacity: Option<i64>,
    building: Option<String>,
    limit: Option<usize>,
    output_format: OutputFormat,
}

/// Graph's `room`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RoomView<'a> {
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    email_address: Text<'a>,
    capacity: Option<i64>,
    #[serde(borrow)]
    building: Text<'a>,
    floor_number: Option<i64>,
    #[serde(borrow)]
    floor_label: Text<'a>,
    is_wheel_chair_accessible: Option<bool>,
    #[serde(borrow)]
    video_device_name: Text<'a>,
}

/// A room as callers get it.
#[derive(Serialize)]
struct RoomItem {
    name: String,
    /// For the attendees of an event.
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    building: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    floor: String,
    accessible: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    video: String,
}

impl FindRooms {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let item = json!({
            "name": {"type": "string"}, "address": {"type": "string"}, "capacity": {"type": "integer"},
            "building": {"type": "string"}, "floor": {"type": "string"}, "accessible": {"type": "boolean"},
            "video": {"type": "string"},
        });
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "calendar_find_rooms",
            title: "Find Rooms",
            description: "Find meeting rooms of the organisation. The address of a room goes into the attendees of an event; \
                          calendar_get_schedule tells when it is free.",
            input_schema: json!({"type": "object", "properties": {
                "text": text("Words of the name, building or floor"),
                "capacity": {"type": "integer", "minimum": 1, "description": "Seats at least"},
                "building": text("Part of the building's name"),
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "25 unless given"},
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&item),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `GET /places/microsoft.graph.room` (Place.Read.All); true when there are more than are read.
    async fn all(&self, context: &CallContext) -> Result<(Vec<RoomItem>, bool), GraphError> {
        let target = Target::new("/places/microsoft.graph.room").with("$select", SELECT).with("$top", PAGE);
        let (mut rooms, mut link) = (Vec::new(), Some(target.build()));
        for _ in 0..MAX_PAGES {
            let Some(next) = link else { return Ok((rooms, false)) };
            let answer = self.desk.deps.graph.send(asker(context), Request::next(next)).await?;
            let page: Page<'_, RoomView<'_>> = answer.view()?;
            rooms.extend(page.value.iter().map(RoomItem::new));
            link = page.next_link();
        }
        Ok((rooms, link.is_some()))
    }
}

impl RoomItem {
    fn new(view: &RoomView<'_>) -> Self {
        let number = view.floor_number.map(|floor| floor.to_string()).unwrap_or_default();
        Self {
            name: line(&view.display_name),
            address: view.email_address.to_string(),
            capacity: view.capacity,
            building: line(&view.building),
            floor: if view.floor_label.is_empty() { number } else { line(&view.floor_label) },
            accessible: view.is_wheel_chair_accessible == Some(true),
            video: line(&view.video_device_name),
        }
    }

    fn fits(&self, wish: &Wish) -> bool {
        let building = wish.building.as_deref().unwrap_or_default().to_lowercase();
        let text = [&self.name, &self.building, &self.floor, &self.address].map(|part| part.to_lowercase());
        let words = wish.text.as_deref().unwrap_or_default().to_lowercase();
        let has_words = words.split_whitespace().all(|word| text.iter().any(|part| part.contains(word)));
        let has_seats = wish.capacity.is_none_or(|seats| self.capacity.is_some_and(|known| known >= seats));
        has_words && has_seats && self.building.to_lowercase().contains(building.trim())
    }

    fn print(&self) -> String {
        let mut text = format!("- **{}**", self.name);
        let marks = [
            self.capacity.map(|seats| format!("{seats} seats")),
            (!self.building.is_empty()).then(|| self.building.clone()),
            (!self.floor.is_empty()).then(|| format!("floor {}", self.floor)),
            (!self.video.is_empty()).then(|| format!("video: {}", self.video)),
            self.accessible.then(|| "wheelchair accessible".to_owned()),
        ];
        for mark in marks.into_iter().flatten() {
            let _ = write!(text, " · {mark}");
        }
        let _ = writeln!(text, "\n  address: {}", self.address);
        text
    }
}

#[async_trait]
impl Tool for FindRooms {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let (all, cut) =
            self.all(context).await.map_err(|error| crate::services::fault::tool_error(error, SCOPES))?;
        if cut {
            warnings.push(format!("Only the first {} rooms were looked at.", all.len()));
        }
        let scanned = all.len();
        let mut fitting: Vec<RoomItem> = all.into_iter().filter(|room| room.fits(&wish)).collect();
        // The smallest room that is large enough comes first.
        fitting.sort_by(|a, b| (a.capacity, &a.name).cmp(&(b.capacity, &b.name)));
        let found = fitting.len();
        let max_chars = self.desk.deps.settings.max_chars;
        let mut room = Room::new(wish.limit.unwrap_or(DEFAULT_LIMIT), max_chars);
        for item in fitting {
            let line = item.print();
            if !room.put(item, &line) {
                break;
            }
        }
        let shown = room.items.len();
        if shown < found {
            warnings.push(format!("{found} rooms fit, {shown} are shown: name a building, words or seats."));
        }
        let filters = [("text", wish.text.is_some()), ("capacity", wish.capacity.is_some())];
        let filters = filters.into_iter().chain([("building", wish.building.is_some())]);
        let answer = Answer {
            count: shown,
            has_more: shown < found,
            next_cursor: None,
            applied: Applied {
                engine: "list",
                post_filters: filters.filter(|(_, given)| *given).map(|(name, _)| name).collect(),
                scanned,
                ..Applied::default()
            },
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        answer.output(format!("{found} rooms\n{}", room.text), wish.output_format)
    }
}
