//! The two traits that a new sub-path implements: a service and its tools.

use super::context::CallContext;
use super::error::ToolError;
use super::output::ToolOutput;
use super::plan::Planner;
use super::prompt::{Completer, Prompt};
use super::resource::ResourceSet;
use super::transfer::Carrier;
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::{ScopeSet, for_others};
use crate::domain::switches::SwitchedOff;
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Validated, coerced arguments.
pub(crate) type Args = Map<String, Value>;

/// Hints of the MCP specification; honest ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Annotations {
    pub(crate) read_only: bool,
    pub(crate) destructive: bool,
    pub(crate) idempotent: bool,
    /// Outside people can be affected, or untrusted text comes back.
    pub(crate) open_world: bool,
}

impl Annotations {
    /// Reads, and returns text that strangers may have written.
    pub(crate) const READ_UNTRUSTED: Self =
        Self { read_only: true, destructive: false, idempotent: true, open_world: true };
    /// Reads our own data only.
    pub(crate) const READ: Self =
        Self { read_only: true, destructive: false, idempotent: true, open_world: false };
    /// Adds something of the user's own; the methods below say what else is true of a write.
    pub(crate) const WRITE: Self =
        Self { read_only: false, destructive: false, idempotent: false, open_world: false };

    /// Changes or removes what is there, or cannot be taken back.
    pub(crate) const fn destructive(self) -> Self {
        Self { destructive: true, ..self }
    }

    /// The same call once more changes nothing more.
    pub(crate) const fn idempotent(self) -> Self {
        Self { idempotent: true, ..self }
    }

    /// Reaches other people.
    pub(crate) const fn open_world(self) -> Self {
        Self { open_world: true, ..self }
    }
}

/// What a tool is. Schemas follow `schema::lint`: flat, simple, no null, no boolean defaults.
#[derive(Clone, Debug)]
pub(crate) struct ToolSpec {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// JSON Schema of the arguments, object-typed. A property may carry `x-mcp-header` (MCP 2026-07-28).
    pub(crate) input_schema: Value,
    /// JSON Schema of `ToolOutput::structured`, object-typed; JSON null for a tool that answers text and blocks only.
    pub(crate) output_schema: Value,
    pub(crate) annotations: Annotations,
    /// Graph scopes the bearer must allow.
    pub(crate) scopes: &'static [&'static str],
    /// Arguments accepted for compatibility and not listed in the schema: (alias, declared name; empty = ignored).
    pub(crate) aliases: &'static [(&'static str, &'static str)],
}

/// One tool.
#[async_trait]
pub(crate) trait Tool: Send + Sync {
    fn spec(&self) -> &ToolSpec;
    /// Names of other servers for the same tool: they are called, and never listed.
    fn other_names(&self) -> &'static [&'static str] {
        &[]
    }
    /// Runs it for the caller in `context`. Arguments are already coerced and validated against the schema.
    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError>;
}

/// One sub-path: an MCP server, an OpenAI model and an OAuth audience of its own.
pub(crate) trait Service: Send + Sync {
    fn info(&self) -> &ServiceInfo;
    /// Text for `initialize`/`server/discover`: how to work with this service.
    fn instructions(&self) -> &str;
    /// More of the same for people and models that ask, in Markdown; see [`super::guide`].
    fn guide(&self) -> &'static str {
        ""
    }
    /// In listing order, which is stable.
    fn tools(&self) -> &[Arc<dyn Tool>];
    /// The service that a tool belongs to: another one where this service lends it. Its switches hold here as well.
    fn home_of(&self, _tool: &str) -> &ServiceName {
        &self.info().name
    }
    /// In listing order.
    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        &[]
    }
    fn resources(&self) -> Option<&dyn ResourceSet> {
        None
    }
    fn completer(&self) -> Option<&dyn Completer> {
        None
    }
    /// Turns natural language into calls of its tools.
    fn planner(&self) -> Option<&dyn Planner> {
        None
    }
    /// Sends and takes files for the holders of tickets that its tools made.
    fn carrier(&self) -> Option<&dyn Carrier> {
        None
    }
    /// Whether its tools log to the client.
    fn logs(&self) -> bool {
        false
    }
    /// Whether some of its tools can go on as tasks.
    fn runs_tasks(&self) -> bool {
        false
    }
}

/// Whether a tool of a service is on: switched off neither here nor at its home.
pub(crate) fn is_tool_on(service: &dyn Service, tool: &str, off: &SwitchedOff) -> bool {
    let (own, home) = (service.info().name.as_str(), service.home_of(tool).as_str());
    let is_home_on = own == home || !(off.has_service(home) || off.has_tool(home, tool));
    is_home_on && !off.has_tool(own, tool)
}

/// The scopes that a service supports when only some of its tools are left.
pub(crate) fn scopes_left(
    info: &ServiceInfo,
    kept: &[Arc<dyn Tool>],
    left_out: &[Arc<dyn Tool>],
) -> ScopeSet {
    let scopes = |tools: &[Arc<dyn Tool>]| -> ScopeSet {
        let own: Vec<&str> = tools.iter().flat_map(|tool| tool.spec().scopes.iter().copied()).collect();
        let others = own.iter().filter_map(|scope| for_others(scope));
        own.iter().copied().chain(others).collect()
    };
    let only_there = scopes(left_out).difference(&scopes(kept)).difference(&info.required_scopes);
    info.supported_scopes.difference(&only_there)
}
