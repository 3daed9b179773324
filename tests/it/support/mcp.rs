//! An MCP client without mercy or convenience: one HTTP request, one answer, both eras.

use super::sse::Stream;
use super::{http, tapped};
use serde_json::{Value, json};

/// Version of the modern era.
pub(crate) const MODERN: &str = "2026-07-28";

/// An endpoint with a bearer.
#[derive(Clone)]
pub(crate) struct Mcp {
    pub(crate) endpoint: String,
    pub(crate) bearer: String,
    pub(crate) version: String,
    pub(crate) session: Option<String>,
    http: reqwest::Client,
}

/// One HTTP answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The JSON-RPC response; null when the body held none.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// The result of a successful call.
    pub(crate) fn result(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.body.get("result").unwrap_or_else(|| panic!("no result: {}", self.text))
    }

    /// The result of a tool call that worked.
    pub(crate) fn output(&self) -> &Value {
        let result = self.result();
        assert_ne!(result["isError"], true, "{}", self.text);
        &result["structuredContent"]
    }

    /// The text of a tool call that the tool refused.
    pub(crate) fn refusal(&self) -> String {
        let result = self.result();
        assert_eq!(result["isError"], true, "{}", self.text);
        result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// JSON-RPC error code.
    pub(crate) fn error_code(&self) -> i64 {
        self.body["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {} {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Mcp {
    /// A client of the modern era: no handshake.
    pub(crate) fn modern(base: &str, bearer: &str) -> Self {
        Self::of(&format!("{base}/mail-query/mcp"), bearer)
    }

    /// The same at any endpoint.
    pub(crate) fn of(endpoint: &str, bearer: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            bearer: bearer.to_owned(),
            version: MODERN.to_owned(),
            session: None,
            http: http::client(),
        }
    }

    /// A legacy client with an open session.
    pub(crate) async fn legacy(base: &str, bearer: &str, version: &str) -> Self {
        Self::modern(base, bearer).opened(version).await
    }

    /// The same at this client's endpoint.
    pub(crate) async fn opened(&self, version: &str) -> Self {
        let mut client = self.with_bearer(&self.bearer);
        version.clone_into(&mut client.version);
        let opened = client.send("initialize", hello(version)).await;
        assert_eq!(opened.result()["protocolVersion"], version);
        client.session = Some(opened.header("mcp-session-id").to_owned());
        let body = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(client.post(body.to_string(), &[]).await.status, 202);
        client
    }

    /// Calls `method` with the envelope of the era.
    pub(crate) async fn send(&self, method: &str, params: Value) -> Answer {
        self.ask("7", method, params).await
    }

    /// The same with an id of the caller's, as JSON text.
    pub(crate) async fn ask(&self, id: &str, method: &str, params: Value) -> Answer {
        let (body, headers) = self.envelope(id, method, params);
        self.post(body, &headers).await
    }

    /// Body and headers of a request, as the era wants them.
    fn envelope(&self, id: &str, method: &str, params: Value) -> (String, Vec<(&'static str, String)>) {
        let mut headers = Vec::new();
        if self.version == MODERN {
            headers.push(("Mcp-Method", method.to_owned()));
            if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
                headers.push(("Mcp-Name", name.to_owned()));
            }
        }
        (request(&self.version, id, method, params), headers)
    }

    /// Waits until the bearer is refused, as it is everywhere within a second of its end.
    pub(crate) async fn until_refused(&self) -> Answer {
        http::eventually("the bearer is refused", || async {
            let answer = self.call("list_mail_folders", json!({})).await;
            (answer.status == 401).then_some(answer)
        })
        .await
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.send("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Calls a writing tool, shows nobody the preview, and confirms it.
    pub(crate) async fn confirmed(&self, tool: &str, mut arguments: Value) -> Value {
        let held = self.call(tool, arguments.clone()).await.output().clone();
        assert_eq!(held["status"], "confirmation_required", "{held}");
        arguments["confirm_token"] = held["confirm_token"].clone();
        let done = self.call(tool, arguments).await.output().clone();
        assert_eq!(done["status"], "done", "{done}");
        done
    }

    /// POSTs any body as JSON.
    pub(crate) async fn post(&self, body: String, headers: &[(&str, String)]) -> Answer {
        self.try_post(body, headers).await.unwrap()
    }

    /// Calls a tool where the server may vanish.
    pub(crate) async fn try_tool(&self, tool: &str, arguments: Value) -> reqwest::Result<Answer> {
        let params = json!({ "name": tool, "arguments": arguments });
        let (body, headers) = self.envelope("7", "tools/call", params);
        self.try_post(body, &headers).await
    }

    async fn try_post(&self, body: String, headers: &[(&str, String)]) -> reqwest::Result<Answer> {
        let response = tapped::send(self.request(body, headers)).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = tapped::text(response).await?;
        let body = serde_json::from_str(&last_message(&text)).unwrap_or_default();
        Ok(Answer { status, headers, body, text })
    }

    /// Calls a tool and answers the HTTP status only, or how the connection failed.
    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> reqwest::Result<u16> {
        let params = json!({ "name": tool, "arguments": arguments });
        let (body, headers) = self.envelope("7", "tools/call", params);
        let response = tapped::send(self.request(body, &headers)).await?;
        let status = response.status().as_u16();
        tapped::text(response).await?;
        Ok(status)
    }

    /// The same client, and the same session, with somebody else's bearer.
    pub(crate) fn with_bearer(&self, bearer: &str) -> Self {
        Self { bearer: bearer.to_owned(), ..self.clone() }
    }

    /// Opens the standalone event stream of the session.
    pub(crate) async fn open_stream(&self) -> reqwest::Response {
        let request = self.http.get(&self.endpoint).bearer_auth(&self.bearer);
        let request =
            request.header("Accept", "text/event-stream").header("MCP-Protocol-Version", &self.version);
        let session = self.session.as_deref().unwrap_or_default();
        tapped::send(request.header("Mcp-Session-Id", session)).await.unwrap()
    }

    /// Opens a stream of changes of the lists (2026-07-28).
    pub(crate) async fn listen(&self) -> reqwest::Response {
        let wanted = json!({ "notifications": { "toolsListChanged": true } });
        let (body, headers) = self.envelope("7", "subscriptions/listen", wanted);
        tapped::send(self.request(body, &headers)).await.unwrap()
    }

    /// Calls a tool and leaves the answer on the wire.
    pub(crate) async fn open_call(&self, tool: &str) -> reqwest::Response {
        self.open_call_with(tool, json!({})).await
    }

    /// The same with arguments.
    pub(crate) async fn open_call_with(&self, tool: &str, arguments: Value) -> reqwest::Response {
        let (body, headers) =
            self.envelope("7", "tools/call", json!({ "name": tool, "arguments": arguments }));
        self.request(body, &headers).send().await.unwrap()
    }

    /// Opens the stream of HTTP+SSE (2024-11-05).
    pub(crate) async fn open_sse(&self) -> reqwest::Response {
        let url = self.endpoint.replace("/mcp", "/sse");
        let request = self.http.get(url).bearer_auth(&self.bearer);
        tapped::send(request.header("Accept", "text/event-stream")).await.unwrap()
    }

    /// Opens a session of HTTP+SSE, whose stream listens from here on.
    pub(crate) async fn sse_session(&self) -> Stream {
        let response = self.open_sse().await;
        assert_eq!(response.status(), 200);
        let mut stream = Stream::of(response);
        let path = stream.until("sessionId=").await;
        let base = self.endpoint.rsplitn(3, '/').last().unwrap();
        for said in [
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello("2024-11-05") }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        ] {
            let post = self.http.post(format!("{base}{path}")).bearer_auth(&self.bearer).json(&said);
            assert_eq!(tapped::send(post).await.unwrap().status(), 202);
            if said.get("id").is_some() {
                stream.until("serverInfo").await;
            }
        }
        stream
    }

    /// DELETEs the session; the status.
    pub(crate) async fn end_session(&self) -> u16 {
        let session = self.session.as_deref().unwrap_or_default();
        let request = self.http.delete(&self.endpoint).bearer_auth(&self.bearer);
        let response = request.header("Mcp-Session-Id", session).send().await.unwrap();
        response.status().as_u16()
    }

    /// A fresh connection for every request.
    pub(crate) fn without_keep_alive(mut self) -> Self {
        self.http = http::client_without_keep_alive();
        self
    }

    fn request(&self, body: String, headers: &[(&str, String)]) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .post(&self.endpoint)
            .bearer_auth(&self.bearer)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", &self.version);
        if let Some(session) = &self.session {
            request = request.header("Mcp-Session-Id", session);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.body(body)
    }
}

/// A request in the form of `version`; `id` is JSON text.
pub(crate) fn request(version: &str, id: &str, method: &str, mut params: Value) -> String {
    if version == MODERN {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "entrada-tests", "version": "1" },
        });
        let own = params.as_object_mut().unwrap().entry("_meta").or_insert_with(|| json!({}));
        for (name, value) in meta.as_object().unwrap() {
            own.as_object_mut().unwrap().entry(name).or_insert_with(|| value.clone());
        }
    }
    let method = Value::from(method);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
}

/// Parameters of `initialize`.
pub(crate) fn hello(version: &str) -> Value {
    json!({
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": { "name": "entrada-tests", "version": "1" },
    })
}

/// The last JSON-RPC message of a body, which is plain JSON or an event stream.
pub(crate) fn last_message(text: &str) -> String {
    let mut data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    data.rfind(|data| !data.is_empty()).unwrap_or(text).to_owned()
}
