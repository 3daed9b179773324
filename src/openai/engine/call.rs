//! Running calls as the caller, through the one dispatcher that every front uses.

use super::super::conversation::Call;
use super::super::convert::ToolMessage;
use super::super::error::ApiError;
use super::{Job, Pieces};
use crate::domain::random;
use crate::tools::dispatch::Invocation;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::tool::Tool;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Call {
    /// A call that nobody has named yet.
    pub(super) fn new(name: &str, arguments: &Map<String, Value>) -> Self {
        let arguments = Value::Object(arguments.clone()).to_string();
        Self { id: format!("call_{}", random::text::<12>()), name: name.to_owned(), arguments }
    }

    /// Its arguments; an empty text counts as none.
    pub(in crate::openai) fn parsed(&self) -> Result<Value, String> {
        if self.arguments.trim().is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        match serde_json::from_str(&self.arguments) {
            Ok(Value::Object(arguments)) => Ok(Value::Object(arguments)),
            Ok(_) => Err("The arguments must be a JSON object.".to_owned()),
            Err(error) => Err(format!("The arguments are no valid JSON: {error}.")),
        }
    }
}

impl Job {
    /// The tool behind a name, if this service has it and the caller may use it.
    pub(super) fn tool(&self, name: &str) -> Option<Result<Arc<dyn Tool>, ApiError>> {
        let dispatcher = &self.state.dispatcher;
        dispatcher.registry().tool(self.service.as_str(), name)?;
        let found = dispatcher.authorize(&self.service, name, &self.caller);
        Some(found.map_err(|error| self.fatal(&error).unwrap_or_else(ApiError::internal)))
    }

    /// Runs one call of the client's. A failure that a model can act on is a result as well.
    pub(super) async fn run_call(
        &self,
        call: &Call,
        arguments: Value,
        out: &Pieces,
    ) -> Result<ToolMessage, ApiError> {
        self.run_as(call, arguments, self.invocation(), out).await
    }

    /// Runs one call.
    pub(super) async fn run_as(
        &self,
        call: &Call,
        arguments: Value,
        asked: Invocation,
        out: &Pieces,
    ) -> Result<ToolMessage, ApiError> {
        let found = self.state.dispatcher.registry().tool(self.service.as_str(), &call.name);
        if found.is_some_and(|tool| !tool.spec().annotations.read_only) {
            out.note_write(ToolMessage::of_error(call, &broken_off())).await?;
        }
        let running = self.state.dispatcher.call(&self.service, &call.name, arguments, asked);
        match Box::pin(running).await {
            Ok(output) => Ok(ToolMessage::of_output(call, output)),
            Err(error) => match self.fatal(&error) {
                Some(refusal) => Err(refusal),
                None => Ok(ToolMessage::of_error(call, &error)),
            },
        }
    }
}

/// How a call ended whose replica died.
fn broken_off() -> ToolError {
    let kind = ToolErrorKind::UpstreamRejected { code: "unknown_outcome".to_owned(), status: 504 };
    let text = "The server stopped in the middle of this, so nobody knows whether it was done. Look for it before asking \
                again, and then under a new Idempotency-Key.";
    ToolError::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_an_object_or_nothing() {
        let call = |arguments: &str| Call {
            id: "1".to_owned(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
        };
        assert_eq!(call(" ").parsed(), Ok(json!({})));
        assert_eq!(call(r#"{"a": 1}"#).parsed(), Ok(json!({"a": 1})));
        for bad in ["[]", "5", "{", "null", r#"{"a": 1} x"#] {
            assert!(call(bad).parsed().is_err(), "{bad}");
        }
    }
}
