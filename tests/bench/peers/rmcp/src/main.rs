//! `query_email` on the official Rust SDK and axum, as its own examples build a server. It knows one bearer, keeps
//! it in memory and decrypts nothing, which is less than Entrada does.

use axum::http::{Request, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, ServerCapabilities, ServerConfig};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// What the bench tells a peer.
fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[derive(Deserialize, schemars::JsonSchema)]
#[allow(dead_code, reason = "the query is fixed, so that every subject asks Graph the same")]
struct Asked {
    days_back: Option<u32>,
    max_mails: Option<u32>,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<Mail>,
}

/// A message as Graph writes it and as the tool answers it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
struct Mail {
    id: String,
    subject: String,
    from: serde_json::Value,
    to_recipients: serde_json::Value,
    received_date_time: String,
    is_read: bool,
    has_attachments: bool,
    importance: String,
    conversation_id: String,
    body_preview: String,
    web_link: String,
}

#[derive(Serialize)]
struct Answer {
    messages: Vec<Mail>,
}

#[derive(Clone)]
struct Peer {
    tool_router: ToolRouter<Self>,
    http: reqwest::Client,
    url: Arc<str>,
    token: Arc<str>,
}

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

#[tool_router]
impl Peer {
    #[tool(description = "Search the signed-in user's mail.")]
    async fn query_email(&self, Parameters(_): Parameters<Asked>) -> Result<CallToolResult, ErrorData> {
        let answer = self.http.get(&*self.url).bearer_auth(&self.token).send().await.map_err(failed)?;
        let body = answer.error_for_status().map_err(failed)?.bytes().await.map_err(failed)?;
        let page: Page = serde_json::from_slice(&body).map_err(failed)?;
        let mut text = String::new();
        for mail in &page.value {
            let _ = write!(text, "- {} **{}**\n  {}\n", mail.received_date_time, mail.subject, mail.body_preview);
        }
        let value = serde_json::to_value(Answer { messages: page.value }).map_err(failed)?;
        let mut result = CallToolResult::structured(value);
        result.content = vec![ContentBlock::text(text)];
        Ok(result)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Peer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

type Bearers = Arc<HashMap<String, String>>;

async fn admit(
    axum::extract::State(bearers): axum::extract::State<Bearers>,
    request: Request<axum::body::Body>,
    next: Next,
) -> Response {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let known = header.and_then(|value| value.strip_prefix("Bearer ")).and_then(|bearer| bearers.get(bearer));
    if known.is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let peer = Peer {
        tool_router: Peer::tool_router(),
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        url: told("PEER_GRAPH_URL").into(),
        token: told("PEER_GRAPH_TOKEN").into(),
    };
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let service = StreamableHttpService::new(move || Ok(peer.clone()), Arc::new(LocalSessionManager::default()), config);
    let bearers: Bearers = Arc::new(HashMap::from([(told("PEER_BEARER"), "alice".to_owned())]));
    let app = axum::Router::new().nest_service("/mcp", service).layer(from_fn_with_state(bearers, admit));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("peer listening on http://{}", listener.local_addr().unwrap());
    axum::serve(listener, app).await.unwrap();
}
