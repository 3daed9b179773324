//! What the clients of the field send, as far as vendors' documents, their metadata documents and issue reports tell.

use serde_json::{Value, json};

/// Where a client takes the scopes of its authorization request from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeSource {
    /// `scope` of the 401 challenge.
    Challenge,
    /// `scopes_supported` of the protected resource metadata.
    Resource,
    /// `scopes_supported` of the authorization server metadata.
    Server,
    /// It asks for nothing.
    Nothing,
}

/// How a client speaks MCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// `initialize` once, then the session id on every request.
    Session(&'static str),
    /// `initialize`, but no session id on what follows.
    Forgetful(&'static str),
    /// A new session for every call.
    SessionPerCall(&'static str),
}

/// One client.
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) user_agent: &'static str,
    /// `MCP-Protocol-Version` on discovery requests.
    pub(super) discovery_version: Option<&'static str>,
    /// Origin of a client that runs in a page, and so asks before it asks.
    pub(super) origin: Option<&'static str>,
    /// URL of its client ID metadata document.
    pub(super) document: Option<&'static str>,
    /// Body of its registration.
    pub(super) registration: Value,
    /// The redirect URI of its authorization request.
    pub(super) redirect: &'static str,
    /// The same with its document, where that differs.
    pub(super) document_redirect: Option<&'static str>,
    pub(super) scopes: ScopeSource,
    /// Asked for besides.
    pub(super) extra_scopes: &'static [&'static str],
    pub(super) resource_on_refresh: bool,
    pub(super) scope_on_refresh: bool,
    pub(super) speaks: Speaks,
}

