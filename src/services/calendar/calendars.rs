//! The user's calendars: reading them, and finding one by what people call it.

use super::{asker, fault};
use crate::graph::client::GraphClient;
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::{Asker, Request};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use serde::{Deserialize, Serialize};

const MAX_PAGES: usize = 10;

/// A calendar as callers get it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CalendarItem {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_default: bool,
    pub(super) can_edit: bool,
    pub(super) owner: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CalendarView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    is_default_calendar: bool,
    can_edit: bool,
    #[serde(borrow)]
    owner: Option<Owner<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner<'a> {
    #[serde(borrow)]
    address: Text<'a>,
}

/// `GET /me/calendars` (Calendars.Read).
pub(super) async fn all(graph: &GraphClient, asker: Asker<'_>) -> Result<Vec<CalendarItem>, GraphError> {
    let target = Target::new("/me/calendars")
        .with("$select", "id,name,isDefaultCalendar,canEdit,owner")
        .with("$top", "100");
    let (mut out, mut link) = (Vec::new(), target.build());
    for _ in 0..MAX_PAGES {
        let answer = graph.send(asker, Request::next(link)).await?;
        let page: Page<'_, CalendarView<'_>> = answer.view()?;
        out.extend(page.value.iter().map(|view| CalendarItem {
            id: view.id.to_string(),
            name: view.name.to_string(),
            is_default: view.is_default_calendar,
            can_edit: view.can_edit,
            owner: view.owner.as_ref().map(|owner| owner.address.to_string()).unwrap_or_default(),
        }));
        match page.next_link() {
            Some(next) => link = next,
            None => break,
        }
    }
    Ok(out)
}

/// Path of the calendar that `wanted` names; the default one unless given.
pub(super) async fn path(
    graph: &GraphClient,
    context: &CallContext,
    wanted: Option<&str>,
) -> Result<String, ToolError> {
    let Some(wanted) = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()) else {
        return Ok("/me".to_owned());
    };
    let known = all(graph, asker(context)).await.map_err(fault)?;
    let found = known
        .iter()
        .find(|calendar| calendar.id == wanted)
        .or_else(|| known.iter().find(|calendar| calendar.name.to_lowercase() == wanted.to_lowercase()));
    if let Some(calendar) = found {
        return Ok(format!("/me/calendars/{}", segment(&calendar.id)));
    }
    let names: Vec<&str> = known.iter().map(|calendar| calendar.name.as_str()).collect();
    let text = format!("There is no such calendar. These exist: {}.", names.join(", "));
    Err(ToolError::new(ToolErrorKind::NotFound, text))
}
