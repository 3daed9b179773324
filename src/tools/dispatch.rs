//! The one way to call a tool, whatever the front: find, scope, coerce and validate, deadline and cancellation, run,
//! bound the output, log. Admission to Graph happens per Graph request, in the Graph client.

use super::context::{CallContext, Caller};
use super::error::{ToolError, ToolErrorKind};
use super::output::ToolOutput;
use super::registry::ToolRegistry;
use super::schema;
use super::tool::Tool;
use crate::domain::ids::ServiceName;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Bounds that hold for every tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLimits {
    /// Time for one call, upstream waits included.
    pub(crate) deadline: Duration,
    /// Largest answer, text and structured parts together, in bytes.
    pub(crate) output_bytes: usize,
}

/// Calls tools for callers.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    registry: ToolRegistry,
    limits: CallLimits,
}

impl Dispatcher {
    pub(crate) fn new(registry: ToolRegistry, limits: CallLimits) -> Self {
        Self { registry, limits }
    }

    pub(crate) fn registry(&self) -> &ToolRegistry {
        &self.registry
    }

    /// Finds a tool and checks the caller's scopes, without running anything: fronts that must answer a missing
    /// scope by HTTP 403 do so before the first byte.
    pub(crate) fn authorize(
        &self,
        service: &ServiceName,
        tool: &str,
        caller: &Caller,
    ) -> Result<Arc<dyn Tool>, ToolError> {
        let found = self.registry.tool(service.as_str(), tool).ok_or_else(|| {
            ToolError::new(ToolErrorKind::UnknownTool, format!("Unknown tool: {}", printable(tool)))
        })?;
        let spec = found.spec();
        if spec.scopes.iter().all(|scope| caller.scopes.allows(scope)) {
            return Ok(Arc::clone(found));
        }
        let required = spec.scopes.iter().copied().collect();
        let message = format!(
            "The tool {} needs the permission {}. Authorize again to grant it.",
            spec.name,
            spec.scopes.join(" ")
        );
        Err(ToolError::new(ToolErrorKind::InsufficientScope { required }, message))
    }

    /// Calls `tool` of `service` for `caller`. Dropping the future or cancelling the token stops the work.
    pub(crate) async fn call(
        &self,
        service: &ServiceName,
        tool: &str,
        arguments: Value,
        caller: Caller,
        cancel: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let started = Instant::now();
        let result = match self.authorize(service, tool, &caller) {
            Ok(found) => self.run(found.as_ref(), arguments, caller, cancel).await,
            Err(error) => Err(error),
        };
        log_call(service, tool, started, &result);
        result
    }

    async fn run(
        &self,
        tool: &dyn Tool,
        arguments: Value,
        caller: Caller,
        cancel: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let prepared = schema::prepare(tool.spec(), arguments)?;
        let deadline = Instant::now() + self.limits.deadline;
        let context = CallContext { caller, deadline };
        let mut output = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(cancelled()),
            () = tokio::time::sleep_until(deadline.into()) => return Err(timed_out()),
            result = tool.call(&context, prepared.args) => result?,
        };
        if !prepared.warnings.is_empty() {
            output.text.push_str("\n\nNotes: ");
            output.text.push_str(&prepared.warnings.join(" "));
        }
        self.bound(output)
    }

    /// A tool bounds its own answer by its budget; this is the fence behind it.
    fn bound(&self, output: ToolOutput) -> Result<ToolOutput, ToolError> {
        if output.text.len() + output.structured.get().len() <= self.limits.output_bytes {
            return Ok(output);
        }
        Err(ToolError::new(
            ToolErrorKind::InvalidInput { field: None },
            "The answer would be too large. Ask for fewer items or a narrower period, or leave bodies out.",
        ))
    }
}

fn cancelled() -> ToolError {
    ToolError::new(ToolErrorKind::Cancelled, "The call was cancelled.")
}

fn timed_out() -> ToolError {
    ToolError::new(
        ToolErrorKind::Timeout,
        "Microsoft 365 took too long to answer. Try again, or ask for a shorter period or fewer items.",
    )
}

/// A name from the wire, cut and cleaned for a message.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn log_call(service: &ServiceName, tool: &str, started: Instant, result: &Result<ToolOutput, ToolError>) {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let tool = printable(tool);
    match result {
        Ok(output) => tracing::debug!(
            service.name = %service, tool.name = %tool, duration_ms,
            text_bytes = output.text.len(), structured_bytes = output.structured.get().len(), "tool answered"
        ),
        Err(error) if error.kind == ToolErrorKind::Internal => tracing::error!(
            service.name = %service, tool.name = %tool, duration_ms,
            source = error.source.as_deref().unwrap_or_default(), "tool failed"
        ),
        Err(error) => tracing::info!(
            service.name = %service, tool.name = %tool, duration_ms, outcome = error.code(),
            source = error.source.as_deref().unwrap_or_default(), "tool refused"
        ),
    }
}
