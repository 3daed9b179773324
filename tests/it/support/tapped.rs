//! MCP over HTTP past the balancer: what is sent and what comes back is checked as the balancer checks it.

use super::sse::Events;
use super::wire::{Recorder, Tap};
use reqwest::{RequestBuilder, Response};

/// Sends a request; the answer is to be read with `text` or by `Stream`.
pub(crate) async fn send(request: RequestBuilder) -> reqwest::Result<Response> {
    let (client, request) = request.build_split();
    let request = request?;
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let url = request.url();
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let recorder = Recorder::direct();
    let version = header("mcp-protocol-version");
    let tap = recorder.tap(request.method().as_str(), &path, version, header("mcp-session-id"));
    if let (Some(tap), Some(body)) = (&tap, request.body().and_then(reqwest::Body::as_bytes)) {
        tap.client_says(body);
    }
    let mut response = client.execute(request).await?;
    if let Some(tap) = tap {
        let session = response.headers().get("mcp-session-id").and_then(|value| value.to_str().ok());
        tap.answered(response.status().as_u16(), session);
        response.extensions_mut().insert(tap);
    }
    Ok(response)
}

/// The tap of an answer.
pub(crate) fn tap(response: &Response) -> Option<Tap> {
    response.extensions().get::<Tap>().cloned()
}

/// The whole body, JSON or a stream that ends.
pub(crate) async fn text(response: Response) -> reqwest::Result<String> {
    let (tap, status) = (tap(&response), response.status().as_u16());
    let kind = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let is_stream = kind.unwrap_or_default().starts_with("text/event-stream");
    let text = response.text().await?;
    let Some(tap) = tap else { return Ok(text) };
    if is_stream {
        for event in Events::default().take(text.as_bytes()) {
            tap.event(event.data.as_bytes());
        }
    } else {
        tap.body(status, text.as_bytes());
    }
    Ok(text)
}
