//! The typed settings, one struct per section of `config/default.toml`, where each key is documented.

use super::clients::ClientEntry;
use crate::domain::secret::Secret;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) clients: Vec<ClientEntry>,
    pub(crate) server: ServerSection,
    pub(crate) store: StoreSection,
    pub(crate) keys: KeysSection,
    pub(crate) entra: EntraSection,
    pub(crate) graph: GraphSection,
    pub(crate) oauth: OauthSection,
    pub(crate) registration: RegistrationSection,
    pub(crate) client_metadata: ClientMetadataSection,
    pub(crate) limits: LimitsSection,
    pub(crate) mcp: McpSection,
    pub(crate) openai: OpenAiSection,
    pub(crate) llm: LlmSection,
    pub(crate) tools: ToolsSection,
    pub(crate) services: ServicesSection,
    pub(crate) mail: MailSection,
    pub(crate) net: NetSection,
    pub(crate) log: LogSection,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSection {
    pub(crate) listen: SocketAddr,
    /// None where operators have no listener.
    #[serde(deserialize_with = "address")]
    pub(crate) admin_listen: Option<SocketAddr>,
    #[serde(deserialize_with = "secret")]
    pub(crate) admin_token: Secret<String>,
    pub(crate) public_url: String,
    pub(crate) workers: usize,
    pub(crate) shutdown_grace_s: u64,
    pub(crate) drain_delay_s: u64,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) test_clock_offset_s: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// May hold a password, hence a secret.
    #[serde(deserialize_with = "secret")]
    pub(crate) url: Secret<String>,
    pub(crate) ca_file: String,
    pub(crate) certificate_file: String,
    pub(crate) key_file: String,
    pub(crate) sentinel_user: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) sentinel_password: Secret<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysSection {
    #[serde(deserialize_with = "secret")]
    pub(crate) encryption_key: Secret<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) encryption_keys: Secret<String>,
    pub(crate) reencrypt_after_s: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntraSection {
    pub(crate) client_id: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: Secret<String>,
    pub(crate) client_certificate_path: String,
    pub(crate) federated_token_file: String,
    pub(crate) tenant_id: String,
    pub(crate) authority: String,
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
    pub(crate) allowed_tenants: Vec<String>,
    pub(crate) allowed_groups: Vec<String>,
    pub(crate) allowed_roles: Vec<String>,
    pub(crate) continuous_access: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GraphSection {
    pub(crate) url: String,
    pub(crate) insecure_upstream: bool,
    pub(crate) outlook_concurrent: usize,
    pub(crate) outlook_requests: u32,
    pub(crate) outlook_period_s: u64,
    pub(crate) file_units: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OauthSection {
    pub(crate) access_ttl_s: u64,
    pub(crate) refresh_ttl_s: u64,
    pub(crate) grant_ttl_s: u64,
    pub(crate) code_ttl_s: u64,
    pub(crate) client_ttl_s: u64,
    pub(crate) refresh_grace_s: u64,
    pub(crate) refresh_reuse: RefreshReuse,
    pub(crate) openid: bool,
    pub(crate) id_token_key_ttl_s: u64,
    pub(crate) client_credentials: bool,
    pub(crate) personal_keys: bool,
    pub(crate) personal_key_ttl_s: u64,
    pub(crate) dpop: DpopSwitch,
    pub(crate) dpop_nonce: bool,
    pub(crate) trusted_issuers: Vec<String>,
    pub(crate) scope_ceiling: Vec<String>,
    pub(crate) admin_granted_scopes: Vec<String>,
    pub(crate) allowed_users: Vec<String>,
    pub(crate) allowed_domains: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrationSection {
    pub(crate) mode: RegistrationSwitch,
    #[serde(deserialize_with = "secret")]
    pub(crate) initial_access_token: Secret<String>,
    pub(crate) unused_ttl_s: u64,
    pub(crate) redirect_hosts: Vec<String>,
    pub(crate) private_schemes: Vec<String>,
}

/// Who may register clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RegistrationSwitch {
    Open,
    Token,
    Off,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientMetadataSection {
    pub(crate) enabled: bool,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) denied_hosts: Vec<String>,
    pub(crate) test_addresses: Vec<String>,
    pub(crate) test_authority: String,
}

/// What becomes of a refresh token that comes again after the grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefreshReuse {
    Revoke,
    Reject,
}

/// Whether clients may bind their tokens to a key (RFC 9449).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DpopSwitch {
    Off,
    Optional,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSection {
    pub(crate) enabled: bool,
    pub(crate) register_per_minute: u32,
    pub(crate) authorize_per_minute: u32,
    pub(crate) token_per_minute: u32,
    pub(crate) other_per_minute: u32,
    pub(crate) client_per_minute: u32,
    pub(crate) user_per_minute: u32,
    pub(crate) shared_ranges: Vec<String>,
    pub(crate) shared_factor: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct McpSection {
    pub(crate) session_ttl_s: u64,
    pub(crate) max_sessions_per_user: usize,
    pub(crate) max_sessions_per_client: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_json_depth: usize,
    pub(crate) heartbeat_s: u64,
    pub(crate) max_streams: usize,
    pub(crate) max_streams_per_user: usize,
    pub(crate) lenient_sessions: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenAiSection {
    pub(crate) max_running_per_user: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LlmSection {
    /// Empty: there is no language model.
    pub(crate) url: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) key: Secret<String>,
    pub(crate) model: String,
    pub(crate) allow_http: bool,
    pub(crate) max_steps: usize,
    pub(crate) timeout_s: u64,
    pub(crate) silence_s: u64,
    pub(crate) tokens_per_day: u64,
    pub(crate) destructive_tools: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolsSection {
    pub(crate) deadline_s: u64,
    pub(crate) output_bytes: usize,
    pub(crate) read_only: bool,
    pub(crate) recipient_domains: Vec<String>,
    pub(crate) writes_per_hour: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicesSection {
    pub(crate) enabled: Vec<String>,
    pub(crate) default: String,
    /// Path of a table that replaces the one that is compiled in; empty: none.
    pub(crate) organizations_file: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetSection {
    pub(crate) allowed_ranges: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSection {
    pub(crate) default_time_zone: String,
    pub(crate) blocked_senders: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSection {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom(format!("`{text}` is no address such as 127.0.0.1:9090"));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| wrong()) }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