/// A public client's registration.
fn registration(name: &str, redirect_uris: &[&str]) -> Value {
    json!({
        "client_name": name,
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

/// The members of a registration, and more.
fn with(mut registration: Value, more: Value) -> Value {
    let (Value::Object(members), Value::Object(more)) = (&mut registration, more) else {
        panic!("registrations are objects")
    };
    members.extend(more);
    registration
}

pub(super) fn claude_hosted() -> Profile {
    Profile {
        name: "Claude hosted",
        user_agent: "python-httpx/0.28.1",
        discovery_version: Some("2025-11-25"),
        origin: None,
        document: Some("https://claude.ai/oauth/mcp-oauth-client-metadata"),
        registration: with(
            registration("Claude", &["https://claude.ai/api/mcp/auth_callback"]),
            json!({ "scope": "claudeai" }),
        ),
        redirect: "https://claude.ai/api/mcp/auth_callback",
        document_redirect: None,
        scopes: ScopeSource::Challenge,
        extra_scopes: &["claudeai", "offline_access"],
        resource_on_refresh: true,
        scope_on_refresh: true,
        speaks: Speaks::SessionPerCall("2025-11-25"),
    }
}

pub(super) fn claude_code() -> Profile {
    Profile {
        name: "Claude Code",
        user_agent: "claude-code/2.1.0",
        discovery_version: Some("2025-11-25"),
        origin: None,
        document: Some("https://claude.ai/oauth/claude-code-client-metadata"),
        registration: registration("Claude Code", &["http://localhost:53211/callback"]),
        redirect: "http://localhost:53211/callback",
        document_redirect: Some("http://localhost:61007/callback"),
        scopes: ScopeSource::Challenge,
        extra_scopes: &["offline_access"],
        resource_on_refresh: true,
        scope_on_refresh: false,
        speaks: Speaks::Session("2025-11-25"),
    }
}

pub(super) fn chatgpt() -> Profile {
    Profile {
        name: "ChatGPT",
        user_agent: "openai-mcp/1.0.0",
        discovery_version: None,
        origin: None,
        document: Some("https://chatgpt.com/oauth/client.json"),
        registration: registration("ChatGPT", &["https://chatgpt.com/connector_platform_oauth_redirect"]),
        redirect: "https://chatgpt.com/connector_platform_oauth_redirect",
        document_redirect: None,
        scopes: ScopeSource::Resource,
        extra_scopes: &[],
        resource_on_refresh: true,
        scope_on_refresh: false,
        speaks: Speaks::Forgetful("2025-06-18"),
    }
}

pub(super) fn vs_code() -> Profile {
    let redirects = [
        "https://insiders.vscode.dev/redirect",
        "https://vscode.dev/redirect",
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
    ];
    Profile {
        name: "VS Code",
        user_agent: "node",
        discovery_version: Some("2025-11-25"),
        origin: None,
        document: Some("https://vscode.dev/oauth/client-metadata.json"),
        registration: with(
            registration("Visual Studio Code", &redirects),
            json!({
                "client_uri": "https://code.visualstudio.com",
                "application_type": "native",
                "grant_types": [
                    "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
                ],
            }),
        ),
        // 33418 was busy.
        redirect: "http://127.0.0.1:41873/",
        document_redirect: None,
        scopes: ScopeSource::Challenge,
        extra_scopes: &[],
        resource_on_refresh: true,
        scope_on_refresh: true,
        speaks: Speaks::Session("2025-11-25"),
    }
}

pub(super) fn cursor() -> Profile {
    let redirects = [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
    ];
    Profile {
        name: "Cursor",
        user_agent: "node",
        discovery_version: Some("2025-06-18"),
        origin: None,
        document: None,
        registration: registration("Cursor", &redirects),
        redirect: "cursor://anysphere.cursor-mcp/oauth/callback",
        document_redirect: None,
        scopes: ScopeSource::Server,
        extra_scopes: &[],
        resource_on_refresh: true,
        scope_on_refresh: false,
        speaks: Speaks::Session("2025-06-18"),
    }
}

pub(super) fn mcp_remote() -> Profile {
    Profile {
        name: "mcp-remote",
        user_agent: "node",
        discovery_version: Some("2025-11-25"),
        origin: None,
        document: None,
        registration: with(
            registration("MCP CLI Proxy", &["http://localhost:3334/oauth/callback"]),
            json!({
                "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
                "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
                "software_version": "0.1.43",
            }),
        ),
        redirect: "http://localhost:3334/oauth/callback",
        document_redirect: None,
        scopes: ScopeSource::Resource,
        extra_scopes: &[],
        resource_on_refresh: true,
        scope_on_refresh: false,
        speaks: Speaks::Session("2025-03-26"),
    }
}

pub(super) fn inspector() -> Profile {
    Profile {
        name: "MCP Inspector",
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        discovery_version: Some("2025-11-25"),
        origin: Some("http://localhost:6274"),
        document: None,
        registration: with(
            registration(
                "MCP Inspector",
                &["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug"],
            ),
            json!({ "client_uri": "https://github.com/modelcontextprotocol/inspector", "scope": "" }),
        ),
        redirect: "http://localhost:6274/oauth/callback/debug",
        document_redirect: None,
        scopes: ScopeSource::Nothing,
        extra_scopes: &[],
        resource_on_refresh: true,
        scope_on_refresh: false,
        speaks: Speaks::Session("2025-11-25"),
    }
}

pub(super) fn codex() -> Profile {
    Profile {
        name: "Codex CLI",
        user_agent: "codex_cli_rs/0.50.0",
        discovery_version: Some("2024-11-05"),
        origin: None,
        document: Some("https://chatgpt.com/oauth/codex/client.json"),
        registration: with(
            registration("Codex", &["http://127.0.0.1:49152/callback/9f2c"]),
            json!({ "application_type": "native" }),
        ),
        redirect: "http://127.0.0.1:49152/callback/9f2c",
        document_redirect: Some("http://127.0.0.1:49152/callback"),
        scopes: ScopeSource::Resource,
        extra_scopes: &[],
        resource_on_refresh: false,
        scope_on_refresh: false,
        speaks: Speaks::Session("2025-06-18"),
    }
}
