//! A language model over HTTP: OpenAI's chat completions, streamed, as every compatible server has them.

use crate::domain::event_stream::Events;
use crate::domain::secret::Secret;
use crate::ports::language_model::{LanguageModel, ModelError, ModelEvent};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Longest error body that is read.
const MAX_ERROR: usize = 16 * 1024;
/// Codes of refusals that concern what the client sent. The words beside them are not passed on: they may tell of our key,
/// or repeat people's mail.
const CLIENTS_CODES: [&str; 6] = [
    "context_length_exceeded",
    "content_filter",
    "content_policy_violation",
    "string_above_max_length",
    "unsupported_value",
    "unsupported_parameter",
];

/// Where the model is, and how long it may be silent.
pub(crate) struct ModelSettings {
    /// Base URL with version, e.g. `https://api.openai.com/v1`.
    pub(crate) url: String,
    /// Empty: none is sent.
    pub(crate) key: Secret<String>,
    pub(crate) model: String,
    /// Longest silence before and within an answer.
    pub(crate) silence: Duration,
    /// Longest answer.
    pub(crate) time: Duration,
}

/// The configured model.
pub(crate) struct HttpModel {
    client: reqwest::Client,
    settings: ModelSettings,
}

impl HttpModel {
    pub(crate) fn new(client: reqwest::Client, settings: ModelSettings) -> Self {
        Self { client, settings }
    }

    async fn send(&self, body: &Value) -> Result<reqwest::Response, ModelError> {
        let url = format!("{}/chat/completions", self.settings.url.trim_end_matches('/'));
        let mut request = self.client.post(url).json(body).timeout(self.settings.time);
        let key = self.settings.key.expose();
        if !key.is_empty() {
            request = request.bearer_auth(key);
        }
        let sent = timeout(self.settings.silence, request.send()).await;
        match sent {
            Err(_) => Err(ModelError::Stalled),
            Ok(Err(error)) if error.is_timeout() && !error.is_connect() => Err(ModelError::Stalled),
            Ok(Err(error)) => {
                tracing::warn!(error = %error.without_url(), "language model");
                Err(ModelError::Unreachable)
            }
            Ok(Ok(response)) => Ok(response),
        }
    }
}

#[async_trait]
impl LanguageModel for HttpModel {
    async fn ask(
        &self,
        mut body: Map<String, Value>,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError> {
        body.insert("model".to_owned(), json!(self.settings.model));
        body.insert("stream".to_owned(), json!(true));
        body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        let response = self.send(&Value::Object(body)).await?;
        if !response.status().is_success() {
            return Err(refusal(response, self.settings.silence).await);
        }
        let bytes = Box::pin(response.bytes_stream());
        Ok(stream::unfold(Reading::new(bytes, self.settings.silence), Reading::next)
            .flat_map(stream::iter)
            .boxed())
    }
}

/// Events as they arrive.
pub(super) struct Reading<S> {
    bytes: S,
    events: Events,
    silence: Duration,
    is_over: bool,
}

impl<S, E> Reading<S>
where
    S: stream::Stream<Item = Result<Bytes, E>> + Unpin,
{
    pub(super) fn new(bytes: S, silence: Duration) -> Self {
        Self { bytes, events: Events::default(), silence, is_over: false }
    }

    pub(super) async fn next(mut self) -> Option<(Vec<Result<ModelEvent, ModelError>>, Self)> {
        if self.is_over {
            return None;
        }
        let said = timeout(self.silence, self.hear()).await.unwrap_or(Some(Err(ModelError::Stalled)))?;
        let mut found = Vec::new();
        match said {
            Err(error) => found.push(Err(error)),
            Ok(events) => {
                for data in events {
                    if data.trim() == "[DONE]" {
                        self.is_over = true;
                        break;
                    }
                    found.extend(read(&data));
                    if found.last().is_some_and(Result::is_err) {
                        break;
                    }
                }
            }
        }
        self.is_over |= found.last().is_some_and(Result::is_err);
        Some((found, self))
    }

    /// The next events; none at the end of the stream.
    async fn hear(&mut self) -> Option<Result<Vec<String>, ModelError>> {
        while let Some(piece) = self.bytes.next().await {
            let Ok(piece) = piece else { return Some(Err(ModelError::Garbage)) };
            match self.events.take(&piece) {
                Ok(events) if events.is_empty() => {}
                Ok(events) => return Some(Ok(events)),
                Err(_) => return Some(Err(ModelError::Garbage)),
            }
        }
        None
    }
}

/// A chunk of an answer, as far as we read it.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<ChunkChoice>,
    usage: Option<ChunkUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct ChunkChoice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<DeltaCall>>,
}

