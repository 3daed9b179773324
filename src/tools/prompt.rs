//! Prompts, and completion of what people type for prompts and resource templates.

use super::context::CallContext;
use super::error::ToolError;
use super::output::Block;
use async_trait::async_trait;
use serde_json::{Map, Value};

/// An argument of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PromptArgument {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) required: bool,
}

/// What a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PromptSpec {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) arguments: &'static [PromptArgument],
}

/// Who says a message; MCP knows no other roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
}

/// What a message says.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Text(String),
    Block(Block),
}

/// A message of a prompt.
#[derive(Clone, Debug)]
pub(crate) struct PromptMessage {
    pub(crate) role: Role,
    pub(crate) said: Said,
}

impl PromptMessage {
    pub(crate) fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, said: Said::Text(text.into()) }
    }

    pub(crate) fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, said: Said::Text(text.into()) }
    }

    #[cfg_attr(
        not(any(test, feature = "conformance")),
        expect(dead_code, reason = "today the prompts of the suite's fixtures alone carry blocks")
    )]
    pub(crate) fn block(block: Block) -> Self {
        Self { role: Role::User, said: Said::Block(block) }
    }
}

/// Arguments of a prompt: names to strings. Required ones are there.
pub(crate) type PromptArgs = Map<String, Value>;

/// The text of an argument, when given.
pub(crate) fn argument<'a>(args: &'a PromptArgs, name: &str) -> Option<&'a str> {
    args.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// One prompt.
#[async_trait]
pub(crate) trait Prompt: Send + Sync {
    fn spec(&self) -> &PromptSpec;
    async fn get(&self, context: &CallContext, args: PromptArgs) -> Result<Vec<PromptMessage>, ToolError>;
}

/// What is being completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Prompt(String),
    /// A resource template, or a URI of one.
    Resource(String),
}

/// A question for completion.
#[derive(Clone, Debug)]
pub(crate) struct Completing {
    pub(crate) reference: Reference,
    pub(crate) argument: String,
    pub(crate) value: String,
}

/// Completion of arguments. Declaring it declares the MCP capability.
#[async_trait]
pub(crate) trait Completer: Send + Sync {
    /// Values that begin with what is typed, best first; the front cuts at 100. `NotFound` for unknown references.
    async fn complete(&self, context: &CallContext, asked: &Completing) -> Result<Vec<String>, ToolError>;
}
