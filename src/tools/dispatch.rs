//! The one way to call a tool, whatever the front: find, scope, coerce and validate, deadline and cancellation, run,
//! bound the output, log. Admission to Graph happens per Graph request, in the Graph client.

use super::activity::{self, Activity};
use super::context::{CallContext, Caller};
use super::error::{ToolError, ToolErrorKind};
use super::outlet::Outlet;
use super::output::ToolOutput;
use super::plan::Plan;
use super::prompt::{Completing, Prompt, PromptArgs, PromptMessage};
use super::registry::ToolRegistry;
use super::resource::{Contents, MAX_CONTENTS, Page, ResourceEntry, ResourceSet};
use super::schema;
use super::tool::Tool;
use crate::domain::ids::ServiceName;
use crate::domain::meters::Meters;
use crate::domain::write_mark::WriteMark;
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

/// Who asks, how to reach them while they wait, and how they stop it.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) caller: Caller,
    pub(crate) outlet: Outlet,
    pub(crate) cancel: CancellationToken,
}

/// Most completion values (MCP).
const MAX_VALUES: usize = 100;

/// Calls tools for callers.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    registry: ToolRegistry,
    limits: CallLimits,
    meters: Arc<Meters>,
    activity: Option<Activity>,
}

impl Dispatcher {
    pub(crate) fn new(registry: ToolRegistry, limits: CallLimits) -> Self {
        Self { registry, limits, meters: Arc::default(), activity: None }
    }

    /// Counts calls there.
    pub(crate) fn metered(self, meters: Arc<Meters>) -> Self {
        Self { meters, ..self }
    }

    /// Notes there what writing tools did.
    pub(crate) fn noting(self, activity: Activity) -> Self {
        Self { activity: Some(activity), ..self }
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
        caller.require(found.spec().name, found.spec().scopes)?;
        Ok(Arc::clone(found))
    }

    /// Calls a tool. Dropping the future or cancelling stops the work. Two failures are the front's to act on: `InputRequired` and
    /// `Detached`.
    pub(crate) async fn call(
        &self,
        service: &ServiceName,
        tool: &str,
        arguments: Value,
        asked: Invocation,
    ) -> Result<ToolOutput, ToolError> {
        let started = Instant::now();
        // Only names of our own become labels.
        let mut name = "unknown";
        let mut noted = None;
        let result = match self.authorize(service, tool, &asked.caller) {
            Ok(found) => {
                name = found.spec().name;
                let activity = self.activity.as_ref().filter(|_| !found.spec().annotations.read_only);
                noted = activity
                    .map(|activity| (activity, asked.caller.clone(), activity::target_of(&arguments)));
                self.run(found.as_ref(), arguments, asked).await
            }
            Err(error) => Err(error),
        };
        if let Some((activity, caller, target)) = noted {
            activity.note((&caller.user, &caller.client), (service.as_str(), name), target, &result);
        }
        let took = started.elapsed();
        self.meters.call(
            service.as_str(),
            name,
            result.as_ref().map_or_else(ToolError::code, |_| "ok"),
            took,
        );
        log_call(service, tool, took, &result);
        result
    }

    /// One page of the service's resources.
    pub(crate) async fn list_resources(
        &self,
        service: &ServiceName,
        from: Option<&str>,
        asked: Invocation,
    ) -> Result<Page<ResourceEntry>, ToolError> {
        let Some(set) = self.resources(service) else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        asked.caller.require("resources/list", set.scopes())?;
        let (context, cancel) = self.context(asked);
        fenced(&context, &cancel, set.list(&context, from)).await
    }

    /// Reads a resource.
    pub(crate) async fn read_resource(
        &self,
        service: &ServiceName,
        uri: &str,
        asked: Invocation,
    ) -> Result<Vec<Contents>, ToolError> {
        let gone = || ToolError::new(ToolErrorKind::NotFound, "There is no such resource.");
        let set = self.resources(service).ok_or_else(gone)?;
        asked.caller.require("resources/read", set.scopes())?;
        let (context, cancel) = self.context(asked);
        let contents = fenced(&context, &cancel, set.read(&context, uri)).await?;
        if contents.is_empty() {
            return Err(gone());
        }
        if contents.iter().map(Contents::size).sum::<usize>() > MAX_CONTENTS {
            let kind = ToolErrorKind::InvalidInput { field: Some("uri".to_owned()) };
            return Err(ToolError::new(kind, "This resource is too large to be read in one piece."));
        }
        Ok(contents)
    }

    /// Finds a prompt.
    pub(crate) fn prompt(&self, service: &ServiceName, name: &str) -> Result<Arc<dyn Prompt>, ToolError> {
        let found = self.registry.prompt(service.as_str(), name);
        found.cloned().ok_or_else(|| {
            ToolError::new(ToolErrorKind::NotFound, format!("Unknown prompt: {}", printable(name)))
        })
    }

    /// Fills a prompt in.
    pub(crate) async fn get_prompt(
        &self,
        service: &ServiceName,
        name: &str,
        args: PromptArgs,
        asked: Invocation,
    ) -> Result<Vec<PromptMessage>, ToolError> {
        let prompt = self.prompt(service, name)?;
        for argument in prompt.spec().arguments.iter().filter(|a| a.required) {
            if !args.contains_key(argument.name) {
                let message = format!("The argument `{}` is required.", argument.name);
                return Err(ToolError::invalid(argument.name, message));
            }
        }
        let (context, cancel) = self.context(asked);
        fenced(&context, &cancel, prompt.get(&context, args)).await
    }