#[derive(Deserialize)]
struct DeltaCall {
    /// Some servers send whole calls and number none.
    index: Option<usize>,
    id: Option<String>,
    function: Option<DeltaFunction>,
}

#[derive(Deserialize)]
struct DeltaFunction {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct ChunkUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

fn read(data: &str) -> Vec<Result<ModelEvent, ModelError>> {
    let Ok(chunk) = serde_json::from_str::<Chunk>(data) else { return vec![Err(ModelError::Garbage)] };
    if chunk.error.is_some() {
        return vec![Err(ModelError::Failed(200))];
    }
    let mut found = Vec::new();
    if let Some(choice) = chunk.choices.into_iter().next() {
        let texts = [choice.delta.content, choice.delta.refusal].into_iter().flatten();
        found.extend(texts.filter(|text| !text.is_empty()).map(ModelEvent::Text));
        for call in choice.delta.tool_calls.into_iter().flatten() {
            let (name, arguments) = call.function.map_or((None, None), |f| (f.name, f.arguments));
            let arguments = arguments.unwrap_or_default();
            found.push(ModelEvent::Call { index: call.index, id: call.id, name, arguments });
        }
        found.extend(choice.finish_reason.map(ModelEvent::Finish));
    }
    if let Some(usage) = chunk.usage {
        found.push(ModelEvent::Usage { input: usage.prompt_tokens, output: usage.completion_tokens });
    }
    found.into_iter().map(Ok).collect()
}

/// What a status other than success means.
async fn refusal(response: reqwest::Response, patience: Duration) -> ModelError {
    let (status, wait) = (response.status(), retry_after(response.headers()));
    match status {
        StatusCode::TOO_MANY_REQUESTS => ModelError::RateLimited { retry_after: wait },
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            let text = timeout(patience, bounded(response)).await.unwrap_or_default();
            let body = serde_json::from_slice::<Value>(&text).unwrap_or_default();
            let code = body.pointer("/error/code").and_then(Value::as_str);
            ModelError::Refused { code: CLIENTS_CODES.into_iter().find(|known| code == Some(*known)) }
        }
        _ => ModelError::Failed(status.as_u16()),
    }
}

async fn bounded(response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ERROR {
            break;
        }
    }
    body
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_read_for_text_calls_end_and_usage() {
        let data = json!({"choices": [{"delta": {"content": "a", "tool_calls": [
            {"index": 1, "id": "c", "function": {"name": "f", "arguments": "{"}}, {"function": {"name": "g"}}]},
            "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
        let found: Vec<_> = read(&data.to_string()).into_iter().map(Result::unwrap).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [
                ModelEvent::Text("a".to_owned()),
                ModelEvent::Call {
                    index: Some(1),
                    id: text("c"),
                    name: text("f"),
                    arguments: "{".to_owned()
                },
                ModelEvent::Call { index: None, id: None, name: text("g"), arguments: String::new() },
                ModelEvent::Finish("tool_calls".to_owned()),
                ModelEvent::Usage { input: 3, output: 4 },
            ]
        );
    }

    #[test]
    fn nulls_and_empty_choices_say_nothing_and_what_is_no_json_is_garbage() {
        let silent = json!({"choices": [{"delta": {"content": null, "role": "assistant"}, "finish_reason": null}],
            "usage": null});
        assert!(read(&silent.to_string()).is_empty());
        assert!(read(r#"{"choices": []}"#).is_empty());
        assert_eq!(read("<html>"), [Err(ModelError::Garbage)]);
        assert_eq!(read(r#"{"error": {"message": "overloaded"}}"#), [Err(ModelError::Failed(200))]);
    }
}
