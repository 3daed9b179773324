//! `/calendar`: the signed-in user's calendars, those that others share (see [`mailbox`]; the paths of `/me` that the tools
//! name are `/users/{address}` there), and when colleagues are free. What reaches other people, or takes
//! something away, is confirmed first (see `tools::confirm`).
//!
//! Graph is asked in UTC and answers in UTC; the user's zone is put on at the end, so that one reading of time serves
//! every answer. Days of all-day events are days, whatever the zone.

mod calendar_changes;
mod calendars;
mod create_event;
mod delete_event;
mod draft;
mod event;
mod find_rooms;
mod find_times;
mod get_event;
mod get_schedule;
mod guide;
mod list_calendars;
mod list_events;
mod plan;
mod recurrence;
mod repeat;
mod respond_event;
mod span;
mod standing;
mod update_event;

use super::own::asker;
use super::{ServiceDeps, mailbox, own, zone};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::{ScopeSet, for_others};
use crate::graph::error::GraphError;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::Planner;
use crate::tools::tool::{Args, Service, Tool, ToolSpec};
use chrono_tz::Tz;
use serde_json::Value;
use std::sync::Arc;

/// Permission of every tool that reads events.
const SCOPES: &[&str] = &["Calendars.Read"];
/// Permission of every tool that writes events.
const WRITE_SCOPES: &[&str] = &["Calendars.ReadWrite"];
/// Arguments of other tools of this kind, accepted and checked, not listed.
const ALIASES: &[(&str, &str)] = &[("user_id", "user_id"), ("mailbox", "mailbox")];

/// What the tools share.
struct Desk {
    deps: ServiceDeps,
    zones: zone::Zones,
}

impl Desk {
    /// See [`own::notes`].
    async fn notes(&self, context: &CallContext, args: &Args) -> Result<Vec<String>, ToolError> {
        own::notes(&self.deps.graph, context, args).await
    }

    /// See [`mailbox::enter`].
    async fn enter(
        &self,
        context: &CallContext,
        spec: &ToolSpec,
        args: &mut Args,
    ) -> Result<(CallContext, Vec<String>), ToolError> {
        mailbox::enter(&self.deps.graph, context, spec.scopes, args).await
    }

    /// The zone of a call: what the caller names, else the mailbox's.
    async fn zone(&self, context: &CallContext, named: Option<&str>) -> Result<Tz, ToolError> {
        match named {
            Some(name) => zone::named(name.trim()).ok_or_else(|| {
                ToolError::invalid(
                    "time_zone",
                    "`time_zone` must be an IANA name such as Europe/Berlin, or a Windows name.",
                )
            }),
            None => Ok(self.zones.of(&self.deps, context).await),
        }
    }
}

/// A Graph failure of a tool that reads events.
fn fault(error: GraphError) -> ToolError {
    super::fault::tool_error(error, SCOPES)
}

/// A Graph failure of a tool that writes events.
fn write_fault(error: GraphError) -> ToolError {
    super::fault::tool_error(error, WRITE_SCOPES)
}

/// Input property that says how much of a series is meant.
fn scope_schema() -> Value {
    serde_json::json!({
        "type": "string", "enum": ["this", "series"],
        "description": "This occurrence, or the whole series; this unless given",
    })
}

/// Input property for the zone of a call, see [`Desk::zone`].
fn time_zone_schema() -> Value {
    serde_json::json!({
        "type": "string",
        "description": "IANA name, e.g. Europe/Berlin, for the times of this call; the mailbox's zone unless given",
    })
}

/// The service.
pub(super) struct Calendar {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    planner: plan::CalendarPlanner,
}

impl Calendar {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let desk = Arc::new(Desk { deps: deps.clone(), zones: zone::Zones::default() });
        // Without the zone every time would be told in UTC, which is worse for a calendar than one more permission.
        let required = ScopeSet::parse("User.Read Calendars.Read").union(&ScopeSet::parse(zone::SCOPE));
        let planner = plan::CalendarPlanner { desk: Arc::clone(&desk) };
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(list_events::ListEvents::new(Arc::clone(&desk))),
            Arc::new(get_event::GetEvent::new(Arc::clone(&desk))),
            Arc::new(get_schedule::GetSchedule::new(Arc::clone(&desk))),
            Arc::new(find_times::FindTimes::new(Arc::clone(&desk))),
            Arc::new(list_calendars::ListCalendars::new(Arc::clone(&desk))),
            Arc::new(find_rooms::FindRooms::new(Arc::clone(&desk))),
            Arc::new(calendar_changes::CalendarChanges::new(Arc::clone(&desk))),
            Arc::new(create_event::CreateEvent::new(Arc::clone(&desk))),
            Arc::new(update_event::UpdateEvent::new(Arc::clone(&desk))),
            Arc::new(delete_event::DeleteEvent::new(Arc::clone(&desk))),
            Arc::new(respond_event::RespondEvent::new(desk)),
        ];
        Self {
            info: ServiceInfo {
                name: ServiceName::new("calendar"),
                title: "Calendar".to_owned(),
                description:
                    "Read and write the signed-in user's Outlook calendars, and see when colleagues are free."
                        .to_owned(),
                supported_scopes: required
                    .union(&WRITE_SCOPES.iter().chain(find_times::SCOPES).copied().collect())
                    .union(&find_rooms::SCOPES.iter().copied().collect())
                    .union(
                        &SCOPES.iter().chain(WRITE_SCOPES).filter_map(|scope| for_others(scope)).collect(),
                    ),
                required_scopes: required,
            },
            tools,
            planner,
        }
    }
}

impl Service for Calendar {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        guide::INSTRUCTIONS
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn planner(&self) -> Option<&dyn Planner> {
        Some(&self.planner)
    }
}
