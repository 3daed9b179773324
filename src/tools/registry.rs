//! All services and their tools, immutable after start; what an operator has switched off is not found.

use super::prompt::Prompt;
use super::tool::{Service, Tool};
use crate::domain::switches::Switches;
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
        let found = self.service(service)?.tools().iter().find(|t| t.spec().name == tool)?;
        (!self.switches.now().off.has_tool(service, tool)).then_some(found)
    }

    /// A prompt of a service that is on.
    pub(crate) fn prompt(&self, service: &str, prompt: &str) -> Option<&Arc<dyn Prompt>> {
        self.service(service)?.prompts().iter().find(|p| p.spec().name == prompt)
    }
}