    /// Completes an argument: values, cut to what one answer holds, and how many there are.
    pub(crate) async fn complete(
        &self,
        service: &ServiceName,
        completing: &Completing,
        asked: Invocation,
    ) -> Result<(Vec<String>, usize), ToolError> {
        let found = self.registry.service(service.as_str()).and_then(|s| s.completer());
        let Some(completer) = found else { return Ok((Vec::new(), 0)) };
        let (context, cancel) = self.context(asked);
        let mut values = fenced(&context, &cancel, completer.complete(&context, completing)).await?;
        let total = values.len();
        values.truncate(MAX_VALUES);
        Ok((values, total))
    }

    /// What the service makes of a request in natural language; none when nothing of it fits.
    pub(crate) async fn plan(
        &self,
        service: &ServiceName,
        request: &str,
        asked: Invocation,
    ) -> Result<Option<Plan>, ToolError> {
        let planner = self.registry.service(service.as_str()).and_then(|s| s.planner());
        let Some(planner) = planner else { return Ok(None) };
        let (context, cancel) = self.context(asked);
        let plan = fenced(&context, &cancel, planner.plan(&context, request)).await?;
        // What an operator switched off is not planned with.
        Ok(plan.filter(|plan| self.registry.tool(service.as_str(), plan.tool).is_some()))
    }

    /// The service's resources.
    pub(crate) fn resources(&self, service: &ServiceName) -> Option<&dyn ResourceSet> {
        self.registry.service(service.as_str())?.resources()
    }

    fn context(&self, asked: Invocation) -> (CallContext, CancellationToken) {
        let deadline = Instant::now() + self.limits.deadline;
        let (caller, outlet, mark) = (asked.caller, asked.outlet, WriteMark::default());
        (CallContext { caller, mailbox: None, deadline, mark, outlet }, asked.cancel)
    }

    async fn run(
        &self,
        tool: &dyn Tool,
        arguments: Value,
        asked: Invocation,
    ) -> Result<ToolOutput, ToolError> {
        let prepared = schema::prepare(tool.spec(), arguments)?;
        let (context, cancel) = self.context(asked);
        let called = fenced(&context, &cancel, tool.call(&context, prepared.args)).await;
        let mut output = called.map_err(|error| {
            let may_have_written = error.kind == ToolErrorKind::Timeout && context.mark.is_set();
            if may_have_written { broken_off() } else { error }
        })?;
        if !prepared.warnings.is_empty() {
            output.text.push_str("\n\nNotes: ");
            output.text.push_str(&prepared.warnings.join(" "));
        }
        self.bound(output)
    }

    /// A tool bounds its own answer by its budget; this is the fence behind it.
    fn bound(&self, output: ToolOutput) -> Result<ToolOutput, ToolError> {
        if output.size() <= self.limits.output_bytes {
            return Ok(output);
        }
        Err(ToolError::new(
            ToolErrorKind::InvalidInput { field: None },
            "The answer would be too large. Ask for fewer items or a narrower period, or leave bodies out.",
        ))
    }
}

/// Runs `work` until it ends, is cancelled, or has used up its time.
async fn fenced<T>(
    context: &CallContext,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, ToolError>>,
) -> Result<T, ToolError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(cancelled()),
        () = tokio::time::sleep_until(context.deadline.into()) => Err(timed_out()),
        result = work => result.map_err(|error| {
            let nobody = error.kind == ToolErrorKind::SignInRequired && context.caller.user.is_application();
            if nobody { no_person() } else { error }
        }),
    }
}

/// A client that acts for itself has no mailbox, and signing in again would change nothing.
fn no_person() -> ToolError {
    let kind = ToolErrorKind::UpstreamRejected { code: "NoUser".to_owned(), status: 403 };
    let text = "This token belongs to an application and not to a person, so there is no Microsoft 365 data behind it. \
                Connect with a sign-in of a person (authorization code) to use this tool.";
    ToolError::new(kind, text)
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

/// A call that has used up its time and had sent a write: whoever tries again may do it twice.
fn broken_off() -> ToolError {
    let kind = ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 };
    let text = "This took too long and was broken off, so nobody knows whether it was done. Look whether it was before \
                trying again.";
    ToolError::new(kind, text)
}

/// A name from the wire, cut and cleaned for a message.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn log_call(service: &ServiceName, tool: &str, took: Duration, result: &Result<ToolOutput, ToolError>) {
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let tool = printable(tool);
    match result {
        Ok(output) => tracing::debug!(
            service.name = %service, tool.name = %tool, duration_ms,
            text_bytes = output.text.len(), structured_bytes = output.structured.get().len(), "tool answered"
        ),
        Err(error) if matches!(error.kind, ToolErrorKind::Internal | ToolErrorKind::Protocol) => {
            tracing::error!(
                service.name = %service, tool.name = %tool, duration_ms,
                source = error.source.as_deref().unwrap_or_default(), "tool failed"
            );
        }
        Err(error) => tracing::info!(
            service.name = %service, tool.name = %tool, duration_ms, outcome = error.code(),
            source = error.source.as_deref().unwrap_or_default(), "tool refused"
        ),
    }
}

#[cfg(test)]
mod tests;
