//! All services and their tools, immutable after start; what an operator has switched off is not found.

use super::prompt::Prompt;
use super::tool::{Service, Tool, is_tool_on};
use crate::domain::ids::ServiceName;
use crate::domain::switches::{SwitchedOff, Switches};
use std::collections::HashSet;
use std::sync::Arc;

/// The catalogue.
#[derive(Clone)]
pub(crate) struct ToolRegistry {
    services: Arc<[Arc<dyn Service>]>,
    switches: Arc<Switches>,
}

impl ToolRegistry {
    pub(crate) fn new(services: Vec<Arc<dyn Service>>, switches: Arc<Switches>) -> Self {
        Self { services: services.into(), switches }
    }

    /// Every service, switched off or not.
    pub(crate) fn services(&self) -> &[Arc<dyn Service>] {
        &self.services
    }

    pub(crate) fn switches(&self) -> &Arc<Switches> {
        &self.switches
    }

    /// A service that is on.
    pub(crate) fn service(&self, name: &str) -> Option<&Arc<dyn Service>> {
        let found = self.services.iter().find(|s| s.info().name.as_str() == name)?;
        (!self.switches.now().off.has_service(name)).then_some(found)
    }

    /// A tool that is on, of a service that is on.
    pub(crate) fn tool(&self, service: &str, tool: &str) -> Option<&Arc<dyn Tool>> {
        let service = self.service(service)?;
        let tools = service.tools();
        let found = tools
            .iter()
            .find(|t| t.spec().name == tool)
            .or_else(|| tools.iter().find(|t| t.other_names().contains(&tool)))?;
        is_tool_on(service.as_ref(), found.spec().name, &self.switches.now().off).then_some(found)
    }

    /// The services whose list of tools is another one under `now` than under `then`.
    pub(crate) fn changed(&self, now: &SwitchedOff, then: &SwitchedOff) -> HashSet<&ServiceName> {
        let differing = now.differing(then);
        let differs = |name: &ServiceName| differing.contains(name.as_str());
        let changed = |service: &&Arc<dyn Service>| {
            differs(&service.info().name)
                || service.tools().iter().any(|tool| differs(service.home_of(tool.spec().name)))
        };
        self.services.iter().filter(changed).map(|service| &service.info().name).collect()
    }

    /// A prompt of a service that is on.
    pub(crate) fn prompt(&self, service: &str, prompt: &str) -> Option<&Arc<dyn Prompt>> {
        self.service(service)?.prompts().iter().find(|p| p.spec().name == prompt)
    }
}
