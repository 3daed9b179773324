//! All services and their tools, immutable after start.

use super::prompt::Prompt;
use super::tool::{Service, Tool};
use std::sync::Arc;

/// The catalogue.
#[derive(Clone)]
pub(crate) struct ToolRegistry {
    services: Arc<[Arc<dyn Service>]>,
}

impl ToolRegistry {
    pub(crate) fn new(services: Vec<Arc<dyn Service>>) -> Self {
        Self { services: services.into() }
    }

    pub(crate) fn services(&self) -> &[Arc<dyn Service>] {
        &self.services
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Arc<dyn Service>> {
        self.services.iter().find(|s| s.info().name.as_str() == name)
    }

    pub(crate) fn tool(&self, service: &str, tool: &str) -> Option<&Arc<dyn Tool>> {
        self.service(service)?.tools().iter().find(|t| t.spec().name == tool)
    }

    pub(crate) fn prompt(&self, service: &str, prompt: &str) -> Option<&Arc<dyn Prompt>> {
        self.service(service)?.prompts().iter().find(|p| p.spec().name == prompt)
    }
}
