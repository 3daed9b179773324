//! `/conformance`: the fixture service of the official MCP conformance suite, compiled with the feature `conformance`
//! alone. It runs behind the same authorization, sessions and streams as every other service; names and texts are the
//! suite's.

mod content;
mod fixture;
mod inputs;
mod jobs;
mod legacy;
mod prompts;
mod resources;

use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::tools::prompt::{Completer, Prompt};
use crate::tools::resource::ResourceSet;
use crate::tools::tool::{Service, Tool};
use std::sync::Arc;

/// A 1×1 picture, base64.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// An empty recording, base64.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// The service.
pub(crate) struct Conformance {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    prompts: Vec<Arc<dyn Prompt>>,
    resources: resources::Fixtures,
    completer: prompts::Words,
}

impl Conformance {
    pub(crate) fn new() -> Self {
        let scopes = ScopeSet::parse("User.Read");
        let mut tools = content::tools();
        tools.extend(legacy::tools());
        tools.extend(inputs::tools());
        tools.extend(jobs::tools());
        Self {
            info: ServiceInfo {
                name: ServiceName::new("conformance"),
                title: "Conformance".to_owned(),
                description: "Fixtures of the official MCP conformance suite.".to_owned(),
                required_scopes: scopes.clone(),
                supported_scopes: scopes,
            },
            tools,
            prompts: prompts::all(),
            resources: resources::Fixtures,
            completer: prompts::Words,
        }
    }
}

impl Service for Conformance {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        "Fixtures of the official MCP conformance suite; nothing here touches anybody's data."
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        &self.prompts
    }

    fn resources(&self) -> Option<&dyn ResourceSet> {
        Some(&self.resources)
    }

    fn completer(&self) -> Option<&dyn Completer> {
        Some(&self.completer)
    }

    fn logs(&self) -> bool {
        true
    }

    fn runs_tasks(&self) -> bool {
        true
    }
}
