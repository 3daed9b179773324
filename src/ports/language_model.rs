//! A language model behind the OpenAI front: any server that speaks OpenAI's chat completions.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use std::time::Duration;

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelEvent {
    Text(String),
    /// A part of a call; the parts of one call share an index, where the server numbers calls.
    Call {
        index: Option<usize>,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    },
    /// Why the answer ends, in OpenAI's words (`stop`, `length`, `tool_calls`, `content_filter`).
    Finish(String),
    /// Tokens of the request and of the answer.
    Usage {
        input: u64,
        output: u64,
    },
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ModelError {
    #[error("the language model cannot be reached")]
    Unreachable,
    #[error("the language model has stopped answering")]
    Stalled,
    #[error("the language model is asked too often")]
    RateLimited { retry_after: Option<Duration> },
    /// It refused what the client asked for, by one of the codes that concern the client.
    #[error("the language model refused the request{}", .code.as_ref().map(|code| format!(": {code}")).unwrap_or_default())]
    Refused { code: Option<&'static str> },
    /// It failed, or refuses us.
    #[error("the language model failed with status {0}")]
    Failed(u16),
    #[error("the language model's answer cannot be read")]
    Garbage,
}

/// One configured model.
#[async_trait]
pub(crate) trait LanguageModel: Send + Sync {
    /// Asks for a streamed answer. `body` is a request of `/chat/completions` without `model` and `stream`. Dropping the
    /// stream ends the request there as well.
    async fn ask(
        &self,
        body: Map<String, Value>,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError>;
}
