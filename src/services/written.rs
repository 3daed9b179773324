//! Prompts that are text alone.

use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::prompt::{Prompt, PromptArgs, PromptArgument, PromptMessage, PromptSpec};
use async_trait::async_trait;

/// A prompt written from its arguments.
pub(super) struct Written {
    pub(super) spec: PromptSpec,
    pub(super) write: fn(&PromptArgs) -> Vec<PromptMessage>,
}

/// An argument of such a prompt.
pub(super) const fn given(name: &'static str, description: &'static str, required: bool) -> PromptArgument {
    PromptArgument { name, description, required }
}

#[async_trait]
impl Prompt for Written {
    fn spec(&self) -> &PromptSpec {
        &self.spec
    }

    async fn get(&self, _: &CallContext, args: PromptArgs) -> Result<Vec<PromptMessage>, ToolError> {
        Ok((self.write)(&args))
    }
}
