//! `/admin/v1/services`: what is mounted here, and the switches.
//!
//! # Shape
//! `{"name":"calendar","title":"Calendar","enabled":true,"tools":[{"name":"calendar_get_event","title":"…","enabled":false}]}`

use super::state::ConsoleState;
use super::wire::{Answer, ConsoleError, found};
use crate::domain::switches::{Switch, SwitchedOff};
use crate::oauth::audit;
use crate::tools::tool::{Service, Tool, is_tool_on};
use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The body of a switch.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Toggle {
    enabled: bool,
}

#[derive(Debug, Serialize)]
struct ServiceView<'a> {
    name: &'a str,
    title: &'a str,
    enabled: bool,
    tools: Vec<ToolView>,
}

#[derive(Debug, Serialize)]
struct ToolView {
    name: &'static str,
    title: &'static str,
    /// Its own switch and that of its home; a tool whose service is off is not served either way.
    enabled: bool,
}

impl<'a> ServiceView<'a> {
    fn of(service: &'a Arc<dyn Service>, off: &SwitchedOff) -> Self {
        let name = service.info().name.as_str();
        let tool = |tool: &Arc<dyn Tool>| {
            let spec = tool.spec();
            ToolView {
                name: spec.name,
                title: spec.title,
                enabled: is_tool_on(service.as_ref(), spec.name, off),
            }
        };
        Self {
            name,
            title: &service.info().title,
            enabled: !off.has_service(name),
            tools: service.tools().iter().map(tool).collect(),
        }
    }
}

/// `GET services`.
pub(super) async fn list(state: web::Data<ConsoleState>) -> Answer {
    let applied = state.switchboard.switches().kept();
    let services = state.registry.services().iter();
    let services: Vec<_> = services.map(|service| ServiceView::of(service, &applied.off)).collect();
    Ok(found(&json!({ "services": services })))
}

/// `PUT services/{service}`.
pub(super) async fn put(
    state: web::Data<ConsoleState>,
    path: web::Path<String>,
    toggle: web::Json<Toggle>,
) -> Answer {
    turn(&state, Switch { service: path.into_inner(), tool: None }, toggle.enabled).await
}

/// `PUT services/{service}/tools/{tool}`.
pub(super) async fn put_tool(
    state: web::Data<ConsoleState>,
    path: web::Path<(String, String)>,
    toggle: web::Json<Toggle>,
) -> Answer {
    let (service, tool) = path.into_inner();
    turn(&state, Switch { service, tool: Some(tool) }, toggle.enabled).await
}

/// Turns the switch of something that exists; answers its service as it is now.
async fn turn(state: &ConsoleState, switch: Switch, on: bool) -> Answer {
    let mut services = state.registry.services().iter();
    let service = services.find(|service| service.info().name.as_str() == switch.service);
    let service = service.ok_or(ConsoleError::NotFound("service"))?;
    let mut tools = service.tools().iter();
    if switch.tool.as_ref().is_some_and(|name| !tools.any(|tool| tool.spec().name == name)) {
        return Err(ConsoleError::NotFound("tool"));
    }
    state.switchboard.turn(&switch, on).await?;
    let subject = [Some(switch.service.as_str()), switch.tool.as_deref()].into_iter().flatten();
    let event = if on { "admin_switch_on" } else { "admin_switch_off" };
    audit::operator(event, &subject.collect::<Vec<_>>().join("/"));
    Ok(found(&ServiceView::of(service, &state.switchboard.switches().kept().off)))
}
