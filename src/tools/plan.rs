//! Natural language to a tool call, without a language model.

use super::context::CallContext;
use super::error::ToolError;
use super::tool::Args;
use async_trait::async_trait;

/// A request, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// One of the service's tools.
    pub(crate) tool: &'static str,
    /// Its arguments, not yet validated.
    pub(crate) arguments: Args,
    /// What was understood, in a sentence for the person who asked.
    pub(crate) understood: String,
}

/// Plans calls of one service's tools.
#[async_trait]
pub(crate) trait Planner: Send + Sync {
    /// The call that answers `request`; none when nothing fits. Nothing is called or changed by planning.
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError>;
    /// Requests that it understands, as examples for people.
    fn examples(&self) -> [&'static str; 3];
}
