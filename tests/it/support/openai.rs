//! A client of the OpenAI front without convenience: one request, one answer. The official packages drive it in
//! `tests/openai`.

use super::http;
use super::sse::Events;
use futures_util::StreamExt;
use serde_json::{Value, json};

/// A base URL with a key.
#[derive(Clone)]
pub(crate) struct OpenAi {
    /// `{url}/{service}/v1`.
    pub(crate) base: String,
    pub(crate) model: String,
    pub(crate) key: String,
    http: reqwest::Client,
}

/// One HTTP answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The message of a completion.
    pub(crate) fn message(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        &self.body["choices"][0]["message"]
    }

    pub(crate) fn content(&self) -> &str {
        self.message()["content"].as_str().unwrap_or_default()
    }

    /// The structured result of the only call that was run.
    pub(crate) fn structured(&self) -> &Value {
        let results = self.message()["tool_results"].as_array().unwrap_or_else(|| panic!("{}", self.body));
        assert_eq!(results.len(), 1, "{}", self.body);
        &results[0]["structured_content"]
    }

    /// Status, `code` and `param` of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        let error = &self.body["error"];
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{}", self.body);
        assert!(error["type"].is_string(), "{}", self.body);
        (self.status, error["code"].as_str().unwrap_or_default(), error["param"].as_str().unwrap_or_default())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl OpenAi {
    pub(crate) fn new(url: &str, service: &str, key: &str) -> Self {
        let base = if service == "m365" { format!("{url}/v1") } else { format!("{url}/{service}/v1") };
        Self { base, model: service.to_owned(), key: key.to_owned(), http: http::client() }
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        read(self.request(reqwest::Method::GET, path)).await
    }

    /// POSTs any body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        read(self.request(reqwest::Method::POST, path).json(body)).await
    }

    /// The same under an idempotency key.
    pub(crate) async fn post_once(&self, path: &str, body: &Value, key: &str) -> Reply {
        read(self.request(reqwest::Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// A chat of one user message, with further members.
    pub(crate) fn chat(&self, text: &str, more: Value) -> Value {
        let mut body = json!({ "model": self.model, "messages": [{ "role": "user", "content": text }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// Asks one thing.
    pub(crate) async fn ask(&self, text: &str, more: Value) -> Reply {
        self.post("/chat/completions", &self.chat(text, more)).await
    }

    /// Runs a tool in so many words.
    pub(crate) async fn run(&self, tool: &str, arguments: &Value) -> Reply {
        self.ask(&format!("{tool} {arguments}"), json!({})).await
    }

    /// The data of a stream that ends, and whether it said `[DONE]`.
    pub(crate) async fn stream(&self, path: &str, body: &Value) -> (Vec<Value>, bool) {
        let response = self.request(reqwest::Method::POST, path).json(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let (mut events, mut data, mut chunks) = (Events::default(), Vec::new(), response.bytes_stream());
        while let Some(chunk) = chunks.next().await {
            data.extend(events.take(&chunk.unwrap()).into_iter().map(|event| event.data));
        }
        data.retain(|data| !data.is_empty());
        let is_done = data.last().is_some_and(|last| last == "[DONE]");
        data.retain(|data| data != "[DONE]");
        (data.iter().map(|data| serde_json::from_str(data).unwrap()).collect(), is_done)
    }
}

async fn read(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} is no JSON: {text}"));
    Reply { status, headers, body }
}

/// The text that the chunks of a chat add up to.
pub(crate) fn text_of(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}
