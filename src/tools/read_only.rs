//! A server that only reads: services without the tools that write, and without the permissions that only those need.
//! Whatever a front lists, calls or publishes comes from the service, so nothing else has to know.

use super::plan::Planner;
use super::prompt::{Completer, Prompt};
use super::resource::ResourceSet;
use super::tool::{Service, Tool, scopes_left};
use super::transfer::Carrier;
use crate::domain::resource::ServiceInfo;
use std::sync::Arc;

/// What is left of a service.
pub(crate) struct ReadOnly {
    inner: Arc<dyn Service>,
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
}

impl ReadOnly {
    pub(crate) fn new(inner: Arc<dyn Service>) -> Self {
        let (tools, writing): (Vec<_>, Vec<_>) =
            inner.tools().iter().cloned().partition(|tool| tool.spec().annotations.read_only);
        let mut info = inner.info().clone();
        info.supported_scopes = scopes_left(&info, &tools, &writing).reading();
        Self { inner, info, tools }
    }
}

impl Service for ReadOnly {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &str {
        self.inner.instructions()
    }

    fn guide(&self) -> &'static str {
        self.inner.guide()
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        self.inner.prompts()
    }

    fn resources(&self) -> Option<&dyn ResourceSet> {
        self.inner.resources()
    }

    fn completer(&self) -> Option<&dyn Completer> {
        self.inner.completer()
    }

    fn carrier(&self) -> Option<&dyn Carrier> {
        self.inner.carrier()
    }

    /// Planners plan tools that read.
    fn planner(&self) -> Option<&dyn Planner> {
        self.inner.planner()
    }

    fn logs(&self) -> bool {
        self.inner.logs()
    }

    fn runs_tasks(&self) -> bool {
        self.inner.runs_tasks()
    }
}
