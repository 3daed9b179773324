//! The official Rust client (`rmcp`): discovery, registration, sign-in and tools as a real client does them.

use super::browser::Browser;
use super::http;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::Value;

/// A connected client.
pub(crate) struct Official {
    service: RunningService<RoleClient, ()>,
    /// Titles of the pages that the person saw on the way.
    pub(crate) pages: Vec<String>,
}

/// The handshake of 2025-11-25 and before.
pub(crate) fn legacy() -> ClientLifecycleMode {
    ClientLifecycleMode::Initialize
}

/// `server/discover` and self-contained requests.
pub(crate) fn modern() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
}

/// From a bare URL to credentials: discovery, registration, and the person at the pages, whose titles are returned.
pub(crate) async fn sign_in(endpoint: &str, user: &str) -> (AuthClient<reqwest::Client>, Vec<String>) {
    http::install_tls();
    let redirect = "http://127.0.0.1:9/official";
    let mut state = OAuthState::new(endpoint, None).await.unwrap();
    let request = AuthorizationRequest::new(redirect).with_client_name("rmcp in the tests");
    state.start_authorization(request).await.unwrap();
    let mut browser = Browser::new(user);
    let landing = browser.walk(&state.get_authorization_url().await.unwrap(), redirect).await;
    state.handle_callback_url(&landing).await.unwrap();
    (AuthClient::new(http::client(), state.into_authorization_manager().unwrap()), browser.pages)
}

impl Official {
    /// What a user's client does after "add server".
    pub(crate) async fn connect(base: &str, user: &str, mode: ClientLifecycleMode) -> Self {
        let endpoint = format!("{base}/mail-query/mcp");
        let (auth, pages) = sign_in(&endpoint, user).await;
        let config = StreamableHttpClientTransportConfig::with_uri(endpoint);
        let transport = StreamableHttpClientTransport::with_client(auth, config);
        let service = ().serve_with_lifecycle(transport, mode).await.unwrap();
        Self { service, pages }
    }

    /// Names of all tools.
    pub(crate) async fn tools(&self) -> Vec<String> {
        let tools = self.service.list_all_tools().await.unwrap();
        tools.into_iter().map(|tool| tool.name.into_owned()).collect()
    }

    /// Calls a tool that must work; its structured answer and its text.
    pub(crate) async fn call(&self, tool: &'static str, arguments: Value) -> (Value, String) {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let params = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.service.call_tool(params).await.unwrap();
        assert_ne!(result.is_error, Some(true), "{result:?}");
        let text = result.content.iter().filter_map(|part| part.as_text()).map(|part| part.text.as_str());
        let text = text.collect::<Vec<_>>().join("\n");
        (result.structured_content.unwrap_or_default(), text)
    }

    /// Ends the session.
    pub(crate) async fn close(self) {
        self.service.cancel().await.unwrap();
    }
}
