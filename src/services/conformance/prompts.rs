//! Prompts and completion.

use super::PNG;
use super::fixture::{field, form};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::Block;
use crate::tools::prompt::{
    Completer, Completing, Prompt, PromptArgs, PromptArgument, PromptMessage, PromptSpec, Reference, argument,
};
use crate::tools::resource::Contents;
use async_trait::async_trait;
use std::sync::Arc;

const SIMPLE: &str = "test_simple_prompt";
const WITH_ARGUMENTS: &str = "test_prompt_with_arguments";
const WITH_RESOURCE: &str = "test_prompt_with_embedded_resource";
const WITH_IMAGE: &str = "test_prompt_with_image";
const ASKS: &str = "test_input_required_result_prompt";

struct Fixture(PromptSpec);

const fn required(name: &'static str, description: &'static str) -> PromptArgument {
    PromptArgument { name, description, required: true }
}

pub(super) fn all() -> Vec<Arc<dyn Prompt>> {
    let prompt = |name, description, arguments| -> Arc<dyn Prompt> {
        Arc::new(Fixture(PromptSpec { name, title: name, description, arguments }))
    };
    vec![
        prompt(SIMPLE, "A prompt without arguments.", &[]),
        prompt(
            WITH_ARGUMENTS,
            "A prompt with two arguments.",
            const { &[required("arg1", "First argument."), required("arg2", "Second argument.")] },
        ),
        prompt(
            WITH_RESOURCE,
            "A prompt that embeds a resource.",
            const { &[required("resourceUri", "URI of the resource.")] },
        ),
        prompt(WITH_IMAGE, "A prompt with a picture.", &[]),
        prompt(ASKS, "A prompt that asks first.", &[]),
    ]
}

#[async_trait]
impl Prompt for Fixture {
    fn spec(&self) -> &PromptSpec {
        &self.0
    }

    async fn get(&self, context: &CallContext, args: PromptArgs) -> Result<Vec<PromptMessage>, ToolError> {
        let given = |name: &str| argument(&args, name).unwrap_or_default();
        Ok(match self.0.name {
            WITH_ARGUMENTS => vec![PromptMessage::user(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                given("arg1"),
                given("arg2")
            ))],
            WITH_RESOURCE => {
                let text = "Embedded resource content for testing.";
                let contents = Contents::text(given("resourceUri"), "text/plain", text);
                vec![
                    PromptMessage::block(Block::resource(&contents)),
                    PromptMessage::user("Please process the embedded resource above."),
                ]
            }
            WITH_IMAGE => vec![
                PromptMessage::block(Block::image(PNG, "image/png")),
                PromptMessage::user("Please analyze the image above."),
            ],
            ASKS => {
                let ask = form("What context should the prompt use?", "context", "string");
                let answer = context.ask("user_context", ask)?;
                vec![PromptMessage::user(format!("Use this context: {}", field(&answer, "context")))]
            }
            _ => vec![PromptMessage::user("This is a simple prompt for testing.")],
        })
    }
}

/// Completes the first argument from a few words.
pub(super) struct Words;

#[async_trait]
impl Completer for Words {
    async fn complete(&self, _: &CallContext, asked: &Completing) -> Result<Vec<String>, ToolError> {
        let known = match &asked.reference {
            Reference::Prompt(name) => all().iter().any(|p| p.spec().name == name),
            Reference::Resource(uri) => uri == super::resources::TEMPLATE,
        };
        if !known {
            return Err(ToolError::new(ToolErrorKind::NotFound, "Unknown reference."));
        }
        let words = ["paris", "park", "party", "test"];
        let fits = words.iter().filter(|word| word.starts_with(&asked.value));
        Ok(if asked.argument == "arg1" { fits.map(|w| (*w).to_owned()).collect() } else { Vec::new() })
    }
}
