//! What a request asks the core to do, read from its parameters, and what comes of it. The same in both eras.

use super::error::{INVALID_PARAMS, RpcError};
use super::jsonrpc::{Params, is_null, text};
use crate::domain::ids::ServiceName;
use crate::tools::dispatch::{Dispatcher, Invocation};
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::prompt::{Completing, PromptArgs, PromptMessage, Reference};
use crate::tools::resource::{Contents, Page, ResourceEntry};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Work for the dispatcher.
#[derive(Clone, Debug)]
pub(super) enum Work {
    Tool {
        name: String,
        arguments: Value,
    },
    Prompt {
        name: String,
        arguments: PromptArgs,
    },
    Read {
        uri: String,
    },
    /// `from` is the service's own continuation, already out of its seal.
    List {
        from: Option<String>,
    },
    Complete(Completing),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    Tool(ToolOutput),
    Prompt { description: &'static str, messages: Vec<PromptMessage> },
    Read(Vec<Contents>),
    List(Page<ResourceEntry>),
    Complete { values: Vec<String>, total: usize },
}

fn bad(message: &'static str) -> RpcError {
    RpcError::new(INVALID_PARAMS, message)
}

fn required(raw: Option<&RawValue>, message: &'static str) -> Result<String, RpcError> {
    raw.and_then(text).map(std::borrow::Cow::into_owned).ok_or_else(|| bad(message))
}

impl Work {
    /// `tools/call`.
    pub(super) fn tool(params: &Params<'_>) -> Result<Self, RpcError> {
        let name = required(params.name, "`name` must be a string.")?;
        let parse = |raw: &RawValue| serde_json::from_str(raw.get());
        let arguments =
            params.arguments.map(parse).transpose().map_err(|_| bad("`arguments` cannot be read."))?;
        Ok(Self::Tool { name, arguments: arguments.unwrap_or_default() })
    }

    /// `prompts/get`: arguments are strings.
    pub(super) fn prompt(params: &Params<'_>) -> Result<Self, RpcError> {
        let name = required(params.name, "`name` must be a string.")?;
        let arguments: PromptArgs = match params.arguments.filter(|raw| !is_null(raw)) {
            Some(raw) => {
                serde_json::from_str(raw.get()).map_err(|_| bad("`arguments` must be an object."))?
            }
            None => PromptArgs::new(),
        };
        if !arguments.values().all(Value::is_string) {
            return Err(bad("Arguments of prompts are strings."));
        }
        Ok(Self::Prompt { name, arguments })
    }

    /// `resources/read`.
    pub(super) fn read(params: &Params<'_>) -> Result<Self, RpcError> {
        Ok(Self::Read { uri: required(params.uri, "`uri` must be a string.")? })
    }

    /// `completion/complete`.
    pub(super) fn complete(params: &Params<'_>) -> Result<Self, RpcError> {
        #[derive(Deserialize)]
        struct Ref {
            #[serde(rename = "type")]
            kind: String,
            name: Option<String>,
            uri: Option<String>,
        }
        #[derive(Deserialize)]
        struct Argument {
            name: String,
            value: String,
        }
        let reference = params.reference.and_then(|raw| serde_json::from_str::<Ref>(raw.get()).ok());
        let reference = match reference {
            Some(Ref { kind, name: Some(name), .. }) if kind == "ref/prompt" => Reference::Prompt(name),
            Some(Ref { kind, uri: Some(uri), .. }) if kind == "ref/resource" => Reference::Resource(uri),
            Some(_) | None => return Err(bad("`ref` must name a prompt or a resource template.")),
        };
        let argument = params.argument.and_then(|raw| serde_json::from_str::<Argument>(raw.get()).ok());
        let Argument { name, value } =
            argument.ok_or_else(|| bad("`argument` must have a `name` and a `value`."))?;
        Ok(Self::Complete(Completing { reference, argument: name, value }))
    }

    /// Whether it may need input of the client (2026-07-28, multi-round-trip requests).
    pub(super) fn may_ask(&self) -> bool {
        matches!(self, Self::Tool { .. } | Self::Prompt { .. } | Self::Read { .. })
    }

    /// The JSON-RPC method.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Tool { .. } => "tools/call",
            Self::Prompt { .. } => "prompts/get",
            Self::Read { .. } => "resources/read",
            Self::List { .. } => "resources/list",
            Self::Complete(_) => "completion/complete",
        }
    }

    /// The parameters that a continued request must repeat.
    pub(super) fn salient(&self) -> Value {
        match self {
            Self::Tool { name, arguments } => serde_json::json!([name, arguments]),
            Self::Prompt { name, arguments } => serde_json::json!([name, arguments]),
            Self::Read { uri } => serde_json::json!([uri]),
            Self::List { .. } | Self::Complete(_) => Value::Null,
        }
    }

    /// Does it.
    pub(super) async fn run(
        &self,
        dispatcher: &Dispatcher,
        service: &ServiceName,
        asked: Invocation,
    ) -> Result<Done, ToolError> {
        match self {
            Self::Tool { name, arguments } => {
                dispatcher.call(service, name, arguments.clone(), asked).await.map(Done::Tool)
            }
            Self::Prompt { name, arguments } => {
                let description = dispatcher.prompt(service, name)?.spec().description;
                let messages = dispatcher.get_prompt(service, name, arguments.clone(), asked).await?;
                Ok(Done::Prompt { description, messages })
            }
            Self::Read { uri } => dispatcher.read_resource(service, uri, asked).await.map(Done::Read),
            Self::List { from } => {
                dispatcher.list_resources(service, from.as_deref(), asked).await.map(Done::List)
            }
            Self::Complete(completing) => {
                let (values, total) = dispatcher.complete(service, completing, asked).await?;
                Ok(Done::Complete { values, total })
            }
        }
    }
}
